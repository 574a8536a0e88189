"""Plans: what is fetched from which store, and how rows become objects. Values only; the engine runs them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from kingpost.language.lower import Capture
from kingpost.language.types import Type
from kingpost.plan.select import Select


@dataclass(frozen=True, slots=True)
class Leaf:
    """A scalar, in one column."""

    name: str
    column: int
    type: Type


@dataclass(frozen=True, slots=True)
class Reference:
    """A to-one relation that is not filled in: its key, `{"id": …}`; None where the first column is None."""

    name: str
    resource: str
    columns: tuple[int, ...]
    keys: tuple[str, ...]
    types: tuple[Type, ...]


@dataclass(frozen=True, slots=True)
class One:
    """A to-one relation filled in from the same row (a join). Where `present` is None, the bare reference is shown."""

    name: str
    present: int
    shape: Shape
    reference: Reference


@dataclass(frozen=True, slots=True)
class Batched:
    """A relation filled in from a batch: a list, or one object (`many` False, with its bare reference)."""

    name: str
    batch: int
    columns: tuple[int, ...]
    many: bool
    reference: Reference | None = None


Entry: TypeAlias = Leaf | Reference | One | Batched


@dataclass(frozen=True, slots=True)
class Shape:
    """An object of `resource` with these members, in this order."""

    resource: str
    entries: tuple[Entry, ...]


@dataclass(frozen=True, slots=True)
class Fetch:
    """One statement and what follows from its rows."""

    store: str
    select: Select
    shape: Shape
    batches: tuple[Batch, ...] = ()
    title: str = ""


@dataclass(frozen=True, slots=True)
class Batch:
    """A look-up of the distinct keys found in the parent's `columns`, bound as the list parameter `keys`.

    `owner`: the columns of the fetched rows that hold the parent's key. `unwrap`: the object wanted is that member of
    the fetched one (the far end of a link). `optional`: what it fetches is left out where its store does not answer.
    """

    fetch: Fetch
    columns: tuple[int, ...]
    owner: tuple[int, ...]
    many: bool
    unwrap: str | None = None
    optional: bool = False


@dataclass(frozen=True, slots=True)
class CursorPlan:
    """How a page goes on: the columns that hold the sort values of a row, and their types."""

    columns: tuple[int, ...]
    types: tuple[Type, ...]


@dataclass(frozen=True, slots=True)
class ReadPlan:
    """A read, ready to run. `public`: nothing in it depends on who asks."""

    fetch: Fetch
    captures: tuple[Capture, ...]
    public: bool
    count: Select | None = None
    cursor: CursorPlan | None = None
    version: int | None = None
    empty: bool = False
