"""What is not in every database: names that Python has taken, what no declaration says, forms of one dialect."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import asyncpg
import pytest

from kingpost import App
from kingpost.change.faults import InspectFault
from kingpost.change.inspect import Asked, inspect
from kingpost.stores.contract import StoreDamaged, StoreDown
from kingpost.testing import Client
from tests.change.existing import Kind
from tests.change.inspecting import imported

BOTH = """
CREATE TABLE "App" (
    id INTEGER PRIMARY KEY, "class" TEXT NOT NULL, "self" INTEGER, "date" DATE, "1st" INTEGER, "a ""b" TEXT
);
CREATE TABLE "order-line" (id INTEGER PRIMARY KEY, "list" INTEGER);
CREATE TABLE order_line (id INTEGER PRIMARY KEY, "First Name" TEXT, first_name TEXT, "größe" INTEGER);
CREATE TABLE docs (id INTEGER PRIMARY KEY);
CREATE TABLE kingpost_own (key TEXT PRIMARY KEY);
CREATE TABLE region (country TEXT NOT NULL, code TEXT NOT NULL, UNIQUE (code), PRIMARY KEY (country, code));
CREATE TABLE town (
    country TEXT NOT NULL, region TEXT NOT NULL, name TEXT NOT NULL,
    twin_country TEXT, twin_region TEXT, twin_name TEXT,
    PRIMARY KEY (name, country, region), FOREIGN KEY (country, region) REFERENCES region (country, code),
    FOREIGN KEY (twin_name, twin_country, twin_region) REFERENCES town (name, country, region)
);
CREATE TABLE shop (
    id INTEGER PRIMARY KEY, country TEXT NOT NULL, region TEXT NOT NULL, town TEXT,
    code TEXT DEFAULT 'x' REFERENCES region (code), keeper INTEGER NOT NULL DEFAULT 1 REFERENCES "App" (id),
    heir INTEGER DEFAULT 2 REFERENCES "App" (id) ON DELETE SET DEFAULT, area INTEGER CHECK (area BETWEEN 1 AND 900),
    doubled INTEGER GENERATED ALWAYS AS (area * 2) STORED, level INTEGER NOT NULL CHECK (level IN (1, 2, 3)),
    added TIMESTAMP DEFAULT CURRENT_TIMESTAMP, ratio REAL DEFAULT -0.5, open BOOLEAN NOT NULL DEFAULT TRUE,
    CHECK (length(town) <= 40), CHECK (area IS NULL OR level > 0),
    FOREIGN KEY (country, region) REFERENCES region (country, code),
    FOREIGN KEY (town, country, region) REFERENCES town (name, country, region)
);
CREATE INDEX shop_of_level ON shop (level) WHERE level > 1;
CREATE TABLE measured (at REAL PRIMARY KEY, value INTEGER);
CREATE TABLE "Lone" (words TEXT NOT NULL UNIQUE);
INSERT INTO "App" (id, "class", "date") VALUES (1, 'a', '2024-02-29'), (2, 'b', NULL);
INSERT INTO region VALUES ('kp', 'x'), ('kp', 'y');
INSERT INTO town VALUES ('kp', 'x', 'Rafter', NULL, NULL, NULL), ('kp', 'y', 'Eave', 'kp', 'x', 'Rafter');
INSERT INTO shop (id, country, region, town, area, level) VALUES (1, 'kp', 'x', 'Rafter', 12, 2);
"""
POSTGRES = """
CREATE TYPE mood AS ENUM ('calm', 'gay and merry as only few of us are', 'very sad, but nobody is to know it');
CREATE DOMAIN mail AS varchar(60) CHECK (VALUE LIKE '%@%');
CREATE TABLE person (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY, mood mood NOT NULL DEFAULT 'calm', mail mail, tags text[],
    worth money, exact numeric, wide numeric(12, 0), span interval, code char(3), during tsrange, body xml, height real,
    sorted text COLLATE "C", made timestamptz NOT NULL DEFAULT now(), place point,
    EXCLUDE USING gist (during WITH &&)
);
COMMENT ON TABLE person IS 'Whoever
was "here"';
COMMENT ON COLUMN person.mail IS 'Where post goes';
ALTER TABLE person ENABLE ROW LEVEL SECURITY;
CREATE FUNCTION no_gloom() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN IF NEW.code = 'sad' THEN RAISE EXCEPTION 'not %', NEW.code; END IF; RETURN NEW; END $$;
CREATE TRIGGER no_gloom BEFORE INSERT OR UPDATE ON person FOR EACH ROW EXECUTE FUNCTION no_gloom();
INSERT INTO person (mood, mail, tags, worth, exact, wide, span, code, during, height) VALUES
    ('calm', 'a@example.org', '{one,NULL}', 12.5, 1.2345, 42, '2 hours', 'ab', '[2024-01-01,2024-01-02)', 1.5);
"""
SQLITE = """
CREATE TABLE thing (
    id BLOB PRIMARY KEY, name TEXT COLLATE NOCASE, mixed, at INTEGER, price NUMERIC, day DATE, "when" TIMESTAMP,
    code VARCHAR(10) CHECK (code <> ''), uuid BLOB, flag BOOLEAN, data JSON
) WITHOUT ROWID;
CREATE TRIGGER not_gloomy BEFORE UPDATE ON thing WHEN NEW.name = 'gloom'
    BEGIN SELECT RAISE(ABORT, 'not that'); END;
CREATE VIRTUAL TABLE words USING fts5(text);
CREATE TABLE strictly (id INTEGER PRIMARY KEY, n INT, r REAL, t TEXT, b BLOB, x ANY) STRICT;
CREATE VIEW named AS SELECT name, count(*) AS number FROM thing GROUP BY name;
INSERT INTO thing VALUES
    (X'01', 'Adze', 'text', 7, 1.25, 2460369.5, 1709201230000, 'c', X'018F2B6C000070008000000000000001', 1, '{"a": 1}'),
    (X'02', 'adze', 5, NULL, 2, NULL, NULL, NULL, NULL, 0, NULL);
"""


@pytest.fixture(params=["sqlite", "postgres"])
async def url(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A database of each kind with all of this in it."""
    if request.param == "sqlite":
        with sqlite3.connect(tmp_path / "odd.db") as connection:
            connection.executescript(BOTH + SQLITE)
        connection.close()
        return f"sqlite:///{tmp_path}/odd.db"
    found = str(request.getfixturevalue("postgres_url"))
    monkeypatch.setenv("DATABASE_URL", found)
    server = await asyncpg.connect(found)
    await server.execute(BOTH + POSTGRES)
    await server.close()
    return found


@pytest.fixture
def kind(url: str) -> Kind:
    return "sqlite" if url.startswith("sqlite") else "postgres"


async def written(url: str, folder: Path) -> tuple[str, App]:
    """The module, and its application with rules that let everybody do everything."""
    text = (await inspect(Asked(url, views=True, public=True))).text
    return text, imported(text.replace("read=anyone", "read=anyone, write=anyone"), folder)


async def test_all_of_it_fits(url: str, kind: Kind, tmp_path: Path) -> None:
    _, app = await written(url, tmp_path)
    async with Client(app) as client:
        (changes,) = (await app.compare()).values()
        assert [one.text for one in changes if "kingpost_repeats" not in one.text] == []
        for path in [path for path in (await client.get("/api/openapi.json")).json()["paths"] if path.count("/") == 2]:
            if not path.startswith("/api/openapi"):
                assert (await client.get(path)).status_code == 200, path


async def test_names_that_python_or_others_have_taken(url: str, kind: Kind, tmp_path: Path) -> None:
    text, app = await written(url, tmp_path)
    for line in (
        'class AppRow(Resource, adopted=True, table="App", read=anyone):',
        '    class_: str = field(column="class")',
        '    self_: int | None = field(default=None, column="self")',
        '    column_1st: int | None = field(default=None, column="1st")',
        """    a_b: str | None = field(default=None, column='a "b')""",
        'class OrderLine(Resource, adopted=True, table="order-line", read=anyone):',
        '    list_: int | None = field(default=None, column="list")',
        '    first_name_2: str | None = field(default=None, column="first_name")',
        "    größe: int | None = None",
        'class Doc(Resource, adopted=True, table="docs", path="docs-rows", read=anyone):',
        "import datetime as dt",
    ):
        assert line in text.splitlines(), text
    assert "dt.date | None" in text
    assert "class OrderLineRow(" in text
    assert "kingpost_own" not in text
    async with Client(app) as client:
        found = (await client.get("/api/app-rows/1")).json()
        assert (found["class_"], found["date"], found["a_b"]) == ("a", "2024-02-29", None)
        assert (await client.get("/api/docs-rows")).json() == {"items": [], "next": None}


async def test_keys_and_references_over_the_same_columns(url: str, kind: Kind, tmp_path: Path) -> None:
    text, app = await written(url, tmp_path)
    assert 'class Town(Resource, adopted=True, key=("name", "region"), read=anyone):' in text
    assert "FOREIGN KEY (code) REFERENCES region (code) is no relation, as it does not lead to the key of Region" in (
        " ".join(text.replace("\n    #", "").split())
    )
    async with Client(app) as client:
        found = (await client.get("/api/towns/Eave,kp,y?include=region,town,towns")).json()
        assert found["region"] == {"country": "kp", "code": "y"}
        assert (found["town"]["name"], found["towns"]) == ("Rafter", [])
        found = (await client.get("/api/shops/1?include=town_row,region")).json()
        assert (found["region"], found["town_row"]["name"]) == ({"country": "kp", "code": "x"}, "Rafter")
        new = {
            **({"id": 2} if kind == "postgres" else {}), "region": {"country": "kp", "code": "y"}, "town": "Eave",
            "level": 1, "keeper": {"id": 1}, "heir": {"id": 2},
        }  # fmt: skip
        made = await client.post("/api/shops", json={key: one for key, one in new.items() if key != "town"})
        assert made.status_code == 201, made.text


async def test_what_no_declaration_says_is_said_in_comments(url: str, kind: Kind, tmp_path: Path) -> None:
    text, _ = await written(url, tmp_path)
    words = " ".join(text.replace("\n    #", "").split())
    for part in (
        "keeper: the default 1 of keeper is not used",
        "heir: ON DELETE SET DEFAULT is done by the database",
        "the database refuses rows that do not hold to it, and the answer is 422",
        "CREATE INDEX shop_of_level ON",
        "The table measured has no class: at of its key can't be compared",
    ):
        assert part in words, part
    for line in (
        "    area: int | None = field(default=None, ge=1, le=900)",
        "    doubled: int | None = field(default=generated, readonly=True)",
        "    level: Literal[1, 2, 3]",
    ):
        assert line in text.splitlines(), text
    assert ("TRIGGER not_gloomy" if kind == "sqlite" else "TRIGGER no_gloom") in words
    if kind == "postgres":
        for part in (
            "ROW LEVEL SECURITY",
            "EXCLUDE USING gist",
            '"""Whoever was "here" """',
            'help="Where post goes"',
        ):
            assert part in text, part
        assert "PersonMood = Literal[" in text


async def test_what_a_trigger_refuses_is_the_fault_of_the_row(url: str, kind: Kind, tmp_path: Path) -> None:
    _, app = await written(url, tmp_path)
    async with Client(app) as client:
        if kind == "sqlite":
            refused = await client.patch("/api/things/AQ==", json={"name": "gloom"})
        else:
            refused = await client.patch("/api/people/1", json={"code": "sad"})
            overlap = {"mood": "calm", "during": '["2024-01-01 12:00:00","2024-01-03 00:00:00")'}
            assert (await client.post("/api/people", json=overlap)).status_code == 409
        assert refused.status_code == 422, refused.text
        assert "sad" not in refused.text


async def test_forms_of_each_kind_are_read_and_written(url: str, kind: Kind, tmp_path: Path) -> None:
    _, app = await written(url, tmp_path)
    async with Client(app) as client:
        if kind == "sqlite":
            found = (await client.get("/api/things?sort=id")).json()["items"]
            assert (found[0]["day"], found[0]["when"]) == ("2024-02-29", "2024-02-29T10:07:10Z")
            assert [(one["mixed"], one["price"], one["flag"]) for one in found] == [
                ("text", "1.25", True), ("5", "2.00", False),
            ]  # fmt: skip
            assert found[0]["uuid"] == "018f2b6c-0000-7000-8000-000000000001"
            changed = await client.patch("/api/things/AQ==", json={"when": "2024-03-01T00:00:00Z", "data": {"b": 2}})
            assert (changed.json()["when"], changed.json()["data"]) == ("2024-03-01T00:00:00Z", {"a": 1, "b": 2})
            return
        found = (await client.get("/api/people/1")).json()
        assert (found["mood"], found["tags"]) == ("calm", ["one", None])
        assert (found["worth"], found["exact"]) == ("12.50", "1.2345")
        assert (found["wide"], found["span"], found["code"], found["height"]) == (42, "PT7200S", "ab", 1.5)
        changed = await client.patch("/api/people/1", json={"tags": ["x"], "worth": "3.10", "mood": "calm", "wide": 7})
        assert (changed.json()["tags"], changed.json()["worth"], changed.json()["wide"]) == (["x"], "3.10", 7)


async def test_tables_are_chosen(url: str) -> None:
    found = await inspect(Asked(url, tables=("sho*", "region", "town"), without=("tow?",)))
    assert (found.tables, found.classes) == (2, 2)
    assert "town is not among the tables that were read" in " ".join(found.text.replace("\n    #", "").split())
    assert "read=anyone" not in "".join(found.text.split('"""')[2:])
    with pytest.raises(InspectFault) as caught:
        await inspect(Asked(url, tables=("shopp",)))
    assert caught.value.remedy == "did you mean 'shop'?"
    with pytest.raises(InspectFault):
        await inspect(Asked(url, without=("*",)))


async def test_a_schema_of_its_own(postgres_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    server = await asyncpg.connect(postgres_url)
    await server.execute(
        """CREATE TABLE part (id integer PRIMARY KEY); CREATE SCHEMA "Old Shop";
        CREATE TABLE "Old Shop".part (code varchar(9) PRIMARY KEY, other integer REFERENCES public.part (id));
        INSERT INTO "Old Shop".part VALUES ('nut')"""
    )
    await server.close()
    with pytest.raises(StoreDown, match="there are: Old Shop, public"):
        await inspect(Asked(postgres_url, schema="old"))
    text = (await inspect(Asked(postgres_url, schema="Old Shop", public=True))).text
    assert "FOREIGN KEY (other) REFERENCES public.part (id) is no relation" in " ".join(
        text.replace("\n    #", "").split()
    )
    assert "search_path=%22Old%20Shop%22" in text
    monkeypatch.setenv("DATABASE_URL", f"{postgres_url}?search_path=%22Old%20Shop%22")
    app = imported(text, tmp_path)
    async with Client(app) as client:
        assert (await client.get("/api/parts")).json()["items"] == [{"code": "nut", "other": None}]
        (changes,) = (await app.compare()).values()
        assert [one.text for one in changes] == ["create table kingpost_repeats"]


async def test_files_that_are_no_databases(tmp_path: Path) -> None:
    (tmp_path / "broken.db").write_bytes(b"SQLite format 4\0" * 100)
    with pytest.raises(StoreDamaged):
        await inspect(Asked(f"sqlite:///{tmp_path}/broken.db"))
    with pytest.raises(StoreDown, match="there is no file"):
        await inspect(Asked(f"sqlite:///{tmp_path}/none.db"))
    assert not (tmp_path / "none.db").exists()
