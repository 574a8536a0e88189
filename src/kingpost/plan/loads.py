"""Which rows have to be here, and what of them, before an expression can be answered in memory."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from kingpost.language.tree import (
    Aggregate,
    Const,
    Expression,
    Field,
    Identity,
    In,
    Item,
    Keyed,
    Many,
    Node,
    Param,
    Quantify,
    Root,
    Row,
    Step,
    children,
    identity,
)
from kingpost.language.types import Type
from kingpost.model.model import Model
from kingpost.plan.select import Select
from kingpost.plan.shapes import MAX_BATCH_ROWS, keys_of

Way = Literal["root", "keyed", "one", "many", "linked"]


@dataclass(frozen=True, slots=True)
class Fold:
    """One value `name` for each of the rows above, which the list parameter `keys` names.

    `select` answers the key of the row above and, where there is `type`, the value; else that the key is among the
    answers is the value `found`. `nothing`: of a row that is not among them, None where that is unknown.
    """

    name: str
    select: Select
    nothing: Const | None
    type: Type | None = None
    found: bool = True


@dataclass(frozen=True, slots=True)
class Load:
    """Rows of `resource` that are reached in one way, and with what of them.

    `name`: the relation that leads from the rows above, or for a `keyed` row the parameter with its key. `select`
    finds them by the list parameter `keys` (None for the `root`); its first column is their own key, the second, where
    a `many` or `linked` leads here, the key of the row above, the third of `linked` is the far end. The rest are
    `members`. `far`: the rows at the far end of links, which are loaded themselves. `folds`: values asked for by group.
    """

    resource: str
    way: Way
    name: str = ""
    select: Select | None = None
    members: tuple[str, ...] = ()
    types: tuple[Type, ...] = ()
    below: tuple[Load, ...] = ()
    far: Load | None = None
    folds: tuple[Fold, ...] = ()


class Needs:
    """Collects what expressions look at, from the rows they are about on."""

    def __init__(self, model: Model, root: str, folds: Mapping[str, Fold] | None = None) -> None:
        self._model = model
        self._folds = folds or {}
        self.root = _Rows(root, "root")
        self._keyed: dict[tuple[str, str], _Rows] = {}

    def add(self, expression: Expression) -> None:
        """One more expression about the root."""
        self._need(expression, {Root(self.root.resource): self.root})

    @property
    def members(self) -> tuple[str, ...]:
        """What is needed of the root itself."""
        return self._members(self.root)

    def folds(self) -> tuple[Fold, ...]:
        """What is asked about the root by group."""
        return self._folded(self.root)

    def below(self) -> tuple[Load, ...]:
        """What is reached from the root."""
        return self._loads(self.root)

    def keyed(self) -> tuple[Load, ...]:
        """What is reached from parameters."""
        return tuple(self._load(rows) for rows in self._keyed.values())

    # Collecting

    def _need(self, node: Node, at: Mapping[Row, _Rows]) -> None:
        match node:
            case Field(row=row, name=name):
                self._rows(row, at).members.setdefault(name)
            case Identity(row=Step(base=base, relation=relation)):
                self._rows(base, at).members.setdefault(relation)
            case Identity(row=Keyed()):
                pass
            case Identity(row=row):
                self._rows(row, at)
            case Quantify(many=many) | Aggregate(many=many):
                inside = {**at, Item(many.var, many.resource): self._many(many, at)}
                for child in children(node):
                    if child is not many:
                        self._need(child, inside)
            case _:
                for child in children(node):
                    self._need(child, at)

    def _rows(self, row: Row, at: Mapping[Row, _Rows]) -> _Rows:
        if row in at:
            return at[row]
        match row:
            case Step(base=base, relation=relation, resource=resource, guard=guard):
                above = self._rows(base, at)
                above.members.setdefault(relation)
                found = above.reached("one", relation, resource)
                if guard is not None:
                    self._need(guard, {Root(resource): found})
                return found
            case Keyed(resource=resource, key=Param(name=name)):
                return self._keyed.setdefault((resource, name), _Rows(resource, "keyed", name))
            case _:
                raise LookupError(f"{row} is not bound here")

    def _many(self, many: Many, at: Mapping[Row, _Rows]) -> _Rows:
        above = self._rows(many.base, at)
        relation = self._model[many.base.resource].relations[many.relation]
        if relation.kind == "many":
            found = above.reached("many", many.relation, many.resource)
        else:
            links = above.reached("linked", many.relation, relation.link)
            if relation.position is not None:
                links.members.setdefault(relation.position)
            if many.link is not None:
                self._need(many.link, {Root(relation.link): links})
            found = links.reached("one", relation.far, many.resource)
        if many.guard is not None:
            self._need(many.guard, {Root(many.resource): found})
        return found

    # Making loads

    def _members(self, rows: _Rows) -> tuple[str, ...]:
        return tuple(name for name in rows.members if name not in self._folds)

    def _folded(self, rows: _Rows) -> tuple[Fold, ...]:
        return tuple(self._folds[name] for name in rows.members if name in self._folds)

    def _loads(self, rows: _Rows) -> tuple[Load, ...]:
        return tuple(self._load(one, rows.resource) for one in rows.below.values())

    def _load(self, rows: _Rows, above: str = "") -> Load:
        root, below = Root(rows.resource), self._loads(rows)
        own = identity(root)
        leading: tuple[Expression, ...] = (own,)
        by: Expression = own
        keys = keys_of(rows.resource)
        far: Load | None = None
        if rows.way in ("many", "linked"):
            relation = self._model[above].relations[rows.name]
            back = relation.near if rows.way == "linked" else relation.inverse or ""
            by = identity(Step(root, back, above, self._model[rows.resource].relations[back].nullable))
            keys = keys_of(above)
            leading = (own, by)
            if rows.way == "linked":
                far = next(load for load in below if load.name == relation.far)
                below = tuple(load for load in below if load is not far)
                leading = (own, by, identity(Step(root, relation.far, relation.target, False)))
        members = self._members(rows)
        values = tuple(value_of(self._model, root, name) for name in members)
        select = Select(rows.resource, (*leading, *values), In(by, keys), limit=MAX_BATCH_ROWS + 1)
        types = tuple(one.type for one in (*leading, *values))
        return Load(rows.resource, rows.way, rows.name, select, members, types, below, far, self._folded(rows))


@dataclass(slots=True)
class _Rows:
    """Rows that are reached in one way: what is needed of them, and from them on."""

    resource: str
    way: Way
    name: str = ""
    members: dict[str, None] = field(default_factory=dict[str, None])
    below: dict[tuple[Way, str], _Rows] = field(default_factory=dict["tuple[Way, str]", "_Rows"])

    def reached(self, way: Way, name: str, resource: str) -> _Rows:
        return self.below.setdefault((way, name), _Rows(resource, way, name))


def value_of(model: Model, root: Root, name: str) -> Expression:
    """A stored member of a row: a field, or the key that a to-one relation holds."""
    found = model[root.resource]
    if name in found.relations:
        relation = found.relations[name]
        return identity(Step(root, name, relation.target, relation.nullable))
    return Field(root, name, found.fields[name].type)
