"""What is special to the PostgreSQL store: its pool, and what happens when connections and servers go away."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime
from typing import Any

import asyncpg
import pytest

from kingpost.base.problems import DeclarationError
from kingpost.plan.select import Insert, Update
from kingpost.stores.contract import OutOfRange, StoreDown, StoreError, TooSlow
from kingpost.stores.settings import StoreSettings
from kingpost.stores.sql.pool import NoPlace, Pool
from kingpost.stores.sql.postgres.store import PostgresStore
from kingpost.stores.sql.statement import Statement
from kingpost.testing.conformance_model import MODEL
from kingpost.testing.conformance_tools import ask, ids, select
from kingpost.testing.conformance_values import thing
from kingpost.testing.conformance_writes import COUNT, log
from tests.services.postgres import PostgresServer

SLEEP = Statement("SELECT pg_sleep(30)", ())


async def opened(url: str, settings: StoreSettings | None = None) -> PostgresStore:
    """A running store with its tables."""
    store = PostgresStore(url, MODEL, "main", settings)
    await store.start()
    await store.apply(await store.compare())
    return store


@pytest.fixture
async def store(postgres_url: str) -> AsyncIterator[PostgresStore]:
    store = await opened(f"{postgres_url}?pool=2")
    yield store
    await store.stop()


async def backends(url: str) -> int:
    """How many other connections the database has."""
    connection = await asyncpg.connect(url)
    text = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    found: int = await connection.fetchval(text)
    await connection.close()
    return found


async def value(store: PostgresStore, text: str) -> Any:
    """The first value of a bare query."""
    return (await store.fetch(Statement(text, ()), {}))[0][0]


# ---------------------------------------------------------------------------------------------------------------- reads


async def test_reading_connections_refuse_to_write(store: PostgresStore) -> None:
    with pytest.raises(StoreError, match="read-only"):
        await store.fetch(Statement("INSERT INTO log VALUES (1, 'x') RETURNING id", ()), {})
    assert await ids(store, "Log") == []


async def test_sessions_are_in_utc_and_bear_a_name(store: PostgresStore) -> None:
    assert await value(store, "SHOW TimeZone") == "UTC"
    assert "kingpost main" in await value(store, "SHOW application_name")


async def test_no_transaction_stays_open_between_statements(store: PostgresStore, postgres_url: str) -> None:
    await ids(store, "Log")
    with pytest.raises(StoreError):
        await store.fetch(Statement("SELECT $1::int8", (lambda params: "no number",)), {})
    await asyncio.sleep(0.1)
    connection = await asyncpg.connect(postgres_url)
    states = await connection.fetch(
        "SELECT state FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    await connection.close()
    assert {row["state"] for row in states} <= {"idle"}


async def test_a_cancelled_query_frees_its_connection(store: PostgresStore, postgres_url: str) -> None:
    for _ in range(5):  # more than there are connections
        task = asyncio.create_task(store.fetch(SLEEP, {}))
        await asyncio.sleep(0.05)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert await value(store, "SELECT 42") == 42
    for _ in range(50):
        if await backends(postgres_url) <= 4:
            break
        await asyncio.sleep(0.1)
    assert await backends(postgres_url) <= 4
    assert await value(store, "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep%'") == 0


async def test_a_query_past_its_time_is_stopped(postgres_url: str) -> None:
    store = await opened(postgres_url, StoreSettings(statement=0.2))
    with pytest.raises(TooSlow, match="longer than it may"):
        await store.fetch(SLEEP, {})
    assert await value(store, "SELECT 42") == 42
    await store.stop()


async def test_a_server_that_does_nothing_any_more_is_given_up(postgres_url: str) -> None:
    store = await opened(f"{postgres_url}?pool=1", StoreSettings(statement=0.1))
    backend = await value(store, "SELECT pg_backend_pid()")
    os.kill(backend, signal.SIGSTOP)
    try:
        with pytest.raises(StoreDown, match="lost: TimeoutError"):
            await asyncio.wait_for(store.fetch(Statement("SELECT 42", ()), {}), 12)
        assert await value(store, "SELECT 42") == 42  # on another connection
    finally:
        os.kill(backend, signal.SIGCONT)
        await store.stop()


async def test_who_waits_too_long_for_a_connection_is_told(postgres_url: str) -> None:
    store = await opened(f"{postgres_url}?pool=1", StoreSettings(wait=0.2))
    task = asyncio.create_task(store.fetch(SLEEP, {}))
    await asyncio.sleep(0.05)
    with pytest.raises(StoreDown, match="in use"):
        await store.fetch(SLEEP, {})
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert await value(store, "SELECT 42") == 42
    await store.stop()


async def test_a_read_on_a_broken_connection_is_tried_again(
    store: PostgresStore, postgres_server: PostgresServer
) -> None:
    await asyncio.gather(*(ids(store, "Log") for _ in range(4)))
    await store.write([log(1)])
    kill = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{}' AND pid <> pg_backend_pid()"
    for _ in range(3):
        await asyncio.to_thread(postgres_server.sql, kill.format(await value(store, "SELECT current_database()")))
        assert await ids(store, "Log") == [1]


async def test_a_broken_write_is_not_tried_again(store: PostgresStore) -> None:
    suicide = Statement("SELECT pg_terminate_backend(pg_backend_pid())", ())

    async def break_off() -> None:
        async with store.transaction() as transaction:
            await transaction.write([log(1)])
            await transaction.fetch(suicide, {})

    with pytest.raises(StoreDown):
        await break_off()
    assert await ids(store, "Log") == []
    await store.write([log(2)])


# --------------------------------------------------------------------------------------------------------------- server


async def test_a_server_that_comes_back_is_found_again() -> None:
    server = PostgresServer()
    try:
        await asyncio.to_thread(server.start)
        store = await opened(server.create_database())
        await store.write([log(1)])
        await asyncio.to_thread(server.stop)
        with pytest.raises(StoreDown):
            await ids(store, "Log")
        with pytest.raises(StoreDown):
            await store.write([log(2)])
        await asyncio.to_thread(server.start)
        assert await ids(store, "Log") == [1]
        await store.write([log(3)])
        await asyncio.to_thread(server.restart)
        await store.write([log(4)])
        await asyncio.to_thread(server.kill)
        await asyncio.to_thread(server.start)
        assert await ids(store, "Log") == [1, 3, 4]
        await store.stop()
    finally:
        await asyncio.to_thread(server.remove)


async def test_a_server_that_is_not_there() -> None:
    store = PostgresStore("postgresql://127.0.0.1:1/none", MODEL, "main", StoreSettings(wait=2))
    with pytest.raises(StoreDown, match="can't be reached"):
        await store.start()


# --------------------------------------------------------------------------------------------------------------- writes


async def test_writes_that_collide_are_tried_again(store: PostgresStore) -> None:
    """Two batches that lock the same rows in opposite order: PostgreSQL kills one of them."""
    await store.write([log(1, 2)])

    def writing(text: str, *numbers: int) -> list[Update]:
        return [Update("Log", (number,), {"text": text}) for number in numbers]

    there, back = writing("a", *[1] * 20, 2), writing("b", *[2] * 20, 1)
    for _ in range(3):
        await asyncio.gather(store.write(there), store.write(back))
    assert len(set(await ask(store, select("Log", "text")))) == 1


async def test_an_idle_transaction_ends(postgres_url: str) -> None:
    store = await opened(postgres_url, StoreSettings(transaction=0.1))

    async def dawdle() -> None:
        async with store.transaction() as transaction:
            await transaction.write([log(1)])
            await asyncio.sleep(0.5)
            await transaction.write([log(2)])

    with pytest.raises(StoreError):
        await dawdle()
    await store.write([log(3)])
    assert await ids(store, "Log") == [3]
    await store.stop()


async def test_the_ends_of_time_are_not_infinity(store: PostgresStore) -> None:
    await store.write([thing(1, moment=datetime.max.replace(tzinfo=UTC), day=date.min)])
    assert await value(store, "SELECT moment::text FROM thing") == "9999-12-31 23:59:59.999999+00"
    assert await value(store, "SELECT day::text FROM thing") == "0001-01-01"
    assert await ask(store, select("Thing", "moment", "day")) == [(datetime.max.replace(tzinfo=UTC), date.min)]


@pytest.mark.parametrize("infinite", ["moment = '-infinity'", "day = 'infinity'"])
async def test_infinity_is_told_and_never_taken_for_a_moment(store: PostgresStore, infinite: str) -> None:
    await store.write([thing(1)])
    async with store.transaction() as transaction:
        await transaction.execute(f"UPDATE thing SET {infinite}")
    with pytest.raises(OutOfRange):
        await ask(store, select("Thing", infinite.split()[0]))


async def test_statements_of_ones_own_take_and_give_python_values(store: PostgresStore) -> None:
    moment, day = datetime(2024, 2, 29, 12, tzinfo=UTC), date(1969, 7, 20)
    sql = "SELECT $1::timestamptz, $2::date, ARRAY[$1, NULL]::timestamptz[], NULL::date, $3::text"
    async with store.transaction() as transaction:
        assert [tuple(row) for row in await transaction.execute(sql, [moment, day, "a"])] == [
            (moment, day, [moment, None], None, "a")
        ]


async def test_many_short_transactions_share_few_connections(store: PostgresStore, postgres_url: str) -> None:
    await asyncio.gather(*(store.write([log(number), log(number + 1000)]) for number in range(100)))
    assert await ask(store, COUNT) == [200]
    assert await backends(postgres_url) <= 4


# ----------------------------------------------------------------------------------------------------------------- pool


class Line:
    """A connection of which only its being open matters."""

    closed = False

    def is_closed(self) -> bool:
        return self.closed

    async def close(self, timeout: float) -> None:  # noqa: ASYNC109  # as asyncpg has it
        self.closed = True


async def test_the_last_one_in_is_the_first_one_out() -> None:
    made: list[Line] = []

    async def connect() -> Line:
        made.append(Line())
        return made[-1]

    pool = Pool(connect, 3, 1, "testing")
    first, second = await pool.acquire(), await pool.acquire()
    pool.release(first)
    pool.release(second)
    assert await pool.acquire() is second
    pool.release(second, broken=True)
    assert await pool.acquire() is first
    assert pool.open == 1
    await pool.stop()
    pool.release(first)
    assert pool.open == 0


async def test_the_place_of_a_broken_connection_goes_to_who_waits() -> None:
    async def connect() -> Line:
        return Line()

    pool = Pool(connect, 1, 1, "testing")
    first = await pool.acquire()
    waiter = asyncio.create_task(pool.acquire())
    gone = asyncio.create_task(pool.acquire())
    await asyncio.sleep(0)
    gone.cancel()
    await asyncio.sleep(0)
    pool.release(first, broken=True)
    second = await waiter
    assert second is not first
    assert pool.open == 1
    pool.release(second)
    await pool.stop()


async def test_each_one_in_line_waits_its_own_time() -> None:
    async def connect() -> Line:
        return Line()

    pool = Pool(connect, 1, 0.2, "testing")
    loop = asyncio.get_running_loop()
    held = await pool.acquire()

    async def waited() -> float:
        began = loop.time()
        with pytest.raises(StoreDown, match=r"No connection for testing came free within 0\.2 s"):
            await pool.acquire()
        return loop.time() - began

    early = asyncio.create_task(waited())
    await asyncio.sleep(0.1)
    late = asyncio.create_task(waited())
    gone = asyncio.create_task(pool.acquire())
    served = asyncio.create_task(pool.acquire())
    await asyncio.sleep(0)
    gone.cancel()
    assert await early >= 0.2
    assert not late.done()
    assert await late >= 0.2
    with pytest.raises(StoreDown):
        await served

    served = asyncio.create_task(pool.acquire())
    await asyncio.sleep(0)
    pool.release(held)
    assert await served is held
    await asyncio.sleep(0.3)  # until the time of who is not in line any more has passed
    assert await asyncio.wait_for(asyncio.create_task(_given_back(pool, held)), 1) is held
    await pool.stop()


async def _given_back(pool: Pool, held: Any) -> Any:
    pool.release(held)
    return await pool.acquire()


async def test_a_failed_connect_gives_its_place_back() -> None:
    attempts = 0

    async def connect() -> Line:
        nonlocal attempts
        attempts += 1
        if attempts < 3:
            raise StoreDown("not yet")
        return Line()

    pool = Pool(connect, 1, 1, "testing")
    for _ in range(2):
        with pytest.raises(StoreDown):
            await pool.acquire()
    await pool.acquire()
    assert pool.open == 1


async def test_a_connection_given_back_while_the_server_refuses_another_serves_who_asked_for_it() -> None:
    held = asyncio.Event()
    made: list[Line] = []

    async def connect() -> Line:
        if made:
            await held.wait()
            raise NoPlace("no place")
        made.append(Line())
        return made[0]

    pool = Pool(connect, 3, 1, "testing")
    first = await pool.acquire()
    asked = [asyncio.create_task(pool.acquire()) for _ in range(2)]
    await asyncio.sleep(0)
    pool.release(first)  # nobody stands in line yet
    held.set()
    done, waiting = await asyncio.wait(asked, timeout=0.5, return_when=asyncio.FIRST_COMPLETED)
    assert len(done) == len(waiting) == 1
    pool.release(done.pop().result())
    assert await waiting.pop() is first
    assert pool.open == 1

    pool.release(first)
    first.closed = True  # the idle one is dead: there is none any more to wait for
    with pytest.raises(NoPlace):
        await pool.acquire()
    assert pool.open == 0
    await pool.stop()


def test_addresses() -> None:
    with pytest.raises(DeclarationError, match="pool"):
        PostgresStore("postgresql://x:secret@h/db?pool=many", MODEL, "main")
    with pytest.raises(DeclarationError) as caught:
        PostgresStore("postgresql://x:secret@h/db?pool=0", MODEL, "main")
    assert "secret" not in str(caught.value)


async def test_an_insert_alone_is_one_statement(store: PostgresStore, postgres_url: str) -> None:
    """No BEGIN and no COMMIT around it: the row carries a transaction of its own all the same."""
    await store.write([Insert("Log", ("id", "text"), [(1, "x"), (2, "y")])])
    connection = await asyncpg.connect(postgres_url)
    transactions = await connection.fetch("SELECT DISTINCT xmin::text FROM log")
    await connection.close()
    assert len(transactions) == 1
