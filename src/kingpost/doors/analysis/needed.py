"""Which columns of which tables an expression needs: only these are loaded.

Walked from the answer down: a column that is carried along and then dropped is not needed.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from kingpost.doors.analysis.untyped import ops

PASSING: Final[tuple[Any, ...]] = (ops.Filter, ops.Sort, ops.Limit, ops.Sample, ops.SelfReference, ops.JoinReference)
"""What has the columns of what is below it, and looks itself at those only that it names."""


def needed(expression: Any) -> dict[Any, frozenset[str]]:
    """For each table of an expression the columns that are needed; a table of which only rows are counted has none."""
    walk = _Walk()
    walk.node(expression.op())
    return {node: frozenset(names) for node, names in walk.names.items() if isinstance(node, ops.PhysicalTable)}


class _Walk:
    def __init__(self) -> None:
        self.names: dict[Any, set[str]] = {}
        self._values: set[Any] = set()

    def node(self, node: Any) -> None:
        """All of a relation, or a value."""
        if isinstance(node, ops.Relation):
            self.relation(node, node.schema.names)
        else:
            self.value(node)

    def value(self, node: Any) -> None:
        if node in self._values:
            return
        self._values.add(node)
        if isinstance(node, ops.Field):
            self.relation(node.rel, (node.name,))
            return
        for child in node.__children__:
            if isinstance(node, ops.CountStar) and isinstance(child, ops.Relation):
                self.relation(child, ())
            else:
                self.node(child)

    def relation(self, node: Any, names: Iterable[str]) -> None:
        first = node not in self.names
        known = self.names.setdefault(node, set())
        new = [name for name in dict.fromkeys(names) if name not in known]
        known.update(new)
        if isinstance(node, ops.PhysicalTable):
            return
        if isinstance(node, ops.Project):
            self.relation(node.parent, ())
            for name in new:
                self.value(node.values[name])
        elif isinstance(node, ops.Aggregate):
            self.relation(node.parent, ())
            for one in (*(node.groups.values() if first else ()), *(node.metrics[n] for n in new if n in node.metrics)):
                self.value(one)
        elif isinstance(node, ops.JoinChain):
            if first:
                self.relation(node.first, ())
                for link in node.rest:
                    self.relation(link.table, ())
                    for predicate in link.predicates:
                        self.value(predicate)
            for name in new:
                self.value(node.values[name])
        elif isinstance(node, PASSING):
            self.relation(node.parent, new)  # the columns' names are the same above and below
            if first:
                for child in node.__children__:
                    if not isinstance(child, ops.Relation):
                        self.value(child)
        elif first:
            for child in node.__children__:
                self.node(child)
