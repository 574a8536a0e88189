"""SQL over the tables of all stores, as they are: for operators, as it knows no rules.

What is asked is read into tables of the same names, in a schema for each store. Nothing of it goes back.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing, asynccontextmanager
from pathlib import Path
from typing import Any, Final

import duckdb

from kingpost.base.errors import Invalid, Rejected
from kingpost.doors.analysis.database import CHUNK, Database, opened
from kingpost.doors.analysis.result import Result, Schema, writer_of, written
from kingpost.doors.analysis.types import DUCKDB_FORMS, Form, quoted
from kingpost.engine.columnar import Columnar
from kingpost.engine.engine import Engine
from kingpost.language.types import Type
from kingpost.model.columns import columns
from kingpost.model.model import ResourceModel

READING: Final = (duckdb.StatementType.SELECT, duckdb.StatementType.EXPLAIN)
HIDING: Final = ("query(", "query_table(")
"""Functions that take the name of a table as a value."""


class Stored:
    """One statement over all stores."""

    def __init__(self, engine: Engine, database: Database) -> None:
        self._model = engine.model
        self._columnar = Columnar(engine)
        self._database = database

    async def run(self, sql: str, *, most: int) -> Result:
        """The answer. Raises `Rejected` (KP181) for more than `most` rows."""
        await self._load(sql)
        found: list[Any] = []

        def work() -> Schema:
            rows, schema = 0, None
            for batch in self._database.batches(sql):
                schema = schema or self._schema(batch)
                rows += batch.num_rows
                if rows > most:
                    raise Rejected("KP181", f"the answer has more than {most} rows: aggregate, or add a LIMIT")
                found.append(batch)
            return schema or Schema((), ())

        return Result.of(found, await self._database.run(work))

    async def write(self, sql: str, path: Path) -> int:
        """Write the answer to a file, as `Tables.write`."""
        writer = writer_of(path.suffix)
        await self._load(sql)

        def work() -> int:
            batches = self._database.batches(sql)
            first = next(batches)
            return written(path, writer, batches, self._schema(first))

        return await self._database.run(work)

    def _schema(self, batch: Any) -> Schema:
        columns_ = self._database.connection.description or ()
        forms: list[Form] = [DUCKDB_FORMS.get(str(column[1]), "") for column in columns_]
        return Schema(tuple(batch.schema.names), tuple(forms))

    async def _load(self, sql: str) -> None:
        statements = await self._database.run(lambda: self._database.connection.extract_statements(sql))
        if [one.type in READING for one in statements] != [True]:
            raise Invalid("KP180", "one SELECT is taken, as nothing is written: PIVOT names its values IN (...)")
        text = sql.lower()
        everything = any(word in "".join(text.split()) for word in HIDING)
        for found in self._model:
            table, types = self._table(found), self._types(found)
            await self._database.run(lambda table=table, types=types: self._database.create(table, types))  # type: ignore[misc]
            name = found.table.lower()
            if everything or name in text or '"' in name:  # more than what it names, perhaps, never less
                async with aclosing(self._columnar.stored(found.name, chunk=CHUNK)) as chunks:
                    await self._database.fill(table, types, chunks)

    @staticmethod
    def _table(found: ResourceModel) -> str:
        return f"{quoted(found.store)}.{quoted(found.table)}"

    def _types(self, found: ResourceModel) -> Mapping[str, Type]:
        return {column.name: column.type for column in columns(self._model, found)}


@asynccontextmanager
async def stored(engine: Engine, *, memory: str, threads: int) -> AsyncGenerator[Stored]:
    """The tables of all stores."""
    async with opened(memory, threads, tuple(engine.stores)) as database:
        yield Stored(engine, database)
