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

from kingpost.base.errors import Conflict, Detail, Forbidden, KingpostError, Rejected, Stale, Unauthenticated
from kingpost.engine.context import Context, open_transactions
from kingpost.engine.failures import explained, no_such_row
from kingpost.engine.plans import Plans, actor_key, bound_key
from kingpost.engine.reader import fetch_rows, missing
from kingpost.engine.repeats import Idempotency, Repeats
from kingpost.engine.rows import Rows, Values, reference_key
from kingpost.language.evaluate import UNKNOWN, Frame, compile_expression
from kingpost.language.tree import FALSE, TRUE
from kingpost.model.inputs import fill
from kingpost.model.model import ActionModel, Model, ResourceModel
from kingpost.model.state import changes, key_of, settle
from kingpost.plan.rights import ActorWorld
from kingpost.plan.select import Check, Clear, Delete, Insert, Operation, Select, Update
from kingpost.plan.standing import Standing
from kingpost.plan.write import AfterPlan, plan_after, plan_load, plan_visible
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
        self._stored = {
            found.name: tuple(
                (one, compile_expression(one.expression)) for one in found.computed.values() if one.stored
            )
            for found in self.model.resources.values()
        }

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
            if self.repeats.repeated(error):
                return await self.repeats.find(found, repeat, context) or keys
            raise explained(error) from error
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
        self._validate(found, values, pointer)
        self._compute(found, values, context)
        key = self.rows.key(found, values)
        after = self._after(found, "create", context, () if trusted else tuple(item))
        self._refuse_unless(after, found, values, context, "create", pointer)
        operations.extend(await self._references(found, {**values}, change, context, pointer))
        operations.append(Insert(found.name, self.rows.column_names(found.name), [self.rows.flat(found.name, values)]))
        operations.extend(self._links(found, key, change, fresh=True))
        for name, below in change.nested.items():
            relation = found.relations[name]
            for index, one in enumerate(below):
                inner = {**one, relation.inverse or "": key}
                place = f"{pointer}/{name}/{index}"
                await self._add(self.model[relation.target], inner, context, operations, place, trusted=trusted)
        if not after.local and after.condition != TRUE:
            operations.append(self._check(after, [key], context, "create"))
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
        values = self.rows.values(found.name, changes(row))
        return Changes(found, values, change.links, change.nested)

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
            members = self.rows.values(resource, changes(instance))
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
        self._validate(found, values, "")
        self._compute(found, values, context)
        after = self._after(found, verb, context, written)
        self._refuse_unless(after, found, values, context, verb or "change", "")
        operations = await self._references(found, change.values, change, context, "")
        differing = {name: value for name, value in values.items() if loaded.values.get(name) != value}
        by_column = self.rows.changed(found.name, {**change.values, **differing})
        operations.append(Update(found.name, loaded.key, by_column, loaded.version))
        operations.extend(self._links(found, loaded.key, change, fresh=False))
        if not after.local and after.condition != TRUE:
            operations.append(self._check(after, [loaded.key], context, verb or "change"))
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
                if self.repeats.repeated(error):
                    await self.repeats.find(found, repeat, context)
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
        params = self.params(context, plan.captures)
        params["key"] = bound_key(key)
        rows = [] if prepared is None else await fetch_rows(store, found.store, prepared, params)
        if not rows:
            raise missing(resource)
        row = rows[0]
        if plan.allowed is not None and not row[plan.allowed]:
            raise _refusal(context, f"the rules of {resource} do not let you {verb} this row")
        values = self.rows.read(resource, plan.columns, row)
        return Loaded(values, key, None if found.version is None else values[found.version])

    # Checks

    def _after(self, found: ResourceModel, verb: str | None, context: Context, written: Sequence[str]) -> AfterPlan:
        names = tuple(name for name in written if name in found.names)
        shape = ("after", found.name, verb, names)
        return self.plans.find(shape, context, lambda standing: plan_after(standing, found.name, verb, names))

    def _refuse_unless(
        self, after: AfterPlan, found: ResourceModel, values: Values, context: Context, verb: str, pointer: str
    ) -> None:
        """Where the row itself decides, it is asked before anything is written."""
        if after.condition == TRUE or (not after.local and after.condition != FALSE):
            return
        frame = Frame(_Own(values), self.params(context, after.captures), _OwnWorld(found, context.actor))
        if after.condition == FALSE or compile_expression(after.condition)(frame) is not True:
            raise _refusal(context, f"the rules of {found.name} do not let you {verb} a row like this")

    def _check(self, after: AfterPlan, keys: list[tuple[Any, ...]], context: Context, verb: str) -> Check:
        params = self.params(context, after.captures)
        params["keys"] = [bound_key(key) for key in keys]
        return Check(after.select, params, len(keys), verb)

    async def _references(
        self, found: ResourceModel, values: Values, change: Changes, context: Context, pointer: str
    ) -> list[Operation]:
        """References must lead to rows that the actor may see."""
        wanted: list[tuple[str, list[tuple[Any, ...]]]] = []
        for name, relation in found.relations.items():
            if relation.kind == "one" and values.get(name) is not None:
                wanted.append((name, [values[name]]))
            elif name in change.links:
                wanted.append((name, change.links[name]))
        operations: list[Operation] = []
        for name, keys in wanted:
            target = self.model[found.relations[name].target]
            distinct = list(dict.fromkeys(keys))
            if not distinct:
                continue
            select = self._visible(target.name, context)
            if select is None:
                continue  # all of them are visible: the store's own constraint finds what is missing
            params = self.params(context, ())
            params["keys"] = [bound_key(key) for key in distinct]
            if target.store == found.store:
                operations.append(Check(select, params, len(distinct), f"reference {name}"))
                continue
            store = self.stores[target.store]
            if len(await fetch_rows(store, target.store, store.prepare(select), params)) != len(distinct):
                raise no_such_row((name,), pointer)
        return operations

    def _compute(self, found: ResourceModel, values: Values, context: Context) -> None:
        """Stored computed fields follow from the other values of the row."""
        for one, compute in self._stored[found.name]:
            value = compute(Frame(_Own(values), self.params(context, one.captures), _OwnWorld(found, context.actor)))
            if value is UNKNOWN:
                message = f"{one.name} can't be computed from these values"
                raise Rejected("KP426", message, [Detail(f"/{one.name}", "KP426", message)])
            values[one.name] = value

    def _visible(self, resource: str, context: Context) -> Select | None:
        def make(standing: Standing) -> tuple[Select | None]:
            return (plan_visible(standing, resource),)

        return self.plans.find(("visible", resource), context, make)[0]

    def _validate(self, found: ResourceModel, values: Values, pointer: str) -> None:
        if not found.validators:
            return
        instance = self.rows.instance(found.name, dict(values))
        details: list[Detail] = []
        for validator in found.validators:
            try:
                validator.function(instance)
            except ValueError as error:
                names = validator.fields or ("",)
                details.extend(Detail(f"{pointer}/{name}".rstrip("/"), "KP425", str(error)) for name in names)
        if details:
            raise Rejected("KP425", details[0].message, details)
        for name in found.fields:
            values[name] = instance.__dict__.get(name, values[name])

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

    def params(self, context: Context, captures: Sequence[Any]) -> dict[str, Any]:
        """What rules may be about besides the row: actor, instant, settings."""
        params: dict[str, Any] = {"now": context.now, "me": actor_key(context)}
        for capture in captures:
            params[capture.name] = capture.read()
        return params


def _refusal(context: Context, message: str) -> KingpostError:
    return Unauthenticated("KP401", message) if context.actor is None else Forbidden("KP403", message)


def _writable(found: ResourceModel, name: str) -> bool:
    owner = found.fields.get(name) or found.relations[name]
    return owner.access.writable == "always" and owner.access.readable


def _required(found: ResourceModel, name: str) -> bool:
    field = found.fields.get(name)
    return not (field.type.nullable if field is not None else found.relations[name].nullable)


class _Own:
    """A row that is known by its values."""

    __slots__ = ("values",)

    def __init__(self, values: Values) -> None:
        self.values = values


class _OwnWorld(ActorWorld):
    """A row about to be written, and the actor."""

    __slots__ = ("found",)

    def __init__(self, found: ResourceModel, actor: Any) -> None:
        super().__init__(actor, lambda instance: bound_key(reference_key(instance)))
        object.__setattr__(self, "found", found)

    def value(self, row: Any, resource: str, field: str) -> object:
        return row.values[field] if isinstance(row, _Own) else super().value(row, resource, field)

    def reference(self, row: Any, resource: str, relation: str) -> object:
        if not isinstance(row, _Own):
            return super().reference(row, resource, relation)
        key = row.values[relation]
        return None if key is None else bound_key(key)


async def called(function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """The answer of a user's function; sync ones run in a thread, with the present context."""
    if inspect.iscoroutinefunction(function):
        return await function(*args, **kwargs)
    return await anyio.to_thread.run_sync(lambda: function(*args, **kwargs))
