"""`app.analysis`: an ibis table for each resource, with the rows and columns that the actor may read."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing, asynccontextmanager
from pathlib import Path
from typing import Any, Final

from kingpost.base.errors import Invalid, Rejected
from kingpost.doors.analysis.database import CHUNK, Database, opened
from kingpost.doors.analysis.needed import needed
from kingpost.doors.analysis.result import Result, Schema, writer_of, written
from kingpost.doors.analysis.types import Form, form_of, ibis_type, quoted
from kingpost.doors.analysis.untyped import IbisError, compiled, ibis, ops
from kingpost.engine.columnar import Columnar, Known
from kingpost.engine.context import Context
from kingpost.engine.engine import Engine
from kingpost.plan.read import refused

MOST: Final = 100_000
"""Rows that an answer in memory may have."""


class Tables:
    """Tables by the names of resources: `tables.Article`, or `tables["Article"]`.

    A resource that the actor may read nothing of is refused as its list would be.
    """

    def __init__(self, engine: Engine, context: Context, database: Database) -> None:
        self._engine = engine
        self._context = context
        self._database = database
        self._columnar = Columnar(engine)
        self._tables: dict[str, Any] = {}
        self._known: dict[str, dict[str, Known]] = {}
        self._loaded: dict[str, frozenset[str]] = {}

    def __getitem__(self, name: str) -> Any:
        if name not in self:
            raise Invalid("KP180", f"there is no resource {name} to ask; there are {', '.join(self)}")
        table = self._tables.get(name)
        if table is None:
            table = self._tables[name] = self._table(name)
        return table

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return self[name]

    def __iter__(self) -> Iterator[str]:
        return (found.name for found in self._engine.model if not found.internal)

    def __contains__(self, name: object) -> bool:
        return name in tuple(self)

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *self]

    async def run(self, expression: Any, *, most: int = MOST) -> Result:
        """The answer to an expression over these tables, a value or a table.

        Only the columns that it needs are read. Each table is read once, as its store has it then, and kept until
        the block ends. Raises `Rejected` (KP181) for more than `most` rows, and what reading the resources raises.
        """
        table = _as_table(expression)
        async with self._database.turn:
            text = await self._ready(table)
            database, found = self._database, list[Any]()

            def work() -> None:
                rows = 0
                for batch in database.batches(text):
                    rows += batch.num_rows
                    if rows > most:
                        message = f"the answer has more than {most} rows: aggregate, limit, or write() it to a file"
                        raise Rejected("KP181", message)
                    found.append(batch)

            await database.run(work)
        return Result.of(found, _schema(table))

    async def write(self, expression: Any, path: str | Path) -> int:
        """Write the answer to a file, whatever its length: `.csv`, `.json`, `.ndjson` or `.parquet`.

        Answers how many rows there are. The file is there as a whole, or as it was.
        """
        target = Path(path)
        writer = writer_of(target.suffix)
        table = _as_table(expression)
        async with self._database.turn:
            text = await self._ready(table)
            database, schema = self._database, _schema(table)
            return await database.run(lambda: written(target, writer, database.batches(text), schema))

    def sql(self, expression: Any) -> str:
        """What DuckDB is told, for people."""
        return _compiled(_as_table(expression))

    # Loading

    def _table(self, name: str) -> Any:
        known = self._columnar.columns(name, self._context)
        if not known:
            raise refused(self._engine.plans.standing(self._context), name, "read")
        self._known[name] = {column.name: column for column in known}
        return ibis.table({column.name: ibis_type(column.type) for column in known}, name=name)

    async def _ready(self, table: Any) -> str:
        """Load what an expression needs; answers what DuckDB is to be told."""
        wanted: dict[str, frozenset[str]] = {}
        for node, names in needed(table).items():
            own = self._tables.get(node.name)
            if not isinstance(node, ops.UnboundTable) or own is None or own.op() != node:
                message = f"the table {node.name} is none of this block: take it from tables.<resource>"
                raise Invalid("KP180", message)
            wanted[node.name] = names
        text = _compiled(table)
        for name, names in wanted.items():
            await self._load(name, names)
        return text

    async def _load(self, name: str, names: frozenset[str]) -> None:
        loaded = self._loaded.get(name)
        if loaded is not None and names <= loaded:
            return
        known = self._known[name]
        wanted = names | (loaded or frozenset()) or {next(iter(known))}
        columns = [column for column in known.values() if column.name in wanted]
        table, database = quoted(name), self._database
        self._loaded.pop(name, None)
        await database.run(lambda: database.create(table, {one.name: one.type for one in known.values()}))
        async with aclosing(self._columnar.stream(name, columns, self._context, chunk=CHUNK)) as chunks:
            await database.fill(table, {one.name: one.type for one in columns}, chunks)
        self._loaded[name] = frozenset(wanted)


def _schema(table: Any) -> Schema:
    found = table.schema()
    forms: list[Form] = [form_of(type) for type in found.types]
    return Schema(tuple(found.names), tuple(forms))


def _as_table(expression: Any) -> Any:
    if not isinstance(expression, ibis.Expr):
        raise Invalid("KP180", f"{type(expression).__name__} is no ibis expression: begin with tables.<resource>")
    return expression.as_table() if not isinstance(expression, ibis.Table) else expression


def _compiled(table: Any) -> str:
    try:
        return compiled(table)
    except IbisError as error:
        raise Invalid("KP182", f"DuckDB has no words for this: {error}") from error


@asynccontextmanager
async def tables(engine: Engine, context: Context, *, memory: str, threads: int) -> AsyncGenerator[Tables]:
    """The tables as `context` may read them."""
    async with opened(memory, threads) as database:
        yield Tables(engine, context, database)
