"""Conditions on values that a right may hide: what they answer, and that an index finds the rows."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from typing import Any

import pytest

from kingpost.language.evaluate import Frame, compile_expression
from kingpost.language.tree import Call, Compare, Const, Expression, Field, If, In, Not, Param, Root, identity
from kingpost.language.types import BOOL, INT, TEXT, Kind, Type
from kingpost.plan.select import Select
from kingpost.plan.supplied import masked
from kingpost.stores.sql.dialects import POSTGRES, SQLITE
from kingpost.stores.sql.translation.translate import translate
from tests.language.domain import NASTY, NOW, DictWorld
from tests.services.postgres import PostgresServer
from tests.stores.sql.databases import Database, ask, duckdb_database, served_database, sqlite_database
from tests.stores.sql.test_translate import THINGS, postgres_things, sqlite_things, written

__all__ = ["postgres_things", "sqlite_things"]

WORLD = DictWorld(NASTY)
ROW = identity(Root("Person"))
RIGHTS = ["self.active", "self.vip is True", "self.age > 3", "self.boss.active", "me is not None and self.boss == me"]
CONDITIONS = [
    "{age} == 18", "18 == {age}", "{age} < 18", "3 >= {age}", "{age} == self.score", "{age} == self.age",
    "{age} is None", "{age} in (1, 18, 2)", "{age} in (18, None)", "{age} in NUMBERS", "{nick} in SOME",
    "{nick}.startswith('a')", "{nick}.endswith('a')", "'a' in {nick}", "bool({nick})", "{boss} == me",
    "me.score != {age}", "{age} == self.boss.score", "{age} in (1, me.score)",
    "{boss} is None", "({age} if self.active else None) > 1",
]  # fmt: skip


@pytest.fixture(scope="module", params=["postgres", "mariadb"])
def databases(request: pytest.FixtureRequest) -> Iterator[list[Database]]:
    with sqlite_database() as sqlite, duckdb_database() as duck, served_database(request, request.param) as served:
        yield [sqlite, duck, served]


@pytest.mark.parametrize("text", CONDITIONS)
def test_they_answer_what_memory_does(databases: list[Database], text: str) -> None:
    for right in RIGHTS:
        hidden = {name: f"(self.{name} if {right} else None)" for name in ("age", "nick", "boss")}
        condition = written(text.format(**hidden))
        captured: dict[str, Any] = {"t.NUMBERS": [0, 3, 2**53 + 1], "t.SOME": ["Ada", "a", None]}
        for me in (None, 7):
            params = {**captured, "now": NOW, "me": me}
            evaluate = compile_expression(condition)
            said = {row["id"]: evaluate(Frame(row, params, WORLD)) for row in NASTY["Person"]}
            for database in databases:
                for wanted, asked in ((True, condition), (False, Not(condition))):
                    found = {key for (key,) in ask(database, Select("Person", (ROW,), where=asked), params)}
                    assert found == {key for key, answer in said.items() if answer is wanted}, (right, me, wanted)


THING = Root("Thing")
N, T = Field(THING, "n", INT.maybe()), Field(THING, "t", TEXT)
RIGHT = Not(Compare("==", T, Const("x", TEXT)))  # which no index finds
HIDDEN, HIDDEN_TEXT = masked(N, RIGHT), masked(T, Not(Compare("==", N, Const(3, INT))))
INDEXED: dict[str, tuple[str, Expression]] = {
    "equal": ("n", Compare("==", HIDDEN, Param("p", INT))),
    "less": ("n", Compare("<", HIDDEN, Param("p", INT))),
    "not less": ("n", Not(Compare("<", Param("p", INT), HIDDEN))),
    "in constants": ("n", In(HIDDEN, (Const(1, INT), Const(2, INT)))),
    "in list": ("n", In(HIDDEN, Param("list", Type(Kind.LIST, element=INT)))),
    "prefix": ("t", Call("startswith", (HIDDEN_TEXT, Param("prefix", TEXT)), BOOL)),
    "masked twice": ("n", Compare("==", If(RIGHT, HIDDEN, Const(None, INT.maybe()), INT.maybe()), Param("p", INT))),
}


@pytest.mark.parametrize("form", INDEXED)
def test_the_index_is_used(
    postgres_server: PostgresServer, postgres_things: str, sqlite_things: sqlite3.Connection, form: str
) -> None:
    column, condition = INDEXED[form]
    select = Select("Thing", (identity(THING),), where=condition)
    text = translate(select, THINGS, SQLITE).text
    rows = sqlite_things.execute(f"EXPLAIN QUERY PLAN {text}", [1] * text.count("?")).fetchall()
    plan = "\n".join(row[3] for row in rows)
    assert "SEARCH self USING" in plan, text + plan
    assert f"({column}" in plan, text + plan
    text = translate(select, THINGS, POSTGRES).text
    plan = postgres_server.sql(f"SET enable_seqscan = off; EXPLAIN (GENERIC_PLAN) {text}", postgres_things)
    assert f"Index Cond: ({column} " in plan or f"Index Cond: (({column} " in plan, text + plan
