"""Relations into another store, through the door: the same words, the same answers, within bounds."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import pytest

from kingpost import App, Resource, anyone, as_system, computed, field
from kingpost.engine.context import Context
from kingpost.testing import Client


class Writer(Resource, store="people", read=anyone):
    name: str = field(max_length=20)
    land: str = field(max_length=2)
    books: list[Book] = field(inverse="writer")


class Book(Resource, read=anyone, create="self.writer is not None and self.writer.land != 'XX'"):
    title: str = field(max_length=20)
    pages: int = 0
    writer: Writer
    loans: list[Loan] = field(inverse="book")

    @computed
    def popularity(self) -> int:
        return len(self.loans)


class Loan(Resource, store="desk"):  # nobody reads single loans; popularity counts them
    book: Book


@pytest.fixture
async def client(tmp_path: Path, postgres_url: str) -> AsyncIterator[Client]:
    stores = {
        "main": postgres_url,
        "people": f"sqlite:///{tmp_path}/people.db",
        "desk": f"sqlite:///{tmp_path}/desk.db",
    }
    app = App("library", resources=[Writer, Book, Loan], stores=stores)
    async with Client(app) as client:
        await app.sync()
        with as_system("rows of the test"):
            writers = [Writer(name=name, land=land) for name, land in (("Cid", "AT"), ("Ada", "GB"), ("Bob", "AT"))]
            for writer in writers:
                await writer.save()
            for number in range(6):
                book = Book(title=f"b{number}", pages=number * 100, writer=writers[number % 3])
                await book.save()
                for _ in range(number):
                    await Loan(book=book).save()
            await Writer(name="Eve", land="XX").save()
        yield client


async def titles(client: Client, query: str) -> list[str]:
    answer = await client.get(f"/api/books?{query}")
    assert answer.status_code == 200, answer.text
    return [item["title"] for item in answer.json()["items"]]


async def test_filters(client: Client) -> None:
    assert await titles(client, "writer.land=AT&sort=title") == ["b0", "b2", "b3", "b5"]
    assert await titles(client, "where=writer.land == 'GB' or pages == 0&sort=title") == ["b0", "b1", "b4"]
    assert await titles(client, "where=not writer.name.startswith('A')&sort=-title&limit=2") == ["b5", "b3"]
    assert await titles(client, "where=popularity > 3&sort=title") == ["b4", "b5"]
    counted = await client.get("/api/books?writer.land=AT&count=exact&limit=1")
    assert counted.json()["total"] == 4


async def test_many_rows_elsewhere_are_counted_there(client: Client) -> None:
    (busy,) = (await client.get("/api/books?title=b5")).json()["items"]
    context = Context(None, datetime.now(UTC), "rows of the test")
    for _ in range(11):
        await client.app.engine.create("Loan", [{"book": (UUID(busy["id"]),)} for _ in range(1000)], context)
    shown = (await client.get("/api/books?sort=-popularity,title&fields=title,popularity&limit=3")).json()["items"]
    assert [(one["title"], one["popularity"]) for one in shown] == [("b5", 11_005), ("b4", 4), ("b3", 3)]
    assert await titles(client, "where=popularity > 10000") == ["b5"]
    assert await titles(client, "where=popularity < 2&sort=title") == ["b0", "b1"]
    assert await titles(client, "where=not popularity < 2 and pages < 400&sort=title") == ["b2", "b3"]
    assert await titles(client, "where=popularity != 0 and not 4 <= popularity&sort=title") == ["b1", "b2", "b3"]
    assert await titles(client, "popularity=0") == ["b0"]


async def test_pages_in_an_order_of_another_store(client: Client) -> None:
    found: list[str] = []
    query = "sort=writer.name,-popularity&limit=2"
    while query:
        page = (await client.get(f"/api/books?{query}")).json()
        found += [item["title"] for item in page["items"]]
        query = f"sort=writer.name,-popularity&limit=2&after={page['next']}" if page.get("next") else ""
    assert found == ["b4", "b1", "b5", "b2", "b3", "b0"]


async def test_summaries_and_columns(client: Client) -> None:
    groups = (await client.get("/api/books?group=writer.land&count=*&sum=pages")).json()["items"]
    assert [(one["writer.land"], one["count"], one["sum.pages"]) for one in groups] == [("AT", 4, 1000), ("GB", 2, 500)]
    shown = (await client.get("/api/books?fields=title,writer.name,popularity&sort=title&limit=2")).json()["items"]
    assert shown == [
        {"title": "b0", "writer": {"name": "Cid"}, "popularity": 0},
        {"title": "b1", "writer": {"name": "Ada"}, "popularity": 1},
    ]


async def test_rules_over_rows_of_another_store_hold_for_writes(client: Client) -> None:
    writers = {one["name"]: one["id"] for one in (await client.get("/api/writers")).json()["items"]}
    made = await client.post("/api/books", json={"title": "new", "writer": writers["Ada"]})
    assert made.status_code == 201, made.text
    barred = await client.post("/api/books", json={"title": "no", "writer": writers["Eve"]})
    assert barred.status_code == 401, barred.text
    assert "no" not in await titles(client, "limit=100")
    gone = await client.post("/api/books", json={"title": "no", "writer": "00000000-0000-7000-8000-000000000000"})
    assert gone.status_code == 422, gone.text
