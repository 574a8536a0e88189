"""Types of the declaration as ibis, Arrow and DuckDB have them: a value is kept exactly, or refused."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any, Final, Literal, TypeAlias
from uuid import UUID

import msgspec

from kingpost.doors.analysis.untyped import ibis, pa
from kingpost.language.types import Kind, Type

Form: TypeAlias = Literal["uuid", "duration", "json", "whole", ""]
"""What has to be done with the values of a column of an answer: `whole` are integers, which may come in 128 bits."""

DIGITS: Final = 38
"""What 128 bits hold."""
PLACES: Final = 12
"""Decimal places of a decimal that declares none; one that has more is refused."""

_IBIS: Final[dict[Kind, str]] = {
    Kind.BOOL: "boolean", Kind.INT: "int64", Kind.FLOAT: "float64", Kind.TEXT: "string", Kind.BYTES: "binary",
    Kind.UUID: "uuid", Kind.DATETIME: "timestamp('UTC', 6)", Kind.DATE: "date", Kind.TIME: "time",
    Kind.DURATION: "interval('us')", Kind.JSON: "json",
}  # fmt: skip
_ARROW: Final[dict[Kind, Any]] = {
    Kind.BOOL: pa.bool_(), Kind.INT: pa.int64(), Kind.FLOAT: pa.float64(), Kind.TEXT: pa.string(),
    Kind.BYTES: pa.binary(), Kind.UUID: pa.string(), Kind.DATETIME: pa.timestamp("us", "UTC"), Kind.DATE: pa.date32(),
    Kind.TIME: pa.time64("us"), Kind.DURATION: pa.duration("us"), Kind.JSON: pa.string(),
}  # fmt: skip
_DUCKDB: Final[dict[Kind, str]] = {
    Kind.BOOL: "BOOLEAN", Kind.INT: "BIGINT", Kind.FLOAT: "DOUBLE", Kind.TEXT: "VARCHAR", Kind.BYTES: "BLOB",
    Kind.UUID: "UUID", Kind.DATETIME: "TIMESTAMPTZ", Kind.DATE: "DATE", Kind.TIME: "TIME", Kind.DURATION: "INTERVAL",
    Kind.JSON: "JSON",
}  # fmt: skip
_IN_DOCUMENTS: Final = {Kind.BYTES: Kind.TEXT, Kind.DURATION: Kind.TEXT}
"""What JSON holds as text that DuckDB does not read as what it is."""


def ibis_type(type: Type) -> Any:
    """The type of a column in an expression."""
    return ibis.dtype(_ibis(type))


def _ibis(type: Type, *, inside: bool = False) -> str:
    kind = _kind(type, inside=inside)
    if kind is Kind.DECIMAL:
        return "decimal({}, {})".format(*_decimal(type))
    if kind is Kind.LIST and type.element is not None:
        return f"array<{_ibis(type.element, inside=True)}>"
    if kind is Kind.EMBEDDED and type.members:
        return f"struct<{', '.join(f'{name}: {_ibis(one, inside=True)}' for name, one in type.members)}>"
    return _IBIS.get(kind, "json")


def duckdb_type(type: Type) -> str:
    """The type of a column of a table."""
    return _duckdb(type)


def _duckdb(type: Type, *, inside: bool = False) -> str:
    kind = _kind(type, inside=inside)
    if kind is Kind.DECIMAL:
        return "DECIMAL({}, {})".format(*_decimal(type))
    if kind is Kind.LIST and type.element is not None:
        return f"{_duckdb(type.element, inside=True)}[]"
    if kind is Kind.EMBEDDED and type.members:
        return f"STRUCT({', '.join(f'{quoted(name)} {_duckdb(one, inside=True)}' for name, one in type.members)})"
    return _DUCKDB.get(kind, "JSON")


def arrow_array(type: Type, values: Sequence[Any]) -> Any:
    """Values of the declaration as an Arrow array. Raises `pa.ArrowInvalid` for one that does not fit exactly."""
    kind = _kind(type)
    if kind is Kind.DECIMAL:
        return pa.array(values, pa.decimal128(*_decimal(type)))
    if kind is Kind.UUID:
        values = [None if value is None else str(value) for value in values]
    elif kind not in _ARROW or kind is Kind.JSON:
        values = [None if value is None else _text(value) for value in values]
    return pa.array(values, _ARROW.get(kind, pa.string()))


def taken(type: Type, name: str) -> str:
    """What DuckDB takes of the column of an Arrow table, as the column's own type."""
    column = quoted(name)
    match _kind(type):
        case Kind.UUID:
            return f"CAST({column} AS UUID)"
        case Kind.JSON:
            return f"CAST({column} AS JSON)"
        case Kind.LIST | Kind.EMBEDDED:
            return f"CAST(CAST({column} AS JSON) AS {duckdb_type(type)})"
        case _:
            return column


def form_of(type: Any) -> Form:
    """What has to be done with values of this ibis type."""
    if type.is_integer():
        return "whole"
    return "uuid" if type.is_uuid() else "duration" if type.is_interval() else "json" if type.is_json() else ""


def back(form: Form) -> Callable[[Any], Any] | None:
    """How a value of an answer becomes that of Python; None: as it is."""
    return _BACK.get(form)


def _uuid(value: Any) -> UUID:
    return value if isinstance(value, UUID) else UUID(str(value))


def _duration(value: Any) -> Any:
    if isinstance(value, timedelta):
        return value
    return timedelta(days=value.days + 30 * value.months, microseconds=value.nanoseconds // 1000)


_BACK: Final[Mapping[Form, Callable[[Any], Any]]] = {"uuid": _uuid, "duration": _duration, "json": msgspec.json.decode}
DUCKDB_FORMS: Final[Mapping[str, Form]] = {"UUID": "uuid", "INTERVAL": "duration", "JSON": "json", "HUGEINT": "whole"}


def _kind(type: Type, *, inside: bool = False) -> Kind:
    if type.kind is Kind.ENUM:
        return Kind.INT if type.choices and isinstance(type.choices[0], int) else Kind.TEXT
    return _IN_DOCUMENTS.get(type.kind, type.kind) if inside else type.kind


def _decimal(type: Type) -> tuple[int, int]:
    places = PLACES if type.places is None else type.places
    return min(type.digits or DIGITS, DIGITS), places


def _text(value: Any) -> str:
    return msgspec.json.encode(value).decode()


def quoted(name: str) -> str:
    """A name as DuckDB has it."""
    return '"' + name.replace('"', '""') + '"'
