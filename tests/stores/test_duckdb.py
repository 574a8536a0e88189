"""What is special to the DuckDB store: one process, no way out of its file, reads that can be stopped, its address."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path

import duckdb
import pytest

from kingpost.base.problems import DeclarationError
from kingpost.plan.select import Delete, Made
from kingpost.stores.contract import StoreDamaged, StoreDown, StoreError, TooSlow, UniqueViolation
from kingpost.stores.settings import StoreSettings
from kingpost.stores.sql.duckdb.instance import Location, connect, locate
from kingpost.stores.sql.duckdb.reader import Cursor
from kingpost.stores.sql.duckdb.store import DuckDBStore
from kingpost.testing.conformance_made import order
from kingpost.testing.conformance_model import MODEL
from kingpost.testing.conformance_tools import ids, select
from kingpost.testing.conformance_writes import log

ENDLESS = "SELECT count(*) FROM range(10000000) a, range(100000) b WHERE a.range * 7 % 11 > b.range + 20"


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[DuckDBStore]:
    store = DuckDBStore(f"duckdb:///{tmp_path}/test.duckdb", MODEL, "main", StoreSettings(statement=2))
    await store.start()
    await store.apply(await store.compare())
    yield store
    await store.stop()


# ------------------------------------------------------------------------------------------------------------ processes


async def test_a_file_that_another_process_has_open_is_told_in_words(tmp_path: Path) -> None:
    path = tmp_path / "test.duckdb"
    code = f"import duckdb; c = duckdb.connect({str(path)!r}); print('open', flush=True); input()"
    other = subprocess.Popen(  # noqa: ASYNC220
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert other.stdout is not None
    assert other.stdout.readline() == "open\n"
    store = DuckDBStore(f"duckdb:///{path}", MODEL, "main")
    try:
        with pytest.raises(StoreDown, match=r"Another process has .* open"):
            await store.start()
    finally:
        other.communicate("\n")
    await store.start()
    await store.stop()


async def test_what_was_acknowledged_is_there_after_a_crash(tmp_path: Path) -> None:
    path = tmp_path / "test.duckdb"
    code = f"""
import asyncio, os, signal
from kingpost.stores.sql.duckdb.store import DuckDBStore
from kingpost.testing.conformance_made import order
from kingpost.testing.conformance_model import MODEL
from kingpost.testing.conformance_writes import log
async def main():
    store = DuckDBStore("duckdb:///{path}", MODEL, "main")
    await store.start()
    await store.apply(await store.compare())
    for number in range(20):
        await store.write([log(number)])
    print("written", flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
asyncio.run(main())
"""
    done = await asyncio.to_thread(
        subprocess.run, [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )
    assert "written" in done.stdout, done.stderr
    store = DuckDBStore(f"duckdb:///{path}", MODEL, "main")
    await store.start()
    assert await ids(store, "Log") == list(range(20))
    await store.stop()


# ----------------------------------------------------------------------------------------------------------- no way out


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT * FROM read_csv('/etc/passwd')",
        "SELECT * FROM '/etc/passwd'",
        "COPY log TO '/tmp/out.csv'",
        "ATTACH '/tmp/other.duckdb' AS other",
        "INSTALL httpfs",
        "LOAD httpfs",
        "SET enable_external_access = true",
        "SELECT * FROM 'https://example.org/x.parquet'",
    ],
)
async def test_a_statement_reaches_nothing_but_the_file(store: DuckDBStore, statement: str) -> None:
    with pytest.raises(StoreError):
        async with store.transaction() as transaction:
            await transaction.execute(statement)
    await store.write([log(1)])


# ---------------------------------------------------------------------------------------------------------------- reads


async def test_a_read_that_takes_too_long_is_stopped(store: DuckDBStore) -> None:
    def endless(cursor: Cursor) -> None:
        cursor.execute(ENDLESS).fetchall()

    began = time.monotonic()
    with pytest.raises(TooSlow):
        await store._reader.in_thread(endless)
    assert time.monotonic() - began < 6
    assert await ids(store, "Log") == []


async def test_a_cancelled_read_is_stopped(store: DuckDBStore) -> None:
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()

    def endless(cursor: Cursor) -> None:
        try:
            cursor.execute(ENDLESS).fetchall()
        finally:
            loop.call_soon_threadsafe(ended.set)

    task = asyncio.create_task(store._reader.in_thread(endless))
    await asyncio.sleep(0.1)
    task.cancel()
    await asyncio.wait_for(ended.wait(), 1.5)
    assert await ids(store, "Log") == []


async def test_many_reads_at_once_get_their_own_answers(store: DuckDBStore) -> None:
    await store.write([log(*range(500))])
    asked = store.prepare(select("Log", limit=1, offset=None))
    texts = [f"SELECT {number} FROM range(100)" for number in range(200)]
    answers = await asyncio.gather(*(store._reader.fetch(text, ()) for text in texts))
    assert [rows[0][0] for rows in answers] == list(range(200))
    assert len(await store.fetch(asked, {})) == 1


async def test_the_event_loop_goes_on(store: DuckDBStore) -> None:
    task = asyncio.create_task(store._reader.in_thread(lambda cursor: cursor.execute(ENDLESS).fetchall()))
    longest = 0.0
    for _ in range(30):
        began = time.monotonic()
        await asyncio.sleep(0.01)
        longest = max(longest, time.monotonic() - began)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert longest < 0.5


# --------------------------------------------------------------------------------------------------------- transactions


async def test_what_a_transaction_did_before_a_failure_stays(store: DuckDBStore) -> None:
    async with store.transaction() as transaction:
        await transaction.write([log(1, 2)])
        with pytest.raises(UniqueViolation):
            await transaction.write([log(3), log(1)])
    assert await ids(store, "Log") == [1, 2]


async def test_what_is_done_again_has_the_numbers_that_were_told(store: DuckDBStore) -> None:
    async with store.transaction() as transaction:
        ((told,),) = (await transaction.write([order("a", Made())]))[0]
        with pytest.raises(UniqueViolation):
            await transaction.write([order("a", Made())])
    assert await ids(store, "Order") == [told]


async def test_a_row_may_go_and_come_again_in_one_batch(store: DuckDBStore) -> None:
    await store.write([log(1)])
    await store.write([Delete("Log", (1,)), log(1)])
    assert await ids(store, "Log") == [1]


async def test_a_transaction_that_is_stopped_ends(store: DuckDBStore) -> None:
    async def endless() -> None:
        async with store.transaction(limit=0.5) as transaction:
            await transaction.write([log(1)])
            with pytest.raises(TooSlow):
                await transaction.execute(ENDLESS)
            await transaction.write([log(2)])

    with pytest.raises(StoreError, match=r"was rolled back|transaction is over"):
        await asyncio.wait_for(endless(), 5)
    await store.write([log(3)])
    assert await ids(store, "Log") == [3]


async def test_what_waits_behind_a_statement_that_is_stopped_comes_too_late(store: DuckDBStore) -> None:
    with pytest.raises(StoreError, match="was rolled back"):
        async with store.transaction(limit=0.5) as transaction:
            endless = asyncio.create_task(transaction.execute(ENDLESS))
            await asyncio.sleep(0.1)
            behind = asyncio.create_task(transaction.write([log(1)]))
            with pytest.raises(TooSlow):
                await endless
            with pytest.raises(StoreError, match="was rolled back"):
                await behind
    await store.write([log(2)])
    assert await ids(store, "Log") == [2]


# --------------------------------------------------------------------------------------------------------------- casing


@pytest.mark.parametrize("name", ["lower", "upper", "casefold"])
def test_casing_is_pythons_for_every_character(name: str) -> None:
    connection = connect(Location(None), [])
    text = (
        f"SELECT c, memory.main.kp_{name}(c), memory.main.kp_{name}('a' || c || 'Σ') FROM "
        "(SELECT chr(i::INT) AS c FROM range(1, 1114112) t(i) WHERE i NOT BETWEEN 55296 AND 57343)"
    )
    for char, alone, between in connection.execute(text).fetchall():
        assert alone == getattr(char, name)()
        assert between == getattr(f"a{char}Σ", name)()
    connection.close()


# ------------------------------------------------------------------------------------------------------------ addresses


@pytest.mark.parametrize(
    "url",
    [
        "duckdb://file.duckdb",
        "duckdb:file.duckdb",
        "duckdb:///a?threads=0",
        "duckdb:///a?memory=much",
        "duckdb:///a?x=1",
    ],
)
def test_addresses_that_mean_nothing_are_refused(url: str) -> None:
    with pytest.raises(DeclarationError, match="can't be used"):
        locate(url)


def test_addresses() -> None:
    assert locate("duckdb:").path is None
    assert locate("duckdb:///shop.duckdb").path == Path("shop.duckdb")
    assert locate("duckdb:////data/shop.duckdb?memory=2GB&threads=4") == Location(Path("/data/shop.duckdb"), "2GB", 4)


async def test_a_file_that_is_no_database_is_damaged(tmp_path: Path) -> None:
    (tmp_path / "test.duckdb").write_bytes(b"no database at all" * 1000)
    with pytest.raises(StoreDamaged):
        await DuckDBStore(f"duckdb:///{tmp_path}/test.duckdb", MODEL, "main").start()


def test_this_is_the_version_that_is_meant() -> None:
    assert duckdb.__version__.startswith("1.5.")
