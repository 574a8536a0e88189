"""What a run stands on: databases with the same rows in them, and how they are brought back after writes."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import asyncpg

from bench import load_rows, pocketbase
from bench.data import CREATED, Data
from bench.implementations import POOL
from tests.services.postgres import PostgresServer, postgres

SETTINGS = {
    "shared_buffers": "256MB",
    "max_connections": "300",
    "max_wal_size": "8GB",
    "checkpoint_timeout": "1h",
    "autovacuum": "off",
}
"""Durable as by default. Work in the background is put off: it would hit one implementation by chance."""


class Ground(Protocol):
    """The rows of one store."""

    environment: Mapping[str, str]
    """What servers are told about it."""

    @property
    def pid(self) -> int | None:
        """The process of the database, where it is one of its own."""

    def tidy(self) -> None:
        """Delete what was created, so that every list stays as it was."""


@dataclass(frozen=True)
class PostgresGround:
    """PostgreSQL, with the tables as Kingpost declares them; the peers map the same ones."""

    server: PostgresServer
    url: str

    @property
    def environment(self) -> Mapping[str, str]:
        return {"BENCH_STORE": f"{self.url}?pool={POOL}", "BENCH_DATABASE": self.url}

    @property
    def pid(self) -> int | None:
        return self.server.pid

    def tidy(self) -> None:
        asyncio.run(_execute(self.url, (f"DELETE FROM article WHERE published_at >= '{CREATED}'", "VACUUM article")))


@dataclass(frozen=True)
class SqliteGround:
    """A file of Kingpost's, and one of PocketBase's; neither is synchronized at every commit, as PocketBase does it."""

    folder: Path

    @property
    def environment(self) -> Mapping[str, str]:
        return {"BENCH_STORE": f"sqlite:///{self._kingpost}?synchronous=normal"}

    @property
    def pid(self) -> int | None:
        return None

    @property
    def _kingpost(self) -> Path:
        return self.folder / "kingpost.db"

    def tidy(self) -> None:
        microseconds = int(CREATED.timestamp() * 1_000_000)
        for file, table, instant in (
            (self._kingpost, "article", microseconds),
            (pocketbase.file(self.folder), "articles", pocketbase.instant(CREATED)),
        ):
            if file.exists():
                with closing(sqlite3.connect(file, timeout=30)) as connection:
                    connection.execute(f"DELETE FROM {table} WHERE published_at >= ?", (instant,))
                    connection.commit()


@contextmanager
def on_postgres(rows: Data) -> Iterator[PostgresGround]:
    """A server for the length of the block, filled."""
    with postgres(fsync=True, **SETTINGS) as server:
        url = server.create_database()
        asyncio.run(load_rows.postgres(url, rows))
        yield PostgresGround(server, url)


def on_sqlite(rows: Data, folder: Path, *, beside_pocketbase: bool) -> SqliteGround:
    """The files, filled."""
    ground = SqliteGround(folder)
    load_rows.sqlite(ground.environment["BENCH_STORE"], rows)
    if beside_pocketbase:
        pocketbase.prepare(folder, rows)
    return ground


async def _execute(url: str, statements: tuple[str, ...]) -> None:
    connection = await asyncpg.connect(url)
    try:
        for statement in statements:
            await connection.execute(statement)
    finally:
        await connection.close()
