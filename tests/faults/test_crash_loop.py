"""`kill -9` in a loop while clients write: every acknowledged write is there once, nothing is there twice.

What was written is read from the databases themselves, not through Kingpost.
"""

from __future__ import annotations

import asyncio
import json
import random
import sqlite3
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import asyncpg
import httpx2
import pytest

from tests.faults.server import Server
from tests.faults.writers import BULK, PAIR, Noted, Writer
from tests.services.postgres import PostgresServer
from tests.soak import count

APP = Path(__file__).with_name("ledger.py")
CLIENTS = 6
ROUNDS = count(10, 300)

Query = Callable[[str], Awaitable[Sequence[Sequence[Any]]]]


@pytest.mark.soak
async def test_sqlite(tmp_path: Path) -> None:
    file = tmp_path / "ledger.db"
    server = Server(APP, tmp_path, LEDGER_STORE=f"sqlite:///{file}")

    async def query(text: str) -> list[tuple[Any, ...]]:
        with closing(sqlite3.connect(file)) as connection:
            return connection.execute(text).fetchall()

    noted = await crashes(server, seed=1)
    assert await query("PRAGMA integrity_check") == [("ok",)]
    await compare(noted, query)
    report("SQLite", noted)


@pytest.mark.soak
async def test_postgres(tmp_path: Path) -> None:
    database = PostgresServer(fsync=True)
    try:
        await asyncio.to_thread(database.start)
        url = database.create_database()
        server = Server(APP, tmp_path, LEDGER_STORE=url)
        noted = await crashes(server, seed=2, database=database)

        async def query(text: str) -> list[asyncpg.Record]:
            connection = await asyncpg.connect(url)
            try:
                return list(await connection.fetch(text))
            finally:
                await connection.close()

        await compare(noted, query)
        report("PostgreSQL", noted)
    finally:
        database.remove()


async def crashes(server: Server, seed: int, database: PostgresServer | None = None) -> Noted:
    """All rounds: clients write all the time, while processes are killed and started again."""
    chance = random.Random(seed)
    noted = Noted()
    await asyncio.to_thread(server.start, "--workers", "2")
    try:
        async with httpx2.AsyncClient(base_url=server.url) as http:
            shared = (await http.post("/api/accounts", json={})).json()["id"]
        noted.booked[shared] = []
        writers = [Writer(number, server.url, shared, noted, seed * 100 + number) for number in range(CLIENTS)]
        running = [asyncio.create_task(writer.run()) for writer in writers]
        try:
            for number in range(ROUNDS):
                await asyncio.wait(running, timeout=chance.uniform(0.2, 2), return_when=asyncio.FIRST_EXCEPTION)
                if any(task.done() for task in running):  # a client has got a wrong answer
                    break
                await crash(server, chance, noted, number, database)
        finally:
            for writer in writers:
                writer.stopping = True
        await asyncio.wait_for(asyncio.gather(*running), 60)
        assert await asyncio.to_thread(server.terminate) == 0
    finally:
        server.kill()
    assert "Traceback" not in server.printed, server.printed[-5000:]
    return noted


async def crash(
    server: Server, chance: random.Random, noted: Noted, number: int, database: PostgresServer | None
) -> None:
    """Kill a worker, all processes of the server, or the database's first; what is gone is started again."""
    kinds = ["worker", "server"] + (["database"] if database is not None else [])
    kind = kinds[number % len(kinds)]
    noted.counts[f"kills: {kind}"] += 1
    if kind == "database":
        assert database is not None
        await asyncio.to_thread(database.kill)
        await asyncio.sleep(chance.uniform(0, 0.5))
        await asyncio.to_thread(database.start)
        return
    if kind == "worker":  # the server itself puts another in its place
        await asyncio.to_thread(server.kill_worker, chance.choice(server.workers()))
        return
    await asyncio.to_thread(server.kill)
    took = await asyncio.to_thread(server.start, "--workers", str(chance.choice([1, 2])))
    noted.counts["slowest start in ms"] = max(noted.counts["slowest start in ms"], round(took * 1000))


async def compare(noted: Noted, query: Query) -> None:
    """What is in the database with what the clients were told."""
    found = Counter(row[0] for row in await query("SELECT tag FROM line"))
    twice = {tag: number for tag, number in found.items() if number > 1}
    assert not twice
    parts = {f"{tag}.{index}" for tag in noted.bulks for index in range(BULK)}
    parts |= {f"{tag}.{index}" for tag in noted.pairs for index in range(PAIR)}
    assert {*noted.lines, *parts} - set(found) == set()
    assert noted.deleted & set(found) == set()
    for tag, size in noted.given_up.items():  # done or not, but never in part
        maybe = {tag} if size == 1 else {f"{tag}.{index}" for index in range(size)}
        assert len(maybe & set(found)) in (0, size)
        parts |= maybe
    assert set(found) - {*noted.lines, *parts} == set()

    accounts = await query("SELECT CAST(id AS text), note, tags, _version FROM account")
    stored = {row[0]: row[1:] for row in accounts}
    for id, booked in noted.booked.items():
        note, tags, version = stored[id]
        assert sorted(json.loads(tags)) == sorted(booked)
        assert version == 1 + noted.changed[id]
        assert note == noted.notes.get(id, "")
    assert set(stored) == set(noted.booked)


def report(store: str, noted: Noted) -> None:
    print(f"\n{store}, {ROUNDS} rounds, {CLIENTS} clients")
    for what, number in sorted(noted.counts.items()):
        print(f"  {what}: {number:,}")
