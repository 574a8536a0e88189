"""One of several stores is gone or slow: what needs it is told so at once, all else is answered."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from kingpost import App, Resource, anyone, computed, field
from kingpost.testing import Client
from tests.services.postgres import PostgresServer
from tests.services.proxy import Proxy, proxy


class Writer(Resource, store="people", read=anyone, write=anyone):
    id: int = field(key=True)
    name: str = field(max_length=20)
    books: list[Book] = field(inverse="writer")


class Book(Resource, read=anyone, write=anyone):
    id: int = field(key=True)
    title: str = field(max_length=20)
    writer: Writer | None = None

    @computed
    def signed(self) -> bool:
        return self.writer is not None and self.writer.name != ""


@pytest.fixture
async def between(postgres_server: PostgresServer) -> AsyncIterator[Proxy]:
    async with proxy(postgres_server.port) as made:
        yield made


@pytest.fixture
async def client(between: Proxy, postgres_url: str, tmp_path: Path) -> AsyncIterator[Client]:
    people = f"{between.before(postgres_url)}?statement=2&wait=2"
    app = App("library", resources=[Writer, Book], stores={"main": f"sqlite:///{tmp_path}/books.db", "people": people})
    async with Client(app) as client:
        await app.sync()
        await client.post("/api/writers", json={"id": 1, "name": "Ada"})
        await client.post("/api/books", json={"id": 1, "title": "Notes", "writer": 1})
        yield client


NEEDS_IT = (
    "/api/books?include=writer",
    "/api/books?writer.name=Ada",
    "/api/books?where=signed",
    "/api/books?sort=writer.name",
    "/api/books?group=writer.name&count=*",
    "/api/books/1?fields=signed",
    "/api/books/1/writer",
    "/api/writers",
)
WITHOUT = (
    "/api/books",
    "/api/books/1",
    "/api/books?fields=writer",
    "/api/books?title=Notes&sort=-title&count=exact",
)


@pytest.mark.parametrize("silent", [False, True])
async def test_what_needs_a_store_that_is_gone_names_it(client: Client, between: Proxy, silent: bool) -> None:
    for path in (*NEEDS_IT, *WITHOUT):
        assert (await client.get(path)).status_code == 200, path
    if silent:
        between.silent = True
    else:
        await between.close()
    for path in NEEDS_IT:
        begun = time.monotonic()
        answer = await client.get(path)
        assert answer.status_code == 503, (path, answer.text)
        assert "people" in answer.json()["detail"], (path, answer.text)
        assert time.monotonic() - begun < 10, path
    for path in WITHOUT:
        assert (await client.get(path)).status_code == 200, path
