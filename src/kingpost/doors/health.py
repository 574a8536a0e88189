"""Whether the server lives and can answer: two addresses for whoever watches over it.

`/health/live` answers as long as the process does: one that does not answer is to be started again. `/health/ready`
asks every store: a process that is not ready is to be sent no requests, and will be ready again by itself.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from typing import Final, Literal, TypeAlias

import msgspec

from kingpost.doors.rest.answer import JSON, NO_STORE, NOSNIFF, Answer, Header, Receive, Scope, Send, send_answer
from kingpost.engine.pulse import Pulse

log = logging.getLogger("kingpost.health")

Health: TypeAlias = Literal["pass", "fail"]

LASTS: Final = 1
"""Seconds for which an answer holds, so that asking often costs nothing."""
METHODS: Final = ("GET", "HEAD")
ALLOW: Final[Header] = (b"allow", b"GET, HEAD")


class HealthDoor:
    """Answers at `{prefix}/live` and `{prefix}/ready`, whoever asks. `wait`: seconds that a store has to answer."""

    def __init__(self, pulse: Pulse, prefix: str, wait: float = 2) -> None:
        self._pulse = pulse
        self._wait = wait
        self.live = f"{prefix}/live"
        self.ready = f"{prefix}/ready"
        self.paths = frozenset({self.live, self.ready})
        self._asking: asyncio.Task[Mapping[str, Health]] | None = None
        self._asked = 0.0
        self._failing: dict[str, str] = {}

    def routes(self) -> list[tuple[str, str, str]]:
        """Method, path and description of both."""
        return [("GET", self.live, "Whether the server lives"), ("GET", self.ready, "Whether every store answers")]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one HTTP request."""
        if scope["method"] not in METHODS:
            answer = Answer(405, [ALLOW, NOSNIFF], b"")
        elif scope["path"] == self.live:
            answer = _told("pass")
        else:
            stores = await self._stores()
            answer = _told("fail" if "fail" in stores.values() else "pass", stores)
        await send_answer(send, answer, head=scope["method"] == "HEAD")

    async def _stores(self) -> Mapping[str, Health]:
        """How each store is. All who ask within a second get one answer."""
        loop = asyncio.get_running_loop()
        known = self._asking
        if known is None or known.get_loop() is not loop or (known.done() and loop.time() > self._asked + LASTS):
            self._asked = loop.time()
            known = self._asking = loop.create_task(self._ask())
        return await asyncio.shield(known)

    async def _ask(self) -> Mapping[str, Health]:
        names = tuple(self._pulse.stores)
        return dict(zip(names, await asyncio.gather(*map(self._ask_one, names)), strict=True))

    async def _ask_one(self, name: str) -> Health:
        try:
            async with asyncio.timeout(self._wait):
                await self._pulse.take(name)
        except TimeoutError:
            why = f"no answer within {self._wait:g} s"
        except Exception as error:
            why = str(error) or type(error).__name__
        else:
            why = ""
        if why != self._failing.get(name, ""):  # what has not changed was told before
            log.warning("the store %s %s", name, f"does not answer: {why}" if why else "answers again")
        self._failing[name] = why
        return "fail" if why else "pass"


def _told(health: Health, stores: Mapping[str, Health] | None = None) -> Answer:
    body = {"status": health} if stores is None else {"status": health, "stores": stores}
    return Answer(200 if health == "pass" else 503, [JSON, NO_STORE, NOSNIFF], msgspec.json.encode(body))
