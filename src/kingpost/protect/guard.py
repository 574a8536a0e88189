"""The guard before an application: nothing hangs, nothing piles up.

It costs each request a microsecond, so it keeps no timer for any: once in a while it looks at all that are under way.
"""

from __future__ import annotations

import asyncio
import logging
from asyncio import current_task
from collections.abc import Awaitable, Callable, Collection
from typing import Final, TypeAlias

from kingpost.base.counted import Counted
from kingpost.base.errors import Incomplete, KingpostError, TooSlow, Unavailable
from kingpost.engine.failures import unknown_outcome
from kingpost.protect.flight import ANSWERING, OVER, READING, WORKING, Counts, End, Flight, Receive, Scope, Send
from kingpost.protect.limits import Limits

Application: TypeAlias = Callable[[Scope, Flight], Awaitable[None]]
Tell: TypeAlias = Callable[[Send, KingpostError], Awaitable[None]]
"""Sends the answer that tells of an error."""

RATE: Final = 10_000
"""Bytes of a body a second at which a client is not slow, however long it takes."""
PATIENCE: Final = 1
"""So many seconds a request is worked on before anybody looks whether its client is still there."""


class Guard:
    """Lets requests through to an application, as many as may be, each for as long as it may take.

    `tell` answers in the application's place. `exempt` are paths that are let through whatever is going on.
    """

    def __init__(self, app: Application, limits: Limits, tell: Tell, exempt: Collection[str] = ()) -> None:
        self._app = app
        self._limits = limits
        self._tell = tell
        self._exempt = exempt
        self._counts = Counts(limits.in_flight)
        self._flights: set[Flight] = set()
        self._told = Counted(logging.getLogger("kingpost.protect"))
        self._period = min(1, limits.deadline / 10, limits.slow / 10)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._telling: set[asyncio.Task[None]] = set()

    @property
    def working(self) -> int:
        """How many requests are worked on."""
        return self._counts.working

    def start(self) -> None:
        """Begin to look after requests, which will be on the running event loop."""
        self._loop = asyncio.get_running_loop()
        self._timer = self._loop.call_later(self._period, self._look)

    def stop(self) -> None:
        """Look after them no more."""
        if self._timer is not None:
            self._timer.cancel()
        self._loop = self._timer = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one HTTP request."""
        counts = self._counts
        if counts.working >= counts.most and scope["path"] not in self._exempt:
            await self._shed(send)
            return
        flight = Flight(counts, current_task(self._loop), scope, receive, send)
        self._flights.add(flight)
        try:
            await self._app(scope, flight)
            if flight.end is not None:
                await self._end(flight)
        except BaseException:
            if flight.end is None:
                raise
            await self._end(flight)
        finally:
            self._flights.discard(flight)
            if flight.phase is not ANSWERING or flight.end is not None or flight.gone is not None:
                flight.land()

    # Once in a while

    def _look(self) -> None:
        """See to all requests that are under way."""
        if self._loop is None:
            return
        self._timer = self._loop.call_later(self._period, self._look)
        counts = self._counts
        counts.ticks += 1
        for flight in tuple(self._flights):
            self._look_at(flight, (counts.ticks - flight.since) * self._period)

    def _look_at(self, flight: Flight, age: float) -> None:
        """`age`: seconds in its phase, or up to one period less."""
        limits = self._limits
        if flight.end is not None:
            # It was cancelled a while ago and does not come to an end: it tidies up, for instance.
            if flight.phase is WORKING:
                task = asyncio.get_running_loop().create_task(self._end(flight))
                self._telling.add(task)
                task.add_done_callback(self._telling.discard)
        elif flight.phase is READING:
            if age + (flight.reading + 1) * self._period > limits.slow + flight.received / RATE:
                flight.cancel(End.SLOW)
        elif flight.phase is WORKING:
            if age > limits.deadline:
                flight.cancel(End.LATE)
            elif age > PATIENCE and flight.watched and flight.gone is None and flight.safe:
                flight.watch()
        elif flight.sending and age + self._period > limits.slow:
            words = f"an answer was broken off: its client has taken nothing of it for {limits.slow:g} s"
            self._told.say(logging.WARNING, words)
            flight.cancel(End.STUCK)

    async def _end(self, flight: Flight) -> None:
        """Tell the client why its request was ended, unless an answer has begun: then the connection is cut."""
        if flight.phase is ANSWERING or flight.phase is OVER:
            return
        send = flight.take_over()
        if flight.end is End.GONE:
            return
        if flight.end is End.SHED:
            await self._shed(send)
            return
        error = self._error(flight)
        self._told.say(logging.WARNING, error.message)
        await self._tell(send, error)

    async def _shed(self, send: Send) -> None:
        """Refuse a request, at next to no cost."""
        self._told.say(logging.WARNING, f"a request was refused: {self._counts.most} are answered at once and no more")
        message = "more requests are being answered than this server can do at once; try again later"
        await self._tell(send, Unavailable("KP508", message))

    def _error(self, flight: Flight) -> KingpostError:
        if flight.end is End.SLOW:
            return Incomplete("KP174", "the body of the request did not come in time")
        asked = f" while the store {flight.store} was asked" if flight.store else ""
        why = f"the answer took more than {self._limits.deadline:g} s{asked}"
        if flight.safe:
            return TooSlow("KP506", f"{why}; ask for less, or try again later")
        return unknown_outcome(f"{why}, so that the outcome is not known")
