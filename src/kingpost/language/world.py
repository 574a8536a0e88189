"""What the memory evaluator is asked with: a row, parameters, and the world that other rows come from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Final, Protocol


class _Unknown(Enum):
    UNKNOWN = "unknown"

    def __bool__(self) -> bool:
        raise TypeError("unknown is neither true nor false: compare with `is`")

    def __repr__(self) -> str:
        return "UNKNOWN"


UNKNOWN: Final = _Unknown.UNKNOWN
"""What an expression answers where CPython would raise."""


class World(Protocol):
    """Where rows come from. Rows are opaque; `resource` always names the resource of `row`, but in `keyed`."""

    def value(self, row: Any, resource: str, field: str) -> object:
        """A stored scalar, as it is bound: instants in UTC, Enum members by value."""
        ...

    def reference(self, row: Any, resource: str, relation: str) -> object:
        """The key that a to-one relation holds, or None."""
        ...

    def one(self, row: Any, resource: str, relation: str) -> Any:
        """The row at the end of a to-one relation; None where there is none, also where the key leads nowhere."""
        ...

    def many(self, row: Any, resource: str, relation: str) -> Iterable[Any]:
        """The rows at the end of a to-many relation."""
        ...

    def linked(self, row: Any, resource: str, relation: str) -> Iterable[tuple[Any, Any]]:
        """The same where rows between lead there: each of these, with the row at its far end."""
        ...

    def keyed(self, resource: str, key: Any) -> Any:
        """The row with this key, or None."""
        ...

    def key_of(self, row: Any, resource: str) -> object:
        """The key of a row: a scalar, or a tuple where it has several fields."""
        ...


@dataclass(slots=True)
class Frame:
    """One question: the row it is about, the values of parameters, and where other rows come from."""

    root: Any
    params: Mapping[str, Any]
    world: World
    items: dict[int, Any] = field(default_factory=dict[int, Any], init=False)
