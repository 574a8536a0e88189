"""Tables of others beside the declaration: what fits is left alone, what does not is said."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from kingpost import App, Resource, field, generated, index, unique
from kingpost.stores.contract import SchemaChange

TABLES = """
CREATE TABLE maker (id INTEGER PRIMARY KEY, name VARCHAR(40) NOT NULL UNIQUE);
CREATE TABLE part (
    id INTEGER PRIMARY KEY, label VARCHAR(20) NOT NULL, weight DOUBLE PRECISION, maker INTEGER REFERENCES maker (id)
        ON DELETE SET NULL, note VARCHAR(200)
);
CREATE INDEX by_label ON part (label, weight);
CREATE UNIQUE INDEX heavy ON part (label) WHERE weight > 9;
CREATE VIEW heavy_part AS SELECT id, label FROM part WHERE weight > 9;
INSERT INTO maker VALUES (1, 'ada');
INSERT INTO part VALUES (1, 'nut', 0.5, 1, NULL);
"""

Compare = Callable[..., Coroutine[Any, Any, list[SchemaChange]]]


@pytest.fixture(params=["sqlite", "postgres"])
async def compare(request: pytest.FixtureRequest, tmp_path: Path) -> Compare:
    """Compares resources with the tables above."""
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path}/x.db"
        with sqlite3.connect(tmp_path / "x.db") as connection:
            connection.executescript(TABLES)
        connection.close()
    else:
        url = str(request.getfixturevalue("postgres_url"))
        server = await asyncpg.connect(url)
        await server.execute(TABLES)
        await server.close()

    async def compared(*resources: type[Resource]) -> list[SchemaChange]:
        app = App("parts", resources=resources, stores={"main": url}, secret=b"t")
        await app.start()
        try:
            (changes,) = (await app.compare()).values()
            return [change for change in changes if "kingpost_repeats" not in change.text]
        finally:
            await app.stop()

    return compared


class Maker(Resource, adopted=True):
    id: int = field(key=True)
    name: str = field(max_length=40, unique=True)


async def test_what_fits_is_left_alone(compare: Compare) -> None:
    class Part(Resource, adopted=True):
        id: int = field(key=True)
        label: str = field(max_length=20)
        weight: float | None = None
        maker: Maker | None = field(default=None, column="maker", on_delete="null")

        constraints = [
            index("label"), index("label", "weight"), unique("label", where=lambda p: p.weight is not None),
        ]  # fmt: skip

    assert await compare(Maker, Part) == []


async def test_what_does_not_fit_is_said(compare: Compare) -> None:
    class Part(Resource, adopted=True):
        id: int = field(key=True)
        label: int
        weight: float
        colour: str
        maker: Maker = field(column="maker")

    changes = await compare(Maker, Part)
    assert [change.kind for change in changes] == ["refuse"] * 5
    said = " | ".join(change.text for change in changes)
    for part in (
        "column label is", "declared as int", "column weight may be NULL", "column colour is declared",
        "column maker may be NULL", "ON DELETE SET NULL and declared as RESTRICT",
    ):  # fmt: skip
        assert part in said


async def test_what_is_declared_in_words_is_added(compare: Compare) -> None:
    class Part(Resource, adopted=True):
        id: int = field(key=True)
        label: str = field(max_length=20)
        weight: float | None = field(default=None, index=True)
        colour: str | None = None

    (first, second) = await compare(Part)
    assert {first.text, second.text} == {"add column colour to table part", "add index ix_part_weight to table part"}


async def test_a_key_that_nothing_holds(compare: Compare) -> None:
    class Part(Resource, adopted=True, key="label"):
        id: int
        label: str = field(max_length=20)

    class Loose(Resource, adopted=True, key="label", table="part", constrained=False):
        id: int
        label: str = field(max_length=20)

    assert ["the key is id and declared as label" in change.text for change in await compare(Part)] == [True]
    assert await compare(Loose) == []


async def test_a_view(compare: Compare) -> None:
    class HeavyPart(Resource, adopted=True, constrained=False):
        id: int = field(key=True)
        label: str = field(max_length=20)

    assert await compare(HeavyPart) == []


async def test_what_nothing_makes_is_not_generated(compare: Compare) -> None:
    class Part(Resource, adopted=True):
        id: int = field(key=True)
        label: str = field(default=generated)

    assert ["nothing makes it there" in change.text for change in await compare(Part)] == [True]


async def test_forms_are_named_where_they_are_meant(compare: Compare) -> None:
    class Part(Resource, adopted=True):
        id: int = field(key=True)
        label: str = field(max_length=20, stored="mood")

    changes = await compare(Part)
    # SQLite has no types by name: the word means nothing to it.
    assert [change.text for change in changes if "mood" not in change.text] == []
