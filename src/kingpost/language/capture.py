"""Variables from around a function: what they may hold, and as what it is bound."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from typing import Final, cast
from uuid import UUID

from kingpost.base.texts import is_storable
from kingpost.language.kinds import LARGEST, SMALLEST, decimal_type, union
from kingpost.language.schema import Schema
from kingpost.language.types import BOOL, DATETIME, DURATION, FLOAT, INT, NONE, TEXT, Kind, Type, reference


@dataclass(frozen=True, slots=True)
class Capture:
    """A captured variable, bound as `Param(name, type)`.

    `read()` gives its present value as it is bound: instants in UTC, Enum members by value, resource objects by key,
    sets and tuples as lists. Raises CaptureError where it no longer has the type that it was lowered with; lowering
    again then takes the new one.
    """

    name: str
    type: Type
    read: Callable[[], object]


_UUID: Final = Type(Kind.UUID)


class CaptureError(TypeError):
    """A captured value can't be bound. `code` is the refusal's id."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


def bind(value: object, schema: Schema) -> tuple[object, Type]:
    """A value as it is bound, and its type. Raises CaptureError."""
    if type(value) is datetime:  # what most conditions are about comes first
        return instant(value), DATETIME
    if type(value) is UUID:
        return value, _UUID
    match value:
        case None:
            return None, NONE
        case Enum():
            return value.value, enum_type(type(value))
        case bool():
            return value, BOOL
        case int():
            if not SMALLEST <= value <= LARGEST:
                raise CaptureError("KL310", "its value is beyond 64 bits")
            return int(value), INT
        case float():
            if not math.isfinite(value):
                raise CaptureError("KL203", f"its value is {value}")
            return float(value), FLOAT
        case str():
            if not is_storable(value):
                raise CaptureError("KL203", "its value holds NUL or a lone surrogate")
            return str(value), TEXT
        case bytes():
            return value, Type(Kind.BYTES)
        case Decimal():
            if not value.is_finite():
                raise CaptureError("KL203", f"its value is {value}")
            # As many places as it has now: what is computed with it has a scale, and values of any size share a plan.
            return value, Type(Kind.DECIMAL, places=decimal_type(value).places)
        case datetime():
            return instant(value), DATETIME
        case date():
            return value, Type(Kind.DATE)
        case time() if value.tzinfo is None:
            return value, Type(Kind.TIME)
        case timedelta():
            if not SMALLEST <= value // timedelta(microseconds=1) <= LARGEST:
                raise CaptureError("KL310", "its value in microseconds is beyond 64 bits")
            return value, DURATION
        case UUID():
            return value, _UUID
        case list() | tuple() | set() | frozenset():
            return _bind_list(cast("Iterable[object]", value), schema)
        case _:
            found = schema.reference(value)
            if found is None:
                raise CaptureError("KL203", f"it is a {type(value).__name__}, which no statement can take")
            return found[1], reference(found[0])


def _bind_list(items: Iterable[object], schema: Schema) -> tuple[object, Type]:
    bound: list[object] = []
    element = NONE
    for item in items:
        value, type = bind(item, schema)
        joined = union(element, type)
        if joined is None or type.kind is Kind.LIST:
            raise CaptureError("KL203", "its elements are not of one plain type")
        element = joined
        bound.append(value)
    # union() with NONE makes nullable; whether there is a None is known here.
    nullable = any(value is None for value in bound)
    return bound, Type(Kind.LIST, element=element if element.kind is Kind.NONE else element.maybe(nullable))


def reader(get: Callable[[], object], type: Type, name: str, schema: Schema) -> Callable[[], object]:
    """What reads a captured value as `type` from now on."""

    def read() -> object:
        value, found = bind(get(), schema)
        if not _fits(found, type):
            raise CaptureError("KL203", f"{name} was {type} when the expression was read and is {found} now")
        return value

    return read


def _fits(found: Type, type: Type) -> bool:
    if found.element is not None and type.element is not None:
        return found.element.kind is Kind.NONE or _fits(found.element, type.element)
    finer = found.places is not None and type.places is not None and found.places > type.places
    return found.kind is type.kind and found.name == type.name and (type.nullable or not found.nullable) and not finer


def instant(value: datetime) -> datetime:
    """An aware datetime in UTC. Raises CaptureError for a naive one."""
    if value.utcoffset() is None:
        raise CaptureError("KL307", "it has no time zone")
    try:
        return value.astimezone(UTC)
    except OverflowError:
        raise CaptureError("KL203", "it is out of range in UTC") from None


def enum_type(cls: type[Enum]) -> Type:
    """The type of an Enum's members: known by the class's name, bound by value."""
    choices = tuple(member.value for member in cls if isinstance(member.value, str | int))
    return Type(Kind.ENUM, choices=choices, name=cls.__name__)


def constant_type(value: object) -> Type | None:
    """The type of what a constructor makes."""
    match value:
        case datetime():
            return DATETIME
        case date():
            return Type(Kind.DATE)
        case time():
            return Type(Kind.TIME)
        case timedelta():
            return DURATION
        case Decimal() if value.is_finite():
            return decimal_type(value)
        case UUID():
            return Type(Kind.UUID)
        case _:
            return None
