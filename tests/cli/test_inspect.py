"""`kingpost inspect`: what is printed and written, and what stands in the way."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest

from tests.change.existing import Kind, make
from tests.cli.running import environment, kingpost, serving
from tests.services.postgres import PostgresServer


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a database of others in it."""
    asyncio.run(make("sqlite", "music", f"sqlite:///{tmp_path}/music.db"))
    return tmp_path


def test_what_is_written_is_served(folder: Path) -> None:
    done = kingpost("inspect", "sqlite:///music.db", "--public", "-o", "shop.py", folder=folder)
    assert done.stdout == ""
    assert "11 tables: 9 classes" in done.stderr
    assert "without a class: Note" in done.stderr
    assert "Next: kingpost check shop:app" in done.stderr
    assert "no problems" in kingpost("check", "shop:app", folder=folder).stdout
    told = kingpost("db", "diff", "shop:app", folder=folder, status=1).stdout
    assert [line.strip() for line in told.splitlines()[1:]] == ["missing  create table kingpost_repeats"]
    kingpost("db", "sync", "shop:app", folder=folder)
    kingpost("db", "diff", "shop:app", folder=folder)
    with serving(folder, "shop:app") as server:
        server.wait()
        status, found = server.ask("/api/albums?include=artist&fields=title,artist.name&sort=title&limit=1")
        assert (status, found["items"]) == (200, [{"title": "Eaves", "artist": {"name": "Orrin Vale"}}])


def test_the_text_goes_to_standard_output(folder: Path) -> None:
    done = kingpost("inspect", "sqlite:///music.db", "Artist", "Al*", folder=folder)
    assert 'class Album(Resource, adopted=True, table="Album"):' in done.stdout
    assert "class Track" not in done.stdout
    assert "Nobody may read or write a row yet." in done.stdout
    assert done.stderr.splitlines() == ["2 tables: 2 classes"]


def test_nothing_is_overwritten(folder: Path) -> None:
    (folder / "shop.py").write_text("mine")
    told = kingpost("inspect", "sqlite:///music.db", "-o", "shop.py", folder=folder, status=1).stderr
    assert "KC022 shop.py is there" in told
    assert (folder / "shop.py").read_text() == "mine"
    kingpost("inspect", "sqlite:///music.db", "-o", "shop.py", "--force", folder=folder)
    assert "class Album" in (folder / "shop.py").read_text()
    told = kingpost("inspect", "sqlite:///music.db", "-o", "no/shop.py", folder=folder, status=2).stderr
    assert "KC017 no/shop.py can't be written" in told


@pytest.mark.parametrize(
    ("arguments", "said", "next"),
    [
        (["sqlite:///none.db"], "there is no file none.db", "mend its address"),
        (["sqlite:///music.db", "Albun"], "KC021 there is no table 'Albun'", "did you mean 'Album'?"),
        (["sqlite:///music.db", "--without", "*"], "KC021 there is no table to write a class for", "--views"),
        (["mysql://db/shop"], "KP310", "postgresql://user:password@host/shop"),
        (["music.db"], "KP310", "sqlite:///shop.db"),
        (["sqlite:///music.db", "--schema", "old"], "no schema 'old'", ""),
        (["postgresql://x:secret@127.0.0.1:1/shop"], "KC009", "start it"),
    ],
)
def test_what_stands_in_the_way(folder: Path, arguments: list[str], said: str, next: str) -> None:
    told = kingpost("inspect", *arguments, folder=folder, status=1).stderr
    assert said in told
    assert next in told
    assert "secret" not in told


def test_what_is_written_passes_linters_and_type_checkers(tmp_path: Path, postgres_server: PostgresServer) -> None:
    written: list[str] = []
    kinds: tuple[Kind, ...] = ("sqlite", "postgres")
    for kind in kinds:
        for name in ("music", "site", "flights"):
            url = f"sqlite:///{tmp_path}/{name}.db" if kind == "sqlite" else postgres_server.create_database()
            asyncio.run(make(kind, name, url))
            file = f"{kind}_{name}.py"
            kingpost("inspect", url, "--views", "-o", file, folder=tmp_path)
            written.append(file)
    for command in (
        ["ruff", "check", "--isolated", "--no-cache"],
        ["ruff", "format", "--isolated", "--no-cache", "--check"],
        ["mypy", "--strict", "--no-incremental"],
        ["pyright", "--pythonpath", sys.executable],
    ):
        done = subprocess.run(
            [sys.executable, "-m", *command, *written], cwd=tmp_path, capture_output=True, text=True, check=False,
            env=environment(),
        )  # fmt: skip
        assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
