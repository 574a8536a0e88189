"""What the language has to know of the declarations that an expression is about."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from kingpost.language.source import Source
from kingpost.language.types import Type


@dataclass(frozen=True, slots=True)
class Scalar:
    """A stored value."""

    type: Type


@dataclass(frozen=True, slots=True)
class ToOne:
    """A relation to at most one row. `nullable`: there may be none (also where the reference may dangle)."""

    resource: str
    nullable: bool


@dataclass(frozen=True, slots=True)
class ToMany:
    """A relation to any number of rows."""

    resource: str


@dataclass(frozen=True, slots=True)
class Derived:
    """A computed field: its function, and the type it declares."""

    source: Source
    type: Type


Attribute: TypeAlias = Scalar | ToOne | ToMany | Derived


class Schema(Protocol):
    """Answers for every resource of one model, known by name."""

    def attribute(self, resource: str, name: str) -> Attribute | None:
        """What `name` is on a row of `resource`, or None."""
        ...

    def attributes(self, resource: str) -> Iterable[str]:
        """All names there are, for "did you mean"."""
        ...

    def key(self, resource: str) -> tuple[str, ...]:
        """The names that a row is known by."""
        ...

    def rule(self, resource: str, name: str) -> Source | None:
        """The rule or method of that name which an expression may call, inlined (`self.mine(me)`)."""
        ...

    def reference(self, value: object) -> tuple[str, object] | None:
        """The resource and the key of a resource object, or None for any other value."""
        ...
