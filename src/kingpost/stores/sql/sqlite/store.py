"""The SQLite store: reads beside one writer, durable before they are acknowledged, nothing to install."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager

from kingpost.language.types import Type
from kingpost.model.model import Model
from kingpost.plan.select import Operation, Select
from kingpost.stores.contract import Abilities, Convert, Rows, SchemaChange, StoreError
from kingpost.stores.settings import StoreSettings, settings_in
from kingpost.stores.sql import schema
from kingpost.stores.sql.common import Ground
from kingpost.stores.sql.dialects import SQLITE
from kingpost.stores.sql.sqlite import catalog
from kingpost.stores.sql.sqlite.connection import connect, locate, unusable
from kingpost.stores.sql.sqlite.reader import Prepared, Reader
from kingpost.stores.sql.sqlite.run import FAILURES, Runner
from kingpost.stores.sql.sqlite.writer import Hold, Writer, in_savepoint


class SqliteStore:
    """A store in one SQLite file in WAL mode.

    Any number of processes may open the file. One of them writes at a time; the others wait for as long as the
    settings say and then raise `StoreDown`.
    """

    def __init__(self, url: str, model: Model, name: str, settings: StoreSettings | None = None) -> None:
        self.url = url
        settings = settings_in(url, settings)[1]
        self._ground = Ground(model, name, SQLITE)
        location = locate(url)
        self._path = location.path
        self._runner = Runner(model, self._ground.names, self._ground.resources, location.path)
        self._reader = Reader(
            lambda wait: connect(location, SQLITE.functions, writes=False, wait=wait), settings, location.path
        )
        self._writer = Writer(
            lambda: connect(location, SQLITE.functions, writes=True, wait=settings.wait),
            self._runner,
            settings,
            location.path,
        )

    @property
    def abilities(self) -> Abilities:
        return self._ground.abilities

    async def start(self) -> None:
        """Open the file, and make an empty one where there is none."""
        await self._writer.start()
        self._reader.start()

    async def stop(self) -> None:
        """Carry out the writes that wait, then close."""
        await self._writer.stop()
        await self._reader.stop()

    def prepare(self, select: Select) -> Prepared:
        return Prepared(self._ground.translate(select))

    async def fetch(self, prepared: Prepared, params: Mapping[str, object]) -> Rows:
        try:
            return await self._reader.fetch(prepared, prepared.arguments(params))
        except FAILURES as error:
            raise self._runner.explain(error) from error

    async def stream(
        self, prepared: Prepared, params: Mapping[str, object], *, chunk: int = 1000
    ) -> AsyncGenerator[Rows, None]:
        try:
            async with aclosing(self._reader.stream(prepared, prepared.arguments(params), chunk)) as found:
                async for rows in found:
                    yield rows
        except FAILURES as error:
            raise self._runner.explain(error) from error

    async def write(self, operations: Sequence[Operation]) -> list[Rows]:
        return await self._writer.write(self._ground.batches.steps(operations))

    @asynccontextmanager
    async def transaction(self, *, limit: float | None = None) -> AsyncGenerator[SqliteTransaction, None]:
        """Takes the only writer: keep it short. Past the time limit it is rolled back with a `StoreError`."""
        hold = await self._writer.hold(limit)
        try:
            yield SqliteTransaction(hold, self._ground, self._runner)
        except BaseException:
            await hold.end(commit=False)
            raise
        try:
            await hold.end(commit=True)
        except sqlite3.Error as error:
            raise self._runner.explain(error) from error

    def json_form(self, type: Type) -> Convert | None:
        return self._ground.json_form(type)

    def python_form(self, type: Type) -> Convert | None:
        return self._ground.python_form(type)

    async def compare(self) -> list[SchemaChange]:
        names = [table.name for table in self._ground.tables.values()]
        real = await self._reader.in_thread(lambda connection: catalog.read(connection, names))
        return schema.compare(self._ground, real)

    async def apply(self, changes: Sequence[SchemaChange]) -> None:
        statements = schema.statements(changes)

        def carry_out(connection: sqlite3.Connection) -> None:
            for statement in statements:
                try:
                    connection.execute(statement)
                except sqlite3.OperationalError as error:
                    if "duplicate column" not in str(error):  # another process was first
                        raise

        hold = await self._writer.hold()
        try:
            await hold.run(carry_out)
            await hold.end(commit=True)
        except sqlite3.Error as error:
            await hold.end(commit=False)
            broken = unusable(error, self._path)
            if broken is not None:
                raise broken from error
            raise StoreError(f"The schema change was refused and undone: {error}") from error
        except BaseException:
            await hold.end(commit=False)
            raise


class SqliteTransaction:
    """An interactive transaction on the writer."""

    def __init__(self, hold: Hold, ground: Ground, runner: Runner) -> None:
        self._hold, self._ground, self._runner = hold, ground, runner

    async def fetch(self, prepared: Prepared, params: Mapping[str, object]) -> Rows:
        """Rows as this transaction sees them."""
        arguments = prepared.arguments(params)
        try:
            rows: Rows = await self._hold.run(
                lambda connection: connection.execute(prepared.text, arguments).fetchall()
            )
        except FAILURES as error:
            raise self._runner.explain(error) from error
        return rows

    async def execute(self, sql: str, params: Sequence[object] = ()) -> Rows:
        """A statement of the application's own, with `?` for parameters; answers its rows as they are stored."""
        try:
            rows: Rows = await self._hold.run(lambda connection: connection.execute(sql, params).fetchall())
        except FAILURES as error:
            raise self._runner.explain(error) from error
        return rows

    async def write(self, operations: Sequence[Operation]) -> list[Rows]:
        """All of the operations or, when one fails, none; the transaction goes on."""
        steps = self._ground.batches.steps(operations)
        answers: list[Rows] = await self._hold.run(
            lambda connection: in_savepoint(connection, lambda: self._runner.run(connection, steps))
        )
        return answers
