"""Values that a store makes while it writes, and that later operations of the same batch need."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from typing import Any, Final, TypeVar, cast

from kingpost.plan.select import Insert, Made, Operation

T = TypeVar("T")

PARTS: Final = ("rows", "key", "values", "params")
"""Where operations hold values."""


def makes(operations: Sequence[Operation]) -> bool:
    """Whether the store makes any value of the batch; most batches have none, and need not be looked through."""
    return any(isinstance(one, Insert) and one.makes for one in operations)


def waits(operation: Operation) -> bool:
    """Whether an operation holds values that an earlier one of its batch makes."""
    return any(is_open(part) for part in _parts(operation).values())


def settled(operation: Operation, made: Mapping[Made, object]) -> Operation:
    """The operation, when all that it waits for has been made."""
    return replace(operation, **{name: filled_in(part, made) for name, part in _parts(operation).items()})


def _parts(operation: Operation) -> dict[str, Any]:
    return {one.name: getattr(operation, one.name) for one in fields(operation) if one.name in PARTS}


def is_open(value: object) -> bool:
    """Whether something in a value is not made yet."""
    match value:
        case Made():
            return True
        case dict():
            return any(map(is_open, cast("dict[object, object]", value).values()))
        case list() | tuple():
            return any(map(is_open, cast("Sequence[object]", value)))
        case _:
            return False


def filled_in(value: T, made: Mapping[Made, object]) -> T:
    """The same with what has been made in its places."""
    if not made:
        return value
    answer: object = value
    match value:
        case Made():
            answer = made[value]
        case dict():
            answer = {name: filled_in(one, made) for name, one in cast("dict[object, object]", value).items()}
        case tuple():
            answer = tuple(filled_in(one, made) for one in cast("tuple[object, ...]", value))
        case list():
            answer = [filled_in(one, made) for one in cast("list[object]", value)]
        case _:
            pass
    return cast(T, answer)
