"""Looking at an SQLite database that others made: types only hint at what is in a column, so values are seen."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncGenerator, Iterable, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

from kingpost.stores.contract import StoreDown
from kingpost.stores.sql.catalog import RealReference, RealTable
from kingpost.stores.sql.checks import Condition
from kingpost.stores.sql.dialects import SQLITE
from kingpost.stores.sql.existing import SAMPLE, Existing, Watch, likely_keys, quoted
from kingpost.stores.sql.sqlite import catalog
from kingpost.stores.sql.sqlite.connection import connect, locate, unusable
from kingpost.stores.sql.sqlite.guess import guess

Values = dict[str, list[Any]]


@asynccontextmanager
async def opened(url: str, schema: str | None) -> AsyncGenerator[SqliteExaminer]:
    """Opens a file that is there, and only to read."""
    location = locate(url)
    if location.temporary:
        raise StoreDown("sqlite:// is an empty database of this process; the path of a file comes after sqlite:///")
    if schema not in (None, "main"):
        raise StoreDown(f"a database in SQLite has no schema {schema!r}")
    if not location.path.exists():
        raise StoreDown(f"there is no file {location.path}")
    connection = connect(location, SQLITE.functions, writes=False, wait=10)
    try:
        connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
        connection.execute("BEGIN")  # all of it as it was at one moment
        yield SqliteExaminer(connection)
    except sqlite3.Error as error:
        raise unusable(error, location.path) or StoreDown(f"{location.path} can't be read: {error}") from error
    finally:
        connection.close()


class SqliteExaminer:
    """An open file."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    async def names(self, schema: str | None, *, views: bool) -> list[str]:
        """All tables, and views if they are wanted."""
        found = catalog.names(self._connection)
        kinds = dict(self._connection.execute("SELECT name, type FROM sqlite_master").fetchall())
        return [name for name in found if views or kinds[name] == "table"]

    async def examine(self, names: Iterable[str], watch: Watch) -> Existing:
        """What there is of these tables and views."""
        found = Existing(SQLITE, catalog.read(self._connection, names))
        for name, table in found.tables.items():
            watch(name)
            values, said = self._values(table), found.conditions(table)
            found.held[name] = {
                column.name: guess(column, values[column.name], said.get(column.name, Condition()))
                for column in table.columns.values()
            }
            loose = set(self._loose(table))
            table.references = [replace(reference, loose=reference in loose) for reference in table.references]
            if not table.primary:
                key = self._key(table, values)
                if key:
                    found.keys[name] = key
        return found

    def _values(self, table: RealTable) -> Values:
        """Values of each column: those of the first rows and of the last."""
        values: Values = {name: [] for name in table.columns}
        for rows in self._samples(table):
            for row in rows:
                for name, value in zip(values, row, strict=True):
                    if value is not None:
                        values[name].append(value)
        return values

    def _samples(self, table: RealTable) -> Iterator[sqlite3.Cursor]:
        columns = ", ".join(map(quoted, table.columns))
        text = f"SELECT {columns} FROM {quoted(table.name)}"
        yield self._connection.execute(f"{text} LIMIT {SAMPLE // 2}")
        if table.kind == "table" and self._has_row_ids(table):
            yield self._connection.execute(f"{text} ORDER BY rowid DESC LIMIT {SAMPLE // 2}")

    def _has_row_ids(self, table: RealTable) -> bool:
        (without,) = self._connection.execute(
            "SELECT wr FROM pragma_table_list WHERE schema = 'main' AND name = ?", [table.name]
        ).fetchone()
        return not without and not {"rowid", "ROWID"}.intersection(table.columns)

    def _loose(self, table: RealTable) -> Iterator[RealReference]:
        """The references that some row does not hold to: SQLite looks after them only where it is asked to."""
        try:
            rows = self._connection.execute("SELECT DISTINCT fkid FROM pragma_foreign_key_check(?)", [table.name])
            broken = {number for (number,) in rows}
        except sqlite3.OperationalError:  # they lead to columns that are no key
            yield from table.references
            return
        last = len(table.references) - 1
        yield from (reference for place, reference in enumerate(table.references) if last - place in broken)

    def _key(self, table: RealTable, values: Values) -> str:
        """A column whose values are all there and all different, in a table that is not too large to see that."""
        for name in likely_keys(table):
            column = quoted(name)
            text = (
                f"SELECT count(*), count({column}), count(DISTINCT {column}) "
                f"FROM (SELECT {column} FROM {quoted(table.name)} LIMIT ?)"
            )
            rows, there, different = self._connection.execute(text, [100 * SAMPLE]).fetchone()
            if 0 < rows == there == different < 100 * SAMPLE:
                return name
        return ""
