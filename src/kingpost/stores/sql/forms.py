"""How a value of each type is stored, bound and read back, per dialect.

    type          SQLite (STRICT)                        PostgreSQL
    bool          INTEGER 0 or 1                         boolean
    int           INTEGER                                bigint
    float         REAL                                   double precision
    Decimal       INTEGER, scaled by the places          numeric(digits, places)
    str           TEXT                                   text COLLATE "C"
    bytes         BLOB                                   bytea
    UUID          TEXT, 36 lower-case characters         uuid
    datetime      INTEGER, microseconds since 1970 UTC   timestamptz
    date          INTEGER, days since 1970               date
    time          TEXT, ISO 8601                         time
    timedelta     INTEGER, microseconds                  bigint, microseconds
    Enum          by value, as int or str                the same
    JSON, embedded, list   TEXT, JSON with sorted keys   json, the same bytes

Dates are numbers on SQLite because dates are computed with. PostgreSQL's `interval` is not used: a difference of
months, days and seconds is not one number. Its `json` keeps what was written; `jsonb` would change the bytes.

What goes to the driver may be None, which stays None. The JSON form is the same for all stores, and what `PYTHON` makes
of the Python value itself: the bytes of an answer do not tell where it came from.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from typing import Any, Protocol
from uuid import UUID

import msgspec
import sqlalchemy as sa

from kingpost.base.errors import Unsupported
from kingpost.language.types import Kind, Type
from kingpost.stores.contract import Convert, Inline, OutOfRange
from kingpost.stores.sql.postgres import codecs

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
EPOCH_DAY = date(1970, 1, 1).toordinal()
MICROSECOND = timedelta(microseconds=1)
DOCUMENTS = (Kind.JSON, Kind.EMBEDDED, Kind.LIST)
SCALED_DIGITS = 18
"""A scaled Decimal has to fit into 64 bits."""


class Forms(Protocol):
    """The storage forms of one dialect."""

    def column(self, type: Type) -> sa.types.TypeEngine[Any]:
        """The type that a column is declared with; raises `Unsupported` where the store has none."""
        ...

    def plain(self, type: Type) -> sa.types.TypeEngine[Any]:
        """The type of values in expressions and of parameters: without precision, which a cast would round to."""
        ...

    def to_driver(self, type: Type) -> Convert | None:
        """How a Python value becomes what the driver binds; None: as it is."""
        ...

    def json_form(self, type: Type) -> Convert | None:
        """How what the driver answers becomes what the JSON encoder (msgspec) is given; None: as it is.

        It is not asked about None.
        """
        ...

    def python_form(self, type: Type) -> Convert | None:
        """How what the driver answers becomes the Python value; None: as it is. It is not asked about None."""
        ...


# ----------------------------------------------------------------------------------------------------------- converters


def maybe(convert: Convert | None) -> Convert | None:
    """The same for what may be None."""
    return None if convert is None else _maybe(convert)


def _maybe(convert: Callable[[Any], Any]) -> Convert:
    def converted(value: Any) -> Any:
        return None if value is None else convert(value)

    return converted


def _unwrapped(value: Any) -> Any:
    return value.value if isinstance(value, Enum) else value


def canonical_json(value: Any) -> str:
    """The JSON text that is stored: one value, one text."""
    return msgspec.json.encode(value, enc_hook=_model, order="sorted").decode()


def _model(value: Any) -> Any:
    if hasattr(value, "model_dump"):  # an embedded Pydantic model
        return value.model_dump(mode="json")
    raise TypeError(f"{type(value).__name__} can't be stored as JSON")


def to_microseconds(value: datetime) -> int:
    """An instant as microseconds since 1970 in UTC."""
    return (value - EPOCH) // MICROSECOND


def _duration(value: timedelta) -> int:
    return value // MICROSECOND


_from_microseconds = Inline(
    lambda value: EPOCH + timedelta(0, 0, value), "{epoch} + {delta}(0, 0, v)", {"epoch": EPOCH, "delta": timedelta}
)


def _from_duration(value: int) -> timedelta:
    return timedelta(microseconds=value)


def _from_days(value: int) -> date:
    return date.fromordinal(value + EPOCH_DAY)


def _decimal_text(places: int | None) -> Callable[[Any], str]:
    form = "f" if places is None else f".{places}f"
    return lambda value: format(value, form)


def scaled(places: int) -> Callable[[Any], int]:
    """Decimals (and ints) as integers scaled by `places`; what would be rounded is refused."""
    factor = 10**places

    def scale(value: Any) -> int:
        numerator, denominator = value.as_integer_ratio()
        whole, rest = divmod(numerator * factor, denominator)
        if rest or not -(1 << 63) <= whole < 1 << 63:
            raise OutOfRange(f"A decimal does not fit into 64 bits with {places} places")
        return int(whole)

    return scale


def limit(places: int, *, up: bool | None) -> Callable[[Any], float]:
    """A number from outside as one that compares alike with all integers scaled by `places`, however fine or large.

    `up`: to the next integer, for `<` and `>=`; False: to the one below, for `<=` and `>`; None: for `==`, which finds
    no integer then. What is beyond 64 bits becomes a float: SQLite compares those exactly.
    """
    factor = 10**places

    def compared(value: Any) -> float:
        numerator, denominator = value.as_integer_ratio()
        whole, rest = divmod(numerator * factor, denominator)
        if rest and up is None:
            return 0.5
        whole += bool(rest and up)
        if -(1 << 63) <= whole < 1 << 63:
            return int(whole)
        return float(whole) if abs(whole) < 1 << 1000 else math.copysign(math.inf, whole)

    return compared


def unscaled(places: int) -> Callable[[int], Decimal]:
    """The inverse of `scaled`."""
    # From text, because arithmetic would round to the context's precision.
    return lambda value: Decimal((value < 0, tuple(map(int, str(abs(value)))), -places))


# --------------------------------------------------------------------------------------------------------------- Python


class PythonForms:
    """Values as the declaration has them; what the other forms have to agree with."""

    def to_driver(self, type: Type) -> Convert | None:
        return None

    def json_form(self, type: Type) -> Convert | None:
        match type.kind:
            case Kind.DECIMAL:
                return _decimal_text(type.places)
            case Kind.UUID:
                return str
            case Kind.ENUM:
                return _unwrapped
            case Kind.DATETIME:
                return lambda value: value.astimezone(UTC)
            case kind if kind in DOCUMENTS:
                return lambda value: msgspec.Raw(canonical_json(value).encode())
            case _:
                return None

    def python_form(self, type: Type) -> Convert | None:
        return None


PYTHON = PythonForms()

# --------------------------------------------------------------------------------------------------------------- SQLite


class SQLiteForms:
    """SQLite keeps integers, reals, text and blobs, so most types are one of these."""

    def column(self, type: Type) -> sa.types.TypeEngine[Any]:
        if type.kind is Kind.DECIMAL and (type.places is None or (type.digits or 99) > SCALED_DIGITS):
            remedy = f"declare max_digits (at most {SCALED_DIGITS}) and decimal_places"
            raise Unsupported("KP303", f"SQLite keeps decimals as scaled 64-bit integers: {remedy}")
        if type.kind is Kind.BOOL:  # STRICT tables have no BOOLEAN; expressions still know it for a truth value
            return sa.Integer()
        return self.plain(type)

    def plain(self, type: Type) -> sa.types.TypeEngine[Any]:
        match type.kind:
            case Kind.BOOL:
                return sa.Boolean()
            case Kind.INT | Kind.DECIMAL | Kind.DATETIME | Kind.DATE | Kind.DURATION:
                return sa.Integer()
            case Kind.ENUM if _is_int(type):
                return sa.Integer()
            case Kind.FLOAT:
                return sa.REAL()
            case Kind.BYTES:
                return sa.LargeBinary()
            case _:
                return sa.Text()

    def to_driver(self, type: Type) -> Convert | None:
        match type.kind:
            case Kind.DATETIME:
                return _maybe(to_microseconds)
            case Kind.DATE:
                return _maybe(lambda value: value.toordinal() - EPOCH_DAY)
            case Kind.TIME:
                return _maybe(time.isoformat)
            case Kind.DURATION:
                return _maybe(_duration)
            case Kind.DECIMAL:
                return _maybe(scaled(type.places or 0))
            case Kind.UUID:
                return _maybe(str)
            case Kind.ENUM:
                return _unwrapped
            case kind if kind in DOCUMENTS:
                return _maybe(canonical_json)
            case _:
                return None

    def json_form(self, type: Type) -> Convert | None:
        match type.kind:
            case Kind.DECIMAL:
                decimal, text = unscaled(type.places or 0), _decimal_text(type.places)
                return lambda value: text(decimal(value))
            case Kind.UUID:
                return None
            case kind if kind in DOCUMENTS:
                return _raw
            case _:
                return self.python_form(type)

    def python_form(self, type: Type) -> Convert | None:
        match type.kind:
            case Kind.BOOL:
                return bool
            case Kind.DATETIME:
                return _from_microseconds
            case Kind.DATE:
                return _from_days
            case Kind.TIME:
                return time.fromisoformat
            case Kind.DURATION:
                return _from_duration
            case Kind.DECIMAL:
                return unscaled(type.places or 0)
            case Kind.UUID:
                return UUID
            case kind if kind in DOCUMENTS:
                return msgspec.json.decode
            case _:
                return None


# ----------------------------------------------------------------------------------------------------------- PostgreSQL


class PostgresForms:
    """What asyncpg takes and gives: mostly the Python value itself."""

    def column(self, type: Type) -> sa.types.TypeEngine[Any]:
        match type.kind:
            case Kind.TEXT:
                return sa.Text(collation="C")
            case Kind.ENUM if not _is_int(type):
                return sa.Text(collation="C")
            case Kind.DECIMAL:
                return sa.Numeric(type.digits, type.places)
            case _:
                return self.plain(type)

    def plain(self, type: Type) -> sa.types.TypeEngine[Any]:
        match type.kind:
            case Kind.BOOL:
                return sa.Boolean()
            case Kind.INT | Kind.DURATION:
                return sa.BigInteger()
            case Kind.FLOAT:
                return sa.Double()
            case Kind.DECIMAL:
                return sa.Numeric()
            case Kind.ENUM if _is_int(type):
                return sa.BigInteger()
            case Kind.BYTES:
                return sa.LargeBinary()
            case Kind.UUID:
                return sa.Uuid()
            case Kind.DATETIME:
                return sa.DateTime(timezone=True)
            case Kind.DATE:
                return sa.Date()
            case Kind.TIME:
                return sa.Time()
            case kind if kind in DOCUMENTS:
                return sa.JSON()
            case _:
                return sa.Text()

    def to_driver(self, type: Type) -> Convert | None:
        match type.kind:
            case Kind.DATETIME:
                return _maybe(codecs.from_instant)
            case Kind.DATE:
                return _maybe(codecs.from_day)
            case Kind.DURATION:
                return _maybe(_duration)
            case Kind.ENUM:
                return _unwrapped
            case kind if kind in DOCUMENTS:
                return _maybe(canonical_json)
            case _:
                return None

    def json_form(self, type: Type) -> Convert | None:
        match type.kind:
            case Kind.DECIMAL:
                return _decimal_text(type.places)
            case Kind.UUID:
                return str
            case kind if kind in DOCUMENTS:
                return _raw
            case _:
                return self.python_form(type)

    def python_form(self, type: Type) -> Convert | None:
        match type.kind:
            case Kind.DATETIME:
                return codecs.to_instant
            case Kind.DATE:
                return codecs.to_day
            case Kind.DURATION:
                return _from_duration
            case kind if kind in DOCUMENTS:
                return msgspec.json.decode
            case _:
                return None


def _raw(value: Any) -> msgspec.Raw:
    return msgspec.Raw(value.encode() if isinstance(value, str) else value)


def _is_int(type: Type) -> bool:
    return bool(type.choices) and isinstance(type.choices[0], int)
