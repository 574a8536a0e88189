"""The one form in which values are kept in memory, so that equal values are equal objects."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC
from decimal import Context, Decimal
from enum import Enum
from typing import Any

import msgspec

from kingpost.language.types import Kind, Type
from kingpost.stores.contract import OutOfRange
from kingpost.stores.sql.forms import DOCUMENTS, canonical_json

WIDE = Context(prec=200, traps=[])  # what has more digits is not a number then, and equal to nothing


def keep(type: Type) -> Callable[[Any], Any]:
    """How a Python value of a type is kept; None stays None."""
    convert = _convert(type)
    return lambda value: None if value is None else convert(value)


def bound(type: Type) -> Callable[[Any], Any]:
    """How a value to compare with is taken: as it would be kept, but for a finer decimal, which is equal to none."""
    if type.kind is not Kind.DECIMAL or type.places is None:
        return keep(type)
    scale = _scale(type.places)
    return lambda value: None if value is None else scale(value)


def _convert(type: Type) -> Callable[[Any], Any]:
    match type.kind:
        case Kind.INT:
            return _integer
        case Kind.ENUM:
            return lambda value: value.value if isinstance(value, Enum) else value
        case Kind.DATETIME:
            return lambda value: value.astimezone(UTC)
        case Kind.DECIMAL if type.places is not None:
            return _decimal(type.places)
        case Kind.LIST if type.element is not None and type.element.kind is Kind.REFERENCE:
            return list  # the keys of a request, never stored
        case kind if kind in DOCUMENTS:
            return lambda value: msgspec.json.decode(canonical_json(value))
        case _:
            return lambda value: value


def _integer(value: int) -> int:
    if not -(1 << 63) <= value < 1 << 63:
        raise OutOfRange("An integer does not fit into 64 bits")
    return value


def _decimal(places: int) -> Callable[[Any], Decimal]:
    scale = _scale(places)

    def convert(value: Any) -> Decimal:
        kept = scale(value)
        if kept.as_tuple().exponent != -places:
            raise OutOfRange(f"A decimal has more than {places} places")
        return kept

    return convert


def _scale(places: int) -> Callable[[Any], Decimal]:
    """The value with so many places, or as it is where it has more."""
    unit = Decimal(1).scaleb(-places)

    def scale(value: Any) -> Decimal:
        exact = Decimal(value)
        rounded = exact.quantize(unit, context=WIDE)
        return rounded if rounded == exact else exact

    return scale
