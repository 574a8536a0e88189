"""What is special to the MongoDB store: addresses and servers that do not fit, documents of others, collisions."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

import pytest
from bson import Decimal128, Int64

from kingpost.base.problems import DeclarationError
from kingpost.model.model import Model
from kingpost.plan.select import Check, Delete, Insert, Update
from kingpost.stores.contract import OutOfRange, ReferenceViolation, StaleRow, StoreDown, StoreError
from kingpost.stores.mongo.store import MongoStore
from kingpost.stores.registry import open_store
from kingpost.stores.settings import StoreSettings
from kingpost.testing.conformance_model import GUEST, MODEL, THING, const, get, is_
from kingpost.testing.conformance_tools import ADA, CLEO, LIBRARY, NOBODY, ask, ids, select
from kingpost.testing.conformance_values import thing
from kingpost.testing.conformance_writes import article, log
from tests.services.mongo import MongoServer, mongo

# PyMongo leaves the sockets of attempts that were refused to the garbage collector.
pytestmark = pytest.mark.filterwarnings("ignore:Exception ignored in. <socket:pytest.PytestUnraisableExceptionWarning")


@pytest.fixture(autouse=True)
def collected() -> Iterator[None]:
    """What a test leaves behind is its own, and not found in a later one."""
    yield
    gc.collect()


async def opened(url: str, settings: StoreSettings | None = None) -> MongoStore:
    """A running store with its collections."""
    store = MongoStore(url, MODEL, "main", settings)
    await store.start()
    await store.apply(await store.compare())
    return store


@pytest.fixture
async def store(mongo_url: str) -> AsyncIterator[MongoStore]:
    store = await opened(mongo_url)
    yield store
    await store.stop()


@pytest.fixture
def documents(mongo_server: MongoServer, mongo_url: str) -> Any:
    """The database behind the store's back."""
    with mongo_server.client() as client:
        yield client[urlsplit(mongo_url).path[1:]]


# ------------------------------------------------------------------------------------------------------------ addresses


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("mongodb://127.0.0.1", "names no database"),
        ("mongodb://127.0.0.1:port/x", "driver can't read it"),
        ("mongodb://me:se@cret@127.0.0.1/x", "driver can't read it"),
        ("mongodb://127.0.0.1/x?wait=soon", "not a number of seconds"),
    ],
)
def test_an_address_that_can_not_be_used(url: str, words: str) -> None:
    with pytest.raises(DeclarationError, match=words) as caught:
        open_store(url, MODEL, "main")
    assert "KP311" in str(caught.value)
    assert "cret" not in str(caught.value)


async def test_a_server_that_is_not_there() -> None:
    store = MongoStore("mongodb://127.0.0.1:1/none", MODEL, "main", StoreSettings(wait=0.5))
    with pytest.raises(StoreDown, match="can't be reached"):
        await store.start()
    with pytest.raises(StoreDown, match="not started"):
        await store.write([log(1)])


async def test_a_wrong_password() -> None:
    server = MongoServer(password="secret")
    try:
        await asyncio.to_thread(server.start)
        store = await opened(server.url("test"))
        await store.write([log(1)])
        assert await ids(store, "Log") == [1]
        await store.stop()
        store = MongoStore(server.url("test", "wrong"), MODEL, "main", StoreSettings(wait=5))
        with pytest.raises(StoreDown, match="user or the password") as caught:
            await store.start()
        assert "wrong" not in str(caught.value)
    finally:
        await asyncio.to_thread(server.remove)


async def test_an_older_server(store: MongoStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kingpost.stores.mongo.store.OLDEST", 1000)
    other = MongoStore(store.url, MODEL, "main")
    with pytest.raises(StoreError, match="newer is needed"):
        await other.start()


async def test_a_server_that_stands_alone_takes_single_operations_only() -> None:
    server = MongoServer("--standalone")
    try:
        await asyncio.to_thread(server.start)
        store = await opened(server.url("test"))
        assert not store.abilities.transactions
        await store.write([log(1)])
        await store.write([Update("Log", (1,), {"text": "y"})])
        with pytest.raises(StoreError, match="replica set"):
            await store.write([log(2), log(3)])
        with pytest.raises(StoreError, match="replica set"):
            await store.write([log(2, 3)])
        with pytest.raises(StoreError, match="replica set"):
            async with store.transaction() as transaction:
                await transaction.write([log(2)])
        assert await ask(store, select("Log", "id", "text")) == [(1, "y")]
        chunks = [chunk async for chunk in store.stream(store.prepare(select("Log")), {})]
        assert [len(chunk) for chunk in chunks] == [1]
        await store.stop()
    finally:
        await asyncio.to_thread(server.remove)


# --------------------------------------------------------------------------------------------------------------- server


async def test_what_was_acknowledged_survives_a_crash_and_a_server_that_comes_back_is_found_again() -> None:
    with mongo() as server:
        store = await opened(server.url("test"), StoreSettings(wait=3))
        await asyncio.gather(*(store.write([log(number), log(number + 100)]) for number in range(20)))
        await asyncio.to_thread(server.kill)
        with pytest.raises(StoreDown):
            await ids(store, "Log")
        with pytest.raises(StoreDown):
            await store.write([log(500)])
        await asyncio.to_thread(server.start)
        assert len(await ids(store, "Log")) == 40
        await store.write([log(501), log(502)])
        await store.stop()


# ------------------------------------------------------------------------------------------------------------ documents


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("number", "12", "thing.number holds text instead of an int"),
        ("number", 1.5, "thing.number holds a float instead of an int"),
        ("number", True, "thing.number holds a bool instead of an int"),
        ("text", 12, "thing.text holds an int instead of text"),
        ("money", Decimal128("1.001"), "thing.money holds a Decimal of more than 2 places"),
        ("money", 1.5, "thing.money holds a float instead of a Decimal"),
        ("moment", "2026-01-01", "thing.moment holds text instead of an int"),
        ("hour", "noon", "thing.hour holds text that is no time"),
        ("words", {"a": 1}, "thing.words holds a document instead of a list"),
    ],
)
async def test_a_document_that_is_not_as_declared_is_named(
    store: MongoStore, documents: Any, name: str, value: object, words: str
) -> None:
    await store.write([thing(1), thing(2)])
    documents.command("collMod", "thing", validator={})
    documents.thing.update_one({"_id": 2}, {"$set": {name: value}})
    with pytest.raises(StoreError, match=f"document 2: {words}"):
        await ask(store, select("Thing", "id", name))
    assert await ask(store, select("Thing", name, where=is_(get("Thing", "id"), const(1))))


async def test_whole_numbers_of_shells_are_numbers(store: MongoStore, documents: Any) -> None:
    await store.write([thing(1)])
    documents.command("collMod", "thing", validator={})
    documents.thing.update_one({"_id": 1}, {"$set": {"number": 12.0, "ratio": 3}})
    documents.thing.update_one({"_id": 1}, {"$unset": {"maybe_text": ""}})
    found = await ask(
        store, select("Thing", "number", "ratio", "maybe_text", where=is_(get("Thing", "number"), const(12)))
    )
    assert found == [(12, 3.0, None)]


async def test_the_validator_keeps_others_from_writing_so(store: MongoStore, documents: Any) -> None:
    with pytest.raises(Exception, match="validation"):
        documents.log.insert_one({"_id": Int64(1), "text": 5})


async def test_members_that_nobody_declares_stay(store: MongoStore, documents: Any) -> None:
    await store.write([log(1)])
    documents.log.update_one({"_id": 1}, {"$set": {"theirs": {"a": [1, 2]}}})
    await store.write([Update("Log", (1,), {"text": "new"})])
    assert documents.log.find_one({"_id": 1}) == {"_id": 1, "text": "new", "theirs": {"a": [1, 2]}}


@pytest.mark.parametrize("value", [{"n": 2**63}, {"a\0b": 1}])
async def test_json_that_bson_does_not_hold_is_refused(store: MongoStore, value: object) -> None:
    with pytest.raises(OutOfRange):
        await store.write([thing(1, data=value)])


async def test_a_document_too_large_is_refused(store: MongoStore) -> None:
    with pytest.raises(OutOfRange):
        await store.write([thing(1, text="x" * 17_000_000)])
    assert await ids(store, "Thing") == []


async def test_dollars_are_no_paths(store: MongoStore) -> None:
    nasty = ["$text", "$$ROOT", "a.b", "{$ne: 1}"]
    await store.write([Insert("Log", ("id", "text"), list(enumerate(nasty)))])
    for number, text in enumerate(nasty):
        assert await ids(store, "Log", is_(get("Log", "text"), const(text, get("Log", "text").type))) == [number]


async def test_the_key_of_a_document_can_not_change(store: MongoStore) -> None:
    await store.write([log(1), Update("Log", (1,), {"id": 1, "text": "same"})])
    with pytest.raises(StoreError, match="can't be changed"):
        await store.write([Update("Log", (1,), {"id": 2})])


# --------------------------------------------------------------------------------------------------------------- writes


async def test_writes_that_collide_are_tried_again(store: MongoStore) -> None:
    await store.write([log(1, 2)])

    def writing(text: str, *numbers: int) -> list[Update]:
        return [Update("Log", (number,), {"text": text}) for number in numbers]

    for _ in range(3):
        await asyncio.gather(*(store.write(writing(name, *order)) for name, order in (("a", (1, 2)), ("b", (2, 1)))))
    assert len(set(await ask(store, select("Log", "text")))) == 1


async def test_what_a_transaction_did_before_a_failure_is_done_again(store: MongoStore) -> None:
    await store.write([log(1)])
    async with store.transaction() as transaction:
        await transaction.write([log(2), Update("Log", (1,), {"text": "y"})])
        with pytest.raises(StaleRow):
            await transaction.write([log(3), Delete("Log", (77,))])
        assert await ask(store, select("Log", "text", where=is_(get("Log", "id"), const(1))), of=transaction) == ["y"]
        await transaction.write([log(4)])
    assert await ids(store, "Log") == [1, 2, 4]


async def test_a_transaction_that_stays_open_ends(mongo_url: str) -> None:
    store = await opened(mongo_url, StoreSettings(transaction=0.1))

    async def dawdle() -> None:
        async with store.transaction() as transaction:
            await transaction.write([log(1)])
            await asyncio.sleep(0.3)

    with pytest.raises(StoreError, match="open for more than"):
        await dawdle()
    await store.write([log(3)])
    assert await ids(store, "Log") == [3]
    await store.stop()


@pytest.mark.parametrize("first", ["reference", "removal"])
async def test_a_row_does_not_go_while_somebody_begins_to_refer_to_it(store: MongoStore, first: str) -> None:
    await store.write(LIBRARY)
    refer, remove = article(9, CLEO), Delete("Author", (CLEO,))
    now, later = (refer, remove) if first == "reference" else (remove, refer)
    async with store.transaction() as transaction:
        await transaction.write([now])
        other = asyncio.create_task(store.write([later]))
        await asyncio.sleep(0.2)
        assert not other.done()
    with pytest.raises(ReferenceViolation) as caught:
        await other
    assert caught.value.kind == ("in use" if first == "reference" else "missing")


async def test_many_refer_to_one_row_at_once(store: MongoStore) -> None:
    await store.write(LIBRARY)
    await asyncio.gather(*(store.write([article(number, CLEO)]) for number in range(10, 40)))
    assert len(await ids(store, "Article")) == 35


async def test_a_reference_to_a_row_that_goes_in_the_same_batch(store: MongoStore) -> None:
    await store.write(LIBRARY)
    there = select("Author", where=is_(get("Author", "name"), const("ada", get("Author", "name").type)))
    with pytest.raises(StoreError):
        await store.write([Check(there, rows=1), Update("Article", (1,), {"author_id": NOBODY})])
    await store.write([Update("Article", (1,), {"editor_id": ADA})])


async def test_a_hashed_version_is_made_of_values_of_all_types(mongo_url: str) -> None:
    fields = {
        **{name: one for name, one in THING.fields.items() if name != "_version"},
        "_version": GUEST.fields["_version"],
    }
    adopted = replace(THING, fields=fields, adopted=True, table="theirs")
    store = MongoStore(mongo_url, Model({**MODEL.resources, "Thing": adopted}, actor="Author"), "main")
    await store.start()
    insert = replace(thing(1), returning=("_version",))
    ((version,),) = (await store.write([insert]))[0]
    await store.write([Update("Thing", (1,), {"number": 7}, version=version)])
    with pytest.raises(StaleRow):
        await store.write([Update("Thing", (1,), {"number": 8}, version=version)])
    await store.stop()
