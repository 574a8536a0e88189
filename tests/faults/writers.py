"""Clients that write without pause, each request with an Idempotency-Key, and note what was acknowledged."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import httpx2

AGAIN = {"KP411", "KP430", "KP503", "KP505", "KP508"}
"""Problems after which the same request is sent again; 409 KP411 and KP430 among them."""

KINDS = {"line": 4, "bulk": 2, "open": 1, "note": 2, "book": 2, "shared": 1, "delete": 1}
"""What a client does, and how often."""
BULK, PAIR = 3, 2
"""How many rows are written by one request: of an array, and by an action of the application's own."""
ACCOUNT_LASTS = 150
"""So many writes, and a client opens another account: its row grows with each."""


@dataclass
class Noted:
    """What the clients know. Tags name writes; each is acknowledged, or given up after a break."""

    lines: set[str] = field(default_factory=set[str])
    bulks: set[str] = field(default_factory=set[str])
    pairs: set[str] = field(default_factory=set[str])
    deleted: set[str] = field(default_factory=set[str])
    given_up: dict[str, int] = field(default_factory=dict[str, int])
    """How many rows they would have written."""
    booked: dict[str, list[str]] = field(default_factory=dict[str, list[str]])
    changed: Counter[str] = field(default_factory=Counter[str])
    """By account: how many of its changes were acknowledged. `booked` are those by the action."""
    notes: dict[str, str] = field(default_factory=dict[str, str])
    counts: Counter[str] = field(default_factory=Counter[str])


class Failed(AssertionError):
    """An answer that no client should have got."""


class Writer:
    """One client. All that it writes, it writes with a key of its own; one request after another."""

    def __init__(self, number: int, url: str, shared: str, noted: Noted, seed: int) -> None:
        self.noted = noted
        self._shared = shared
        self._number = number
        self._count = 0
        self._random = random.Random(seed)
        self._http = httpx2.AsyncClient(base_url=url, timeout=20)
        self._account, self._etag, self._changes = "", "", ACCOUNT_LASTS
        self._own: list[tuple[str, str]] = []
        self.stopping = False

    async def run(self) -> None:
        """Write until told to stop; the last write is carried through."""
        async with self._http:
            while not self.stopping:
                await self._once()

    async def _once(self) -> None:
        self._count += 1
        tag = f"{self._number}.{self._count}"
        if self._changes >= ACCOUNT_LASTS:
            await self._open(tag)
        (kind,) = self._random.choices(tuple(KINDS), tuple(KINDS.values()))
        match kind:
            case "line":
                answer = await self._send(tag, "POST", "/api/lines", {"tag": tag}, rows=1)
                if answer is not None:
                    self.noted.lines.add(tag)
                    self._own.append((tag, answer.json()["id"]))
            case "bulk":
                many = [{"tag": f"{tag}.{index}"} for index in range(BULK)]
                if await self._send(tag, "POST", "/api/lines", many, rows=BULK) is not None:
                    self.noted.bulks.add(tag)
            case "open":
                if await self._send(tag, "POST", "/api/lines/-/open", {"tag": tag}, rows=PAIR) is not None:
                    self.noted.pairs.add(tag)
            case "note":
                await self._change(tag, "PATCH", "", {"note": tag})
                self.noted.notes[self._account] = tag
            case "book":
                await self._change(tag, "POST", "/book", {"tag": tag})
                self.noted.booked[self._account].append(tag)
            case "shared":
                await self._send(tag, "POST", f"/api/accounts/{self._shared}/book", {"tag": tag})
                self.noted.booked[self._shared].append(tag)
                self.noted.changed[self._shared] += 1
            case _ if self._own:
                old, id = self._own.pop()
                await self._send(tag, "DELETE", f"/api/lines/{id}")
                self.noted.lines.discard(old)
                self.noted.deleted.add(old)
            case _:
                pass

    async def _open(self, tag: str) -> None:
        answer = await self._send(tag, "POST", "/api/accounts", {})
        assert answer is not None
        self._account, self._etag, self._changes = answer.json()["id"], answer.headers["etag"], 0
        self.noted.booked[self._account] = []

    async def _change(self, tag: str, method: str, below: str, body: Any) -> None:
        """Of the client's own account, in which nobody else writes: the version must be as it was left."""
        path = f"/api/accounts/{self._account}{below}"
        answer = await self._send(f"{tag}", method, path, body, {"if-match": self._etag})
        assert answer is not None
        self._etag = answer.headers["etag"]
        self._changes += 1
        self.noted.changed[self._account] += 1

    async def _send(
        self, tag: str, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None, *,
        rows: int = 0,
    ) -> httpx2.Response | None:  # fmt: skip
        """The acknowledgement, after as many attempts as it takes; None where it is given up after a break.

        `rows`: how many it writes, where it may be given up.
        """
        headers = {"idempotency-key": f'"{tag}"', **(headers or {})}
        counts = self.noted.counts
        while True:
            try:
                answer = await self._http.request(method, path, json=body, headers=headers)
            except httpx2.ConnectError:
                counts["refused connections"] += 1
                await asyncio.sleep(0.05)
                continue
            except httpx2.TransportError:
                counts["broken connections"] += 1
                if rows and self._random.random() < 0.2:
                    self.noted.given_up[tag] = rows
                    return None
                continue
            if answer.is_success:
                counts["acknowledged writes"] += 1
                counts["of these replayed"] += "idempotency-replayed" in answer.headers
                return answer
            code = answer.json()["type"].rpartition("/")[2] if answer.content else ""
            counts[f"{answer.status_code} {code}"] += 1
            if code not in AGAIN:
                raise Failed(f"{method} {path} {headers}: {answer.status_code} {answer.text}")
            await asyncio.sleep(0.02)
