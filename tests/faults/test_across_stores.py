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
    readers: list[Writer] = []
    marks: list[Mark] = field(inverse="book")

    @computed
    def signed(self) -> bool:
        return self.writer is not None and self.writer.name != ""


class Mark(Resource, store="people", read=anyone, write=anyone):
    id: int = field(key=True)
    book: Book
    writer: Writer | None = None


@pytest.fixture
async def between(postgres_server: PostgresServer) -> AsyncIterator[Proxy]:
    async with proxy(postgres_server.port) as made:
        yield made


@pytest.fixture
async def client(between: Proxy, postgres_url: str, tmp_path: Path) -> AsyncIterator[Client]:
    people = f"{between.before(postgres_url)}?statement=2&wait=2"
    app = App(
        "library", resources=[Writer, Book, Mark], stores={"main": f"sqlite:///{tmp_path}/books.db", "people": people}
    )
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


async def test_an_optional_include_is_left_out(client: Client, between: Proxy) -> None:
    whole = (await client.get("/api/books?include=writer?")).json()
    assert whole["items"][0]["writer"] == {"id": 1, "name": "Ada"}
    assert "warnings" not in whole
    await between.close()
    answer = await client.get("/api/books?include=writer?")
    assert answer.status_code == 200
    assert answer.json()["items"] == [{"id": 1, "title": "Notes", "writer": None}]
    (warning,) = answer.json()["warnings"]
    assert warning["include"] == "writer"
    assert warning["code"] == "KP503"
    assert "people" in warning["detail"]
    row = await client.get("/api/books/1?include=writer?&fields=title")
    assert row.json() == {"title": "Notes", "writer": None, "_warnings": [warning]}
    changed = await client.patch("/api/books/1?include=writer?", json={"title": "More"})
    assert changed.status_code == 200
    assert changed.json() == {"id": 1, "title": "More", "writer": None, "_warnings": [warning]}
    assert (await client.get("/api/books?include=writer")).status_code == 503


async def test_lists_and_links_are_left_out_as_a_whole(client: Client, between: Proxy) -> None:
    await client.patch("/api/books/1", json={"readers": [1]})
    await client.post("/api/marks", json={"id": 1, "book": 1, "writer": 1})
    path = "/api/books?fields=id&include=readers?,marks?,marks.writer,writer?"
    (whole,) = (await client.get(path)).json()["items"]
    assert whole["readers"] == [{"id": 1, "name": "Ada"}]
    assert whole["marks"] == [{"id": 1, "book": {"id": 1}, "writer": {"id": 1, "name": "Ada"}}]
    await between.close()
    answer = (await client.get(path)).json()
    assert answer["items"] == [{"id": 1, "readers": None, "marks": None, "writer": None}]
    assert sorted(one["include"] for one in answer["warnings"]) == ["marks", "readers", "writer"]


async def test_a_reference_that_leads_nowhere_is_told(client: Client, caplog: pytest.LogCaptureFixture) -> None:
    assert (await client.delete("/api/writers/1")).status_code == 204
    assert (await client.get("/api/books?include=writer")).json()["items"][0]["writer"] == {"id": 1}
    (told,) = [one.getMessage() for one in caplog.records if one.name == "kingpost.references"]
    assert told == ("Book: references by writer lead to no Writer that is there; `kingpost check --data` finds them")


async def test_what_has_no_place_to_say_so_is_not_left_out(client: Client) -> None:
    for path in ("/api/books?include=writer?", "/api/books/1?include=writer?"):
        for media in ("text/csv", "application/x-ndjson"):
            answer = await client.get(path, headers={"accept": media})
            assert answer.status_code == 400, answer.text
            assert answer.json()["errors"][0]["pointer"] == "?include"
    assert (await client.get("/api/books?include=writer??")).status_code == 400
    assert (await client.get("/api/books?include=?")).status_code == 400


async def test_the_description_tells_of_it(client: Client) -> None:
    described = (await client.get("/api/openapi.json")).json()["components"]
    assert "writer?" in described["parameters"]["Book.include"]["schema"]["items"]["enum"]
    properties = described["schemas"]["Book"]["properties"]
    assert properties["marks"]["type"] == ["array", "null"]
    assert "_warnings" in properties
