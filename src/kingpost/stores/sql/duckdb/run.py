"""Carrying out a batch on DuckDB, and saying in the model's terms what went wrong.

DuckDB's foreign keys neither cascade nor let a row be updated that others point at, and its indexes have no condition:
so references and conditional uniqueness are held here. That is safe because one thread of one process writes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import duckdb
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from kingpost.model.columns import Column, key_columns, member_columns, relation_columns
from kingpost.model.model import RelationModel, ResourceModel
from kingpost.plan.select import Clear, Delete, Insert, Update
from kingpost.stores.contract import (
    OutOfRange,
    Rows,
    StoreDown,
    StoreError,
    StoreFull,
    TooComplex,
    TooSlow,
)
from kingpost.stores.sql.batch import Step
from kingpost.stores.sql.common import Ground
from kingpost.stores.sql.errors import check_count, stale
from kingpost.stores.sql.translation.translate import condition_on

FAILURES: Final = (duckdb.Error, OverflowError, UnicodeEncodeError, RuntimeError)
"""What the driver raises, all but the first for values that it can't bind."""

TOO_COMPLEX: Final = ("Max expression depth", "too many", "parse tree is too deep", "stack overflow")
KEYS: Final = 1_000
"""How many rows are looked at at once for what refers to them."""


@dataclass(frozen=True, slots=True)
class Runner:
    """Runs steps; what DuckDB refuses becomes a `StoreError`."""

    ground: Ground

    def run(self, cursor: duckdb.DuckDBPyConnection, steps: Sequence[Step]) -> list[Rows]:
        """The answers of all steps; the caller sees to it that a failure leaves nothing."""
        answers: list[Rows] = []
        for step in steps:
            try:
                answers.append(self._step(cursor, step))
            except FAILURES as error:
                raise self.explain(error, step) from error
        return answers

    def _step(self, cursor: duckdb.DuckDBPyConnection, step: Step) -> Rows:
        operation = step.operation
        if isinstance(operation, Delete | Clear):
            self._follow(cursor, step, operation)
        if isinstance(operation, Insert) and len(step.rows) > 1:
            rows = cursor.execute(*self._bulk(operation, step)).fetchall()
        else:
            rows = [row for arguments in step.rows for row in cursor.execute(step.text, arguments).fetchall()]
        touched = len(rows) if step.returns else sum(row[0] for row in rows)
        if step.one and touched != 1:
            raise stale(step)
        if isinstance(operation, Insert | Update):
            self._hold(cursor, step, operation)
        if step.count is not None:
            check_count(step, len(rows))
            return rows if step.answers else []
        return rows if step.returns else []

    def _bulk(self, insert: Insert, step: Step) -> tuple[str, list[list[object]]]:
        """Many rows in one statement, column by column: one after another they take a third of a millisecond each."""
        start, _, rest = step.text.partition(" VALUES ")
        returning = rest.partition(" RETURNING ")[2]
        table = self.ground.tables[insert.resource]
        names = re.findall(r'"((?:[^"]|"")*)"', start.partition(" (")[2])
        columns: list[sa.Column[Any]] = [table.c[name.replace('""', '"')] for name in names]
        kinds = [self._array(column.type) for column in columns]
        lists = ", ".join(f"unnest(${place}::{kind})" for place, kind in enumerate(kinds, 1))
        text = f"{start} SELECT {lists}" + (f" RETURNING {returning}" if returning else "")
        return text, [list(values) for values in zip(*step.rows, strict=True)]

    def _array(self, type: sa.types.TypeEngine[Any]) -> str:
        return str(postgresql.ARRAY(type).compile(dialect=self.ground.dialect.engine))

    # ----------------------------------------------------------------------------------------------------- references

    def _hold(self, cursor: duckdb.DuckDBPyConnection, step: Step, operation: Insert | Update) -> None:
        """See that references lead to rows, and that what is unique under a condition is."""
        resource = self.ground.model[operation.resource]
        names = operation.columns if isinstance(operation, Insert) else tuple(operation.values)
        for relation in self._held(resource):
            places = [names.index(column) for column in relation.columns if column in names]
            if len(places) == len(relation.columns):
                keys = {tuple(row[place] for place in places) for row in step.rows}
                self._must_be_there(cursor, step, relation, [key for key in keys if None not in key])
        for unique in resource.uniques:
            if unique.where is not None:
                self._must_be_unique(cursor, step, resource, unique.members, unique.where)

    def _must_be_there(
        self, cursor: duckdb.DuckDBPyConnection, step: Step, relation: RelationModel, keys: Sequence[tuple[object, ...]]
    ) -> None:
        if not keys:
            return
        target = self.ground.model[relation.target]
        columns = key_columns(self.ground.model, target)
        same = " AND ".join(f"t.{self._quote(column.name)} = w.k{place}" for place, column in enumerate(columns))
        text = (
            f"SELECT 1 FROM {self._wanted(target, columns)} w WHERE NOT EXISTS "
            f"(SELECT 1 FROM {self._quote(target.table)} t WHERE {same}) LIMIT 1"
        )
        if cursor.execute(text, _transposed(keys)).fetchone():
            operation = step.operation
            assert isinstance(operation, Insert | Update)  # noqa: S101
            table = self.ground.model[operation.resource].table
            raise self.ground.names.reference(step, table, relation.columns, "missing")

    def _must_be_unique(
        self, cursor: duckdb.DuckDBPyConnection, step: Step, resource: ResourceModel, members: Iterable[str], where: Any
    ) -> None:
        found = condition_on(self.ground.model, resource.name, where, self.ground.dialect)
        condition = found.compile(dialect=self.ground.dialect.engine, compile_kwargs={"literal_binds": True})
        columns = [column for member in members for column in member_columns(self.ground.model, resource, member)]
        known = " AND ".join(f"{self._quote(column.name)} IS NOT NULL" for column in columns)
        grouped = ", ".join(self._quote(column.name) for column in columns)
        text = (
            f"SELECT 1 FROM {self._quote(resource.table)} WHERE {known} AND ({condition}) "
            f"GROUP BY {grouped} HAVING count(*) > 1 LIMIT 1"
        )
        if cursor.execute(text).fetchone():
            raise self.ground.names.unique(step, resource.table, [column.name for column in columns])

    def _follow(self, cursor: duckdb.DuckDBPyConnection, step: Step, operation: Delete | Clear) -> None:
        """Before rows go: refuse where a row that stays refers to them, and take along what is to go with them."""
        resource = self.ground.model[operation.resource]
        if isinstance(operation, Clear):
            held = relation_columns(self.ground.model, resource.relations[operation.relation])
            going = self._rows(cursor, resource, held, [tuple(step.rows[0])])
        else:
            going = [tuple(step.rows[0][: len(operation.key)])]
        found = [(resource, going)]
        seen = {(resource.name, key) for key in going}
        emptied: list[tuple[ResourceModel, RelationModel, list[tuple[object, ...]]]] = []
        for gone, keys in found:  # grows on the way
            for holder, relation in self._referring(gone.name):
                columns = relation_columns(self.ground.model, relation)
                rows = self._rows(cursor, holder, columns, keys)
                if rows and relation.on_delete == "restrict":
                    raise self.ground.names.reference(step, holder.table, relation.columns, "in use")
                if rows and relation.on_delete == "null":
                    emptied.append((holder, relation, keys))
                fresh = [key for key in rows if (holder.name, key) not in seen]
                if fresh and relation.on_delete == "cascade":
                    seen.update((holder.name, key) for key in fresh)
                    found.append((holder, fresh))
        for holder, relation, keys in emptied:
            columns = relation_columns(self.ground.model, relation)
            nothing = ", ".join(f"{self._quote(name)} = NULL" for name in relation.columns)
            self._each(cursor, f"UPDATE {self._quote(holder.table)} SET {nothing}", holder, columns, keys)
        for holder, keys in reversed(found[1:]):
            columns = key_columns(self.ground.model, holder)
            self._each(cursor, f"DELETE FROM {self._quote(holder.table)}", holder, columns, keys)

    def _rows(
        self, cursor: duckdb.DuckDBPyConnection, resource: ResourceModel, columns: Sequence[Column],
        keys: Sequence[tuple[object, ...]],
    ) -> list[tuple[object, ...]]:  # fmt: skip
        """The keys of the rows that hold these values in these columns."""
        key = ", ".join(self._quote(column.name) for column in key_columns(self.ground.model, resource))
        text = f"SELECT {key} FROM {self._quote(resource.table)}"
        return [row for rows in self._each(cursor, text, resource, columns, keys) for row in rows]

    def _each(
        self, cursor: duckdb.DuckDBPyConnection, text: str, resource: ResourceModel, columns: Sequence[Column],
        keys: Sequence[tuple[object, ...]],
    ) -> list[list[tuple[object, ...]]]:  # fmt: skip
        left = ", ".join(self._quote(column.name) for column in columns)
        right = ", ".join(f"k{place}" for place in range(len(columns)))
        found = f"{text} WHERE ({left}) IN (SELECT {right} FROM {self._wanted(resource, columns)})"
        return [cursor.execute(found, _transposed(keys[at : at + KEYS])).fetchall() for at in range(0, len(keys), KEYS)]

    def _wanted(self, resource: ResourceModel, columns: Sequence[Column]) -> str:
        table = self.ground.tables[resource.name]
        kinds = [self._array(table.c[column.name].type) for column in columns]
        lists = ", ".join(f"unnest(${place + 1}::{kind}) AS k{place}" for place, kind in enumerate(kinds))
        return f"(SELECT {lists})"

    def _referring(self, target: str) -> Iterator[tuple[ResourceModel, RelationModel]]:
        for resource in self.ground.resources:
            for relation in self._held(resource):
                if relation.target == target:
                    yield resource, relation

    def _held(self, resource: ResourceModel) -> Iterator[RelationModel]:
        """The relations that the store watches over."""
        for relation in resource.relations.values():
            if relation.kind == "one" and relation.constrained and relation.target in self.ground.tables:
                yield relation

    def _quote(self, name: str) -> str:
        return self.ground.dialect.quote(name)

    # --------------------------------------------------------------------------------------------------------- errors

    def explain(self, error: Exception, step: Step | None = None) -> StoreError:
        """A driver's error in the terms of the contract. DuckDB's own words may hold values, and are not passed on."""
        index = None if step is None else step.index
        if not isinstance(error, duckdb.Error):
            return OutOfRange("An integer does not fit into 64 bits, or a text into UTF-8", index)
        words = str(error)
        match error:
            case duckdb.ConstraintException() if "NOT NULL constraint failed" in words:
                table, _, column = words.rpartition(": ")[2].strip().partition(".")
                return self.ground.names.missing_value(step, table, [column])
            case duckdb.ConstraintException():
                return self._unique(step, words)
            case duckdb.InterruptException():
                return TooSlow("The statement ran for longer than it may and was stopped", index)
            case duckdb.OutOfMemoryException():
                words = "The statement needs more memory than DuckDB may use; raise ?memory= in the store's address"
                return TooComplex(words, index)
            case duckdb.OutOfRangeException() | duckdb.ConversionException():
                return OutOfRange("A computation or a value does not fit into what the store can hold", index)
            case duckdb.IOException() if "space left" in words or "disk" in words.lower():
                return StoreFull("The disk is full. Writes go on when there is room", index)
            case duckdb.IOException():
                return StoreDown("The database file can't be read or written", index)
            case _ if any(part in words for part in TOO_COMPLEX):
                return TooComplex("The statement is larger than DuckDB reads", index)
            case duckdb.InvalidInputException() if "decimal" in words.lower() or "overflow" in words.lower():
                return OutOfRange("A computation or a value does not fit into what the store can hold", index)
            case duckdb.CatalogException() | duckdb.BinderException():
                return StoreError(f"The store does not fit the declaration: {words.splitlines()[0]}", index)
            case _:
                return StoreError(f"DuckDB refused ({type(error).__name__})", index)

    def _unique(self, step: Step | None, words: str) -> StoreError:
        # 'Duplicate key "a: 1, b: x" violates ...': values may look like columns, so declared sets are looked for.
        operation = None if step is None else step.operation
        resource = self.ground.model.resources.get(getattr(operation, "resource", ""))
        if resource is None:
            return StoreError("Another row has the same values", None if step is None else step.index)
        said = words.partition('Duplicate key "')[2]
        table = self.ground.tables[resource.name]
        sets = [[column.name for column in table.primary_key.columns]]
        sets += [
            [one.name for one in each.columns] for each in table.constraints if isinstance(each, sa.UniqueConstraint)
        ]
        sets += [[column.name for column in index.columns] for index in table.indexes if index.unique]
        for names in sorted(sets, key=len, reverse=True):
            pattern = ".*, ".join(re.escape(f"{name}: ") for name in names)
            if re.match(pattern, said, re.DOTALL):
                return self.ground.names.unique(step, resource.table, names)
        # Of two rows of one transaction only the values are told.
        values = words.partition('duplicate key "')[2].rpartition('"')[0]
        meant = [names for names in sets if step is not None and _holds(step, names, values)]
        return self.ground.names.unique(step, resource.table, meant[0] if len(meant) == 1 else [])


def _holds(step: Step, names: Sequence[str], said: str) -> bool:
    """Whether a row of the step has these values in these columns, as DuckDB words them."""
    operation = step.operation
    given = operation.columns if isinstance(operation, Insert) else tuple(getattr(operation, "values", ()))
    if not set(names) <= set(given):
        return False
    places = [given.index(name) for name in names]
    return any(", ".join(str(row[place]) for place in places) == said for row in step.rows)


def _transposed(keys: Sequence[tuple[object, ...]]) -> list[list[object]]:
    return [list(part) for part in zip(*keys, strict=True)]
