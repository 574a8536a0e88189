"""What is special to the SQLite store: the budget of reads, group commit, other processes, its address."""

from __future__ import annotations

import asyncio
import sqlite3
import sys
import threading
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from kingpost.base.problems import DeclarationError
from kingpost.plan.select import Insert, Update
from kingpost.stores.contract import StoreDown, StoreError, TooSlow, UniqueViolation
from kingpost.stores.settings import StoreSettings
from kingpost.stores.sql.sqlite.connection import locate
from kingpost.stores.sql.sqlite.store import SqliteStore
from kingpost.testing.conformance_model import MODEL, const, get, is_
from kingpost.testing.conformance_tools import ask, ids, select
from kingpost.testing.conformance_writes import COUNT, log


async def opened(path: Path, settings: StoreSettings | None = None) -> SqliteStore:
    """A running store with its tables."""
    store = SqliteStore(f"sqlite:///{path}/test.db", MODEL, "main", settings)
    await store.start()
    await store.apply(await store.compare())
    return store


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqliteStore]:
    store = await opened(tmp_path)
    yield store
    await store.stop()


# --------------------------------------------------------------------------------------------------------------- reads


async def test_a_short_read_stays_in_the_event_loop(store: SqliteStore) -> None:
    await store.write([log(*range(1000))])
    prepared = store.prepare(select("Log", where=is_(get("Log", "id"), const(5))))
    threads = threading.active_count()
    for _ in range(2000):  # together they take many more steps than one may
        assert len(await store.fetch(prepared, {})) == 1
    assert prepared.long == 0
    assert threading.active_count() == threads


async def test_a_long_read_moves_to_a_thread_and_is_remembered(store: SqliteStore) -> None:
    await store.write([log(*range(50_000))])
    prepared = store.prepare(select("Log", where=is_(get("Log", "text"), const("y", get("Log", "text").type))))
    assert await store.fetch(prepared, {}) == []
    remembered = prepared.long
    assert remembered > 0
    assert await store.fetch(prepared, {}) == []
    assert prepared.long == remembered - 1
    assert await ask(store, COUNT) == [50_000]


async def test_a_long_read_does_not_hold_up_the_event_loop(store: SqliteStore) -> None:
    await store.write([log(*range(3000))])
    # A join of everything with everything: seconds of work.
    prepared = store.prepare(select("Log", where=is_(get("Log", "text"), const("y", get("Log", "text").type))))
    prepared.statement = type(prepared.statement)("SELECT count(*) FROM log a, log b WHERE a.text < b.text", ())
    task = asyncio.create_task(store.fetch(prepared, {}))
    beats = 0
    while not task.done():
        await asyncio.sleep(0.005)
        beats += 1
    assert (await task)[0][0] == 0
    assert beats > 5


async def test_a_statement_that_never_ends_is_stopped(tmp_path: Path) -> None:
    store = await opened(tmp_path, StoreSettings(statement=0.2))
    prepared = store.prepare(select("Log"))
    endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"
    prepared.statement = type(prepared.statement)(endless, ())
    with pytest.raises(TooSlow, match=r"0\.2 s"):
        await store.fetch(prepared, {})
    await store.stop()


async def test_reads_cannot_write(store: SqliteStore) -> None:
    prepared = store.prepare(select("Log"))
    prepared.statement = type(prepared.statement)("INSERT INTO log VALUES (1, 'x')", ())
    with pytest.raises(StoreError):
        await store.fetch(prepared, {})
    assert await ids(store, "Log") == []


# -------------------------------------------------------------------------------------------------------------- writes


async def test_a_batch_that_fails_takes_back_itself_only(store: SqliteStore) -> None:
    await store.write([log(50)])
    outcomes = await asyncio.gather(
        *(store.write([log(number), log(number + 1000)]) for number in range(100)), return_exceptions=True
    )
    assert [number for number, outcome in enumerate(outcomes) if isinstance(outcome, Exception)] == [50]
    assert isinstance(outcomes[50], UniqueViolation)
    assert await ask(store, COUNT) == [199]


async def test_what_waits_behind_a_statement_that_is_stopped_comes_too_late(store: SqliteStore) -> None:
    endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"
    with pytest.raises(StoreError, match="was rolled back"):
        async with store.transaction(limit=0.5) as transaction:
            stopped = asyncio.create_task(transaction.execute(endless))
            await asyncio.sleep(0.1)
            behind = asyncio.create_task(transaction.write([log(1)]))
            with pytest.raises(TooSlow):
                await stopped
            with pytest.raises(StoreError, match="was rolled back"):
                await behind
    await store.write([log(2)])
    assert await ids(store, "Log") == [2]


async def test_those_who_wait_share_one_commit(store: SqliteStore) -> None:
    statements: list[str] = []
    async with store.transaction() as transaction:  # while it is open, all others queue
        tasks = [asyncio.create_task(store.write([log(number)])) for number in range(50)]
        await asyncio.sleep(0.01)
        await transaction._hold.run(lambda connection: connection.set_trace_callback(statements.append))
    await asyncio.gather(*tasks)
    assert statements.count("COMMIT") == 2  # the transaction's and theirs
    assert await ask(store, COUNT) == [50]


async def test_a_deferred_constraint_fails_its_own_batch_only(tmp_path: Path) -> None:
    """Tables made by others may check references at commit only."""
    with sqlite3.connect(tmp_path / "test.db") as other:
        other.executescript(
            """
            CREATE TABLE tag (id INTEGER NOT NULL PRIMARY KEY, name TEXT NOT NULL UNIQUE, _version INTEGER NOT NULL,
                              CHECK (name <> 'forbidden'));
            CREATE TABLE articletag (article_id INTEGER NOT NULL,
                tag_id INTEGER NOT NULL REFERENCES tag (id) DEFERRABLE INITIALLY DEFERRED);
            """
        )
    other.close()
    store = SqliteStore(f"sqlite:///{tmp_path}/test.db", MODEL, "main")
    await store.start()
    good = [Insert("Tag", ("id", "name"), [(number, str(number))]) for number in range(10)]
    bad = Insert("ArticleTag", ("article_id", "tag_id"), [(1, 99)])
    outcomes = await asyncio.gather(*(store.write([one]) for one in [*good, bad]), return_exceptions=True)
    assert [type(one) for one in outcomes[:10]] == [list] * 10
    assert isinstance(outcomes[10], StoreError)
    with pytest.raises(StoreError, match="check"):
        await store.write([Insert("Tag", ("id", "name"), [(77, "forbidden")])])
    assert len(await ids(store, "Tag")) == 10
    await store.stop()


async def test_stop_carries_out_what_is_queued(tmp_path: Path) -> None:
    store = await opened(tmp_path)
    tasks = [asyncio.create_task(store.write([log(number)])) for number in range(50)]
    await asyncio.sleep(0)
    await store.stop()
    await asyncio.gather(*tasks)
    with pytest.raises(StoreDown):
        await store.write([log(99)])
    again = await opened(tmp_path)
    assert await ask(again, COUNT) == [50]
    await again.stop()


async def test_a_transaction_past_its_time_is_rolled_back(tmp_path: Path) -> None:
    store = await opened(tmp_path, StoreSettings(transaction=0.1))

    async def dawdle() -> None:
        async with store.transaction() as transaction:
            await transaction.write([log(1)])
            await asyncio.sleep(0.3)
            await transaction.write([log(2)])

    with pytest.raises(StoreError, match=r"0\.1 s"):
        await dawdle()
    await store.write([log(3)])
    assert await ids(store, "Log") == [3]
    await store.stop()


# ------------------------------------------------------------------------------------------------------ other processes

WRITER = """
import asyncio, sys
from kingpost.stores.sql.sqlite.store import SqliteStore
from kingpost.testing.conformance_model import MODEL
from kingpost.testing.conformance_writes import log

async def main(url, start):
    store = SqliteStore(url, MODEL, "main")
    await store.start()
    for number in range(start, start + 150):
        await store.write([log(number)])
    await asyncio.gather(*(store.write([log(number)]) for number in range(start + 150, start + 300)))
    await store.stop()

asyncio.run(main(sys.argv[1], int(sys.argv[2])))
"""


async def test_processes_that_write_at_once_never_see_a_lock(store: SqliteStore) -> None:
    pipe = asyncio.subprocess.PIPE
    running = [
        await asyncio.create_subprocess_exec(sys.executable, "-c", WRITER, store.url, start, stderr=pipe)
        for start in ("1000", "2000")
    ]
    for number in range(100):
        await store.write([log(number)])
        await ask(store, COUNT)
    for process in running:
        _, errors = await process.communicate()
        assert process.returncode == 0, errors.decode()
    assert await ask(store, COUNT) == [700]


async def test_a_lock_that_stays_is_store_down(tmp_path: Path) -> None:
    store = await opened(tmp_path, StoreSettings(wait=0.2))
    other = sqlite3.connect(tmp_path / "test.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreDown, match="Another process"):
        await store.write([log(1)])
    with pytest.raises(StoreDown, match="Another process"):
        async with store.transaction():
            pass
    assert await ids(store, "Log") == []  # reads go on
    other.execute("ROLLBACK")
    other.close()
    await store.write([log(1)])
    await store.stop()


# ------------------------------------------------------------------------------------------------------------- address


def test_addresses(tmp_path: Path) -> None:
    assert locate("sqlite:///shop.db").path == Path("shop.db")
    assert locate(f"sqlite:///{tmp_path}/a%20b.db").path == tmp_path / "a b.db"
    assert locate("sqlite:///shop.db").synchronous == "FULL"
    assert locate("sqlite:///shop.db?synchronous=normal").synchronous == "NORMAL"
    for wrong in ("sqlite://shop.db", "sqlite:///shop.db?synchronous=off", "sqlite:///shop.db?mode=ro"):
        with pytest.raises(DeclarationError) as refused:
            locate(wrong)
        assert wrong in str(refused.value)


async def test_without_a_path_the_rows_are_gone_with_the_store() -> None:
    first, second = SqliteStore("sqlite://", MODEL, "main"), SqliteStore("sqlite://", MODEL, "main")
    for store in (first, second):
        await store.start()
        await store.apply(await store.compare())
        await store.write([log(1)])
        await store.stop()


async def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    store = SqliteStore(f"sqlite:///{tmp_path}/none/test.db", MODEL, "main")
    with pytest.raises(StoreDown, match="none"):
        await store.start()


async def test_a_durable_store_by_default(store: SqliteStore) -> None:
    async with store.transaction() as transaction:
        hold = transaction._hold
        levels = await hold.run(lambda connection: connection.execute("PRAGMA synchronous").fetchone())
        mode = await hold.run(lambda connection: connection.execute("PRAGMA journal_mode").fetchone())
    assert (levels, mode) == ((2,), ("wal",))


async def test_an_update_of_many_in_one_batch_keeps_order(store: SqliteStore) -> None:
    await store.write([log(1), *(Update("Log", (1,), {"text": str(number)}) for number in range(100))])
    assert await ask(store, select("Log", "text")) == ["99"]
