"""Asking a store: what it reports becomes words of the declaration, and who is given up while he waits is noted."""

from __future__ import annotations

from asyncio import CancelledError
from collections.abc import AsyncGenerator, Generator, Mapping, Sequence
from contextlib import aclosing, contextmanager
from time import perf_counter
from typing import Any, Protocol

from msgspec import Struct

from kingpost.base.waiting import waited_for
from kingpost.engine.context import open_transaction
from kingpost.engine.failures import explained
from kingpost.engine.trace import Step, tracing
from kingpost.language.tree import Param, walk
from kingpost.language.types import Kind, Type
from kingpost.plan.select import Operation, Select
from kingpost.stores.contract import Convert, Rows, Store, StoreError


class Answerer(Protocol):
    """What answers a prepared select: a store, or several together."""

    async def fetch(self, prepared: Any, params: Mapping[str, object]) -> Rows: ...
    def stream(
        self, prepared: Any, params: Mapping[str, object], *, chunk: int = 1000
    ) -> AsyncGenerator[Rows, None]: ...
    def json_form(self, type: Type) -> Convert | None: ...
    def python_form(self, type: Type) -> Convert | None: ...


async def fetch_rows(store: Answerer, name: str, prepared: Any, params: Mapping[str, Any]) -> Rows:
    """Rows of one statement: inside the transaction that is open for the store, else on their own."""
    transaction = open_transaction(name)
    try:
        return await (store if transaction is None else transaction).fetch(prepared, params)
    except StoreError as error:
        raise explained(error, name) from error
    except CancelledError as given_up:
        waited_for(name, given_up)
        raise


async def stream_rows(
    store: Answerer, name: str, prepared: Any, params: Mapping[str, Any], chunk: int
) -> AsyncGenerator[Rows, None]:
    """Rows of one statement in chunks, from one snapshot, which ends when the generator is closed."""
    with asked(name):
        async with aclosing(store.stream(prepared, params, chunk=chunk)) as found:
            async for rows in found:
                yield rows


async def write_batch(store: Store, name: str, operations: Sequence[Operation]) -> list[Rows]:
    """One batch: in the transaction that is open for the store, else in one of its own. Raises `StoreError`."""
    transaction = open_transaction(name)
    try:
        return await (store if transaction is None else transaction).write(operations)
    except CancelledError as given_up:
        waited_for(name, given_up)
        raise


@contextmanager
def asked(store: str) -> Generator[None]:
    """What a store reports inside comes out as a `KingpostError`."""
    try:
        yield
    except StoreError as error:
        raise explained(error, store) from error
    except CancelledError as given_up:
        waited_for(store, given_up)
        raise


class Asked(Struct):
    """A select, ready to be asked of `source`. `store`: the name of its store; "" where several answer together."""

    source: Answerer
    store: str
    prepared: Any
    select: Select
    returning: bool = False
    """Whether the store answers, of the rows that it writes, what this select would."""

    @property
    def where(self) -> str:
        """The store, or that there are several."""
        return self.store or "several stores"

    @property
    def text(self) -> str:
        """What the stores are told, for people."""
        found: str = self.prepared.text
        return found

    async def fetch(self, params: Mapping[str, Any]) -> Rows:
        """The rows."""
        steps = tracing.get()
        if steps is None or not self.store:  # of several stores each part is a step
            return await fetch_rows(self.source, self.store, self.prepared, params)
        began = perf_counter()
        rows = await fetch_rows(self.source, self.store, self.prepared, params)
        keys = _keys(self.select, params)
        steps.append(Step(self.store, self.select.resource, keys, len(rows), perf_counter() - began, self.text))
        return rows

    def stream(self, params: Mapping[str, Any], chunk: int) -> AsyncGenerator[Rows, None]:
        """The rows in chunks."""
        return stream_rows(self.source, self.store, self.prepared, params, chunk)


def _keys(select: Select, params: Mapping[str, Any]) -> int | None:
    """How many keys a select is given to look up."""
    lists = {
        node.name
        for expression in select.expressions()
        for node in walk(expression)
        if isinstance(node, Param) and node.type.kind is Kind.LIST
    }
    return sum(len(params.get(name) or ()) for name in lists) if lists else None
