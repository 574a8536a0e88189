"""What is asked of new rows before an action that replaces their creation gets them: what a plain creation would ask.

The rules for `create` and for the members given, of the rows as they came in with their defaults; and that references
lead to rows that the actor may see. Only what looks at lists that a row comes with has to wait until it is written, and
validators too: what the action is there for may be to make the row one that passes them. What the action saves is
checked as all that is saved.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any, TypeAlias

from kingpost.base.errors import Rejected
from kingpost.engine.changes import Changes, sorted_out
from kingpost.engine.checks import After, Checks, Key, Own, OwnWorld, made_later
from kingpost.engine.context import Context
from kingpost.engine.failures import no_such_row, within
from kingpost.engine.federation import Federation
from kingpost.engine.inserts import Inserts
from kingpost.engine.plans import parameters
from kingpost.engine.rows import Rows, Values
from kingpost.engine.unwritten import Undecided, Unwritten
from kingpost.language.evaluate import Frame, compile_expression
from kingpost.language.tree import TRUE
from kingpost.model.model import ResourceModel
from kingpost.model.state import key_of
from kingpost.plan.made import is_open
from kingpost.plan.values import bound_key
from kingpost.plan.write import plan_beside

Named: TypeAlias = tuple[str, Key]
"""The key of a row of a resource."""


class Beforehand:
    """Asks of the new rows of one model."""

    def __init__(
        self, checks: Checks, unwritten: Unwritten, inserts: Inserts, federation: Federation, rows: Rows
    ) -> None:
        self._checks = checks
        self._unwritten = unwritten
        self._inserts = inserts
        self._federation = federation
        self._rows = rows
        self._model = rows.model

    async def ask(
        self,
        found: ResourceModel,
        items: Sequence[Mapping[str, Any]],
        objects: Sequence[Any],
        context: Context,
        *,
        many: bool,
    ) -> None:
        """Raises what a plain creation would. `items` are what came in, `objects` the rows made of that, defaults too.

        `many`: errors point at the element of an array.
        """
        pointers = [f"/{index}" if many else "" for index in range(len(items))]
        changes = [sorted_out(found, item) for item in items]
        rows: list[Values] = []
        for change, one, pointer in zip(changes, objects, pointers, strict=True):
            with within(pointer):
                rows.append(self._values(found, {**self._held(found, one), **change.values}, context))
        together = frozenset((found.name, self._rows.key(found, values)) for values in rows)
        for item, change, values, pointer in zip(items, changes, rows, pointers, strict=True):
            with within(pointer):
                await self._row(found, tuple(item), change, values, together, context)

    def _held(self, found: ResourceModel, one: Any) -> Values:
        """What an object holds for the columns of its row."""
        return self._rows.values(
            found.name, {name: one.__dict__[name] for name in found.stored if name in one.__dict__}
        )

    def _values(self, found: ResourceModel, given: Values, context: Context) -> Values:
        values = self._inserts.values(found, given, context)
        with suppress(Rejected):  # what can't be computed yet is None to the rules
            self._checks.compute(found, values, context)
        return values

    async def _row(
        self,
        found: ResourceModel,
        written: tuple[str, ...],
        change: Changes,
        values: Values,
        together: frozenset[Named],
        context: Context,
    ) -> None:
        after = self._checks.after(found, "create", context, written)
        self._checks.refuse_unless(after, found, values, context, "create")
        await self._references(found, values, change.links, together, context)
        if not await self._holds(after, found, change, values, together, context):
            raise self._checks.refused(after, found, context, "create")
        key = self._rows.key(found, values)
        for name, below in change.nested.items():
            relation = found.relations[name]
            for index, each in enumerate(below):
                target, inner = self._model[relation.target], {**each, relation.inverse or "": key}
                inside = sorted_out(target, inner)
                with within(f"/{name}/{index}"):
                    row = self._values(target, inside.values, context)
                    await self._row(target, tuple(inner), inside, row, together | {(found.name, key)}, context)

    async def _references(
        self,
        found: ResourceModel,
        values: Values,
        links: Mapping[str, Sequence[Key]],
        together: frozenset[Named],
        context: Context,
    ) -> None:
        for name, relation in found.relations.items():
            key = values.get(name) if relation.kind == "one" and not relation.borrowed else None
            keys = dict.fromkeys(links.get(name, ()) if key is None else (key,))
            asked = [one for one in keys if (relation.target, one) not in together and not is_open(one)]
            if asked and await self._checks.lost(found, name, asked, context):
                raise no_such_row((name,))

    async def _holds(
        self,
        after: After,
        found: ResourceModel,
        change: Changes,
        values: Values,
        together: frozenset[Named],
        context: Context,
    ) -> bool:
        """Whether rules hold in which other rows have a part; True where that shows only when the row is there."""
        plan = after.plan
        if after.test is not None or plan.condition == TRUE or made_later(found, plan.condition):
            return True
        ends = [(one.target, values.get(one.name)) for one in found.relations.values() if one.kind == "one"]
        if not together.isdisjoint(ends):
            return True
        beside = self._beside(found, values, context)
        lists = bool(change.links or change.nested)
        if beside is None:
            own = Own(values, bound_key(self._rows.key(found, values)))
            frame = Frame(own, {**parameters(context, plan.captures), "key": own.key}, _NewWorld(context.actor))
            with suppress(LookupError):
                return lists or compile_expression(plan.condition)(frame) is True
            return False
        name, key = beside
        asked = plan_beside(plan, found.name, name)
        if asked.lists and lists:
            return True
        row = Undecided("", after, found, values, "create")
        params = {**self._unwritten.params(row, context), "beside": bound_key(key)}
        return bool(await self._federation.prepare(asked.select).fetch(params))

    def _beside(self, found: ResourceModel, values: Values, context: Context) -> tuple[str, Key] | None:
        """A row that is there, in the store that is to be asked: one that the new row refers to, or the actor's."""
        for name, relation in found.relations.items():
            key = values.get(name) if relation.kind == "one" else None
            if key is not None and not is_open(key) and self._model[relation.target].store == found.store:
                return relation.target, key
        actor = self._model.actor
        if context.actor is None or actor is None or self._model[actor].store != found.store:
            return None
        return actor, key_of(context.actor)


class _NewWorld(OwnWorld):
    """A new row that refers to none: steps from it end, and its lists are empty."""

    __slots__ = ()

    def one(self, row: Any, resource: str, relation: str) -> Any:
        return None if isinstance(row, Own) and row.values[relation] is None else super().one(row, resource, relation)

    def many(self, row: Any, resource: str, relation: str) -> Any:
        return () if isinstance(row, Own) else super().many(row, resource, relation)

    def linked(self, row: Any, resource: str, relation: str) -> Any:
        return () if isinstance(row, Own) else super().linked(row, resource, relation)
