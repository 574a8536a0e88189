"""A lean pool of connections: last in, first out, with nothing sent when a connection is given back.

asyncpg's own pool resets every connection on release, which costs more than a short query. Here a connection carries
no state between two users by construction: reads run in autocommit, and a write that does not end cleanly closes its
connection. Last in, first out keeps few connections busy and their statement caches warm.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import Any

from kingpost.stores.contract import StoreDown


class NoPlace(StoreDown):
    """The server has as many connections as it takes."""


class Pool:
    """At most `size` connections, made when they are first needed.

    Args:
        connect: Opens one connection (asyncpg's). Where it raises `NoPlace`, those that are open have to do.
        size: How many there may be at once.
        wait: How many seconds `acquire` waits for one before `StoreDown`.
        name: What they are for, in errors.
    """

    def __init__(self, connect: Callable[[], Awaitable[Any]], size: int, wait: float, name: str) -> None:
        self._connect = connect
        self._size = size
        self._wait = wait
        self._name = name
        self._idle: list[Any] = []
        self._open = 0  # idle, in use, and being connected
        self._waiters: OrderedDict[asyncio.Future[Any], float] = OrderedDict()
        """In line, with the time (of the loop) up to which each waits; one timer serves them all."""
        self._timer: asyncio.TimerHandle | None = None
        self._closing: set[asyncio.Task[None]] = set()
        self._stopped = False

    @property
    def open(self) -> int:
        """How many connections there are now."""
        return self._open

    @property
    def busy(self) -> bool:
        """Whether one would have to wait for a connection."""
        return not self._idle and self._open >= self._size

    async def acquire(self, *, fresh: bool = False) -> Any:
        """A connection of one's own until `release`. `fresh`: a new one, where an old one has just turned out dead."""
        if fresh:
            self._drop_idle()
        if (connection := self._idle_one()) is not None:
            return connection
        if self._stopped:
            raise StoreDown(f"The store is stopped; no connection for {self._name}")
        if self._open < self._size:
            self._open += 1
            return await self._make()
        return await self._queue()

    def release(self, connection: Any, *, broken: bool = False) -> None:
        """Give it back. `broken`: its state is not known, so it is closed and never used again."""
        if broken or self._stopped or connection.is_closed():
            self._discard(connection)
            return
        if not self._hand_over(connection):
            self._idle.append(connection)

    def start(self) -> None:
        """Give out connections, also after a `stop`."""
        self._stopped = False
        self._timer = None  # one of a loop that is gone will not ring

    async def stop(self) -> None:
        """Close all: idle ones now, those in use when they come back."""
        self._stopped = True
        self._drop_idle()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        for waiter in self._waiters:
            if not waiter.done():
                waiter.set_exception(StoreDown("The store is being stopped"))
        self._waiters.clear()
        if self._closing:
            await asyncio.gather(*self._closing, return_exceptions=True)

    async def _make(self) -> Any:
        """Open one; its place is counted already."""
        try:
            return await self._connect()
        except NoPlace:
            # One may have been given back meanwhile, when nobody stood in line yet.
            connection = self._idle_one()
            if connection is None and self._open == 1:
                self._free_place()
                raise
            self._open -= 1  # nobody else is to try meanwhile
            if connection is not None:
                return connection
        except BaseException:
            self._free_place()
            raise
        # One may have been given back meanwhile, when nobody stood in line yet.
        connection = self._idle_one()
        return await self._queue() if connection is None else connection

    def _idle_one(self) -> Any | None:
        while self._idle:
            connection = self._idle.pop()
            if not connection.is_closed():
                return connection
            self._open -= 1
        return None

    async def _queue(self) -> Any:
        """Wait in line for a connection, or for the place of one that broke (answered as None)."""
        loop = asyncio.get_running_loop()
        waiter: asyncio.Future[Any] = loop.create_future()
        self._waiters[waiter] = loop.time() + self._wait
        if self._timer is None:
            self._timer = loop.call_later(self._wait, self._end_late, loop)
        try:
            connection = await waiter
        except asyncio.CancelledError:
            self._return_unused(waiter)
            raise
        return await self._make() if connection is None else connection

    def _end_late(self, loop: asyncio.AbstractEventLoop) -> None:
        """Tell those who have waited long enough, and wait for the one who is next in line."""
        self._timer = None
        while self._waiters:
            waiter, until = next(iter(self._waiters.items()))
            if until > loop.time() and not waiter.done():
                self._timer = loop.call_at(until, self._end_late, loop)
                return
            del self._waiters[waiter]
            if not waiter.done():
                words = f"No connection for {self._name} came free within {self._wait:g} s: all {self._size} are in use"
                waiter.set_exception(StoreDown(words))

    def _return_unused(self, waiter: asyncio.Future[Any]) -> None:
        """Pass on what was handed to a waiter in the moment when it gave up."""
        if waiter in self._waiters:
            del self._waiters[waiter]
        elif waiter.done() and not waiter.cancelled() and waiter.exception() is None:
            connection = waiter.result()
            if connection is None:
                self._free_place()
            else:
                self.release(connection)

    def _hand_over(self, connection: Any) -> bool:
        """Give a connection, or with None the right to open one, to the first who still waits."""
        while self._waiters:
            waiter, _ = self._waiters.popitem(last=False)
            if not waiter.done():
                waiter.set_result(connection)
                return True
        return False

    def _free_place(self) -> None:
        if not self._hand_over(None):
            self._open -= 1

    def _discard(self, connection: Any) -> None:
        self._free_place()
        if not connection.is_closed():
            task = asyncio.get_running_loop().create_task(_close(connection))
            self._closing.add(task)
            task.add_done_callback(self._closing.discard)

    def _drop_idle(self) -> None:
        idle, self._idle = self._idle, []
        for connection in idle:
            self._discard(connection)


async def _close(connection: Any) -> None:
    """Close politely, so that a statement which was cancelled is cancelled on the server too; then in any way."""
    try:
        await connection.close(timeout=2)
    except Exception:
        connection.terminate()
