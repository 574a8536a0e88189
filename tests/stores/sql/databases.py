"""The language's test domain in the SQL databases: its model, its tables with the nasty rows, and asking them."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Protocol

import asyncpg
import duckdb
import pytest
from asyncmy.errors import MySQLError
from sqlalchemy.schema import CreateIndex, CreateTable

from kingpost.language.schema import Scalar, ToOne
from kingpost.model.columns import Column, columns
from kingpost.model.model import FieldModel, Model, RelationModel, ResourceModel
from kingpost.plan.select import Select
from kingpost.stores.contract import OutOfRange
from kingpost.stores.memory.select import prepare
from kingpost.stores.memory.state import State, layouts
from kingpost.stores.memory.store import Selecting
from kingpost.stores.memory.values import keep
from kingpost.stores.settings import StoreSettings
from kingpost.stores.sql.dialects import DUCKDB, MARIADB, POSTGRES, SQLITE, Dialect
from kingpost.stores.sql.duckdb.instance import Location, connect
from kingpost.stores.sql.mariadb import connection as mariadb_connection
from kingpost.stores.sql.postgres.codecs import install
from kingpost.stores.sql.tables import tables
from kingpost.stores.sql.translation.translate import translate
from tests.language.domain import INVERSE, NASTY, RESOURCES, Data
from tests.services.mariadb import MariaDBServer
from tests.services.postgres import PostgresServer


class StoreRefused(Exception):
    """An honest error of the store: an overflow, a date out of range."""


def _model() -> Model:
    resources: dict[str, ResourceModel] = {}
    for name, attributes in RESOURCES.items():
        fields: dict[str, FieldModel] = {}
        relations: dict[str, RelationModel] = {}
        for member, attribute in attributes.items():
            match attribute:
                case Scalar(type=type):
                    fields[member] = FieldModel(member, type, member, None, key=member == "id")
                case ToOne(resource=target, nullable=nullable):
                    relations[member] = RelationModel(member, "one", target, nullable, columns=(f"{member}_id",))
                case _:
                    target, back = INVERSE[name, member]
                    relations[member] = RelationModel(member, "many", target, inverse=back)
        resources[name] = ResourceModel(name, None, name.lower(), name.lower(), "main", ("id",), fields, relations)
    return Model(resources)


MODEL = _model()


class Database(Protocol):
    """A database with the nasty rows in it."""

    dialect: Dialect

    def rows(self, text: str, arguments: Sequence[object]) -> list[Any]:
        """Run a statement; raises `StoreRefused`."""
        ...


def ask(database: Database, select: Select, params: Mapping[str, object], model: Model = MODEL) -> list[list[Any]]:
    """Translate, run, and give the rows as Python values."""
    statement = translate(select, model, database.dialect)
    rows = database.rows(statement.text, statement.arguments(params))
    forms = [database.dialect.forms.python_form(column.type) or (lambda value: value) for column in select.columns]
    return [[None if value is None else form(value) for form, value in zip(forms, row, strict=True)] for row in rows]


def definitions(model: Model, dialect: Dialect, store: str = "main") -> list[str]:
    """The DDL of all tables, foreign keys left out: test rows come in any order."""
    found: list[str] = []
    for table in tables(model, store, dialect).values():
        create = CreateTable(table, include_foreign_key_constraints=[])
        found.append(str(create.compile(dialect=dialect.engine)))
        found += [str(CreateIndex(index).compile(dialect=dialect.engine)) for index in table.indexes]
    return found


def inserts(data: Data, dialect: Dialect, model: Model = MODEL) -> Iterator[tuple[str, list[list[Any]]]]:
    """One INSERT per resource with its rows in the driver's form."""
    for name, rows in data.items():
        held = columns(model, model[name])
        converts = [dialect.bound(column)[0] or (lambda value: value) for column in held]
        names = ", ".join(dialect.quote(column.name) for column in held)
        marks = ", ".join(
            "?" if dialect.engine.paramstyle == "qmark" else f"${place}" for place in range(1, len(held) + 1)
        )
        values = [[f(_part(row[c.member], held, c)) for f, c in zip(converts, held, strict=True)] for row in rows]
        yield f"INSERT INTO {dialect.quote(model[name].table)} ({names}) VALUES ({marks})", values


def _part(value: Any, held: tuple[Column, ...], column: Column) -> Any:
    """A composite key is a tuple, of which each column has its part."""
    if not isinstance(value, tuple):
        return value
    return value[[other for other in held if other.member == column.member].index(column)]


class MemoryDatabase:
    """The memory store's own selects over the same rows."""

    def __init__(self, data: Data = NASTY, model: Model = MODEL) -> None:
        places = layouts(model, "main")
        rows: dict[str, dict[Any, Any]] = {}
        for name, of in data.items():
            held = [(column, keep(column.type)) for column in columns(model, model[name])]
            made = [{c.name: form(row[c.member]) for c, form in held} for row in of]
            rows[name] = {places[name].key_of(row): row for row in made}
        self.model, self.state = model, State(model, places, rows)

    def ask(self, select: Select, params: Mapping[str, object]) -> list[list[Any]]:
        """Run a select, and give the rows as Python values; raises `StoreRefused`."""
        try:
            return [
                list(row) for row in Selecting(select.resource, prepare(select, self.model)).run(self.state, params)
            ]
        except OutOfRange as error:
            raise StoreRefused(str(error)) from error


HONEST = ("integer overflow", "user-defined function raised", "parser stack overflow")
"""What SQLite says when it does not go on; the last one of expressions nested deeper than it reads."""


class SQLiteDatabase:
    """SQLite without a file."""

    dialect = SQLITE

    def __init__(self) -> None:
        self.connection = sqlite3.connect(":memory:", isolation_level=None)
        for (name, arity), function in SQLITE.functions.items():
            self.connection.create_function(name, arity, function, deterministic=True)

    def rows(self, text: str, arguments: Sequence[object]) -> list[Any]:
        try:
            return self.connection.execute(text, arguments).fetchall()
        except sqlite3.OperationalError as error:
            if any(words in str(error) for words in HONEST):
                raise StoreRefused(str(error)) from error
            raise
        except OverflowError as error:
            raise StoreRefused(str(error)) from error


class DuckDBDatabase:
    """DuckDB without a file, in a session of another time zone than UTC."""

    dialect = DUCKDB

    def __init__(self) -> None:
        self.connection = connect(Location(None), [])
        self.connection.execute("SET TimeZone = 'Europe/Amsterdam'")

    def rows(self, text: str, arguments: Sequence[object]) -> list[Any]:
        try:
            return self.connection.execute(text, arguments).fetchall()
        except (duckdb.OutOfRangeException, duckdb.ConversionException) as error:
            raise StoreRefused(str(error)) from error
        except duckdb.Error as error:
            if "Max expression depth" in str(error):
                raise StoreRefused(str(error)) from error
            raise


class PostgresDatabase:
    """In a session of another time zone than UTC, where a day may have 25 hours."""

    dialect = POSTGRES

    def __init__(self, runner: asyncio.Runner, connection: Any) -> None:
        self.runner, self.connection = runner, connection

    def rows(self, text: str, arguments: Sequence[object]) -> list[Any]:
        try:
            return list(self.runner.run(self._fetch(text, arguments)))
        except (asyncpg.NumericValueOutOfRangeError, asyncpg.DatetimeFieldOverflowError) as error:
            raise StoreRefused(str(error)) from error
        except asyncpg.DataError as error:
            if "out of range" in str(error):  # a parameter of more than 64 bits
                raise StoreRefused(str(error)) from error
            raise

    async def _fetch(self, text: str, arguments: Sequence[object]) -> list[Any]:
        rows: list[Any] = await self.connection.fetch(text, *arguments)
        return rows


OUT_OF_RANGE = (1690, 1264, 1292, 1365, 1441)
"""MariaDB's numbers of the same."""


class MariaDBDatabase:
    """In a session of another time zone than UTC."""

    dialect = MARIADB

    def __init__(self, runner: asyncio.Runner, connection: mariadb_connection.Connection) -> None:
        self.runner, self.connection = runner, connection

    def rows(self, text: str, arguments: Sequence[object]) -> list[Any]:
        try:
            return self.runner.run(self.connection.ask(text, arguments))
        except OutOfRange as error:
            raise StoreRefused(str(error)) from error
        except MySQLError as error:
            if error.args[0] in OUT_OF_RANGE:
                raise StoreRefused(str(error)) from error
            raise


@contextmanager
def sqlite_database(data: Data = NASTY, model: Model = MODEL) -> Iterator[SQLiteDatabase]:
    """SQLite with the rows loaded."""
    database = SQLiteDatabase()
    for text in definitions(model, SQLITE):
        database.connection.execute(text)
    for text, values in inserts(data, SQLITE, model):
        database.connection.executemany(text, values)
    yield database
    database.connection.close()


@contextmanager
def duckdb_database(data: Data = NASTY, model: Model = MODEL) -> Iterator[DuckDBDatabase]:
    """DuckDB with the rows loaded."""
    database = DuckDBDatabase()
    for text in definitions(model, DUCKDB):
        database.connection.execute(text)
    for text, values in inserts(data, DUCKDB, model):
        for row in values:
            database.connection.execute(text, row)
    yield database
    database.connection.close()


@contextmanager
def postgres_database(url: str, data: Data = NASTY, model: Model = MODEL) -> Iterator[PostgresDatabase]:
    """PostgreSQL with the rows loaded."""

    async def opened() -> Any:
        settings = {"timezone": "Europe/Amsterdam", "jit": "off"}
        connection = await asyncpg.connect(url, server_settings=settings, statement_cache_size=0)
        await install(connection)
        for text in definitions(model, POSTGRES):
            await connection.execute(text)
        for text, values in inserts(data, POSTGRES, model):
            await connection.executemany(text, values)
        await connection.execute("ANALYZE")
        return connection

    with asyncio.Runner() as runner:
        connection = runner.run(opened())
        yield PostgresDatabase(runner, connection)
        runner.run(connection.close())


@contextmanager
def mariadb_database(url: str, data: Data = NASTY, model: Model = MODEL) -> Iterator[MariaDBDatabase]:
    """MariaDB with the rows loaded."""

    async def opened() -> mariadb_connection.Connection:
        address = mariadb_connection.locate(url)
        connection = await mariadb_connection.connect(address, StoreSettings(), "test")
        await connection.do("SET SESSION time_zone = '+02:00', SESSION idle_transaction_timeout = 0")
        for text in definitions(model, MARIADB):
            await connection.do(text)
        for text, values in inserts(data, MARIADB, model):
            for row in values:
                await connection.do(text, row)
        return connection

    with asyncio.Runner() as runner:
        connection = runner.run(opened())
        yield MariaDBDatabase(runner, connection)
        runner.run(connection.close(2))


@contextmanager
def served_database(request: pytest.FixtureRequest, kind: str, *what: Any) -> Iterator[Database]:
    """The same on the server that the tests share: `kind` is postgres or mariadb."""
    if kind == "postgres":
        postgres: PostgresServer = request.getfixturevalue("postgres_server")
        url = postgres.create_database()
        with postgres_database(url, *what) as database:
            yield database
        postgres.drop_database(url)
    else:
        mariadb: MariaDBServer = request.getfixturevalue("mariadb_server")
        url = mariadb.create_database()
        with mariadb_database(url, *what) as other:
            yield other
        mariadb.drop_database(url)
