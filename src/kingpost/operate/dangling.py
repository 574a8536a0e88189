"""References that lead to no row: no database watches over those to other stores, or those declared unconstrained."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from kingpost.engine.gathered import taking
from kingpost.language.tree import In, IsNone, Not, Root, Step, identity
from kingpost.plan.select import Select
from kingpost.plan.shapes import keys_of

if TYPE_CHECKING:
    from kingpost.engine.federation import Federation
    from kingpost.model.model import Model, RelationModel, ResourceModel

CHUNK = 1000
"""So many rows are looked at together."""
EXAMPLES = 3
"""So many of those that dangle are named."""


@dataclass(slots=True)
class Dangling:
    """Of `rows` that a relation leads on from, `count` lead nowhere; the keys of some are `examples`."""

    relation: str
    target: str
    rows: int = 0
    count: int = 0
    examples: list[Any] = field(default_factory=list[Any])


def unwatched(model: Model) -> list[tuple[ResourceModel, RelationModel, str]]:
    """The relations to one row that may dangle, links included, each with its name in the declaration."""
    links = {
        relation.link: f"{found.name}.{relation.name}"
        for found in model
        for relation in found.relations.values()
        if relation.kind == "linked" and model[relation.link].internal
    }
    return [
        (found, relation, links.get(found.name, f"{found.name}.{relation.name}"))
        for found in model
        for relation in found.relations.values()
        if relation.kind == "one" and not relation.constrained
    ]


async def dangling(
    model: Model, federation: Federation, watch: Callable[[str, int], None] = lambda _relation, _rows: None
) -> AsyncGenerator[Dangling]:
    """Look at every reference that may dangle, relation by relation, and tell of each how it is; no rule is asked.

    `watch` is called with a relation and how many of its rows have been looked at. Raises `StoreError`.
    """
    for found, relation, name in unwatched(model):
        told = Dangling(name, relation.target)
        rows = _references(model, federation, found, relation)
        async with aclosing(rows) as chunks:
            async for chunk in chunks:
                there = await _there(model, federation, relation.target, list(dict.fromkeys(end for _, end in chunk)))
                gone = [key for key, end in chunk if end not in there]
                told.rows += len(chunk)
                told.count += len(gone)
                told.examples += gone[: EXAMPLES - len(told.examples)]
                watch(name, told.rows)
        yield told


async def _references(
    model: Model, federation: Federation, found: ResourceModel, relation: RelationModel
) -> AsyncGenerator[Sequence[tuple[Any, Any]]]:
    """The keys of rows that refer to something, each with the key that it refers to, in chunks."""
    own = identity(Root(found.name))
    end = identity(Step(Root(found.name), relation.name, relation.target, relation.nullable))
    asked = federation.prepare(Select(found.name, (own, end), Not(IsNone(end))))
    forms = asked.source.python_form
    take, width = taking(model, forms, own.type, 0)
    take_end, _ = taking(model, forms, end.type, width)
    async with aclosing(asked.stream({}, CHUNK)) as chunks:
        async for rows in chunks:
            yield [(take(row), take_end(row)) for row in rows]


async def _there(model: Model, federation: Federation, resource: str, keys: list[Any]) -> set[Any]:
    """Those of the keys that rows have."""
    own = identity(Root(resource))
    asked = federation.prepare(Select(resource, (own,), In(own, keys_of(resource))))
    take, _ = taking(model, asked.source.python_form, own.type, 0)
    return {take(row) for row in await asked.fetch({"keys": keys})}
