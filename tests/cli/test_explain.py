"""`kingpost explain`: declarations, queries and decisions in words, source and SQL."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.running import kingpost

FILL = """
async def fill():
    with as_system("test data"):
        ada, bob = Author(name="Ada"), Author(name="Bob")
        draft = Article(title="Draft", body="", author=ada)
        for row in (ada, bob, draft):
            await row.save()
        return ada.id, bob.id, draft.id

print(*await fill())
"""


@pytest.fixture
def rows(project: Path) -> tuple[str, str, str]:
    """Keys of Ada, of Bob, and of Ada's draft."""
    kingpost("db", "sync", folder=project)
    ada, bob, draft = kingpost("shell", folder=project, stdin=FILL).stdout.split()
    return ada, bob, draft


def test_a_rule_is_shown_with_its_lines_its_tree_and_both_rails_in_both_dialects(project: Path) -> None:
    told = kingpost("explain", "rule", "Article.public_or_mine", folder=project).stdout
    assert "allows read" in told
    assert "def public_or_mine(self, me: Author | None) -> bool:" in told
    assert "Understood as  self.published_at is not None and self.published_at <= now() or me is not None" in told
    true, _, false = told.partition("Surely false")
    for rail in (true, false):
        assert "SQLite" in rail
        assert "PostgreSQL" in rail
    assert "self.published_at <= ?" in true
    assert "self.published_at <= $1" in true
    assert "self.published_at > ?" in false
    assert "IS DISTINCT FROM" in false


def test_a_shorthand_rule_is_shown_by_its_verb(project: Path) -> None:
    assert "Understood as  anyone" in kingpost("explain", "rule", "Author.read", folder=project).stdout


def test_computed_and_stored_fields_and_relations(project: Path) -> None:
    told = kingpost("explain", "field", "Article.discussion", folder=project).stdout
    assert "computed: int" in told
    assert "sum(1 for x in self.comments if x.approved)" in told
    assert told.count("SELECT count(*)") == 2
    told = kingpost("explain", "field", "Article.title", folder=project).stdout
    assert "article.title in the store main" in told
    assert "max_length 200" in told
    assert "public_or_mine" in told
    assert "a row of Author" in kingpost("explain", "field", "Article.author", folder=project).stdout
    assert "rows of Comment" in kingpost("explain", "field", "Article.comments", folder=project).stdout


def test_unknown_names_are_met_with_what_was_meant(project: Path) -> None:
    for given, meant in (
        (("rule", "Articel.mine"), "did you mean 'Article'?"),
        (("rule", "Article.main"), "did you mean 'mine'?"),
        (("field", "Article.titel"), "did you mean 'title'?"),
        (("query", "Articles"), "did you mean 'Article'?"),
        (("access", "Article", "x", "--verb", "publsh"), "did you mean 'publish'?"),
    ):
        assert meant in kingpost("explain", *given, folder=project, status=1).stderr
    assert "Article.create" in kingpost("explain", "rule", "Article", folder=project, status=2).stderr


def test_a_query_as_one_text_and_as_options(project: Path) -> None:
    question = (
        "Article where discussion > 10 and title != ' sort of' include author,comments sort -published_at limit 5"
    )
    told = kingpost("explain", "query", question, folder=project).stdout
    assert "nobody is logged in" in told
    assert "1  Article  from main" in told
    assert "1.1  comments  from main, once, for all distinct keys found" in told
    assert "ORDER BY self.published_at DESC" in told
    assert "self.published_at <= now()" in told  # the rule is merged in
    options = ("--where", "discussion > 10 and title != ' sort of'", "--include", "author,comments")
    sort = ("--sort=-published_at", "--limit", "5")
    assert kingpost("explain", "query", "Article", *options, *sort, folder=project).stdout == told


@pytest.mark.parametrize(
    ("question", "words"),
    [
        ("Article where titel == 'x'", "did you mean 'title'?"),
        ("Article where title ==", "KL012"),
        ("Article wher title", "KC014"),
        ("Article where a where b", "said twice"),
        ("Article sort", "nothing behind it"),
        ("Article limit many", "limit takes a number"),
        ("Article include titel", "titel"),
    ],
)
def test_questions_that_mean_nothing(project: Path, question: str, words: str) -> None:
    done = kingpost("explain", "query", question, folder=project, status=None)
    assert done.returncode in (1, 2)
    assert words in done.stderr


def test_a_query_in_the_name_of_an_actor(project: Path, rows: tuple[str, str, str]) -> None:
    ada, _, draft = rows
    told = kingpost("explain", "query", "Article", "--as", ada, folder=project).stdout
    assert "for Author(" in told
    assert "self.author == me" in told
    assert "KC013" in kingpost("explain", "query", "Article", "--as", draft, folder=project, status=1).stderr


def test_access_is_explained_on_the_rules_own_lines(project: Path, rows: tuple[str, str, str]) -> None:
    ada, bob, draft = rows
    granted = kingpost("explain", "access", "Article", draft, "--as", ada, folder=project).stdout
    assert "return self.is_public or (me is not None and self.author == me)" in granted
    assert [line.split()[-1] for line in granted.splitlines() if "^^" in line] == ["false", "true", "true", "true"]
    assert "Allowed: read Article." in granted

    refused = kingpost(
        "explain", "access", "Article", draft, "--as", bob, "--verb", "publish", folder=project, status=1
    )
    assert [line.split()[-1] for line in refused.stdout.splitlines() if "^^" in line] == [
        "false", "true", "false", "false", "true", "false", "false",
    ]  # fmt: skip
    assert "answered 404" in refused.stdout
    assert "The engine says otherwise" not in refused.stdout + granted

    anonymous = kingpost("explain", "access", "Article", draft, folder=project, status=1).stdout
    assert "nobody is logged in" in anonymous
    kingpost("explain", "access", "Author", ada, folder=project)
    told = kingpost("explain", "access", "Author", ada, "--verb", "delete", folder=project, status=1).stdout
    assert "no rule allows it: nobody may" in told
    assert "answered 401" in told


def test_access_to_rows_that_are_not_there(project: Path, rows: tuple[str, str, str]) -> None:
    ada, _, _ = rows
    assert "KC013" in kingpost("explain", "access", "Article", ada, folder=project, status=1).stderr
    assert "is no key of Article" in kingpost("explain", "access", "Article", "7", folder=project, status=1).stderr


def test_missing_tables_lead_to_db_sync(project: Path) -> None:
    key = "01a20a9b-ae51-7000-95f7-a6a932230553"
    assert "kingpost db sync" in kingpost("explain", "access", "Article", key, folder=project, status=1).stderr


RULES = """
from kingpost import App, Resource, allow, anyone, as_system, deny, field

class User(Resource, read=anyone):
    name: str = field(max_length=80)
    boss: "User | None" = None

class Note(Resource, soft_delete=True):
    owner: User
    level: int | None = None
    lines: list["Line"] = field(inverse="note")

    @allow("read")
    def of_the_boss(self, me: User | None) -> bool:
        if me is None:
            return False
        mine = self.owner == me
        if mine or any(line.open for line in self.lines):
            return True
        return self.owner.boss is not None and self.owner.boss == me

    @deny("read")
    def secret(self) -> bool:
        return self.level is not None and self.level > 3

class Line(Resource):
    note: Note
    open: bool = False

app = App("notes", resources=[User, Note, Line], stores={"main": "URL"})
"""


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_statements_names_relations_and_denials(kind: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    url = request.getfixturevalue("postgres_url") if kind == "postgres" else "sqlite:///notes.db"
    (tmp_path / "app.py").write_text(RULES.replace("URL", url))
    kingpost("db", "sync", folder=tmp_path)
    fill = """
async def fill():
    with as_system("test data"):
        eve = User(name="Eve")
        ada = User(name="Ada", boss=eve)
        low, high = Note(owner=ada, level=1), Note(owner=ada, level=9)
        for row in (eve, ada, low, high):
            await row.save()
        return eve.id, ada.id, low.id, high.id

print(*await fill())
"""
    eve, ada, low, high = kingpost("shell", folder=tmp_path, stdin=fill).stdout.split()
    told = kingpost("explain", "access", "Note", low, "--as", eve, folder=tmp_path).stdout
    assert "Allowed: read Note." in told
    assert "guard  tenant and deletion" in told
    marks = [line.split()[-1] for line in told.splitlines() if "^^" in line]
    assert marks == ["false", "false", "false", "false", "false", "true", "true", "true", "true", "false", "false"]
    told = kingpost("explain", "access", "Note", high, "--as", ada, folder=tmp_path, status=1).stdout
    assert "@deny read: secret  true, does not let through" in told
    assert "The engine says otherwise" not in told


SPREAD = """
from kingpost import App, Resource, anyone, as_system, field

class Person(Resource, store="people", read=anyone):
    id: int = field(key=True)
    land: str = field(max_length=2)

class Note(Resource, read=anyone):
    id: int = field(key=True)
    author: Person

stores = {"main": "sqlite:///notes.db", "people": "duckdb:///people.duckdb"}
app = App("spread", resources=[Person, Note], stores=stores)
"""


def test_a_query_over_stores_with_what_it_took(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text(SPREAD)
    kingpost("db", "sync", folder=tmp_path)
    fill = """
with as_system("test data"):
    people = [Person(id=id, land="AT" if id < 3 else "IT") for id in range(1, 6)]
    for one in people:
        await one.save()
    for id in range(20):
        await Note(id=id, author=people[id % 5]).save()
"""
    kingpost("shell", folder=tmp_path, stdin=fill)
    question = "Note where author.land == 'AT' include author sort -id limit 3"
    told = kingpost("explain", "query", question, "--run", folder=tmp_path).stdout
    assert "1  Note  from main" in told
    assert "the keys for author.land == 'AT', at most 10000, from people" in told.replace("self.", "")
    assert "1.1  author  from people, once, for all distinct keys found" in told
    lines = [line.split() for line in told.splitlines()]
    at = lines.index(["store", "resource", "keys", "rows", "ms"])
    assert [line[:-1] for line in lines[at + 1 : at + 4]] == [
        ["people", "Person", "2"],
        ["main", "Note", "2", "4"],
        ["people", "Person", "2", "2"],
    ]
    assert lines[at + 4][1:] == ["ms", "in", "all"]
    asked = kingpost(
        "shell", folder=tmp_path, stdin="print(await Note.all().include('author').explain(run=True))"
    ).stdout
    assert "people  Person       5     5" in asked
    assert " ms in all" in asked
