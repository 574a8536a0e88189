"""What spans stores, and what changes under a store."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from decimal import Decimal
from pathlib import Path
from uuid import UUID

import pytest

from kingpost import App, Resource, anyone, as_system, field
from kingpost.testing import Client


class Maker(Resource, read=anyone):
    name: str = field(max_length=9)
    views: list[View] = field(inverse="maker")
    tags: list[Tag] = []


class View(Resource, store="events", read="self.number != 3"):
    maker: Maker
    number: int = 0


class Tag(Resource, store="events", read=anyone):
    word: str = field(max_length=9)


@pytest.mark.parametrize("kind", ["memory", "sqlite", "postgres"])
async def test_includes_cross_stores_both_ways(kind: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    events = {"memory": "memory:", "sqlite": f"sqlite:///{tmp_path}/events.db"}.get(kind)
    main = f"sqlite:///{tmp_path}/main.db"
    events = events or request.getfixturevalue("postgres_url")
    app = App("spread", resources=[Maker, View, Tag], stores={"main": main, "events": events})
    await app.start()
    await app.sync()
    try:
        with as_system("test data"):
            tags = [Tag(word="two"), Tag(word="one")]
            for tag in tags:
                await tag.save()
            makers = [Maker(name="a", tags=tags), Maker(name="b")]
            for maker in makers:
                await maker.save()
            for number in (1, 2, 3):
                await View(maker=makers[0], number=number).save()
        views = await View.all().include("maker").sort("number")
        assert [(view.number, view.maker.name) for view in views] == [(1, "a"), (2, "a")]  # the rule hides number 3
        found = await Maker.all().include("views.maker", "tags").sort("name")
        assert [sorted((v.number, v.maker.name) for v in maker.views) for maker in found] == [[(1, "a"), (2, "a")], []]
        assert [sorted(tag.word for tag in maker.tags) for maker in found] == [["one", "two"], []]
        assert all(isinstance(view.maker.id, UUID) for view in views)
    finally:
        await app.stop()


async def test_a_field_with_a_constant_default_is_added_to_rows_that_are_there(
    tmp_path: Path, postgres_url: str
) -> None:
    for url in (f"sqlite:///{tmp_path}/grow.db", postgres_url):

        class Plain(Resource, table="thing", read=anyone, create=anyone):
            name: str = field(max_length=20)

        before = App("grow", resources=[Plain], stores={"main": url})
        await before.start()
        await before.sync()
        await Plain(name="old").save()
        await before.stop()

        class Grown(Resource, table="thing", read=anyone, create=anyone):
            name: str = field(max_length=20)
            approved: bool = False
            words: str = field(default="it's", max_length=20)
            rank: int | None = None

        after = App("grow", resources=[Grown], stores={"main": url})
        await after.start()
        changes = (await after.sync())["main"]
        assert [change.kind for change in changes] == ["add", "add", "add"], changes
        assert [(g.name, g.approved, g.words, g.rank) for g in await Grown.all()] == [("old", False, "it's", None)]
        assert (await after.compare())["main"] == []
        await after.stop()


async def test_values_of_another_type_than_declared_are_the_operators_matter(tmp_path: Path) -> None:
    """A column that was text once, as `db diff` tells: what it holds is no fault of ours, and no answer either."""

    class Coin(Resource, read=anyone):
        worth: Decimal = field(max_digits=8, decimal_places=2)

    with closing(sqlite3.connect(tmp_path / "coins.db")) as connection:
        connection.execute("CREATE TABLE coin (id TEXT PRIMARY KEY, worth TEXT NOT NULL, _version INTEGER NOT NULL)")
        connection.execute("INSERT INTO coin VALUES ('018f0000-0000-7000-8000-000000000001', 'a lot', 1)")
        connection.commit()
    app = App("coins", resources=[Coin], stores={"main": f"sqlite:///{tmp_path}/coins.db"})
    async with Client(app) as client:
        answer = await client.get("/api/coins")
    assert (answer.status_code, answer.json()["type"]) == (503, "/problems/KP504")
    assert "a lot" not in answer.text
