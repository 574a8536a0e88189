"""Rows that are added while all writing connections are busy: together, and yet each for itself."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import asyncpg
import pytest

from kingpost.plan.select import Insert, Operation
from kingpost.stores.contract import OutcomeUnknown, Rows, StoreDown, UniqueViolation
from kingpost.stores.settings import StoreSettings
from kingpost.stores.sql.postgres.store import PostgresStore
from kingpost.stores.sql.statement import Statement
from kingpost.testing.conformance_model import MODEL
from kingpost.testing.conformance_tools import ids
from kingpost.testing.conformance_writes import log


@pytest.fixture
async def store(postgres_url: str) -> AsyncIterator[PostgresStore]:
    store = PostgresStore(f"{postgres_url}?pool=2", MODEL, "main", StoreSettings(wait=1))
    await store.start()
    await store.apply(await store.compare())
    yield store
    await store.stop()


@pytest.fixture
async def busy(store: PostgresStore) -> AsyncIterator[AsyncExitStack]:
    """All writing connections are in use until it is closed."""
    async with AsyncExitStack() as stack:
        for _ in range(2):
            await stack.enter_async_context(store.transaction())
        yield stack


def answered(id: int) -> Operation:
    """A row that is answered as it was written."""
    return Insert("Log", ("id", "text"), [(id, f"entry {id}")], ("text", "id"))


def begin(store: PostgresStore, *operations: Operation) -> list[asyncio.Task[list[Rows]]]:
    """Each written by a task of its own."""
    return [asyncio.create_task(store.write([one])) for one in operations]


async def transactions(store: PostgresStore) -> Counter[str]:
    """How many rows each transaction has added."""
    rows = await store.fetch(Statement("SELECT xmin::text FROM log", ()), {})
    return Counter(row[0] for row in rows)


async def test_rows_that_would_wait_are_added_together(store: PostgresStore, busy: AsyncExitStack) -> None:
    tasks = begin(store, *(answered(id) for id in range(13)))
    await asyncio.sleep(0.05)
    await busy.aclose()
    for id, answers in enumerate(await asyncio.gather(*tasks)):
        assert [list(row) for row in answers[0]] == [[f"entry {id}", id]]
    assert sorted((await transactions(store)).values()) == [1, 4, 8]


async def test_rows_are_written_alone_where_a_connection_is_free(store: PostgresStore) -> None:
    for task in begin(store, answered(1)):
        await task
    assert list((await transactions(store)).values()) == [1]


async def test_a_row_that_is_refused_keeps_no_other_out(store: PostgresStore, busy: AsyncExitStack) -> None:
    tasks = begin(store, *(log(id) for id in (1, 2, 3, 2)))
    await asyncio.sleep(0.05)
    await busy.aclose()
    outcomes = await asyncio.gather(*tasks, return_exceptions=True)
    assert [type(one) for one in outcomes].count(UniqueViolation) == 1
    assert await ids(store, "Log") == [1, 2, 3]


async def test_one_who_is_given_up_keeps_no_other_waiting(store: PostgresStore, busy: AsyncExitStack) -> None:
    first, *others = begin(store, *(answered(id) for id in range(3)))
    await asyncio.sleep(0.05)
    first.cancel()
    await busy.aclose()
    await asyncio.gather(*others)
    with pytest.raises(asyncio.CancelledError):
        await first
    assert await ids(store, "Log") == [1, 2]


async def test_all_are_told_that_no_connection_comes_free(store: PostgresStore, busy: AsyncExitStack) -> None:
    outcomes = await asyncio.gather(*begin(store, log(1), log(2)), return_exceptions=True)
    assert [type(one) for one in outcomes] == [StoreDown, StoreDown]
    assert outcomes[0] is not outcomes[1]
    await busy.aclose()
    assert await ids(store, "Log") == []


async def test_they_are_told_when_the_store_stops(store: PostgresStore, busy: AsyncExitStack) -> None:
    tasks = begin(store, log(1), log(2))
    await asyncio.sleep(0.05)
    await store.stop()
    outcomes = await asyncio.gather(*tasks, return_exceptions=True)
    assert [type(one) for one in outcomes] == [StoreDown, StoreDown]


async def test_of_a_write_that_is_given_up_nobody_is_told_that_it_was_not_done(
    store: PostgresStore, busy: AsyncExitStack, postgres_url: str
) -> None:
    """Who is told no more than that the store is down tries again, and would add his row twice."""
    blocking = await asyncpg.connect(postgres_url)
    await blocking.execute("BEGIN; LOCK TABLE log IN EXCLUSIVE MODE")
    tasks = begin(store, log(1), log(2))
    await asyncio.sleep(0.05)
    await busy.aclose()
    for _ in range(500):
        if await blocking.fetchval("SELECT count(*) FROM pg_locks WHERE NOT granted"):
            break
        await asyncio.sleep(0.01)
    for running in tuple(store._groups._running):  # pyright: ignore[reportPrivateUsage]
        running.cancel()
    outcomes = await asyncio.gather(*tasks, return_exceptions=True)
    assert [type(one) for one in outcomes] == [OutcomeUnknown, OutcomeUnknown]
    await blocking.close()


async def test_more_than_one_statement_takes(store: PostgresStore, busy: AsyncExitStack) -> None:
    tasks = begin(store, *(answered(id) for id in range(100)))
    await asyncio.sleep(0.05)
    await busy.aclose()
    await asyncio.gather(*tasks)
    assert max((await transactions(store)).values()) == 32
    assert await ids(store, "Log") == list(range(100))
