"""Questions about the rows at the end of a to-many relation, asked as groups: one answer for each row above.

`len(self.views)` with views in another store is a count by article there; no view has to be loaded. Only where nothing
in the question can be unknown, and where it is about the rows of the relation alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from kingpost.language.tree import (
    TRUE,
    Aggregate,
    Const,
    Expression,
    Field,
    In,
    IsNone,
    Item,
    Keyed,
    Many,
    Node,
    Not,
    Quantify,
    Root,
    Row,
    Step,
    Summary,
    all_of,
    identity,
    transform,
)
from kingpost.language.types import BOOL, INT, Kind
from kingpost.language.unknown import can_be_infinite, can_be_unknown, condition_unknown
from kingpost.model.columns import key_columns
from kingpost.model.model import Model
from kingpost.plan.crossing import start_of, starts
from kingpost.plan.loads import Fold, value_of
from kingpost.plan.rights import surely
from kingpost.plan.select import Select
from kingpost.plan.shapes import keys_of

FOLDED = "~~"
"""What names of folds begin with: nobody can declare such a member."""
_VALUES = frozenset(Kind) - {Kind.REFERENCE, Kind.EMBEDDED, Kind.JSON, Kind.LIST}


class Folds:
    """Finds what can be folded, and names it."""

    def __init__(self, model: Model) -> None:
        self._model = model
        self._known: dict[Expression, Fold] = {}

    def fold(self, expression: Expression) -> Expression:
        """The expression with folds as members of the rows above."""
        changed: Expression = transform(expression, self._folded)
        return changed

    def by_name(self) -> Mapping[str, Fold]:
        """All that have been made."""
        return {fold.name: fold for fold in self._known.values()}

    def _folded(self, node: Node) -> Node | None:
        if not isinstance(node, Quantify | Aggregate):
            return None
        known = self._known.get(node)
        if known is None:
            made = self._made(node)
            if made is None:
                return None
            known = self._known[node] = made
        return Field(node.many.base, known.name, node.type)

    def _made(self, node: Quantify | Aggregate) -> Fold | None:
        asked = grouped(self._model, node)
        if asked is None:
            return None
        name, keys = f"{FOLDED}{len(self._known)}", keys_of(node.many.base.resource)
        where = all_of(In(asked.owner, keys), asked.where)
        if isinstance(node, Quantify):
            select = Select(asked.resource, (asked.owner,), where, group=(asked.owner,))
            return Fold(name, select, Const(node.kind == "all", BOOL), found=node.kind == "any")
        select = Select(asked.resource, (asked.owner, asked.value), where, group=(asked.owner,))
        nothing = Const(0, INT) if node.kind in ("count", "sum") else node.default
        assert nothing is None or isinstance(nothing, Const)  # noqa: S101  # as `grouped` has seen to
        return Fold(name, select, nothing, node.type)


@dataclass(frozen=True, slots=True)
class Grouped:
    """A question from the other end: the rows of `resource` that count, by the key of their `owner`."""

    resource: str
    owner: Expression
    where: Expression
    value: Summary


def grouped(model: Model, node: Quantify | Aggregate) -> Grouped | None:
    """Ask from the other end; None where that would not be the same."""
    many = node.many
    inner = [one for one in (node.condition, node.element) if one is not None]
    item = Item(many.var, many.resource)
    if any(start != item and not isinstance(start, Keyed) for one in inner for start in starts(one)):
        return None
    if node.condition is not None and condition_unknown(node.condition):
        return None
    owner, target, there = other_end(model, many)
    counted = [] if node.condition is None else [about(node.condition, item, target)]
    value = Summary("count", None, INT)
    if isinstance(node, Quantify):
        if condition_unknown(node.element):
            return None
        counted.append(surely(about(node.element, item, target), node.kind == "any", {}))
    elif node.element is not None:
        if not _adds_up(node, node.element):
            return None
        value = Summary(node.kind, about(node.element, item, target), node.type)
    return Grouped(start_of(target).resource, owner, all_of(*there, *counted) or TRUE, value)


def _adds_up(node: Aggregate, element: Expression) -> bool:
    """Whether a store's sum or extreme of a group is that of the elements, which are known."""
    if element.type.nullable or can_be_unknown(element) or element.type.kind not in _VALUES:
        return False
    if node.type.nullable or (node.kind == "sum" and can_be_infinite(element)):
        return False
    return node.default is None or isinstance(node.default, Const)


def other_end(model: Model, many: Many) -> tuple[Expression, Row, tuple[Expression | None, ...]]:
    """The way back from the rows of a relation: the key that they hold, themselves, and that they are there."""
    relation = model[many.base.resource].relations[many.relation]
    if relation.kind == "many":
        root = Root(many.resource)
        back = model[many.resource].relations[relation.inverse or ""]
        return identity(Step(root, back.name, many.base.resource, back.nullable)), root, (many.guard,)
    link = Root(relation.link)
    far = Step(link, relation.far, many.resource, False, many.guard)
    key = key_columns(model, model[many.resource])[0]
    first = about(value_of(model, Root(many.resource), key.member), Root(many.resource), far)
    owner = identity(Step(link, relation.near, many.base.resource, False))
    return owner, far, (many.link, Not(IsNone(first)))


def about(expression: Expression, row: Row, other: Row) -> Expression:
    """The same expression about another row in place of one; guards are about rows of their own."""

    def change(node: Node) -> Node | None:
        if node == row:
            return other
        match node:
            case Step(base=base) | Many(base=base):
                return replace(node, base=transform(base, change))
            case _:
                return None

    changed: Expression = transform(expression, change)
    return changed
