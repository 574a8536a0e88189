"""Requests that may come twice: what was done under an Idempotency-Key is kept in the write's own transaction.

The scope is the actor and the key that the door made of method, path and header. A record is kept for 24 hours; a
repeat answers the keys of the rows that were written, which the door renders anew under present rights.
"""

from __future__ import annotations

import hashlib
from collections.abc import Generator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

import msgspec

from kingpost.base.errors import Conflict, Rejected
from kingpost.engine.asking import asked
from kingpost.engine.context import Context
from kingpost.engine.cursor import typed
from kingpost.engine.plans import actor_key
from kingpost.language.tree import Compare, Field, Param, Root
from kingpost.language.types import DATETIME, INT, TEXT, Kind, Type
from kingpost.model.columns import key_columns
from kingpost.model.model import FieldModel, Model, ResourceModel
from kingpost.plan.made import is_open
from kingpost.plan.select import Delete, Insert, Made, Operation, Order, Select, Update
from kingpost.stores.contract import Store, StoreError, UniqueViolation

KEPT = timedelta(hours=24)
SWEEP = 1000  # so many requests with a key, and old records are removed
_JSON = Type(Kind.JSON)
ALONE: Final = nullcontext()


@dataclass(slots=True)
class Idempotency:
    """One attempt of a request that may be repeated.

    `key` is the client's, behind method and path; the actor is added here. `fingerprint` tells the bodies apart.
    `replayed` is set when it had been done before, `expired` when that was too long ago to count.
    """

    key: str
    fingerprint: bytes
    replayed: bool = False
    expired: bool = False


def name_in(store: str) -> str:
    """The internal resource that keeps the records of one store."""
    return f"_repeats.{store}"


def records_in(store: str) -> ResourceModel:
    """Its declaration."""
    fields = {
        "id": FieldModel("id", TEXT, "id", str, key=True),
        "fingerprint": FieldModel("fingerprint", TEXT, "fingerprint", str),
        "keys": FieldModel("keys", _JSON, "keys", Any),
        "at": FieldModel("at", DATETIME, "at", Any, index=True),
    }
    return ResourceModel(
        name=name_in(store), cls=None, path="", table="kingpost_repeats", store=store, key=("id",), fields=fields,
        relations={}, version=None, internal=True,
    )  # fmt: skip


class Repeats:
    """Finds and keeps the records."""

    def __init__(self, model: Model, stores: Mapping[str, Store]) -> None:
        self._model = model
        self._stores = stores
        self._running: set[str] = set()
        self._asked = 0
        self._prepared: dict[str, Any] = {}

    def forget(self) -> None:
        """Ask all anew: with other stores."""
        self._prepared.clear()

    def running(self, repeat: Idempotency | None, context: Context) -> AbstractContextManager[None]:
        """One attempt at a time; raises `Conflict` (KP430) while another is in flight."""
        return ALONE if repeat is None else self._alone(repeat, context)

    @contextmanager
    def _alone(self, repeat: Idempotency, context: Context) -> Generator[None]:
        scope = _scope(repeat, context)
        if scope in self._running:
            raise Conflict("KP430", "a request with this Idempotency-Key is being answered; try again later")
        self._running.add(scope)
        try:
            yield
        finally:
            self._running.discard(scope)

    async def find(
        self, resource: ResourceModel, repeat: Idempotency | None, context: Context
    ) -> list[tuple[Any, ...]] | None:
        """The keys of the rows that the same request wrote before, or None.

        Raises `Rejected` (KP431) where the key came with another body.
        """
        if repeat is None:
            return None
        store = self._stores[resource.store]
        prepared = self._prepared.get(resource.store)
        if prepared is None:
            prepared = self._prepared[resource.store] = store.prepare(_by_id(resource.store))
        await self._sweep(context)
        # Not in a transaction that is open here: the record may be another one's.
        with asked(resource.store):
            rows = await store.fetch(prepared, {"id": _scope(repeat, context)})
        if not rows:
            return None
        fingerprint, keys, at = rows[0]
        convert = store.python_form(DATETIME)
        if (at if convert is None else convert(at)) < context.now - KEPT:
            repeat.expired = True
            return None
        if fingerprint != repeat.fingerprint.hex():
            raise Rejected("KP431", "this Idempotency-Key was used for another request")
        repeat.replayed = True
        return self._typed(resource, keys)

    def _typed(self, resource: ResourceModel, keys: Any) -> list[tuple[Any, ...]]:
        convert = self._stores[resource.store].python_form(_JSON)
        plain = keys if convert is None else convert(keys)
        types = [column.type for column in key_columns(self._model, resource)]
        return [tuple(typed(key, types)) for key in plain]

    def record(
        self, resource: ResourceModel, repeat: Idempotency | None, context: Context, keys: Sequence[tuple[Any, ...]]
    ) -> list[Operation]:
        """What to add to the batch of the write; an expired record gives way."""
        if repeat is None:
            return []
        name, scope = name_in(resource.store), _scope(repeat, context)
        plain: object = [] if is_open(keys) else msgspec.to_builtins([list(key) for key in keys])
        row = (scope, repeat.fingerprint.hex(), plain, context.now)
        insert = Insert(name, ("id", "fingerprint", "keys", "at"), [row])
        return [Delete(name, (scope,)), insert] if repeat.expired else [insert]

    def completed(
        self, resource: ResourceModel, repeat: Idempotency | None, context: Context, keys: Sequence[tuple[Any, ...]]
    ) -> list[Operation]:
        """What to add at the end of the batch, where the store makes keys and the record could not have them."""
        if repeat is None or not is_open(keys):
            return []
        plain = [[one if isinstance(one, Made) else msgspec.to_builtins(one) for one in key] for key in keys]
        return [Update(name_in(resource.store), (_scope(repeat, context),), {"keys": plain})]

    async def _sweep(self, context: Context) -> None:
        self._asked += 1
        if self._asked % SWEEP == 0:
            await self.forget_old(context.now)

    async def forget_old(self, now: Any) -> None:
        """Remove records that are older than 24 hours, a thousand at a time."""
        for found in self._model.resources.values():
            if not found.name.startswith("_repeats."):
                continue
            store = self._stores[found.store]
            root = Root(found.name)
            old = Select(
                found.name,
                (Field(root, "id", TEXT),),
                Compare("<", Field(root, "at", DATETIME), Param("since", DATETIME)),
                (Order(Field(root, "at", DATETIME)),),
                Param("limit", INT),
            )
            with asked(found.store):
                rows = await store.fetch(store.prepare(old), {"since": now - KEPT, "limit": 1000})
                if rows:
                    await store.write([Delete(found.name, (row[0],)) for row in rows])

    @staticmethod
    def repeated(error: StoreError) -> bool:
        """Whether a batch failed because another attempt had just kept its record."""
        return isinstance(error, UniqueViolation) and error.resource.startswith("_repeats.")


def _by_id(store: str) -> Select:
    root = Root(name_in(store))
    columns = (Field(root, "fingerprint", TEXT), Field(root, "keys", _JSON), Field(root, "at", DATETIME))
    return Select(root.resource, columns, Compare("==", Field(root, "id", TEXT), Param("id", TEXT)))


def _scope(repeat: Idempotency, context: Context) -> str:
    said = repr((actor_key(context), repeat.key))
    return hashlib.blake2b(said.encode("utf-8", "surrogatepass"), digest_size=32).hexdigest()
