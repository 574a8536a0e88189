"""Asks, and lets no answer pass that must not be: a 500, a problem that is none, a name or a value that is hidden."""

from __future__ import annotations

import json
from collections.abc import Collection
from typing import Any

from kingpost import App, as_system
from kingpost.doors.rest.codes import CODES
from tests.doors.rest.client import Client, Reply

LONGEST = 200_000
"""Bytes of a problem: an answer must not be many times as long as what it answers."""
HIDDEN = (b"canary", b"Ghost")
MEMBERS = {"type", "title", "status", "detail", "errors", "instance", "hint"}


class Sentry:
    """Sends requests as `actor`, to whom nothing that is named or holds `canary` may be told."""

    def __init__(self, app: App, actor: Any = None) -> None:
        self._client = Client(app, actor)

    async def __call__(
        self, method: str, target: str, data: Any = None, *, status: int | Collection[int] = (), **more: Any
    ) -> Reply:
        """The answer; `status` is what it must be."""
        reply = await self._client(method, target, data, **more)
        asked = f"{method} {target} {data} {more}"
        look(reply.status, reply.headers, reply.body, asked)
        wanted = (status,) if isinstance(status, int) else status
        assert not wanted or reply.status in wanted, (asked[:300], reply.status, reply.body[:500])
        return reply


def look(status: int, headers: dict[str, str], body: bytes, asked: str) -> None:
    """What holds of every answer, whoever asked what."""
    said = asked[:300]
    assert status < 500, (said, status, body[:500])
    told = asked.encode("utf-8", "surrogatepass")
    for word in HIDDEN:
        found = [place for place in (body, str(headers).encode()) if word in place]
        assert not found or word.lower() in told.lower(), (said, found[0][:500])
    if status >= 400:
        _look_at_problem(status, headers, body, said)


def _look_at_problem(status: int, headers: dict[str, str], body: bytes, said: str) -> None:
    assert headers["content-type"] == "application/problem+json", (said, status, headers)
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cache-control"] == "no-store"
    if not body:  # to a HEAD
        return
    assert len(body) < LONGEST, (said, len(body))
    problem = json.loads(body)
    assert set(problem) <= MEMBERS, (said, problem)
    assert problem["type"].removeprefix("/problems/") in CODES, (said, problem)
    assert problem["status"] == status
    assert problem["title"]
    assert problem["detail"]
    for each in problem.get("errors", ()):
        assert set(each) == {"pointer", "code", "message"}, (said, each)
        assert each["pointer"] == "" or each["pointer"][0] in "/?", (said, each)
        assert each["message"], (said, each)


async def everything(app: App) -> dict[str, list[str]]:
    """All rows of all tables in all stores, as they are stored; records of repeated requests too."""
    found: dict[str, list[str]] = {}
    with app.acting(None), as_system("compared by a test"):
        for resource in app.model.resources.values():
            rows = await app.execute(f'SELECT * FROM "{resource.table}"', store=resource.store)
            found[resource.name] = sorted(repr(tuple(row)) for row in rows)
    return found
