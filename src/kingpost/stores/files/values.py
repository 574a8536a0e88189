"""Values of files as the types that are declared, strictly, and as the text that DuckDB takes them from.

What a cell of CSV means is said in `cells`; what JSON and Parquet hold has a type already, which has to be the declared
one: a text is no number there. Instants have an offset, decimals no more places than declared, floats no NaN.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, Final, TypeAlias
from uuid import UUID

import msgspec

from kingpost.language.types import Kind, Type
from kingpost.stores.contract import OutOfRange
from kingpost.stores.files.cells import Stated, converter
from kingpost.stores.sql.duckdb.forms import DIGITS, DuckDBForms, scaled
from kingpost.stores.sql.duckdb.words import WORDS
from kingpost.stores.sql.forms import DOCUMENTS

Text: TypeAlias = Callable[[Any], str | None]
"""The text of a value; None of None. Raises ValueError with words."""

FORMS: Final = DuckDBForms()
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_FINE: Final = re.compile(r"[.,]\d{7}")
_SURE_DIGITS: Final = 15
"""So many digits of a float in JSON are as they were written."""

KINDS: Final[dict[Kind, tuple[Any, str]]] = {
    Kind.BOOL: (bool, "true or false"), Kind.INT: (int, "a whole number"), Kind.FLOAT: (float, "a number"),
    Kind.DECIMAL: (Decimal, "a decimal number"), Kind.TEXT: (str, "a text"), Kind.BYTES: (bytes, "bytes in base64"),
    Kind.UUID: (UUID, "a UUID"), Kind.DATETIME: (datetime, "an instant such as 2026-01-31T12:00:00Z"),
    Kind.DATE: (date, "a date such as 2026-01-31"), Kind.TIME: (time, "a time such as 12:30:00"),
    Kind.DURATION: (timedelta, "a duration such as PT1H"),
}  # fmt: skip


def of_cells(type: Type, stated: Stated) -> Text:
    """The text of a cell of CSV. An empty one is None where that may be, else a text or bytes, or refused."""
    strict, read = of_values(type), converter(type, stated)
    bare = type.kind in (Kind.TEXT, Kind.BYTES)

    def text(cell: Any) -> str | None:
        if cell == "" and (type.nullable or not bare):
            return strict(None)
        return strict(read(cell))

    return text


def of_values(type: Type) -> Text:
    """The text of a value that has a type of its own."""
    take = _taken(type)

    def text(value: Any) -> str | None:
        if value is not None:
            return take(value)
        if type.nullable:
            return None
        raise ValueError("is empty, and is not optional")

    return text


def _taken(type: Type) -> Callable[[Any], str]:
    kind = type.kind
    if kind in DOCUMENTS:
        return _document(type)
    choices = frozenset(type.choices)
    if kind is Kind.ENUM:
        kind = Kind.INT if choices and all(isinstance(one, int) for one in choices) else Kind.TEXT
    python, words = KINDS[kind]
    shown, convert = _SHOWN.get(kind, str), msgspec.convert
    if kind is Kind.DECIMAL:
        shown = _decimal(type)

    def taken(value: Any) -> str:
        try:
            found = convert(value, python)
        except (msgspec.ValidationError, OverflowError):
            raise ValueError(f"is not {words}") from None
        if choices and found not in choices:
            raise ValueError(f"is none of {', '.join(map(str, type.choices))}")
        if kind is Kind.DATETIME and isinstance(value, str) and _FINE.search(value):
            raise ValueError("is finer than a microsecond")
        if kind is Kind.DECIMAL and isinstance(value, float) and len(found.as_tuple().digits) > _SURE_DIGITS:
            raise ValueError("has more digits than a number in JSON keeps; write it in quotes")
        return shown(found)

    return taken


def _whole(value: int) -> str:
    if not -(1 << 63) <= value < 1 << 63:
        raise ValueError("does not fit into 64 bits")
    return str(value)


def _real(value: float) -> str:
    if not math.isfinite(value):
        raise ValueError("is not a finite number")
    return repr(value)


def _text(value: str) -> str:
    if "\0" in value or (not value.isascii() and any("\ud800" <= char <= "\udfff" for char in value)):
        raise ValueError("has a character that no text may have")
    return value


def _instant(value: datetime) -> str:
    if value.tzinfo is None:
        raise ValueError("must have an offset, such as Z, as no zone is stated")
    return str((value - _EPOCH) // timedelta(microseconds=1))


def _time(value: time) -> str:
    if value.tzinfo is not None:
        raise ValueError("is a time with an offset, which a time of day has not")
    return value.isoformat()


def _decimal(type: Type) -> Callable[[Decimal], str]:
    places = type.places or 0
    whole = (type.digits or DIGITS - places) - places

    def shown(value: Decimal) -> str:
        if not value.is_finite():
            raise ValueError("is not a finite number")
        try:
            number = scaled(value, places)
        except OutOfRange:
            raise ValueError(f"has more than {places} decimal places, or is too large") from None
        if abs(number) >= 10 ** (whole + places):
            raise ValueError(f"has more than {whole} digits before the point")
        return format(value, "f")

    return shown


def _document(type: Type) -> Callable[[Any], str]:
    canonical = FORMS.to_driver(type)
    wanted: tuple[Any, str] | None = None
    if type.kind is Kind.LIST:
        wanted = list, "a list"
    elif type.kind is Kind.EMBEDDED:
        wanted = dict, "an object"

    def shown(value: Any) -> str:
        if wanted is not None and not isinstance(value, wanted[0]):
            raise ValueError(f"is not {wanted[1]}")
        kept: Any = value  # pyright: ignore[reportUnknownVariableType]
        return _text(str(kept if canonical is None else canonical(kept)))

    return shown


_SHOWN: Final[dict[Kind, Callable[[Any], str]]] = {
    Kind.BOOL: lambda value: "true" if value else "false", Kind.INT: _whole, Kind.FLOAT: _real, Kind.TEXT: _text,
    Kind.BYTES: lambda value: value.hex(), Kind.DATETIME: _instant, Kind.DATE: lambda value: value.isoformat(),
    Kind.TIME: _time, Kind.DURATION: lambda value: str(value // timedelta(microseconds=1)),
}  # fmt: skip


def in_sql(type: Type, text: str) -> str:
    """The value of a text that `of_cells` or `of_values` has made, in DuckDB's words."""
    match type.kind:
        case Kind.DATETIME:
            return f"make_timestamptz(CAST({text} AS BIGINT))"
        case Kind.BYTES:
            return f"unhex({text})"
        case _:
            return f"CAST({text} AS {sql_type(type)})"


def sql_type(type: Type) -> str:
    """The type of a column."""
    return str(FORMS.column(type).compile(dialect=WORDS))


def quoted(name: str) -> str:
    """A name as DuckDB has it."""
    return '"' + name.replace('"', '""') + '"'
