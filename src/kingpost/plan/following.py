"""What a delete has to do with other stores: which rows go with it, keep it from happening, or have to follow.

Within one store the store itself does what `on_delete` says. Between stores the engine does: it asks beforehand for
what keeps the row, notes what was deleted, and carries out the rest afterwards.
"""

from __future__ import annotations

from collections.abc import Callable, Container
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from kingpost.language.tree import Compare, Expression, Field, In, Param, Root, Step, identity
from kingpost.language.types import INT, reference
from kingpost.model.model import Model, RelationModel, ResourceModel
from kingpost.plan.select import Select
from kingpost.plan.shapes import keys_of


@dataclass(frozen=True, slots=True)
class Dependence:
    """Rows of `resource` refer to rows of `target` by `relation`. `followed`: from another store."""

    resource: str
    relation: str
    target: str
    on_delete: Literal["restrict", "cascade", "null"]
    followed: bool


class Following:
    """Who depends on whom, in one model. `unchanging`: the stores in which no rows are deleted or changed."""

    def __init__(self, model: Model, unchanging: frozenset[str] = frozenset()) -> None:
        self._model = model
        self._by_target: dict[str, list[Dependence]] = {}
        for found in model:
            for one in found.relations.values():
                if _holds(one) and not {found.store, model[one.target].store} & unchanging:
                    made = Dependence(found.name, one.name, one.target, one.on_delete, one.followed)
                    self._by_target.setdefault(one.target, []).append(made)
        self._keeping = self._reaching(lambda one: one.on_delete == "restrict", lambda one: True)
        self._concerned = self._reaching(lambda one: one.followed, lambda one: not one.followed)
        self._asking = self._reaching(self._may_keep, lambda one: not one.followed)

    def of(self, resource: str) -> tuple[Dependence, ...]:
        """All that depend on rows of a resource."""
        return tuple(self._by_target.get(resource, ()))

    def concerns(self, resource: str) -> bool:
        """Whether rows of other stores depend on rows of this one, or on those that go with them in their store."""
        return resource in self._concerned

    def asks(self, resource: str) -> bool:
        """Whether something in another store, or behind a row of another store, may keep a row from being deleted."""
        return resource in self._asking

    def _may_keep(self, one: Dependence) -> bool:
        """Whether rows of another store keep the target, or would go with it and be kept."""
        going = one.on_delete == "cascade" and one.resource in self._keeping
        return one.followed and (going or one.on_delete == "restrict")

    def noted(self, resource: str) -> bool:
        """Whether something has to be done in another store when a row of this resource is deleted."""
        return any(one.followed and one.on_delete != "restrict" for one in self.of(resource))

    def going(self, resource: str) -> tuple[Dependence, ...]:
        """Whose rows go with those of a resource in their own store, and have to do with other stores."""
        return tuple(
            one for one in self.of(resource)
            if not one.followed and one.on_delete == "cascade" and one.resource in self._concerned
        )  # fmt: skip

    def beyond(self, resource: str) -> tuple[Dependence, ...]:
        """Whose rows go with those of a resource, seen from another store, and may be kept from it."""
        return tuple(one for one in self.of(resource) if one.on_delete == "cascade" and one.resource in self._keeping)

    @cached_property
    def stores(self) -> tuple[str, ...]:
        """The stores whose deletes are noted."""
        return tuple(sorted({self._model[name].store for name in self._by_target if self.noted(name)}))

    def _reaching(self, wanted: Callable[[Dependence], bool], along: Callable[[Dependence], bool]) -> frozenset[str]:
        """The resources on which something wanted depends, at once or through rows that go with theirs."""
        found: set[str] = set()
        while True:
            more = {
                target
                for target, depending in self._by_target.items()
                for one in depending
                if wanted(one) or (along(one) and one.on_delete == "cascade" and one.resource in found)
            }
            if more == found:
                return frozenset(found)
            found = more


def _holds(relation: RelationModel) -> bool:
    return relation.kind == "one" and (relation.constrained or relation.followed)


def dependents(model: Model, one: Dependence, *, version: bool = False) -> Select:
    """The keys of `limit` rows that depend on the rows `keys`; with `version`, where they have one, it comes behind."""
    root = Root(one.resource)
    columns: tuple[Expression, ...] = (identity(root),)
    held = model[one.resource].version
    if version and held is not None:
        columns = (*columns, Field(root, held, INT))
    return Select(one.resource, columns, In(_target(model, one), keys_of(one.target)), limit=Param("limit", INT))


def present(resource: ResourceModel) -> Select:
    """The row `key`, if it is there, deleted and kept or not."""
    root = identity(Root(resource.name))
    return Select(resource.name, (root,), Compare("==", root, Param("key", reference(resource.name))))


def _target(model: Model, one: Dependence) -> Expression:
    relation = model[one.resource].relations[one.relation]
    return identity(Step(Root(one.resource), relation.name, relation.target, relation.nullable))


def unfollowable(model: Model, unchanging: Container[str]) -> list[tuple[ResourceModel, RelationModel]]:
    """The relations whose `on_delete` is stated, and which lead from a store that changes no rows."""
    return [
        (found, one)
        for found in model
        if found.store in unchanging and not found.internal
        for one in found.relations.values()
        if one.kind == "one" and one.followed
    ]
