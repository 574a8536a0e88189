"""What is particular to Redis: addresses, servers that go away, keys that others write, bounds, collisions."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from redis.asyncio import Redis

from kingpost import App, DeclarationError, Resource, anyone, field
from kingpost.base.errors import Rejected
from kingpost.model.build import build
from kingpost.plan.select import Delete, Insert, Update
from kingpost.stores.contract import StoreDamaged, StoreDown, StoreError, StoreFull, UniqueViolation
from kingpost.stores.redis.store import RedisStore
from kingpost.stores.registry import open_store
from kingpost.stores.settings import StoreSettings
from kingpost.testing import Client
from kingpost.testing.conformance_model import MODEL, const, get, is_
from kingpost.testing.conformance_tools import ADA, LIBRARY, ask, ids, select
from kingpost.testing.conformance_writes import log
from tests.services.redis import redis


async def opened(url: str, settings: StoreSettings | None = None, model: Any = MODEL) -> RedisStore:
    store = RedisStore(url, model, "main", settings)
    await store.start()
    await store.apply(await store.compare())
    return store


@pytest.fixture
async def store(redis_url: str) -> AsyncIterator[RedisStore]:
    store = await opened(redis_url)
    yield store
    await store.stop()


@pytest.fixture
async def client(redis_url: str) -> AsyncIterator[Any]:
    """The server behind the store's back."""
    client: Any = Redis(port=urlsplit(redis_url).port or 0, decode_responses=True)
    yield client
    await client.aclose()


@pytest.fixture
def prefix(redis_url: str) -> str:
    return parse_qs(urlsplit(redis_url).query)["prefix"][0]


# ------------------------------------------------------------------------------------------------------------ addresses


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("redis://127.0.0.1:port/0", "driver can't read it"),
        ("redis://:se@cret@127.0.0.1:port/0", "driver can't read it"),
        ("redis://127.0.0.1/shop", "number of a database"),
        ("redis://127.0.0.1/0?prefix=a:b", "letters and digits"),
        ("redis://127.0.0.1/0?prefix=", "letters and digits"),
        ("redis://127.0.0.1/0?wait=soon", "not a number of seconds"),
        ("redis://127.0.0.1/0?decode_responses=1", "parameter decode_responses"),
    ],
)
def test_an_address_that_can_not_be_used(url: str, words: str) -> None:
    with pytest.raises(DeclarationError, match=words) as caught:
        open_store(url, MODEL, "main")
    assert "KP311" in str(caught.value)
    assert "cret" not in str(caught.value)


async def test_a_server_that_is_not_there() -> None:
    store = RedisStore("redis://127.0.0.1:1/0", MODEL, "main", StoreSettings(wait=0.5))
    with pytest.raises(StoreDown, match="can't be reached"):
        await store.start()
    with pytest.raises(StoreDown, match="not started"):
        await store.write([log(1)])


async def test_a_wrong_password() -> None:
    with redis("secret") as server:
        store = await opened(server.url())
        await store.write([log(1)])
        await store.stop()
        for url in (server.url("guessed"), server.url().replace(":secret@", "")):
            with pytest.raises(StoreDown, match="user or the password") as caught:
                await RedisStore(url, MODEL, "main").start()
            assert "guessed" not in str(caught.value)


async def test_a_database_that_is_not_there(redis_url: str) -> None:
    with pytest.raises(StoreDown, match="no database of the number"):
        await RedisStore(redis_url.replace("/0?", "/99?"), MODEL, "main").start()


async def test_a_server_that_throws_keys_away_is_refused() -> None:
    with redis(maxmemory="100mb", maxmemory_policy="allkeys-lru") as server:
        store = RedisStore(server.url(), MODEL, "main")
        with pytest.raises(StoreError, match="noeviction"):
            await store.start()


# --------------------------------------------------------------------------------------------------------------- server


async def test_what_was_acknowledged_survives_a_crash_and_a_server_that_comes_back_is_found_again() -> None:
    with redis() as server:
        store = await opened(server.url(), StoreSettings(wait=3))
        await asyncio.gather(*(store.write([log(number), log(number + 100)]) for number in range(20)))
        await asyncio.to_thread(server.kill)
        for tried in (store.write([log(500)]), ask(store, select("Log"))):
            with pytest.raises(StoreDown):
                await tried
        await asyncio.to_thread(server.start)
        assert await ids(store, "Log") == [*range(20), *range(100, 120)]
        await store.write([log(501)])
        await store.stop()


async def test_a_server_that_hangs_is_given_up() -> None:
    with redis() as server:
        store = await opened(server.url(), StoreSettings(statement=0.3, wait=3))
        async with Redis(port=server.port) as other:
            paused: Any = other
            await paused.execute_command("CLIENT", "PAUSE", "1500")
            with pytest.raises(StoreError, match="in time"):
                await ask(store, select("Log"))
            await asyncio.sleep(1.5)
        assert await ids(store, "Log") == []
        await store.stop()


async def test_a_server_without_memory_takes_nothing_and_is_read() -> None:
    with redis(maxmemory="3mb", maxmemory_policy="noeviction") as server:
        store = await opened(server.url())
        await store.write([log(1)])
        with pytest.raises(StoreFull):
            for number in range(100):
                await store.write([Insert("Log", ("id", "text"), [(number + 2, "x" * 100_000)])])
        assert 1 in await ids(store, "Log")
        await store.stop()


async def test_an_application_names_the_store_that_is_gone() -> None:
    with redis() as server:
        app = App("notes", resources=[Note], stores={"main": server.url() + "&wait=1"})
        async with Client(app) as client:
            await app.sync()
            sent = {"name": "a", "text": "b"}
            made = (await client.post("/api/notes", json=sent)).json()
            assert (await client.post("/api/notes", json=sent)).status_code == 409
            assert (await client.get(f"/api/notes/{made['id']}")).json()["text"] == "b"
            assert (await client.get("/api/notes?where=text.startswith('b')&sort=-name")).json()["items"] == [made]
            await asyncio.to_thread(server.kill)
            answer = await client.get("/api/notes")
            assert answer.status_code == 503
            assert "main" in answer.text


class Note(Resource, read=anyone, write=anyone):
    name: str = field(unique=True, max_length=80)
    text: str


# ----------------------------------------------------------------------------------------------- keys that others write


async def test_a_key_that_holds_something_else(store: RedisStore, client: Any, prefix: str) -> None:
    tables = {change.resource: MODEL[change.resource].table for change in LIBRARY}
    await client.lpush(f"{prefix}:{tables['Tag']}:row:[1]", "x")
    with pytest.raises(StoreDamaged, match="WRONGTYPE"):
        await ask(store, select("Tag", "name", where=is_(get("Tag", "id"), const(1))))
    await client.delete(f"{prefix}:{tables['Tag']}:keys", f"{prefix}:{tables['Tag']}:indexed")
    await client.set(f"{prefix}:{tables['Tag']}:keys", "x")
    assert [change.kind for change in await store.compare()] == ["refuse"]


@pytest.mark.parametrize("text", ["{", '{"id": "one"}', '{"id": 1, "name": 7, "_version": 1}', "[]", "\u00e4"])
async def test_a_row_that_is_not_as_declared(store: RedisStore, client: Any, prefix: str, text: str) -> None:
    await store.write([Insert("Tag", ("id", "name"), [(1, "red")])])
    await client.set(f"{prefix}:{MODEL['Tag'].table}:row:[1]", text)
    with pytest.raises(StoreDamaged, match="not what is declared for Tag"):
        await ask(store, select("Tag", "name"))


async def test_the_form_of_rows(store: RedisStore, client: Any, prefix: str) -> None:
    await store.write(LIBRARY)
    base = f"{prefix}:{MODEL['Ticket'].table}"
    assert await client.get(f"{base}:row:[1]") == '{"id":1,"price":"9.99","_version":1,"seat_row":1,"seat_place":"b"}'
    assert await client.smembers(f"{base}:keys") == {"[1]", "[2]"}
    assert await client.smembers(f'{base}:ref:seat:[1,"b"]') == {"[1]"}


async def test_nothing_is_left_of_rows_that_are_gone(store: RedisStore, client: Any, prefix: str) -> None:
    await store.write([Insert("Tag", ("id", "name"), [(1, "red")])])
    await store.write([Update("Tag", (1,), {"name": "blue"})])
    base = f"{prefix}:{MODEL['Tag'].table}"
    assert [key async for key in client.scan_iter(f"{base}:unique:*")] == [f'{base}:unique:name:["blue"]']
    await store.write([Delete("Tag", (1,))])
    left = {key.rpartition(":")[2] async for key in client.scan_iter(f"{base}:*")}
    assert left == {"changes", "indexed"}


# --------------------------------------------------------------------------------------------------------------- bounds


async def test_more_rows_than_are_looked_at_are_refused_and_read_by_key(store: RedisStore) -> None:
    await store.write([log(*range(6000)), log(*range(6000, 12_000))])
    with pytest.raises(Rejected, match="KP125 More than 10,000 rows of Log"):
        await ask(store, select("Log"))
    where = is_(get("Log", "id"), const(11_999))
    assert await ask(store, select("Log", where=where)) == [11_999]
    await store.write([Update("Log", (11_999,), {"text": "y"}), Delete("Log", (1,)), log(12_000)])
    assert await ask(store, select("Log", "text", where=where)) == ["y"]


# ----------------------------------------------------------------------------------------------------------- collisions


async def test_transactions_that_collide(store: RedisStore) -> None:
    await store.write([log(1)])
    where = is_(get("Log", "id"), const(1))
    with pytest.raises(StoreDown, match="collided"):
        async with store.transaction() as transaction:
            assert await ask(store, select("Log", "text", where=where), of=transaction)
            await store.write([Update("Log", (1,), {"text": "others"})])
            await transaction.write([Update("Log", (1,), {"text": "mine"}), log(2)])
    assert await ask(store, select("Log", "id", "text")) == [(1, "others")]


async def test_rows_that_appear_collide_with_who_has_looked_at_all(store: RedisStore) -> None:
    with pytest.raises(StoreDown, match="collided"):
        async with store.transaction() as transaction:
            assert await ask(store, select("Log"), of=transaction) == []
            await store.write([log(1)])
            await transaction.write([log(2)])
    assert await ids(store, "Log") == [1]


async def test_a_row_does_not_go_while_somebody_begins_to_refer_to_it(store: RedisStore) -> None:
    for number in range(30):
        await store.write([Insert("Author", ("id", "name"), [(ADA, "ada")])])
        article = Insert("Article", ("id", "title", "author_id"), [(number, "x", ADA)])
        await asyncio.gather(store.write([article]), store.write([Delete("Author", (ADA,))]), return_exceptions=True)
        authors, articles = await ids(store, "Author"), await ids(store, "Article")
        assert len(authors) == len(articles), number
        await store.write(
            [*(Delete("Article", (one,)) for one in articles), *(Delete("Author", (a,)) for a in authors)]
        )


async def test_of_many_who_want_a_value_one_gets_it(store: RedisStore) -> None:
    tries = [store.write([Insert("Tag", ("id", "name"), [(number, "red")])]) for number in range(20)]
    outcomes = await asyncio.gather(*tries, return_exceptions=True)
    assert sum(isinstance(outcome, UniqueViolation) for outcome in outcomes) == 19
    assert len(await ids(store, "Tag")) == 1


# ----------------------------------------------------------------------------------------------------- what is declared


async def test_uniqueness_that_is_declared_later(redis_url: str) -> None:
    class Plain(Resource, table="things"):
        id: int = field(key=True)
        label: str

    class Strict(Resource, table="things"):
        id: int = field(key=True)
        label: str = field(unique=True)

    store = await opened(redis_url, model=build([Plain]))
    await store.write([Insert("Plain", ("id", "label"), [(1, "a"), (2, "a")])])
    await store.stop()
    store = RedisStore(redis_url, build([Strict]), "main")
    await store.start()
    changes = await store.compare()
    assert [change.kind for change in changes] == ["add"]
    with pytest.raises(StoreError, match="the same label"):
        await store.apply(changes)
    await store.write([Update("Strict", (2,), {"label": "b"})])
    await store.apply(changes)
    assert await store.compare() == []
    with pytest.raises(UniqueViolation):
        await store.write([Insert("Strict", ("id", "label"), [(3, "a")])])
    await store.stop()
