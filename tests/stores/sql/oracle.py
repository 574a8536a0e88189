"""One case of the oracle asked of every store in every way: as a filter, a computed value, a sort key, in summaries.

A store may refuse to go on (an integer of more than 64 bits, a date out of range), which is an error for the caller and
no wrong answer; how often it does is counted.
"""

from __future__ import annotations

import math
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from kingpost.base.errors import Unsupported
from kingpost.language.evaluate import UNKNOWN
from kingpost.language.tree import Expression, Field, Not, Root, Summary
from kingpost.language.types import BOOL, DATETIME, FLOAT, INT, TEXT, Kind, Type
from kingpost.plan.select import Order, Select
from tests.language.cases import Case, Disagreement, Understood, answers, understood
from tests.language.domain import DECIMAL, NASTY, RESOURCES
from tests.language.shrink import shrink
from tests.stores.sql.databases import Database, MemoryDatabase, StoreRefused, ask
from tests.stores.sql.every_row import ROW, ask_every_row

PERSON = Root("Person")
ROLE = Field(PERSON, "role", RESOURCES["Person"]["role"].type)  # type: ignore[union-attr]
SUMMED = (Kind.INT, Kind.DECIMAL, Kind.FLOAT, Kind.DURATION)
ROWS = {row["id"]: row for row in NASTY["Person"]}
COUNT = Summary("count", None, INT)


def of(kind: str, operand: Expression) -> Summary:
    """A summary, typed as the planner types it."""
    type = INT if kind == "count" else FLOAT.maybe() if kind == "avg" else operand.type.maybe(kind != "sum")
    return Summary(kind, operand, type)  # type: ignore[arg-type]


FIELDS: dict[str, Type] = {"level": INT, "balance": DECIMAL, "ratio": FLOAT, "joined": DATETIME, "name": TEXT}
PLAIN = tuple(
    of(kind, Field(PERSON, name, FIELDS[name]))
    for kind, name in (("sum", "level"), ("sum", "balance"), ("sum", "ratio"), ("avg", "level"), ("min", "joined"),
                       ("max", "name"))
)  # fmt: skip
"""Summaries of fields, for groups that a condition has made smaller."""


@dataclass
class Oracle:
    """The databases, and what became of what was asked of them."""

    databases: Sequence[Database | MemoryDatabase]
    outcomes: Counter[str] = field(default_factory=Counter[str])

    def examine(self, case: Case, number: int = 0) -> bool:
        """Ask about every row, and in a summary or as a filter; False if the language refuses the case.

        `number` chooses among the ways: there are eight.
        """
        found = understood(case)
        if isinstance(found, str):
            self.outcomes[f"refused by the language: {found}"] += 1
            return False
        expected = answers(found)
        for database in self.databases:
            name = "memory" if isinstance(database, MemoryDatabase) else database.dialect.name
            try:
                if not isinstance(database, MemoryDatabase):
                    every_row(database, found, expected, number)
                if number % 2:
                    filtered(database, found, expected, number)
                else:
                    summaries(database, found, expected, number)
            except Unsupported as error:
                self.outcomes[f"{name} unsupported"] += 1
                self.outcomes[f"{name} unsupported: {error.message}"] += 1
            except StoreRefused:
                self.outcomes[f"{name} refused"] += 1
            except Disagreement as error:
                raise Disagreement(f"{name} {error}") from None
            else:
                self.outcomes[f"{name} agreed"] += 1
        return True

    def hold(self, case: Case, number: int = 0) -> bool:
        """The same; a disagreement is told by the smallest expression that shows it."""
        try:
            return self.examine(case, number)
        except Exception as error:
            told = self.wrong(case, number)
            if told is None:
                raise
            small = shrink(case.text, lambda text: (self.wrong(_like(case, text), number) or "")[:20] == told[:20])
            shown = self.wrong(_like(case, small), number)
            raise Disagreement(
                f"case {number}, me={case.me}, {case.type}: {small}\n  {shown}\nfound as: {case.text}\n  {told}"
            ) from error

    def wrong(self, case: Case, number: int) -> str | None:
        """What is wrong with a case; None if nothing is."""
        try:
            found = understood(case)
            if isinstance(found, str) or found.tree.type.kind is not case.type.kind:
                return None
            Oracle(self.databases).examine(case, number)
        except Exception as error:
            return f"{type(error).__name__}: {error}"
        return None


def _like(case: Case, text: str) -> Case:
    return Case(text, case.type, case.me, case.rough)


def every_row(database: Database, found: Understood, expected: Mapping[Any, Any], number: int) -> None:
    """The rails, the value and the order."""
    tree, descending = found.tree, number // 2 % 2 == 1
    said = ask_every_row(database, tree, found.params, descending=descending)
    plain = {key: None if answer is UNKNOWN else answer for key, answer in expected.items()}
    if tree.type == BOOL:
        rails = {wanted: {key for key, answer in expected.items() if answer is wanted} for wanted in (True, False)}
        same(said.true, rails[True], "surely true of")
        same(said.false, rails[False], "surely false of")
    for key, value in said.values.items():
        if not alike(value, plain[key], tree.type, rough=found.case.rough):
            raise Disagreement(f"of person {key}: {value!r} instead of {plain[key]!r}")
    if not found.case.rough:  # values within a rounding of each other may sort either way
        order = sorted(sorted(plain), key=lambda key: rank(plain[key]), reverse=descending)
        same(said.order, order, "order")


def filtered(database: Database | MemoryDatabase, found: Understood, expected: Mapping[Any, Any], number: int) -> None:
    """A condition, or its negation, as a filter."""
    if found.tree.type != BOOL:
        return
    wanted = number // 4 % 2 == 0
    select = Select("Person", (ROW,), where=found.tree if wanted else Not(found.tree))
    keys = {key for (key,) in _rows(database, select, found)}
    same(keys, {key for key, answer in expected.items() if answer is wanted}, f"WHERE surely {wanted}")


def summaries(database: Database | MemoryDatabase, found: Understood, expected: Mapping[Any, Any], number: int) -> None:
    """Groups over the condition or by the value, and what they sum up to."""
    tree = found.tree
    where: Expression | None = None
    rows = list(expected)
    if tree.type == BOOL:
        wanted = number // 4 % 2 == 0
        where = tree if wanted else Not(tree)
        rows = [key for key in rows if expected[key] is wanted]
        group: Expression = ROLE
        asked = (COUNT, *PLAIN)
    elif number // 4 % 2 and not found.case.rough:
        group, asked = tree, (COUNT, of("sum", Field(PERSON, "level", INT)))
    else:
        kinds = ("count", "min", "max") + (("sum", "avg") if tree.type.kind in SUMMED[:3] else ())
        group, asked = ROLE, tuple(of(kind, tree) for kind in kinds)
    grouped: dict[Any, list[Any]] = {}
    for key in rows:
        value = ROWS[key]["role"] if group is ROLE else expected[key]
        grouped.setdefault(None if value is UNKNOWN else value, []).append(key)
    select = Select("Person", (group, *asked), where, (Order(group),), group=(group,))
    given = _rows(database, select, found)
    same([row[0] for row in given], sorted(grouped, key=rank), "groups")
    for row in given:
        for summary, value in zip(asked, row[1:], strict=True):
            _summed_up(summary, value, [_operand(summary, key, tree, expected) for key in grouped[row[0]]], row[0])


def _rows(database: Database | MemoryDatabase, select: Select, found: Understood) -> list[list[Any]]:
    if isinstance(database, MemoryDatabase):
        return database.ask(select, found.params)
    return ask(database, select, found.params)


def _operand(summary: Summary, key: Any, tree: Expression, expected: Mapping[Any, Any]) -> Any:
    if summary.operand is None:
        return key
    if summary.operand == tree:
        return expected[key]
    assert isinstance(summary.operand, Field)
    return ROWS[key][summary.operand.name]


def _summed_up(summary: Summary, value: Any, operands: list[Any], group: Any) -> None:
    known = [operand for operand in operands if operand is not None and operand is not UNKNOWN]
    kind = summary.kind
    if kind == "count":
        expected: Any = len(known)
    elif kind in ("min", "max"):
        expected = (min if kind == "min" else max)(known, default=None)
    else:
        total = sum(known)
        expected = total if kind == "sum" else _quotient(total, len(known)) if known else None
    rough = summary.type.kind is Kind.FLOAT
    largest = 0.0
    if rough and known and kind in ("sum", "avg"):
        largest = min(_quotient(sum(map(abs, known)), 1), sys.float_info.max)
    if rough and math.isnan(expected or 0.0):  # infinities of both signs have no sum: JSON has null for it everywhere
        if value is not None and not math.isnan(value):
            raise Disagreement(f"{kind} of group {group!r}: {value!r} of infinities of both signs")
        return
    if not alike(value, expected, summary.type, rough=rough, within=1e-9 * largest):
        raise Disagreement(f"{kind} of group {group!r}: {value!r} instead of {expected!r}")


def _quotient(total: Any, number: int) -> float:
    """As a float; infinite where there is none so large."""
    try:
        return float(total) / number
    except OverflowError:
        return math.copysign(math.inf, total)


# ---------------------------------------------------------------------------------------------------------- comparisons


def same(found: Any, expected: Any, what: str) -> None:
    """Raise a `Disagreement` where two answers differ."""
    if found != expected:
        if isinstance(found, set):
            more, less = sorted(found - expected), sorted(expected - found)
            raise Disagreement(f"{what}: {more[:5]} too much, {less[:5]} missing")
        raise Disagreement(f"{what}: {found!r} instead of {expected!r}")


def alike(one: Any, other: Any, type: Type, *, rough: bool, within: float = 1e-300) -> bool:
    """Equal; floats of which the last digits differ from store to store, nearly so."""
    if one is None or other is None:
        return one is other
    if type.kind is Kind.FLOAT and rough:
        return math.isclose(one, other, rel_tol=1e-12, abs_tol=within)
    return bool(one == other)


def rank(value: Any) -> tuple[bool, Any]:
    """None, and what is unknown, lowest."""
    return (False, 0) if value is None or value is UNKNOWN else (True, value)
