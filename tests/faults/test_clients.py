"""Clients that go away and clients that are slow, before servers as users run them."""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path

import httpx2
import pytest
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware

from tests.faults.client import Asked, add, add_two, opened, tags, until
from tests.faults.served import Watcher, connect, request, served

# ------------------------------------------------------------------------------------------------------- they go away


async def test_a_client_that_goes_away_leaves_nothing_behind(tmp_path: Path, postgres_url: str) -> None:
    async with served(tmp_path, f"{postgres_url}?pool=2") as (server, client), Watcher(postgres_url) as watcher:
        await watcher.lock()
        writing = (await connect(server, request("POST", "/api/lines", b'{"tag": "written"}')))[1]
        for _ in range(2):  # more than there are connections
            reading = [(await connect(server, request("GET", "/api/lines")))[1] for _ in range(2)]

            async def busy(number: int, kind: str) -> bool:
                return await watcher.at_work(kind) == number

            await until(lambda: busy(2, "read"))
            await until(lambda: busy(1, "write"))
            for gone in (*reading, writing):
                gone.close()
            await until(lambda: busy(0, "read"))  # though nobody unlocks the table
        assert await watcher.at_work("write") == 1  # what is to be written is
        await watcher.unlock()
        await until(lambda: is_written(client, ["written"]))
        assert (await add_two(client, "more")).status_code == 201


async def is_written(client: httpx2.AsyncClient, expected: list[str]) -> bool:
    return await tags(client) == expected


@pytest.mark.parametrize("middleware", [[], [Middleware(GZipMiddleware)]], ids=["bare", "behind middleware"])
async def test_that_a_client_is_gone_is_seen(postgres_url: str, middleware: list[Middleware]) -> None:
    async with opened(postgres_url, middleware=middleware) as (app, client), Watcher(postgres_url) as watcher:
        await watcher.lock()
        asked = Asked(app, "/api/lines")

        async def begun() -> bool:
            return await watcher.at_work("read") == 1

        await until(begun)
        asked.gone.set()
        await asyncio.wait_for(asked.task, 10)
        assert asked.sent == []
        await watcher.unlock()
        assert await tags(client) == []


async def test_who_does_not_take_a_stream_keeps_nobody_from_reading(tmp_path: Path, postgres_url: str) -> None:
    async with (
        served(tmp_path, f"{postgres_url}?pool=2", SLOW="2") as (server, client),
        Watcher(postgres_url) as watcher,
    ):
        await watcher.fill(100_000)
        export = b"GET /api/lines HTTP/1.1\r\nhost: x\r\naccept: application/x-ndjson\r\n\r\n"
        stuck = [await connect(server, export) for _ in range(2)]
        for reader, _ in stuck:
            assert await reader.readexactly(12) == b"HTTP/1.1 200"
        for _ in range(10):
            assert (await client.get("/api/lines?limit=1")).status_code == 200
        assert await watcher.at_work("read") == 2

        async def over() -> bool:
            return await watcher.at_work("read") == 0

        await until(over)
        assert "its client has taken nothing of it for 2 s" in server.printed
        for reader, writer in stuck:  # the end is missing, and seen to be
            with pytest.raises((asyncio.IncompleteReadError, ConnectionError)):
                while await reader.readuntil(b"\n") != b"0\r\n":
                    pass
            writer.close()
        assert "Traceback" not in server.printed


# -------------------------------------------------------------------------------------------------------- they are slow


SLOWLY = {
    "nothing": [],
    "headers": [b"GET /api/lines HTTP/1.1\r\n", *(b"x-%d: y\r\n" % number for number in range(1000))],
    "bodies": [request("POST", "/api/lines", bytes(1000))[:-1000], *(b" " for _ in range(1000))],
    "idle": [request("GET", "/api/lines?limit=1")],
    "answers": [request("GET", "/api/lines?limit=1000") * 100],
}
"""What each kind of slow client sends, a piece a second; none of them takes anything of its answer."""
PATIENCE = 10
"""Seconds within which all of them are to be gone."""


async def test_five_hundred_slow_clients(tmp_path: Path) -> None:
    clock = asyncio.get_running_loop().time
    async with served(tmp_path, f"sqlite:///{tmp_path}/ledger.db") as (server, client):
        for start in range(0, 1000, 500):
            rows = [{"tag": f"{number:080}"} for number in range(start, start + 500)]
            assert (await client.post("/api/lines", json=rows)).status_code == 201
        sockets = server.sockets()
        slow = [Slow(kind) for kind in SLOWLY for _ in range(100)]

        async def all_there() -> bool:
            return server.sockets() >= sockets + len(slow)

        running = [asyncio.create_task(one.run(server.port)) for one in slow]
        await until(all_there, PATIENCE)
        began, slowest, served_meanwhile = clock(), 0.0, 0
        while server.sockets() > sockets:
            at = clock()
            assert at < began + PATIENCE, f"{server.sockets() - sockets} of them are still there"
            assert (await client.get("/api/lines?limit=10")).status_code == 200
            assert (await add(client, "written")).status_code == 201
            slowest, served_meanwhile = max(slowest, clock() - at), served_meanwhile + 2
            await asyncio.sleep(0.02)
        print(
            f"\n{len(slow)} slow clients were gone after {clock() - began:.1f} s; meanwhile {served_meanwhile} requests"
        )
        print(f"of others were answered, the slowest two together within {slowest * 1000:.0f} ms")
        assert served_meanwhile > 0
        for task in running:
            task.cancel()
        assert server.printed.count("\n") < 20


class Slow:
    """One client; it goes on until the server has had enough."""

    def __init__(self, kind: str) -> None:
        self._pieces = SLOWLY[kind]

    async def run(self, port: int) -> None:
        loop = asyncio.get_running_loop()
        with socket.socket() as made:
            made.setblocking(False)
            made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            await loop.sock_connect(made, ("127.0.0.1", port))
            try:
                for piece in self._pieces:
                    await loop.sock_sendall(made, piece)
                    await asyncio.sleep(1)
                await asyncio.sleep(60)
            except OSError:
                pass
