"""How a value of each type is kept in a document, and taken out of one again.

    type                   BSON
    bool, float, str       bool, double, string
    int, an Enum of ints   long
    Decimal                decimal (Decimal128, 34 digits), with the declared places
    bytes, UUID            binary, of subtype 0 and 4
    datetime               long, microseconds since 1970 in UTC: a BSON date holds milliseconds only
    date                   date, at midnight UTC
    time                   string, ISO 8601
    timedelta              long, microseconds
    Enum                   by value
    JSON, embedded, list   documents and arrays as they are

None is null; a member that is missing is None too. Nothing is taken for what it is not: a document that others wrote in
another form is told with its place, and never read as something near.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from decimal import Context, Decimal
from enum import Enum
from typing import Any, Final, cast
from uuid import UUID

import msgspec
from bson import Decimal128, Int64, ObjectId
from bson.binary import UuidRepresentation
from bson.codec_options import CodecOptions

from kingpost.base.errors import Unsupported
from kingpost.language.types import Kind, Type
from kingpost.stores.contract import Convert, OutOfRange
from kingpost.stores.sql.forms import DOCUMENTS, EPOCH, MICROSECOND, canonical_json

DIGITS: Final = 34
"""Of a Decimal128."""
CODEC: Final[CodecOptions[dict[str, Any]]] = CodecOptions(
    uuid_representation=UuidRepresentation.STANDARD, tz_aware=True
)
"""How documents are written and read."""
NOT_A_NUMBER: Final = Decimal128("NaN")
"""Equal to no number that is kept."""
_WIDE: Final = Context(prec=200)
_NAMES: Final[dict[type, str]] = {
    str: "text",
    int: "an int",
    float: "a float",
    bool: "a bool",
    datetime: "a date",
    dict: "a document",
}


class Mistyped(Exception):
    """A value in a document is not of the form that its declaration leads to."""


def is_int(type: Type) -> bool:
    """Whether values are kept as whole numbers because their choices are some."""
    return bool(type.choices) and isinstance(type.choices[0], int)


# ------------------------------------------------------------------------------------------------------- into documents


def to_bson(type: Type) -> Convert:
    """How a Python value is kept; None stays None. What it makes may raise `OutOfRange`."""
    convert = _to_bson(type)
    return lambda value: None if value is None else convert(value)


def _to_bson(type: Type) -> Convert:
    match type.kind:
        case Kind.INT:
            return integer
        case Kind.FLOAT:
            return float
        case Kind.DECIMAL:
            return decimal(type.places)
        case Kind.DATETIME:
            return lambda value: Int64((value - EPOCH) // MICROSECOND)
        case Kind.DATE:
            return lambda value: datetime(value.year, value.month, value.day, tzinfo=UTC)
        case Kind.TIME:
            return time.isoformat
        case Kind.DURATION:
            return lambda value: integer(value // MICROSECOND)
        case Kind.ENUM:
            return lambda value: _choice(value.value if isinstance(value, Enum) else value)
        case kind if kind in DOCUMENTS:
            return lambda value: _document(msgspec.json.decode(canonical_json(value)))
        case _:
            return _as_it_is


def _as_it_is(value: Any) -> Any:
    return value


def _choice(value: Any) -> Any:
    return Int64(value) if isinstance(value, int) else value


def integer(value: int) -> Int64:
    """A whole number of 64 bits. Raises `OutOfRange`."""
    if not -(1 << 63) <= value < 1 << 63:
        raise OutOfRange("An integer does not fit into 64 bits")
    return Int64(value)


def decimal(places: int | None) -> Convert:
    """A Decimal of so many places; what would be rounded is refused."""

    def convert(value: Any) -> Decimal128:
        kept = scaled(value, places)
        if kept is None:
            raise OutOfRange(f"A decimal has more than {places} places, or more than {DIGITS} digits")
        return kept

    return convert


def scaled(value: Any, places: int | None) -> Decimal128 | None:
    """The same number with so many places; None where it would be rounded."""
    exact = Decimal(value)
    kept = exact if places is None else exact.quantize(Decimal(1).scaleb(-places), context=_WIDE)
    if kept != exact or len(kept.as_tuple().digits) > DIGITS:
        return None
    return Decimal128(kept)


def limit(places: int, *, up: bool | None) -> Convert:
    """A number from outside as one that compares alike with all Decimals of so many places, however fine or large.

    `up`: to the next one, for `<` and `>=`; False: to the one below, for `<=` and `>`; None: for `==`, which finds no
    number then.
    """

    def compared(value: Any) -> Any:
        numerator, denominator = value.as_integer_ratio()
        whole, rest = divmod(numerator * 10**places, denominator)
        if rest and up is None:
            return NOT_A_NUMBER
        whole += bool(rest and up)
        if abs(whole) >= 10**DIGITS:
            return Decimal128("Infinity" if whole > 0 else "-Infinity")
        return Decimal128(Decimal((whole < 0, tuple(map(int, str(abs(whole)))), -places)))

    return lambda value: None if value is None else compared(value)


def _document(value: Any) -> Any:
    """JSON as BSON holds it. Raises `OutOfRange` for what it does not hold."""
    match value:
        case dict():
            members = cast("dict[str, Any]", value)
            if any("\0" in name for name in members):
                raise OutOfRange("A name in a JSON value has a NUL in it, which MongoDB does not hold")
            return {name: _document(one) for name, one in members.items()}
        case list():
            return [_document(one) for one in cast("Sequence[Any]", value)]
        case int() if not isinstance(value, bool):
            return integer(value)
        case _:
            return value


# ----------------------------------------------------------------------------------------------------- out of documents


def from_bson(type: Type) -> Convert:
    """How what is kept, unless it is null, becomes the Python value. What it makes raises `Mistyped`."""
    match type.kind:
        case Kind.BOOL:
            return _exactly(bool)
        case Kind.INT:
            return _whole
        case Kind.FLOAT:
            return _float
        case Kind.DECIMAL:
            return _decimal(type.places)
        case Kind.BYTES:
            return _bytes
        case Kind.UUID:
            return _exactly(UUID)
        case Kind.DATETIME:
            return _instant
        case Kind.DATE:
            return _date
        case Kind.TIME:
            return _time
        case Kind.DURATION:
            return lambda value: timedelta(microseconds=_whole(value))
        case Kind.ENUM if is_int(type):
            return _whole
        case Kind.JSON:
            return plain
        case Kind.EMBEDDED:
            return lambda value: plain(_exactly(dict)(value))
        case Kind.LIST:
            return lambda value: plain(_exactly(list)(value))
        case _:
            return _text


def _exactly(wanted: type) -> Convert:
    def convert(value: Any) -> Any:
        if type(value) is not wanted:
            raise _mistyped(value, _NAMES.get(wanted, f"a {wanted.__name__}"))
        return value

    return convert


def _mistyped(value: object, wanted: str) -> Mistyped:
    return Mistyped(f"holds {_NAMES.get(type(value), f'a {type(value).__name__}')} instead of {wanted}")


def _text(value: Any) -> Any:
    if type(value) is str:
        return value
    raise _mistyped(value, "text")


def _whole(value: Any) -> int:
    """Shells write 3 as 3.0: the same number."""
    if isinstance(value, int) and not isinstance(value, bool):
        return int(value)
    if isinstance(value, float) and value.is_integer() and abs(value) <= 2**53:
        return int(value)
    raise _mistyped(value, "an int")


def _float(value: Any) -> float:
    if isinstance(value, float):
        return value
    if isinstance(value, int) and not isinstance(value, bool) and int(float(value)) == value:
        return float(value)
    raise _mistyped(value, "a float")


def _bytes(value: Any) -> bytes:
    if type(value) is bytes:
        return value
    raise _mistyped(value, "bytes")


def _decimal(places: int | None) -> Convert:
    def convert(value: Any) -> Decimal:
        if isinstance(value, Decimal128):
            exact = value.to_decimal()
        elif isinstance(value, int) and not isinstance(value, bool):
            exact = Decimal(value)
        else:
            raise _mistyped(value, "a Decimal")
        if not exact.is_finite():
            raise Mistyped("holds no finite number")
        if places is None:
            return exact
        kept = exact.quantize(Decimal(1).scaleb(-places), context=_WIDE)
        if kept != exact:
            raise Mistyped(f"holds a Decimal of more than {places} places")
        return kept

    return convert


def _instant(value: Any) -> datetime:
    try:
        return EPOCH + timedelta(microseconds=_whole(value))
    except OverflowError:
        raise Mistyped("holds an instant beyond the year 9999") from None


def _date(value: Any) -> date:
    if not isinstance(value, datetime):
        raise _mistyped(value, "a date")
    if value.time() != time():
        raise Mistyped("holds an instant instead of a date")
    return value.date()


def _time(value: Any) -> time:
    try:
        return time.fromisoformat(_exactly(str)(value))
    except ValueError:
        raise Mistyped("holds text that is no time") from None


def plain(value: Any) -> Any:
    """Documents and arrays as JSON has them; what JSON has no word for in the form that all answers have."""
    match value:
        case None | bool() | str():
            return value
        case int():
            return int(value)
        case float():
            return value
        case Mapping():
            return {name: plain(one) for name, one in cast("Mapping[str, Any]", value).items()}
        case bytes():
            return b64encode(value).decode()
        case datetime():
            return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
        case ObjectId() | UUID() | Decimal128():
            return str(value)
        case list():
            return [plain(one) for one in cast("Sequence[Any]", value)]
        case _:
            raise Mistyped(f"holds a {type(value).__name__}, which no declaration has")


# ----------------------------------------------------------------------------------------------------------- validators


def bson_types(type: Type) -> list[str]:
    """The names of the BSON types that values are kept as. Raises `Unsupported` where the store holds no such value."""
    match type.kind:
        case Kind.DECIMAL if type.places is None or (type.digits or 99) > DIGITS:
            remedy = f"declare max_digits (at most {DIGITS}) and decimal_places"
            raise Unsupported("KP303", f"MongoDB keeps decimals of {DIGITS} digits: {remedy}")
        case Kind.BOOL:
            return ["bool"]
        case Kind.INT | Kind.DATETIME | Kind.DURATION:
            return ["long", "int"]
        case Kind.ENUM if is_int(type):
            return ["long", "int"]
        case Kind.FLOAT:
            return ["double"]
        case Kind.DECIMAL:
            return ["decimal"]
        case Kind.BYTES | Kind.UUID:
            return ["binData"]
        case Kind.DATE:
            return ["date"]
        case Kind.EMBEDDED:
            return ["object"]
        case Kind.LIST:
            return ["array"]
        case Kind.JSON:
            return ["object", "array", "string", "bool", "long", "int", "double"]
        case _:
            return ["string"]


def lowest(type: Type) -> Any:
    """What all values of the type, and none of another BSON type, are not less than."""
    match bson_types(type)[0]:
        case "bool":
            return False
        case "long" | "double" | "decimal":
            return float("-inf")
        case "binData":
            return b""
        case "date":
            return datetime(1, 1, 1, tzinfo=UTC)
        case "string":
            return ""
        case _:
            raise Unsupported("KP304", f"{type} can't be unique in MongoDB")
