"""`kingpost check` and `kingpost routes`."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from kingpost.operate.codes import CODES
from tests.cli.running import kingpost

ADVISED = """
from kingpost import App, Resource, action, allow, anyone, field, nobody, unique

class Company(Resource, read=anyone):
    name: str = field(max_length=80)

class User(Resource, read=anyone):
    company: Company

class Invoice(Resource, create=anyone, tenant="company"):
    company: Company
    number: str = field(max_length=20, unique=True)
    note: str
    code: str = field(max_length=9)

    scoped = unique("company", "code")

    @allow("read")
    def mine(self, me: User | None) -> bool:
        return me is not None and self.company == me.company

    @action
    async def pay(self) -> None: ...

class Secret(Resource):
    text: str

class Meant(Resource, read=nobody, burn=nobody):
    text: str

    @action
    async def burn(self) -> None: ...

app = App("advised", resources=[Company, User, Invoice, Secret, Meant])

@app.get("/hello", summary="Say hello")
async def hello() -> str:
    return "hello"
"""


@pytest.fixture
def advised(tmp_path: Path) -> Path:
    """An application that leaves out what it should think of."""
    (tmp_path / "app.py").write_text(ADVISED)
    return tmp_path


def test_warnings_have_ids_places_carets_and_remedies(advised: Path) -> None:
    told = kingpost("check", "--no-stores", folder=advised).stdout
    assert re.findall(r"^(KC\d+) (.*)$", told, re.M) == [
        ("KC104", "nobody may call Invoice.pay: no rule speaks of it"),
        ("KC101", "Invoice: that number is unique tells writers of rows that they may not read"),
        ("KC103", "Invoice.note is text of any length"),
        ("KC102", "nobody may read Secret: no rule speaks of it"),
    ]
    assert "app.py:13" in told
    assert told.count("^^^") >= 4
    assert "note: str = field(max_length=200)" in told
    assert told.rstrip().endswith("app:app: 5 resources, no problems, 4 warnings")
    kingpost("check", "--no-stores", "--strict", folder=advised, status=1)


def test_a_unique_value_tells_nothing_within_the_tenant_only(advised: Path) -> None:
    assert "that company and code" not in kingpost("check", "--no-stores", folder=advised).stdout
    (advised / "app.py").write_text(ADVISED.replace(', tenant="company"', ""))
    assert "that company and code is unique tells" in kingpost("check", "--no-stores", folder=advised).stdout


UNIQUE = """
from kingpost import App, Resource, actor, allow, anyone, authenticated, deny, field, unique

class Company(Resource, read=anyone):
    name: str = field(max_length=80)

class User(Resource, read=anyone):
    company: Company
    role: str = field(max_length=9)

class Everybody(Resource, read=authenticated, write=authenticated):
    name: str = field(unique=True, max_length=9)

class Bosses(Resource, read="me is not None and me.role == 'boss'", write="me is not None and me.role == 'boss'"):
    name: str = field(unique=True, max_length=9)

class Own(Resource, write="self.owner == me"):
    owner: User = field(default=actor)
    shared: bool = False
    name: str = field(max_length=9)
    once = unique("owner", "name")

    @allow("read")
    def seen(self, me: User | None) -> bool:
        return self.shared or (me is not None and (self.owner == me or me.role == "boss"))

    @deny("read", "write")
    def banned(self, me: User | None) -> bool:
        return me is not None and me.role == "banned"

class Ours(Resource):
    by: User
    name: str = field(max_length=9)
    once = unique("by", "name")

    @allow("read", "write")
    def ours(self, me: User) -> bool:
        return self.by.company == me.company

class Live(Resource, read="self.live", write=anyone):
    name: str = field(max_length=9)
    live: bool = False
    once = unique("name", where=lambda row: row.live)

class Numbered(Resource, read="self.live or (me is not None and me.role == 'boss')", write=anyone):
    live: bool = False
    number: int | None = field(default=None, unique=True, write="me is not None and me.role == 'boss'")

app = App("honest", resources=[Company, User, Everybody, Bosses, Own, Ours, Live, Numbered])
"""


def test_who_sees_every_row_that_can_be_in_the_way_is_told_nothing(tmp_path: Path) -> None:
    """What the rule for writing demands of the unique members holds of the row in the way, too."""
    (tmp_path / "app.py").write_text(UNIQUE)
    assert "no problems, 0 warnings" in kingpost("check", "--no-stores", "--strict", folder=tmp_path).stdout


@pytest.mark.parametrize(
    ("honest", "telling", "members"),
    [
        ("Everybody(Resource, read=authenticated, write=authenticated)",
         "Everybody(Resource, read=authenticated, write=anyone)", "name"),
        ('once = unique("owner", "name")', 'once = unique("name")', "name"),
        ('write="self.owner == me"', "write=\"me is not None and (self.owner == me or me.role == 'editor')\"",
         "owner and name"),
        ('@deny("read", "write")', '@deny("read")', "owner and name"),
        ("lambda row: row.live", "lambda row: not row.live", "name"),
        (", write=\"me is not None and me.role == 'boss'\")\n\napp", ")\n\napp", "number"),
    ],
)  # fmt: skip
def test_who_does_not_see_it_is_told(tmp_path: Path, honest: str, telling: str, members: str) -> None:
    assert UNIQUE.count(honest) == 1
    (tmp_path / "app.py").write_text(UNIQUE.replace(honest, telling))
    told = kingpost("check", "--no-stores", "--strict", folder=tmp_path, status=1).stdout
    assert re.findall(r"KC101 \w+: that (.*) is unique tells", told) == [members]


def test_what_is_acknowledged_is_shown_with_its_reason(advised: Path) -> None:
    source = ADVISED.replace("unique=True)", 'unique=True, acknowledged={"KC101": "numbers are printed anyway"})')
    source = source.replace(
        "    note: str\n", '    note: str = field(acknowledged={"KC103": "a log has no bound"})\n', 1
    )
    source = source.replace(', tenant="company"', "")
    source = source.replace('"company", "code")', '"company", "code", acknowledged={"KC101": "so be it"})')
    (advised / "app.py").write_text(source)
    told = kingpost("check", "--no-stores", folder=advised).stdout
    assert re.findall(r"^(KC\d+)", told, re.M) == ["KC104", "KC102"]
    assert re.findall(r"acknowledged (KC\d+) (\S+).*\n  Why: (.*)", told) == [
        ("KC101", "Invoice:", "so be it"),
        ("KC101", "Invoice:", "numbers are printed anyway"),
        ("KC103", "Invoice.note", "a log has no bound"),
    ]
    assert told.rstrip().endswith("no problems, 2 warnings, 3 acknowledged")


def test_what_is_acknowledged_for_nothing_is_a_warning(advised: Path) -> None:
    bound = 'code: str = field(max_length=9, acknowledged={"KC103": "it was long"})'
    (advised / "app.py").write_text(ADVISED.replace("code: str = field(max_length=9)", bound))
    told = kingpost("check", "--no-stores", folder=advised).stdout
    assert "KC107 Invoice.code: KC103 is acknowledged, and not found there" in told
    (advised / "app.py").write_text(ADVISED.replace("(max_length=9)", '(max_length=9, acknowledged={"KC103": " "})'))
    assert "KM214" in kingpost("check", "--no-stores", folder=advised, status=1).stdout


def test_tables_that_differ_are_warned_of(advised: Path) -> None:
    told = kingpost("check", folder=advised).stdout
    assert told.count("KC105") == 1
    assert "kingpost db sync app:app" in told
    assert not list(advised.glob("*.db")), "looking makes no file"
    kingpost("db", "sync", folder=advised)
    assert "KC105" not in kingpost("check", folder=advised).stdout


def test_a_store_that_is_down_is_a_warning(advised: Path) -> None:
    url = 'App("advised", stores={"main": "postgresql://127.0.0.1:1/x"},'
    (advised / "app.py").write_text(ADVISED.replace('App("advised",', url))
    assert "KC009" in kingpost("check", folder=advised).stdout


def test_routes_tell_who(advised: Path) -> None:
    rows = [re.split(r"\s{2,}", line.strip()) for line in kingpost("routes", folder=advised).stdout.splitlines()]
    assert rows[0] == ["Method", "Path", "What", "Who"]
    who = {(row[0], row[1]): row[-1] for row in rows[1:]}
    assert who["GET", "/api/companies"] == "anyone"
    assert who["DELETE", "/api/companies/{id}"] == "nobody"
    assert who["GET", "/api/invoices/{id}"] == "mine"
    assert who["GET", "/api/invoices/{id}/company"] == "mine; Company: anyone"
    assert who["POST", "/api/invoices/{id}/pay"] == "nobody"
    assert ["GET", "/hello", "Say hello", "its own code"] in rows


def test_every_id_has_words() -> None:
    source = "".join(
        path.read_text() for room in ("cli", "operate") for path in Path("src/kingpost", room).glob("*.py")
    )
    assert set(re.findall(r'"(KC\d{3})"', source)) == set(CODES)
    assert all(code.title and code.text for code in CODES.values())


SPREAD = """
from kingpost import App, Resource, anyone, field

class Person(Resource, store="people", read=anyone):
    id: int = field(key=True)

class Note(Resource, read=anyone):
    id: int = field(key=True)
    author: Person
    reader: Person | None = None
    people: list[Person] = field(default_factory=list)

app = App("spread", resources=[Person, Note], stores={"main": "sqlite:///notes.db", "people": "sqlite:///people.db"})

async def fill(settling=False) -> None:
    from kingpost import as_system
    await app.start()
    await app.sync()
    with as_system("rows of the test"):
        for id in (1, 2, 3):
            await Person(id=id).save()
        one, two, three = await Person.all().sort("id")
        for id in range(1, 8):
            await Note(id=id, author=one if id < 3 else two, reader=three, people=[one, two]).save()
        await two.delete()
    if settling:
        await app.settle()
    await app.stop()
"""


def test_references_that_lead_nowhere_are_told(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text(SPREAD)
    subprocess.run([sys.executable, "-c", "import app, asyncio; asyncio.run(app.fill())"], cwd=tmp_path, check=True)
    assert "KC108" not in kingpost("check", folder=tmp_path).stdout
    told = " ".join(kingpost("check", "--data", "--strict", folder=tmp_path, status=1).stdout.split())
    assert "28 references of 3 relations looked at" in told
    assert "Note.author: 5 of 7 refer to no Person that is there, for instance: 3, 4, 5" in told
    assert "Note.people: 7 of 14 refer to no Person that is there, for instance: " in told
    assert "Note.reader" not in told
    assert "1 delete in people not followed into other stores yet: a server does that by itself" in told


def test_links_follow_what_was_deleted(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text(SPREAD)
    subprocess.run([sys.executable, "-c", "import app, asyncio; asyncio.run(app.fill(True))"], cwd=tmp_path, check=True)
    told = " ".join(kingpost("check", "--data", folder=tmp_path).stdout.split())
    assert "21 references of 3 relations looked at" in told
    assert "Note.people" not in told
    assert "not followed" not in told
