"""The types that a value of the language can have."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum


class Kind(Enum):
    """What sort of value it is; the parameters of a `Type` say the rest."""

    NONE = "None"
    BOOL = "bool"
    INT = "int"
    FLOAT = "float"
    DECIMAL = "Decimal"
    TEXT = "str"
    BYTES = "bytes"
    UUID = "UUID"
    DATETIME = "datetime"
    DATE = "date"
    TIME = "time"
    DURATION = "timedelta"
    JSON = "JSON"
    ENUM = "Enum"
    REFERENCE = "reference"
    EMBEDDED = "embedded"
    LIST = "list"


@dataclass(frozen=True, slots=True)
class Type:
    """A kind and its parameters.

    `nullable`: None is one of the values. `digits`, `places`: of a Decimal. `choices`: the values of a Literal or, by
    value, of an Enum. `name`: the resource of a reference, the class of an Enum or of an embedded value.
    `members`: of an embedded value. `element`: of a list.
    """

    kind: Kind
    nullable: bool = False
    digits: int | None = None
    places: int | None = None
    choices: tuple[str | int, ...] = ()
    name: str = ""
    members: tuple[tuple[str, Type], ...] = ()
    element: Type | None = None

    def maybe(self, nullable: bool = True) -> Type:
        """The same type with None among its values, or without."""
        return self if self.nullable == nullable else replace(self, nullable=nullable)

    def __str__(self) -> str:
        match self.kind:
            case Kind.REFERENCE | Kind.ENUM | Kind.EMBEDDED:
                text = self.name
            case Kind.LIST:
                text = f"list[{self.element}]"
            case Kind.TEXT | Kind.INT if self.choices:
                text = f"Literal[{', '.join(map(repr, self.choices))}]"
            case Kind.DECIMAL if self.places is not None:
                text = f"Decimal({self.digits}, {self.places})"
            case _:
                text = self.kind.value
        return f"{text} | None" if self.nullable and self.kind is not Kind.NONE else text


NONE = Type(Kind.NONE, nullable=True)
BOOL = Type(Kind.BOOL)
INT = Type(Kind.INT)
FLOAT = Type(Kind.FLOAT)
TEXT = Type(Kind.TEXT)
DATETIME = Type(Kind.DATETIME)
DURATION = Type(Kind.DURATION)


def reference(resource: str, *, nullable: bool = False) -> Type:
    """The type of a row of `resource`, known by its key."""
    return Type(Kind.REFERENCE, nullable=nullable, name=resource)
