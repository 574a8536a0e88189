"""Columns that others made: whatever form they hold values in, conditions, order and writes mean what they do."""

from __future__ import annotations

import operator
import sqlite3
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import count
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from kingpost.language.tree import Compare, Comparison, Expression, Field, Identity, In, Param, Root, Step, identity
from kingpost.language.types import FLOAT, INT, TEXT, Kind, Type, reference
from kingpost.model.model import FieldModel, Model, RelationModel, ResourceModel
from kingpost.plan.select import Insert, Order, Select, Update
from kingpost.stores.contract import Store, StoreError
from kingpost.stores.registry import open_store
from tests.services.postgres import PostgresServer

INSTANT, DAY, UUIDS, DURATION = Type(Kind.DATETIME), Type(Kind.DATE), Type(Kind.UUID), Type(Kind.DURATION)
MONEY, MOOD = Type(Kind.DECIMAL, digits=8, places=2), Type(Kind.TEXT, choices=("happy", "sad"))
ZERO, ONES = UUID(int=0), UUID(int=2**128 - 1)
NEW_YEAR = datetime(2026, 1, 1, tzinfo=UTC)
SECOND, MILLI, MICRO = NEW_YEAR + timedelta(seconds=1), timedelta(milliseconds=5), timedelta(microseconds=7)
BOTH = NEW_YEAR + MILLI + MICRO
EARLY = datetime(999, 12, 31, 23, 59, 59, tzinfo=UTC)
BEFORE = datetime(1969, 12, 31, 23, 59, 59, tzinfo=UTC)


@dataclass(frozen=True)
class Form:
    """A column of others: its SQL type, what it is declared as, and its values, as SQL has them and as they are.

    `computed`: a condition of equality can't be about the column itself.
    """

    sql: str
    type: Type
    stored: str
    values: dict[str, Any]
    computed: bool = False


def texts(form: str, declared: str = "TEXT", **values: datetime) -> Form:
    """Instants as text."""
    return Form(declared, INSTANT, form, {f"'{text}'": value for text, value in values.items()})


def money(*values: str) -> dict[str, Any]:
    """Numbers that are written alike in SQL and Python."""
    return {value: Decimal(value).quantize(Decimal("0.01")) for value in values}


def letters(*values: str) -> dict[str, Any]:
    return {f"'{value}'": value for value in values}


SQLITE = {
    "seconds": texts("%Y-%m-%d %H:%M:%S", "DATETIME", **{
        "2026-01-01 00:00:00": NEW_YEAR, "2026-01-01 00:00:01": SECOND, "0999-12-31 23:59:59": EARLY,
    }),
    "fraction where there is one": texts("%Y-%m-%d %H:%M:%S[.%f]", "timestamp", **{
        "2026-01-01 00:00:00": NEW_YEAR, "2026-01-01 00:00:00.005007": BOTH, "2026-01-01 00:00:01": SECOND,
    }),
    "always a fraction": texts("%Y-%m-%d %H:%M:%S.%f", **{
        "2026-01-01 00:00:00.000000": NEW_YEAR, "2026-01-01 00:00:00.000007": NEW_YEAR + MICRO,
    }),
    "ISO with Z": texts("%Y-%m-%dT%H:%M:%SZ", **{"2026-01-01T00:00:00Z": NEW_YEAR, "2026-01-01T00:00:01Z": SECOND}),
    "ISO with milliseconds": texts("%Y-%m-%dT%H:%M:%S.%3fZ", **{
        "2026-01-01T00:00:00.000Z": NEW_YEAR, "2026-01-01T00:00:00.005Z": NEW_YEAR + MILLI,
        "2026-01-01T00:00:01.000Z": SECOND,
    }),
    "ISO with an offset": texts("%Y-%m-%dT%H:%M:%S[.%f]+00:00", **{
        "2026-01-01T00:00:00+00:00": NEW_YEAR, "2026-01-01T00:00:00.005007+00:00": BOTH,
    }),
    "unix": Form("INTEGER", INSTANT, "seconds", {"1767225600": NEW_YEAR, "1767225601": SECOND, "-1": BEFORE}),
    "unix as floats": Form("REAL", INSTANT, "seconds", {"1767225600.0": NEW_YEAR, "1767225600.005": NEW_YEAR + MILLI}),
    "unix milliseconds": Form("BIGINT", INSTANT, "milliseconds", {
        "1767225600000": NEW_YEAR, "1767225600005": NEW_YEAR + MILLI,
    }),
    "Julian": Form("REAL", INSTANT, "julian", {
        "2461041.5": NEW_YEAR, "2461042.0": NEW_YEAR + timedelta(hours=12),
    }, computed=True),
    "dates": Form("DATE", DAY, "%Y-%m-%d", {"'2026-01-01'": date(2026, 1, 1), "'0999-12-31'": date(999, 12, 31)}),
    "short dates": Form("TEXT", DAY, "%Y%m%d", {"'20260101'": date(2026, 1, 1), "'19991231'": date(1999, 12, 31)}),
    "Julian dates": Form("REAL", DAY, "julian", {
        "2461041.5": date(2026, 1, 1), "2461042.5": date(2026, 1, 2),
    }, computed=True),
    "money": Form("NUMERIC(8,2)", MONEY, "number", {
        **money("0.99", "12", "-1.1"), "0.1 + 0.2": Decimal("0.30"),
    }, computed=True),
    "floats among integers": Form("DECIMAL", FLOAT, "number", {"1": 1.0, "1.5": 1.5, "-2": -2.0}),
    "hex": Form("char(32)", UUIDS, "hex", {f"'{ZERO.hex}'": ZERO, f"'{ONES.hex}'": ONES}),
    "bytes": Form("BLOB", UUIDS, "bytes", {f"x'{ZERO.hex}'": ZERO, f"x'{ONES.hex}'": ONES}),
    "case": Form("TEXT COLLATE NOCASE", TEXT, "nocase", letters("a", "A", "b", ""), computed=True),
    "blanks": Form("TEXT COLLATE RTRIM", TEXT, "rtrim", letters("a", "a ", "b"), computed=True),
    "texts that look like numbers": Form("STRING", TEXT, "text", letters("7", "x", "12"), computed=True),
    "plain": Form("NVARCHAR(20)", TEXT, "", letters("a", "B", "ä")),
    "truth": Form("BOOLEAN", Type(Kind.BOOL), "", {"1": True, "0": False}),
}  # fmt: skip

POSTGRES = {
    "no zone": texts("timestamp", "timestamp", **{
        "2026-01-01 00:00:00": NEW_YEAR, "2026-01-01 00:00:00.000007": NEW_YEAR + MICRO,
    }),
    "any length": Form("varchar(20)", TEXT, "", letters("a", "B", "ä", "")),
    "padded": Form("char(3)", TEXT, "character(3)", letters("a", "abc", "B")),
    "an enumeration": Form("mood", MOOD, "mood", letters("sad", "happy"), computed=True),
    "addresses": Form("inet", TEXT, "inet", letters("10.0.0.1", "10.0.0.0/8", "::1"), computed=True),
    "numbers without places": Form("numeric", MONEY, "numeric", money("1.5", "-2", "3.25"), computed=True),
    "numeric integers": Form("numeric(10,0)", INT, "numeric", {"1": 1, "9999999999": 9999999999, "-5": -5}),
    "short integers": Form("smallint", INT, "", {"1": 1, "-5": -5}),
    "single precision": Form("real", FLOAT, "real", {"1.5": 1.5, "0.1": 0.10000000149011612}, computed=True),
    "money": Form("money", MONEY, "money", money("1.5", "-2"), computed=True),
    "intervals": Form("interval", DURATION, "interval", {
        "'1 day'": timedelta(days=1), "'01:00:00.000001'": timedelta(hours=1, microseconds=1),
    }, computed=True),
    "a domain": Form("short_text", TEXT, "", letters("a", "B")),
}  # fmt: skip

OPERATORS: dict[Comparison, Any] = {
    "==": operator.eq, "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge,
}  # fmt: skip
NUMBERS = count(1)
FIRST = "INSERT INTO thing (id, value) VALUES "


def model(form: Form) -> Model:
    """Things with one such value, and uses that refer to a kind by it."""
    value = FieldModel("value", form.type.maybe(), "value", object, stored=form.stored)
    number = FieldModel("id", INT, "id", int, key=True)
    thing = ResourceModel(
        "Thing",
        None,
        "things",
        "thing",
        "main",
        ("id",),
        {"id": number, "value": value},
        {},
        version=None,
        adopted=True,
    )  # fmt: skip
    key = replace(value, key=True, type=form.type)
    kind = replace(thing, name="Kind", path="kinds", table="kind", key=("value",), fields={"value": key})
    one = RelationModel("kind", "one", "Kind", nullable=True, columns=("kind_value",), adopted=True, constrained=False)
    use = replace(thing, name="Use", path="uses", table="use", fields={"id": number}, relations={"kind": one})
    return Model({"Thing": thing, "Kind": kind, "Use": use})


def tables(form: Form) -> list[str]:
    """The tables of others and their rows."""
    rows = ", ".join(f"({place}, {text})" for place, text in enumerate(form.values))
    kinds = ", ".join(f"({text})" for text in form.values)
    return [
        f"CREATE TABLE thing (id bigint PRIMARY KEY, value {form.sql})",
        f"CREATE TABLE kind (value {form.sql} NOT NULL)",
        f"CREATE TABLE use (id bigint PRIMARY KEY, kind_value {form.sql})",
        FIRST + rows + ", (99, NULL)",
        f"INSERT INTO kind (value) VALUES {kinds}",
        f"INSERT INTO use (id, kind_value) VALUES {rows}, (99, NULL)",
    ]


@pytest.fixture(scope="module")
def database(postgres_server: PostgresServer) -> Iterator[str]:
    """One database for all tests here, each with a schema of its own."""
    url = postgres_server.create_database()
    yield url
    postgres_server.drop_database(url)


@pytest.fixture(params=[*(("sqlite", name) for name in SQLITE), *(("postgres", name) for name in POSTGRES)], ids=str)
async def opened(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[tuple[Store, Form]]:
    """A store over a table of others with such a column, and what is in it."""
    kind, name = request.param
    if kind == "sqlite":
        form, url = SQLITE[name], f"sqlite:///{tmp_path}/x.db"
        in_sqlite(tmp_path / "x.db", tables(form))
    else:
        form, schema = POSTGRES[name], f"place_{next(NUMBERS)}"
        url = f"{request.getfixturevalue('database')}?search_path={schema}"
        types = ["CREATE TYPE mood AS ENUM ('sad', 'happy')", "CREATE DOMAIN short_text AS varchar(9)"]
        await in_postgres(url, [f"CREATE SCHEMA {schema}", *types, *tables(form)])
    async with started(url, form) as store:
        yield store, form


def in_sqlite(file: Path, statements: Iterable[str]) -> None:
    with closing(sqlite3.connect(file)) as connection, connection:
        for statement in statements:
            connection.execute(statement)


async def in_postgres(url: str, statements: Iterable[str]) -> None:
    server = await asyncpg.connect(url)
    for statement in statements:
        await server.execute(statement)
    await server.close()


@asynccontextmanager
async def started(url: str, form: Form) -> AsyncIterator[Store]:
    store = open_store(url, model(form), "main")
    await store.start()
    try:
        yield store
    finally:
        await store.stop()


def value_of(form: Form, row: Any = None) -> Field:
    return Field(row or Root("Thing"), "value", form.type.maybe())


async def ask(store: Store, form: Form, where: Expression | None, *order: Order, **params: object) -> list[Any]:
    """The values of things."""
    select = Select("Thing", (value_of(form),), where, order)
    convert = store.python_form(form.type) or (lambda value: value)
    rows = await store.fetch(store.prepare(select), params)
    return [None if row[0] is None else convert(row[0]) for row in rows]


async def test_values_are_read(opened: tuple[Store, Form]) -> None:
    store, form = opened
    found = await ask(store, form, None, Order(Field(Root("Thing"), "id", INT)))
    assert found == [*form.values.values(), None]
    assert [type(one) for one in found[:-1]] == [type(one) for one in form.values.values()]
    assert [change.text for change in await store.compare() if "the key is" not in change.text] == []


async def test_conditions_mean_what_they_mean(opened: tuple[Store, Form]) -> None:
    store, form = opened
    wanted = Param("wanted", form.type)
    values = list(form.values.values())
    for one in [*values, *_others(values)]:
        for op, holds in (
            ("==", one.__eq__),
            ("<", one.__gt__),
            ("<=", one.__ge__),
            (">", one.__lt__),
            (">=", one.__le__),
        ):
            if form.type.kind is Kind.BOOL and op != "==":
                continue
            found = await ask(store, form, Compare(op, value_of(form), wanted), wanted=one)  # type: ignore[arg-type]
            assert sorted(found, key=str) == sorted((v for v in values if holds(v) is True), key=str), (op, one)
    several = [values[0], values[-1], None]
    among = In(value_of(form), Param("several", Type(Kind.LIST, element=form.type.maybe())))
    found = await ask(store, form, among, several=several)
    assert sorted(found, key=str) == sorted({values[0], values[-1], None}, key=str)


def _others(values: list[Any]) -> list[Any]:
    """Values that are not there, close to those that are."""
    match values[0]:
        case datetime():
            return [values[0] + MICRO * 2, values[0] - MICRO, values[0] + MILLI + MICRO]
        case str() if set(values) <= set(MOOD.choices):
            return []
        case str():
            return [values[0] + "!", "zz", "Z"]
        case _:
            return []


async def test_order(opened: tuple[Store, Form]) -> None:
    store, form = opened
    ordered = sorted(form.values.values())
    assert await ask(store, form, None, Order(value_of(form))) == [None, *ordered]
    assert await ask(store, form, None, Order(value_of(form), descending=True)) == [*reversed(ordered), None]


async def test_what_is_written_is_found_again(opened: tuple[Store, Form]) -> None:
    store, form = opened
    values = list(form.values.values())
    await store.write([Insert("Thing", ("id", "value"), [(100 + n, value) for n, value in enumerate(values)])])
    for n, value in enumerate(values):
        same = Compare("==", value_of(form), Param("wanted", form.type))
        select = Select("Thing", (Field(Root("Thing"), "id", INT),), same)
        rows = await store.fetch(store.prepare(select), {"wanted": value})
        assert sorted(row[0] for row in rows) == [n, 100 + n], value
    await store.write([Update("Thing", (100,), {"value": None}), Update("Thing", (101,), {"value": values[0]})])
    assert (await ask(store, form, None)).count(None) == 2


async def test_keys_are_found_and_joined(opened: tuple[Store, Form]) -> None:
    store, form = opened
    values = list(form.values.values())
    key, step = Param("key", reference("Kind")), Step(Root("Use"), "kind", "Kind", True)
    one = Select("Kind", (Field(Root("Kind"), "value", form.type),), Compare("==", identity(Root("Kind")), key))
    number = Field(Root("Use"), "id", INT)
    joined = Select("Use", (number, value_of(form, step)), None, (Order(number),))
    convert = store.python_form(form.type) or (lambda value: value)
    rows = await store.fetch(store.prepare(joined), {})
    assert [(row[0], None if row[1] is None else convert(row[1])) for row in rows] == [*enumerate(values), (99, None)]
    many = Param("keys", Type(Kind.LIST, element=reference("Kind")))
    held = Select("Use", (number,), In(Identity(step, reference("Kind", nullable=True)), many))
    rows = await store.fetch(store.prepare(held), {"keys": values[:2]})
    assert sorted(row[0] for row in rows) == [0, 1]
    for value in values:
        assert len(await store.fetch(store.prepare(one), {"key": value})) == 1
    await store.write([Update("Use", (99,), {"kind_value": values[0]})])
    assert len(await store.fetch(store.prepare(held), {"keys": values[:1]})) == 2


async def test_indexes_are_used(opened: tuple[Store, Form]) -> None:
    """Where equal values are equal as stored, a condition is about the column itself."""
    store, form = opened
    key = Param("key", reference("Kind"))
    one = Select("Kind", (Field(Root("Kind"), "value", form.type),), Compare("==", identity(Root("Kind")), key))
    where = store.prepare(one).text.partition("WHERE ")[2]
    assert where.startswith("self.value =") is not form.computed, where


async def test_a_value_that_can_not_be_read_is_an_error(tmp_path: Path) -> None:
    form = SQLITE["ISO with Z"]
    in_sqlite(tmp_path / "x.db", [*tables(form), FIRST + "(7, 'soon')"])
    async with started(f"sqlite:///{tmp_path}/x.db", form) as store:
        with pytest.raises(StoreError):
            await ask(store, form, None)


async def test_a_number_that_would_be_rounded_is_an_error(postgres_url: str) -> None:
    form = POSTGRES["numbers without places"]
    await in_postgres(postgres_url, [*tables(form), FIRST + "(7, 1.125)"])
    async with started(postgres_url, form) as store:
        with pytest.raises(StoreError):
            await ask(store, form, None)


async def test_text_is_sorted_by_code_point_whatever_the_database_does(postgres_server: PostgresServer) -> None:
    form = POSTGRES["any length"]
    postgres_server.sql("CREATE DATABASE local LOCALE_PROVIDER libc LOCALE 'C.utf8' TEMPLATE template0")
    url = postgres_server.url.removesuffix("postgres") + "local"
    await in_postgres(url, tables(form))
    async with started(url, form) as store:
        same = Compare("==", value_of(form), Param("wanted", form.type))
        text = store.prepare(Select("Thing", (value_of(form),), same, (Order(value_of(form)),))).text
        assert 'ORDER BY ((self.value COLLATE "C")) ASC' in text
        assert text.count("COLLATE") == 1, "equality uses the index that is there"
        assert await ask(store, form, same, Order(value_of(form)), wanted="B") == ["B"]
        assert await ask(store, form, Compare("<", value_of(form), Param("wanted", form.type)), wanted="a") == ["B", ""]
    postgres_server.drop_database(url)
