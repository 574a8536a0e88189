"""Values of every kind: stored, read back, turned into the same JSON everywhere, and computed with as Python does."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import msgspec
import pytest

from kingpost.base.errors import Unsupported
from kingpost.language.tree import (
    Arithmetic,
    Call,
    Compare,
    Const,
    Expression,
    Field,
    In,
    IsNone,
    Member,
    Negative,
    Param,
    Root,
    Truth,
)
from kingpost.language.types import BOOL, DURATION, FLOAT, INT, TEXT, Kind, Type
from kingpost.model.model import FieldModel, Model, ResourceModel
from kingpost.plan.select import Order, Select
from kingpost.stores.contract import OutOfRange
from kingpost.stores.sql.forms import PYTHON, SQLiteForms
from kingpost.stores.sql.translation.translate import translate
from tests.stores.sql.databases import Database, ask, duckdb_database, served_database, sqlite_database

INNER = Type(Kind.EMBEDDED, name="Inner", members=(("deep", INT),))
PLACE = Type(
    Kind.EMBEDDED,
    name="Place",
    members=(("street", TEXT), ("floor", INT.maybe()), ("open", BOOL), ("area", FLOAT), ("inner", INNER.maybe())),
)
TYPES: dict[str, Type] = {
    "truth": BOOL,
    "number": INT,
    "real": FLOAT,
    "money": Type(Kind.DECIMAL, digits=12, places=2),
    "rate": Type(Kind.DECIMAL, digits=10, places=4),
    "text": TEXT,
    "blob": Type(Kind.BYTES),
    "uuid": Type(Kind.UUID),
    "instant": Type(Kind.DATETIME),
    "day": Type(Kind.DATE),
    "clock": Type(Kind.TIME),
    "span": DURATION,
    "status": Type(Kind.ENUM, name="Status", choices=("draft", "live")),
    "level": Type(Kind.ENUM, name="Level", choices=(1, 2)),
    "data": Type(Kind.JSON, nullable=True),
    "place": PLACE,
    "tags": Type(Kind.LIST, element=TEXT),
}
VALUES: dict[str, list[Any]] = {
    "truth": [True, False],
    "number": [2**63 - 1, -(2**63), 7],
    "real": [0.1, -2.5, 5e-324, 1.0],
    "money": [Decimal("0.00"), Decimal("-0.01"), Decimal("9999999999.99"), Decimal("2.50")],
    "rate": [Decimal("0.0001"), Decimal("1.5000"), Decimal("-2.5000")],
    "text": ["", "é𝒳'\"\\", "ab"],
    "blob": [b"", b"\x00\xff", b"ab"],
    "uuid": [UUID(int=0), UUID("0190f5b5-7b1e-7e9f-8c3b-0123456789ab")],
    "instant": [
        datetime(1, 1, 1, tzinfo=UTC),
        datetime(9999, 12, 31, 23, 59, 59, 999999, tzinfo=UTC),
        datetime(2026, 3, 29, 1, 0, 0, 5, tzinfo=UTC),
    ],
    "day": [date(1, 1, 1), date(9999, 12, 31), date(1969, 12, 31), date(2024, 2, 29)],
    "clock": [time(0, 0), time(23, 59, 59, 999999), time(12, 30)],
    "span": [timedelta(0), timedelta(microseconds=-1), timedelta(days=400, hours=3)],
    "status": ["draft", "live"],
    "level": [1, 2],
    "data": [None, {"b": [1, 2.5, None], "a": "x"}, [], "text", 0],
    "place": [
        {"street": "Main", "floor": None, "open": True, "area": 2.0, "inner": {"deep": 3}},
        {"street": "", "floor": 3, "open": False, "area": 0.1, "inner": None},
    ],
    "tags": [[], ["b", "a"]],
}
MODEL = Model(
    {
        "Kinds": ResourceModel(
            "Kinds", None, "kinds", "kinds", "main", ("id",),
            {
                "id": FieldModel("id", INT, "id", int, key=True),
                **{name: FieldModel(name, type, name, None) for name, type in TYPES.items()},
            },
            {},
        )
    }
)  # fmt: skip
ROWS = [{"id": n, **{name: values[n % len(values)] for name, values in VALUES.items()}} for n in range(24)]
KINDS = Root("Kinds")
KEY = Field(KINDS, "id", INT)


def f(name: str) -> Field:
    return Field(KINDS, name, TYPES[name])


@pytest.fixture(scope="module", params=["sqlite", "postgres", "duckdb", "mariadb"])
def database(request: pytest.FixtureRequest) -> Iterator[Database]:
    if request.param == "sqlite":
        with sqlite_database({"Kinds": ROWS}, MODEL) as sqlite:
            yield sqlite
        return
    if request.param == "duckdb":
        with duckdb_database({"Kinds": ROWS}, MODEL) as duck:
            yield duck
        return
    with served_database(request, request.param, {"Kinds": ROWS}, MODEL) as served:
        yield served


def values(database: Database, expression: Expression, **params: Any) -> list[Any]:
    select = Select("Kinds", (KEY, expression), order=(Order(KEY),))
    return [value for _, value in ask(database, select, params, MODEL)]


# ---------------------------------------------------------------------------------------------------------------- forms


@pytest.mark.parametrize("name", TYPES)
def test_a_value_comes_back_as_it_was(database: Database, name: str) -> None:
    found = values(database, f(name))
    assert found == [row[name] for row in ROWS]
    assert {type(value) for value in found} <= {type(row[name]) for row in ROWS} | {type(None)} or name == "uuid"


@pytest.mark.parametrize("name", TYPES)
def test_the_json_is_the_same_everywhere(database: Database, name: str) -> None:
    statement = translate(Select("Kinds", (f(name),), order=(Order(KEY),)), MODEL, database.dialect)
    stored = [row[0] for row in database.rows(statement.text, [])]
    form = database.dialect.forms.json_form(TYPES[name]) or (lambda value: value)
    python = PYTHON.json_form(TYPES[name]) or (lambda value: value)
    kept = [row[name] for row in ROWS]
    ways = ((form, stored), (python, kept))
    found, expected = ([None if v is None else way(v) for v in values] for way, values in ways)
    assert msgspec.json.encode(found) == msgspec.json.encode(expected)


@pytest.mark.parametrize("name", [name for name in TYPES if name not in ("data", "place", "tags")])
def test_equality_and_membership(database: Database, name: str) -> None:
    type = TYPES[name]
    listed = Param("list", Type(Kind.LIST, element=type))
    for value in VALUES[name]:
        expected = [row[name] == value for row in ROWS]
        assert values(database, Compare("==", f(name), Param("p", type)), p=value) == expected
        assert values(database, Compare("==", f(name), Const(value, type))) == expected
        assert values(database, In(f(name), listed), list=[value]) == expected
        assert values(database, In(f(name), (Const(value, type), Const(None, type.maybe())))) == expected
    assert values(database, In(f(name), listed), list=[]) == [False] * len(ROWS)


@pytest.mark.parametrize("name", [name for name in TYPES if name not in ("data", "place", "tags")])
def test_order(database: Database, name: str) -> None:
    for descending in (False, True):
        select = Select("Kinds", (f(name),), order=(Order(f(name), descending),))
        found = [value for (value,) in ask(database, select, {}, MODEL)]
        assert found == sorted((row[name] for row in ROWS), reverse=descending)


@pytest.mark.parametrize("name", ["truth", "number", "real", "money", "text", "blob", "span", "instant", "day", "uuid"])
def test_truth(database: Database, name: str) -> None:
    expected = [bool(row[name]) for row in ROWS]
    assert values(database, Truth(f(name))) == expected


def test_documents_are_not_compared(database: Database) -> None:
    assert values(database, IsNone(f("data"))) == [row["data"] is None for row in ROWS]
    for name in ("data", "place", "tags"):
        with pytest.raises(Unsupported):
            values(database, Compare("==", f(name), Param("p", TYPES[name])), p={})
        with pytest.raises(Unsupported):
            ask(database, Select("Kinds", (KEY,), order=(Order(f(name)),)), {}, MODEL)


def test_a_decimal_is_never_rounded_on_its_way_in() -> None:
    convert = SQLiteForms().to_driver(TYPES["money"])
    assert convert is not None
    with pytest.raises(OutOfRange):
        convert(Decimal("0.001"))
    with pytest.raises(Unsupported, match="max_digits"):
        SQLiteForms().column(Type(Kind.DECIMAL, digits=19, places=2))


# --------------------------------------------------------------------------------------------------------- computations

A_DAY = Const(timedelta(days=1), DURATION)
RATE, MONEY = TYPES["rate"], TYPES["money"]
PRODUCT = Type(Kind.DECIMAL, digits=22, places=6)


def _moved(row: dict[str, Any]) -> Any:
    try:
        return row["day"] + row["span"]
    except OverflowError:
        return None


def _later(row: dict[str, Any]) -> Any:
    try:
        return row["instant"] - row["span"]
    except OverflowError:
        return None


COMPUTED: dict[str, tuple[Expression, Callable[[dict[str, Any]], Any]]] = {
    "date + duration": (Arithmetic("+", f("day"), f("span"), TYPES["day"]), _moved),
    "date - date": (
        Arithmetic("-", f("day"), Const(date(2000, 1, 1), TYPES["day"]), DURATION),
        lambda row: row["day"] - date(2000, 1, 1),
    ),
    "instant - duration": (Arithmetic("-", f("instant"), f("span"), TYPES["instant"]), _later),
    "duration + duration": (Arithmetic("+", f("span"), A_DAY, DURATION), lambda row: row["span"] + timedelta(days=1)),
    "-duration": (Negative(f("span"), DURATION), lambda row: -row["span"]),
    "decimal + decimal": (
        Arithmetic("+", f("money"), f("rate"), Type(Kind.DECIMAL, digits=15, places=4)),
        lambda row: row["money"] + row["rate"],
    ),
    "decimal - int": (
        Arithmetic("-", f("rate"), Const(2, INT), Type(Kind.DECIMAL, digits=20, places=4)),
        lambda row: row["rate"] - 2,
    ),
    "decimal * decimal": (Arithmetic("*", f("money"), f("rate"), PRODUCT), lambda row: row["money"] * row["rate"]),
    "decimal == decimal": (Compare("==", f("money"), f("rate")), lambda row: row["money"] == row["rate"]),
    "decimal < decimal": (
        Compare("<", f("money"), Const(Decimal("0.005"), Type(Kind.DECIMAL, digits=3, places=3))),
        lambda row: row["money"] < Decimal("0.005"),
    ),
    "abs": (Call("abs", (f("rate"),), RATE), lambda row: abs(row["rate"])),
    "round": (Call("round", (f("rate"),), INT), lambda row: round(row["rate"])),
    "round money": (Call("round", (f("money"),), INT), lambda row: round(row["money"])),
    "len(bytes)": (Call("length", (f("blob"),), INT), lambda row: len(row["blob"])),
    "member text": (Member(f("place"), "street", TEXT), lambda row: row["place"]["street"]),
    "member int": (Member(f("place"), "floor", INT.maybe()), lambda row: row["place"]["floor"]),
    "member bool": (Member(f("place"), "open", BOOL), lambda row: row["place"]["open"]),
    "member float": (Member(f("place"), "area", FLOAT), lambda row: row["place"]["area"]),
    "member of a member": (
        Member(Member(f("place"), "inner", INNER.maybe()), "deep", INT),
        lambda row: (row["place"]["inner"] or {"deep": None})["deep"],
    ),
    "member compared": (
        Compare(">=", Member(f("place"), "floor", INT.maybe()), Const(3, INT)),
        lambda row: None if row["place"]["floor"] is None else row["place"]["floor"] >= 3,
    ),
    "member is None": (
        IsNone(Member(f("place"), "floor", INT.maybe())),
        lambda row: row["place"]["floor"] is None,
    ),
}


@pytest.mark.parametrize("what", COMPUTED)
def test_what_is_computed_is_what_python_computes(database: Database, what: str) -> None:
    expression, python = COMPUTED[what]
    assert values(database, expression) == [python(row) for row in ROWS]
    if not expression.type.nullable:  # a NULL is then unknown, and no None
        assert ask(database, Select("Kinds", (KEY,), where=IsNone(expression)), {}, MODEL) == []


def test_texts_that_are_no_columns_sort_by_code_point_too(database: Database) -> None:
    compared = Compare("<", Param("a", TEXT), Param("b", TEXT))
    assert values(database, compared, a="B", b="a") == [True] * len(ROWS)
    assert values(database, compared, a="é", b="z") == [False] * len(ROWS)
