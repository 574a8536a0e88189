"""How values come in: for each type of the language an annotation with which Pydantic checks and converts.

JSON's own types are taken strictly; what JSON lacks is read from text: RFC 3339 instants (with a zone), dates, times,
ISO 8601 durations, UUIDs, Decimals (numbers too, by their shortest form), base64 bytes, Enum members by value. The same
annotations take the Python values themselves, so that one check serves doors and code.
"""

from __future__ import annotations

import base64
import binascii
import json
import math
import re
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from decimal import Context, Decimal
from enum import Enum
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, Optional, cast, get_args
from uuid import UUID

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    Strict,
    TypeAdapter,
    ValidationError,
    WithJsonSchema,
    WrapValidator,
)
from pydantic_core import PydanticCustomError

from kingpost.base.texts import is_storable
from kingpost.language.types import Kind, Type
from kingpost.model.model import Constraints
from kingpost.model.scalars_schema import incoming

if TYPE_CHECKING:
    from kingpost.model.model import FieldModel

CONFIG: Final = ConfigDict(extra="forbid", regex_engine="python-re", allow_inf_nan=False)
SMALLEST, LARGEST = -(2**63), 2**63 - 1
_INSTANT: Final = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d{1,6})?([Zz]|[+-]\d\d:\d\d)", re.ASCII)
_DATE: Final = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_TIME: Final = re.compile(r"\d\d:\d\d(:\d\d(\.\d{1,6})?)?", re.ASCII)
_DECIMAL: Final = re.compile(r"-?\d{1,40}(\.\d{1,40})?", re.ASCII)
_DURATION: Final = re.compile(r"-?P(?=.)(\d+W|(\d+D)?(T(?=.)(\d+H)?(\d+M)?(\d+(\.\d{1,6})?S)?)?)", re.ASCII)
_UUID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII | re.IGNORECASE)
_WIDE: Final = Context(prec=120)
"""Holds any decimal that comes in: the usual context has no more than 28 digits."""
_DEPTH: Final = 100
_FREE: Final = Constraints()


def annotation(type: Type, python: Any, constraints: Constraints = _FREE, precision: Literal["us", "ms"] = "us") -> Any:
    """What Pydantic needs to check a value of the type and make the Python value of it."""
    bounds = {name: getattr(constraints, name) for name in ("min_length", "max_length", "pattern")}
    bounds |= {name: getattr(constraints, name) for name in ("ge", "gt", "le", "lt", "multiple_of")}
    bounds = {name: value for name, value in bounds.items() if value is not None}
    inner = _plain(type, python, precision)
    if type.kind is Kind.DECIMAL and type.places is not None:
        inner = Annotated[inner, AfterValidator(_to(type))]
    if bounds:
        inner = _bounded(inner, bounds)
    told = incoming(type, constraints)
    if told is not None:
        inner = Annotated[inner, WithJsonSchema(told)]
    return Optional[inner] if type.nullable else inner  # noqa: UP045  # the type is a value here


def _bounded(annotated: Any, bounds: dict[str, Any]) -> Any:
    """With bounds: what Pydantic itself knows comes before what it has to call."""
    plain, *checks = get_args(annotated)
    at = next((index for index, one in enumerate(checks) if isinstance(one, AfterValidator)), len(checks))
    return Annotated[(plain, *checks[:at], Field(**bounds), *checks[at:])]


def _plain(type: Type, python: Any, precision: Literal["us", "ms"]) -> Any:
    if type.kind is Kind.ENUM:
        return Annotated[python, BeforeValidator(partial(_member, python))]
    if type.choices:
        return Annotated[Literal[type.choices], BeforeValidator(_choice)]
    if type.kind is Kind.EMBEDDED:
        return Annotated[python, WrapValidator(partial(_embedded, python)), AfterValidator(_checked)]
    if type.kind is Kind.LIST and type.element is not None:
        element = (*getattr(python, "__args__", ()), Any)[0]
        return Annotated[list[annotation(type.element, _without_none(element))], Strict()]  # type: ignore[misc]
    if type.kind is Kind.DATETIME:
        return Annotated[datetime, BeforeValidator(partial(_instant, precision)), Strict()]
    if type.kind is Kind.JSON and python not in (Any, object):
        return Annotated[python, BeforeValidator(_json), Strict()]
    return PLAIN[type.kind]


def _without_none(python: Any) -> Any:
    parts = [part for part in getattr(python, "__args__", ()) if part is not type(None)]
    return parts[0] if len(parts) == 1 and type(None) in getattr(python, "__args__", ()) else python


# ---------------------------------------------------------------------------------------------------------- converters


def _fault(code: str, message: str) -> PydanticCustomError:
    return PydanticCustomError(cast(Any, f"kingpost.{code}"), cast(Any, message))


def _text(value: str) -> str:
    if not is_storable(value):
        raise _fault("text", "must not hold NUL or lone surrogates")
    return value


def _int64(value: int) -> int:
    if not SMALLEST <= value <= LARGEST:
        raise _fault("range", "must be a whole number of at most 64 bits")
    return value


def _choice(value: Any) -> Any:
    if isinstance(value, bool | float):  # each equal to a whole number
        raise _fault("choice", "must be one of the declared values")
    return value


def _float(value: float) -> float:
    return value + 0.0  # -0.0 becomes 0.0


def _member(enum: type[Enum], value: Any) -> Any:
    if isinstance(value, enum):
        return value
    for member in enum:
        if type(member.value) is type(value) and member.value == value:
            return member
    shown = ", ".join(repr(member.value) for member in enum)
    raise _fault("choice", f"must be one of {shown}")


def _uuid(value: Any) -> Any:
    if isinstance(value, UUID):
        return UUID(int=value.int)  # plain: drivers have subclasses
    if isinstance(value, str) and _UUID.fullmatch(value):
        return UUID(value)
    raise _fault("uuid", "must be a UUID")


def _decimal(value: Any) -> Any:
    if isinstance(value, Decimal):
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        return Decimal(value)
    if isinstance(value, float) and math.isfinite(value):
        return Decimal(repr(value))
    if isinstance(value, str) and _DECIMAL.fullmatch(value):
        return Decimal(value)
    raise _fault("decimal", "must be a decimal number, as text such as '12.50'")


def _to(type: Type) -> Callable[[Decimal], Decimal]:
    """Within its digits, and written with its scale."""
    places = type.places or 0
    whole, unit = (type.digits or 0) - places, Decimal(1).scaleb(-places)

    def scaled(value: Decimal) -> Decimal:
        if value and value.adjusted() >= whole:
            raise _fault("digits", f"must have at most {whole} digits before the point")
        made = value.quantize(unit, context=_WIDE)
        if made != value:
            raise _fault("digits", f"must have at most {places} digits after the point")
        return made if made else made.copy_abs()  # -0.00 becomes 0.00

    return scaled


def _instant(precision: Literal["us", "ms"], value: Any) -> Any:
    if isinstance(value, str) and _INSTANT.fullmatch(value):
        try:
            value = datetime.fromisoformat(value.upper())
        except ValueError:
            raise _fault("datetime", "must be a date and time that exist") from None
    if not isinstance(value, datetime):
        raise _fault("datetime", "must be an instant by RFC 3339, such as 2026-01-31T12:00:00Z")
    if value.utcoffset() is None:
        raise _fault("datetime", "must have a time zone")
    try:
        value = value.astimezone(UTC)
    except OverflowError:
        raise _fault("datetime", "must be within the years 1 to 9999") from None
    return value.replace(microsecond=value.microsecond // 1000 * 1000) if precision == "ms" else value


def _date(value: Any) -> Any:
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    if isinstance(value, str) and _DATE.fullmatch(value):
        try:
            return date.fromisoformat(value)
        except ValueError:
            pass
    raise _fault("date", "must be a date, such as 2026-01-31")


def _time(value: Any) -> Any:
    if isinstance(value, time) and value.tzinfo is None:
        return value
    if isinstance(value, str) and _TIME.fullmatch(value):
        try:
            return time.fromisoformat(value)
        except ValueError:
            pass
    raise _fault("time", "must be a time of day without a zone, such as 13:30:00")


_durations: Final = TypeAdapter(timedelta)


def _duration(value: Any) -> Any:
    if isinstance(value, timedelta):
        return _lasting(value)
    if isinstance(value, str) and _DURATION.fullmatch(value):
        try:
            found = _durations.validate_strings(value, strict=True)
        except (ValidationError, OverflowError):
            pass
        else:
            return _lasting(found)
    raise _fault("duration", "must be a duration by ISO 8601 in weeks or days to seconds, such as PT1H30M")


def _lasting(value: timedelta) -> timedelta:
    if not SMALLEST <= value // timedelta(microseconds=1) <= LARGEST:
        raise _fault("range", "must be a duration of at most 64 bits of microseconds, 106,751,991 days")
    return value


def _bytes(value: Any) -> Any:
    if isinstance(value, bytes):
        return value
    if isinstance(value, str):
        try:
            return base64.b64decode(value, validate=True)
        except (binascii.Error, ValueError):
            pass
    raise _fault("bytes", "must be bytes in base64")


def _json(value: Any, depth: int = 0) -> Any:
    """A JSON value that every store can hold."""
    if depth > _DEPTH:
        raise _fault("json", f"must not be nested more than {_DEPTH} deep")
    match value:
        case None | bool():
            return value
        case str():
            return _text(value)
        case int():
            return _int64(value)
        case float() if math.isfinite(value):
            return value
        case list():
            items: list[Any] = value  # pyright: ignore[reportUnknownVariableType]
            return [_json(each, depth + 1) for each in items]
        case dict():
            members: dict[Any, Any] = value  # pyright: ignore[reportUnknownVariableType]
            if not all(isinstance(name, str) for name in members):
                raise _fault("json", "must be plain JSON")
            return {_text(name): _json(each, depth + 1) for name, each in members.items()}
        case _:
            raise _fault("json", "must be plain JSON")


def _embedded(python: Any, value: Any, handler: Callable[[Any], Any]) -> Any:
    """What came as JSON is taken as strictly as other JSON; an object of the class is one already."""
    if not isinstance(value, dict):
        return handler(value)
    reader = _readers.get(python)
    if reader is None:
        several: Any = python | None  # a class alone admits no config beside its own
        reader = _readers[python] = TypeAdapter(several, config=CONFIG)
    return reader.validate_json(json.dumps(value), strict=True)


def _checked(value: Any) -> Any:
    """An embedded value whose JSON form every store can hold."""
    _json(to_json(value))
    return value


def to_json(value: Any) -> Any:
    """The JSON form of an embedded value: what stores keep of it."""
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    return _adapter(type(value)).dump_python(value, mode="json")


def from_json(python: Any, value: Any) -> Any:
    """The embedded value of a class from its JSON form, as stores give it."""
    return value if value is None else _adapter(python).validate_python(value)


_adapters: Final[dict[Any, TypeAdapter[Any]]] = {}
_readers: Final[dict[Any, TypeAdapter[Any]]] = {}


def _adapter(python: Any) -> TypeAdapter[Any]:
    found = _adapters.get(python)
    if found is None:
        found = _adapters[python] = TypeAdapter(python)
    return found


READ: Final[dict[Kind, Callable[[str], Any]]] = {
    Kind.DECIMAL: _decimal,
    Kind.UUID: _uuid,
    Kind.DATETIME: partial(_instant, "us"),
    Kind.DATE: _date,
    Kind.TIME: _time,
    Kind.DURATION: _duration,
    Kind.BYTES: _bytes,
}
"""How text is read as what JSON has no form of its own for; raises ValueError."""

PLAIN: Final[dict[Kind, Any]] = {
    Kind.TEXT: Annotated[str, Strict(), AfterValidator(_text)],
    Kind.INT: Annotated[int, Strict(), AfterValidator(_int64)],
    Kind.FLOAT: Annotated[float, Strict(), Field(allow_inf_nan=False), AfterValidator(_float)],
    Kind.BOOL: Annotated[bool, Strict()],
    Kind.DECIMAL: Annotated[Decimal, BeforeValidator(_decimal), Field(allow_inf_nan=False)],
    Kind.UUID: Annotated[UUID, BeforeValidator(_uuid), Strict()],
    Kind.DATE: Annotated[date, BeforeValidator(_date), Strict()],
    Kind.TIME: Annotated[time, BeforeValidator(_time), Strict()],
    Kind.DURATION: Annotated[timedelta, BeforeValidator(_duration), Strict()],
    Kind.BYTES: Annotated[bytes, BeforeValidator(_bytes), Strict()],
    Kind.JSON: Annotated[Any, BeforeValidator(_json)],
}


def wrong_value(field: FieldModel, value: Any) -> str:
    """Why a Python value is none that the field admits; "" if it is one."""
    if value is None:
        return "" if field.type.nullable else "it is None"
    try:
        checked = annotation(field.type, field.python, field.constraints, field.precision)
        # In a list, as an embedded class admits no config beside its own.
        config = ConfigDict(regex_engine="python-re")
        TypeAdapter[Any](list[checked], config=config).validate_python([value])  # type: ignore[valid-type]
    except ValidationError as error:
        return error.errors(include_url=False)[0]["msg"]
    return ""
