"""What a cell of text means for a field: the value it stands for, or the text itself, for the form to refuse.

A cell is read by the type of the field that it goes to, never by what it looks like. Space around values other than
text does not count.

    int        digits with a sign; 12.0 too, as programs write whole numbers in columns that have gaps
    float      a decimal number, with an exponent or without
    Decimal    the same, exactly
    bool       true false, yes no, t f, y n, 1 0, in upper or lower case
    datetime   ISO 8601, also with a space instead of the T; without an offset in the zone that was stated
    date, time, duration, UUID, bytes     as in JSON
    lists, embedded values, Json          JSON
    text and choices                      as it stands

Dates and instants may be in a format that was stated (`datetime.strptime`).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Any, Final, TypeAlias

from kingpost.language.types import Kind, Type
from kingpost.stores.files.arrays import DECODER, NotJson

Convert: TypeAlias = Callable[[str], Any]

_WHOLE: Final = re.compile(r"[+-]?\d{1,40}(?:\.0+)?", re.ASCII)
_NUMBER: Final = re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?", re.ASCII)
_INSTANT: Final = re.compile(
    r"(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d(?::\d\d(?:\.\d{1,6})?)?)(?: ?(Z|z|[+-]\d\d:?\d\d))?", re.ASCII
)
_BOOLS: Final = {
    "true": True, "t": True, "yes": True, "y": True, "1": True,
    "false": False, "f": False, "no": False, "n": False, "0": False,
}  # fmt: skip
_DOCUMENTS: Final = (Kind.LIST, Kind.EMBEDDED, Kind.JSON)


@dataclass(frozen=True, slots=True)
class Stated:
    """What was said about cells: formats by `strptime`, the zone of instants that name none, what stands for None."""

    date: str = ""
    instant: str = ""
    zone: tzinfo | None = None
    nulls: frozenset[str] = frozenset()


def converter(type: Type, stated: Stated) -> Convert:
    """What makes the value of a cell that is not empty. Raises ValueError with words where it has no value to make."""
    match type.kind:
        case Kind.INT:
            return _int
        case Kind.ENUM if type.choices and all(isinstance(choice, int) for choice in type.choices):
            return _int
        case Kind.FLOAT:
            return _float
        case Kind.DECIMAL:
            return _decimal
        case Kind.BOOL:
            return _bool
        case Kind.DATETIME:
            return _instants(stated)
        case Kind.DATE if stated.date:
            return _dates(stated.date)
        case kind if kind in _DOCUMENTS:
            return document
        case Kind.TEXT | Kind.ENUM:
            return str
        case _:
            return str.strip


def _int(cell: str) -> Any:
    if cell.isdigit() and cell.isascii() and len(cell) < 20:
        return int(cell)
    text = cell.strip()
    return int(text.partition(".")[0]) if _WHOLE.fullmatch(text) else cell


def _float(cell: str) -> Any:
    text = cell.strip()
    return float(text) if _NUMBER.fullmatch(text) else cell


def _decimal(cell: str) -> Any:
    return cell.strip().removeprefix("+")


def _bool(cell: str) -> Any:
    return _BOOLS.get(cell.strip().lower(), cell)


def document(cell: str) -> Any:
    """JSON inside of a cell. Raises ValueError."""
    try:
        return DECODER.decode(cell)
    except (NotJson, ValueError, RecursionError):
        raise ValueError("must be JSON") from None


def _instants(stated: Stated) -> Convert:
    zone, form = stated.zone, stated.instant

    def located(value: datetime) -> datetime:
        if value.tzinfo is not None:
            return value
        if zone is None:
            raise ValueError("must have an offset, such as Z, as no zone is stated")
        return value.replace(tzinfo=zone)

    def read(cell: str) -> Any:
        found = _INSTANT.fullmatch(cell.strip())
        if found is None:
            return cell
        day, clock, offset = found.groups()
        if offset is not None:
            return f"{day}T{clock if clock.count(':') > 1 else clock + ':00'}{_offset(offset)}"
        try:
            return located(datetime.fromisoformat(f"{day}T{clock}"))
        except ValueError as error:
            if "zone" in str(error):
                raise
            return cell

    def by_format(cell: str) -> Any:
        try:
            value = datetime.strptime(cell.strip(), form)  # it gets its zone below
        except ValueError:
            raise ValueError(f"must be an instant in the format {form}") from None
        return located(value)

    return by_format if form else read


def _offset(text: str) -> str:
    if text in "Zz":
        return "Z"
    return text if ":" in text else f"{text[:3]}:{text[3:]}"


def _dates(form: str) -> Convert:
    def read(cell: str) -> Any:
        try:
            return datetime.strptime(cell.strip(), form).date()  # a day has no zone
        except ValueError:
            raise ValueError(f"must be a date in the format {form}") from None

    return read
