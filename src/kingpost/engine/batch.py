"""The operations of one write, and which part of the input each of them belongs to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, cast

from kingpost.base.errors import Asked, Detail, KingpostError, Rejected
from kingpost.engine.checks import refusal
from kingpost.engine.context import Context
from kingpost.engine.failures import explained, no_such_row, within
from kingpost.engine.rows import Values
from kingpost.engine.unwritten import Undecided, Unwritten
from kingpost.model.model import Model, ResourceModel
from kingpost.plan.select import Check, Insert, Made, Operation
from kingpost.plan.standing import Standing
from kingpost.stores.contract import CheckFailed, ReferenceViolation, Rows, StoreError, UniqueViolation


class Batch:
    """Collects operations; a store that fails names one of them by its number."""

    def __init__(self) -> None:
        self.operations: list[Operation] = []
        self._places: list[str] = []
        self.here = ""
        """The part of the input that is looked at now."""
        self.undecided: list[Undecided] = []
        """Rows of which only the store decides whether the rules hold."""

    def add(self, operations: Sequence[Operation], pointer: str) -> None:
        """Operations for the part of the input that `pointer` leads to."""
        self.operations.extend(operations)
        self._places.extend([pointer] * len(operations))

    def first(self, operations: Sequence[Operation]) -> None:
        """Operations in front of all others, for no part of the input."""
        self.operations[:0] = operations
        self._places[:0] = [""] * len(operations)

    def learnt(self, found: ResourceModel, answers: Sequence[Rows], made: Mapping[Made, Any]) -> Values:
        """What only the store knew of the one row that was added, by member."""
        insert = next(one for one in self.operations if isinstance(one, Insert) and one.resource == found.name)
        members = {field.column: name for name, field in found.fields.items()}
        learnt: Values = {members[column]: made[one] for column, one in insert.makes.items()}
        if found.version is not None:
            learnt[found.version] = 1 if found.counted else self.version(answers)
        return learnt

    def version(self, answers: Sequence[Rows]) -> int | None:
        """The row version that the store was asked for, if it was."""
        for operation, answer in zip(self.operations, answers, strict=True):
            if isinstance(operation, Check) and operation.answers:
                return cast(int, answer[0][0])
        return None

    async def decide(self, error: StoreError, unwritten: Unwritten, context: Context) -> None:
        """Where a value is taken: raises, if the rules refuse a row, what they say, and not that it is taken."""
        if isinstance(error, UniqueViolation):
            for row in self.undecided:
                with within(row.pointer):
                    await unwritten.refuse(row, self.operations, context)

    def place(self, error: StoreError) -> str:
        """The part of the input that an error is about; "" where the store can't tell."""
        return "" if error.operation is None else self._places[error.operation]

    def explained(self, error: StoreError, standing: Standing, context: Context, store: str) -> KingpostError:
        """The error that the caller gets, who stands so."""
        try:
            with within(self.place(error)):
                linking = _linking(error, standing.model)
                raise self._refused(error, context) or (
                    explained(error, store, standing) if linking is None else no_such_row((linking,))
                )
        except KingpostError as told:
            return told

    def _refused(self, error: StoreError, context: Context) -> KingpostError | None:
        """The error where the store found that the rules do not hold, in the words of the engine."""
        failed = None if error.operation is None else self.operations[error.operation]
        if not isinstance(error, CheckFailed) or not isinstance(failed, Check) or error.reason.startswith("reference "):
            return None
        resource = failed.select.resource
        message = f"the rules of {resource} do not let you {error.reason} a row like this"
        return refusal(context, message, Asked(resource, error.reason))


def _linking(error: StoreError, model: Model) -> str | None:
    """The relation whose links lead nowhere: what the caller wrote, who knows nothing of rows in between."""
    if not isinstance(error, ReferenceViolation) or error.kind != "missing" or not model[error.resource].internal:
        return None
    relations = (one for resource in model for one in resource.relations.values() if one.link == error.resource)
    return next((one.name for one in relations if one.far in error.members), None)


def require_distinct(keys: Iterable[tuple[Any, ...]]) -> None:
    """A row is changed once: which of two changes counts would be a guess. Raises `Rejected`."""
    first: dict[tuple[Any, ...], int] = {}
    faults: list[Detail] = []
    for index, key in enumerate(keys):
        place = first.setdefault(key, index)
        if place != index:
            faults.append(Detail(f"/{index}", "duplicate", f"is the same row as /{place}"))
    if faults:
        raise Rejected("KP422", Rejected.title, faults)
