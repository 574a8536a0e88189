"""Files as a store: rows are read as what is declared, asked through DuckDB, and added where that is wanted."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager

from kingpost.base.errors import Unsupported
from kingpost.language.types import Type
from kingpost.model.columns import columns, key_columns, member_columns
from kingpost.model.model import Model, ResourceModel
from kingpost.plan.select import Operation, Select
from kingpost.stores.contract import Abilities, Convert, Rows, SchemaChange, StoreDamaged, StoreDown, Transaction
from kingpost.stores.files.address import locate
from kingpost.stores.files.append import Append
from kingpost.stores.files.fitting import check
from kingpost.stores.files.kept import Wanted, kept, state_of
from kingpost.stores.files.snapshot import Snapshot, open_snapshot, states
from kingpost.stores.settings import StoreSettings, settings_in
from kingpost.stores.sql.common import Ground
from kingpost.stores.sql.dialects import DUCKDB
from kingpost.stores.sql.duckdb.run import FAILURES, Runner
from kingpost.stores.sql.statement import Statement

LACKS = {
    "update": "rows of files are not changed: change the file, or keep them in a database",
    "delete": "rows of files are not deleted: change the file, or keep them in a database",
}
MANY_ADDED = 100_000
"""So many rows that were added are kept in memory; then the file is read anew."""


class FilesStore:
    """A store in files of one kind. Every question sees whether they have changed."""

    def __init__(self, url: str, model: Model, name: str, settings: StoreSettings | None = None) -> None:
        self.url = url
        self._settings = settings_in(url, settings)[1]
        self._location = locate(url)
        self._ground = Ground(model, name, DUCKDB, Abilities(LACKS, transactions=False, changes=False))
        held = [resource for resource in self._ground.resources if not resource.name.startswith("_")]
        check(url, self._location, held)
        self._wanted = [_wanted(model, resource) for resource in held]
        self._runner = Runner(self._ground)
        self._append = Append(self._location, self._ground, self._runner, self._wanted)
        self._snapshot: Snapshot | None = None
        self._opening: asyncio.Task[Snapshot] | None = None
        self._turn = asyncio.Lock()
        self._started = False

    @property
    def abilities(self) -> Abilities:
        return self._ground.abilities

    async def start(self) -> None:
        """See that the files are there, and finish what was being added when a process ended. Reads none of them."""
        await asyncio.to_thread(self._begin)
        self._started = True

    async def stop(self) -> None:
        """Close what was read, when it is not asked any more."""
        self._started = False
        if self._opening is not None:
            await asyncio.wait([self._opening])
        snapshot, self._snapshot = self._snapshot, None
        if snapshot is not None:
            await self._retire(snapshot)

    def prepare(self, select: Select) -> Statement:
        return self._ground.translate(select)

    async def fetch(self, prepared: Statement, params: Mapping[str, object]) -> Rows:
        async with self._asked() as snapshot:
            try:
                return await snapshot.reader.fetch(prepared.text, prepared.arguments(params))
            except FAILURES as error:
                raise self._runner.explain(error) from error

    async def stream(
        self, prepared: Statement, params: Mapping[str, object], *, chunk: int = 1000
    ) -> AsyncGenerator[Rows, None]:
        async with self._asked() as snapshot:
            try:
                found = snapshot.reader.stream(prepared.text, prepared.arguments(params), chunk)
                async with aclosing(found) as parts:
                    async for rows in parts:
                        yield rows
            except FAILURES as error:
                raise self._runner.explain(error) from error

    async def write(self, operations: Sequence[Operation]) -> list[Rows]:
        """Add rows to one file, durably: all of them or none."""
        self._append.refuse(operations)
        async with self._turn, self._asked() as snapshot:
            adding = asyncio.create_task(asyncio.to_thread(self._append.run, snapshot, operations))
            answers = await asyncio.shield(adding)
            if snapshot.added > MANY_ADDED and self._snapshot is snapshot:
                self._snapshot = None
                await self._retire(snapshot)
            return answers

    @asynccontextmanager
    async def transaction(self, *, limit: float | None = None) -> AsyncGenerator[Transaction, None]:
        """Raises `Unsupported`: what was added to a file is not taken back."""
        raise Unsupported("KP304", "files have no transactions: write outside of one, or keep the rows in a database")
        yield  # pragma: no cover

    def json_form(self, type: Type) -> Convert | None:
        return self._ground.json_form(type)

    def python_form(self, type: Type) -> Convert | None:
        return self._ground.python_form(type)

    async def compare(self) -> list[SchemaChange]:
        """Reads all files; each that does not fit is told."""
        return await asyncio.to_thread(self._compared)

    async def apply(self, changes: Sequence[SchemaChange]) -> None:
        """Files are not changed."""

    def _begin(self) -> None:
        states(self._location, self._wanted)
        self._append.recover()

    def _compared(self) -> list[SchemaChange]:
        found: list[SchemaChange] = []
        for wanted in self._wanted:
            try:
                files = self._location.files(wanted.name)
                kept(self._location, wanted, files, state_of(files))
            except (StoreDamaged, StoreDown) as error:
                found.append(SchemaChange("refuse", str(error)))
        return found

    @asynccontextmanager
    async def _asked(self) -> AsyncGenerator[Snapshot, None]:
        snapshot = await self._current()
        snapshot.users += 1
        try:
            yield snapshot
        finally:
            snapshot.users -= 1
            if snapshot.retired and not snapshot.users:
                await snapshot.close()

    async def _current(self) -> Snapshot:
        """What is in the files now: they are read anew where they have changed."""
        if not self._started:
            raise StoreDown("The store is not started, or stopped already")
        known = self._snapshot
        now = await asyncio.to_thread(states, self._location, self._wanted)
        if known is not None and known is self._snapshot and known.states == now:
            return known
        if self._opening is None:
            self._opening = asyncio.create_task(self._open())
        # Who asked may be gone before a large file is read; what comes of it is kept.
        return await asyncio.shield(self._opening)

    async def _open(self) -> Snapshot:
        try:
            fresh = await asyncio.to_thread(open_snapshot, self._location, self._ground, self._wanted)
            fresh.begin(self._settings)
            old, self._snapshot = self._snapshot, fresh
            if old is not None:
                await self._retire(old)
            return fresh
        finally:
            self._opening = None

    async def _retire(self, snapshot: Snapshot) -> None:
        snapshot.retired = True
        if not snapshot.users:
            await snapshot.close()


def _wanted(model: Model, resource: ResourceModel) -> Wanted:
    key = tuple(column.name for column in key_columns(model, resource))
    uniques = [
        tuple(column.name for member in unique.members for column in member_columns(model, resource, member))
        for unique in resource.uniques
        if unique.where is None
    ]
    uniques += [(one.column,) for one in resource.fields.values() if one.unique]
    return Wanted(resource.table, columns(model, resource), (key, *dict.fromkeys(uniques)))
