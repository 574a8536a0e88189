"""User code asks here: queries become intents, rows become objects, writes go through the rules of whoever acts."""

from __future__ import annotations

from collections.abc import AsyncIterator, Hashable, Mapping, Sequence
from contextlib import aclosing
from typing import Any, TypeVar, cast
from uuid import UUID

import anyio.from_thread
from msgspec.structs import replace

from kingpost.base.acting import acting
from kingpost.base.errors import Conflict
from kingpost.engine.changes import called
from kingpost.engine.context import Context, supplied
from kingpost.engine.engine import Engine
from kingpost.engine.passed import asks_others, passed
from kingpost.engine.reader import missing
from kingpost.engine.rows import reference_key
from kingpost.language.capture import CaptureError, bind
from kingpost.language.schema import Schema
from kingpost.language.source import Source
from kingpost.model.calls import arguments_of
from kingpost.model.query import Query
from kingpost.model.query_groups import Grouped
from kingpost.model.query_parts import Asked, By, Equal, Kind, Page, Path, Spoken
from kingpost.model.resource import Resource
from kingpost.model.state import changes, is_new, is_reference, kept, key_of, settle, take_in
from kingpost.plan.intent import Condition, Expressed, Narrowed, Read, SortKey, SummaryOf
from kingpost.plan.values import parse_key

R = TypeVar("R", bound=Resource)


class EngineRunner:
    """The `Runner` of `kingpost.model.query`, over one engine."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._intents = Intents(engine.schema)
        self._notes = asks_others(engine.model)

    def _noted(self, rows: list[R], context: Context) -> list[R]:
        """The rows, which may be shown to whoever acts as they have been found."""
        if self._notes and (noted := passed.get()) is not None:
            noted.take(rows, context)
        return rows

    def actor(self) -> Any:
        """Who acts now; None is the anonymous one."""
        return acting.get()

    def new_key(self) -> UUID:
        """A key for a new row."""
        return cast(UUID, self._engine.new_id())

    async def all(self, query: Query[R]) -> list[R]:
        """The rows."""
        context = self._engine.context()
        page = await self._engine.objects.page(self._intents.read(query), context, onward=False)
        return self._noted(page.items, context)

    async def page(self, query: Query[R]) -> Page[R]:
        """The rows, and where they go on."""
        context = self._engine.context()
        page = await self._engine.objects.page(self._intents.read(query), context)
        return Page(self._noted(page.items, context), page.next)

    async def first(self, query: Query[R]) -> R | None:
        """The first row, or None."""
        found = await self.all(_at_most(query, 1))
        return found[0] if found else None

    async def one(self, query: Query[R]) -> R:
        """The only row. Raises `NotFound` or `Conflict`."""
        found = await self.all(_at_most(query, 2))
        if not found:
            raise missing(query.resource.__name__)
        if len(found) > 1:
            raise Conflict("KP413", f"more than one {query.resource.__name__} fulfils the conditions")
        return found[0]

    async def count(self, query: Query[Any]) -> int:
        """How many rows."""
        return cast(int, await self._summary(query, SummaryOf("count", (), "count")))

    async def aggregate(self, query: Query[Any], kind: Kind, of: Path | Spoken) -> Any:
        """One summary over all rows of the query."""
        if isinstance(of, Spoken):
            return await self._summary(query, SummaryOf(kind, (), kind, of.source, self._intents.shape(of.source)))
        return await self._summary(query, SummaryOf(kind, of, kind))

    async def _summary(self, query: Query[Any], summary: SummaryOf) -> Any:
        read = replace(self._intents.summed(query), summaries=(summary,))
        rows = await self._engine.summaries(read, self._engine.context())
        return rows[0][summary.name]

    async def groups(self, query: Grouped) -> list[dict[str, Any]]:
        """One dict per group."""
        summaries = tuple(SummaryOf(one.kind, one.path, one.name) for one in query.summaries)
        read = self._intents.summed(query.query)
        sort = self._intents.sort(query.order)
        read = replace(read, group=query.by, summaries=summaries, sort=sort, limit=query.most)
        return await self._engine.summaries(read, self._engine.context())

    async def stream(self, query: Query[R]) -> AsyncIterator[R]:
        """The rows one after another."""
        read = self._intents.read(query)
        context = self._engine.context()
        async with aclosing(self._engine.objects.stream(read, context)) as chunks:
            async for chunk in chunks:
                for row in chunk:
                    yield row

    async def explain(self, query: Query[Any], *, run: bool) -> str:
        """How the query is answered."""
        read, context = self._intents.read(query), self._engine.context()
        told = self._engine.explain(read, context, onward=False)
        return f"{told}\n\n{await self._engine.measure(read, context, onward=False)}" if run else told

    async def get(self, cls: type[R], key: object) -> R:
        """The row with this key. Raises `NotFound`."""
        read = Read(cls.__name__, self._key(cls.__name__, key), whole=True)
        context = self._engine.context()
        return self._noted([cast(R, (await self._engine.objects.one(read, context)).item)], context)[0]

    def _key(self, resource: str, key: object) -> tuple[Any, ...]:
        return parse_key(reference_key(key), self._engine.rows.key_types(resource), "key")

    async def save(self, instance: Resource) -> None:
        """Create the row, or write what has changed."""
        engine, resource = self._engine, type(instance).__name__
        members = engine.model.inputs.check(instance)
        context = engine.context()
        found = engine.model[resource]
        if is_new(instance):
            given = supplied.get().get(id(instance), ())

            def learn(made: dict[str, Any]) -> None:
                settle(instance, made)

            await engine.writer.create(resource, [members], context, written=given, learn=learn)
        elif changes(instance):
            key = key_of(instance)
            version = instance.__dict__.get(found.version) if found.version is not None else None
            written = await engine.writer.update(resource, key, members, context, version=version, trusted=True)
            settle(instance, {} if found.version is None or written is None else {found.version: written})

    async def delete(self, instance: Resource) -> None:
        """Delete the row."""
        await self._engine.writer.delete(type(instance).__name__, [key_of(instance)], self._engine.context())

    async def load(self, instance: Resource, names: Sequence[Path]) -> None:
        """Fetch members that are not here; with no names all fields."""
        found = self._engine.model[type(instance).__name__]
        include = tuple(path for path in names if path[0] in found.relations)
        fields = tuple(path for path in names if path[0] not in found.relations)
        read = Read(found.name, key_of(instance), fields=fields if names else None, include=include, whole=True)
        loaded = (await self._engine.objects.one(read, self._engine.context())).item
        reference = is_reference(instance)
        own = changes(instance)
        fresh = {name: value for name, value in loaded.__dict__.items() if name not in own}
        if names and not reference:  # what was loaded before stays as it was
            wanted = {path[0] for path in names}
            fresh = {name: value for name, value in fresh.items() if name in wanted}
        take_in(instance, fresh)

    async def allows(self, instance: Resource, verb: str) -> bool:
        """Whether the actor may do this to the row."""
        return await self._engine.allows(type(instance).__name__, key_of(instance), verb, self._engine.context())

    async def act(self, on: Any, action: str, args: Sequence[Any], named: Mapping[str, Any]) -> Any:
        """An action on a row, or on all rows where `on` is the class, just as it is asked through a door."""
        engine, cls = self._engine, cast(type[Resource], on if isinstance(on, type) else type(on))
        found = engine.model[cls.__name__]
        one, context = found.actions[action], engine.context()
        if on is cls:
            arguments = arguments_of(one, (), args, named)
            engine.admit(found.name, action, context)
            with engine.during(context):
                return await called(one, **arguments)
        arguments = arguments_of(one, (on,), args, named)
        unsaved = ", ".join(changes(on))
        if unsaved:
            remedy = "save() it first, as an action writes what its own body changes"
            raise RuntimeError(
                f"{found.name}.{action}: {unsaved} of this {found.name} is changed and not saved; {remedy}"
            )

        async def given() -> Mapping[str, Any]:
            return arguments

        with engine.during(context), kept(on):
            return await engine.writer.act(found.name, key_of(on), one, given, context, on=on)

    def act_from_thread(self, on: Any, action: str, args: Sequence[Any], named: Mapping[str, Any]) -> Any:
        """The same for an action that is a plain function, which only a thread can wait for."""
        try:
            return anyio.from_thread.run(self.act, on, action, args, named)
        except RuntimeError as error:
            if "AnyIO worker thread" not in str(error):
                raise
            name = f"{self._name(on)}.{action}"
            remedy = f"write it as async def, or await anyio.to_thread.run_sync(…{action})"
            raise RuntimeError(f"{name} is a plain function, which can't wait for its store here; {remedy}") from None

    @staticmethod
    def _name(on: Any) -> str:
        return on.__name__ if isinstance(on, type) else type(on).__name__


def _at_most(query: Query[R], rows: int) -> Query[R]:
    most = query.asked.limit
    return query.limit(rows if most is None else min(most, rows))


class Intents:
    """Queries as intents."""

    def __init__(self, schema: Schema) -> None:
        self._schema = schema

    def read(self, query: Query[Any]) -> Read:
        """The read of rows that a query asks for."""
        asked = query.asked
        narrowed = {
            include.path: Narrowed(tuple(map(self._condition, include.where)), self.sort(include.sort))
            for include in asked.include
            if include.where or include.sort
        }
        return Read(
            query.resource.__name__,
            conditions=tuple(map(self._condition, asked.conditions)),
            fields=asked.fields,
            include=tuple([include.path for include in asked.include]),
            narrowed=narrowed or None,
            sort=self.sort(asked.sort),
            limit=asked.limit,
            offset=asked.offset,
            after=asked.after,
            whole=True,
        )

    def summed(self, query: Query[Any]) -> Read:
        """The same rows, to be counted and summed."""
        asked: Asked = query.asked
        return Read(query.resource.__name__, conditions=tuple(map(self._condition, asked.conditions)), limit=None)

    def _condition(self, given: Equal | Spoken) -> Condition | Expressed:
        if isinstance(given, Equal):
            return Condition((given.name,), "eq", given.value, raw=False, where=given.name)
        if given.text:
            return Expressed(given.source, self.shape(given.source))
        values, shape = self._captured(given.source)
        return Expressed(given.source, shape, values, text=False)

    def sort(self, sort: Sequence[By]) -> tuple[SortKey, ...]:
        """Sort keys, of rows or of groups."""
        return tuple(
            [
                SortKey((), by.descending, by.by.source, self.shape(by.by.source))
                if isinstance(by.by, Spoken)
                else SortKey(by.by, by.descending)
                for by in sort
            ]
        )

    def shape(self, source: Source) -> tuple[Any, ...]:
        """What is written and what it captured, by type: equal for calls that differ in values only."""
        return self._captured(source)[1]

    def _captured(self, source: Source) -> tuple[dict[str, object], tuple[Any, ...]]:
        """What was captured, as it is bound to parameters; and the shape."""
        if source.function is None:
            return {}, ("text", *source.lines)
        values: dict[str, object] = {}
        types: list[tuple[str, Hashable]] = []
        for name in sorted(source.bound):
            value = source.bound[name]
            try:
                values[name], type_ = bind(value, self._schema)
            except CaptureError:  # then only parts of it are bound
                types.append((name, f"{type(value).__qualname__} {id(value)}"))
            else:
                types.append((name, type_))
        return values, (source.node, tuple(types))  # a node is equal to itself only, and is kept with its code
