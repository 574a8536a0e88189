"""Values written into the text of a statement: for MariaDB that is what has to be sent, whoever puts it together.

Written by the Python type, so that each is exactly what it is: a decimal is no float, a float no decimal, an instant
has its microseconds. No text can end its quotes, whatever the session's `sql_mode`: what has a backslash in it is
written in hexadecimal digits.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, time
from decimal import Decimal
from functools import lru_cache
from typing import Any, Final

from msgspec import Struct

from kingpost.stores.contract import OutOfRange

COLLATION: Final = "utf8mb4_nopad_bin"
"""By code point, and blanks at the end count."""

_PLACES = re.compile(r"""'(?:[^']|'')*'|"(?:[^"]|"")*"|`(?:[^`]|``)*`|(\?)""")
_EMPTY: Final = "(SELECT NULL FROM DUAL WHERE FALSE)"


class Listed(Struct, frozen=True):
    """The values, or rows of values, that another is looked for among."""

    rows: Sequence[Sequence[object]]

    def __str__(self) -> str:
        if not self.rows:
            return _EMPTY
        if len(self.rows[0]) == 1:
            return f"({', '.join([literal(row[0]) for row in self.rows])})"
        return f"({', '.join([group(row) for row in self.rows])})"


def group(values: Sequence[object]) -> str:
    """One row of values in parentheses."""
    return f"({', '.join(map(literal, values))})"


def literal(value: object) -> str:
    """A value as SQL. Raises `OutOfRange` for what MariaDB can't say."""
    if value is None:
        return "NULL"
    write = _WRITERS.get(value.__class__)
    if write is None:
        write = next((found for kind, found in _WRITERS.items() if isinstance(value, kind)), None)
        if write is None:
            raise OutOfRange(f"MariaDB has no value of the type {type(value).__name__}")
    return write(value)


def _text(value: str) -> str:
    if "\\" in value or "\0" in value:
        return f"(_utf8mb4 X'{_encoded(value).hex()}' COLLATE {COLLATION})"
    if not value.isascii():
        _encoded(value)
    return "'" + value.replace("'", "''") + "'"


def _encoded(value: str) -> bytes:
    try:
        return value.encode()
    except UnicodeEncodeError:
        raise OutOfRange("A text has a lone surrogate in it, which is no character") from None


def _whole(value: int) -> str:
    if abs(value) >= 10**65:
        raise OutOfRange("A number has more than 65 digits")
    return str(int(value)) if value >= 0 else f"({int(value)})"


def _decimal(value: Decimal) -> str:
    text = format(value, "f")
    if not value.is_finite() or len(text) > 66:
        raise OutOfRange("A decimal has more than 65 digits")
    return text if value >= 0 else f"({text})"


def _float(value: float) -> str:
    if not math.isfinite(value):
        raise OutOfRange("MariaDB has no infinite floats")
    text = repr(value)
    text = text if "e" in text else f"{text}e0"
    return f"({text})" if text[0] == "-" else text


def _instant(value: datetime) -> str:
    if value.tzinfo is not None:
        value = value.astimezone(UTC)
    return f"TIMESTAMP'{value.replace(tzinfo=None).isoformat(' ', 'microseconds')}'"


_WRITERS: Final[dict[type, Callable[[Any], str]]] = {
    bool: lambda value: "TRUE" if value else "FALSE",
    int: _whole,
    str: _text,
    float: _float,
    Decimal: _decimal,
    bytes: lambda value: f"X'{value.hex()}'",
    datetime: _instant,
    date: lambda value: f"DATE'{value.isoformat()}'",
    time: lambda value: f"TIME'{value.isoformat('microseconds')}'",
    Listed: str,
}


@lru_cache(maxsize=2048)
def parts(text: str) -> tuple[str, ...]:
    """The text between the places of values; a `?` in quotes is none."""
    found: list[str] = []
    start = 0
    for match in _PLACES.finditer(text):
        if match[1]:
            found.append(text[start : match.start()])
            start = match.end()
    return (*found, text[start:])


def filled(text: str, arguments: Sequence[object]) -> str:
    """The statement with its values."""
    if not arguments:
        return text
    first, *rest = parts(text)
    if len(rest) != len(arguments):
        raise OutOfRange(f"The statement has {len(rest)} places and is given {len(arguments)} values")
    return first + "".join([literal(value) + part for value, part in zip(arguments, rest)])
