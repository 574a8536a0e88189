"""Faults that are planted on purpose are found by the oracle of expressions: it can fail, for every one it asks.

The same case is answered rightly as soon as the fault is gone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import sqlalchemy as sa

from kingpost.language import evaluate
from kingpost.stores.sql.phrases import Phrase
from kingpost.stores.sql.postgres.dialect import PostgreSQL
from kingpost.stores.sql.sqlite.dialect import SQLite
from kingpost.stores.sql.translation import conditions, lists, many, values
from tests.language.cases import Disagreement, case
from tests.planted import not_takes_unknown_for_false
from tests.services.postgres import PostgresServer
from tests.stores.sql.databases import MemoryDatabase, postgres_database, sqlite_database
from tests.stores.sql.oracle import Oracle

# CPython warns of `3 is None`, which is written here like anything else.
pytestmark = pytest.mark.filterwarnings("ignore::SyntaxWarning")

MOST = 1_500
"""How many cases may be asked before the fault is found."""

Plant = Callable[[pytest.MonkeyPatch], None]


def none_equals_nothing(patch: pytest.MonkeyPatch) -> None:
    """`==` as SQL has it."""

    def equal(a: Any, b: Any, wanted: bool) -> Any:
        pairs = list(zip(a.terms, b.terms, strict=True))
        return sa.and_(*(x == y for x, y in pairs)) if wanted else sa.or_(*(x != y for x, y in pairs))

    patch.setattr(conditions, "equal", equal)


def any_takes_unknown_for_false(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(many, "_perhaps", lambda t, condition, wanted: t.rail(condition, wanted))


def nothing_sums_up_to_none(patch: pytest.MonkeyPatch) -> None:
    plain = many._summarised

    def _summarised(t: Any, node: Any, term: Any) -> Any:
        return many._sum(t, term, node.type) if node.kind == "sum" else plain(t, node, term)

    patch.setattr(many, "_summarised", _summarised)


def values_are_never_unknown(patch: pytest.MonkeyPatch) -> None:
    for module in (conditions, values, many):
        patch.setattr(module, "can_be_unknown", lambda node: False)


def condition_false_where_unknown(patch: pytest.MonkeyPatch) -> None:
    for module in (conditions, values, many):
        patch.setattr(module, "condition_unknown", lambda node: False)


def lists_forget_none(patch: pytest.MonkeyPatch) -> None:
    plain = lists.among
    none = conditions.Const

    def among(t: Any, node: Any, wanted: bool) -> Any:
        options = node.options
        if isinstance(options, tuple):
            options = tuple(one for one in options if not (isinstance(one, none) and one.value is None))
        return plain(t, conditions.In(node.item, options), wanted)

    patch.setattr(lists, "among", among)


def order(dialect: type) -> Plant:
    """None is highest."""

    def highest(self: Any, term: Any, type: Any, descending: bool, may_be_null: bool) -> Any:
        return term.desc().nulls_first() if descending else term.asc().nulls_last()

    return lambda patch: patch.setattr(dialect, "order", highest)


def division(dialect: type) -> Plant:
    """Rounded to zero."""

    def truncated(self: Any, a: Any, b: Any) -> Any:
        return Phrase("{0} / NULLIF({1}, 0)" if dialect is SQLite else "div({0}, NULLIF({1}, 0))", a.type, a, b)

    return lambda patch: patch.setattr(dialect, "floor_divide", truncated)


def memory_negates_unknown(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(evaluate, "negated", lambda operand: lambda frame: operand(frame) is not True)


def memory_forgets_unknown(patch: pytest.MonkeyPatch) -> None:
    """`and` and `or` decide without what is unknown."""

    def kleene(parts: Any, decides: bool) -> Any:
        return lambda frame: decides if any(part(frame) is decides for part in parts) else not decides

    patch.setattr(evaluate, "kleene", kleene)


FAULTS: dict[str, tuple[str, Plant]] = {
    "`not` that takes unknown for false": ("sqlite", not_takes_unknown_for_false),
    "`not` that takes unknown for false, on PostgreSQL": ("postgresql", not_takes_unknown_for_false),
    "None that equals nothing": ("sqlite", none_equals_nothing),
    "None that equals nothing, on PostgreSQL": ("postgresql", none_equals_nothing),
    "`any` that takes unknown for false": ("sqlite", any_takes_unknown_for_false),
    "a sum of nothing that is None": ("sqlite", nothing_sums_up_to_none),
    "a sum of nothing that is None, on PostgreSQL": ("postgresql", nothing_sums_up_to_none),
    "values that are never unknown": ("sqlite", values_are_never_unknown),
    "a condition that is false where it is unknown": ("sqlite", condition_false_where_unknown),
    "a list that forgets its None": ("sqlite", lists_forget_none),
    "None that sorts highest": ("sqlite", order(SQLite)),
    "None that sorts highest, on PostgreSQL": ("postgresql", order(PostgreSQL)),
    "`//` that rounds to zero": ("sqlite", division(SQLite)),
    "`//` that rounds to zero, on PostgreSQL": ("postgresql", division(PostgreSQL)),
    "`not` that makes unknown true": ("of person", memory_negates_unknown),
    "`and` and `or` that decide without what is unknown": ("of person", memory_forgets_unknown),
}


@pytest.fixture(scope="module")
def oracle(postgres_server: PostgresServer) -> Iterator[Oracle]:
    url = postgres_server.create_database()
    with sqlite_database() as sqlite, postgres_database(url) as postgres:
        yield Oracle([MemoryDatabase(), sqlite, postgres])
    postgres_server.drop_database(url)


@pytest.mark.parametrize("fault", FAULTS)
def test_a_planted_fault_is_found(oracle: Oracle, fault: str) -> None:
    who, plant = FAULTS[fault]
    memory, sqlite, postgres = oracle.databases
    asked = Oracle({"sqlite": [sqlite], "postgresql": [postgres]}.get(who, [memory]))
    for number in range(MOST):
        with pytest.MonkeyPatch.context() as patch:
            plant(patch)
            try:
                asked.examine(case(number), number)
            except Disagreement as error:
                told = str(error)
                break
    else:
        pytest.fail(f"{fault}: not found by {MOST} cases")
    assert told.startswith(who), told
    assert asked.examine(case(number), number)
