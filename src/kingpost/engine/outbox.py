"""Writes with what they mean for other stores: a delete is noted, in its own transaction, for all that must follow it.

1. Before a delete, the other stores are asked for rows that keep it from happening (`on_delete="restrict"`).
2. What is deleted is noted in the outbox of its store, by the batch that deletes it: the row, and rows that go with it.
3. The relay (`engine.relay`) does the rest, afterwards and in each of the other stores.

A row is not added under a key whose delete still waits: what refers to the old row would be taken for its own.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final

import msgspec

from kingpost.base.clock import system_clock
from kingpost.base.errors import Conflict
from kingpost.base.ids import uuid7
from kingpost.engine.asking import Asked
from kingpost.engine.context import open_transaction
from kingpost.engine.federation import Federation
from kingpost.engine.records import outbox_in
from kingpost.engine.rows import Rows
from kingpost.language.tree import FALSE, Compare, Field, In, Param, Root, all_of
from kingpost.language.types import BOOL, TEXT, Kind, Type
from kingpost.model.columns import key_columns
from kingpost.model.model import Model
from kingpost.plan.following import Dependence, Following, dependents
from kingpost.plan.made import is_open
from kingpost.plan.select import Check, Delete, Insert, Operation, Select
from kingpost.plan.values import bound_key
from kingpost.stores.contract import ReferenceViolation, StoreError
from kingpost.stores.contract import Rows as StoredRows

Key = tuple[Any, ...]

MOST: Final = 10_000
"""So many rows may go with those of one delete, as far as they have to be looked at one by one."""
AT_ONCE: Final = 1_000
LEFT: Final = "left"
"""Why a batch fails that adds a row whose like has just been deleted."""
_DIGESTS: Final = Type(Kind.LIST, element=TEXT)


class Outbox:
    """Writes batches. `noted`, by store, is set when something new may wait there."""

    def __init__(self, model: Model, federation: Federation, rows: Rows, following: Following) -> None:
        self._model, self._federation, self._rows = model, federation, rows
        self.following = following
        self.forget()

    def forget(self) -> None:
        """Begin anew: with other stores, or in another event loop."""
        self.noted: dict[str, asyncio.Event] = {name: asyncio.Event() for name in self.following.stores}
        self._prepared: dict[Dependence, Asked] = {}

    async def write(self, store: str, operations: Sequence[Operation]) -> Sequence[StoredRows]:
        """One batch, in the transaction that is open for the store, else in one of its own.

        Raises `StoreError`, `Conflict` (KP416) where more than 10,000 rows would have to be looked at.
        """
        leaving = [
            (index, one) for index, one in enumerate(operations)
            if isinstance(one, Delete) and self.following.concerns(one.resource)
        ]  # fmt: skip
        returning = self._returning(store, operations) if store in self.noted else []
        if not leaving and not returning:
            return await self._federation.write(store, operations)
        await self._ask_all(leaving)
        going = any(self.following.going(one.resource) for _, one in leaving)
        async with self._together(store, needed=going):
            gone = await self._gone(one for _, one in leaving)
            more: list[Operation] = [*self._notes(store, gone), *(check for _, check in returning)]
            places = [leaving[0][0]] * (len(more) - len(returning)) if leaving else []
            places += [index for index, _ in returning]
            try:
                answers = await self._federation.write(store, [*operations, *more])
            except StoreError as error:
                if error.operation is not None and error.operation >= len(operations):
                    error.operation = places[error.operation - len(operations)]
                raise
        self.ring(store)
        return answers[: len(operations)]

    def ring(self, store: str) -> None:
        """Tell the relay that something may wait."""
        if store in self.noted:
            self.noted[store].set()

    # Before

    async def _ask_all(self, deletes: Sequence[tuple[int, Delete]]) -> None:
        """Raise `ReferenceViolation` where rows elsewhere keep one of these, or one that would go with it."""
        asking = [(index, one) for index, one in deletes if self.following.asks(one.resource)]
        for resource in dict.fromkeys(one.resource for _, one in asking):
            same = [(index, one.key) for index, one in asking if one.resource == resource]
            try:
                await self._ask(resource, [key for _, key in same])
            except ReferenceViolation:
                for index, key in same:  # which of them it is
                    try:
                        await self._ask(resource, [key])
                    except ReferenceViolation as error:
                        error.operation = index
                        raise
                raise

    async def _ask(self, resource: str, keys: list[Key]) -> None:
        waiting: list[tuple[str, list[Key], bool]] = [(resource, keys, False)]
        known = {(resource, key) for key in keys}
        for resource, keys, beyond in waiting:  # grows on the way
            for one in self.following.of(resource):
                if one.on_delete == "restrict" and (one.followed or beyond) and await self.depend(one, keys, 1):
                    words = f"rows of {one.resource} refer to a row of {one.target} by {one.relation}"
                    raise ReferenceViolation(words, one.resource, (one.relation,), "in use")
            onward = self.following.beyond(resource)
            if not beyond:
                inside = self.following.going(resource)
                onward = (*(one for one in onward if one.followed), *inside)
            for one in onward:
                below = await self._fresh(one, keys, known)
                if below:
                    waiting.append((one.resource, below, beyond or one.followed))

    async def _fresh(self, one: Dependence, keys: Sequence[Key], known: set[tuple[str, Key]]) -> list[Key]:
        found = await self.depend(one, keys, MOST + 1)
        fresh = list(dict.fromkeys(key for key in found if (one.resource, key) not in known))
        known.update((one.resource, key) for key in fresh)
        if len(known) > MOST:
            words = (
                f"more than {MOST:,} rows would go with this one: delete rows of {one.resource} first, some at a time"
            )
            raise Conflict("KP416", words)
        return fresh

    async def depend(self, one: Dependence, keys: Sequence[Key], limit: int) -> list[Key]:
        """The keys of rows that depend on any of `keys`, `limit` of them at most."""
        asked = self._prepared.get(one)
        if asked is None:
            asked = self._prepared[one] = self._federation.prepare(dependents(self._model, one))
        found: list[Key] = []
        for start in range(0, len(keys), AT_ONCE):
            part = [bound_key(key) for key in keys[start : start + AT_ONCE]]
            rows = await asked.fetch({"keys": part, "limit": limit - len(found)})
            found += self._rows.keys(one.resource, asked.source, rows)
            if len(found) >= limit:
                break
        return found

    # In the batch

    @asynccontextmanager
    async def _together(self, store: str, *, needed: bool) -> AsyncGenerator[None]:
        """What is looked up to be noted is looked up in the transaction of the delete."""
        if not needed or open_transaction(store) is not None:
            yield
            return
        async with self._federation.transaction(store):
            yield

    async def _gone(self, deletes: Any) -> list[tuple[str, Key]]:
        """What is deleted, and what goes with it in its store, as far as it has to be noted."""
        waiting: list[tuple[str, list[Key]]] = [(one.resource, [one.key]) for one in deletes]
        known = {(resource, key) for resource, keys in waiting for key in keys}
        for resource, keys in waiting:  # grows on the way
            for one in self.following.going(resource):
                below = await self._fresh(one, keys, known)
                if below:
                    waiting.append((one.resource, below))
        return [(name, key) for name, keys in waiting if self.following.noted(name) for key in keys]

    def _notes(self, store: str, gone: Sequence[tuple[str, Key]]) -> list[Operation]:
        if not gone:
            return []
        now = system_clock()
        columns = ("id", "resource", "row", "digest", "again", "tries", "due")
        rows: list[Sequence[object]] = []
        for resource, key in gone:
            text = as_text(key)
            rows.append((str(uuid7()), resource, text, digest(resource, text), False, 0, now))
        return [
            Insert(outbox_in(store), columns, rows[start : start + AT_ONCE]) for start in range(0, len(rows), AT_ONCE)
        ]

    def _returning(self, store: str, operations: Sequence[Operation]) -> list[tuple[int, Check]]:
        """For each insert of rows that others follow: no delete of such a row may wait."""
        checks: list[tuple[int, Check]] = []
        for index, one in enumerate(operations):
            if not isinstance(one, Insert) or not self.following.noted(one.resource):
                continue
            places = [one.columns.index(column.name) for column in key_columns(self._model, self._model[one.resource])]
            keys = (tuple(row[place] for place in places) for row in one.rows)
            digests = [digest(one.resource, as_text(key)) for key in keys if not is_open(key)]
            for start in range(0, len(digests), AT_ONCE):
                part = digests[start : start + AT_ONCE]
                checks.append((index, Check(_waiting(store), {"digests": part}, 0, LEFT)))
        return checks


def as_text(key: Key) -> str:
    """A key in JSON."""
    return msgspec.json.encode(key).decode()


def digest(resource: str, key: str) -> str:
    """A row in short."""
    return hashlib.blake2b(f"{resource} {key}".encode("utf-8", "surrogatepass"), digest_size=32).hexdigest()


def _waiting(store: str) -> Select:
    root = Root(outbox_in(store))
    wanted = In(Field(root, "digest", TEXT), Param("digests", _DIGESTS))
    first = Compare("==", Field(root, "again", BOOL), FALSE)
    return Select(root.resource, (Field(root, "id", TEXT),), all_of(wanted, first))
