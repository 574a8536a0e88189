"""The engine: what doors and user code ask, over one model and its stores."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from time import perf_counter
from typing import Any, cast

from kingpost.base.acting import acting
from kingpost.base.clock import Clock
from kingpost.base.errors import Forbidden, NotFound, Unauthenticated, Unsupported
from kingpost.engine.arguments import with_rows
from kingpost.engine.asking import asked
from kingpost.engine.changes import called
from kingpost.engine.context import (
    Context,
    During,
    open_transaction,
    open_transactions,
    reason,
    supplied,
)
from kingpost.engine.cursor import Cursors
from kingpost.engine.explain import explained_plan
from kingpost.engine.failures import explained
from kingpost.engine.federation import Federation
from kingpost.engine.objects import constructors
from kingpost.engine.outbox import Outbox
from kingpost.engine.plans import Plans
from kingpost.engine.reader import Reader
from kingpost.engine.records import unchanging_stores
from kingpost.engine.relay import Relay
from kingpost.engine.repeats import Idempotency, Repeats
from kingpost.engine.rows import Rows
from kingpost.engine.running import One, Page
from kingpost.engine.shown import Shown
from kingpost.engine.trace import in_words, traced
from kingpost.engine.writer import Writer
from kingpost.language.builtins import present
from kingpost.language.schema import Schema
from kingpost.language.tree import FALSE, TRUE
from kingpost.model.instances import instance
from kingpost.model.model import ActionModel, Model, ResourceModel
from kingpost.model.resource import Resource
from kingpost.model.state import key_of
from kingpost.plan.following import Following
from kingpost.plan.intent import Read
from kingpost.plan.read import refused
from kingpost.plan.rights import Rights
from kingpost.stores.contract import Rows as StoredRows
from kingpost.stores.contract import SpeaksSQL, Store, StoreError


class Engine:
    """Runs plans and writes for one `App`.

    `stores` by name, `clock` and `new_id` injectable, `secret` signs cursors and must be equal in all processes.
    """

    def __init__(
        self,
        model: Model,
        schema: Schema,
        stores: Mapping[str, Store],
        *,
        clock: Clock,
        new_id: Callable[[], Any],
        secret: bytes,
    ) -> None:
        self.model = model
        self.schema = schema
        self.stores = stores
        self.clock = clock
        self.new_id = new_id
        self.plans = Plans(Rights(model))
        self.rows = Rows(model, stores)
        self.repeats = Repeats(model, stores)
        self.federation = Federation(model, stores)
        following = Following(model, unchanging_stores(stores))
        self.outbox = Outbox(model, self.federation, self.rows, following)
        self.relay = Relay(model, stores, self.federation, self.outbox, self.rows)
        cursors = Cursors(secret)
        self.structs = Reader(self.plans, schema, self.federation, cursors)
        self.objects = Reader(
            self.plans,
            schema,
            self.federation,
            cursors,
            forms=lambda source: source.python_form,
            make=constructors(model, self.rows),
            objects=True,
        )
        self.writer = Writer(
            self.plans, self.federation, self.outbox, self.rows, self.repeats, lambda: self.new_id()
        )  # fmt: skip

    def forget(self) -> None:
        """Plan and prepare all anew: for when an application is given other stores."""
        self.plans.forget()
        self.repeats.forget()
        self.relay.forget()

    async def start(self) -> None:
        """Open the stores."""
        for store in self.stores.values():
            await store.start()

    async def stop(self) -> None:
        """Close the stores; all of them, whatever one says."""
        async with AsyncExitStack() as stack:
            for store in self.stores.values():
                stack.push_async_callback(store.stop)

    def context(self) -> Context:
        """Who acts in this task, and its instant."""
        return Context(acting.get(), present(self.clock), reason())

    # Reading

    async def page(self, read: Read, context: Context) -> Page:
        """A page of rows as structs. A relation that the actor may not read on this row is not found."""
        public = await self._parent(read, context)
        page = await self.structs.page(read, context)
        page.public &= public
        return page

    async def one(self, read: Read, context: Context) -> One:
        """One row as a struct."""
        public = await self._parent(read, context)
        one = await self.structs.one(read, context)
        one.public &= public
        return one

    async def stream(self, read: Read, context: Context) -> AsyncGenerator[list[Any], None]:
        """All rows as structs, in chunks, from one snapshot, which ends when the generator is closed."""
        await self._parent(read, context)
        async with aclosing(self.structs.stream(read, context)) as chunks:
            async for chunk in chunks:
                yield chunk

    async def summary(self, read: Read, context: Context) -> list[Any]:
        """One struct per group."""
        return (await self.page(read, context)).items

    async def summaries(self, read: Read, context: Context) -> list[dict[str, Any]]:
        """One dict per group, with Python values."""
        return (await self.objects.page(read, context)).items

    async def _parent(self, read: Read, context: Context) -> bool:
        """Whether everyone may see the row and its relation that is read; raises `NotFound` if the actor may not."""
        if read.relation is None or read.key is None:
            return True
        names = tuple((name,) for name in self.model[read.resource].key)
        parent = Read(read.resource, read.key, fields=names, shows=read.relation)
        return (await self.structs.one(parent, context)).public

    # Writing

    def shown(self, read: Read, context: Context) -> Shown | None:
        """For the one row of a write, which is to be shown as `read` says; None where the actor may read no such rows.

        Where its `one` is still None after the write, the row has to be read.
        """
        try:
            return Shown(self.model, self.structs.ready(read, context, None))
        except (Forbidden, Unauthenticated):
            return None

    async def create(
        self,
        resource: str,
        data: Any,
        context: Context,
        *,
        idempotency: Idempotency | None = None,
        shown: Shown | None = None,
    ) -> Sequence[tuple[Any, ...]]:
        """Add one row (a mapping) or several (a list), all or nothing; answers their keys."""
        items = cast("list[Mapping[str, Any]]", data if isinstance(data, list) else [data])
        replacing = self.model[resource].actions.get("create")
        many = isinstance(data, list)
        with self.repeats.running(idempotency, context):
            if replacing is None:
                return await self.writer.create(resource, items, context, idempotency, many=many, shown=shown)
            with self.during(context):
                return await self._create_by(replacing, resource, items, context, idempotency, many=many)

    async def _create_by(
        self,
        action: ActionModel,
        resource: str,
        items: Sequence[Mapping[str, Any]],
        context: Context,
        repeat: Idempotency | None,
        *,
        many: bool,
    ) -> list[tuple[Any, ...]]:
        """An action named `create` gets each new object that the rules admit, saves it as it likes, and answers it."""
        found = self.model[resource]
        before = await self.repeats.find(found, repeat, context)
        if before is not None:
            return before
        given = [instance(cast(type[Resource], found.cls), item) for item in items]
        await self.writer.beforehand.ask(found, items, given, context, many=many)
        token = supplied.set({id(one): tuple(item) for one, item in zip(given, items, strict=True)})
        try:
            async with self._transaction(found.store):
                keys = [key_of(await called(action, one)) for one in given]
                await self.writer.run(found, self.repeats.record(found, repeat, context, keys))
        except StoreError as error:
            return await self._done_meanwhile(found, repeat, context, error)
        finally:
            supplied.reset(token)
        return keys

    async def _done_meanwhile(
        self, found: ResourceModel, repeat: Idempotency | None, context: Context, error: StoreError
    ) -> list[tuple[Any, ...]]:
        """What another attempt of the same request has written, if that is why this one failed. Raises otherwise."""
        before = await self.repeats.find(found, repeat, context) if self.repeats.repeated(error) else None
        if before is None:
            raise explained(error, found.store) from error
        return before

    async def update(
        self,
        resource: str,
        key: tuple[Any, ...],
        data: Mapping[str, Any],
        context: Context,
        *,
        replace: bool = False,
        version: int | None = None,
        idempotency: Idempotency | None = None,
        shown: Shown | None = None,
    ) -> None:
        """Give members new values; with `replace` others get their defaults, where the actor may write them."""
        if replace:
            data = {**self._defaults(resource, context), **data}
        with self.repeats.running(idempotency, context), self.during(context):
            await self.writer.update(resource, key, data, context, version=version, repeat=idempotency, shown=shown)

    async def delete(
        self,
        resource: str,
        key: tuple[Any, ...],
        context: Context,
        *,
        version: int | None = None,
        idempotency: Idempotency | None = None,
    ) -> None:
        """Remove one row."""
        action = self.model[resource].actions.get("delete")
        with self.repeats.running(idempotency, context), self.during(context):
            await self.writer.delete(resource, [key], context, version=version, repeat=idempotency, action=action)

    async def update_many(
        self,
        resource: str,
        items: Sequence[tuple[tuple[Any, ...], Mapping[str, Any]]],
        context: Context,
        *,
        replace: bool = False,
        idempotency: Idempotency | None = None,
    ) -> Sequence[tuple[Any, ...]]:
        """Give members of several rows new values, all or nothing; answers their keys. `replace` as in `update`."""
        if replace:
            items = [(key, {**self._defaults(resource, context), **data}) for key, data in items]
        with self.repeats.running(idempotency, context), self.during(context):
            async with self._together(resource, "update"):
                return await self.writer.update_many(resource, items, context, idempotency)

    def _defaults(self, resource: str, context: Context) -> dict[str, Any]:
        """What a replacement puts where nothing is given; what is not the actor's to write stays as it is."""
        standing, found = self.plans.standing(context), self.writer.inserts.defaults(resource, context)
        return {name: value for name, value in found.items() if standing.member(resource, name, "write") != FALSE}

    async def delete_many(
        self,
        resource: str,
        keys: Sequence[tuple[Any, ...]],
        context: Context,
        *,
        idempotency: Idempotency | None = None,
    ) -> None:
        """Remove several rows, all or nothing."""
        action = self.model[resource].actions.get("delete")
        with self.repeats.running(idempotency, context), self.during(context):
            async with self._together(resource, "delete"):
                await self.writer.delete(resource, keys, context, repeat=idempotency, action=action, many=True)

    @asynccontextmanager
    async def _together(self, resource: str, verb: str) -> AsyncGenerator[None]:
        """Where an action replaces the verb, its body may write on its own: then all of that is one transaction."""
        found = self.model[resource]
        if verb not in found.actions:
            yield
            return
        async with self.transaction(found.store):
            yield

    async def act(
        self,
        resource: str,
        key: tuple[Any, ...] | None,
        action: str,
        arguments: Mapping[str, Any],
        context: Context,
        *,
        version: int | None = None,
        idempotency: Idempotency | None = None,
    ) -> Any:
        """Call an action on a row, or on the collection (`key` None); answers what its body returned."""
        found = self.model[resource]
        one = found.actions[action]
        with self.repeats.running(idempotency, context), self.during(context):

            async def rows_of() -> Mapping[str, Any]:
                return await with_rows(self.objects, one, arguments, context)

            if key is None:
                self.admit(resource, action, context)
                return await self._called_once(found, one, await rows_of(), context, idempotency)
            return await self.writer.act(resource, key, one, rows_of, context, version=version, repeat=idempotency)

    async def _called_once(
        self,
        found: ResourceModel,
        action: ActionModel,
        arguments: Mapping[str, Any],
        context: Context,
        repeat: Idempotency | None,
    ) -> Any:
        """An action on the collection; under a key, what it writes and the record of it are one transaction."""
        if repeat is None:
            return await called(action, **arguments)
        if await self.repeats.find(found, repeat, context) is not None:
            return None
        try:
            async with self._transaction(found.store):
                answer = await called(action, **arguments)
                await self.writer.run(found, self.repeats.record(found, repeat, context, ()))
        except StoreError as error:
            await self._done_meanwhile(found, repeat, context, error)
            return None
        return answer

    def admit(self, resource: str, action: str, context: Context) -> None:
        """An action on the collection has no row: its rules may look at the actor only."""
        standing = self.plans.standing(context)
        if standing.may(resource, action) != TRUE:
            raise refused(standing, resource, action)

    async def allows(self, resource: str, key: tuple[Any, ...], verb: str, context: Context) -> bool:
        """Whether the actor may do this to a row; False for rows that he may not see."""
        action = self.model[resource].actions.get(verb)
        if action is not None and action.me is not None and action.me.required and context.actor is None:
            return False
        try:
            await self.writer.loader.one(resource, key, verb, context)
        except (NotFound, Forbidden, Unauthenticated):
            return False
        return True

    @asynccontextmanager
    async def transaction(self, store: str = "main", *, limit: float | None = None) -> AsyncGenerator[None]:
        """Reads and writes of this task on one store take effect together, or not at all.

        `limit`: seconds, as in `Store.transaction`.
        """
        try:
            async with self._transaction(store, limit):
                yield
        except StoreError as error:
            raise explained(error, store) from error

    @asynccontextmanager
    async def _transaction(self, store: str, limit: float | None = None) -> AsyncGenerator[None]:
        """The same; what the store reports is left as it is."""
        if open_transaction(store) is not None:
            yield
            return
        async with self.federation.transaction(store, limit):
            yield
        self.outbox.ring(store)

    async def execute(self, sql: str, params: Sequence[object], store: str) -> StoredRows:
        """A statement of the application's own; only the system may, as no rule holds for it."""
        if reason() is None:
            message = 'a statement knows no rules: run it inside as_system("why")'
            raise Forbidden("KP403", message)
        async with self.transaction(store), open_transactions.get()[store].taken() as transaction:
            if not isinstance(transaction, SpeaksSQL):
                raise Unsupported("KP306", f"the store {store} takes no SQL")
            with asked(store):
                return await transaction.execute(sql, params)

    def during(self, context: Context) -> During:
        """User code inside acts as the context says."""
        return During(context)

    def knows(self, context: Context) -> Callable[[str, str], bool]:
        """Says which members of which resources may be named to the actor."""
        return lambda resource, name: self.plans.standing(context).knows(resource, name)

    def reads(self, resource: str, name: str, context: Context) -> bool:
        """Whether there are rows on which the actor may read this member: else it is unknown to him."""
        return self.plans.standing(context).member(resource, name) != FALSE

    def explain(self, read: Read, context: Context, *, onward: bool = True) -> str:
        """The steps of a read, each with the store's own words."""
        return explained_plan(self.structs.explained(read, context, onward=onward))

    async def measure(self, read: Read, context: Context, *, onward: bool = True) -> str:
        """Run a read, and say what each store was asked: how many keys and rows, and how long it took."""
        began = perf_counter()
        with traced() as steps:
            await self.structs.page(read, context, onward=onward)
        return in_words(steps, perf_counter() - began)
