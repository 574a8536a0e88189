"""What is asked of one store: the values that planners make and stores translate."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from kingpost.language.tree import Expression, Param


@dataclass(frozen=True, slots=True)
class Order:
    """One sort key. None sorts lowest; text by code point."""

    expression: Expression
    descending: bool = False


@dataclass(frozen=True, slots=True)
class Select:
    """Rows of one resource, all in one store; expressions are about `Root(resource)`.

    Rows answered are those for which `where` is surely true. `columns` may reach through to-one relations of the same
    store (a join), and hold aggregates over to-many ones (a sub-select). With `group` not None the answer has one row
    per distinct group (one row for no group), and columns are group expressions or `Summary`.
    An `Identity` column answers one column per column of the row's key.
    `after` names a place in the order, by a value for each of its keys (None: the value there is None); the rows
    answered come behind it. A store that has no better words takes `plan.orders.behind` for a condition.
    """

    resource: str
    columns: tuple[Expression, ...]
    where: Expression | None = None
    order: tuple[Order, ...] = ()
    limit: int | Param | None = None
    offset: int | Param | None = None
    group: tuple[Expression, ...] | None = None
    having: Expression | None = None
    after: tuple[Param | None, ...] = ()

    def expressions(self) -> Iterator[Expression]:
        """All that is asked, of rows and groups."""
        yield from self.columns
        yield from (order.expression for order in self.order)
        yield from self.group or ()
        yield from (one for one in (self.where, self.having, *self.after) if one is not None)


class Made:
    """Stands for a value that the store makes when it carries out an `Insert`, in that and in later operations."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Insert:
    """Rows to add. `columns` are column names, `rows` their values as Python objects (keys of references flat).

    The answer to it are the columns `returning` of each row, among them the row version, as the store has written them.
    `makes`, of a single row, are columns that the store fills by itself: they are answered after those, and become what
    `Made` stands for in the batch.
    """

    resource: str
    columns: tuple[str, ...]
    rows: Sequence[Sequence[object]]
    returning: tuple[str, ...] = ()
    makes: Mapping[str, Made] = field(default_factory=dict[str, Made])


@dataclass(frozen=True, slots=True)
class Update:
    """New values for one row, known by its key columns in order; the store raises a row version that it counts.

    With `version` the row must still have it, else the batch fails with `StaleRow`. `returning` as in `Insert`.
    """

    resource: str
    key: tuple[object, ...]
    values: Mapping[str, object]
    version: int | None = None
    returning: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Delete:
    """Remove one row, known as in `Update`."""

    resource: str
    key: tuple[object, ...]
    version: int | None = None


@dataclass(frozen=True, slots=True)
class Clear:
    """Remove the rows of `resource` whose to-one `relation` points at `key`: links, before they are written anew."""

    resource: str
    relation: str
    key: tuple[object, ...]


@dataclass(frozen=True, slots=True)
class Check:
    """A select that must answer exactly `rows` rows at this point of the batch, else it fails with `CheckFailed`.

    The rows are the answer to it if it `answers`, else there is none.
    """

    select: Select
    params: Mapping[str, object] = field(default_factory=dict[str, object])
    rows: int = 1
    reason: str = ""
    answers: bool = False


Operation: TypeAlias = Insert | Update | Delete | Clear | Check
