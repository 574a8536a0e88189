"""Rows that are about to change, loaded as the actor may see them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from kingpost.base.errors import Asked, Detail, KingpostError
from kingpost.engine.asking import Answerer
from kingpost.engine.checks import refusal
from kingpost.engine.context import Context
from kingpost.engine.federation import Federation
from kingpost.engine.plans import Plans, parameters
from kingpost.engine.reader import missing
from kingpost.engine.rows import Rows, Values
from kingpost.language.tree import FALSE
from kingpost.plan.values import bound_key
from kingpost.plan.write import LoadPlan, plan_load

Key = tuple[Any, ...]
SHOWN = 100  # of what is wrong with the rows of one request


@dataclass(slots=True)
class Loaded:
    """A row that is about to change."""

    values: Values
    key: Key
    version: int | None


@dataclass(slots=True)
class Seen:
    """A row that the actor may see; `refusal` tells whether he may change it."""

    loaded: Loaded
    refusal: Callable[[Collection[str]], KingpostError | None]
    """Why these members may not be written, or None: they may."""


class Loader:
    """What the actor may not see is not found; what is seen but may not be changed is forbidden."""

    def __init__(self, plans: Plans, federation: Federation, rows: Rows) -> None:
        self._plans = plans
        self._federation = federation
        self._rows = rows

    async def one(self, resource: str, key: Key, verb: str, context: Context, written: Collection[str] = ()) -> Loaded:
        """The row for a change, through the rules. Raises `NotFound`, `Forbidden`, `Unauthenticated`.

        `written`: the members that come from outside.
        """
        plan, source, rows = await self._fetch(resource, verb, written, context, {"key": bound_key(key)}, many=False)
        if not rows:
            raise missing(resource)
        if not _allowed(plan, rows[0], written):
            raise _refused(resource, verb, context, plan)
        return self._loaded(resource, plan, rows[0], source)

    async def rows(
        self,
        resource: str,
        keys: Sequence[Key],
        verb: str,
        context: Context,
        written: Sequence[Sequence[str]],
        *,
        many: bool,
    ) -> list[Loaded]:
        """The row of one key, or with `many` those of several."""
        if many:
            return await self.many(resource, keys, verb, context, written)
        return [await self.one(resource, key, verb, context, written[0] if written else ()) for key in keys]

    async def many(
        self, resource: str, keys: Sequence[Key], verb: str, context: Context, written: Sequence[Collection[str]] = ()
    ) -> list[Loaded]:
        """The rows of these keys, in that order; `written` for each of them. An error points at keys."""
        params = {"keys": [bound_key(key) for key in keys]}
        members = {name for one in written for name in one}
        plan, source, rows = await self._fetch(resource, verb, members, context, params, many=True)
        loading = ((self._loaded(resource, plan, row, source), row) for row in rows)
        found = {loaded.key: (loaded, row) for loaded, row in loading}
        _refuse_all(missing(resource), [index for index, key in enumerate(keys) if key not in found])
        names = written or [()] * len(keys)
        barred = [index for index, key in enumerate(keys) if not _allowed(plan, found[key][1], names[index])]
        _refuse_all(_refused(resource, verb, context, plan), barred)
        return [found[key][0] for key in keys]

    async def some(
        self, resource: str, keys: Sequence[Key], verb: str, context: Context, written: Collection[str] = ()
    ) -> dict[Key, Seen]:
        """Those of the keys whose rows the actor may see. `written`: members of any of them that come from outside."""
        params = {"keys": [bound_key(key) for key in keys]}
        plan, source, rows = await self._fetch(resource, verb, written, context, params, many=True)

        def refusal(row: Sequence[Any], names: Collection[str]) -> KingpostError | None:
            return None if _allowed(plan, row, names) else _refused(resource, verb, context, plan)

        loading = ((self._loaded(resource, plan, row, source), row) for row in rows)
        return {loaded.key: Seen(loaded, partial(refusal, row)) for loaded, row in loading}

    async def _fetch(
        self,
        resource: str,
        verb: str,
        written: Collection[str],
        context: Context,
        params: Mapping[str, Any],
        *,
        many: bool,
    ) -> tuple[LoadPlan, Answerer | None, Sequence[Sequence[Any]]]:
        found = self._rows.model[resource]
        ruled = tuple(n for n in found.names if n in written and (of := found.owner(n)) and of.access.write is not None)

        def make(standing: Any) -> Any:
            plan = plan_load(standing, resource, verb, ruled, many=many)
            return plan, None if plan.select.where == FALSE else self._federation.prepare(plan.select)

        plan, asked = self._plans.find(("load", resource, verb, ruled, many), context, make)
        if asked is None:
            return plan, None, ()
        return plan, asked.source, await asked.fetch({**parameters(context, plan.captures), **params})

    def _loaded(self, resource: str, plan: LoadPlan, row: Sequence[Any], source: Any) -> Loaded:
        found = self._rows.model[resource]
        values = self._rows.read(resource, plan.columns, row, source)
        return Loaded(values, self._rows.key(found, values), None if found.version is None else values[found.version])


def _allowed(plan: LoadPlan, row: Sequence[Any], written: Collection[str]) -> bool:
    verb = plan.allowed is None or bool(row[plan.allowed])
    return verb and all(row[column] for name, column in plan.written.items() if name in written)


def _refused(resource: str, verb: str, context: Context, plan: LoadPlan) -> KingpostError:
    message = f"the rules of {resource} do not let you {verb} this row"
    return refusal(context, message, Asked(resource, verb, tuple(plan.written)))


def _refuse_all(error: KingpostError, indexes: Sequence[int]) -> None:
    if indexes:
        error.details = tuple(Detail(f"/{index}", error.code, error.message) for index in indexes[:SHOWN])
        raise error
