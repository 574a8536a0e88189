"""What somebody asks for, before anyone has looked whether it makes sense or is allowed.

Doors and `Query` make these values; nothing here is checked. Values stay apart from the shape, so that a plan made for
one shape serves all its values.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from kingpost.language.source import Source

Operator: TypeAlias = Literal["eq", "ne", "lt", "le", "gt", "ge", "in", "contains", "startswith", "endswith", "none"]


@dataclass(frozen=True, slots=True)
class Condition:
    """`path operator value`: `?author.name=Ada`, `?hours[ge]=3`, `where(author=me)`.

    `value` is text from outside (`raw`), or a Python value. `where` says what to point at when it is wrong.
    """

    path: tuple[str, ...]
    operator: Operator
    value: Any
    raw: bool = True
    where: str = ""


@dataclass(frozen=True, slots=True)
class Expressed:
    """A condition in the language: text (`?where=`), or the source of a lambda with what it captured.

    `shape` is equal for conditions that differ in bound values only; `values` are those, by parameter name.
    """

    source: Source
    shape: Hashable
    values: Mapping[str, Any]
    text: bool = True


@dataclass(frozen=True, slots=True)
class SortKey:
    """A path, or a lambda."""

    path: tuple[str, ...] = ()
    descending: bool = False
    source: Source | None = None


@dataclass(frozen=True, slots=True)
class SummaryOf:
    """`count=*`, `sum=hours`: `name` is that of the member of the answer."""

    kind: Literal["count", "sum", "min", "max", "avg"]
    path: tuple[str, ...]
    name: str


@dataclass(frozen=True, slots=True)
class Narrowed:
    """An include that is filtered, sorted and cut on its own: `include("comments", where=...)`."""

    conditions: tuple[Condition | Expressed, ...] = ()
    sort: tuple[SortKey, ...] = ()


@dataclass(frozen=True, slots=True)
class Read:
    """A read of one resource: one row (`key`), a page of rows, or a summary (`summaries`).

    `fields`: paths of what to answer, None for all that may be read. `include`: relations to fill in, each a path.
    `relation`: instead of the row of `key`, the rows at the end of that relation of it.
    """

    resource: str
    key: tuple[Any, ...] | None = None
    relation: str | None = None
    conditions: tuple[Condition | Expressed, ...] = ()
    search: str | None = None
    fields: tuple[tuple[str, ...], ...] | None = None
    include: tuple[tuple[str, ...], ...] = ()
    narrowed: Mapping[tuple[str, ...], Narrowed] | None = None
    sort: tuple[SortKey, ...] = ()
    limit: int | None = 50
    offset: int = 0
    after: str | None = None
    count: bool = False
    group: tuple[tuple[str, ...], ...] | None = None
    summaries: tuple[SummaryOf, ...] = ()
