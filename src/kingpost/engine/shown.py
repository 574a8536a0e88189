"""A row that is written and shown in one request: shown from what the store returned of it, where that is enough.

It is enough where the answer needs the row's own columns only, and the row's own values and the actor decide whether
it may be seen. Everything else is read anew.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from kingpost.engine.running import One, Ready
from kingpost.language.evaluate import Frame, compile_expression
from kingpost.language.lower import Capture
from kingpost.language.tree import Compare, Expression, Field, Identity, Param, Root, Step
from kingpost.model.columns import key_columns
from kingpost.model.model import Model, ResourceModel
from kingpost.plan.select import Insert, Operation, Update
from kingpost.plan.write import is_local
from kingpost.stores.contract import Rows


@dataclass(frozen=True, slots=True)
class Returning:
    """What a store is to return of a written row. `columns` is empty where the row has to be read anew.

    `test`: what must be true of the row's values for the actor to see it; None where nothing must.
    """

    columns: tuple[str, ...] = ()
    test: Callable[[Frame], object] | None = None


ANEW = Returning()


def returning(model: Model, ready: Ready) -> Returning:
    """How a row is shown whose read, by its key, is `ready`."""
    fetch, found = ready.plan.fetch, model[ready.plan.fetch.select.resource]
    where = fetch.select.where
    if fetch.batches or ready.plan.empty or where is None or not is_local(where):
        return ANEW
    if found.adopted:  # a trigger of others may change the row once more when it has been written
        return ANEW
    if not ready.running.asked.returning:
        return ANEW
    columns: list[str] = []
    for expression in fetch.select.columns:
        names = _columns(model, found, expression)
        if names is None:
            return ANEW
        columns += names
    known = isinstance(where, Compare) and isinstance(where.right, Param) and where.right.name == "key"
    return Returning(tuple(columns), None if known else compile_expression(where))


def _columns(model: Model, found: ResourceModel, expression: Expression) -> tuple[str, ...] | None:
    """The columns that an expression is, where it is no more than that."""
    match expression:
        case Field(row=Root(), name=name):
            return (found.fields[name].column,)
        case Identity(row=Root()):
            return tuple(column.name for column in key_columns(model, found))
        case Identity(row=Step(base=Root(), relation=name, guard=None)):
            return found.relations[name].columns
        case _:
            return None


class Shown:
    """The one row of a request, on its way from the writer to the door. `one` stays None where it has to be read."""

    __slots__ = ("_ready", "_test", "_visible", "columns", "one")

    def __init__(self, model: Model, ready: Ready) -> None:
        if ready.returning is None:
            ready.returning = returning(model, ready)
        self._ready = ready
        self._test = ready.returning.test
        self._visible = True
        self.columns = ready.returning.columns
        """What the store is asked to return of the row."""
        self.one: One | None = None

    def judge(self, frame: Callable[[Sequence[Capture]], Frame]) -> None:
        """Whether the actor sees the row, by the values that are about to be written."""
        self._visible = self._test is None or self._test(frame(self._ready.plan.captures)) is True

    def take(self, operations: Sequence[Operation], answers: Sequence[Rows]) -> None:
        """The row as the store has written it."""
        ready = self._ready
        if not self.columns or not self._visible:
            return
        for operation, rows in zip(operations, answers, strict=True):
            if isinstance(operation, Insert | Update) and operation.returning == self.columns and rows:
                version = ready.plan.version
                item = ready.running.stitch(rows, ())[0]
                self.one = One(item, None if version is None else rows[0][version], ready.plan.public)
