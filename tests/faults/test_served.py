"""Databases in trouble behind a server as users run it: what clients and watchers are told, and that it goes on by
itself, in the process that it was.

What else there is to say of each trouble is said without a server's process, in `test_postgres`, `test_sqlite` and
`test_limits`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from pathlib import Path

import httpx2
import pytest

from tests.faults.client import add, add_two, keyed, open_two, refused, tags, until
from tests.faults.disks import may_mount, small_disk, spoil
from tests.faults.served import served
from tests.services.postgres import PostgresServer, postgres
from tests.services.proxy import proxy


async def health(client: httpx2.AsyncClient) -> tuple[int, int]:
    """Whether it lives, and whether it is ready."""
    return (await client.get("/health/live")).status_code, (await client.get("/health/ready")).status_code


def comes(client: httpx2.AsyncClient, ready: int) -> Callable[[], Awaitable[bool]]:
    """Whether watchers see it; an answer may be a second old."""

    async def seen() -> bool:
        return await health(client) == (200, ready)

    return seen


async def test_a_database_that_is_stopped_and_comes_back(tmp_path: Path) -> None:
    with postgres() as database:
        async with served(tmp_path, database.create_database()) as (server, client):
            workers = server.workers()
            assert (await add(client, "1")).status_code == 201
            assert await health(client) == (200, 200)
            await asyncio.to_thread(database.stop)
            await until(comes(client, 503))
            for _ in range(50):
                refused(await client.get("/api/lines"), 503, "KP503")
                refused(await add(client, "no"), 503, "KP503")
                refused(await add_two(client, "no", key="a"), 503, "KP503")
                refused(await open_two(client, "no"), 503, "KP503")
            assert 0 < server.printed.count("\n") < 20  # of two hundred refusals
            await asyncio.to_thread(database.start)
            await until(comes(client, 200))
            assert await tags(client) == ["1"]
            assert (await add_two(client, "2", key="a")).status_code == 201
            assert await tags(client) == ["1", "2.0", "2.1"]
            assert "the store main answers again" in server.printed
            assert server.workers() == workers


async def test_a_database_five_seconds_late(tmp_path: Path, postgres_server: PostgresServer, postgres_url: str) -> None:
    async with (
        proxy(postgres_server.port) as between,
        served(tmp_path, between.before(postgres_url), DEADLINE="1") as (server, client),
    ):
        assert (await add(client, "1")).status_code == 201
        assert await health(client) == (200, 200)
        between.delay = 5
        async with asyncio.timeout(4.5):  # in which the database answers nothing
            asked = asyncio.gather(client.get("/api/lines"), add(client, "2"), add_two(client, "3", key="3"))
            assert (await client.get("/health/live")).status_code == 200
            read, *writes = await asked
            assert "1 s" in refused(read, 504, "KP506")["detail"]
            for write in writes:
                refused(write, 503, "KP505")
            await until(comes(client, 503))
        between.delay = 0
        await until(comes(client, 200))
        for _ in range(2):  # whether or not it was done in the end
            assert (await add_two(client, "3", key="3")).status_code == 201
        assert [tag for tag in await tags(client) if tag != "2"] == ["1", "3.0", "3.1"]
        assert "Traceback" not in server.printed


@pytest.mark.parametrize("carried_out", [True, False], ids=["committed", "not committed"])
async def test_a_connection_cut_in_the_middle_of_a_commit(
    tmp_path: Path, postgres_server: PostgresServer, postgres_url: str, carried_out: bool
) -> None:
    async with (
        proxy(postgres_server.port) as between,
        served(tmp_path, between.before(postgres_url)) as (_, client),
    ):
        assert (await add_two(client, "a", key="1")).status_code == 201
        between.cut_at(b"COMMIT", carried_out=carried_out)
        refused(await add_two(client, "b", key="2"), 503, "KP505")
        assert len(await tags(client)) == (4 if carried_out else 2)
        answers = [await add_two(client, "b", key="2") for _ in range(2)]
        assert [answer.status_code for answer in answers] == [201, 201]
        assert answers[1].headers["idempotency-replayed"] == "true"
        assert await tags(client) == ["a.0", "a.1", "b.0", "b.1"]


async def test_a_disk_that_is_full(tmp_path: Path) -> None:
    with ExitStack() as stack:
        disk = stack.enter_context(small_disk(tmp_path / "small")) if may_mount() else None
        file = (tmp_path if disk is None else disk.folder) / "ledger.db"
        async with served(tmp_path, f"sqlite:///{file}") as (server, client):
            written = 1
            assert (await add(client, "x" * 80)).status_code == 201
            if disk is not None:
                disk.fill()
            else:
                assert (await client.post("/bound?pages=1")).status_code == 200
            while (answer := await add(client, "x" * 80)).status_code == 201:  # what was free in the file itself
                written += 1
            for _ in range(20):
                refused(answer, 507, "KP507")
                answer = await add_two(client, "x" * 70, key="1")
            assert len(await tags(client)) == written
            assert await health(client) == (200, 200)  # reads go on
            assert server.printed.count("is full") < 5
            if disk is not None:
                disk.free()
            else:
                assert (await client.post("/bound?pages=1000000")).status_code == 200
            assert (await add_two(client, "again", key="1")).status_code == 201
            assert len(await tags(client)) == written + 2


async def test_a_file_that_is_damaged(tmp_path: Path) -> None:
    file = tmp_path / "ledger.db"
    async with served(tmp_path, f"sqlite:///{file}") as (server, client):
        for start in range(0, 5000, 1000):
            rows = [{"tag": f"{number:080}"} for number in range(start, start + 1000)]
            assert (await client.post("/api/lines", json=rows)).status_code == 201
        account = (await client.post("/api/accounts", json={}, headers=keyed("1"))).json()["id"]
        await asyncio.to_thread(server.terminate)
        spoil(file, "line")
        await asyncio.to_thread(server.start)
        for _ in range(20):
            refused(await client.get("/api/lines?limit=1000&tag[contains]=z"), 503, "KP503")
        answer = await client.post(f"/api/accounts/{account}/book", json={"tag": "x"})  # what is not damaged goes on
        assert (answer.status_code, answer.json()["tags"]) == (200, ["x"])
        assert server.printed.count(f"{file} is damaged") == 1
        assert "integrity_check" in server.printed
