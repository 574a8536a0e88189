"""A lease: one process at a time does what is done alone, and another takes over soon after it is gone.

Whoever holds it writes his name and until when; others wait for that instant. Clocks of machines that share a store
have to agree within a few seconds. Two that hold it at once for a moment do the same work twice, so what is done under
a lease has to bear that.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any, Final

from kingpost.base.clock import Clock
from kingpost.base.ids import uuid7
from kingpost.engine.records import VERSION, leases_in
from kingpost.language.tree import Compare, Field, Param, Root
from kingpost.language.types import DATETIME, INT, TEXT
from kingpost.plan.select import Delete, Insert, Select, Update
from kingpost.stores.contract import StaleRow, Store, UniqueViolation

SECONDS: Final = 10.0
"""For how long a lease is taken; it is renewed when half of that is over."""


class Lease:
    """The lease `name` in one store. `clock` tells the time in all processes alike."""

    def __init__(self, name: str, store_name: str, store: Store, clock: Clock, seconds: float = SECONDS) -> None:
        self._name, self._store, self._clock = name, store, clock
        self._resource = leases_in(store_name)
        self._length = timedelta(seconds=seconds)
        self._me = str(uuid7())
        self._until: datetime | None = None
        self._version = 0
        self._prepared: Any = None
        self._turn = asyncio.Lock()

    async def hold(self) -> bool:
        """Whether it is ours now: kept, renewed, or taken. Raises `StoreError`."""
        async with self._turn:
            now = self._clock()
            if self._until is not None and now < self._until - self._length / 2:
                return True
            self._until = await self._take(now)
            return self._until is not None

    async def give_back(self) -> None:
        """Let another take it at once, if it is ours. Raises `StoreError`."""
        async with self._turn:
            held, self._until = self._until, None
            if held is not None:
                with suppress(StaleRow):  # it ran out, and another has it
                    await self._store.write([Delete(self._resource, (self._name,), self._version)])

    async def _take(self, now: datetime) -> datetime | None:
        until = now + self._length
        values = {"holder": self._me, "until": until}
        found = await self._found()
        try:
            if found is None:
                await self._store.write([Insert(self._resource, ("id", *values), [(self._name, *values.values())])])
                self._version = 1
                return until
            holder, end, version = found
            if holder != self._me and now < end:
                return None
            await self._store.write([Update(self._resource, (self._name,), values, version)])
        except (StaleRow, UniqueViolation):  # another was faster
            return None
        self._version = version + 1
        return until

    async def _found(self) -> tuple[str, datetime, int] | None:
        if self._prepared is None:
            root = Root(self._resource)
            columns = (Field(root, "holder", TEXT), Field(root, "until", DATETIME), Field(root, VERSION, INT))
            where = Compare("==", Field(root, "id", TEXT), Param("id", TEXT))
            self._prepared = self._store.prepare(Select(self._resource, columns, where))
        rows = await self._store.fetch(self._prepared, {"id": self._name})
        if not rows:
            return None
        holder, until, version = rows[0]
        convert = self._store.python_form(DATETIME)
        return holder, until if convert is None else convert(until), version
