"""What somebody asks for, before anyone has looked whether it makes sense or is allowed.

Doors and `Query` make these values; nothing here is checked. Values stay apart from the shape, so that a plan made for
one shape serves all its values.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any, Final, Literal, TypeAlias

from msgspec import Struct, field
from msgspec.structs import replace

from kingpost.language.source import Source
from kingpost.language.text import Lifted

Operator: TypeAlias = Literal["eq", "ne", "lt", "le", "gt", "ge", "in", "contains", "startswith", "endswith", "none"]

SHAPED: Final = frozenset({"shape", "asked"})
"""What may be kept with a read that follows from its shape alone."""

_SMALL = {1, 2, 3, 4, 5, 6, 8, 10, 12, 15, 16, 20, 24, 25, 30, 32, 36, 40, 48, 50, 60, 64, 75, 80, 96, 100}
ROUND: Final = frozenset({*_SMALL, 120, 128, 150, 200, 250, 256, 300, 400, 500, 512, 600, 750, 800, 1000})
"""Limits that people write; few enough to plan for each of them."""


class Condition(Struct, frozen=True):
    """`path operator value`: `?author.name=Ada`, `?hours[ge]=3`, `where(author=me)`.

    `value` is text from outside (`raw`), or a Python value. `where` says what to point at when it is wrong.
    """

    path: tuple[str, ...]
    operator: Operator
    value: Any
    raw: bool = True
    where: str = ""


class Expressed(Struct, frozen=True):
    """A condition in the language: text (`?where=`), or a lambda, whose captured values are read off its source.

    `shape` is equal for conditions that differ in bound values only; `values` are those of constants that were `lifted`
    out of the text.
    """

    source: Source
    shape: Hashable
    values: Mapping[str, Any] = field(default_factory=dict[str, Any])
    text: bool = True
    lifted: Lifted | None = None


class SortKey(Struct, frozen=True):
    """A path, or a lambda."""

    path: tuple[str, ...] = ()
    descending: bool = False
    source: Source | None = None
    shape: Hashable = None


class SummaryOf(Struct, frozen=True):
    """`count=*`, `sum=hours`: `name` is that of the member of the answer. `source`: of a lambda instead of the path."""

    kind: Literal["count", "sum", "min", "max", "avg"]
    path: tuple[str, ...]
    name: str
    source: Source | None = None
    shape: Hashable = None


class Narrowed(Struct, frozen=True):
    """An include that is filtered, sorted and cut on its own: `include("comments", where=...)`."""

    conditions: tuple[Condition | Expressed, ...] = ()
    sort: tuple[SortKey, ...] = ()


class Read(Struct, frozen=True, dict=True):
    """A read of one resource: one row (`key`), a page of rows, or a summary (`summaries`).

    `fields`: paths of what to answer, None for all that may be read. `include`: relations to fill in, each a path;
    those of them that are `optional` are left out where another store does not answer.
    `relation`: instead of the row of `key`, the rows at the end of that relation of it. `keys`: only rows that have one
    of these. `shows`: only rows on which the actor may read this member. `whole`: for objects of the declaration,
    which also need the key and the row version.
    """

    resource: str
    key: tuple[Any, ...] | None = None
    relation: str | None = None
    conditions: tuple[Condition | Expressed, ...] = ()
    search: str | None = None
    fields: tuple[tuple[str, ...], ...] | None = None
    include: tuple[tuple[str, ...], ...] = ()
    optional: tuple[tuple[str, ...], ...] = ()
    narrowed: Mapping[tuple[str, ...], Narrowed] | None = None
    sort: tuple[SortKey, ...] = ()
    limit: int | None = 50
    offset: int = 0
    after: str | None = None
    count: bool = False
    group: tuple[tuple[str, ...], ...] | None = None
    summaries: tuple[SummaryOf, ...] = ()
    whole: bool = False
    keys: tuple[tuple[Any, ...], ...] | None = None
    shows: str | None = None

    @property
    def memo(self) -> dict[str, Any]:
        """What was worked out of it, kept with it."""
        return vars(self)

    def alike(self, **values: Any) -> Read:
        """The same but for values that have no part in the shape: what was worked out of the shape serves both."""
        _ = self.shape
        read = replace(self, **values)
        read.memo.update({name: known for name, known in self.memo.items() if name in SHAPED})
        return read

    @property
    def written_limit(self) -> bool:
        """Whether the limit is a part of the shape: databases plan better for a number that they know."""
        return self.limit in ROUND

    @property
    def shape(self) -> Hashable:
        """Equal for reads that differ in values only: what a plan is kept under."""
        known = self.memo.get("shape")
        if known is None:  # not a cached_property, which in Python 3.11 takes a lock
            known = self.memo["shape"] = self._shape()
        return known

    def _shape(self) -> Hashable:
        return (
            self.resource,
            self.key is not None,
            self.relation,
            tuple([_shape(one) for one in self.conditions]),
            self.search is not None,
            self.fields,
            self.include,
            self.optional,
            _narrowing(self.narrowed) if self.narrowed else None,
            self.sort and _sorting(self.sort),
            self.limit if self.written_limit else self.limit is not None and -1,
            self.offset > 0,
            self.count,
            self.group,
            tuple([(one.kind, one.path, one.name, one.shape) for one in self.summaries]) if self.summaries else (),
            self.whole,
            self.keys is not None,
            self.shows,
        )


def _shape(condition: Condition | Expressed) -> Hashable:
    if isinstance(condition, Expressed):
        return (condition.shape, condition.text)
    none = condition.value if condition.operator == "none" else condition.value is None
    return (condition.path, condition.operator, none, condition.raw, condition.where)


def _sorting(sort: tuple[SortKey, ...]) -> Hashable:
    return tuple([(key.path, key.descending, key.shape) for key in sort])


def _narrowing(narrowed: Mapping[tuple[str, ...], Narrowed]) -> Hashable:
    return tuple((path, tuple(map(_shape, one.conditions)), _sorting(one.sort)) for path, one in narrowed.items())
