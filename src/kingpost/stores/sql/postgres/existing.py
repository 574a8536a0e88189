"""Looking at a PostgreSQL database that others made: its types tell nearly everything."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterable
from contextlib import asynccontextmanager
from typing import Any

import asyncpg

from kingpost.stores.contract import StoreDown
from kingpost.stores.settings import settings_in, split_parameters
from kingpost.stores.sql.catalog import RealColumn, RealTable
from kingpost.stores.sql.checks import Condition
from kingpost.stores.sql.existing import SAMPLE, Existing, Watch, likely_keys, quoted
from kingpost.stores.sql.postgres import catalog
from kingpost.stores.sql.postgres.connection import FAILURES
from kingpost.stores.sql.postgres.dialect import PostgreSQL
from kingpost.stores.sql.postgres.guess import Seen, guess
from kingpost.stores.sql.postgres.stored import plain

UNEQUAL = "SELECT collname FROM pg_collation WHERE NOT collisdeterministic"
"""The collations in which different texts are equal."""

SCHEMAS = "SELECT nspname FROM pg_namespace WHERE nspname !~ '^pg_' AND nspname <> 'information_schema' ORDER BY 1"


@asynccontextmanager
async def opened(url: str, schema: str | None) -> AsyncGenerator[PostgresExaminer]:
    """Opens a connection that can only read."""
    address, settings = settings_in(url, None)
    address = split_parameters(address, ("pool",), rest=True)[0]
    server = {"TimeZone": "UTC", "application_name": "kingpost inspect", "default_transaction_read_only": "on"}
    if schema is not None:
        server["search_path"] = quoted(schema)
    try:
        connection = await asyncpg.connect(address, timeout=settings.wait, server_settings=server)
    except (*FAILURES, ValueError) as error:
        words = str(error) or f"no answer within {settings.wait:g} s"
        raise StoreDown(f"PostgreSQL can't be reached: {words}") from error
    try:
        # All of it as it was at one moment.
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            dialect = PostgreSQL()
            dialect.sorts_by_code_point = await connection.fetchval(catalog.BY_CODE_POINT)
            yield PostgresExaminer(connection, dialect)
    except FAILURES as error:
        raise StoreDown(f"PostgreSQL does not let us read: {error}") from error
    finally:
        await connection.close()


class PostgresExaminer:
    """An open connection."""

    def __init__(self, connection: Any, dialect: PostgreSQL) -> None:
        self._connection, self._dialect = connection, dialect

    async def names(self, schema: str | None, *, views: bool) -> list[str]:
        """All tables, and views if they are wanted, of what names without a schema lead to."""
        schemas = await self._connection.fetchval("SELECT current_schemas(false)::text[]")
        if schema is not None and schema not in schemas:
            known = ", ".join(name for (name,) in await self._connection.fetch(SCHEMAS))
            raise StoreDown(f"the database has no schema {schema!r} that may be used; there are: {known}")
        found = await catalog.names(self._connection, schemas)
        if views:
            return found
        tables = await catalog.read(self._connection, found)
        return [name for name in found if tables[name].kind == "table"]

    async def examine(self, names: Iterable[str], watch: Watch) -> Existing:
        """What there is of these tables and views."""
        found = Existing(self._dialect, await catalog.read(self._connection, names))
        unequal = frozenset(name for (name,) in await self._connection.fetch(UNEQUAL))
        for name, table in found.tables.items():
            watch(name)
            said = found.conditions(table)
            found.held[name] = {
                column.name: guess(
                    self._dialect, column, said.get(column.name, Condition()), await self._seen(table, column),
                    unequal,
                )
                for column in table.columns.values()
            }  # fmt: skip
            if not table.primary and (key := await self._key(table)):
                found.keys[name] = key
        return found

    async def _seen(self, table: RealTable, column: RealColumn) -> Seen:
        """What only the values tell: how many decimal places there are, and whether intervals are exact."""
        name, rows = quoted(column.name), f"(SELECT * FROM {quoted(table.name)} LIMIT {10 * SAMPLE}) rows"
        if column.type == "numeric":
            text = f"SELECT max(scale(trim_scale({name}))), bool_and({name} <> 'NaN') FROM {rows}"
            places, numbers = await self._connection.fetchrow(text)
            return Seen(places=places, odd=numbers is False)
        if plain(column.type) == "interval":
            text = f"SELECT bool_or(extract(year FROM {name}) <> 0 OR extract(month FROM {name}) <> 0) FROM {rows}"
            return Seen(odd=bool(await self._connection.fetchval(text)))
        return Seen()

    async def _key(self, table: RealTable) -> str:
        """A column whose values are all there and all different, in a table that is not too large to see that."""
        for name in likely_keys(table):
            column = quoted(name)
            text = (
                f"SELECT count(*), count({column}), count(DISTINCT {column}::text) "
                f"FROM (SELECT {column} FROM {quoted(table.name)} LIMIT {100 * SAMPLE}) rows"
            )
            rows, there, different = await self._connection.fetchrow(text)
            if 0 < rows == there == different < 100 * SAMPLE:
                return name
        return ""
