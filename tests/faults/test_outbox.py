"""`kill -9` in a loop while rows are deleted whose dependants are in another store: both sides agree in the end.

What became of them is read from the databases themselves, not through Kingpost.
"""

from __future__ import annotations

import asyncio
import random
import sqlite3
from collections import Counter
from contextlib import closing
from pathlib import Path
from typing import Any

import asyncpg
import httpx2
import pytest

from tests.faults.server import Server
from tests.services.postgres import PostgresServer
from tests.soak import count

APP = Path(__file__).with_name("library.py")
ROUNDS = count(10, 100)
CLIENTS = 4
BOOKS = 3


class Told:
    """What the clients were told. Where a client was told nothing of a delete, the row may be there or not."""

    def __init__(self) -> None:
        self.kept: set[int] = set()
        self.deleted: set[int] = set()
        self.unsure: set[int] = set()
        self.counts: Counter[str] = Counter()


async def client(number: int, url: str, told: Told, chance: random.Random, stopping: asyncio.Event) -> None:
    """Adds authors with all that belongs to them, and deletes most of them."""
    async with httpx2.AsyncClient(base_url=url, timeout=10) as http:
        author = number
        while not stopping.is_set():
            author += CLIENTS
            if not await _add(http, author, told):
                continue
            if chance.random() < 0.3:
                told.kept.add(author)
                continue
            answer = await _ask(http, "DELETE", f"/api/authors/{author}")
            if answer is None or answer.status_code >= 500:
                told.unsure.add(author)
            else:
                assert answer.status_code == 204, answer.text
                told.deleted.add(author)


async def _add(http: httpx2.AsyncClient, author: int, told: Told) -> bool:
    rows: list[tuple[str, Any]] = [
        ("authors", {"id": author}),
        ("shelves", {"id": author, "author": author}),
        ("books", [{"id": author * 10 + index, "author": author} for index in range(BOOKS)]),
        ("marks", {"id": author, "shelf": author}),
        ("notes", {"id": author, "author": author}),
    ]
    for path, row in rows:
        answer = await _ask(http, "POST", f"/api/{path}", row)
        if answer is None or answer.status_code >= 500:
            told.unsure.add(author)
            return False
        assert answer.status_code in (200, 201), answer.text
    return True


async def _ask(http: httpx2.AsyncClient, method: str, path: str, json: Any = None) -> httpx2.Response | None:
    """None where the connection broke: a moment later there is somebody again."""
    try:
        return await http.request(method, path, json=json)
    except httpx2.TransportError:
        await asyncio.sleep(0.05)
        return None


@pytest.mark.soak
async def test_both_stores_agree_in_the_end(tmp_path: Path) -> None:
    database = PostgresServer(fsync=True)
    try:
        await asyncio.to_thread(database.start)
        near, file = database.create_database(), tmp_path / "main.db"
        server = Server(APP, tmp_path, LIBRARY_MAIN=f"sqlite:///{file}", LIBRARY_NEAR=near)
        told = await crashes(server, database)
        await compare(told, file, near)
        print(f"\n{ROUNDS} rounds, {CLIENTS} clients: {len(told.deleted):,} deleted, {len(told.kept):,} kept, ", end="")
        print(f"{len(told.unsure):,} left open; kills: {dict(told.counts)}")
    finally:
        database.remove()


async def crashes(server: Server, database: PostgresServer) -> Told:
    """Clients write all the time, while a worker, the whole server or the other store is killed and started again."""
    chance, told, stopping = random.Random(5), Told(), asyncio.Event()
    await asyncio.to_thread(server.start, "--workers", "2")
    try:
        running = [
            asyncio.create_task(client(number, server.url, told, random.Random(number), stopping))
            for number in range(1, CLIENTS + 1)
        ]
        try:
            for number in range(ROUNDS):
                await asyncio.wait(running, timeout=chance.uniform(0.2, 2), return_when=asyncio.FIRST_EXCEPTION)
                if any(task.done() for task in running):  # a client has got a wrong answer
                    break
                await crash(server, database, chance, told, ("worker", "server", "store")[number % 3])
        finally:
            stopping.set()
        await asyncio.wait_for(asyncio.gather(*running), 60)
        await followed(server)
        assert await asyncio.to_thread(server.terminate) == 0
    finally:
        server.kill()
    assert "Traceback" not in server.printed, server.printed[-5000:]
    return told


async def crash(server: Server, database: PostgresServer, chance: random.Random, told: Told, kind: str) -> None:
    told.counts[kind] += 1
    if kind == "worker":
        await asyncio.to_thread(server.kill_worker, chance.choice(server.workers()))
    elif kind == "server":
        await asyncio.to_thread(server.kill)
        await asyncio.to_thread(server.start, "--workers", str(chance.choice([1, 2])))
    else:
        await asyncio.to_thread(database.kill)
        await asyncio.sleep(chance.uniform(0, 0.5))
        await asyncio.to_thread(database.start)


async def followed(server: Server) -> None:
    """Wait until nothing is left in the outbox: a lease may have to run out, and what failed is put off."""
    file = server.folder / "main.db"
    async with asyncio.timeout(90):
        while rows(file, "SELECT count(*) FROM kingpost_outbox") != [(0,)]:  # noqa: ASYNC110
            await asyncio.sleep(0.2)


def rows(file: Path, text: str) -> list[Any]:
    with closing(sqlite3.connect(file)) as connection:
        return connection.execute(text).fetchall()


async def compare(told: Told, file: Path, near: str) -> None:
    authors = {row[0] for row in rows(file, "SELECT id FROM author")}
    shelves = {row[0] for row in rows(file, "SELECT id FROM shelf")}
    connection = await asyncpg.connect(near)
    try:
        books = {row[0]: row[1] for row in await connection.fetch("SELECT id, author_id FROM book")}
        marks = {row[0]: row[1] for row in await connection.fetch("SELECT id, shelf_id FROM mark")}
        notes = {row[0]: row[1] for row in await connection.fetch("SELECT id, author_id FROM note")}
    finally:
        await connection.close()
    assert authors & told.deleted == set()
    assert told.kept - authors == set()
    assert authors - told.kept - told.unsure == set()
    for author in told.kept:
        assert {author * 10 + index for index in range(BOOKS)} <= set(books)
        assert author in shelves
        assert author in marks
        assert notes[author] == author
    for author in told.deleted:
        assert notes[author] is None
    assert set(books.values()) <= authors
    assert set(marks.values()) <= shelves
    assert {author for author in notes.values() if author is not None} <= authors
