"""The tables of files as they were at one moment, open to be asked, and to be read on when the files have changed."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import duckdb
from sqlalchemy.schema import CreateTable

from kingpost.stores.files.address import Location
from kingpost.stores.files.kept import TABLE, State, Wanted, folder, kept, state_of
from kingpost.stores.files.values import quoted, sql_type
from kingpost.stores.settings import StoreSettings
from kingpost.stores.sql.common import Ground
from kingpost.stores.sql.duckdb import instance
from kingpost.stores.sql.duckdb.instance import NAME
from kingpost.stores.sql.duckdb.reader import Reader

States = Mapping[str, State]
ADDED: Final = "added to "
"""Before the name of a table: the rows that this process has added to its file since it was read."""


@dataclass(slots=True, eq=False)
class Snapshot:
    """An instance of DuckDB in memory, with a view for each table. `users`: questions that are under way."""

    root: duckdb.DuckDBPyConnection
    states: States
    reader: Reader = field(init=False)
    users: int = 0
    retired: bool = False
    added: int = 0

    def begin(self, settings: StoreSettings) -> None:
        """Get ready to answer."""
        self.reader = Reader(self.cursor, settings)
        self.reader.start()

    def cursor(self) -> duckdb.DuckDBPyConnection:
        """A connection for one thread."""
        cursor = self.root.cursor()
        cursor.execute(f"USE {NAME}")
        return cursor

    async def close(self) -> None:
        """When nobody asks it any more."""
        await self.reader.stop()
        await asyncio.to_thread(self.root.close)


def states(location: Location, wanted: Sequence[Wanted]) -> dict[str, State]:
    """How the files of all tables are now. Raises `StoreDown` for one that is missing."""
    return {one.name: state_of(location.files(one.name)) for one in wanted}


def open_snapshot(location: Location, ground: Ground, wanted: Sequence[Wanted]) -> Snapshot:
    """Read what has not been read of the files as they are now, and open all."""
    now = states(location, wanted)
    databases = {one.name: _kept(location, one, now[one.name]) for one in wanted}
    place = instance.Location(None, location.memory, location.threads)
    root = instance.connect(place, [f"{folder(location)}/"])
    try:
        root.execute(f"ATTACH ':memory:' AS {NAME}")
        instance.lock(root)
        root.execute(f"USE {NAME}")
        for number, one in enumerate(wanted):
            root.execute(f"ATTACH {instance.literal(str(databases[one.name]))} AS kept_{number} (READ_ONLY)")
            names = ", ".join(quoted(column.name) for column in one.columns)
            text = f"SELECT {names} FROM kept_{number}.main.{TABLE}"
            if location.append:
                typed = ", ".join(f"{quoted(column.name)} {sql_type(column.type)}" for column in one.columns)
                root.execute(f"CREATE TABLE {quoted(ADDED + one.name)} ({typed})")
                text += f" UNION ALL SELECT {names} FROM {quoted(ADDED + one.name)}"
            root.execute(f"CREATE VIEW {quoted(one.name)} AS {text}")
        named = {one.name for one in wanted}
        for table in ground.tables.values():  # records of Kingpost's own, of which there are none
            if table.name not in named:
                root.execute(str(CreateTable(table).compile(dialect=ground.dialect.engine)))
    except BaseException:
        root.close()
        raise
    return Snapshot(root, now)


def _kept(location: Location, wanted: Wanted, state: State) -> Path:
    return kept(location, wanted, location.files(wanted.name), state)
