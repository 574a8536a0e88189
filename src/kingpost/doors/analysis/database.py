"""One DuckDB for one question or several: locked down, bounded in memory, on disk with what does not fit."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from asyncio import CancelledError
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Generator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path
from typing import Any, Final, TypeVar

import duckdb

from kingpost.base.errors import Rejected
from kingpost.doors.analysis.types import arrow_array, duckdb_type, quoted, taken
from kingpost.doors.analysis.untyped import pa
from kingpost.engine.columnar import Chunk
from kingpost.language.types import Type
from kingpost.stores.contract import StoreError
from kingpost.stores.sql.duckdb import instance

T = TypeVar("T")
CHUNK: Final = 16_384
"""Rows that are taken from a store at once."""
_INCOMING: Final = "_kingpost_incoming"


class Database:
    """Tables of one asker. One thing is done at a time, in a thread of its own."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self.connection = connection
        self.turn = asyncio.Lock()

    async def run(self, work: Callable[[], T]) -> T:
        """What `work` answers, which may take long. Who is given up waits until DuckDB has stopped."""
        task = asyncio.ensure_future(asyncio.to_thread(self._told, work))
        try:
            return await asyncio.shield(task)
        except CancelledError:
            while not task.done():
                self.connection.interrupt()
                await asyncio.wait((task,), timeout=0.05)
            with suppress(Exception):
                task.result()
            raise

    @staticmethod
    def _told(work: Callable[[], T]) -> T:
        with told():
            return work()

    def create(self, table: str, types: Mapping[str, Type]) -> None:
        """An empty table, in the place of the one that there may be. `table` is quoted."""
        columns = ", ".join(f"{quoted(name)} {duckdb_type(type)}" for name, type in types.items())
        self.connection.execute(f"CREATE OR REPLACE TABLE {table} ({columns})")

    async def fill(self, table: str, types: Mapping[str, Type], chunks: AsyncIterator[Chunk]) -> int:
        """Add the rows of the chunks, which have these columns; answers how many there were."""
        names = ", ".join(map(quoted, types))
        values = ", ".join(taken(type, name) for name, type in types.items())
        text = f"INSERT INTO {table} ({names}) SELECT {values} FROM {_INCOMING}"  # noqa: S608  # of quoted names
        rows = 0
        async for chunk in chunks:
            await self.run(lambda chunk=chunk: self._insert(text, types, chunk))  # type: ignore[misc]
            rows += chunk.rows
        return rows

    def _insert(self, text: str, types: Mapping[str, Type], chunk: Chunk) -> None:
        arrays: list[Any] = []
        for name, type in types.items():
            try:
                arrays.append(arrow_array(type, chunk.columns[name]))
            except (pa.ArrowException, OverflowError, TypeError) as error:
                message = f"a value of {name} is no {type} that can be computed with exactly: {error}"
                raise Rejected("KP183", message) from error
        self.connection.register(_INCOMING, pa.Table.from_arrays(arrays, names=list(types)))
        try:
            self.connection.execute(text)
        finally:
            self.connection.unregister(_INCOMING)

    def batches(self, sql: str) -> Iterator[Any]:
        """The answer in Arrow's record batches; an empty one tells at least the columns."""
        result: Any = self.connection.execute(sql)
        reader = result.to_arrow_reader(CHUNK)
        yield pa.RecordBatch.from_pylist([], schema=reader.schema)
        yield from reader


@contextmanager
def told() -> Generator[None]:
    """What DuckDB reports inside comes out as a `KingpostError`."""
    try:
        yield
    except duckdb.OutOfMemoryException as error:
        message = "the question needs more memory than memory= gives, or more disk than there is: ask for less at once"
        raise Rejected("KP182", message) from error
    except duckdb.InterruptException:
        raise
    except duckdb.Error as error:
        raise Rejected("KP182", f"DuckDB can't compute this: {str(error).splitlines()[0]}") from error


@asynccontextmanager
async def opened(memory: str, threads: int, schemas: Sequence[str] = ()) -> AsyncGenerator[Database]:
    """A database in memory that goes to a folder of its own with what does not fit; both are gone afterwards."""
    if not instance.is_size(memory):
        raise ValueError(f"memory={memory!r} is no size: memory='1GB'")
    if threads < 1:
        raise ValueError(f"threads={threads} is no number of threads: threads=2")
    work = Path(await asyncio.to_thread(tempfile.mkdtemp, prefix="kingpost-analysis-"))
    try:
        connection = await asyncio.to_thread(_connected, work, memory, threads, schemas)
        database = Database(connection)
        try:
            yield database
        finally:
            async with database.turn:
                await asyncio.to_thread(connection.close)
    finally:
        await asyncio.to_thread(shutil.rmtree, work, ignore_errors=True)


def _connected(work: Path, memory: str, threads: int, schemas: Sequence[str]) -> duckdb.DuckDBPyConnection:
    try:
        connection = instance.connect(instance.Location(None, memory, threads), [], spill=work)
    except StoreError as error:
        raise Rejected("KP182", str(error)) from error
    for name in schemas:
        connection.execute(f"CREATE SCHEMA IF NOT EXISTS {quoted(name)}")
    connection.execute("SET preserve_insertion_order = false")
    instance.lock(connection)
    return connection
