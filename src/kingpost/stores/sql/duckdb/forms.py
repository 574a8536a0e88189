"""How DuckDB stores values, and what is computed with them.

Columns are of DuckDB's own types, so that other tools read them as what they are; what is computed with is a whole
number wherever that is exact: decimals scaled by their places, instants and durations in microseconds, dates in days.

    type          column                      value
    bool          BOOLEAN                     BOOLEAN
    int           BIGINT                      BIGINT, computed as HUGEINT
    float         DOUBLE                      DOUBLE
    Decimal       DECIMAL(digits,places)      HUGEINT, scaled by the places
    str           VARCHAR                     VARCHAR
    bytes         BLOB                        BLOB
    UUID          UUID                        UUID
    datetime      TIMESTAMP WITH TIME ZONE    BIGINT, microseconds since 1970 UTC
    date          DATE                        BIGINT, days since 1970
    time          TIME                        TIME
    timedelta     BIGINT                      BIGINT, microseconds
    Enum          by value                    the same
    JSON and so on  JSON, with sorted keys    the same bytes
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

import sqlalchemy as sa

from kingpost.base.errors import Unsupported
from kingpost.language.types import Kind, Type
from kingpost.stores.contract import Convert, OutOfRange
from kingpost.stores.sql.duckdb.words import HugeInt
from kingpost.stores.sql.forms import DOCUMENTS, SQLiteForms
from kingpost.stores.sql.stored import Stored

BIGINT, TEXT, HUGEINT = sa.BigInteger(), sa.Text(), HugeInt()
DOUBLE: sa.Double[float] = sa.Double()
INSTANT: Final = sa.DateTime(timezone=True)
DIGITS: Final = 38
"""What a DECIMAL holds, and nearly what 128 bits hold."""

ENDS: Final = (1 << 127) - 1
"""Beyond every decimal of 38 digits."""


class DuckDBForms(SQLiteForms):
    """Values are those of SQLite, but for the types that DuckDB has itself."""

    def column(self, type: Type) -> sa.types.TypeEngine[Any]:
        if type.kind is Kind.DECIMAL:
            places, digits = type.places, type.digits or DIGITS - (type.places or 0)
            if places is None or digits + places > DIGITS:
                remedy = f"declare decimal_places, and max_digits so that both together are {DIGITS} at most"
                raise Unsupported("KP303", f"DuckDB computes decimals in 128 bits: {remedy}")
            return sa.Numeric(digits, places)
        if type.kind is Kind.DATETIME:
            return INSTANT
        return sa.Date() if type.kind is Kind.DATE else self.plain(type)

    def plain(self, type: Type) -> sa.types.TypeEngine[Any]:
        match type.kind:
            case Kind.BOOL:
                return sa.Boolean()
            case Kind.INT | Kind.DATETIME | Kind.DATE | Kind.DURATION:
                return BIGINT
            case Kind.DECIMAL:
                return HUGEINT
            case Kind.ENUM if type.choices and isinstance(type.choices[0], int):
                return BIGINT
            case Kind.FLOAT:
                return DOUBLE
            case Kind.BYTES:
                return sa.LargeBinary()
            case Kind.UUID:
                return sa.Uuid()
            case Kind.TIME:
                return sa.Time()
            case kind if kind in DOCUMENTS:
                return sa.JSON()
            case _:
                return TEXT

    def to_driver(self, type: Type) -> Convert | None:
        if type.kind in (Kind.UUID, Kind.TIME):
            return None
        if type.kind is Kind.DECIMAL:
            places = type.places or 0
            return lambda value: None if value is None else scaled(value, places)
        return super().to_driver(type)

    def json_form(self, type: Type) -> Convert | None:
        return str if type.kind is Kind.UUID else super().json_form(type)

    def python_form(self, type: Type) -> Convert | None:
        return None if type.kind in (Kind.UUID, Kind.TIME, Kind.BOOL) else super().python_form(type)


def scaled(value: Any, places: int) -> int:
    """A number as an integer scaled by `places`. Raises `OutOfRange` where it would be rounded."""
    numerator, denominator = value.as_integer_ratio()
    whole, rest = divmod(numerator * 10**places, denominator)
    if rest or abs(whole) > ENDS:
        raise OutOfRange(f"A decimal does not fit into 128 bits with {places} places")
    return int(whole)


def limit(places: int, *, up: bool | None) -> Callable[[Any], int]:
    """A number from outside as one that compares alike with all integers scaled by `places`, however fine or large.

    `up` as in `forms.limit`; what equals no such integer becomes one beyond all of them.
    """

    def compared(value: Any) -> int:
        if isinstance(value, float) and value in (float("inf"), float("-inf")):
            return ENDS if value > 0 else -ENDS
        numerator, denominator = value.as_integer_ratio()
        whole, rest = divmod(numerator * 10**places, denominator)
        if rest and up is None:
            return ENDS
        return int(max(-ENDS, min(ENDS, whole + bool(rest and up))))

    return compared


def stored(type: Type, column: sa.types.TypeEngine[Any]) -> Stored | None:
    """How a column holds values where they are not what is computed with."""
    match type.kind:
        case Kind.DATETIME:
            return Stored(
                "instant", "epoch_us({0})", None, column, lambda real: real == "TIMESTAMP WITH TIME ZONE",
                exact=True, ordered=True, listed=True,
            )  # fmt: skip
        case Kind.DATE:
            return Stored(
                "date", "({0} - DATE '1970-01-01')", _day, column, lambda real: real == "DATE",
                exact=True, ordered=True, listed=True,
            )  # fmt: skip
        case Kind.DECIMAL:
            # Not compared as stored: a parameter of that type would be rounded to its places.
            read = f"CAST({{0}} * {10 ** (type.places or 0)} AS HUGEINT)"
            return Stored("decimal", read, None, column, _is_decimal(type), stored=_exactly(type), ordered=True)
        case _:
            return None


def _day(value: Any) -> Any:
    return value.date() if isinstance(value, datetime) else value


def _is_decimal(type: Type) -> Callable[[str], bool]:
    return lambda real: real == f"DECIMAL({type.digits or DIGITS - (type.places or 0)},{type.places})"


def _exactly(type: Type) -> Convert:
    """As text, which a list of them keeps exact."""
    places = type.places or 0

    def text(value: Any) -> str:
        scaled(value, places)
        return format(Decimal(value), "f")

    return text
