"""The watch over connections whose server does nothing any more."""

from __future__ import annotations

import asyncio
from typing import Protocol
from weakref import WeakSet


class Watched(Protocol):
    """`began`: since when (in the loop's time) an answer is waited for."""

    began: float | None

    def give_up(self) -> None:
        """Wait no more for the server; whoever does gets a `TimeoutError`."""
        ...


class Watch:
    """Gives connections up whose server has not answered for `limit` seconds: one timer for all of them.

    The server stops long statements by itself; this is for one that does nothing any more.
    """

    def __init__(self, limit: float) -> None:
        self._limit = limit
        self._period = min(1, limit / 4)
        self._connections: WeakSet[Watched] = WeakSet()
        self._timer: asyncio.TimerHandle | None = None

    def start(self) -> None:
        """Begin, on the running loop."""
        self.stop()
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(self._period, self._look, loop)

    def stop(self) -> None:
        """Look after them no more."""
        if self._timer is not None:
            self._timer.cancel()

    def add(self, connection: Watched) -> None:
        """One more to look after, for as long as it lives."""
        self._connections.add(connection)

    def _look(self, loop: asyncio.AbstractEventLoop) -> None:
        self._timer = loop.call_later(self._period, self._look, loop)
        for connection in tuple(self._connections):
            if connection.began is not None and loop.time() - connection.began > self._limit:
                connection.give_up()
