"""What every store does, held by one conformance suite (`kingpost.testing.conformance`)."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol, runtime_checkable

from kingpost.language.types import Type
from kingpost.plan.select import Operation, Select

Rows = Sequence[Sequence[Any]]
Convert = Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class Inline:
    """A `Convert` that generated code may write out instead of calling it.

    `source` is the same in Python, of a value `v` and of `names`, which it has in braces. Where it raises what
    `function` would explain, the answer fails: it may raise `OverflowError` and `ValueError`.
    """

    function: Convert
    source: str
    names: Mapping[str, Any]

    def __call__(self, value: Any) -> Any:
        """What `function` answers."""
        return self.function(value)


@dataclass(frozen=True, slots=True)
class Abilities:
    """What a store can't do: feature -> why, and what to change. Features are those of `plan.features`.

    `returning`: an `Insert` or `Update` answers columns of the rows that it wrote. `changes`: rows are changed and
    deleted, and the resources that Kingpost keeps for itself can be kept here.
    """

    lacks: Mapping[str, str] = field(default_factory=dict[str, str])
    relations: bool = True
    transactions: bool = True
    returning: bool = True
    changes: bool = True


class Prepared(Protocol):
    """A select translated once per shape."""

    @property
    def text(self) -> str:
        """What the store is told, for `explain` and logs; no values in it."""
        ...


@dataclass(frozen=True, slots=True)
class SchemaChange:
    """One difference between declaration and store. `refuse`: not without loss or risk; `text` says what and why."""

    kind: Literal["create", "add", "refuse"]
    text: str
    statements: tuple[str, ...] = ()


class StoreError(Exception):
    """Base of what a store reports about a batch; `operation` is the index in it."""

    def __init__(self, message: str, operation: int | None = None) -> None:
        self.operation = operation
        super().__init__(message)


class UniqueViolation(StoreError):
    """Another row has these values. `members`: names of fields and relations, empty if not known."""

    def __init__(self, message: str, resource: str, members: tuple[str, ...], operation: int | None = None) -> None:
        self.resource, self.members = resource, members
        super().__init__(message, operation)


class ReferenceViolation(StoreError):
    """A reference points nowhere (`missing`), or the row is still referred to (`in use`)."""

    def __init__(
        self, message: str, resource: str, members: tuple[str, ...], kind: Literal["missing", "in use"],
        operation: int | None = None,
    ) -> None:  # fmt: skip
        self.resource, self.members, self.kind = resource, members, kind
        super().__init__(message, operation)


class StaleRow(StoreError):
    """The row is gone, or has another version than the one named."""


class CheckFailed(StoreError):
    """A `Check` found another number of rows."""

    def __init__(self, message: str, reason: str, operation: int | None = None) -> None:
        self.reason = reason
        super().__init__(message, operation)


class RowRefused(StoreError):
    """A table that others made holds its rows to what no declaration says: a CHECK, a trigger."""


class OutOfRange(StoreError):
    """A computation left what the store can hold (integer overflow, a date out of range): refused, never rounded."""


class TooComplex(StoreError):
    """A statement is larger, or deeper, than the store can read."""


class StoreDown(StoreError):
    """The store can't be reached, or did not answer in time."""


class OutcomeUnknown(StoreDown):
    """The store was lost while a write was under way: it has taken effect as a whole, or not at all."""


class StoreDamaged(StoreDown):
    """What is stored can't be read. Only its operator can mend that."""


class StoreFull(StoreError):
    """There is no room left: nothing of the batch was written. Reads go on."""


class TooSlow(StoreError):
    """A statement ran for longer than it may, and was stopped."""


class Transaction(Protocol):
    """Several reads and writes that see each other and take effect together."""

    async def fetch(self, prepared: Any, params: Mapping[str, object]) -> Rows: ...
    async def write(self, operations: Sequence[Operation]) -> list[Rows]: ...


@runtime_checkable
class SpeaksSQL(Protocol):
    """A transaction that takes statements of the application's own: for what Kingpost can't say."""

    async def execute(self, sql: str, params: Sequence[object] = ()) -> Rows:
        """Run one statement, its parameters in the driver's form; answers its rows as they are stored."""
        ...


class Store(Protocol):
    """One place where rows are kept. Made from its URL; knows the model's resources that live in it."""

    url: str

    @property
    def abilities(self) -> Abilities: ...

    async def start(self) -> None:
        """Open what is needed; creates nothing in the store."""
        ...

    async def stop(self) -> None: ...

    def prepare(self, select: Select) -> Any:
        """Translate; raises `kingpost.base.errors.Unsupported` naming the part that can't be said."""
        ...

    async def fetch(self, prepared: Any, params: Mapping[str, object]) -> Rows:
        """Run a prepared select. `params` are Python values by the names of the `Param`s in it."""
        ...

    def stream(self, prepared: Any, params: Mapping[str, object], *, chunk: int = 1000) -> AsyncGenerator[Rows, None]:
        """The same in chunks of at most `chunk` rows, from one snapshot, in bounded memory.

        Closing the generator gives back what it holds.
        """
        ...

    async def write(self, operations: Sequence[Operation]) -> list[Rows]:
        """Run all operations in order, in one transaction of their own: all or nothing.

        Answers one list per operation: the returned columns of an `Insert` or `Update`, the rows of a `Check` that
        answers, else empty. Raises a `StoreError`.
        """
        ...

    def transaction(self, *, limit: float | None = None) -> AbstractAsyncContextManager[Transaction]:
        """An interactive transaction; rolled back when the block raises.

        `limit`: for how many seconds it may hold up others, in the store's own terms; None: as its settings say.
        """
        ...

    def json_form(self, type: Type) -> Convert | None:
        """How a value as `fetch` gives it, unless None, becomes what the JSON encoder is given; None: as it is."""
        ...

    def python_form(self, type: Type) -> Convert | None:
        """How a value as `fetch` gives it, unless None, becomes that of the declaration; None: as it is."""
        ...

    async def compare(self) -> list[SchemaChange]:
        """How the store differs from the declaration; changes nothing."""
        ...

    async def apply(self, changes: Sequence[SchemaChange]) -> None:
        """Carry out `create` and `add` changes."""
        ...
