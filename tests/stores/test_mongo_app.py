"""An application whose rows are in MongoDB: rules, relations, computed fields, and what MongoDB leaves to memory."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from kingpost import App, Resource, anyone, as_system, computed, field
from kingpost.testing import Client


class MongoAuthor(Resource, read=anyone, write=anyone):
    name: str = field(unique=True, max_length=80)
    books: list[MongoBook] = field(inverse="author")

    @computed
    def shelf(self) -> int:
        return len(self.books)


class MongoBook(Resource, read=anyone, write=anyone):
    title: str = field(max_length=80)
    price: Decimal = field(max_digits=8, decimal_places=2)
    author: MongoAuthor
    topics: list[MongoTopic] = []
    printed_at: datetime | None = None


class MongoTopic(Resource, read=anyone, write=anyone):
    name: str = field(unique=True, max_length=80)


@pytest.fixture
async def app(mongo_url: str) -> AsyncIterator[App]:
    made = App("books", resources=[MongoAuthor, MongoBook, MongoTopic], stores={"main": mongo_url})
    await made.start()
    await made.sync()
    with made.acting(None):
        yield made
    await made.stop()


@pytest.fixture
async def client(app: App) -> AsyncIterator[Client]:
    async with Client(app) as client:
        ada = (await client.post("/api/mongo-authors", json={"name": "Ada"})).json()
        bob = (await client.post("/api/mongo-authors", json={"name": "Bob"})).json()
        topic = (await client.post("/api/mongo-topics", json={"name": "law"})).json()
        for number, (author, title) in enumerate(((ada, "Émile"), (ada, "beta"), (bob, "GAMMA"))):
            book = {"title": title, "price": f"{number}.50", "author": author["id"], "topics": [topic["id"]]}
            answer = await client.post("/api/mongo-books", json=book)
            assert answer.status_code == 201, answer.text
        yield client


async def test_lists_are_filtered_sorted_and_included(client: Client) -> None:
    answer = (await client.get("/api/mongo-books?include=author,topics&sort=-price&price[ge]=1")).json()
    assert [(one["title"], one["author"]["name"], one["topics"][0]["name"]) for one in answer["items"]] == [
        ("GAMMA", "Bob", "law"), ("beta", "Ada", "law")
    ]  # fmt: skip
    answer = (await client.get("/api/mongo-authors", params={"where": "shelf > 1", "fields": "name,shelf"})).json()
    assert answer["items"] == [{"name": "Ada", "shelf": 2}]
    answer = (await client.get("/api/mongo-books?group=author.name&count=*&sum=price&sort=author.name")).json()
    assert [one["count"] for one in answer["items"]] == [2, 1]


async def test_what_mongodb_can_not_say_is_done_in_memory(client: Client) -> None:
    answer = (await client.get("/api/mongo-books", params={"where": "title.lower() == 'émile'"})).json()
    assert [one["title"] for one in answer["items"]] == ["Émile"]


async def test_pages_go_on_behind_their_last_row(client: Client) -> None:
    first = (await client.get("/api/mongo-books?sort=title&limit=2")).json()
    second = (await client.get("/api/mongo-books", params={"sort": "title", "after": first["next"]})).json()
    assert [one["title"] for one in first["items"] + second["items"]] == ["GAMMA", "beta", "Émile"]
    assert second["next"] is None


async def test_what_is_taken_or_in_use_is_told(client: Client) -> None:
    taken = await client.post("/api/mongo-authors", json={"name": "Ada"})
    assert (taken.status_code, taken.json()["errors"][0]["pointer"]) == (409, "/name")
    (ada,) = (await client.get("/api/mongo-authors?name=Ada")).json()["items"]
    assert (await client.delete(f"/api/mongo-authors/{ada['id']}")).status_code == 409


async def test_code_changes_rows(app: App, client: Client) -> None:
    moment = datetime(2026, 1, 1, 12, 0, 0, 123456, tzinfo=UTC)
    with as_system("a test"):
        (book,) = await MongoBook.where(title="beta")
        book.printed_at = moment
        await book.save()
        assert [one.printed_at for one in await MongoBook.where(lambda b: b.printed_at == moment)] == [moment]
        async with app.transaction():
            await book.delete()
        assert await MongoBook.where(title="beta") == []
