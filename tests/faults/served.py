"""The ledger as a server of its own, what clients say to it word by word, and what its database is doing meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg
import httpx2

from tests.faults.server import Server

APP = Path(__file__).with_name("busy.py")
ROOT = Path(__file__).parents[2]


@asynccontextmanager
async def served(
    folder: Path, store: str, *options: str, **env: str
) -> AsyncIterator[tuple[Server, httpx2.AsyncClient]]:
    """A server of one worker, and a client of it."""
    server = await asyncio.to_thread(
        Server, APP, folder, LEDGER_STORE=store, PYTHONPATH=f"{ROOT / 'src'}:{ROOT}", **env
    )
    try:
        await asyncio.to_thread(server.start, *options)
        async with httpx2.AsyncClient(base_url=server.url, timeout=30) as client:
            yield server, client
    finally:
        server.kill()


async def connect(server: Server, asked: bytes = b"") -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A connection on which something is asked."""
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port, limit=1024)
    writer.write(asked)
    return reader, writer


def request(method: str, path: str, body: bytes = b"") -> bytes:
    """The bytes of a request with a JSON body."""
    head = [f"{method} {path} HTTP/1.1", "host: x", "content-type: application/json", f"content-length: {len(body)}"]
    return "\r\n".join([*head, "", ""]).encode() + body


class Watcher:
    """Sees what a database is asked."""

    def __init__(self, url: str) -> None:
        self._url = url

    async def __aenter__(self) -> Watcher:
        self._connection = await asyncpg.connect(self._url)
        self._locking = await asyncpg.connect(self._url)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._locking.close()
        await self._connection.close()

    async def lock(self) -> None:
        """Nobody reads or writes lines any more."""
        await self._locking.execute("BEGIN; LOCK TABLE line")

    async def unlock(self) -> None:
        await self._locking.execute("ROLLBACK")

    async def at_work(self, kind: str) -> int:
        """How many connections that `read` or `write` are in a statement or a transaction."""
        count: int = await self._connection.fetchval(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state <> 'idle' "
            f"AND application_name LIKE 'kingpost % {kind}'"
        )
        return count

    async def lines(self) -> int:
        """How many there are."""
        count: int = await self._connection.fetchval("SELECT count(*) FROM line")
        return count

    async def fill(self, number: int) -> None:
        """So many lines more."""
        await self._connection.execute(
            "INSERT INTO line (id, tag, _version) "
            "SELECT gen_random_uuid(), repeat('x', 80), 1 FROM generate_series(1, $1)",
            number,
        )
