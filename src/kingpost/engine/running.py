"""Plans, ready to run in their stores, and what comes of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from kingpost.engine.asking import Asked
from kingpost.engine.stitch import Group, Stitch
from kingpost.plan.plan import Batch, Fetch, ReadPlan
from kingpost.plan.read import Planned

if TYPE_CHECKING:
    from kingpost.engine.shown import Returning


class LeftOut(Struct, frozen=True):
    """An optional include that could not be had: `code` and `detail` say why."""

    include: str
    code: str
    detail: str


class Page(Struct):
    """Rows of a list. `next` is the cursor of the page that follows, if there is one; `total` only when asked for."""

    items: list[Any]
    next: str | None = None
    total: int | None = None
    public: bool = False
    warnings: Sequence[LeftOut] = ()


class One(Struct):
    """One row, and its version where the resource has one."""

    item: Any
    version: int | None
    public: bool = False
    warnings: Sequence[LeftOut] = ()


class RunningFetch(Struct):
    """A fetch with its statement prepared and its stitcher written."""

    fetch: Fetch
    asked: Asked
    stitch: Stitch
    batches: list[RunningBatch]


class RunningBatch(Struct):
    """A batch: how its keys are read off the parent's rows, and off its own (`owner`); how each of them becomes a
    Python value, to be bound and compared in another store.

    `bare`: single rows by their keys alone, so that one which is not found is not there."""

    batch: Batch
    below: RunningFetch
    group: Group
    read_key: Callable[[Sequence[Any]], Any]
    form: Callable[[Any], Any] | None
    owner: Callable[[Sequence[Any]], Any]
    python: Callable[[Any], Any] | None
    bare: bool = False


class Ready(Struct):
    """A plan, prepared in its stores."""

    planned: Planned
    plan: ReadPlan
    running: RunningFetch
    count: Asked | None = None
    last: Callable[[Sequence[Any]], list[Any]] | None = None
    returning: Returning | None = None
