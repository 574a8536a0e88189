"""`kingpost db`, on SQLite, PostgreSQL and DuckDB."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.running import kingpost

ONE = """
from kingpost import App, Resource, anyone, field

class Topic(Resource, read=anyone):
    name: str = field(max_length=80)

app = App("topics", resources=[Topic], stores={"main": "URL"})
"""
MORE = ("max_length=80)", "max_length=80)\n    hours: int | None = None")
OTHER = ("name: str = field(max_length=80)", "name: int")


@pytest.fixture(params=["sqlite", "postgres", "duckdb", "mariadb"])
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A folder whose app.py has one resource, in a store of each kind."""
    served = request.param in ("postgres", "mariadb")
    url = request.getfixturevalue(f"{request.param}_url") if served else f"{request.param}:///topics.db"
    (tmp_path / "app.py").write_text(ONE.replace("URL", url))
    return tmp_path


def change(folder: Path, old: str, new: str) -> None:
    text = (folder / "app.py").read_text()
    assert old in text
    (folder / "app.py").write_text(text.replace(old, new))


def test_creates_then_adds_then_refuses(folder: Path) -> None:
    told = kingpost("db", "diff", folder=folder, status=1).stdout
    assert "missing  create table topic" in told
    assert not list(folder.glob("*.db")), "looking makes no file"

    told = kingpost("db", "sync", "--dry-run", folder=folder).stdout
    assert "CREATE TABLE" in told
    assert "Nothing was changed." in told
    kingpost("db", "diff", folder=folder, status=1)

    assert "done     create table topic" in kingpost("db", "sync", folder=folder).stdout
    assert "as declared" in kingpost("db", "diff", folder=folder).stdout
    assert "as declared" in kingpost("db", "sync", folder=folder).stdout

    change(folder, *MORE)
    told = kingpost("db", "sync", "-v", folder=folder).stdout
    assert "add column hours to table topic" in told
    assert "ALTER TABLE" in told
    kingpost("db", "diff", folder=folder)

    change(folder, *OTHER)
    told = kingpost("db", "sync", folder=folder, status=1).stdout
    assert "refused  table topic: column name is" in told
    assert "Next: " in told
    kingpost("db", "diff", folder=folder, status=1)


def test_what_may_have_been_renamed_is_told(folder: Path) -> None:
    kingpost("db", "sync", folder=folder)
    change(folder, *MORE)
    kingpost("db", "sync", folder=folder)
    change(folder, "hours", "duration")
    told = " ".join(kingpost("db", "diff", folder=folder, status=1).stdout.split())
    assert "add column duration to table topic (hours is declared no more" in told
    assert 'field(column="hours") keeps its values' in told


def test_no_password_is_shown(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text(ONE.replace("URL", "postgresql://ada:hidden@127.0.0.1:1/topics"))
    for command in ("sync", "diff"):
        told = kingpost("db", command, folder=tmp_path, status=1)
        assert "KC009" in told.stderr
        assert "hidden" not in told.stdout + told.stderr
