"""Carries out what the outboxes hold: rows of other stores that refer to what was deleted go too, or refer to nothing.

A note is worked through as often as it takes, and that it is done twice does no harm: rows that refer to a row that is
not there any more are looked for, and none are left. It is looked at once more a minute later, for rows whose writer
had seen the deleted row just before. One store that is down holds up nothing but what has to be done there.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from contextlib import suppress
from contextvars import Context
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec

from kingpost.base.clock import system_clock
from kingpost.base.counted import Counted
from kingpost.base.errors import KingpostError
from kingpost.engine.asking import Asked
from kingpost.engine.cursor import typed
from kingpost.engine.failures import explained
from kingpost.engine.federation import Federation
from kingpost.engine.lease import Lease
from kingpost.engine.outbox import AT_ONCE, Key, Outbox
from kingpost.engine.records import VERSION, outbox_in
from kingpost.engine.rows import Rows
from kingpost.language.tree import FALSE, Compare, Expression, Field, Param, Root
from kingpost.language.types import BOOL, DATETIME, INT, TEXT
from kingpost.model.columns import key_columns
from kingpost.model.model import Model
from kingpost.plan.following import Dependence, dependents, present
from kingpost.plan.select import Delete, Operation, Order, Select, Update
from kingpost.plan.values import bound_key
from kingpost.stores.contract import StaleRow, Store, StoreError

_log = logging.getLogger("kingpost.relay")

GRACE: Final = 60.0
"""Seconds after which a note is looked at once more: longer than any write that was under way can take."""
IDLE: Final = 2.0
"""Seconds between two looks into an outbox; what this process notes is looked at at once."""
LONGEST: Final = 300.0
"""Seconds after which a note that failed is tried again, at most."""
NOTES: Final = 100
"""So many notes are read at once."""
RACES: Final = 20


class Note(msgspec.Struct):
    """One row of an outbox."""

    id: str
    resource: str
    row: str
    again: bool
    tries: int
    version: int


class Relay:
    """Works while the application runs, or when told to (`settle`). `grace`: see `GRACE`."""

    def __init__(
        self, model: Model, stores: Mapping[str, Store], federation: Federation, outbox: Outbox, rows: Rows
    ) -> None:
        self._model, self._stores, self._federation = model, stores, federation
        self._outbox, self._rows = outbox, rows
        self.grace = GRACE
        self.forget()
        self._tasks: list[asyncio.Task[None]] = []
        self._stopping = False
        self._told = Counted(_log)

    def forget(self) -> None:
        """Begin anew: with other stores, or in another event loop."""
        names = self._outbox.following.stores
        self.leases = {name: Lease("relay", name, self._stores[name], system_clock) for name in names}
        self._turns = {name: asyncio.Lock() for name in names}
        self._prepared: dict[object, Asked] = {}
        self._outbox.forget()

    async def start(self) -> None:
        """Begin to work, if that has not begun, in tasks that act for nobody and are in no transaction."""
        if self._tasks:
            return
        self.forget()
        self._stopping = False
        self._tasks = [
            asyncio.create_task(self._work(name), name=f"kingpost relay {name}", context=Context())
            for name in self.leases
        ]

    async def stop(self) -> None:
        """End, and leave the rest to whoever comes next."""
        self._stopping = True
        tasks, self._tasks = self._tasks, []
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for lease in self.leases.values():
            with suppress(StoreError):
                await lease.give_back()

    async def settle(self) -> None:
        """Return when all that was noted has been carried out once. Raises what keeps that from happening."""
        await asyncio.create_task(self._settle(), context=Context())

    async def waiting(self) -> dict[str, int]:
        """How many deletes of each store are not followed yet, up to a hundred of each."""
        return {name: len(await self._notes(name, first=True)) for name in self.leases}

    # The loop

    async def _work(self, store: str) -> None:
        noted, pause = self._outbox.noted[store], 0.0
        while not self._stopping:
            noted.clear()
            try:
                done = await self.work_off(store)
                pause = 0.0 if done else IDLE
            except (StoreError, KingpostError) as error:
                self._told.say(logging.WARNING, f"what was deleted in store {store} waits: {error}")
                pause = min(30.0, max(1.0, 2 * pause))
            except Exception:  # a defect must not end the work for good
                _log.exception("the relay of store %s failed, and goes on", store)
                pause = 30.0
            if pause:
                with suppress(TimeoutError):
                    async with asyncio.timeout(pause):  # `wait_for` of Python 3.11 may swallow that it is cancelled
                        await noted.wait()

    async def work_off(self, store: str) -> int:
        """Work through what is due in one outbox, a hundred notes at most; answers how many were done."""
        notes = await self._notes(store, due=system_clock())
        if not notes or not await self.leases[store].hold():
            return 0
        done = 0
        for note in notes:
            if not await self.leases[store].hold():
                break
            async with self._turns[store]:
                try:
                    await self._carry_out(store, note)
                    done += 1
                except Exception as error:  # whatever it is, it holds up no other note
                    words = f"the delete of a {note.resource} in store {store} is not followed everywhere yet: {error}"
                    self._told.say(logging.WARNING, words)
                    if not isinstance(error, (StoreError, KingpostError)):
                        _log.error("a defect, or a note that is none", exc_info=error)
                    await self._put_off(store, note)
        return done

    async def _settle(self) -> None:
        waits = True
        while waits:  # what is done in one store may be noted in another
            waits = False
            for store in self.leases:
                while notes := await self._notes(store, first=True):
                    waits = True
                    if not await self.leases[store].hold():
                        await asyncio.sleep(0.05)  # another process is at it
                        continue
                    for note in notes:
                        async with self._turns[store]:
                            try:
                                await self._carry_out(store, note)
                            except StoreError as error:
                                raise explained(error, store) from error

    # One note

    async def _carry_out(self, store: str, note: Note) -> None:
        await self._follow(store, note)
        key = (note.id,)
        name = outbox_in(store)
        due = system_clock() + timedelta(seconds=self.grace)
        done: Operation = Update(name, key, {"again": True, "tries": 0, "due": due}, note.version)
        if note.again:
            done = Delete(name, key, note.version)
        with suppress(StaleRow):  # another did the same
            await self._stores[store].write([done])

    async def _put_off(self, store: str, note: Note) -> None:
        due = system_clock() + timedelta(seconds=min(2.0**note.tries, LONGEST))
        changed = {"tries": min(note.tries + 1, 30), "due": due}
        with suppress(StaleRow):
            await self._stores[store].write([Update(outbox_in(store), (note.id,), changed, note.version)])

    async def _follow(self, store: str, note: Note) -> None:
        """Do what is to be done in each other store, whatever becomes of it in one; raises the first failure."""
        found = self._model.resources.get(note.resource)
        if found is None:  # declared no more, so nothing refers to it
            return
        types = [column.type for column in key_columns(self._model, found)]
        key = tuple(typed(msgspec.json.decode(note.row), types))
        failure: Exception | None = None
        for one in self._outbox.following.of(note.resource):
            if one.followed and one.on_delete != "restrict":
                try:
                    await self._apply(one, key)
                except StoreError as error:
                    failure = failure or explained(error, self._model[one.resource].store)
                except KingpostError as error:
                    failure = failure or error
        if failure is not None:
            raise failure

    async def _apply(self, one: Dependence, key: Key) -> None:
        """Remove, or let go, all rows that refer to `key`, a thousand at a time."""
        races = 0
        while rows := await self._dependents(one, key):
            # After the rows were found, and before they go: rows that refer to a new row of this key have seen it.
            if await self._there(one.target, key):
                return
            operations = [self._operation(one, row, version) for row, version in rows]
            store = self._model[one.resource].store
            try:
                await self._outbox.write(store, operations)
            except StaleRow:
                races += 1
                if races > RACES:
                    raise
            except StoreError as error:
                if len(operations) == 1 or error.operation is None:
                    raise
                await self._each(store, operations)
                races += 1

    async def _each(self, store: str, operations: Sequence[Operation]) -> None:
        """One after the other, where one of them held up all; raises the first failure at the end."""
        failure: StoreError | None = None
        for operation in operations:
            try:
                await self._outbox.write(store, [operation])
            except StaleRow:
                pass  # looked for again
            except StoreError as error:
                failure = failure or error
        if failure is not None:
            raise failure

    def _operation(self, one: Dependence, key: Key, version: int | None) -> Operation:
        if one.on_delete == "cascade":
            return Delete(one.resource, key, version)
        columns = self._model[one.resource].relations[one.relation].columns
        return Update(one.resource, key, dict.fromkeys(columns), version)

    async def _there(self, resource: str, key: Key) -> bool:
        asked = self._prepared.get(resource)
        if asked is None:
            asked = self._prepared[resource] = self._federation.prepare(present(self._model[resource]))
        return bool(await asked.fetch({"key": bound_key(key)}))

    async def _dependents(self, one: Dependence, key: Key) -> list[tuple[Key, int | None]]:
        found = self._model[one.resource]
        asked = self._prepared.get(one)
        if asked is None:
            select = dependents(self._model, one, version=True)
            asked = self._prepared[one] = self._federation.prepare(select)
        rows = await asked.fetch({"keys": [bound_key(key)], "limit": AT_ONCE})
        width = len(key_columns(self._model, found))
        keys = self._rows.keys(one.resource, asked.source, [row[:width] for row in rows])
        return [(own, None if found.version is None else row[width]) for own, row in zip(keys, rows, strict=True)]

    # The outbox

    async def _notes(self, store: str, *, due: datetime | None = None, first: bool = False) -> list[Note]:
        """Some of the notes, the oldest first. `due`: those that are by then. `first`: those never carried out."""
        root = Root(outbox_in(store))
        asked = self._prepared.get((store, first))
        if asked is None:
            columns: list[Expression] = [Field(root, name, TEXT) for name in ("id", "resource", "row")]
            columns += [Field(root, "again", BOOL), Field(root, "tries", INT), Field(root, VERSION, INT)]
            where = Compare("<=", Field(root, "due", DATETIME), Param("due", DATETIME))
            if first:
                where = Compare("==", Field(root, "again", BOOL), FALSE)
            order = Order(Field(root, "id" if first else "due", TEXT if first else DATETIME))
            select = Select(root.resource, tuple(columns), where, (order,), limit=NOTES)
            asked = self._prepared[(store, first)] = self._federation.prepare(select)
        rows = await asked.fetch({} if first else {"due": due})
        convert: Any = asked.source.python_form(BOOL) or bool
        return [
            Note(id, resource, row, convert(again), tries, version) for id, resource, row, again, tries, version in rows
        ]
