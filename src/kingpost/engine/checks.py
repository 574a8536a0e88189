"""What must hold of a row that is written: rules and guard, references, validators; and what follows from it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from kingpost.base.errors import Asked, Detail, Forbidden, KingpostError, Rejected, Unauthenticated
from kingpost.engine.context import Context
from kingpost.engine.failures import no_such_row
from kingpost.engine.federation import Federation
from kingpost.engine.plans import Plans, parameters
from kingpost.engine.rows import Rows, Values, reference_key
from kingpost.engine.shown import Shown
from kingpost.language.evaluate import UNKNOWN, Frame, compile_expression
from kingpost.language.tree import (
    FALSE,
    TRUE,
    Compare,
    Expression,
    Field,
    Identity,
    Param,
    Root,
    identity,
    walk,
)
from kingpost.language.types import INT, reference
from kingpost.model.model import ResourceModel
from kingpost.plan.made import is_open
from kingpost.plan.rights import ActorWorld, bound
from kingpost.plan.select import Check, Operation, Select
from kingpost.plan.values import bound_key
from kingpost.plan.write import (
    AfterPlan,
    VisiblePlan,
    plan_after,
    plan_links,
    plan_present,
    plan_visible,
)

Key = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class After:
    """What must hold after a write, and the same asked of the row's own values where they decide it."""

    plan: AfterPlan
    test: Callable[[Frame], object] | None
    asked: Asked | None


class Checks:
    """The checks of one model."""

    def __init__(self, plans: Plans, federation: Federation, rows: Rows) -> None:
        self._plans = plans
        self._federation = federation
        self._rows = rows
        self._model = plans.rights.model
        self._stored = {
            found.name: tuple(
                (one, compile_expression(one.expression)) for one in found.computed.values() if one.stored
            )
            for found in self._model.resources.values()
        }

    # Rules

    def after(self, found: ResourceModel, verb: str | None, context: Context, written: Sequence[str]) -> After:
        """What must hold after `verb` (None: the guard alone) wrote these members; refused where nothing can."""
        names = tuple(name for name in written if name in found.names)

        def make(standing: Any) -> After:
            plan = plan_after(standing, found.name, verb, names)
            ruled = tuple(name for name in names if standing.member(found.name, name, "write") != TRUE)
            asked = None if verb is None else Asked(found.name, verb, ruled)
            known = plan.local and not (verb == "create" and made_later(found, plan.condition))
            return After(plan, compile_expression(plan.condition) if known else None, asked)

        after = self._plans.find(("after", found.name, verb, names), context, make)
        if after.plan.condition == FALSE:
            raise self.refused(after, found, context, verb or "change")
        return after

    def refuse_unless(self, after: After, found: ResourceModel, values: Values, context: Context, verb: str) -> None:
        """Where the row's own values decide, they are asked before anything is written."""
        if after.plan.condition == TRUE or after.test is None:
            return
        if after.test(self._frame(found, values, context, after.plan.captures)) is not True:
            raise self.refused(after, found, context, verb)

    @staticmethod
    def refused(after: After, found: ResourceModel, context: Context, verb: str) -> KingpostError:
        """The error where the rules do not let a row be."""
        return refusal(context, f"the rules of {found.name} do not let you {verb} a row like this", after.asked)

    def check(self, after: After, key: Key, context: Context, verb: str) -> list[Operation]:
        """Where other rows have a part in it, the store is asked in the same transaction."""
        if after.test is not None or after.plan.condition == TRUE:
            return []
        params = {**parameters(context, after.plan.captures), "keys": [bound_key(key)]}
        return [Check(after.plan.select, params, 1, verb)]

    @staticmethod
    def version(found: ResourceModel, key: Key) -> list[Operation]:
        """Asks for the row version at the end of a batch, where nobody can know it: triggers have run by then."""
        if found.version is None or found.counted is not None:
            return []
        root = Root(found.name)
        one = Compare("==", identity(root), Param("key", reference(found.name)))
        select = Select(found.name, (Field(root, found.version, INT),), one)
        return [Check(select, {"key": bound_key(key)}, 1, "write", answers=True)]

    # References

    async def references(
        self, found: ResourceModel, values: Values, links: Mapping[str, list[Key]], context: Context
    ) -> list[Operation]:
        """References must lead to rows that the actor may see; which ones do not is not told."""
        operations: list[Operation] = []
        for name, relation in found.relations.items():
            key = values.get(name) if relation.kind == "one" and not relation.borrowed else None
            distinct = list(dict.fromkeys(links.get(name, ()) if key is None else (key,)))
            if distinct:
                operations.extend(await self._visible(found, name, distinct, context))
        return operations

    async def _visible(self, found: ResourceModel, name: str, keys: list[Key], context: Context) -> list[Operation]:
        target = self._model[found.relations[name].target]
        plan = self._plan_visible(target, context)
        if target.store != found.store:  # where no constraint finds what is missing
            plan = plan_present(target.name) if plan.select is None else plan
            if len(await self._seen(target, plan, keys, context)) != len(keys):
                raise no_such_row((name,))
            return []
        if plan.select is None:
            return []  # all of them are visible: the store's own constraint finds what is missing
        params = {**parameters(context, plan.captures), "keys": [bound_key(key) for key in keys]}
        return [Check(plan.select, params, len(keys), f"reference {name}")]

    async def lost(self, found: ResourceModel, name: str, keys: Sequence[Key], context: Context) -> set[Key]:
        """Those of the keys that lead to no row, or to none that the actor may see, where that is asked at all."""
        relation = found.relations[name]
        target = self._model[relation.target]
        plan = self._plan_visible(target, context)
        if plan.select is None:
            if not relation.constrained:
                return set()
            plan = plan_present(target.name)
        return set(keys).difference(await self._seen(target, plan, keys, context))

    async def unseen(self, found: ResourceModel, name: str, key: Key, context: Context) -> list[Key]:
        """Where a list of a row leads and the actor does not see it: a list written anew keeps these."""
        relation = found.relations[name]
        target = self._model[relation.target]
        visible = self._plan_visible(target, context)
        links = self._plans.find(
            ("links", found.name, name), context, lambda standing: plan_links(standing, found.name, name)
        )
        if visible.select is None and links.readable:
            return []
        asked = self._federation.prepare(links.select)
        rows = await asked.fetch({**parameters(context, links.captures), "key": bound_key(key)})
        led = self._rows.keys(target.name, asked.source, [row[:-1] for row in rows])
        if not rows or not rows[0][-1]:
            return led
        seen = led if visible.select is None else await self._seen(target, visible, led, context)
        return [one for one in led if one not in seen]

    def _plan_visible(self, target: ResourceModel, context: Context) -> VisiblePlan:
        return self._plans.find(("visible", target.name), context, lambda standing: plan_visible(standing, target.name))

    async def _seen(self, target: ResourceModel, plan: VisiblePlan, keys: Sequence[Key], context: Context) -> list[Key]:
        """Those of the keys whose rows the actor may see."""
        if plan.select is None or not keys:
            return list(keys)
        asked = self._federation.prepare(plan.select)
        rows = await asked.fetch({**parameters(context, plan.captures), "keys": [bound_key(key) for key in keys]})
        return self._rows.keys(target.name, asked.source, rows)

    # Values

    def validate(self, found: ResourceModel, values: Values) -> None:
        """Run the validators; what they set on the object is kept. Raises `Rejected` with all that they say."""
        if not found.validators:
            return
        instance = self._rows.instance(found.name, {name: one for name, one in values.items() if not is_open(one)})
        details: list[Detail] = []
        for validator in found.validators:
            try:
                validator.function(instance)
            except ValueError as error:
                names = validator.fields or ("",)
                details.extend(Detail(f"/{name}".rstrip("/"), "KP425", str(error)) for name in names)
        if details:
            raise Rejected("KP425", details[0].message, details)
        for name in found.fields:
            values[name] = instance.__dict__.get(name, values[name])
        self._rows.follow(found, values)

    def judge(self, shown: Shown | None, found: ResourceModel, values: Values, context: Context) -> tuple[str, ...]:
        """Whether the actor may see the row as it will be; answers the columns that show it."""
        if shown is None or not shown.columns:
            return ()
        if found.adopted or any(map(is_open, values.values())):  # triggers of others, and what is made in the store
            return ()
        shown.judge(lambda captures: self._frame(found, values, context, captures))
        return shown.columns

    def compute(self, found: ResourceModel, values: Values, context: Context) -> None:
        """Stored computed fields follow from the other values of the row."""
        for one, compute in self._stored[found.name]:
            value = compute(self._frame(found, values, context, one.captures))
            if value is UNKNOWN:
                known = self._plans.standing(context).knows(found.name, one.name)
                message = f"{one.name if known else 'what follows'} can't be computed from these values"
                raise Rejected("KP426", message, [Detail(f"/{one.name}" if known else "", "KP426", message)])
            values[one.name] = value

    def _frame(self, found: ResourceModel, values: Values, context: Context, captures: Sequence[Any]) -> Frame:
        own = Own(values, bound_key(self._rows.key(found, values)))
        return Frame(own, {**parameters(context, captures), "key": own.key}, OwnWorld(context.actor))


def made_later(found: ResourceModel, condition: Expression) -> bool:
    """Whether it asks for what the store makes, so that nobody can tell before the row is written."""
    if not found.made:
        return False
    return any(
        (isinstance(node, Field) and isinstance(node.row, Root) and node.name in found.made)
        or (isinstance(node, Identity) and isinstance(node.row, Root) and not found.made.isdisjoint(found.key))
        for node in walk(condition)
    )


def refusal(context: Context, message: str, asked: Asked | None) -> KingpostError:
    """Forbidden, or for the anonymous: somebody has to log in."""
    error: KingpostError = Forbidden("KP403", message)
    if context.actor is None:
        error = Unauthenticated("KP401", message)
    error.asked = asked
    return error


class Own:
    """A row that is known by its values."""

    __slots__ = ("key", "values")

    def __init__(self, values: Values, key: object) -> None:
        self.values = values
        self.key = key


class OwnWorld(ActorWorld):
    """A row about to be written, and the actor."""

    __slots__ = ()

    def __init__(self, actor: Any) -> None:
        super().__init__(actor, lambda instance: bound_key(reference_key(instance)))

    def value(self, row: Any, resource: str, field: str) -> object:
        return bound(row.values[field]) if isinstance(row, Own) else super().value(row, resource, field)

    def key_of(self, row: Any, resource: str) -> object:
        return row.key if isinstance(row, Own) else super().key_of(row, resource)

    def reference(self, row: Any, resource: str, relation: str) -> object:
        if not isinstance(row, Own):
            return super().reference(row, resource, relation)
        key = row.values[relation]
        return None if key is None else bound_key(key)
