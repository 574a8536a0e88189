"""PostgreSQL in trouble: what a client is told, that nothing acknowledged is lost, and that it goes on by itself."""

from __future__ import annotations

import asyncio
import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import asyncpg
import httpx2
import pytest

from kingpost.testing import Client
from tests.faults.client import add, add_two, keyed, open_two, opened, refused, tags, until
from tests.faults.disks import SmallDisk, may_mount, small_disk
from tests.services.postgres import PostgresServer, postgres
from tests.services.proxy import Proxy, proxy

LONG = "x" * 80


@pytest.fixture
async def between(postgres_server: PostgresServer) -> AsyncIterator[Proxy]:
    """A proxy before PostgreSQL."""
    async with proxy(postgres_server.port) as made:
        yield made


# ---------------------------------------------------------------------------------------------- the server is not there


async def test_a_database_that_is_stopped_is_a_503_until_it_is_back() -> None:
    server = PostgresServer()
    try:
        await asyncio.to_thread(server.start)
        async with opened(server.create_database()) as (_, client):
            assert (await add(client, "1")).status_code == 201
            for end in (server.stop, server.kill):
                await asyncio.to_thread(end)
                for _ in range(3):
                    refused(await client.get("/api/lines"), 503, "KP503")
                    refused(await add(client, "no"), 503, "KP503")
                    refused(await add_two(client, "no", key="a"), 503, "KP503")
                    refused(await open_two(client, "no"), 503, "KP503")
                await asyncio.to_thread(server.start)
                assert await tags(client) == ["1"]
                assert (await client.delete(f"/api/lines/{await one(client)}")).status_code == 204
                assert (await add(client, "1", key=end.__name__)).status_code == 201
            await asyncio.to_thread(server.restart)
            assert await tags(client) == ["1"]
    finally:
        await asyncio.to_thread(server.remove)


async def one(client: Client) -> str:
    id: str = (await client.get("/api/lines?limit=1")).json()["items"][0]["id"]
    return id


async def test_connections_that_break_while_nobody_uses_them_are_replaced(between: Proxy, postgres_url: str) -> None:
    async with opened(between.before(postgres_url)) as (_, client):
        for number in range(5):
            assert (await add(client, f"{number}")).status_code == 201
            between.cut()
            await until(lambda: no_connections(between))
            assert await tags(client) == [f"{n}" for n in range(number + 1)]


async def test_connections_that_turn_out_to_be_dead_are_replaced_unseen(between: Proxy, postgres_url: str) -> None:
    async with opened(between.before(postgres_url)) as (_, client):

        async def many_at_once() -> None:
            answers = await asyncio.gather(*(add_two(client, "many") for _ in range(5)))
            assert {answer.status_code for answer in answers} == {201}
            await asyncio.gather(*(tags(client) for _ in range(5)))

        await many_at_once()
        between.cut()  # and nobody has heard of it when the next one comes
        assert (await add_two(client, "next")).status_code == 201
        await many_at_once()
        between.cut()
        assert len(await tags(client)) == 22


async def no_connections(between: Proxy) -> bool:
    return between.connections == 0


async def test_a_server_without_free_places() -> None:
    with postgres(max_connections="12", superuser_reserved_connections="0") as server:
        url = server.create_database()
        async with opened(f"{url}?wait=5") as (_, client):
            others = await taken(url)
            # The connections that there are have to do.
            answers = await asyncio.gather(*(add(client, f"{number:02}") for number in range(30)))
            assert {answer.status_code for answer in answers} == {201}
            answers = await asyncio.gather(*(client.get("/api/lines") for _ in range(30)))
            assert {answer.status_code for answer in answers} == {200}, {answer.text for answer in answers}

            end = "SELECT pg_terminate_backend(pid, 9000) FROM pg_stat_activity WHERE application_name LIKE 'kingpost%'"
            await others[0].execute(end)
            others += await taken(url)
            answers = await asyncio.gather(*(client.get("/api/lines") for _ in range(30)))
            for answer in [*answers, await add(client, "no"), await add_two(client, "no")]:
                refused(answer, 503, "KP503")
            for other in others:
                await other.close()
            assert len(await tags(client)) == 30
            assert (await add(client, "30")).status_code == 201


async def taken(url: str) -> list[asyncpg.Connection[Any]]:
    """All places that are free."""
    made: list[asyncpg.Connection[Any]] = []
    while True:
        try:
            made.append(await asyncpg.connect(url, server_settings={"application_name": "another"}))
        except asyncpg.TooManyConnectionsError:
            return made


# ----------------------------------------------------------------------------------------- cut in the middle of a write


@pytest.mark.parametrize("carried_out", [True, False], ids=["committed", "not committed"])
@pytest.mark.parametrize("write", [add, add_two, open_two])
async def test_a_connection_cut_in_a_commit_has_an_unknown_outcome_and_a_repeat_does_it_once(
    between: Proxy, postgres_url: str, write: Callable[..., Awaitable[httpx2.Response]], carried_out: bool
) -> None:
    async with opened(between.before(postgres_url)) as (_, client):
        assert (await write(client, "a", key="1")).is_success
        between.cut_at(b"COMMIT", carried_out=carried_out)
        problem = refused(await write(client, "b", key="2"), 503, "KP505")
        assert "Idempotency-Key" in problem["detail"]
        assert ([tag for tag in await tags(client) if tag.startswith("b")] != []) is carried_out
        for _ in range(2):
            answer = await write(client, "b", key="2")
            assert answer.is_success
        assert answer.headers["idempotency-replayed"] == "true"
        found = await tags(client)
        assert len(found) == len(set(found)) == (2 if write is add else 4)


@pytest.mark.parametrize("carried_out", [True, False], ids=["done", "not done"])
async def test_a_connection_cut_in_a_single_statement(between: Proxy, postgres_url: str, carried_out: bool) -> None:
    async with opened(between.before(postgres_url)) as (_, client):
        assert (await add(client, "a")).status_code == 201
        between.cut_at(b"the last words", carried_out=carried_out)
        refused(await add(client, "the last words"), 503, "KP505")
        assert await tags(client) == (["a", "the last words"] if carried_out else ["a"])


async def test_a_connection_cut_before_the_commit_has_done_nothing(between: Proxy, postgres_url: str) -> None:
    async with opened(between.before(postgres_url)) as (_, client):
        between.cut_at(b"the first", carried_out=True)
        many = [{"tag": "the first"}, {"tag": "the second"}]
        refused(await client.post("/api/lines", json=many, headers=keyed("1")), 503, "KP503")
        assert await tags(client) == []
        assert (await client.post("/api/lines", json=many, headers=keyed("1"))).status_code == 201


async def test_a_read_that_is_cut_off_is_done_again(between: Proxy, postgres_url: str) -> None:
    async with opened(between.before(postgres_url)) as (_, client):
        assert (await add(client, "wanted")).status_code == 201
        for _ in range(2):
            assert (await client.get("/api/lines?tag=wanted")).status_code == 200
            between.cut_at(b"wanted", carried_out=True)
            answer = await client.get("/api/lines?tag=wanted")
            assert [item["tag"] for item in answer.json()["items"]] == ["wanted"]


# ------------------------------------------------------------------------------------------- a database of another mind


async def test_tables_altered_under_prepared_statements(postgres_server: PostgresServer, postgres_url: str) -> None:
    async with opened(postgres_url) as (_, client):

        async def alter(statement: str) -> None:
            await asyncio.to_thread(postgres_server.sql, f"ALTER TABLE line {statement}", postgres_url)

        async def all_work(number: int) -> None:
            # With a key it is part of a transaction, which is done again as a whole.
            key = f"{number}.alone" if number % 2 else ""
            assert (await add(client, f"{number}.alone", key=key)).status_code == 201
            assert (await add_two(client, f"{number}.two", key=f"{number}")).status_code == 201
            assert (await open_two(client, f"{number}.opened")).status_code in (200, 204)
            assert len(await tags(client)) == 5 * number
            path = f"/api/lines/{await one(client)}"
            assert (await client.patch(path, json={"tag": f"{number}.changed"})).status_code == 200
            assert (await client.get(path)).json()["tag"] == f"{number}.changed"

        await all_work(1)
        await alter("ADD COLUMN remark text")
        await all_work(2)
        await alter("ALTER COLUMN tag TYPE varchar(200)")
        await all_work(3)
        await alter("ALTER COLUMN tag TYPE text, DROP COLUMN remark")
        await all_work(4)
        await alter("RENAME COLUMN tag TO label")
        problem = refused(await client.get("/api/lines"), 503, "KP504")
        assert "operator" in problem["detail"]
        refused(await add(client, "no"), 503, "KP504")
        refused(await add_two(client, "no"), 503, "KP504")
        await alter("RENAME COLUMN label TO tag")
        await all_work(5)


@pytest.mark.parametrize(("write", "key"), [(add, ""), (add_two, "2"), (open_two, "2")])
async def test_a_database_that_takes_no_writes_for_a_while(
    postgres_server: PostgresServer, postgres_url: str, write: Callable[..., Awaitable[httpx2.Response]], key: str
) -> None:
    """What a standby does that is not promoted yet."""
    name = postgres_url.rpartition("/")[2]

    async def set_read_only(value: str) -> None:
        text = f"ALTER DATABASE {name} SET default_transaction_read_only = {value}"
        await asyncio.to_thread(postgres_server.sql, text)

    async def end_connections() -> None:
        end = f"SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE datname = '{name}'"
        await asyncio.to_thread(postgres_server.sql, end)

    async with opened(postgres_url) as (_, client):
        assert (await add(client, "1")).status_code == 201
        await set_read_only("on")
        await end_connections()
        await tags(client)  # meanwhile the application hears that its connections are gone
        for _ in range(3):
            refused(await write(client, "2", key=key), 503, "KP503")
            assert await tags(client) == ["1"]
        await set_read_only("off")  # for new connections
        assert (await write(client, "2", key=key)).is_success
        assert (await add(client, "3")).status_code == 201


# ------------------------------------------------------------------------------------------------ nothing free, no room


async def test_who_finds_no_connection_free_is_told_in_time(postgres_url: str) -> None:
    async with opened(f"{postgres_url}?pool=2&wait=0.3") as (_, client):
        assert (await add(client, "1")).status_code == 201
        lock = await asyncpg.connect(postgres_url)
        await lock.execute("BEGIN; LOCK TABLE line")
        waiting = {asyncio.create_task(client.get("/api/lines")) for _ in range(30)}
        async with asyncio.timeout(20):
            while len(waiting) > 2:  # as many as there are connections
                done, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
                for task in done:
                    refused(task.result(), 503, "KP503")
        refused(await client.get("/api/accounts"), 503, "KP503")
        held = "SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'kingpost%read' AND datname = $1"
        assert await lock.fetchval(held, postgres_url.rpartition("/")[2]) == 2
        await lock.execute("ROLLBACK")
        await lock.close()
        for answer in await asyncio.gather(*waiting):
            assert [item["tag"] for item in answer.json()["items"]] == ["1"]
        assert await tags(client) == ["1"]


@contextmanager
def small_tablespace() -> Iterator[SmallDisk]:
    """A small disk, on which PostgreSQL may make a tablespace in the folder `space`."""
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)  # PostgreSQL runs as somebody else
        with small_disk(Path(folder) / "small") as disk:
            space = disk.folder / "space"
            space.mkdir()
            shutil.chown(space, "nobody")
            yield disk


async def fill_up(server: PostgresServer, url: str, disk: SmallDisk) -> None:
    await asyncio.to_thread(server.sql, f"CREATE TABLESPACE small LOCATION '{disk.folder / 'space'}'")
    await asyncio.to_thread(server.sql, "ALTER TABLE line SET TABLESPACE small", url)
    disk.fill()


FULL = """
CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION USING ERRCODE = 'disk_full', MESSAGE = 'no space'; END $$;
CREATE TRIGGER full_disk BEFORE INSERT ON line EXECUTE FUNCTION full_disk()
"""
"""Where no small disk can be had, PostgreSQL says by itself that it is full."""


async def test_a_full_disk_refuses_writes_only_and_for_as_long_as_it_is_full() -> None:
    with ExitStack() as stack:
        disk = stack.enter_context(small_tablespace()) if may_mount() else None
        server = stack.enter_context(postgres())
        url = server.create_database()
        async with opened(url) as (_, client):
            written = [f"{number:04}" for number in range(20)]
            for tag in written:
                assert (await add(client, tag)).status_code == 201
            if disk is not None:
                await fill_up(server, url, disk)
            else:
                await asyncio.to_thread(server.sql, FULL, url)
            answer = await add(client, LONG)
            while answer.status_code == 201:  # what was free in the table itself
                written.append(LONG)
                answer = await add(client, LONG)
            refused(answer, 507, "KP507")
            refused(await add_two(client, LONG[:70], key="1"), 507, "KP507")
            refused(await open_two(client, LONG[:70], key="2"), 507, "KP507")
            assert await tags(client) == sorted(written)
            if disk is not None:
                disk.free()
            else:
                await asyncio.to_thread(server.sql, "DROP TRIGGER full_disk ON line", url)
            assert (await add_two(client, "again", key="1")).status_code == 201
            assert await tags(client) == sorted([*written, "again.0", "again.1"])
