"""Who is asking and when: the context of one request, job or block of code."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Generator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from contextvars import ContextVar, Token
from datetime import datetime
from types import MappingProxyType
from typing import Any

from msgspec import Struct, field

from kingpost.base.acting import acting
from kingpost.language.builtins import moment
from kingpost.plan.select import Operation
from kingpost.stores.contract import Rows, StoreDown, Transaction

log = logging.getLogger("kingpost.access")


class Timings(Struct):
    """Seconds spent in each stage of answering."""

    plan: float = 0.0
    run: float = 0.0


class Context(Struct, frozen=True):
    """`actor` is a row of the actor's resource or None (anonymous); `now` the one instant of the request.

    `system`: why the rules do not apply (`as_system`), else None.
    """

    actor: Any
    now: datetime
    system: str | None = None
    timings: Timings = field(default_factory=Timings)


class Words(Struct, eq=False):
    """Why the rules do not apply. They hold while the block lasts that says them; tasks begun in it do not keep them
    alive."""

    why: str
    hold: bool = True


class Opened(Struct, eq=False):
    """An interactive transaction, one statement at a time, whichever tasks ask.

    A task that was begun in it and lives longer is not in it any more.
    """

    transaction: Transaction
    ended: bool = False
    failed: Exception | None = None
    """What left a part of a batch written: then nothing of the transaction may take effect."""
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)

    @asynccontextmanager
    async def taken(self) -> AsyncGenerator[Transaction]:
        """The transaction, while nobody else uses it."""
        async with self.turn:
            if self.ended:
                raise StoreDown("The transaction has ended")
            yield self.transaction

    async def fetch(self, prepared: Any, params: Mapping[str, object]) -> Rows:
        """Rows as the transaction sees them."""
        async with self.taken() as transaction:
            return await transaction.fetch(prepared, params)

    async def write(self, operations: Sequence[Operation]) -> list[Rows]:
        """All of the operations or, when one fails, none; the transaction goes on."""
        async with self.taken() as transaction:
            return await transaction.write(operations)

    async def end(self) -> None:
        """Let a statement that runs come to its end, and no other begin."""
        self.ended = True
        async with self.turn:
            pass


open_transactions: ContextVar[Mapping[str, Opened]] = ContextVar("kingpost_transactions", default=MappingProxyType({}))
"""The interactive transactions of this task, by store."""

system: ContextVar[Words | None] = ContextVar("kingpost_system", default=None)
supplied: ContextVar[Mapping[int, Sequence[str]]] = ContextVar("kingpost_supplied", default=MappingProxyType({}))
"""For objects made of what came in, by `id`: the members that were given, which write rules bind."""


def reason() -> str | None:
    """Why the rules do not apply here and now, or None: they do."""
    words = system.get()
    return words.why if words is not None and words.hold else None


def open_transaction(store: str) -> Opened | None:
    """The transaction of this task that is open on a store."""
    opened = open_transactions.get().get(store)
    return None if opened is None or opened.ended else opened


@contextmanager
def as_system(why: str) -> Generator[None]:
    """Code inside sees and changes everything, whatever the rules say. The words are logged.

    >>> with as_system("nightly report"):
    ...     pass
    """
    if not why.strip():
        raise ValueError('as_system needs the reason in words: as_system("nightly report")')
    log.info("as system: %s", why)
    words = Words(why)
    token = system.set(words)
    try:
        yield
    finally:
        words.hold = False
        system.reset(token)


@contextmanager
def acting_as(actor: Any) -> Generator[None]:
    """Code inside has the rights of this actor; None is the anonymous one."""
    tokens = acting.set(actor), system.set(None)
    try:
        yield
    finally:
        acting.reset(tokens[0])
        system.reset(tokens[1])


class During:
    """Sets the context variables of user code for a block, and `others` with them."""

    __slots__ = ("_sets", "_tokens", "_words")

    def __init__(self, context: Context, *others: tuple[ContextVar[Any], Any]) -> None:
        self._words = None if context.system is None else Words(context.system)
        self._sets: Sequence[tuple[ContextVar[Any], Any]] = (
            (acting, context.actor),
            (system, self._words),
            (moment, context.now),
            *others,
        )
        self._tokens: Sequence[Token[Any]] = ()

    def __enter__(self) -> None:
        self._tokens = [variable.set(value) for variable, value in self._sets]

    def __exit__(self, *exc: object) -> None:
        for token in self._tokens:
            token.var.reset(token)
        if self._words is not None:
            self._words.hold = False
