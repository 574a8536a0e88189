"""Carrying out a batch on an SQLite connection, and saying in the model's terms what went wrong."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kingpost.model.columns import key_columns
from kingpost.model.model import Model, RelationModel, ResourceModel
from kingpost.plan.select import Check, Delete, Insert, Made, Update
from kingpost.stores.contract import OutOfRange, ReferenceViolation, Rows, StoreDown, StoreError, TooComplex, TooSlow
from kingpost.stores.sql.batch import Step
from kingpost.stores.sql.errors import Names, check_count, stale
from kingpost.stores.sql.sqlite.connection import is_busy, unusable

UNIQUE = (sqlite3.SQLITE_CONSTRAINT_UNIQUE, sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY, sqlite3.SQLITE_CONSTRAINT_ROWID)
FAILURES = (sqlite3.Error, OverflowError, UnicodeEncodeError)
"""What the driver raises, the latter two for values that it can't bind."""

TOO_COMPLEX = ("parser stack overflow", "Expression tree is too large", "too many ", "tables in a join")

LOOKED_THROUGH = 1_000
"""So many rows that would go with one are looked through for what keeps it."""

OUT_OF_RANGE = ("integer overflow", "too large", "user-defined function")  # ours raise for nothing else


@dataclass(frozen=True, slots=True)
class Runner:
    """Runs steps; what SQLite refuses becomes a `StoreError`."""

    model: Model
    names: Names
    resources: tuple[ResourceModel, ...]
    path: Path

    def run(self, connection: sqlite3.Connection, steps: Sequence[Step]) -> list[Rows]:
        """The answers of all steps; the caller sees to it that a failure leaves nothing."""
        made: dict[Made, object] = {}
        answers: list[Rows] = []
        for step in steps:
            ready = step if step.later is None else step.later(made)
            answers.append(self._step(connection, ready))
            made.update(ready.made(answers[-1]))
        return answers

    def _step(self, connection: sqlite3.Connection, step: Step) -> Rows:
        rows: list[tuple[Any, ...]] = []
        touched = 0
        try:
            if step.returns:
                rows = [row for arguments in step.rows for row in connection.execute(step.text, arguments)]
                touched = len(rows)
            else:
                touched = connection.executemany(step.text, step.rows).rowcount
        except FAILURES as error:
            raise self.explain(error, connection, step) from error
        if step.one and touched != 1:
            raise stale(step)
        if step.count is not None:
            check_count(step, len(rows))
            return rows if step.answers else []
        return rows

    def explain(
        self, error: Exception, connection: sqlite3.Connection | None = None, step: Step | None = None
    ) -> StoreError:
        """A driver's error in the terms of the contract. SQLite's own words hold no values and may be kept."""
        index = None if step is None else step.index
        if isinstance(error, OverflowError | UnicodeEncodeError):
            return OutOfRange("An integer does not fit into 64 bits, or a text into UTF-8", index)
        words = str(error)
        broken = unusable(error, self.path)
        if broken is not None:
            broken.operation = index
            return broken
        subject = words.partition("failed: ")[2]
        match getattr(error, "sqlite_errorcode", None):
            case code if code in UNIQUE:
                return self._unique(step, subject)
            case _ if words.startswith("FOREIGN KEY") and connection and step:
                return self._reference(connection, step)
            case _ if words.startswith("FOREIGN KEY"):  # at the commit, where others' constraints are deferred to it
                return ReferenceViolation("A reference leads nowhere in the end", "", (), "in use", index)
            case sqlite3.SQLITE_CONSTRAINT_NOTNULL:
                table, _, column = subject.partition(".")
                return self.names.missing_value(step, table, [column])
            case sqlite3.SQLITE_CONSTRAINT_CHECK | sqlite3.SQLITE_CONSTRAINT_TRIGGER as code:
                table = getattr(step and step.operation, "resource", "row")
                return self.names.refused(step, table, subject if code == sqlite3.SQLITE_CONSTRAINT_CHECK else "")
            case sqlite3.SQLITE_INTERRUPT:
                return TooSlow("The statement ran for longer than it may and was stopped", index)
            case _ if any(part in words for part in TOO_COMPLEX):
                return TooComplex("The statement is larger than SQLite reads", index)
            case sqlite3.SQLITE_TOOBIG:
                return OutOfRange("A value is larger than the store can hold", index)
            case _ if any(part in words for part in OUT_OF_RANGE):
                return OutOfRange("A computation or a value does not fit into 64 bits", index)
            case _ if isinstance(error, sqlite3.Error) and is_busy(error):
                return StoreDown("Another process holds the database", index)
            case _ if isinstance(error, sqlite3.ProgrammingError) or "no such" in words:
                return StoreError(f"The store does not fit the declaration: {words}", index)
            case _ if isinstance(error, sqlite3.OperationalError):
                return StoreDown(f"The database can't be used: {words}", index)
            case _:
                return StoreError(f"SQLite refused: {words}", index)

    def _unique(self, step: Step | None, subject: str) -> StoreError:
        # "t.a, t.b", or "index 'name'" where the index is on expressions
        table = subject.partition(".")[0]
        columns = [part.partition(".")[2] for part in subject.split(", ")]
        if subject.startswith("index '"):
            resource = getattr(step and step.operation, "resource", "")
            table = self.model[resource].table if resource in self.model.resources else ""
            columns = list(self.names.constrained(table, subject[7:-1]))
        return self.names.unique(step, table, columns)

    # ------------------------------------------------------------------------ which reference: SQLite does not say it

    def _reference(self, connection: sqlite3.Connection, step: Step) -> StoreError:
        operation = step.operation
        if isinstance(operation, Insert | Update):
            violation = self._missing(connection, step, operation)
            if violation is not None:
                return violation
        if isinstance(operation, Update | Delete):
            # The key stands last in the arguments, or before the version.
            end = len(step.rows[0]) - (operation.version is not None)
            key = tuple(step.rows[0][end - len(operation.key) : end])
            holder = self._holder(connection, operation.resource, key)
            if holder is not None:
                return self.names.reference(step, holder[0].table, holder[1].columns, "in use")
        kind = "a reference points nowhere" if isinstance(operation, Insert | Update) else "the row is in use"
        name = operation.select.resource if isinstance(operation, Check) else operation.resource
        return ReferenceViolation(f"{name}: {kind}", name, (), "in use", step.index)

    def _missing(self, connection: sqlite3.Connection, step: Step, operation: Insert | Update) -> StoreError | None:
        resource = self.model[operation.resource]
        names = operation.columns if isinstance(operation, Insert) else tuple(operation.values)
        for relation in self._held(resource):
            places = [names.index(column) for column in relation.columns if column in names]
            if len(places) != len(relation.columns):
                continue
            keys = {tuple(row[place] for place in places) for row in step.rows}
            for key in keys:
                if None not in key and not self._there(connection, self.model[relation.target], key):
                    return self.names.reference(step, resource.table, relation.columns, "missing")
        return None

    def _holder(
        self, connection: sqlite3.Connection, target: str, key: tuple[Any, ...]
    ) -> tuple[ResourceModel, RelationModel] | None:
        """What keeps a row from being deleted: a row that refers to it, or to one that would go with it."""
        going, seen = [(target, key)], {(target, key)}
        for gone, its_key in going:  # grows on the way
            for resource in self.resources:
                for relation in self._held(resource):
                    if relation.target != gone or relation.on_delete == "null":
                        continue
                    rows = self._rows(connection, resource, relation.columns, its_key)
                    if rows and relation.on_delete == "restrict":
                        return resource, relation
                    found = [(resource.name, row) for row in rows if (resource.name, row) not in seen]
                    seen.update(found)
                    going.extend(found if len(going) < LOOKED_THROUGH else ())
        return None

    def _held(self, resource: ResourceModel) -> Iterator[RelationModel]:
        """The relations that the store itself watches over."""
        ours = {known.name for known in self.resources}
        for relation in resource.relations.values():
            if relation.kind == "one" and relation.constrained and relation.target in ours:
                yield relation

    def _there(self, connection: sqlite3.Connection, target: ResourceModel, key: Sequence[object]) -> bool:
        return bool(self._rows(connection, target, self._key(target), key))

    def _rows(
        self, connection: sqlite3.Connection, resource: ResourceModel, names: Iterable[str], arguments: Sequence[object]
    ) -> list[tuple[Any, ...]]:
        """The keys of the rows that hold these values, a hundred at most."""
        known = " AND ".join(f'"{name}" = ?' for name in names)
        key = ", ".join(f'"{name}"' for name in self._key(resource))
        text = f'SELECT {key} FROM "{resource.table}" WHERE {known} LIMIT 100'
        return connection.execute(text, arguments).fetchall()

    def _key(self, resource: ResourceModel) -> list[str]:
        return [column.name for column in key_columns(self.model, resource)]
