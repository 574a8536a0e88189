"""What is special to the MariaDB store: values in the text, its session, and connections and servers that go away."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

import pytest

from kingpost import Resource, anyone, field
from kingpost.base.problems import DeclarationError
from kingpost.model.build import build
from kingpost.plan.select import Insert, Update
from kingpost.stores.contract import OutOfRange, StoreDown, StoreError, TooSlow
from kingpost.stores.settings import StoreSettings
from kingpost.stores.sql.dialects import MARIADB
from kingpost.stores.sql.mariadb import casing
from kingpost.stores.sql.mariadb.connection import locate
from kingpost.stores.sql.mariadb.literals import Listed, filled, literal
from kingpost.stores.sql.mariadb.store import MariaDBStore
from kingpost.stores.sql.statement import Statement
from kingpost.testing.conformance_model import MODEL
from kingpost.testing.conformance_tools import ask, ids, select
from kingpost.testing.conformance_values import thing
from kingpost.testing.conformance_writes import COUNT, log
from tests.services.mariadb import MariaDBServer, mariadb
from tests.stores.sql.databases import definitions


class Folder(Resource, read=anyone, key="name"):
    name: str
    title: str = field(unique=True)


class Label(Resource, read=anyone, key="name"):
    name: str


class Tagged(Resource, read=anyone, key=("folder", "label")):
    folder: Folder
    label: Label


SLEEP = Statement("SELECT sum(a.seq * b.seq % 7) FROM seq_1_to_1000000 a, seq_1_to_100000 b", ())


async def opened(url: str, settings: StoreSettings | None = None) -> MariaDBStore:
    """A running store with its tables."""
    store = MariaDBStore(url, MODEL, "main", settings)
    await store.start()
    await store.apply(await store.compare())
    return store


@pytest.fixture
async def store(mariadb_url: str) -> AsyncIterator[MariaDBStore]:
    store = await opened(f"{mariadb_url}?pool=2")
    yield store
    await store.stop()


def running(server: MariaDBServer) -> str:
    """What the server is at for the store."""
    return server.sql("SELECT info FROM information_schema.processlist WHERE user = 'kingpost' AND info IS NOT NULL")


async def value(store: MariaDBStore, text: str) -> Any:
    """The first value of a bare query."""
    return (await store.fetch(Statement(text, ()), {}))[0][0]


# --------------------------------------------------------------------------------------------------------------- values


@pytest.mark.parametrize(
    "said",
    [
        "", "'", "''", "\\", "\\'", "'; DROP TABLE log; -- ", "?", "%s", "`\"", "a\0b", "\n\r\x1a", "\U0010ffff",
        "ä' OR 1=1",
        0, -1, 2**63 - 1, -(2**63), 10**64, True, 0.1, -0.0, 1e308, 5e-324, 1e16, Decimal("-0.10"), Decimal("1e20"),
        b"", b"\x00\\'\xff", datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, 23, 59, 59, 999999, tzinfo=UTC),
        date(1, 1, 1), date(9999, 12, 31), time(23, 59, 59, 999999), None,
    ],
    ids=repr,
)  # fmt: skip
@pytest.mark.parametrize("mode", ["", "NO_BACKSLASH_ESCAPES,ANSI_QUOTES,STRICT_ALL_TABLES"])
async def test_a_value_says_what_it_is_in_any_mode(store: MariaDBStore, said: Any, mode: str) -> None:
    """Also where the session was changed by a statement of the application's own."""
    async with store.transaction() as transaction:
        await transaction.execute("SET sql_mode = ?", [mode])
        ((found, after),) = await transaction.execute("SELECT ?, 'end?'", [said])
    assert after == "end?"
    if isinstance(said, datetime):
        found = found.replace(tzinfo=UTC)
    assert found == said


@pytest.mark.parametrize("said", [float("inf"), float("nan"), 10**65, Decimal("NaN"), "\ud800", object()], ids=repr)
def test_what_has_no_words_is_refused(said: object) -> None:
    with pytest.raises(OutOfRange):
        literal(said)


def test_lists_are_written_out() -> None:
    assert filled("x IN ?", [Listed([(1,), ("a",)])]) == "x IN (1, 'a')"
    assert filled("(x, y) IN ?", [Listed([(1, 2)])]) == "(x, y) IN ((1, 2))"
    assert "WHERE FALSE" in filled("x IN ?", [Listed([])])
    with pytest.raises(OutOfRange, match="2 places"):
        filled("? ?", [1])


@pytest.mark.parametrize("guarded", [True, False])
@pytest.mark.parametrize("function", ["lower", "upper", "casefold"])
async def test_casing_is_pythons_for_every_character(store: MariaDBStore, function: str, guarded: bool) -> None:
    char = "convert(convert(unhex(lpad(hex(seq), 8, '0')) USING utf32) USING utf8mb4)"
    said = casing.template(function, guarded=guarded)
    for first, last in ((1, 0x3000), (0x3001, 0xD7FF), (0xE000, 0x12000), (0x1D000, 0x1F000)):
        made = f"SELECT seq, {char} AS c, concat('a', {char}, 'Σ') AS w FROM seq_{first}_to_{last}"
        text = f"SELECT seq, {said.replace('{0}', 'c')}, {said.replace('{0}', 'w')} FROM ({made}) made"
        for code, alone, between in await store.fetch(Statement(text, ()), {}):
            assert alone == getattr(chr(code), function)(), hex(code)
            assert between == getattr(f"a{chr(code)}Σ", function)(), hex(code)


async def test_a_decimal_is_not_rounded(store: MariaDBStore) -> None:
    with pytest.raises(OutOfRange):
        await store.write([thing(1, money=Decimal("1.005"))])


async def test_texts_sort_by_all_of_their_beginnings(store: MariaDBStore) -> None:
    texts = ["a" * 5000 + end for end in ("c", "a", "b")]
    await store.write([Insert("Log", ("id", "text"), list(enumerate(texts, 1)))])
    found = await store.fetch(Statement("SELECT id FROM log ORDER BY text", ()), {})
    assert [row[0] for row in found] == [2, 3, 1]


# ---------------------------------------------------------------------------------------------------------------- reads


async def test_reading_connections_refuse_to_write(store: MariaDBStore) -> None:
    with pytest.raises(StoreError, match="read-only"):
        await store.fetch(Statement("INSERT INTO log VALUES (1, 'x') RETURNING id", ()), {})
    assert await ids(store, "Log") == []


async def test_sessions_are_in_utc_and_strict(store: MariaDBStore) -> None:
    assert await value(store, "SELECT @@time_zone") == "+00:00"
    assert "STRICT_ALL_TABLES" in await value(store, "SELECT @@sql_mode")
    assert await value(store, "SELECT 'a' = 'A' OR 'a' = 'a ' OR 'ä' = 'a'") == 0


async def test_a_cancelled_query_is_stopped_and_frees_its_connection(
    store: MariaDBStore, mariadb_server: MariaDBServer
) -> None:
    for _ in range(5):  # more than there are connections
        task = asyncio.create_task(store.fetch(SLEEP, {}))
        await asyncio.sleep(0.1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert await value(store, "SELECT 42") == 42
    for _ in range(50):
        if "seq_1" not in await asyncio.to_thread(running, mariadb_server):
            break
        await asyncio.sleep(0.1)
    assert "seq_1" not in await asyncio.to_thread(running, mariadb_server)


async def test_a_stream_that_is_left_is_stopped(store: MariaDBStore, mariadb_server: MariaDBServer) -> None:
    for _ in range(5):
        found = store.stream(Statement("SELECT repeat('x', 1000) FROM seq_1_to_10000000", ()), {})
        assert len(await anext(found)) == 1000
        await found.aclose()
    for _ in range(50):
        if "seq_1" not in await asyncio.to_thread(running, mariadb_server):
            break
        await asyncio.sleep(0.1)
    assert "seq_1" not in await asyncio.to_thread(running, mariadb_server)


async def test_a_query_past_its_time_is_stopped(mariadb_url: str) -> None:
    store = await opened(mariadb_url)
    await store.stop()
    store = MariaDBStore(mariadb_url, MODEL, "main", StoreSettings(statement=0.2))
    await store.start()
    with pytest.raises(TooSlow, match="longer than it may"):
        await store.fetch(SLEEP, {})
    assert await value(store, "SELECT 42") == 42
    await store.stop()


async def test_who_waits_too_long_for_a_connection_is_told(mariadb_url: str) -> None:
    store = await opened(f"{mariadb_url}?pool=1", StoreSettings(wait=1))
    task = asyncio.create_task(store.fetch(SLEEP, {}))
    await asyncio.sleep(0.1)
    with pytest.raises(StoreDown, match="in use"):
        await store.fetch(SLEEP, {})
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert await value(store, "SELECT 42") == 42
    await store.stop()


async def kill_all(server: MariaDBServer) -> None:
    """End all connections of stores."""
    await asyncio.to_thread(server.sql, "KILL USER kingpost")


async def test_a_read_on_a_broken_connection_is_tried_again(store: MariaDBStore, mariadb_server: MariaDBServer) -> None:
    await asyncio.gather(*(ids(store, "Log") for _ in range(4)))
    await store.write([log(1)])
    for _ in range(3):
        await kill_all(mariadb_server)
        assert await ids(store, "Log") == [1]


async def test_a_broken_write_is_not_tried_again(store: MariaDBStore, mariadb_server: MariaDBServer) -> None:
    async def break_off() -> None:
        async with store.transaction() as transaction:
            await transaction.write([log(1)])
            await kill_all(mariadb_server)
            await transaction.write([log(2)])

    with pytest.raises(StoreDown):
        await break_off()
    assert await ids(store, "Log") == []
    await store.write([log(2)])


# --------------------------------------------------------------------------------------------------------------- server


async def test_a_server_that_comes_back_is_found_again() -> None:
    with mariadb() as server:
        store = await opened(server.create_database())
        await store.write([log(1)])
        await asyncio.to_thread(server.stop)
        with pytest.raises(StoreDown):
            await ids(store, "Log")
        with pytest.raises(StoreDown):
            await store.write([log(2)])
        await asyncio.to_thread(server.start)
        assert await ids(store, "Log") == [1]
        await store.write([log(3), log(4)])
        await asyncio.to_thread(server.kill)
        await asyncio.to_thread(server.start)
        assert await ids(store, "Log") == [1, 3, 4]
        await store.stop()


async def test_a_server_that_is_not_there() -> None:
    store = MariaDBStore("mysql://127.0.0.1:1/none", MODEL, "main", StoreSettings(wait=2))
    with pytest.raises(StoreDown, match="can't be reached"):
        await store.start()


async def test_a_wrong_password_or_database_is_told_without_the_password(mariadb_url: str) -> None:
    password = mariadb_url.partition("kingpost:")[2].partition("@")[0]
    for url in (mariadb_url.replace(password, "guessed"), mariadb_url + "_not_there"):
        with pytest.raises(StoreDown, match=r"can't be reached: (Access denied|Unknown database)") as caught:
            await MariaDBStore(url, MODEL, "main").start()
        assert "guessed" not in str(caught.value)
        assert password not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "fault"),
    [
        ("mysql://h", "names no database"),
        ("mysql://h/a/b", "names no database"),
        ("mysql://h:x/a", "port"),
        ("mysql://h/a?pool=0", "pool"),
        ("mysql://h/a?ssl=yes", "ssl"),
        ("mysql://h/a?charset=latin1", "charset"),
    ],
)
def test_addresses_that_mean_nothing_are_refused(url: str, fault: str) -> None:
    with pytest.raises(DeclarationError, match=fault):
        locate(url)


def test_an_address() -> None:
    found = locate("mysql://ann:p%40ss@db:3307/shop?pool=3&ssl_ca=/ca.pem&socket=/s")
    assert found.pool == 3
    assert found.options == {
        "host": "db", "port": 3307, "database": "shop", "user": "ann", "password": "p@ss",
        "ssl": {"ca": "/ca.pem"}, "unix_socket": "/s",
    }  # fmt: skip


# --------------------------------------------------------------------------------------------------------------- writes


async def test_writes_that_collide_are_tried_again(store: MariaDBStore) -> None:
    """Two batches that lock the same rows in opposite order: MariaDB rolls one of them back."""
    await store.write([log(1, 2)])

    def writing(text: str, *numbers: int) -> list[Update]:
        return [Update("Log", (number,), {"text": text}) for number in numbers]

    there, back = writing("a", *[1] * 20, 2), writing("b", *[2] * 20, 1)
    for _ in range(3):
        await asyncio.gather(store.write(there), store.write(back))
    assert len(set(await ask(store, select("Log", "text")))) == 1


async def test_after_a_deadlock_nothing_more_is_written(store: MariaDBStore) -> None:
    await store.write([log(1, 2)])
    both = asyncio.Barrier(2)

    async def cross(first: int, second: int) -> None:
        async with store.transaction() as transaction:
            await transaction.write([Update("Log", (first,), {"text": "x"})])
            await both.wait()
            try:
                await transaction.write([Update("Log", (second,), {"text": "x"})])
            except StoreDown:
                await transaction.write([log(9)])

    ends = await asyncio.gather(cross(1, 2), cross(2, 1), return_exceptions=True)
    assert sorted(type(end) for end in ends if end is not None) == [StoreDown]
    assert await ids(store, "Log") == [1, 2]


async def test_a_lock_that_is_not_free_in_time_is_told(mariadb_url: str) -> None:
    store = await opened(mariadb_url, StoreSettings(wait=1))
    await store.write([log(1)])
    async with store.transaction() as transaction:
        await transaction.write([Update("Log", (1,), {"text": "x"})])
        with pytest.raises(StoreDown, match="lock"):
            await store.write([Update("Log", (1,), {"text": "y"})])
    await store.stop()


async def test_an_idle_transaction_ends(mariadb_url: str) -> None:
    store = await opened(mariadb_url, StoreSettings(transaction=1))

    async def dawdle() -> None:
        async with store.transaction() as transaction:
            await transaction.write([log(1)])
            await asyncio.sleep(2.5)
            await transaction.write([log(2)])

    with pytest.raises(StoreError):
        await dawdle()
    await store.write([log(3)])
    assert await ids(store, "Log") == [3]
    await store.stop()


async def test_many_rows_go_in_few_statements(store: MariaDBStore) -> None:
    rows = [(number, "x" * 5000) for number in range(1000)]
    (answers,) = await store.write([Insert("Log", ("id", "text"), rows, returning=("id",))])
    assert [row[0] for row in answers] == list(range(1000))
    assert await ask(store, COUNT) == [1000]


async def test_many_short_transactions_share_few_connections(
    store: MariaDBStore, mariadb_server: MariaDBServer
) -> None:
    await asyncio.gather(*(store.write([log(number), log(number + 1000)]) for number in range(100)))
    assert await ask(store, COUNT) == [200]
    text = "SELECT count(*) FROM information_schema.processlist WHERE user = 'kingpost'"
    assert int(await asyncio.to_thread(mariadb_server.sql, text)) <= 6


async def test_statements_of_ones_own_take_and_give_python_values(store: MariaDBStore) -> None:
    async with store.transaction() as transaction:
        sql = "SELECT ?, CAST(? AS DATE), ?, ?, CAST(? AS DECIMAL(10, 2))"
        found = await transaction.execute(sql, ["a?", date(1969, 7, 20), 1.5, None, Decimal("1.5")])
        assert [tuple(row) for row in found] == [("a?", date(1969, 7, 20), 1.5, None, Decimal("1.50"))]


def test_what_is_in_several_keys_fits_into_each() -> None:
    made = "\n".join(definitions(build([Folder, Label, Tagged]), MARIADB))
    assert made.count("VARCHAR(384)") == 2  # both parts of the key of Tagged
    assert "VARCHAR(768)" in made
    assert "hash_title" in made
    assert "`title`(" in made
