"""Durations, instants and dates: CPython, memory and both databases say the same of every row, or the store says no."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from kingpost.language.evaluate import UNKNOWN, Frame, compile_expression
from kingpost.language.lower import Lowered, lower
from kingpost.language.read_source import read_source
from kingpost.language.schema import Scalar
from kingpost.language.tree import Compare, Expression, Field, Not, Param, Root
from kingpost.language.types import BOOL, DATETIME, DURATION, INT, Kind, Type
from kingpost.model.model import FieldModel, Model, ResourceModel
from kingpost.plan.select import Order, Select
from tests.language.declared import declare
from tests.language.domain import INTS, DictWorld, Domain
from tests.stores.sql.databases import Database, StoreRefused, ask, duckdb_database, served_database, sqlite_database

DATE = Type(Kind.DATE)
TYPES: dict[str, Type] = {
    "id": INT, "span": DURATION, "rest": DURATION.maybe(), "n": INT, "at": DATETIME, "since": DATETIME.maybe(),
    "day": DATE, "due": DATE.maybe(),
}  # fmt: skip
SPANS = [
    timedelta(0), timedelta(microseconds=1), timedelta(microseconds=-1), timedelta(days=1), timedelta(days=-1),
    timedelta(hours=-25, microseconds=7), timedelta(days=400, seconds=59), timedelta(microseconds=2**63 - 1),
    timedelta(microseconds=-(2**63)),
]  # fmt: skip
COUNTS = [*INTS, 10, -4, 999_999_999, 10**9]
INSTANTS = [
    datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, 23, 59, 59, 999999, tzinfo=UTC),
    datetime(1969, 12, 31, 23, 59, 59, 999999, tzinfo=UTC), datetime(2026, 3, 29, 1, 0, 0, 5, tzinfo=UTC),
    datetime(2026, 10, 25, 0, 30, tzinfo=UTC),
]  # fmt: skip
DAYS = [date(1, 1, 1), date(9999, 12, 31), date(1969, 12, 31), date(2024, 2, 29), date(2026, 3, 29)]


def _rows() -> Iterator[dict[str, Any]]:
    for key, (span, n) in enumerate(itertools.product(SPANS, COUNTS), start=1):
        rest = None if key % 4 == 0 else SPANS[key * 5 % len(SPANS)]
        since = None if key % 3 == 0 else INSTANTS[key * 3 % 5]
        due = None if key % 5 == 0 else DAYS[key * 7 % 5]
        yield {
            "id": key, "span": span, "rest": rest, "n": n, "at": INSTANTS[key % 5], "since": since,
            "day": DAYS[key // 5 % 5], "due": due,
        }  # fmt: skip


ROWS = list(_rows())
LOAN = Root("Loan")
KEY = Field(LOAN, "id", INT)
SCHEMA = Domain({"Loan": {name: Scalar(type) for name, type in TYPES.items()}})
FIELDS = {name: FieldModel(name, type, name, None, key=name == "id") for name, type in TYPES.items()}
MODEL = Model({"Loan": ResourceModel("Loan", None, "loans", "loan", "main", ("id",), FIELDS, {})})
WORLD = DictWorld({"Loan": ROWS})

EXACT = [
    # durations
    "self.span // timedelta(days=1)",
    "self.span // self.rest",
    "self.span % self.rest",
    "self.span % timedelta(hours=7)",
    "self.span // self.n",
    "self.span * self.n",
    "3 * self.span",
    "-self.span",
    "abs(self.rest)",
    "self.span + self.rest - timedelta(days=4)",
    "self.span * 4 + self.span * 5",
    "(self.span * 9).days",
    "-(self.span * 9) // 2",
    "(self.span * 9) // self.n",
    "abs(self.span * 9) > self.rest",
    "self.span.days",
    "self.rest.seconds",
    "self.span.microseconds",
    "self.span > self.rest",
    "self.span <= timedelta(hours=1) * self.n",
    "bool(self.span)",
    "self.span == self.rest",
    "self.span in (self.rest, timedelta(0), None)",
    "(self.rest or self.span) * 2",
    # made of the row's own numbers
    "timedelta(days=self.n)",
    "timedelta(self.n)",
    "timedelta(days=self.n, hours=self.span.days) > self.rest",
    "timedelta(minutes=self.n, hours=1.5)",
    "timedelta(weeks=LIMIT, days=self.n).days",
    "timedelta(microseconds=self.n, milliseconds=-1)",
    # instants
    "self.at + timedelta(days=self.n)",
    "self.at - timedelta(hours=self.n)",
    "timedelta(weeks=self.n) + self.at",
    "self.at - self.span * 2",
    "self.at + timedelta(days=LIMIT)",
    "self.since - self.span",
    "(self.at - self.since).days",
    "(self.at - self.since) // timedelta(hours=1) * 25",
    "self.at - self.since > timedelta(days=self.n)",
    "self.since + timedelta(days=self.n) < self.at",
    # dates
    "self.day - self.due",
    "(self.day - self.due).days",
    "self.day + timedelta(days=self.n)",
    "self.day - timedelta(hours=self.n)",
    "self.day - self.span",
    "self.span + self.day",
    "self.due + self.rest < self.day",
    "self.day + timedelta(days=LIMIT, hours=-1)",
]
NEVER_TOO_FAR = {
    "self.at + timedelta(days=self.n)", "self.at - timedelta(hours=self.n)", "timedelta(weeks=self.n) + self.at",
    "self.at - self.span * 2", "self.since + timedelta(days=self.n) < self.at", "self.day + timedelta(days=self.n)",
    "self.day - timedelta(hours=self.n)",
}  # fmt: skip
"""One row with an absurd number must not cost the whole list: beyond all years is unknown, whatever 64 bits hold."""
QUOTIENTS = [
    "self.span / timedelta(hours=1)",
    "self.span / self.rest",
    "self.span.total_seconds()",
    "(self.at - self.since).total_seconds()",
    "(self.at - self.since).total_seconds() / 60.0",
]
"""Floats: beyond 2**53 microseconds (285 years) a store rounds twice where CPython rounds once."""
EVERYDAY = {
    row["id"]
    for row in ROWS
    if abs(row["n"]) < 100
    and abs(row["span"]) < timedelta(days=1000)
    and abs(row["rest"] or timedelta(0)) < timedelta(days=1000)
}
"""Rows of which no store may say no. Of the others it may: beyond 64 bits of microseconds, or of an int."""


@pytest.fixture(scope="module", params=["postgres", "mariadb"])
def databases(request: pytest.FixtureRequest) -> Iterator[list[Database]]:
    rows = {"Loan": ROWS}
    with (
        sqlite_database(rows, MODEL) as sqlite,
        duckdb_database(rows, MODEL) as duck,
        served_database(request, request.param, rows, MODEL) as served,
    ):
        yield [sqlite, duck, served]


def lowered(text: str) -> tuple[Lowered, Any]:
    function = declare(f"def rule(self, me):\n    return {text}")
    return lower(read_source(function), SCHEMA, {"self": LOAN}, prefix="t", proven=False), function


def by_cpython(function: Any, row: dict[str, Any]) -> Any:
    try:
        return function(SimpleNamespace(**row), None)
    except (TypeError, AttributeError, ZeroDivisionError, OverflowError):
        return UNKNOWN


def answers(text: str) -> tuple[Expression, dict[str, Any], dict[int, Any]]:
    """The tree, its parameters, and what CPython says by key, which memory says too."""
    found, function = lowered(text)
    params = {capture.name: capture.read() for capture in found.captures}
    ask_memory = compile_expression(found.expression)
    said = {row["id"]: by_cpython(function, row) for row in ROWS}
    assert {row["id"]: ask_memory(Frame(row, params, WORLD)) for row in ROWS} == said
    return found.expression, params, said


def asked(database: Database, expression: Expression, params: dict[str, Any]) -> dict[int, Any]:
    """What the database says by key, of rows for which it does not refuse."""
    try:
        return dict(map(tuple, ask(database, Select("Loan", (KEY, expression)), params, MODEL)))
    except StoreRefused:
        pass
    found: dict[int, Any] = {}
    for row in ROWS:
        one = Select("Loan", (expression,), where=Compare("==", KEY, Param("key", INT)))
        with suppress(StoreRefused):
            ((found[row["id"]],),) = ask(database, one, {**params, "key": row["id"]}, MODEL)
    return found


@pytest.mark.parametrize("text", EXACT)
def test_every_store_says_what_cpython_says(databases: list[Database], text: str) -> None:
    expression, params, said = answers(text)
    for database in databases:
        found = asked(database, expression, params)
        assert set(found) >= EVERYDAY, f"{database.dialect.name} refuses too much"
        expected = {key: None if said[key] is UNKNOWN else said[key] for key in found}
        assert found == expected, database.dialect.name
        assert text not in NEVER_TOO_FAR or len(found) == len(ROWS), f"{database.dialect.name} refuses a shift"
        if expression.type == BOOL and len(found) == len(ROWS):
            for wanted, condition in ((True, expression), (False, Not(expression))):
                rows = ask(database, Select("Loan", (KEY,), where=condition, order=(Order(KEY),)), params, MODEL)
                assert [key for (key,) in rows] == [key for key, answer in said.items() if answer is wanted]


@pytest.mark.parametrize("text", QUOTIENTS)
def test_quotients_are_within_a_rounding(databases: list[Database], text: str) -> None:
    expression, params, said = answers(text)
    for database in databases:
        found = asked(database, expression, params)
        assert set(found) == set(said)
        for key, answer in said.items():
            if answer is UNKNOWN:
                assert found[key] is None
            else:
                assert found[key] == pytest.approx(answer, rel=1e-15, abs=0)
    if text == "self.span.total_seconds()":
        short = {row["id"] for row in ROWS if abs(row["span"]) < timedelta(microseconds=2**53)}
        for database in databases:
            found = asked(database, expression, params)
            assert {key: found[key] for key in short} == {key: said[key] for key in short}
