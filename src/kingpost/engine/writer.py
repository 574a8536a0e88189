"""Writes: a row is loaded through the rules, changed, checked, and stored in one short transaction.

1. The row is loaded as the actor may see it: what he may not see is not found; seen but not allowed is forbidden.
2. Changes are applied and validated outside any transaction; an action's body runs here.
3. One batch writes the row, its links and the record of the request, guarded by the row version, and checks what must
   hold afterwards. On conflict all of it is done again, at most three times.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from kingpost.base.errors import Conflict, Detail, Rejected, Stale
from kingpost.engine.batch import Batch, require_distinct
from kingpost.engine.beforehand import Beforehand
from kingpost.engine.changes import Changes, called, sorted_out
from kingpost.engine.checks import Checks
from kingpost.engine.context import Context
from kingpost.engine.failures import within
from kingpost.engine.federation import Federation
from kingpost.engine.inserts import Inserts
from kingpost.engine.loading import Key, Loaded, Loader
from kingpost.engine.outbox import Outbox
from kingpost.engine.plans import Plans
from kingpost.engine.reasons import Reasons
from kingpost.engine.repeats import Idempotency, Repeats
from kingpost.engine.rows import Rows, Values
from kingpost.engine.shown import Shown
from kingpost.engine.unwritten import Undecided, Unwritten
from kingpost.model.model import ActionModel, Model, ResourceModel
from kingpost.model.patches import MergePatch
from kingpost.model.state import renew, settle
from kingpost.plan.made import filled_in
from kingpost.plan.select import Clear, Delete, Operation, Update
from kingpost.plan.write import is_local
from kingpost.stores.contract import Rows as StoredRows
from kingpost.stores.contract import StaleRow, StoreError

ATTEMPTS = 3


class Writer:
    """Creates, updates, deletes, and calls actions."""

    def __init__(
        self,
        plans: Plans,
        federation: Federation,
        outbox: Outbox,
        rows: Rows,
        repeats: Repeats,
        new_id: Callable[[], Any],
    ) -> None:
        self.plans = plans
        self.model: Model = plans.rights.model
        self._outbox = outbox
        self.rows = rows
        self.repeats = repeats
        self.inserts = Inserts(self.model, rows, new_id)
        self.checks = Checks(plans, federation, rows)
        self.unwritten = Unwritten(self.checks, federation, rows)
        self.beforehand = Beforehand(self.checks, self.unwritten, self.inserts, federation, rows)
        self.reasons = Reasons(plans, federation, self.unwritten)
        self.loader = Loader(plans, federation, rows)

    # Creating

    async def create(
        self,
        resource: str,
        items: Sequence[Mapping[str, Any]],
        context: Context,
        repeat: Idempotency | None = None,
        *,
        many: bool = False,
        written: Sequence[str] | None = None,
        shown: Shown | None = None,
        learn: Callable[[Values], None] | None = None,
    ) -> list[Key]:
        """Add rows, all or nothing; answers their keys. Raises `Forbidden`, `Rejected`, `Conflict`.

        `written`: the members that come from outside, bound by their write rules; None for all that are given.
        `shown` is told of the one row. `many`: errors point at the element of an array. `learn` is called, for one row,
        with what only the store knew: members that it made, and the row version.
        """
        found = self.model[resource]
        before = await self.repeats.find(found, repeat, context)
        if before is not None:
            return before
        batch = Batch()
        keys = [
            await self._add(found, item, context, batch, f"/{index}" if many else "", written, shown)
            for index, item in enumerate(items)
        ]
        # The record comes first, so that of two that repeat each other one fails on nothing else.
        batch.first(self.repeats.record(found, repeat, context, keys))
        batch.add(self.repeats.completed(found, repeat, context, keys), "")
        if learn is not None:
            batch.add(self.checks.version(found, keys[0]), "")
        try:
            answers = await self.run(found, batch.operations, shown)
        except StoreError as error:
            before = await self.repeats.find(found, repeat, context) if self.repeats.repeated(error) else None
            if before is None:
                raise await self.reasons.told(error, batch, context, found.store) from error
            return before
        made = self.rows.made(batch.operations, answers)
        if learn is not None:
            learn(batch.learnt(found, answers, made))
        return [filled_in(key, made) for key in keys]

    async def _add(
        self,
        found: ResourceModel,
        item: Mapping[str, Any],
        context: Context,
        batch: Batch,
        pointer: str,
        written: Sequence[str] | None = None,
        shown: Shown | None = None,
    ) -> Key:
        with within(pointer):
            after = self.checks.after(found, "create", context, tuple(item) if written is None else written)
            change = sorted_out(found, item)
            values = self.inserts.values(found, change.values, context)
            self.checks.validate(found, values)
            self.checks.compute(found, values, context)
            key = self.rows.key(found, values)
            self.checks.refuse_unless(after, found, values, context, "create")
            batch.undecided.append(Undecided(pointer, after, found, values, "create"))
            batch.add(await self.checks.references(found, values, change.links, context), pointer)
        returned = self.checks.judge(shown, found, values, context)
        batch.add([self.inserts.row(found, values, returned)], pointer)
        batch.add(self.inserts.links(found, key, change.links), pointer)
        for name, below in change.nested.items():
            relation = found.relations[name]
            for index, one in enumerate(below):
                inner = {**one, relation.inverse or "": key}
                place = f"{pointer}/{name}/{index}"
                await self._add(self.model[relation.target], inner, context, batch, place)
        batch.add(self.checks.check(after, key, context, "create"), pointer)
        return key

    # Changing

    async def update(
        self,
        resource: str,
        key: Key,
        data: Mapping[str, Any],
        context: Context,
        *,
        version: int | None = None,
        repeat: Idempotency | None = None,
        trusted: bool = False,
        shown: Shown | None = None,
    ) -> int | None:
        """Give members of one row new values. With `version` the row must have it, else `Stale`.

        Answers the version that the row has now. `trusted`: the values are the application's own, see `create`.
        """
        found = self.model[resource]
        if await self.repeats.find(found, repeat, context) is not None:
            return None

        async def attempt(loaded: Loaded, index: int, batch: Batch) -> list[Operation]:
            operations = await self._updated(found, loaded, data, context, batch, trusted=trusted, shown=shown)
            return [*operations, *(self.checks.version(found, key) if trusted else ())]

        written = () if trusted else (tuple(data),)
        return await self._attempts(
            found, [key], "update", context, attempt, repeat, version=version, written=written, shown=shown
        )

    async def update_many(
        self,
        resource: str,
        items: Sequence[tuple[Key, Mapping[str, Any]]],
        context: Context,
        repeat: Idempotency | None = None,
    ) -> list[Key]:
        """The same for several rows, all or nothing; answers their keys.

        What the rules say of a row as it was, they say of it as it was before any of them changed. There is no version
        to name: that nobody's change is lost holds from here on, not from when the caller read the rows.
        """
        found, keys = self.model[resource], [key for key, _ in items]
        before = await self.repeats.find(found, repeat, context)
        if before is not None:
            return before
        require_distinct(keys)

        async def attempt(loaded: Loaded, index: int, batch: Batch) -> list[Operation]:
            return await self._updated(found, loaded, items[index][1], context, batch, trusted=False)

        written = [tuple(data) for _, data in items]
        await self._attempts(found, keys, "update", context, attempt, repeat, many=True, written=written)
        return keys

    async def _updated(
        self,
        found: ResourceModel,
        loaded: Loaded,
        data: Mapping[str, Any],
        context: Context,
        batch: Batch,
        *,
        trusted: bool,
        shown: Shown | None = None,
    ) -> list[Operation]:
        change = sorted_out(found, data)
        for name, value in change.values.items():
            if isinstance(value, MergePatch):  # into the row as it is now, not as somebody read it
                stored = self.rows.plain(found.name, name, loaded.values[name])
                change.values[name] = self.model.inputs.merged(found.name, name, stored, value)
        if "update" in found.actions and not trusted:
            change = await self._replaced(found, loaded, change)
        written = () if trusted else tuple(data)
        return await self._changed(found, loaded, change, context, batch, "update", written, shown)

    async def _replaced(self, found: ResourceModel, loaded: Loaded, change: Changes) -> Changes:
        """An action named `update` gets the object as it is going to be, and may change it further."""
        row = self.rows.instance(found.name, dict(loaded.values))
        wanted = self.rows.instance(found.name, {**loaded.values, **change.values})
        for name in change.values:
            setattr(row, name, wanted.__dict__[name])
        await called(found.actions["update"], row)
        return Changes(self.model.inputs.check(row), change.links, change.nested)

    async def delete(
        self,
        resource: str,
        keys: Sequence[Key],
        context: Context,
        *,
        version: int | None = None,
        repeat: Idempotency | None = None,
        action: ActionModel | None = None,
        many: bool = False,
    ) -> None:
        """Remove rows, all or nothing, or mark them as deleted where the resource says so.

        `action`: one that is called instead. `many` as in `update_many`, else there is one key.
        """
        found = self.model[resource]
        if await self.repeats.find(found, repeat, context) is not None:
            return
        require_distinct(keys)

        async def attempt(loaded: Loaded, index: int, batch: Batch) -> list[Operation]:
            if action is not None:
                row = self.rows.instance(resource, loaded.values)
                return (await self._acted(found, loaded, row, action, {}, context, batch))[1]
            if found.deleted is not None:
                by_column = self.rows.changed(resource, {found.deleted: context.now})
                return [Update(resource, loaded.key, by_column, loaded.version)]
            return [Delete(resource, loaded.key, loaded.version)]

        await self._attempts(found, keys, "delete", context, attempt, repeat, version=version, many=many)

    async def act(
        self,
        resource: str,
        key: Key,
        action: ActionModel,
        arguments: Callable[[], Awaitable[Mapping[str, Any]]],
        context: Context,
        *,
        version: int | None = None,
        repeat: Idempotency | None = None,
        on: Any = None,
    ) -> Any:
        """Call the body of an action on one row and store what it changed; answers what it returned.

        `arguments` are asked for when the rules have let the actor through. `on`: the object that the body sees, made
        anew from the row; else there is one for the purpose.
        """
        found = self.model[resource]
        if await self.repeats.find(found, repeat, context) is not None:
            return None
        local = [one.name for one in found.computed.values() if is_local(one.expression)]
        answer: Any = None
        seen: Any = None

        async def attempt(loaded: Loaded, index: int, batch: Batch) -> list[Operation]:
            nonlocal answer, seen
            row = self.rows.instance(resource, loaded.values)
            seen = row if on is None else renew(on, row, local)
            given = await arguments()
            answer, operations = await self._acted(found, loaded, seen, action, given, context, batch)
            if operations and on is not None:
                operations += self.checks.version(found, key)
            return operations

        held = await self._attempts(found, [key], action.name, context, attempt, repeat, version=version)
        if seen is not None:
            settle(seen, {} if found.version is None else {found.version: held})
        return answer

    async def _acted(
        self,
        found: ResourceModel,
        loaded: Loaded,
        instance: Any,
        action: ActionModel,
        arguments: Mapping[str, Any],
        context: Context,
        batch: Batch,
    ) -> tuple[Any, list[Operation]]:
        answer = await called(action, instance, **arguments)
        members = self.model.inputs.check(instance)
        if not members:
            return answer, []
        change = sorted_out(found, members)
        verb = action.name if action.check == "both" else None
        return answer, await self._changed(found, loaded, change, context, batch, verb, ())

    async def _changed(
        self,
        found: ResourceModel,
        loaded: Loaded,
        change: Changes,
        context: Context,
        batch: Batch,
        verb: str | None,
        written: tuple[str, ...],
        shown: Shown | None = None,
    ) -> list[Operation]:
        values = {**loaded.values, **change.values}
        self.rows.follow(found, values)
        if self.rows.key(found, values) != loaded.key:
            names = [Detail(f"/{name}", "KP424", "a key does not change") for name in found.key]
            raise Rejected("KP424", "the key of a row does not change", names)
        self.checks.validate(found, values)
        self.checks.compute(found, values, context)
        after = self.checks.after(found, verb, context, written)
        self.checks.refuse_unless(after, found, values, context, verb or "change")
        batch.undecided.append(Undecided(batch.here, after, found, values, verb or "change"))
        operations = await self.checks.references(found, change.values, change.links, context)
        differing = {name: value for name, value in values.items() if loaded.values.get(name) != value}
        by_column = self.rows.changed(found.name, {**change.values, **differing})
        returned = self.checks.judge(shown, found, values, context)
        operations.append(Update(found.name, loaded.key, by_column, loaded.version, returned))
        for name, targets in change.links.items():
            relation = found.relations[name]
            kept = await self.checks.unseen(found, name, loaded.key, context)
            operations.append(Clear(relation.link, relation.near, loaded.key))
            operations.extend(self.inserts.links(found, loaded.key, {name: [*targets, *kept]}))
        operations.extend(self.checks.check(after, loaded.key, context, verb or "change"))
        return operations

    async def _attempts(
        self,
        found: ResourceModel,
        keys: Sequence[Key],
        verb: str,
        context: Context,
        attempt: Callable[[Loaded, int, Batch], Awaitable[list[Operation]]],
        repeat: Idempotency | None,
        *,
        version: int | None = None,
        many: bool = False,
        written: Sequence[Sequence[str]] = (),
        shown: Shown | None = None,
    ) -> int | None:
        """Load, change and store, again where somebody else was faster; answers the version of one row."""
        changed = Stale("KP412", f"this {found.name} has changed since the version that was named")
        for left in reversed(range(ATTEMPTS)):
            rows = await self.loader.rows(found.name, keys, verb, context, written, many=many)
            if version is not None and rows[0].version != version:
                raise changed
            batch = Batch()
            for index, loaded in enumerate(rows):
                batch.here = f"/{index}" if many else ""
                with within(batch.here):
                    batch.add(await attempt(loaded, index, batch), batch.here)
            batch.first(self.repeats.record(found, repeat, context, keys))
            held = rows[0].version if rows else None
            if not batch.operations:
                return held
            try:
                answers = await self.run(found, batch.operations, shown)
            except StaleRow as error:
                if version is not None:
                    raise changed from None
                if not left:
                    with within(batch.place(error)):
                        raise Conflict("KP411", f"others keep changing this {found.name}; try again") from None
            except StoreError as error:
                if self.repeats.repeated(error) and await self.repeats.find(found, repeat, context) is not None:
                    return None
                raise await self.reasons.told(error, batch, context, found.store) from error
            else:
                return held + 1 if held is not None and found.counted else batch.version(answers)
        return None

    async def run(
        self, found: ResourceModel, operations: list[Operation], shown: Shown | None = None
    ) -> Sequence[StoredRows]:
        """One batch: in the transaction that is open for the store, else in one of its own."""
        answers = await self._outbox.write(found.store, operations)
        if shown is not None:
            shown.take(operations, answers)
        return answers
