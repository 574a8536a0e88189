"""What `where(name=value)` is given by code: a value that the member can be equal to, as it is bound."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final, TypeAlias, cast
from uuid import UUID

from kingpost.base.errors import Detail, Invalid
from kingpost.base.problems import Problem
from kingpost.language.capture import CaptureError, bind
from kingpost.language.kinds import LARGEST, SMALLEST
from kingpost.language.refusals import LanguageError
from kingpost.language.schema import Schema
from kingpost.language.types import Kind, Type
from kingpost.model.scalars import READ

ReadValue: TypeAlias = Callable[[object], object]

_DIGITS: Final = 19  # of the largest number of 64 bits
_EXAMPLES: Final = {
    Kind.BOOL: "True",
    Kind.INT: "3",
    Kind.FLOAT: "1.5",
    Kind.DECIMAL: "Decimal('12.50')",
    Kind.TEXT: "'…'",
    Kind.BYTES: "b'…'",
    Kind.UUID: "UUID('…')",
    Kind.DATETIME: "datetime(2026, 1, 1, tzinfo=UTC)",
    Kind.DATE: "date(2026, 1, 1)",
    Kind.TIME: "time(12, 30)",
    Kind.DURATION: "timedelta(hours=1)",
}


class Equals:
    """Reads the values of one keyword.

    Raises LanguageError, by the ids of the same comparison in a lambda; Invalid for a value of the right type that no
    row can hold, as such values come from outside. Values are not repeated: errors are logged.
    """

    def __init__(self, schema: Schema, resource: str, name: str, type: Type, key: tuple[Type, ...] = ()) -> None:
        self._schema = schema
        self._resource = resource
        self._name = name
        self._type = type.maybe(False)
        self._key = key

    def value(self, given: object) -> object:
        """The value of a scalar member."""
        return self._as(self._type, given)

    def row(self, given: object) -> object:
        """The key of a row, given as the row or as its key; a scalar where the key has one column."""
        known = self._schema.reference(given)
        if known is not None:
            if known[0] != self._type.name:
                raise self._never(known[0])
            return known[1]
        parts = cast("tuple[object, ...]", given) if isinstance(given, tuple) else (given,)
        if len(parts) != len(self._key):
            members = "one member" if len(self._key) == 1 else f"{len(self._key)} members"
            what = f"{self._at} is {self._type}, whose key has {members}, and was given {len(parts)}"
            raise self._refused("KL301", what)
        read = [self._as(type.maybe(False), part) for part, type in zip(parts, self._key, strict=True)]
        return read[0] if len(read) == 1 else tuple(read)

    def _as(self, type: Type, given: object) -> object:
        if type.kind is not Kind.DATETIME and isinstance(given, datetime):  # whether it has a zone is no matter then
            raise self._never("datetime")
        try:
            value, found = bind(given, self._schema)
        except CaptureError as error:
            message = f"what {self._at} was given can't be used: {error.message}"
            if error.code != "KL307" and isinstance(given, str | int | float | Decimal | datetime | timedelta):
                raise self._input(message) from None
            raise self._refused(error.code, message) from None
        if found.kind is Kind.LIST:
            message = f"{self._at} is {self._type} and was given a list"
            raise self._refused("KL301", message, f"lambda row: row.{self._name} in values")
        return self._fitted(type, value, found, given)

    def _fitted(self, type: Type, value: object, found: Type, given: object) -> object:
        match type.kind, found.kind:
            case ((Kind.TEXT | Kind.INT), Kind.ENUM) if isinstance(given, str | int):  # a StrEnum is text
                return value
            case Kind.ENUM, (Kind.TEXT | Kind.INT):
                if value not in type.choices:
                    message = f"what {self._at} was given is not one of {', '.join(map(repr, type.choices))}"
                    raise self._refused("KL308", message)
                return value
            case Kind.UUID, Kind.TEXT:  # as in `get`
                return self._uuid(cast("str", value))
            case Kind.BOOL, Kind.INT if value in (0, 1):
                return bool(value)
            case Kind.FLOAT, Kind.INT if float(cast("int", value)) == value:
                return float(cast("int", value))
            case Kind.DECIMAL, Kind.INT:
                return Decimal(cast("int", value))
            case Kind.INT, Kind.DECIMAL if _whole(cast("Decimal", value)):
                return int(cast("Decimal", value))
            case ((Kind.INT | Kind.DECIMAL), Kind.FLOAT):
                raise self._refused("KL309", f"{self._at} is {self._type} and was given a float")
            case kind, other if kind is other and (kind is not Kind.ENUM or type.name == found.name):
                return value
            case _:
                raise self._never(str(found.maybe(False)))

    def _uuid(self, text: str) -> UUID:
        try:
            return cast("UUID", READ[Kind.UUID](text))
        except ValueError:
            raise self._input(f"{self._at} is {self._type} and was given text that is no UUID") from None

    @property
    def _at(self) -> str:
        return f"{self._resource}.{self._name}"

    def _input(self, message: str) -> Invalid:
        return Invalid("KP112", message, [Detail(self._name, "KP112", message)])

    def _never(self, found: str) -> LanguageError:
        return self._refused("KL301", f"{self._at} is {self._type} and was given {found}: never equal")

    def _refused(self, code: str, message: str, asked: str = "") -> LanguageError:
        parts = [_example(part) for part in self._key or (self._type,)]
        value = parts[0] if len(parts) == 1 else f"({', '.join(parts)})"
        remedy = f"{self._resource}.where({asked or f'{self._name}={value}'})"
        return LanguageError([Problem(code, message, remedy)])


def _example(type: Type) -> str:
    return f"{type.name}.…" if type.kind is Kind.ENUM else _EXAMPLES[type.kind]


def _whole(value: Decimal) -> bool:
    """Whether it is a whole number of at most 64 bits."""
    return value.adjusted() < _DIGITS and value == int(value) and SMALLEST <= value <= LARGEST
