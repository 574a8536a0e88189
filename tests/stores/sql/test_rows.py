"""Rows reached in every way the oracle does not know: guards, composite keys, links, dangling references."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from kingpost.language.evaluate import UNKNOWN, Frame, compile_expression
from kingpost.language.tree import (
    Aggregate,
    Compare,
    Const,
    Expression,
    Field,
    In,
    IsNone,
    Item,
    Keyed,
    Many,
    Not,
    Param,
    Quantify,
    Root,
    Step,
    identity,
)
from kingpost.language.types import BOOL, INT, TEXT, Kind, Type, reference
from kingpost.model.model import FieldModel, Model, RelationModel, ResourceModel
from kingpost.plan.select import Order, Select
from kingpost.stores.sql.translation.translate import translate
from tests.language.domain import NASTY, DictWorld
from tests.stores.sql.databases import Database, ask, duckdb_database, served_database, sqlite_database

PERSON = Root("Person")
BOSS = Step(PERSON, "boss", "Person", nullable=True)
WORLD = DictWorld(NASTY)


def of(row: Any, name: str, type: Type) -> Field:
    return Field(row, name, type)


# ----------------------------------------------------------------------------------------------- guards, in both stores


@pytest.fixture(scope="module", params=["sqlite", "postgres", "duckdb", "mariadb"])
def people(request: pytest.FixtureRequest) -> Iterator[Database]:
    yield from _database(request, NASTY)


@pytest.fixture(scope="module", params=["sqlite", "postgres", "duckdb", "mariadb"])
def shop(request: pytest.FixtureRequest) -> Iterator[Database]:
    yield from _database(request, ROWS, SHOP)


def _database(request: pytest.FixtureRequest, *what: Any) -> Iterator[Database]:
    if request.param in ("sqlite", "duckdb"):
        with (sqlite_database if request.param == "sqlite" else duckdb_database)(*what) as database:
            yield database
        return
    with served_database(request, request.param, *what) as served:
        yield served


ADULT = Compare(">=", of(Root("Person"), "score", INT), Const(3, INT))
SMALL_HOME = Compare("<", of(Step(Root("Person"), "home", "City", False), "size", INT.maybe()), Const(10, INT))
LIKED = Compare(">", of(Root("Visit"), "rating", INT.maybe()), Const(1, INT))
AT_HOME = Compare(
    "==",
    identity(Step(Root("Visit"), "city", "City", nullable=True)),
    identity(Step(Step(Root("Visit"), "person", "Person", nullable=False), "home", "City", nullable=False)),
)
GUARDED = [Step(PERSON, "boss", "Person", True, guard) for guard in (ADULT, SMALL_HOME, Not(SMALL_HOME))]
CONDITIONS: list[Expression] = [
    *(Compare("==", of(boss, "nick", TEXT.maybe()), of(PERSON, "nick", TEXT.maybe())) for boss in GUARDED),
    *(IsNone(of(boss, "age", INT.maybe())) for boss in GUARDED),
    *(IsNone(identity(boss)) for boss in GUARDED),
    *(Compare("<", of(Step(boss, "home", "City", False), "size", INT.maybe()), Const(9, INT)) for boss in GUARDED),
    *(
        Quantify(kind, Many(PERSON, "visits", "Visit", 1, guard), None, Compare(">", of(Item(1, "Visit"), "n", INT), n))
        for kind in ("any", "all")
        for guard in (LIKED, AT_HOME, Not(AT_HOME))
        for n in (Const(1, INT), of(GUARDED[1], "score", INT))
    ),
    *(
        Compare("<", Aggregate("count", Many(owner, "visits", "Visit", 1, AT_HOME), None, None), Const(2, INT))
        for owner in (PERSON, BOSS, *GUARDED)
    ),
    Compare("==", of(Keyed("Person", Param("me", reference("Person", nullable=True))), "score", INT), Const(3, INT)),
    In(identity(BOSS), Param("some", Type(Kind.LIST, element=reference("Person", nullable=True)))),
    In(of(BOSS, "nick", TEXT.maybe()), Param("names", Type(Kind.LIST, element=TEXT.maybe()))),
    In(of(PERSON, "vip", BOOL.maybe()), Param("none", Type(Kind.LIST, element=BOOL))),
]


@pytest.mark.parametrize("condition", CONDITIONS, ids=str)
@pytest.mark.parametrize("me", [None, 1, 7, 10**6])
def test_rows_are_reached_as_in_memory(people: Database, condition: Expression, me: int | None) -> None:
    params = {"me": me, "some": [1, 14, None], "names": ["", "ab", "ß"], "none": []}
    evaluate = compile_expression(condition)
    expected = {row["id"]: evaluate(Frame(row, params, WORLD)) for row in NASTY["Person"]}
    for wanted, rail in ((True, condition), (False, Not(condition))):
        found = {key for (key,) in ask(people, Select("Person", (identity(PERSON),), where=rail), params)}
        assert found == {key for key, answer in expected.items() if answer is wanted}
    values = ask(people, Select("Person", (identity(PERSON), condition)), params)
    assert dict(values) == {key: None if answer is UNKNOWN else answer for key, answer in expected.items()}


# ------------------------------------------------------------------------------------ keys of several fields, and links

_NUMBER = FieldModel("id", INT, "id", int, key=True)
SHOP = Model(
    {
        "Shelf": ResourceModel(
            "Shelf", None, "shelves", "shelf", "main", ("room", "number"),
            {
                "room": FieldModel("room", TEXT, "room", str, key=True),
                "number": FieldModel("number", INT, "no", int, key=True),
                "label": FieldModel("label", TEXT, "label", str),
            },
            {"books": RelationModel("books", "many", "Book", inverse="shelf")},
        ),
        "Book": ResourceModel(
            "Book", None, "books", "book", "main", ("id",),
            {"id": _NUMBER, "pages": FieldModel("pages", INT.maybe(), "pages", int)},
            {
                "shelf": RelationModel("shelf", "one", "Shelf", True, ("shelf_room", "shelf_no")),
                "twin": RelationModel("twin", "one", "Book", True, ("twin_id",), constrained=False),
                "tags": RelationModel("tags", "linked", "Tag", link="BookTag", near="book", far="tag"),
            },
        ),
        "Tag": ResourceModel(
            "Tag", None, "tags", "tag", "main", ("id",),
            {"id": _NUMBER, "word": FieldModel("word", TEXT, "word", str)}, {},
        ),
        "BookTag": ResourceModel(
            "BookTag", None, "", "book_tag", "main", ("book", "tag"), {},
            {
                "book": RelationModel("book", "one", "Book", columns=("book_id",), on_delete="cascade"),
                "tag": RelationModel("tag", "one", "Tag", columns=("tag_id",), on_delete="cascade"),
            },
            internal=True,
        ),
    }
)  # fmt: skip
ROWS = {
    "Shelf": [{"room": "a", "number": 1, "label": "low"}, {"room": "a", "number": 2, "label": "high"}],
    "Book": [
        {"id": 1, "pages": 10, "shelf": ("a", 1), "twin": 2},
        {"id": 2, "pages": None, "shelf": ("a", 2), "twin": 99},
        {"id": 3, "pages": 30, "shelf": (None, None), "twin": None},
        {"id": 4, "pages": 40, "shelf": ("a", 1), "twin": 1},
    ],
    "Tag": [{"id": 1, "word": "x"}, {"id": 2, "word": "y"}],
    "BookTag": [{"book": 1, "tag": 1}, {"book": 1, "tag": 2}, {"book": 2, "tag": 2}],
}
BOOK = Root("Book")
SHELF = Step(BOOK, "shelf", "Shelf", nullable=True)
TWIN = Step(BOOK, "twin", "Book", nullable=True)
TAG = Item(1, "Tag")
TAGS = Many(BOOK, "tags", "Tag", 1)
PAGES = INT.maybe()
SHELVES = Param("shelves", Type(Kind.LIST, element=reference("Shelf")))
ON = Param("on", reference("Shelf", nullable=True))

REACHED: list[tuple[Expression, set[int], set[int]]] = [
    (Compare("==", identity(SHELF), ON), {1, 4}, {2, 3}),
    (IsNone(identity(SHELF)), {3}, {1, 2, 4}),
    (In(identity(SHELF), SHELVES), {2}, {1, 3, 4}),
    (Compare("==", of(SHELF, "label", TEXT), Const("low", TEXT)), {1, 4}, {2}),
    (Compare("==", of(SHELF, "room", TEXT), Const("a", TEXT)), {1, 2, 4}, set()),
    (Compare("==", identity(SHELF), identity(Step(TWIN, "shelf", "Shelf", True))), {4}, {1}),
    # A reference that leads nowhere is there as a reference, and has no row.
    (IsNone(identity(TWIN)), {3}, {1, 2, 4}),
    (Compare("==", of(TWIN, "id", INT), Const(99, INT)), set(), {1, 4}),
    (IsNone(of(TWIN, "pages", PAGES)), {1}, {4}),
    (Quantify("any", TAGS, None, Compare("==", of(TAG, "word", TEXT), Const("y", TEXT))), {1, 2}, {3, 4}),
    (Quantify("all", TAGS, None, Compare("==", identity(TAG), Param("tag", reference("Tag")))), {2, 3, 4}, {1}),
    (Compare("==", Aggregate("count", TAGS, None, None), Const(2, INT)), {1}, {2, 3, 4}),
    (Compare("==", Aggregate("count", Many(SHELF, "books", "Book", 2), None, None), Const(2, INT)), {1, 4}, {2}),
    (Compare("==", Aggregate("count", Many(TWIN, "tags", "Tag", 1), None, None), Const(1, INT)), {1}, {4}),
]


@pytest.mark.parametrize(("condition", "true", "false"), REACHED, ids=lambda value: str(value)[:40])
def test_rows_of_other_kinds(shop: Database, condition: Expression, true: set[int], false: set[int]) -> None:
    params = {"on": ("a", 1), "shelves": [("a", 2), ("b", 1)], "tag": 2}
    for rail, expected in ((condition, true), (Not(condition), false)):
        found = ask(shop, Select("Book", (of(BOOK, "id", INT),), where=rail), params, SHOP)
        assert {key for (key,) in found} == expected


def test_an_identity_answers_every_column_of_the_key(shop: Database) -> None:
    select = Select("Shelf", (identity(Root("Shelf")),), order=(Order(identity(Root("Shelf")), descending=True),))
    statement = translate(select, SHOP, shop.dialect)
    rows = shop.rows(statement.text, statement.arguments({}))
    assert [tuple(row) for row in rows] == [("a", 2), ("a", 1)]
