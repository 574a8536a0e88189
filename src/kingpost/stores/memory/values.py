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

WIDE = Context(prec=200)


def keep(type: Type) -> Callable[[Any], Any]:
    """How a Python value of a type is kept; None stays None."""
    convert = _convert(type)
    return lambda value: None if value is None else convert(value)


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
    unit = Decimal(1).scaleb(-places)

    def convert(value: Any) -> Decimal:
        kept = Decimal(value).quantize(unit, context=WIDE)
        if kept != value:
            raise OutOfRange(f"A decimal has more than {places} places")
        return kept

    return convert
