"""What may keep a row from being deleted: rows that refer to it, or to what would go with it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from kingpost.language.lower import Capture
from kingpost.language.tree import FALSE, Compare, Expression, Not, Param, Root, Summary, all_of
from kingpost.language.types import INT, reference
from kingpost.model.model import Model
from kingpost.plan.select import Select
from kingpost.plan.standing import Standing
from kingpost.plan.supplied import along

Path = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class InUsePlan:
    """Counts those rows of `resource` that refer to the row `key` by `path`, as far as the actor may see them.

    `deleted`: those that were deleted and are kept, which only the system is told of.
    """

    resource: str
    path: Path
    select: Select
    captures: tuple[Capture, ...]
    deleted: bool = False


def plan_in_use(standing: Standing, resource: str) -> list[InUsePlan]:
    """For each relation that may be in the way, as far as the actor may know of it and of the path to the row."""
    plans: list[InUsePlan] = []
    for holder, path in restricting(standing.model, resource):
        if not _readable(standing, holder, path):
            continue

        def leads(value: Expression) -> Expression:
            return Compare("==", value, Param("key", reference(resource)))

        leading = along(standing, Root(holder), path, leads, "")
        for deleted in (False, True) if standing.system and keeps(standing.model, holder) else (False,):
            there = Not(standing.guard(holder)) if deleted else standing.visible(holder)
            where = all_of(leading, there)
            if where != FALSE:
                select = Select(holder, (Summary("count", None, INT),), where, group=())
                captures = tuple(capture for right in standing.consulted for capture in right.captures)
                plans.append(InUsePlan(holder, path, select, captures, deleted))
    return plans


def keepers(standing: Standing, resource: str) -> list[str]:
    """Which of those whose rows may be in the way keep what is deleted, as far as the actor may know of them."""
    holders = (one for one in restricting(standing.model, resource) if _readable(standing, *one))
    return sorted({holder for holder, _ in holders if keeps(standing.model, holder)})


def keeps(model: Model, resource: str) -> bool:
    """Whether rows are kept when they are deleted."""
    return model[resource].deleted is not None


def restricting(model: Model, resource: str) -> Iterator[tuple[str, Path]]:
    """Whose rows keep those of `resource` from being deleted, and by which path they lead there: `comment.article`."""
    going: list[tuple[str, Path]] = [(resource, ())]
    cascades: set[tuple[str, str]] = set()
    for target, onward in going:  # grows on the way
        for found in model:
            for relation in found.relations.values():
                if relation.kind != "one" or relation.target != target:
                    continue
                if not (relation.constrained or relation.followed):
                    continue
                path = (relation.name, *onward)
                if relation.on_delete == "restrict":
                    yield found.name, path
                elif relation.on_delete == "cascade" and (found.name, relation.name) not in cascades:
                    cascades.add((found.name, relation.name))
                    going.append((found.name, path))


def _readable(standing: Standing, resource: str, path: Path) -> bool:
    at = standing.model[resource]
    for name in path:
        if standing.member(at.name, name) == FALSE:
            return False
        at = standing.model[at.relations[name].target]
    return True
