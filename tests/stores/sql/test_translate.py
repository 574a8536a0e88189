"""The SQL that selects become: forms that keep indexes usable, joins, groups, bounds."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from kingpost import Resource, anyone, field, index
from kingpost.base.errors import Unsupported
from kingpost.language.lower import lower
from kingpost.language.tree import (
    Arithmetic,
    Call,
    Compare,
    Const,
    Expression,
    Field,
    In,
    Keyed,
    Param,
    Root,
    Step,
    Summary,
    all_of,
    identity,
)
from kingpost.language.types import BOOL, DATETIME, FLOAT, INT, TEXT, Kind, Type, reference
from kingpost.model.build import build
from kingpost.model.model import FieldModel, IndexModel, Model, RelationModel, ResourceModel, UniqueModel
from kingpost.plan.select import Order, Select
from kingpost.stores.sql.dialects import POSTGRES, SQLITE, Dialect
from kingpost.stores.sql.tables import name, tables
from kingpost.stores.sql.translation.text import SPACES, successor
from kingpost.stores.sql.translation.translate import translate
from tests.language.domain import NASTY
from tests.language.strategies import NAMES, SCHEMA, parse_expression
from tests.services.postgres import PostgresServer
from tests.stores.sql.databases import MODEL, Database, ask, definitions, served_database, sqlite_database

MONEY = Type(Kind.DECIMAL, digits=10, places=2)
BOTH = pytest.mark.parametrize("dialect", [SQLITE, POSTGRES], ids=lambda dialect: dialect.name)


def written(text: str, type: Type = BOOL) -> Expression:
    source = parse_expression(text)
    return lower(source, SCHEMA, NAMES, prefix="t", expects=type if type == BOOL else None, proven=False).expression


def sql(text: str, dialect: Dialect) -> str:
    select = Select("Person", (identity(Root("Person")),), where=written(text))
    return translate(select, MODEL, dialect).text.partition("WHERE ")[2].replace("\n", "")


# -------------------------------------------------------------------------------------------------------------- indexes


def _things() -> Model:
    def stored(name: str, type: Type, **more: Any) -> FieldModel:
        return FieldModel(name, type, name, None, index=True, **more)

    fields = {
        "id": FieldModel("id", INT, "id", int, key=True),
        "n": stored("n", INT.maybe()),
        "t": stored("t", TEXT),
        "b": stored("b", BOOL),
        "at": stored("at", DATETIME),
        "m": stored("m", MONEY),
        "u": stored("u", Type(Kind.UUID)),
    }
    relations = {
        "owner": RelationModel("owner", "one", "Thing", True, ("owner_id",)),
        "parts": RelationModel("parts", "many", "Thing", inverse="owner"),
    }
    quoted = Compare("==", Field(Root("Thing"), "t", TEXT), Const("o'k", TEXT))
    open_only = Compare("==", Field(Root("Thing"), "b", BOOL), Const(True, BOOL))
    return Model(
        {
            "Thing": ResourceModel(
                "Thing", None, "things", "thing", "main", ("id",), fields, relations,
                uniques=(UniqueModel(("t", "owner"), open_only),),
                indexes=(IndexModel(("-n", "id")), IndexModel(("at",), quoted)),
            )
        }
    )  # fmt: skip


THINGS = _things()
THING = Root("Thing")
N, T, B = Field(THING, "n", INT.maybe()), Field(THING, "t", TEXT), Field(THING, "b", BOOL)
AT, M, U = Field(THING, "at", DATETIME), Field(THING, "m", MONEY), Field(THING, "u", Type(Kind.UUID))
P = Param("p", INT)


def listed(type: Type) -> Param:
    return Param("list", Type(Kind.LIST, element=type))


INDEXED: dict[str, Expression] = {
    "equal": Compare("==", N, P),
    "less": Compare("<", N, P),
    "not less": all_of(Compare(">=", N, P)) or N,
    "both may be None": Compare("==", N, Param("p", INT.maybe())),
    "in constants": In(N, (Const(1, INT), Const(2, INT))),
    "in list": In(N, listed(INT)),
    "in list with None": In(N, (Const(1, INT), Const(None, INT.maybe()))),
    "uuid in list": In(U, listed(Type(Kind.UUID))),
    "reference in list": In(identity(Step(THING, "owner", "Thing", True)), listed(reference("Thing"))),
    "key in list": In(identity(THING), listed(reference("Thing"))),
    "bool": B,
    "prefix": Call("startswith", (T, Param("prefix", TEXT)), BOOL),
    "constant prefix": Call("startswith", (T, Const("ab", TEXT)), BOOL),
    "instant": Compare("<", AT, Param("now", DATETIME)),
    "instant, moved": Compare(
        "<",
        AT,
        Arithmetic("-", Param("now", DATETIME), Const(timedelta(days=1), Type(Kind.DURATION)), DATETIME),
    ),
    "int, computed": Compare("<", N, Arithmetic("+", P, Const(1, INT), INT)),
    "decimal": Compare("==", M, Const(Decimal("1.50"), Type(Kind.DECIMAL, digits=3, places=2))),
    "decimal with int": Compare("==", M, Const(3, INT)),
    "decimal with parameter": Compare("==", M, P),
    "reference": Compare("==", identity(Step(THING, "owner", "Thing", True)), Param("me", reference("Thing"))),
    "key of a step": Compare("==", Field(Step(THING, "owner", "Thing", True), "id", INT), P),
    "actor": Compare(
        "==", identity(Step(THING, "owner", "Thing", True)), identity(Keyed("Thing", Param("me", reference("Thing"))))
    ),
}


@pytest.fixture(scope="module")
def sqlite_things() -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(":memory:")
    for (function, arity), body in SQLITE.functions.items():
        connection.create_function(function, arity, body, deterministic=True)
    for text in definitions(THINGS, SQLITE):
        connection.execute(text)
    yield connection
    connection.close()


@pytest.fixture(scope="module")
def postgres_things(postgres_server: PostgresServer) -> Iterator[str]:
    url = postgres_server.create_database()
    for text in definitions(THINGS, POSTGRES):
        postgres_server.sql(text, url)
    yield url
    postgres_server.drop_database(url)


def _plan_of(condition: Expression, dialect: Dialect) -> str:
    return translate(Select("Thing", (U,), where=condition), THINGS, dialect).text


@pytest.mark.parametrize("form", INDEXED)
def test_sqlite_uses_the_index(sqlite_things: sqlite3.Connection, form: str) -> None:
    text = _plan_of(INDEXED[form], SQLITE)
    rows = sqlite_things.execute(f"EXPLAIN QUERY PLAN {text}", [1] * text.count("?")).fetchall()
    plan = "\n".join(row[3] for row in rows)
    assert "SEARCH self USING" in plan, text + plan
    assert "SCAN self" not in plan


@pytest.mark.parametrize("form", INDEXED)
def test_postgres_uses_the_index_in_a_generic_plan(
    postgres_server: PostgresServer, postgres_things: str, form: str
) -> None:
    text = _plan_of(INDEXED[form], POSTGRES)
    plan = postgres_server.sql(f"SET enable_seqscan = off; EXPLAIN (GENERIC_PLAN) {text}", postgres_things)
    # The index on `b` alone, or one that is limited to where it is true.
    assert "Index Cond" in plan or (form == "bool" and "Index Scan" in plan), text + plan
    assert "Seq Scan on thing self" not in plan


def test_the_sort_order_is_that_of_the_index(
    postgres_server: PostgresServer, postgres_things: str, sqlite_things: sqlite3.Connection
) -> None:
    for descending in (False, True):
        select = Select("Thing", (U,), order=(Order(N, descending), Order(identity(THING))), limit=20)
        text = translate(select, THINGS, POSTGRES).text
        plan = postgres_server.sql(f"SET enable_seqscan = off; EXPLAIN (GENERIC_PLAN) {text}", postgres_things)
        assert "Sort Key: n, id" not in plan.replace("self.", "")
        assert ("Presorted" in plan) or ("Sort" not in plan), plan
        text = translate(select, THINGS, SQLITE).text
        rows = sqlite_things.execute(f"EXPLAIN QUERY PLAN {text}", [0] * text.count("?")).fetchall()
        assert all(row[3] != "USE TEMP B-TREE FOR ORDER BY" for row in rows)


def test_what_the_tables_are_called_and_hold() -> None:
    text = "\n".join(definitions(THINGS, POSTGRES))
    assert "CREATE UNIQUE INDEX uq_thing_t_owner ON thing (t, owner_id ASC NULLS FIRST) WHERE b = true" in text
    assert "CREATE INDEX ix_thing_n_id ON thing (n DESC NULLS LAST, id)" in text
    assert "CREATE INDEX ix_thing_at_where ON thing (at) WHERE t = 'o''k'" in text
    assert 't TEXT COLLATE "C" NOT NULL' in text
    assert "SERIAL" not in text
    assert "STRICT" in "\n".join(definitions(THINGS, SQLITE))
    long = name("ix", "t" * 60, "a"), name("ix", "t" * 60, "b")
    assert long[0] != long[1]
    assert max(map(len, long)) <= 63


# ---------------------------------------------------------------------------------------------------------------- forms


@BOTH
@pytest.mark.parametrize(
    "text",
    [
        "not (self.age < 3)",
        "not (self.age == self.score and self.nick is None)",
        "not (self.nick == self.name or self.vip is True)",
        "self.age is not None and self.age not in (1, None)",
        "(self.score > 3 if self.active else self.score < 3)",
    ],
)
def test_no_not_and_no_coalesce_over_comparisons(text: str, dialect: Dialect) -> None:
    found = sql(text, dialect).upper()
    for word in ("NOT (", "COALESCE", "IS TRUE", "CASE"):
        assert word not in found, found


@BOTH
def test_a_step_is_joined_once(dialect: Dialect) -> None:
    condition = written("self.boss.age == self.boss.score and any(v.n > self.boss.age for v in self.visits)")
    order = (Order(written("self.boss.name", TEXT)),)
    text = translate(
        Select("Person", (written("self.boss.nick", TEXT),), where=condition, order=order), MODEL, dialect
    ).text
    assert text.count("JOIN") == 1


@BOTH
@pytest.mark.parametrize(
    "text", ["self.boss.id == 3", "self.boss == me", "self.boss is None", "len(self.boss.visits) == 2"]
)
def test_a_key_needs_no_join(text: str, dialect: Dialect) -> None:
    select = Select("Person", (), where=written(text))
    assert "JOIN" not in translate(select, MODEL, dialect).text


def test_a_parameter_used_twice_is_bound_once() -> None:
    expression = written("self.joined < now() and any(v.at > now() for v in self.visits)")
    select = Select("Person", (identity(Root("Person")),), where=expression)
    assert len(translate(select, MODEL, POSTGRES).binds) == 1
    assert len(translate(select, MODEL, SQLITE).binds) == 2


@BOTH
def test_values_are_not_in_the_text(dialect: Dialect) -> None:
    assert "secret" not in sql(
        "self.name == 'secret' or self.name.startswith('secret') or self.nick in ('secret', 'b')", dialect
    )


@BOTH
def test_what_is_too_large_is_refused(dialect: Dialect) -> None:
    deep: Expression = Field(Root("Person"), "nick", TEXT)
    for _ in range(20):
        deep = Arithmetic("+", deep, deep, TEXT)
    with pytest.raises(Unsupported, match="too large"):
        translate(Select("Person", (deep,)), MODEL, dialect)


@BOTH
def test_size_grows_in_step_with_depth(dialect: Dialect) -> None:
    """Repeated operands are computed once, so nested forms do not double the text level by level."""
    division: Expression = Field(Root("Person"), "score", INT)
    choice = "self.nick"
    for _ in range(8):
        division = Arithmetic("//", division, Field(Root("Person"), "id", INT), INT)
        choice = f"({choice} or self.name)"
    for expression in (division, written(choice, TEXT)):
        assert len(translate(Select("Person", (expression,)), MODEL, dialect).text) < 4_000


def test_floats_and_ints_are_not_compared_where_they_would_be_rounded() -> None:
    mixed = Compare("==", Field(Root("Person"), "score", INT), Field(Root("Person"), "ratio", FLOAT))
    with pytest.raises(Unsupported, match="float"):
        translate(Select("Person", (), where=mixed), MODEL, POSTGRES)


def test_white_space_is_what_python_takes_it_for() -> None:
    assert set(SPACES) == {chr(code) for code in range(0x110000) if chr(code).isspace()}


def test_the_successor_of_a_prefix() -> None:
    assert successor("ab") == "ac"
    assert successor("a\U0010ffff") == "b"
    assert successor("\ud7ff") == "\ue000"
    assert successor("") is successor("\U0010ffff") is None


# --------------------------------------------------------------------------------------------------------------- groups


@pytest.fixture(scope="module", params=["sqlite", "postgres", "mariadb"])
def people(request: pytest.FixtureRequest) -> Iterator[Database]:
    if request.param == "sqlite":
        with sqlite_database() as sqlite:
            yield sqlite
        return
    with served_database(request, request.param) as served:
        yield served


BALANCE = Field(Root("Person"), "balance", Type(Kind.DECIMAL, digits=12, places=2))
AGE, SCORE = Field(Root("Person"), "age", INT.maybe()), Field(Root("Person"), "score", INT)
HOME = Field(Step(Root("Person"), "home", "City", False), "name", TEXT)
SMALL = Compare("<", Field(Root("Person"), "id", INT), Param("below", INT))


def test_groups(people: Database) -> None:
    columns = (
        HOME,
        Summary("count", None, INT),
        Summary("count", AGE, INT),
        Summary("sum", BALANCE, BALANCE.type),
        Summary("min", AGE, INT.maybe()),
        Summary("max", Field(Root("Person"), "active", BOOL), BOOL),
    )
    having = Compare(">", Summary("count", None, INT), Const(1, INT))
    order = (Order(Summary("count", None, INT), descending=True), Order(HOME))
    found = ask(people, Select("Person", columns, SMALL, order, group=(HOME,), having=having), {"below": 100})

    groups: dict[str, list[dict[str, Any]]] = {}
    cities = {city["id"]: city["name"] for city in NASTY["City"]}
    for row in NASTY["Person"]:
        if row["id"] < 100:
            groups.setdefault(cities[row["home"]], []).append(row)
    expected = []
    for key, rows in groups.items():
        ages = [row["age"] for row in rows if row["age"] is not None]
        total = sum(row["balance"] for row in rows)
        expected.append([key, len(rows), len(ages), total, min(ages, default=None), any(row["active"] for row in rows)])
    kept = [row for row in expected if row[1] > 1]
    assert found == sorted(kept, key=lambda row: (-row[1], row[0]))


def test_one_group_of_all(people: Database) -> None:
    columns = (Summary("count", None, INT), Summary("avg", BALANCE, FLOAT.maybe()), Summary("sum", AGE, INT))
    ((count, average, total),) = ask(people, Select("Person", columns, SMALL, group=()), {"below": 13})
    rows = [row for row in NASTY["Person"] if row["id"] < 13]
    assert count == 12
    assert average == pytest.approx(float(sum(row["balance"] for row in rows)) / 12)
    assert total == sum(row["age"] or 0 for row in rows)
    nothing = ask(people, Select("Person", columns, SMALL, group=()), {"below": 0})
    assert nothing == [[0, None, 0]]


def test_limit_and_offset(people: Database) -> None:
    order = (Order(identity(Root("Person"))),)
    select = Select(
        "Person", (identity(Root("Person")),), order=order, limit=Param("limit", INT), offset=Param("skip", INT)
    )
    assert ask(people, select, {"limit": 2, "skip": 3}) == [[4], [5]]
    assert ask(people, Select("Person", (identity(Root("Person")),), order=order, limit=1), {}) == [[1]]
    last = ask(people, Select("Person", (identity(Root("Person")),), order=order, offset=159), {})
    assert last == [[160]]


def test_a_computed_constant_is_no_sort_key(people: Database) -> None:
    order = (Order(written("self.id is None")), Order(Const(datetime(2026, 1, 1, tzinfo=UTC), DATETIME)))
    assert len(ask(people, Select("Person", (identity(Root("Person")),), order=order), {})) == 160


class Owner(Resource, read=anyone):
    name: str = field(index=True)
    age: int = field(default=0, index=True)


class Pet(Resource, read=anyone):
    owner: Owner
    name: str
    age: int
    orders = [index("owner", "-age"), index("-name", "age"), index("name", "-age"), index("name", "age")]


def test_an_index_that_another_serves_is_not_made() -> None:
    made = [str(one.name) for table in tables(build([Owner, Pet]), "main", SQLITE).values() for one in table.indexes]
    assert sorted(made) == [
        "ix_owner_age", "ix_owner_name", "ix_pet_name_age", "ix_pet_name_age_2", "ix_pet_owner_age",
    ]  # fmt: skip
