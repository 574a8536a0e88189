"""What values look like where they come in, as JSON Schema (2020-12): as exact as it can say.

What it can't say is refused all the same: NUL in texts, instants out of range, bounds of decimals in text,
and how many digits a number has behind its point.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any, Final, TypeAlias

from kingpost.language.types import Kind, Type
from kingpost.model.model import Constraints

Json: TypeAlias = dict[str, Any]

_TIME: Final = r"^([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9](\.[0-9]{1,6})?)?$"
_DAYS: Final = r"[0-9]{1,7}D"
_SECONDS: Final = r"[0-9]{1,9}(\.[0-9]{1,6})?S"
_CLOCK: Final = rf"T([0-9]{{1,5}}H([0-9]{{1,7}}M)?({_SECONDS})?|[0-9]{{1,7}}M({_SECONDS})?|{_SECONDS})"
_DURATION: Final = rf"^-?P([0-9]{{1,7}}W|{_DAYS}({_CLOCK})?|{_CLOCK})$"
_BASE64: Final = "^([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$"
_DIGITS: Final = 40
"""Digits that a decimal is read with, before its point and after."""
_BOUNDS: Final = {
    "ge": "minimum",
    "gt": "exclusiveMinimum",
    "le": "maximum",
    "lt": "exclusiveMaximum",
    "multiple_of": "multipleOf",
}


def incoming(type: Type, constraints: Constraints) -> Json | None:
    """The schema of a value in a body, None aside; None: Pydantic's own says it."""
    make = None if type.choices else _FORMS.get(type.kind)
    return None if make is None else make(type, constraints)


def decimal_text(type: Type) -> Json:
    """A decimal as text, which is its one form in a query."""
    if type.places is None or type.digits is None:
        return {"type": "string", "format": "decimal", "pattern": rf"^-?[0-9]{{1,{_DIGITS}}}(\.[0-9]{{1,{_DIGITS}}})?$"}
    whole, places = type.digits - type.places, type.places
    before = rf"0{{0,{_DIGITS - whole}}}[0-9]{{1,{whole}}}" if whole else rf"0{{1,{_DIGITS}}}"
    after = rf"[0-9]{{1,{places}}}0{{0,{_DIGITS - places}}}" if places else rf"0{{1,{_DIGITS}}}"
    return {"type": "string", "format": "decimal", "pattern": rf"^-?{before}(\.{after})?$"}


def _text(type: Type, constraints: Constraints) -> Json:
    said = {
        "minLength": constraints.min_length,
        "maxLength": constraints.max_length,
        "pattern": constraints.pattern,
    }
    return {"type": "string", **{name: value for name, value in said.items() if value is not None}}


def _bytes(type: Type, constraints: Constraints) -> Json:
    least, most = constraints.min_length, constraints.max_length
    said = {
        "minLength": None if least is None else -(-least // 3) * 4,
        "maxLength": None if most is None else -(-most // 3) * 4,
    }
    form = {"type": "string", "contentEncoding": "base64", "pattern": _BASE64}
    return {**form, **{name: value for name, value in said.items() if value is not None}}


def _number(form: Json) -> Callable[[Type, Constraints], Json]:
    def made(type: Type, constraints: Constraints) -> Json:
        return {**form, **_bounds(constraints)}

    return made


def _decimal(type: Type, constraints: Constraints) -> Json:
    number = {"type": "number", **_bounds(constraints)}
    if type.places is not None and type.digits is not None:
        most = 10 ** (type.digits - type.places)
        number.setdefault("exclusiveMinimum", -most)
        number.setdefault("exclusiveMaximum", most)
    return {"anyOf": [number, decimal_text(type)]}


def _bounds(constraints: Constraints) -> Json:
    found = {word: getattr(constraints, name) for name, word in _BOUNDS.items()}
    return {
        word: float(bound) if isinstance(bound, Decimal) else bound
        for word, bound in found.items()
        if isinstance(bound, int | float | Decimal)
    }


def _always(form: Json) -> Callable[[Type, Constraints], Json]:
    return lambda type, constraints: dict(form)


_FORMS: Final[dict[Kind, Callable[[Type, Constraints], Json]]] = {
    Kind.TEXT: _text,
    Kind.INT: _number({"type": "integer", "format": "int64"}),
    Kind.FLOAT: _number({"type": "number", "format": "double"}),
    Kind.DECIMAL: _decimal,
    Kind.BYTES: _bytes,
    Kind.TIME: _always({"type": "string", "pattern": _TIME}),
    Kind.DURATION: _always({"type": "string", "pattern": _DURATION}),
}
