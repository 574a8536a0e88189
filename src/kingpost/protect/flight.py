"""One request on its way: how far it is, and how it is ended when it has had enough."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from enum import Enum, auto
from typing import Any, Final, TypeAlias

from kingpost.base.waiting import Waiting

Scope: TypeAlias = MutableMapping[str, Any]
Message: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]

SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})
"""Methods that change nothing (RFC 9110, section 9.2.1): what they began may be left."""

READING: Final = 0
"""The body of the request is coming in."""
WORKING: Final = 1
"""It is answered; only this phase counts against `in_flight`."""
ANSWERING: Final = 2
"""The answer has begun, and can't be replaced any more."""
OVER: Final = 3
"""The client has been told; whatever the application still sends goes nowhere."""


class End(Enum):
    """Why a request was ended."""

    LATE = auto()
    """It took too long."""
    SLOW = auto()
    """Its body came too slowly."""
    STUCK = auto()
    """Its answer was not taken."""
    GONE = auto()
    """Nobody waits for it any more."""
    SHED = auto()
    """When it was here as a whole, there were too many others."""


class Counts:
    """What all flights share: how many are worked on, of how many, and the time in ticks."""

    __slots__ = ("most", "ticks", "working")

    def __init__(self, most: int) -> None:
        self.most = most
        self.working = 0
        self.ticks = 0


class Flight(Waiting):
    """Stands between the application and the server for one request. `since` is the tick in which its phase began.

    `watched`: whether the application leaves it to us to see that the client has gone.
    """

    # On the class what few requests change: making one of these is part of every request.
    phase: int = WORKING
    here = False
    received = 0
    reading = 0
    """For how many ticks its body has been coming in, before the present phase."""
    sending = False
    watched = False
    end: End | None = None
    gone: asyncio.Task[Message] | None = None

    def __init__(
        self, counts: Counts, task: asyncio.Task[None] | None, scope: Scope, receive: Receive, send: Send
    ) -> None:
        self._counts = counts
        self._task = task
        self._scope = scope
        self._receive = receive
        self._send = send
        self.since = counts.ticks
        counts.working += 1

    @property
    def safe(self) -> bool:
        """Whether it changes nothing."""
        return self._scope["method"] in SAFE

    # What the application is given

    async def receive(self) -> Message:
        """The next part of the body, or that the client is gone."""
        if self.gone is not None:  # two that wait for one thing: only one of them would be told
            return await asyncio.shield(self.gone)
        if self.here or self.phase is not WORKING:
            return await self._receive()
        counts = self._counts
        self.phase, self.since = READING, counts.ticks
        counts.working -= 1
        try:
            message = await self._receive()
        finally:
            if self.phase is READING:
                self.reading += counts.ticks - self.since
                self.phase, self.since = WORKING, counts.ticks
                counts.working += 1
        self.received += len(message.get("body", b""))
        if not message.get("more_body", False):
            self.here = True
            if counts.working > counts.most:
                self.cancel(End.SHED)
                await asyncio.sleep(0)
        return message

    def send(self, message: Message) -> Awaitable[None]:
        """A part of the answer."""
        if self.phase is WORKING:
            self.phase = ANSWERING
            self._counts.working -= 1
        elif self.phase is OVER:
            return _nowhere()
        if "more_body" in message:
            return self._send_part(message)
        return self._send(message)

    async def _send_part(self, message: Message) -> None:
        self.since, self.sending = self._counts.ticks, True
        try:
            await self._send(message)
        finally:
            self.sending = False

    # What is done to it

    def cancel(self, why: End) -> None:
        """End it: the application is cancelled wherever it waits, and what it waits for is noted here."""
        self.end = why
        if self._task is not None:
            self._task.cancel(self)

    def watch(self) -> None:
        """Look out for the client; when it goes away, nobody needs the answer."""
        self.gone = asyncio.get_running_loop().create_task(self._gone())

    def take_over(self) -> Send:
        """The way to the client, from now on closed to the application."""
        self._counts.working -= self.phase is WORKING
        self.phase = OVER
        return self._send

    def land(self) -> None:
        """The application is done with it. Nothing is left to do where it has just been answered."""
        if self.phase is WORKING:
            self._counts.working -= 1
            self.phase = OVER
        if self.gone is not None:
            self.gone.cancel()
        if self.end is not None and self._task is not None:
            self._task.uncancel()

    async def _gone(self) -> Message:
        message = await self._receive()
        while message["type"] != "http.disconnect":
            message = await self._receive()
        if self.phase is WORKING and self.end is None:
            self.cancel(End.GONE)
        return message


async def _nowhere() -> None:
    """Where messages go that nobody waits for."""
