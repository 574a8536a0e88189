"""Tables that others made and write to: nobody's change is lost, though no column counts them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest

from kingpost import App, Resource, Stale, action, anyone, as_system, field
from kingpost.testing import Client


class Shelf(Resource, adopted=True, read=anyone, write=anyone, relabel=anyone):
    code: str = field(key=True, max_length=10)
    label: str | None = field(default=None, max_length=20)
    places: int

    @action
    async def relabel(self, label: str) -> Shelf:
        self.label = label
        return self


class Tin(Resource, adopted=True, read=anyone, write=anyone):
    number: int = field(key=True)
    shelf: Shelf


TABLES = (
    "CREATE TABLE shelf (code text PRIMARY KEY, label text, places bigint NOT NULL, note text)",
    "CREATE TABLE tin (number bigint PRIMARY KEY, shelf_code text NOT NULL REFERENCES shelf (code))",
    "INSERT INTO shelf VALUES ('a', 'first', 3, 'kept'), ('b', NULL, 0, NULL)",
    "INSERT INTO tin VALUES (1, 'a')",
)


@pytest.fixture(params=["sqlite", "postgres"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty database of each kind."""
    return str(request.getfixturevalue("postgres_url")) if request.param == "postgres" else f"sqlite:///{tmp_path}/x.db"


@pytest.fixture
async def app(url: str) -> App:
    """The application over the tables of others."""
    return App("shelves", resources=[Shelf, Tin], stores={"main": url}, secret=b"t")


@pytest.fixture
async def client(app: App) -> AsyncIterator[Client]:
    async with Client(app) as client:
        await sql(app, *TABLES)
        yield client


async def sql(app: App, *statements: str) -> list[Sequence[object]]:
    """What others do to the database, and the rows that the last of it answers."""
    rows: Sequence[Sequence[object]] = ()
    with as_system("others"):
        for statement in statements:
            rows = await app.execute(statement)
    return [tuple(row) for row in rows]


async def test_rows_are_read_and_written(client: Client, app: App) -> None:
    assert (await client.get("/api/shelves/a")).json() == {"code": "a", "label": "first", "places": 3}
    assert (await client.get("/api/tins?include=shelf&where=shelf.places > 2")).json()["items"] == [
        {"number": 1, "shelf": {"code": "a", "label": "first", "places": 3}}
    ]
    assert (await client.post("/api/shelves", json={"code": "c", "places": 9})).status_code == 201
    assert (await client.patch("/api/shelves/c", json={"label": "new"})).json()["label"] == "new"
    assert (await client.delete("/api/shelves/b")).status_code == 204
    assert await sql(app, "SELECT code, label, places, note FROM shelf ORDER BY code") == [
        ("a", "first", 3, "kept"), ("c", "new", 9, None),
    ]  # fmt: skip


async def test_nothing_is_added_to_the_tables(client: Client, app: App) -> None:
    (changes,) = (await app.sync()).values()
    assert [change.text for change in changes if "kingpost_repeats" not in change.text] == []
    assert await sql(app, "SELECT * FROM tin") == [(1, "a")]


async def test_the_tag_of_a_row_is_about_all_of_it(client: Client, app: App) -> None:
    before = (await client.get("/api/shelves/a")).headers["etag"]
    assert (await client.get("/api/shelves/a")).headers["etag"] == before
    assert (await client.get("/api/shelves/a", headers={"If-None-Match": before})).status_code == 304
    await sql(app, "UPDATE shelf SET label = 'theirs' WHERE code = 'a'")
    held = {"If-Match": before}
    assert (await client.patch("/api/shelves/a", json={"places": 4}, headers=held)).status_code == 412
    assert (await client.delete("/api/shelves/a", headers=held)).status_code == 412
    now = {"If-Match": (await client.get("/api/shelves/a")).headers["etag"]}
    changed = await client.patch("/api/shelves/a", json={"places": 4}, headers=now)
    assert (changed.status_code, changed.json()) == (200, {"code": "a", "label": "theirs", "places": 4})
    assert changed.headers["etag"] == (await client.get("/api/shelves/a")).headers["etag"]
    again = {"If-Match": changed.headers["etag"]}
    assert (await client.patch("/api/shelves/a", json={"places": 5}, headers=again)).status_code == 200


async def test_objects_know_when_they_are_old(client: Client, app: App) -> None:
    with as_system("the test"):
        mine = await Shelf.get("a")
        mine.label = "mine"
        await mine.save()
        mine.places = 7
        await mine.save()
        await sql(app, "UPDATE shelf SET places = 1 WHERE code = 'a'")
        mine.label = "still mine"
        with pytest.raises(Stale):
            await mine.save()
        new = Shelf(code="n", places=1)
        await new.save()
        new.places = 2
        await new.save()
        await sql(app, "UPDATE shelf SET places = 3 WHERE code = 'n'")
        new.label = "mine"
        with pytest.raises(Stale):
            await new.save()
    assert await sql(app, "SELECT label, places FROM shelf WHERE code IN ('a', 'n') ORDER BY code") == [
        ("mine", 1), (None, 3),
    ]  # fmt: skip


async def test_an_action_called_from_python_leaves_an_object_that_knows_its_version(client: Client, app: App) -> None:
    with as_system("the test"):
        mine = await Shelf.get("a")
        await mine.relabel("new")
        mine.places = 7
        await mine.save()
        await mine.relabel("newer")
        await sql(app, "UPDATE shelf SET places = 1 WHERE code = 'a'")
        mine.places = 8
        with pytest.raises(Stale):
            await mine.save()
    assert await sql(app, "SELECT label, places FROM shelf WHERE code = 'a'") == [("newer", 1)]


async def test_an_action_is_repeated_where_others_were_faster(
    client: Client, app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, times = app.engine.writer.run, 0

    async def slow(*arguments: object) -> object:
        nonlocal times
        times += 1
        if times == 1:
            await sql(app, "UPDATE shelf SET places = 8 WHERE code = 'a'")
        return await run(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(app.engine.writer, "run", slow)
    answer = await client.post("/api/shelves/a/relabel", json={"label": "new"})
    assert answer.json() == {"code": "a", "label": "new", "places": 8}
    assert times == 2


TOUCHED = {
    "sqlite": (
        "CREATE TRIGGER touched AFTER UPDATE OF places ON shelf BEGIN "
        "UPDATE shelf SET label = 'touched' WHERE code = NEW.code; END",
    ),
    "postgres": (
        "CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        "UPDATE shelf SET label = 'touched' WHERE code = NEW.code; RETURN NULL; END $$",
        "CREATE TRIGGER touched AFTER UPDATE OF places ON shelf FOR EACH ROW EXECUTE FUNCTION touch()",
    ),
}


async def test_a_row_is_shown_as_triggers_have_left_it(client: Client, app: App, url: str) -> None:
    await sql(app, *TOUCHED["sqlite" if url.startswith("sqlite") else "postgres"])
    changed = await client.patch("/api/shelves/a", json={"places": 4})
    assert changed.json() == {"code": "a", "label": "touched", "places": 4}
    held = {"If-Match": changed.headers["etag"]}
    assert (await client.patch("/api/shelves/a", json={"label": "mine"}, headers=held)).status_code == 200
    with as_system("the test"):
        mine = await Shelf.get("a")
        mine.places = 5
        await mine.save()
        mine.places = 6
        await mine.save()
    assert await sql(app, "SELECT label, places FROM shelf WHERE code = 'a'") == [("touched", 6)]


async def test_many_rows_at_once(client: Client, app: App) -> None:
    body = [{"code": "a", "places": 1}, {"code": "b", "places": 2}]
    assert (await client.patch("/api/shelves", json=body)).status_code == 200
    assert await sql(app, "SELECT places, note FROM shelf ORDER BY code") == [(1, "kept"), (2, None)]
