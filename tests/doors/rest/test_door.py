"""What the door does when things go wrong behind it: with a stand-in for the engine, which can be made to fail."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any, cast

import msgspec
import pytest

from kingpost.base.errors import Forbidden, Unavailable
from kingpost.doors.rest import RestDoor
from kingpost.model.build import build
from tests.doors.rest.client import Client
from tests.doors.rest.domain import RESOURCES, User


class Row(msgspec.Struct):
    name: str


class Broken:
    """An engine whose rows are what a test says; an exception among them is raised."""

    def __init__(self, *chunks: Any) -> None:
        self.chunks = chunks
        self.closed = False
        self.clock = lambda: datetime(2026, 1, 1, tzinfo=UTC)

    async def page(self, read: Any, context: Any) -> Any:
        return SimpleNamespace(items=self._first(), next=None, total=None, public=False, warnings=())

    async def one(self, read: Any, context: Any) -> Any:
        return SimpleNamespace(item=self._first()[0], version=None, public=True, warnings=())

    async def stream(self, read: Any, context: Any) -> AsyncIterator[Any]:
        try:
            for chunk in self.chunks:
                if isinstance(chunk, Exception):
                    raise chunk
                yield chunk
                await asyncio.sleep(0)
        finally:
            self.closed = True

    def _first(self) -> Any:
        if isinstance(self.chunks[0], Exception):
            raise self.chunks[0]
        return self.chunks[0]


def door(*chunks: Any, **options: Any) -> tuple[RestDoor, Broken]:
    engine = Broken(*chunks)
    return RestDoor(cast(Any, engine), build(RESOURCES, {"main"}, User), **options), engine


ID = "01936f2e-8a4b-7c1d-9e2f-3a4b5c6d7e8f"
NDJSON = "application/x-ndjson"


async def test_what_nobody_foresaw_is_a_500_without_words() -> None:
    reply = await Client(door(RuntimeError("the secret"))[0])("GET", "/api/topics")
    assert reply.status == 500
    assert b"secret" not in reply.body
    assert reply.json["type"] == "/problems/KP190"


async def test_a_store_that_is_down_is_a_503() -> None:
    reply = await Client(door(Unavailable("KP503", "down"))[0])("GET", "/api/topics")
    assert (reply.status, reply.headers["retry-after"]) == (503, "2")


async def test_an_error_before_the_first_row_of_a_stream_is_a_problem() -> None:
    for error, status in ((Forbidden("KP403", "no"), 403), (RuntimeError("x"), 500)):
        reply = await Client(door(error)[0])("GET", "/api/topics", accept=NDJSON)
        assert reply.status == status


async def test_an_error_in_the_middle_of_a_stream_breaks_the_connection() -> None:
    app, engine = door([Row("a")], RuntimeError("x"))
    with pytest.raises(RuntimeError):
        await Client(app)("GET", "/api/topics", accept=NDJSON)
    assert engine.closed


async def test_a_stream_comes_in_pieces() -> None:
    reply = await Client(door([Row("a")], [], [Row("b"), Row("c")])[0])("GET", "/api/topics", accept=NDJSON)
    assert reply.body.count(b"\n") == 3
    assert len([chunk for chunk in reply.chunks if chunk]) == 2
    assert "content-length" not in reply.headers
    assert (await Client(door()[0])("GET", "/api/topics", accept=NDJSON)).body == b""


async def test_a_stream_ends_when_nobody_listens() -> None:
    app, engine = door(*([[Row("a")]] * 10_000))
    sent = 0

    async def receive() -> dict[str, Any]:
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        nonlocal sent
        sent += 1

    scope = {"type": "http", "method": "GET", "path": "/api/topics", "headers": [(b"accept", NDJSON.encode())]}
    await app(scope, receive, send)
    assert engine.closed
    assert sent < 20


async def test_a_head_of_a_stream_reads_no_more_than_the_first_piece() -> None:
    app, engine = door([Row("a")], RuntimeError("not reached"))
    reply = await Client(app)("HEAD", "/api/topics", accept=NDJSON)
    assert (reply.status, reply.body, engine.closed) == (200, b"", True)


async def test_pages_answer_where_html_is_preferred() -> None:
    async def page(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/html")]})
        await send({"type": "http.response.body", "body": b"<h1>"})

    client = Client(door([Row("a")], pages={"Topic": page})[0])
    browser = "text/html,application/xhtml+xml,*/*;q=0.8"
    assert (await client("GET", "/api/topics", accept=browser)).body == b"<h1>"
    assert (await client("GET", f"/api/topics/{ID}", accept=browser)).body == b"<h1>"
    assert (await client("GET", "/api/topics")).headers["content-type"] == "application/json"
    assert (await client("GET", "/api/seats", accept=browser)).headers["content-type"] == "application/json"


async def test_a_row_without_version_has_a_weak_tag() -> None:
    reply = await Client(door([Row("a")])[0])("GET", f"/api/topics/{ID}")
    assert reply.headers["etag"].startswith('W/"')
    assert reply.headers["cache-control"] == "public, no-cache"


async def test_the_door_can_be_mounted_below_a_path() -> None:
    app, _ = door([Row("a")])
    told: list[Any] = []

    async def send(message: Any) -> None:
        told.append(message)

    async def receive() -> dict[str, Any]:
        return {"type": "http.request"}

    for extra in ({}, {"raw_path": b"/below/api/topics?x"}):
        scope = {"type": "http", "method": "GET", "path": "/below/api/topics", "root_path": "/below", "headers": []}
        await app({**scope, **extra}, receive, send)
    assert [message["status"] for message in told if "status" in message] == [200, 200]


def test_which_paths_are_its_own() -> None:
    app, _ = door()
    assert app.matches("/api/topics")
    assert app.matches(f"/api/topics/{ID}/anything")
    assert app.matches("/api/openapi.json")
    assert app.matches("/problems/KP150")
    assert not app.matches("/api/hello")
    assert not app.matches("/docs")
    assert ("GET", "/api/docs", "The description of this API") in app.routes()
