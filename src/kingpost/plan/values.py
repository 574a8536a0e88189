"""Values from outside, read by the type of what they are compared with, in the one form that bodies have too."""

from __future__ import annotations

import math
import re
from typing import Any

from kingpost.base.errors import Detail, Invalid
from kingpost.base.texts import is_storable
from kingpost.language.types import Kind, Type
from kingpost.model.scalars import READ

_INT = re.compile(r"(?:0|-?[1-9][0-9]{0,18})\Z")
_FLOAT = re.compile(r"-?(?:0|[1-9][0-9]{0,307})(?:\.[0-9]{1,400})?(?:[eE][+-]?[0-9]{1,4})?\Z")
_WORDS = {
    Kind.INT: "a whole number",
    Kind.FLOAT: "a number",
    Kind.DECIMAL: "a decimal number",
    Kind.UUID: "a UUID",
    Kind.DATETIME: "an instant with its offset, like 2026-01-31T12:00:00Z",
    Kind.DATE: "a date, like 2026-01-31",
    Kind.TIME: "a time, like 12:00:00",
    Kind.DURATION: "a duration, like P1DT12H",
    Kind.BYTES: "bytes in base64",
    Kind.BOOL: "true or false",
}
_BOOLS = {"true": True, "false": False}


def parse(text: str, type: Type, pointer: str) -> Any:
    """The value that `text` stands for; raises `Invalid` (KP112) that names the parameter and never the value."""
    try:
        return _parse(text, type)
    except (ValueError, ArithmeticError):
        words = (
            f"one of {', '.join(map(str, type.choices))}"
            if type.choices
            else _WORDS.get(type.kind, str(type.maybe(False)))
        )
        message = f"{pointer.lstrip('?')} takes {words}"
        raise Invalid("KP112", message, [Detail(pointer, "KP112", message)]) from None


def _parse(text: str, type: Type) -> Any:
    if type.choices:
        by_text = {str(choice): choice for choice in type.choices}
        if text not in by_text:
            raise ValueError(text)
        return by_text[text]
    match type.kind:
        case Kind.TEXT:
            return checked_text(text)
        case Kind.BOOL:
            if text not in _BOOLS:
                raise ValueError(text)
            return _BOOLS[text]
        case Kind.INT:
            value = int(text) if _INT.match(text) else 1 << 63
            if not -(1 << 63) <= value < 1 << 63:
                raise ValueError(text)
            return value
        case Kind.FLOAT:
            number = float(text) if _FLOAT.match(text) else math.inf
            if not math.isfinite(number):
                raise ValueError(text)
            return number + 0.0  # -0.0 becomes 0.0
        case Kind.DATETIME:
            return READ[Kind.DATETIME](text.replace(" ", "+"))  # what a + means in a query
        case kind if kind in READ:
            return READ[kind](text)
        case _:
            raise ValueError(text)


def checked_text(text: str) -> str:
    """Text that every store can hold: no NUL, no lone surrogates."""
    if not is_storable(text):
        raise ValueError("text holds a character that can't be stored")
    return text


def parse_key(texts: tuple[Any, ...], types: tuple[Type, ...], pointer: str) -> tuple[Any, ...]:
    """A key, member by member; values that are no text are taken as they are."""
    if len(texts) != len(types):
        message = f"the key has {len(types)} members"
        raise Invalid("KP112", message, [Detail(pointer, "KP112", message)])
    return tuple(
        parse(text, type, pointer) if isinstance(text, str) and type.kind is not Kind.TEXT else text
        for text, type in zip(texts, types, strict=True)
    )


def bound_key(key: tuple[Any, ...]) -> Any:
    """A key as a parameter: the value itself where there is only one."""
    return key[0] if len(key) == 1 else key
