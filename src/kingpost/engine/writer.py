"""Writes: a row is loaded through the rules, changed, checked, and stored in one short transaction.

1. The row is loaded as the actor may see it: what he may not see is not found; seen but not allowed is forbidden.
2. Changes are applied and validated outside any transaction; an action's body runs here.
3. One batch writes the row, its links and the record of the request, guarded by the row version, and checks what must
   hold afterwards. On conflict all of it is done again, at most three times.
"""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import anyio.to_thread

from kingpost.base.errors import Conflict, Detail, Rejected, Stale
from kingpost.engine.checks import Checks, refusal
from kingpost.engine.context import Context, open_transactions
from kingpost.engine.failures import explained
from kingpost.engine.plans import Plans, parameters
from kingpost.engine.reader import fetch_rows, missing
from kingpost.engine.repeats import Idempotency, Repeats
from kingpost.engine.rows import Rows, Values
from kingpost.language.tree import FALSE
from kingpost.model.inputs import fill
from kingpost.model.model import ActionModel, Model, ResourceModel
from kingpost.model.state import key_of, settle
from kingpost.plan.select import Clear, Delete, Insert, Operation, Update
from kingpost.plan.values import bound_key
from kingpost.plan.write import plan_load
from kingpost.stores.contract import StaleRow, Store, StoreError

ATTEMPTS = 3


@dataclass(slots=True)
class Loaded:
    """A row that is about to change."""

    values: Values
    key: tuple[Any, ...]
    version: int | None


@dataclass(slots=True)
class Changes:
    """What one write does to one row: members to store, links to write anew, and what to check."""

    resource: ResourceModel
    values: Values
    links: dict[str, list[tuple[Any, ...]]] = field(default_factory=dict[str, list[tuple[Any, ...]]])
    nested: dict[str, list[Mapping[str, Any]]] = field(default_factory=dict[str, list[Mapping[str, Any]]])


class Writer:
    """Creates, updates, deletes, and calls actions."""

    def __init__(
        self,
        plans: Plans,
        stores: Mapping[str, Store],
        rows: Rows,
        repeats: Repeats,
        new_id: Callable[[], Any],
    ) -> None:
        self.plans = plans
        self.model: Model = plans.rights.model
        self.stores = stores
        self.rows = rows
        self.repeats = repeats
        self.new_id = new_id
        self.checks = Checks(plans, stores, rows)

    # Creating

    async def create(
        self,
        resource: str,
        items: Sequence[Mapping[str, Any]],
        context: Context,
        repeat: Idempotency | None = None,
        *,
        trusted: bool = False,
    ) -> list[tuple[Any, ...]]:
        """Add rows, all or nothing; answers their keys. Raises `Forbidden`, `Rejected`, `Conflict`.

        `trusted`: the values come from the application's own code, which write rules of single members do not bind.
        """
        found = self.model[resource]
        before = await self.repeats.find(found, repeat, context)
        if before is not None:
            return before
        operations: list[Operation] = []
        bulk = len(items) > 1
        keys = [
            await self._add(found, item, context, operations, f"/{index}" if bulk else "", trusted=trusted)
            for index, item in enumerate(items)
        ]
        try:  # the record comes first, so that of two that repeat each other one fails on nothing else
            await self.run(found, [*self.repeats.record(found, repeat, context, keys), *operations])
        except StoreError as error:
            before = await self.repeats.find(found, repeat, context) if self.repeats.repeated(error) else None
            if before is None:
                raise explained(error) from error
            return before
        return keys

    async def _add(
        self,
        found: ResourceModel,
        item: Mapping[str, Any],
        context: Context,
        operations: list[Operation],
        pointer: str,
        *,
        trusted: bool,
    ) -> tuple[Any, ...]:
        change = self._sorted_out(found, item)
        values = self._filled(found, change.values, context)
        self.checks.validate(found, values, pointer)
        self.checks.compute(found, values, context)
        key = self.rows.key(found, values)
        after = self.checks.after(found, "create", context, () if trusted else tuple(item))
        self.checks.refuse_unless(after, found, values, context, "create")
        operations.extend(await self.checks.references(found, values, change.links, context, pointer))
        operations.append(Insert(found.name, self.rows.column_names(found.name), [self.rows.flat(found.name, values)]))
        operations.extend(self._links(found, key, change, fresh=True))
        for name, below in change.nested.items():
            relation = found.relations[name]
            for index, one in enumerate(below):
                inner = {**one, relation.inverse or "": key}
                place = f"{pointer}/{name}/{index}"
                await self._add(self.model[relation.target], inner, context, operations, place, trusted=trusted)
        operations.extend(self.checks.check(after, key, context, "create"))
        return key

    def defaults(self, resource: str, context: Context) -> Values:
        """What members that a door may write are, where nobody says."""
        found = self.model[resource]
        values = self._filled(found, {}, context)
        return {
            name: value
            for name, value in values.items()
            if name not in found.key and _writable(found, name) and not (value is None and _required(found, name))
        }

    def _filled(self, found: ResourceModel, given: Values, context: Context | None) -> Values:
        actor = None if context is None or context.actor is None else key_of(context.actor)
        filled = fill(self.model, found.name, given, actor=actor, new_key=self.new_id)
        members = (*found.fields, *(name for name, one in found.relations.items() if one.kind == "one"))
        values: Values = {name: filled.get(name) for name in members}
        if found.version is not None:
            values[found.version] = 1
        return values

    # Changing

    async def update(
        self,
        resource: str,
        key: tuple[Any, ...],
        data: Mapping[str, Any],
        context: Context,
        *,
        version: int | None = None,
        repeat: Idempotency | None = None,
        trusted: bool = False,
    ) -> int | None:
        """Give members of one row new values. With `version` the row must have it, else `Stale`.

        Answers the version that the row has now. `trusted` as in `create`.
        """
        found = self.model[resource]
        if await self.repeats.find(found, repeat, context) is not None:
            return None

        async def attempt(loaded: Loaded) -> list[Operation]:
            change = self._sorted_out(found, data)
            if "update" in found.actions and not trusted:
                change = await self._replaced(found, loaded, change)
            return await self._changed(found, loaded, change, context, "update", () if trusted else tuple(data))

        return await self._attempts(found, key, "update", context, version, attempt, repeat)

    async def _replaced(self, found: ResourceModel, loaded: Loaded, change: Changes) -> Changes:
        """An action named `update` gets the object as it is going to be, and may change it further."""
        row = self.rows.instance(found.name, dict(loaded.values))
        wanted = self.rows.instance(found.name, {**loaded.values, **change.values})
        for name in change.values:
            setattr(row, name, wanted.__dict__[name])
        await called(found.actions["update"].function, row)
        return Changes(found, self.model.inputs.check(row), change.links, change.nested)

    async def delete(
        self,
        resource: str,
        key: tuple[Any, ...],
        context: Context,
        *,
        version: int | None = None,
        repeat: Idempotency | None = None,
    ) -> None:
        """Remove one row, or mark it as deleted where the resource says so."""
        found = self.model[resource]
        if await self.repeats.find(found, repeat, context) is not None:
            return

        async def attempt(loaded: Loaded) -> list[Operation]:
            if found.deleted is not None:
                by_column = self.rows.changed(resource, {found.deleted: context.now})
                return [Update(resource, key, by_column, loaded.version)]
            return [Delete(resource, key, loaded.version)]

        await self._attempts(found, key, "delete", context, version, attempt, repeat)

    async def act(
        self,
        resource: str,
        key: tuple[Any, ...],
        action: ActionModel,
        arguments: Mapping[str, Any],
        context: Context,
        *,
        version: int | None = None,
        repeat: Idempotency | None = None,
    ) -> Any:
        """Call the body of an action on one row and store what it changed; answers what it returned."""
        found = self.model[resource]
        answer: list[Any] = [None]

        async def attempt(loaded: Loaded) -> list[Operation]:
            instance = self.rows.instance(resource, loaded.values)
            answer[0] = await called(action.function, instance, **arguments)
            members = self.model.inputs.check(instance)
            if not members:
                return []
            change = self._sorted_out(found, members)
            verb = action.name if action.check == "both" else None
            operations = await self._changed(found, loaded, change, context, verb, ())
            settle(instance, {} if found.version is None else {found.version: (loaded.version or 0) + 1})
            return operations

        await self._attempts(found, key, action.name, context, version, attempt, repeat)
        return answer[0]

    async def _changed(
        self,
        found: ResourceModel,
        loaded: Loaded,
        change: Changes,
        context: Context,
        verb: str | None,
        written: tuple[str, ...],
    ) -> list[Operation]:
        values = {**loaded.values, **change.values}
        if self.rows.key(found, values) != loaded.key:
            names = [Detail(f"/{name}", "KP424", "a key does not change") for name in found.key]
            raise Rejected("KP424", "the key of a row does not change", names)
        self.checks.validate(found, values, "")
        self.checks.compute(found, values, context)
        after = self.checks.after(found, verb, context, written)
        self.checks.refuse_unless(after, found, values, context, verb or "change")
        operations = await self.checks.references(found, change.values, change.links, context, "")
        differing = {name: value for name, value in values.items() if loaded.values.get(name) != value}
        by_column = self.rows.changed(found.name, {**change.values, **differing})
        operations.append(Update(found.name, loaded.key, by_column, loaded.version))
        operations.extend(self._links(found, loaded.key, change, fresh=False))
        operations.extend(self.checks.check(after, loaded.key, context, verb or "change"))
        return operations

    async def _attempts(
        self,
        found: ResourceModel,
        key: tuple[Any, ...],
        verb: str,
        context: Context,
        version: int | None,
        attempt: Callable[[Loaded], Awaitable[list[Operation]]],
        repeat: Idempotency | None,
    ) -> int | None:
        for left in reversed(range(ATTEMPTS)):
            loaded = await self.load(found.name, key, verb, context)
            if version is not None and loaded.version != version:
                raise Stale("KP412", f"this {found.name} has changed since the version that was named")
            operations = await attempt(loaded)
            operations = [*self.repeats.record(found, repeat, context, [key]), *operations]
            if not operations:
                return loaded.version
            try:
                await self.run(found, operations)
            except StaleRow:
                if version is not None:
                    raise Stale("KP412", f"this {found.name} has changed since the version that was named") from None
                if not left:
                    raise Conflict("KP411", f"others keep changing this {found.name}; try again") from None
            except StoreError as error:
                if self.repeats.repeated(error) and await self.repeats.find(found, repeat, context) is not None:
                    return None
                raise explained(error) from error
            else:
                return None if loaded.version is None else loaded.version + 1
        return None

    async def load(self, resource: str, key: tuple[Any, ...], verb: str, context: Context) -> Loaded:
        """The row for a change, through the rules. Raises `NotFound`, `Forbidden`, `Unauthenticated`."""
        found = self.model[resource]
        store = self.stores[found.store]

        def make(standing: Any) -> Any:
            plan = plan_load(standing, resource, verb)
            return plan, None if plan.select.where == FALSE else store.prepare(plan.select)

        plan, prepared = self.plans.find(("load", resource, verb), context, make)
        params = parameters(context, plan.captures)
        params["key"] = bound_key(key)
        rows: Sequence[Sequence[Any]] = (
            () if prepared is None else await fetch_rows(store, found.store, prepared, params)
        )
        if not rows:
            raise missing(resource)
        row = rows[0]
        if plan.allowed is not None and not row[plan.allowed]:
            raise refusal(context, f"the rules of {resource} do not let you {verb} this row")
        values = self.rows.read(resource, plan.columns, row)
        return Loaded(values, key, None if found.version is None else values[found.version])

    # Operations

    def _sorted_out(self, found: ResourceModel, data: Mapping[str, Any]) -> Changes:
        change = Changes(found, {})
        for name, value in data.items():
            relation = found.relations.get(name)
            if relation is None or relation.kind == "one":
                change.values[name] = value
            elif relation.kind == "linked":
                change.links[name] = list(value)
            elif relation.nested:
                change.nested[name] = list(value)
        return change

    def _links(self, found: ResourceModel, key: tuple[Any, ...], change: Changes, *, fresh: bool) -> list[Operation]:
        operations: list[Operation] = []
        for name, targets in change.links.items():
            relation = found.relations[name]
            link = self.model[relation.link]
            if not fresh:
                operations.append(Clear(link.name, relation.near, key))
            rows: list[tuple[Any, ...]] = []
            for place, target in enumerate(dict.fromkeys(targets)):
                values: Values = self._filled(link, {relation.near: key, relation.far: target}, None)
                if relation.position is not None:
                    values[relation.position] = place
                rows.append(self.rows.flat(link.name, values))
            if rows:
                operations.append(Insert(link.name, self.rows.column_names(link.name), rows))
        return operations

    async def run(self, found: ResourceModel, operations: list[Operation]) -> None:
        """One batch: in the transaction that is open for the store, else in one of its own."""
        store = self.stores[found.store]
        transaction = open_transactions.get().get(found.store)
        await (store if transaction is None else transaction).write(operations)


def _writable(found: ResourceModel, name: str) -> bool:
    owner = found.fields.get(name) or found.relations[name]
    return owner.access.writable == "always" and owner.access.readable


def _required(found: ResourceModel, name: str) -> bool:
    field = found.fields.get(name)
    return not (field.type.nullable if field is not None else found.relations[name].nullable)


async def called(function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """The answer of a user's function; sync ones run in a thread, with the present context."""
    if inspect.iscoroutinefunction(function):
        return await function(*args, **kwargs)
    return await anyio.to_thread.run_sync(lambda: function(*args, **kwargs))
