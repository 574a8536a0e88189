"""The DuckDB store: tables for analysis in one file, read by threads, written by one process."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager

from kingpost.language.types import Type
from kingpost.model.model import Model
from kingpost.plan.select import Operation, Select
from kingpost.stores.contract import Abilities, Convert, Rows, SchemaChange, StoreDown, StoreError
from kingpost.stores.settings import StoreSettings, settings_in
from kingpost.stores.sql import schema
from kingpost.stores.sql.common import Ground
from kingpost.stores.sql.dialects import DUCKDB
from kingpost.stores.sql.duckdb import catalog, numbers
from kingpost.stores.sql.duckdb.instance import Instance, locate
from kingpost.stores.sql.duckdb.reader import Cursor, Reader
from kingpost.stores.sql.duckdb.run import FAILURES, Runner
from kingpost.stores.sql.duckdb.writer import Hold, Work, Writer
from kingpost.stores.sql.statement import Statement


class DuckDBStore:
    """A store in one DuckDB file, which no other process may have open."""

    def __init__(self, url: str, model: Model, name: str, settings: StoreSettings | None = None) -> None:
        self.url = url
        self._settings = settings_in(url, settings)[1]
        self._ground = Ground(model, name, DUCKDB)
        self._location = locate(url)
        self._runner = Runner(self._ground)
        self._reader = Reader(self._cursor, self._settings)
        self._instance: Instance | None = None

    @property
    def abilities(self) -> Abilities:
        return self._ground.abilities

    async def start(self) -> None:
        """Open the file, and make an empty one where there is none."""
        self._instance = await asyncio.to_thread(Instance.take, self.url, self._location)
        self._reader.start()

    async def stop(self) -> None:
        """Carry out the writes that wait, then close."""
        instance, self._instance = self._instance, None
        await self._reader.stop()
        if instance is not None:
            await asyncio.to_thread(instance.give_back)

    def prepare(self, select: Select) -> Statement:
        return self._ground.translate(select)

    async def fetch(self, prepared: Statement, params: Mapping[str, object]) -> Rows:
        try:
            return await self._reader.fetch(prepared.text, prepared.arguments(params))
        except FAILURES as error:
            raise self._runner.explain(error) from error

    async def stream(
        self, prepared: Statement, params: Mapping[str, object], *, chunk: int = 1000
    ) -> AsyncGenerator[Rows, None]:
        try:
            async with aclosing(self._reader.stream(prepared.text, prepared.arguments(params), chunk)) as found:
                async for rows in found:
                    yield rows
        except FAILURES as error:
            raise self._runner.explain(error) from error

    async def write(self, operations: Sequence[Operation]) -> list[Rows]:
        answers: list[Rows] = await self._writer.write(self._work(operations), self._settings, self._runner.explain)
        return answers

    @asynccontextmanager
    async def transaction(self, *, limit: float | None = None) -> AsyncGenerator[DuckDBTransaction, None]:
        """Takes the only writer: keep it short. Past the time limit it is rolled back with a `StoreError`."""
        hold = await self._writer.hold(self._settings.transaction if limit is None else limit)
        try:
            yield DuckDBTransaction(hold, self._work, self._runner)
        except BaseException:
            await hold.end(commit=False)
            raise
        await hold.end(commit=True)

    def json_form(self, type: Type) -> Convert | None:
        return self._ground.json_form(type)

    def python_form(self, type: Type) -> Convert | None:
        return self._ground.python_form(type)

    async def compare(self) -> list[SchemaChange]:
        names = [table.name for table in self._ground.tables.values()]
        real = await self._reader.in_thread(lambda cursor: catalog.read(cursor, names))
        return schema.compare(self._ground, real)

    async def apply(self, changes: Sequence[SchemaChange]) -> None:
        statements = schema.statements(changes)

        def carry_out(cursor: Cursor) -> None:
            for statement in statements:
                cursor.execute(statement)

        def refused(error: Exception) -> StoreError:
            return StoreError(f"The schema change was refused and undone: {error}")

        await self._writer.write(carry_out, self._settings, refused)

    @property
    def _opened(self) -> Instance:
        if self._instance is None:
            raise StoreDown("The store is not started, or stopped already")
        return self._instance

    @property
    def _writer(self) -> Writer:
        return self._opened.writer

    def _cursor(self) -> Cursor:
        return self._opened.cursor()

    def _work(self, operations: Sequence[Operation]) -> Work:
        """Carries out the operations, and comes out the same when it is done again."""
        settled: list[tuple[list[Operation], numbers.Last]] = []

        def work(cursor: Cursor) -> list[Rows]:
            if not settled:
                settled.append(numbers.settle(self._ground, self._opened, cursor, operations))
            ((wanted, last),) = settled
            numbers.keep(cursor, last)
            return self._runner.run(cursor, self._ground.batches.steps(wanted))

        return work


class DuckDBTransaction:
    """An interactive transaction on the writer."""

    def __init__(self, hold: Hold, work: Callable[[Sequence[Operation]], Work], runner: Runner) -> None:
        self._hold, self._work, self._runner = hold, work, runner

    async def fetch(self, prepared: Statement, params: Mapping[str, object]) -> Rows:
        """Rows as this transaction sees them."""
        return await self.execute(prepared.text, prepared.arguments(params))

    async def execute(self, sql: str, params: Sequence[object] = ()) -> Rows:
        """A statement of the application's own, with `$1` for parameters; answers its rows as they are stored."""
        try:
            rows: Rows = await self._hold.run(lambda cursor: cursor.execute(sql, params).fetchall())
        except FAILURES as error:
            raise self._runner.explain(error) from error
        return rows

    async def write(self, operations: Sequence[Operation]) -> list[Rows]:
        """All of the operations or, when one fails, none; the transaction goes on."""
        answers: list[Rows] = await self._hold.run(self._work(operations))
        return answers
