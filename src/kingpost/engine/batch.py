"""The operations of one write, and which part of the input each of them belongs to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, cast

from kingpost.base.errors import Detail, Rejected
from kingpost.engine.rows import Values
from kingpost.engine.unwritten import Undecided
from kingpost.model.model import ResourceModel
from kingpost.plan.select import Check, Insert, Made, Operation
from kingpost.stores.contract import Rows, StoreError


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

    def place(self, error: StoreError) -> str:
        """The part of the input that an error is about; "" where the store can't tell."""
        return "" if error.operation is None else self._places[error.operation]


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
