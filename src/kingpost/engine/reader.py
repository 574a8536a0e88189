"""Reads: a plan is found or made, its statements run in rounds, its rows stitched into objects.

One round asks every statement whose keys are known; the number of rounds is the depth of the includes.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable, Iterable, Mapping, Sequence
from contextlib import aclosing
from datetime import datetime
from time import perf_counter
from typing import Any, Final

import msgspec
from msgspec.structs import replace

from kingpost.base.counted import Counted
from kingpost.base.errors import NotFound, TooSlow, Unavailable
from kingpost.engine.asking import Answerer
from kingpost.engine.context import Context
from kingpost.engine.cursor import Cursors, typed
from kingpost.engine.failures import explained
from kingpost.engine.federation import Federation
from kingpost.engine.plans import Plans, actor_key, parameters
from kingpost.engine.running import LeftOut, One, Page, Ready, RunningBatch, RunningFetch
from kingpost.engine.stitch import Forms, Make, grouper, key_reader, stitcher, struct
from kingpost.engine.written import Written, too_many
from kingpost.language.capture import bind
from kingpost.language.schema import Schema
from kingpost.language.source import Source
from kingpost.language.text import lift
from kingpost.language.tree import In
from kingpost.language.types import Kind, Type
from kingpost.model.columns import key_columns
from kingpost.model.model import Model
from kingpost.plan.cost import sought
from kingpost.plan.intent import Condition, Expressed, Read, SortKey
from kingpost.plan.plan import Fetch
from kingpost.plan.read import Planned, ReadPlanner
from kingpost.plan.shapes import MAX_BATCH_ROWS
from kingpost.plan.standing import Standing
from kingpost.plan.values import bound_key
from kingpost.stores.contract import Rows, StoreError

MAX_KEYS = 10_000

_dangling = Counted(logging.getLogger("kingpost.references"))
"""The event of a reference across stores that leads nowhere, told as it is met."""


class _Nothing(dict[Any, Any]):
    """What an optional include has in its place: null under every key, not the bare reference, nor an empty list."""

    _null = msgspec.Raw(b"null")

    def get(self, key: Any, default: Any = None) -> Any:
        return self._null


NOTHING: Final = _Nothing()


class Reader:
    """Answers reads. `forms` and `make` say what objects come out: see `engine.stitch`."""

    def __init__(
        self,
        plans: Plans,
        schema: Schema,
        federation: Federation,
        cursors: Cursors,
        *,
        forms: Callable[[Answerer], Forms] = lambda source: source.json_form,
        make: Make = struct,
        objects: bool = False,
    ) -> None:
        self.plans = plans
        self.model = plans.rights.model
        self.schema = schema
        self._federation = federation
        self.cursors = cursors
        self._forms = forms
        self._make = make
        self._objects = objects

    async def page(self, read: Read, context: Context, *, onward: bool = True) -> Page:
        """A page of rows; without `onward` no cursor is made for the next one."""
        began = perf_counter()
        read = self._lifted(read)
        now, values = self._behind(read, context)
        ready = self.ready(read, context, _nones(values), onward=onward)
        params = self.params(ready, read, context, now)
        if values is not None and ready.plan.cursor is not None:
            for index, value in enumerate(typed(values, ready.plan.cursor.types)):
                params[f"a{index}"] = value
        limit = read.limit
        if limit is not None:
            params["limit"] = limit + onward
        planned = perf_counter()
        context.timings.plan += planned - began
        rows = await self._fetch(ready, params)
        more = limit is not None and len(rows) > limit
        if more:
            rows = rows[:limit]
        left: list[LeftOut] = []
        items = await self._complete(ready.running, rows, params, left)
        total = None
        if read.count:
            total = 0
            if ready.count is not None and not ready.plan.empty:
                counted = await ready.count.fetch(params)
                total = counted[0][0]
        following = None
        if more and onward and ready.last is not None:
            following = self.cursors.write(read, _asker(context), now, ready.last(rows[-1]))
        context.timings.run += perf_counter() - planned
        return Page(items, following, total, ready.plan.public, left)

    def explained(self, read: Read, context: Context, *, onward: bool = True) -> Ready:
        """The plan of a page, as `page` would run it."""
        if read.after is None:
            return self.ready(read, context, None, onward=onward)
        read = self._lifted(read)
        _, values = self._behind(read, context)
        return self.ready(read, context, _nones(values), onward=onward)

    def _behind(self, read: Read, context: Context) -> tuple[datetime, list[Any] | None]:
        """The instant of a page, and the sort values that it goes on behind."""
        if read.after is None:
            return context.now, None
        return self.cursors.read(read.after, read, _asker(context))

    async def one(self, read: Read, context: Context) -> One:
        """One row; `NotFound` where there is none that the actor may see."""
        began = perf_counter()
        ready = self.ready(read, context, None)
        params = self.params(ready, read, context, context.now)
        planned = perf_counter()
        context.timings.plan += planned - began
        rows = await self._fetch(ready, params)
        if not rows:
            raise missing(read.resource)
        left: list[LeftOut] = []
        items = await self._complete(ready.running, rows, params, left)
        context.timings.run += perf_counter() - planned
        version = None if ready.plan.version is None else rows[0][ready.plan.version]
        return One(items[0], version, ready.plan.public, left)

    async def stream(self, read: Read, context: Context, *, chunk: int = 1000) -> AsyncGenerator[list[Any], None]:
        """All rows in chunks, from one snapshot, in bounded memory."""
        read = self._lifted(read)
        ready = self.ready(read, context, None)
        params = self.params(ready, read, context, context.now)
        if ready.plan.empty:
            return
        left = read.limit
        if left is not None:
            params["limit"] = left + 1
        running = ready.running
        async with aclosing(running.asked.stream(params, chunk)) as found:
            async for rows in found:
                if left is not None:
                    rows = rows[:left]
                    left -= len(rows)
                if rows:
                    yield await self._complete(running, rows, params, [])

    # Plans

    def _lifted(self, read: Read) -> Read:
        """The same read, the constants of its texts taken out; kept with the read, which doors keep by query."""
        for one in read.conditions:
            if isinstance(one, Expressed) and one.text and one.lifted is None:
                break
        else:
            return read
        known: Read | None = read.memo.get("lifted")
        if known is None:
            resource = read.resource
            if read.relation is not None:
                resource = self.model[resource].relations[read.relation].target
            conditions = tuple(
                lifted(one, self.schema, resource) if isinstance(one, Expressed) and one.text else one
                for one in read.conditions
            )
            known = read.memo["lifted"] = replace(read, conditions=conditions)
        return known

    def ready(self, read: Read, context: Context, nones: tuple[bool, ...] | None, *, onward: bool = True) -> Ready:
        """The plan of a read, from memory or made now. `onward` as in `page`."""

        def make(standing: Standing) -> Ready:
            planned = ReadPlanner(read, standing, self.schema, nones, onward=onward).plan()
            return self._prepare(planned)

        return self.plans.find((read.shape, nones, self._objects, onward), context, make)

    def _prepare(self, planned: Planned) -> Ready:
        plan = planned.plan
        running = self._running(plan.fetch)
        ready = Ready(planned, plan, running)
        if plan.count is not None:
            ready.count = self._federation.prepare(plan.count)
        if plan.cursor is not None:
            converts = [running.asked.source.python_form(type) for type in plan.cursor.types]
            columns = plan.cursor.columns

            def last(row: Sequence[Any]) -> list[Any]:
                return [
                    row[column] if convert is None or row[column] is None else convert(row[column])
                    for column, convert in zip(columns, converts, strict=True)
                ]

            ready.last = last
        return ready

    def _running(self, fetch: Fetch) -> RunningFetch:
        asked = self._federation.prepare(fetch.select)
        batches: list[RunningBatch] = []
        for batch in fetch.batches:
            below = self._running(batch.fetch)
            group = grouper(batch, self._forms(below.asked.source), self._make)
            form = self._key_form(asked.source, fetch, batch.columns)
            python = self._key_form(below.asked.source, batch.fetch, batch.owner)
            read_key, owner = key_reader(batch.columns), key_reader(batch.owner)
            bare = not batch.many and isinstance(batch.fetch.select.where, In)
            batches.append(RunningBatch(batch, below, group, read_key, form, owner, python, bare))
        return RunningFetch(fetch, asked, stitcher(fetch, self._forms(asked.source), self._make), batches)

    def _key_form(self, source: Answerer, fetch: Fetch, columns: tuple[int, ...]) -> Callable[[Any], Any] | None:
        """How keys found in these columns of one source's rows become Python values, as another one takes them."""
        types = _column_types(fetch, columns, self.model)
        converts = [source.python_form(type) for type in types]
        if all(convert is None for convert in converts):
            return None
        if len(converts) == 1:
            return converts[0]
        return lambda key: tuple(
            value if convert is None else convert(value) for value, convert in zip(key, converts, strict=True)
        )

    # Values

    def params(self, ready: Ready, read: Read, context: Context, now: Any) -> dict[str, Any]:
        """The values of all parameters, by name."""
        return self.values(ready.planned, read, context, now)

    def values(self, planned: Planned, read: Read, context: Context, now: Any) -> dict[str, Any]:
        """The same for a plan that is not prepared here."""
        params = {**parameters(context, planned.plan.captures), "now": now}
        if read.key is not None:
            params["key"] = bound_key(read.key)
        if read.keys is not None:
            params["keys"] = [bound_key(key) for key in read.keys]
        if read.offset:
            params["offset"] = read.offset
        if read.search is not None:
            params["q"] = sought(read.search, "?q")
        self._bind(params, planned, read.conditions, read.sort, "c", "s")
        if read.narrowed:
            for path, narrowed in read.narrowed.items():
                prefix = f"n.{'.'.join(path)}."
                self._bind(params, planned, narrowed.conditions, narrowed.sort, prefix, f"{prefix}s.")
        for summary in read.summaries:
            if summary.source is not None:
                self._capture(params, planned, f"{summary.name}.0", summary.source)
        return params

    def _bind(
        self,
        params: dict[str, Any],
        planned: Planned,
        conditions: Sequence[Condition | Expressed],
        sort: Sequence[SortKey],
        name: str,
        sort_name: str,
    ) -> None:
        for index, condition in enumerate(conditions):
            if isinstance(condition, Expressed):
                params.update((f"{name}{index}.{value}", given) for value, given in condition.values.items())
                self._capture(params, planned, f"{name}{index}", condition.source)
            else:
                read = planned.readers.get(f"{name}{index}")
                if read is not None:
                    params[f"{name}{index}"] = read(condition.value)
        for index, key in enumerate(sort):
            if key.source is not None:
                self._capture(params, planned, f"{sort_name}{index}", key.source)

    def _capture(self, params: dict[str, Any], planned: Planned, name: str, source: Source) -> None:
        """What a lambda captured, read off the lambda of this call."""
        for capture in planned.captured.get(name, ()):
            if capture.name in params or not capture.name.startswith(f"{name}."):
                continue  # bound with the shape, or of a declaration that the lambda names, which the plan itself reads
            first, *rest = capture.name.removeprefix(f"{name}.").split(".")
            value = source.resolve(first)
            for part in rest:
                value = getattr(value, part)
            params[capture.name] = bind(value, self.schema)[0]

    # Rounds

    async def _fetch(self, ready: Ready, params: dict[str, Any]) -> Rows:
        if ready.plan.empty:
            return ()
        return await ready.running.asked.fetch(params)

    async def _complete(
        self, running: RunningFetch, rows: Rows, params: dict[str, Any], left: list[LeftOut]
    ) -> list[Any]:
        """The rows as objects. What is left out of them is added to `left`."""
        # Objects of the declaration are shared wherever they are shown; what is written out is not.
        found: Sequence[Mapping[Any, Any]] = ()
        if running.batches:
            found = await self._batches(running, rows, params, None if self._objects else Written(), left)
        try:
            return running.stitch(rows, found)
        except StoreError as error:
            raise explained(error, running.fetch.store) from error
        except (ArithmeticError, AttributeError, TypeError, ValueError) as error:  # of a form, of what it is not for
            misfit = StoreError(f"{running.fetch.title}: a stored value does not fit its type")
            raise explained(misfit, running.fetch.store) from error

    async def _batches(
        self,
        running: RunningFetch,
        rows: Rows,
        params: dict[str, Any],
        written: Written | None,
        left: list[LeftOut],
    ) -> list[Mapping[Any, Any]]:
        """What each batch found, by the keys of the rows."""
        if not running.batches or not rows:
            return [{} for _ in running.batches]
        if len(running.batches) == 1:
            return [await self._found(running, 0, rows, params, written, left)]
        try:
            async with asyncio.TaskGroup() as group:
                tasks = [
                    group.create_task(self._found(running, index, rows, params, written, left))
                    for index in range(len(running.batches))
                ]
        except ExceptionGroup as errors:  # the others were cancelled: one is enough to tell
            raise errors.exceptions[0] from errors
        return [task.result() for task in tasks]

    async def _found(
        self,
        running: RunningFetch,
        index: int,
        rows: Rows,
        params: dict[str, Any],
        written: Written | None,
        left: list[LeftOut],
    ) -> Mapping[Any, Any]:
        """What a batch found; where it is optional, and a store does not answer, null for every key."""
        batch = running.batches[index].batch
        try:
            return await self._batch(running, index, rows, params, written, left)
        except (Unavailable, TooSlow) as error:
            if not batch.optional:
                raise
            left.append(LeftOut(batch.fetch.title, error.code, error.message))
            return NOTHING

    async def _batch(
        self,
        running: RunningFetch,
        index: int,
        rows: Rows,
        params: dict[str, Any],
        written: Written | None,
        left: list[LeftOut],
    ) -> Mapping[Any, Any]:
        one = running.batches[index]
        batch, below, read_key, form = one.batch, one.below, one.read_key, one.form
        keys = [key for key in dict.fromkeys(map(read_key, rows)) if not _holed(key)]
        if not keys:
            return {}
        if len(keys) > MAX_KEYS:
            raise too_many(batch.fetch.title, f"more than {MAX_KEYS} keys")
        bound = keys if form is None else [form(key) for key in keys]
        fetched = await below.asked.fetch({**params, "keys": bound})
        if len(fetched) > MAX_BATCH_ROWS:
            raise too_many(batch.fetch.title, f"more than {MAX_BATCH_ROWS} rows")
        if one.bare and len(fetched) < len(keys):
            source, target = running.fetch.shape.resource, below.fetch.shape.resource
            words = f"{source}: references by {batch.fetch.title} lead to no {target} that is there"
            _dangling.say(logging.WARNING, f"{words}; `kingpost check --data` finds them")
        apart = below.asked.source is not running.asked.source
        if written is not None:
            led: Iterable[Any] = map(read_key, rows)
            owners: Iterable[Any] = map(one.owner, fetched)
            if apart:
                led, owners = (_as_python(form, key) for key in led), (_as_python(one.python, key) for key in owners)
            written = written.below(batch.fetch.title, len(rows), led, len(keys), len(fetched), owners)
        found = one.group(fetched, await self._batches(below, fetched, params, written, left))
        return _rekeyed(found, keys, one) if apart else found


def lifted(condition: Expressed, schema: Schema, resource: str) -> Expressed:
    """A condition as text, its constants apart from its shape."""
    apart = lift(condition.source, schema, resource)
    return Expressed(condition.source, apart.shape, apart.values, lifted=apart)


def _rekeyed(found: dict[Any, Any], keys: list[Any], one: RunningBatch) -> dict[Any, Any]:
    """Two stores write one key in two ways: compared as Python values, answered under the parent's."""
    by_python = {_as_python(one.python, key): value for key, value in found.items()}
    pairs = ((key, _as_python(one.form, key)) for key in keys)
    return {key: by_python[same] for key, same in pairs if same in by_python}


def _as_python(form: Callable[[Any], Any] | None, key: Any) -> Any:
    return key if form is None or _holed(key) else form(key)


def _asker(context: Context) -> tuple[object, bool]:
    """Whose a cursor is."""
    return actor_key(context), context.system is not None


def _nones(values: Sequence[Any] | None) -> tuple[bool, ...] | None:
    """Which of the sort values behind which a page goes on are None: on that the statement depends."""
    return None if values is None else tuple(value is None for value in values)


def _holed(key: Any) -> bool:
    return key is None or (isinstance(key, tuple) and None in key)


def _column_types(fetch: Fetch, columns: tuple[int, ...], model: Model) -> list[Type]:
    types: list[Type] = []
    for expression in fetch.select.columns:
        if expression.type.kind is Kind.REFERENCE:
            types.extend(column.type for column in key_columns(model, model[expression.type.name]))
        else:
            types.append(expression.type)
    return [types[column] for column in columns]


def missing(resource: str) -> NotFound:
    """The one answer for rows that do not exist and rows that the actor may not see."""
    return NotFound("KP404", f"no such {resource}")
