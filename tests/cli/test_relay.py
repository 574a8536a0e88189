"""`kingpost relay`, with real processes."""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import time
from contextlib import closing
from pathlib import Path

import pytest

from tests.cli.running import COMMAND, environment, kingpost, serving

APP = """
from kingpost import App, Resource, anyone, field


class Author(Resource, read=anyone, write=anyone):
    id: int = field(key=True)


class Book(Resource, store="near", read=anyone, write=anyone):
    id: int = field(key=True)
    author: Author = field(on_delete="cascade")


stores = {"main": "sqlite:///main.db", "near": "sqlite:///near.db"}
app = App("library", resources=[Author, Book], stores=stores, relay=False)
"""


@pytest.fixture
def library(tmp_path: Path) -> Path:
    (tmp_path / "app.py").write_text(APP)
    with serving(tmp_path) as served:
        served.wait()
        served.ask("/api/authors", "POST", [{"id": number} for number in (1, 2, 3)])
        served.ask("/api/books", "POST", [{"id": number, "author": number} for number in (1, 2, 3)])
        assert served.ask("/api/authors/1", "DELETE")[0] == 204
        served.interrupt()
    return tmp_path


def books(folder: Path) -> list[int]:
    with closing(sqlite3.connect(folder / "near.db")) as connection:
        return [row[0] for row in connection.execute("SELECT id FROM book ORDER BY id")]


def test_once(library: Path) -> None:
    assert books(library) == [1, 2, 3]
    done = kingpost("relay", "--once", folder=library)
    assert done.stdout == "All deletes so far have been followed.\n"
    assert books(library) == [2, 3]


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
def test_beside_a_server(library: Path, stop: signal.Signals) -> None:
    with (library / "printed").open("wb") as file:
        process = subprocess.Popen([COMMAND, "relay"], cwd=library, stdout=file, stderr=file, env=environment())
    try:
        deadline = time.monotonic() + 20
        while books(library) != [2, 3]:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        process.send_signal(stop)
        assert process.wait(20) == 0
    finally:
        process.kill()
        process.wait()
    assert (library / "printed").read_text() == "app:app: following deletes in main · Ctrl-C stops\nStopped.\n"


def test_nothing_to_do(project: Path) -> None:
    assert "nothing to do, as no on_delete leads from store to store" in kingpost("relay", folder=project).stdout
