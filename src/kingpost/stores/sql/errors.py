"""From tables, columns and constraints back to resources and members, and the words for what they refused."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Literal

import sqlalchemy as sa
from sqlalchemy.sql.schema import ColumnCollectionConstraint

from kingpost.model.columns import member_columns
from kingpost.model.model import Model
from kingpost.plan.select import Check
from kingpost.stores.contract import (
    CheckFailed,
    ReferenceViolation,
    RowRefused,
    StaleRow,
    StoreError,
    UniqueViolation,
)
from kingpost.stores.sql.batch import Step


class Names:
    """What the names in a driver's error stand for in the model. Values never get into the words."""

    def __init__(self, model: Model, tables: Mapping[str, sa.Table]) -> None:
        self._model = model
        self._resources = {table.name: name for name, table in tables.items()}
        self._constraints: dict[tuple[str, str], tuple[str, ...]] = {}
        for table in tables.values():
            named: list[ColumnCollectionConstraint | sa.Index] = list(table.indexes)
            named.extend(one for one in table.constraints if isinstance(one, ColumnCollectionConstraint))
            for one in named:
                # Of what is unique by a hash it is told of what.
                of = one.info.get("columns") or tuple(column.name for column in one.columns)
                self._constraints[table.name, str(one.name)] = of

    def resource(self, table: str) -> str:
        """The resource kept in a table; the table's own name if it is none of ours."""
        return self._resources.get(table, table)

    def members(self, resource: str, columns: Iterable[str]) -> tuple[str, ...]:
        """The fields and to-one relations that columns belong to, in the order of the columns."""
        declared = self._model.resources.get(resource)
        if declared is None:
            return ()
        owner = {
            column.name: name
            for name in (*declared.fields, *declared.relations)
            if name in declared.fields or not declared.relations[name].borrowed
            for column in member_columns(self._model, declared, name)
        }
        return tuple(dict.fromkeys(owner[column] for column in columns if column in owner))

    def constrained(self, table: str, constraint: str, told: str = "") -> tuple[str, ...]:
        """The columns of a constraint or index, known by its name; else those that PostgreSQL's detail begins with.

        It is `Key (a, b)=(1, 2) ...`, whatever the language; an expression among the columns is no member.
        """
        known = self._constraints.get((table, constraint))
        if known is not None:
            return known
        named = re.search(r" \((.*?)\)=\(", told)
        return tuple(name.strip().strip('"') for name in named[1].split(",")) if named else ()

    def unique(self, step: Step | None, table: str, columns: Iterable[str]) -> UniqueViolation:
        """Another row has these values."""
        resource = self.resource(table)
        members = self.members(resource, columns)
        words = f"Another {resource} has the same {' and '.join(members) or 'values'}"
        return UniqueViolation(words, resource, members, _index(step))

    def reference(
        self, step: Step | None, table: str, columns: Iterable[str], kind: Literal["missing", "in use"]
    ) -> ReferenceViolation:
        """A reference held in `columns` of `table` points nowhere, or what it points at is to be removed."""
        resource = self.resource(table)
        members = self.members(resource, columns)
        at = f"{resource}.{' and '.join(members)}" if members else resource
        words = (
            f"{at} points at a row that is not there" if kind == "missing" else f"The row is in use: {at} points at it"
        )
        return ReferenceViolation(words, resource, members, kind, _index(step))

    def missing_value(self, step: Step | None, table: str, columns: Iterable[str]) -> StoreError:
        """None where the store holds no None."""
        resource = self.resource(table)
        members = " and ".join(self.members(resource, columns)) or "a member"
        return StoreError(f"{resource}.{members} may not be None in the store", _index(step))

    def refused(self, step: Step | None, table: str, constraint: str) -> StoreError:
        """A check of the store did not pass, or a trigger said no.

        In a table of our own it is the same that was checked before; others hold their rows to more than is declared.
        """
        resource = self.resource(table)
        known = self._model.resources.get(resource)
        kind = RowRefused if known is not None and known.adopted else StoreError
        what = f"check {constraint}" if constraint else "trigger"
        return kind(f"The store's {what} refuses this {resource}", _index(step))


def stale(step: Step) -> StaleRow:
    """One row should have been touched and was not."""
    operation = step.operation
    versioned = getattr(operation, "version", None) is not None
    resource = getattr(operation, "resource", "row")
    words = f"The {resource} is gone, or has changed since it was read" if versioned else f"The {resource} is gone"
    return StaleRow(words, step.index)


def check_count(step: Step, found: int) -> None:
    """Raise `CheckFailed` where a check found another number of rows than it should."""
    if isinstance(step.operation, Check) and found != step.count:
        reason = step.operation.reason
        words = f"A check on {step.operation.select.resource} found {found} rows, not {step.count}"
        raise CheckFailed(f"{words}: {reason}" if reason else words, reason, step.index)


def _index(step: Step | None) -> int | None:
    return None if step is None else step.index
