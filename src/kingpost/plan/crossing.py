"""What one store can answer by itself, and where an expression leaves it for rows of another."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from kingpost.language.tree import (
    Expression,
    Field,
    Identity,
    Item,
    Keyed,
    Many,
    Node,
    Root,
    Row,
    Step,
    children,
)
from kingpost.model.model import Model

Says = Callable[[Expression], bool]
"""Whether a store has words for an expression about its own rows."""


@dataclass(slots=True)
class Reach:
    """How far the store `home` reaches. `says` is asked of conditions and values in which no other store has a part."""

    model: Model
    home: str
    says: Says | None = None
    _known: dict[int, tuple[Node, bool]] = field(default_factory=dict[int, tuple[Node, bool]])

    def crosses(self, node: Node) -> bool:
        """Whether rows of another store have a part in it. The key of such a row is kept in the row before it."""
        known = self._known.get(id(node))
        if known is None:
            known = self._known[id(node)] = (node, self._crosses(node))
        return known[1]

    def answers(self, expression: Expression) -> bool:
        """Whether the store can answer it: nobody else has a part in it, and there are words for it."""
        return not self.crosses(expression) and (self.says is None or self.says(expression))

    def first_away(self, row: Row) -> Step | None:
        """The first row on the way to this one that is in another store; None where all are here."""
        found: Step | None = None
        while isinstance(row, Step):
            if self._away(row.resource):
                found = row
            row = row.base
        return found

    def _crosses(self, node: Node) -> bool:
        match node:
            case Identity(row=Step(base=base)):
                return self.crosses(base)
            case Identity(row=Keyed()):
                return False
            case Root(resource=resource) | Item(resource=resource) | Keyed(resource=resource) if self._away(resource):
                return True
            case Step(resource=resource) if self._away(resource):
                return True
            case Many(base=base, relation=relation, resource=resource):
                link = self.model[base.resource].relations[relation].link
                if self._away(resource) or (link and self._away(link)):
                    return True
            case _:
                pass
        return any(map(self.crosses, children(node)))

    def _away(self, resource: str) -> bool:
        return self.model[resource].store != self.home


def rows_read(node: Node) -> Iterator[Row]:
    """The rows that an expression starts from or looks at, whole paths; guards are about rows of their own."""
    match node:
        case Identity(row=Step(base=base)):
            yield base
        case Identity(row=row) | Field(row=row):
            yield row
        case Many(base=base):
            yield base
        case Root() | Item() | Step() | Keyed():
            return
        case _:
            for child in children(node):
                yield from rows_read(child)


def start_of(row: Row) -> Row:
    """Where a path begins."""
    while isinstance(row, Step):
        row = row.base
    return row


def variables(node: Node) -> set[int]:
    """The generators inside of an expression, but for those in guards."""
    found: set[int] = set()
    if isinstance(node, Many):
        found.add(node.var)
    for child in children(node):
        if not isinstance(node, Step | Many) or child is node.base:
            found |= variables(child)
    return found


def starts(node: Node) -> set[Row]:
    """The rows that an expression is about: its root, generators outside of it, the actor."""
    own = variables(node)
    return {start for row in rows_read(node) if not (isinstance(start := start_of(row), Item) and start.var in own)}


def is_closed(node: Node) -> bool:
    """Whether no row but those known by a parameter decides it."""
    return all(isinstance(start, Keyed) for start in starts(node))
