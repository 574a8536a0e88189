"""SQLite in trouble: what a client is told, what the log says, and that nothing acknowledged is lost."""

from __future__ import annotations

import asyncio
import logging
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from kingpost import App, as_system
from tests.cli.running import kingpost
from tests.faults.client import add, opened, refused, tags, until
from tests.faults.disks import SmallDisk, may_mount, small_disk, spoil

APP = Path(__file__).with_name("ledger.py")
LONG = "x" * 80


def is_whole(file: Path) -> bool:
    with closing(sqlite3.connect(file)) as connection:
        return bool(connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)])


# ---------------------------------------------------------------------------------------------------------- a full disk


class Room:
    """Room for more rows: taken and given back on a small disk, or where we may mount none by SQLite's own bound."""

    def __init__(self, folder: Path, disk: SmallDisk | None) -> None:
        self.folder, self._disk = folder, disk

    async def take(self, app: App) -> None:
        if self._disk is not None:
            self._disk.fill()
        else:
            await self._bound(app, 1)  # SQLite takes as many as there are

    async def give(self, app: App) -> None:
        if self._disk is not None:
            self._disk.free()
        else:
            await self._bound(app, 1_000_000)

    def close(self) -> None:
        """Nothing can be written any more, by nobody; the files are not open now."""
        if self._disk is not None:
            self._disk.make_read_only()
        else:
            for path in self.folder.glob("ledger.db*"):
                path.chmod(0o400)

    async def _bound(self, app: App, pages: int) -> None:
        with as_system("a test fills the database"):
            await app.execute(f"PRAGMA max_page_count={pages}")


@pytest.fixture
def room(tmp_path: Path) -> Iterator[Room]:
    if not may_mount():
        yield Room(tmp_path, None)
        return
    with small_disk(tmp_path / "small") as disk:
        yield Room(disk.folder, disk)


async def test_a_full_disk_refuses_writes_only_and_for_as_long_as_it_is_full(
    room: Room, caplog: pytest.LogCaptureFixture
) -> None:
    file = room.folder / "ledger.db"
    async with opened(f"sqlite:///{file}") as (app, client):
        written = [f"{number:04}" for number in range(20)]
        for tag in written:
            assert (await add(client, tag)).status_code == 201
        await room.take(app)
        answer = await add(client, LONG)
        while answer.status_code == 201:  # what was free in the file itself
            written.append(LONG)
            answer = await add(client, LONG)
        problem = refused(answer, 507, "KP507")
        assert "full" in problem["detail"]
        assert f"{file} is full" in caplog.text
        many = await client.post("/api/lines", json=[{"tag": f"{LONG[:-4]}{number:04}"} for number in range(1000)])
        refused(many, 507, "KP507")
        keyed = {"idempotency-key": '"1"'}
        refused(await client.post("/api/lines/-/open", json={"tag": LONG[:70]}, headers=keyed), 507, "KP507")
        assert await tags(client) == sorted(written)

        await room.give(app)
        assert (await add(client, "again")).status_code == 201
        assert await tags(client) == sorted([*written, "again"])
    assert is_whole(file)


# -------------------------------------------------------------------------------------------------------- damaged files


def garbage(file: Path) -> None:
    file.write_bytes(b"This was a database once. " * 1000)


def test_a_file_that_is_no_database_stops_the_start_with_the_way_out(tmp_path: Path) -> None:
    shutil.copy(APP, tmp_path / "app.py")
    garbage(tmp_path / "ledger.db")
    store = f"sqlite:///{tmp_path}/ledger.db"
    commands = (("db", "diff"), ("db", "sync"), ("serve", "--production", "--port", "0"), ("serve", "--port", "0"))
    for command in commands:
        told = kingpost(*command, folder=tmp_path, status=1, LEDGER_STORE=store)
        words = " ".join((told.stdout + told.stderr).split())
        assert "KC030" in words
        assert "ledger.db is damaged (file is not a database)" in words
        assert "integrity_check" in words


async def test_damage_found_while_running_is_a_503_and_a_word_to_the_operator(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file = tmp_path / "ledger.db"
    async with opened(f"sqlite:///{file}") as (_, client):
        for start in range(0, 5000, 1000):
            rows = [{"tag": f"{number:080}"} for number in range(start, start + 1000)]
            assert (await client.post("/api/lines", json=rows)).status_code == 201
        account = (await client.post("/api/accounts", json={})).json()["id"]
    spoil(file, "line")
    async with opened(f"sqlite:///{file}") as (_, client):
        for _ in range(3):
            refused(await client.get("/api/lines?limit=1000&tag[contains]=z"), 503, "KP503")
        assert f"{file} is damaged" in caplog.text
        assert "integrity_check" in caplog.text
        assert all(record.levelno == logging.ERROR for record in caplog.records if "damaged" in record.message)
        # What is not damaged goes on.
        answer = await client.post(f"/api/accounts/{account}/book", json={"tag": "x"})
        assert (answer.status_code, answer.json()["tags"]) == (200, ["x"])


# --------------------------------------------------------------------------------------------------- the file goes away


async def test_a_file_that_is_removed_or_replaced_takes_no_writes_that_would_be_lost(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file, aside = tmp_path / "ledger.db", tmp_path / "aside.db"
    async with opened(f"sqlite:///{file}") as (_, client):
        assert (await add(client, "1")).status_code == 201
        file.rename(aside)
        refused(await add(client, "2"), 503, "KP503")
        garbage(file)
        refused(await add(client, "3"), 503, "KP503")
        assert f"{file} was removed or replaced" in caplog.text
        aside.rename(file)
        assert (await add(client, "4")).status_code == 201
        assert {"1", "4"} <= set(await tags(client))


@pytest.mark.parametrize("replaced", [False, True], ids=["removed", "replaced"])
async def test_reads_notice_it_too(tmp_path: Path, replaced: bool) -> None:
    file = tmp_path / "ledger.db"
    async with opened(f"sqlite:///{file}") as (_, client):
        assert (await add(client, "1")).status_code == 201
        if replaced:
            shutil.copy(file, tmp_path / "another.db")
            (tmp_path / "another.db").rename(file)
        else:
            file.unlink()

        async def noticed() -> bool:
            return (await client.get("/api/lines")).status_code != 200

        await until(noticed, 10)  # they look once a second
        refused(await client.get("/api/lines"), 503, "KP503")


async def test_a_disk_that_can_only_be_read_is_told_at_the_start(room: Room, tmp_path: Path) -> None:
    shutil.copy(APP, tmp_path / "app.py")
    file = room.folder / "ledger.db"
    async with opened(f"sqlite:///{file}"):
        pass
    room.close()
    told = kingpost("serve", "--port", "0", folder=tmp_path, status=1, LEDGER_STORE=f"sqlite:///{file}")
    words = " ".join((told.stdout + told.stderr).split())
    assert "KC009" in words
    assert "ledger.db, or its folder, is read-only" in words


# ------------------------------------------------------------------------------------------------------ other processes


async def test_a_lock_that_stays(tmp_path: Path) -> None:
    file = tmp_path / "ledger.db"
    async with opened(f"sqlite:///{file}?wait=0.2") as (_, client):
        with closing(sqlite3.connect(file, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            async with asyncio.timeout(10):
                refused(await add(client, "1"), 503, "KP503")
            assert await tags(client) == []  # reads go on
            other.execute("ROLLBACK")
        assert (await add(client, "2")).status_code == 201


def crash(file: Path, to: Path) -> None:
    """The files as they are on the disk at this moment, most of it still in the log. The lock file is in memory."""
    to.mkdir()
    for path in file.parent.glob("ledger.db*"):
        if not path.name.endswith("-shm"):
            shutil.copy(path, to)
    assert (to / "ledger.db-wal").stat().st_size > 0


async def test_what_a_crash_left_in_the_log_is_there_again(tmp_path: Path) -> None:
    file = tmp_path / "ledger.db"
    async with opened(f"sqlite:///{file}") as (_, client):
        for number in range(50):
            assert (await add(client, f"{number:02}")).status_code == 201
        crash(file, tmp_path / "after")
    async with opened(f"sqlite:///{tmp_path}/after/ledger.db") as (_, client):
        assert await tags(client) == [f"{number:02}" for number in range(50)]
