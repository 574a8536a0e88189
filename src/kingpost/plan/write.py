"""Writes: how a row is loaded to be changed, what must hold of it afterwards, and what references must fulfil."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Final

from kingpost.language.lower import Capture
from kingpost.language.tree import (
    FALSE,
    TRUE,
    Aggregate,
    Compare,
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
    Step,
    all_of,
    identity,
    transform,
    walk,
)
from kingpost.language.types import Kind, reference
from kingpost.model.columns import key_columns
from kingpost.plan.read import refused
from kingpost.plan.select import Order, Select
from kingpost.plan.shapes import keys_of
from kingpost.plan.standing import Standing


@dataclass(frozen=True, slots=True)
class LoadPlan:
    """Those of the rows `keys` that the actor may see, as stored: `columns` says which member stands where.

    `allowed`: the column that tells whether the verb is allowed, None where it surely is. `written`: for members that
    are going to be written and have a rule of their own, the column that tells whether they may be.
    """

    select: Select
    columns: dict[str, tuple[int, ...]]
    allowed: int | None
    written: dict[str, int]
    captures: tuple[Capture, ...]


@dataclass(frozen=True, slots=True)
class AfterPlan:
    """What must surely hold of a row after a write. `local`: the row's own values and the actor decide it.

    `select` finds those of the rows `keys` of which it holds.
    """

    condition: Expression
    local: bool
    select: Select
    captures: tuple[Capture, ...]


@dataclass(frozen=True, slots=True)
class UnwrittenPlan:
    """Answers a row if a condition would hold of one that could not be written.

    `lists`: it looks at what leads to the row, so it is asked of a row of `keys` that stands in for it. Otherwise any
    row of the resource will do to ask beside.
    """

    select: Select
    lists: bool


@dataclass(frozen=True, slots=True)
class VisiblePlan:
    """Which rows of a resource the actor may see, asked by key."""

    select: Select | None
    captures: tuple[Capture, ...]


@dataclass(frozen=True, slots=True)
class LinksPlan:
    """Where the links of a list lead, and whether the actor may read the list (the last column; `readable`: always)."""

    select: Select
    readable: bool
    captures: tuple[Capture, ...]


def plan_load(
    standing: Standing, resource: str, verb: str, written: tuple[str, ...] = (), *, many: bool = False
) -> LoadPlan:
    """`many`: the rows of the parameter `keys`, else that of `key`. `written`: members that are going to be.

    Raises `Forbidden` or `Unauthenticated` where the rules give this verb, or reading, to no one like the actor.
    """
    for needed in ("read", verb):
        if not standing.system and not standing.rights.verb(resource, needed).declared:
            raise refused(standing, resource, needed)
    found = standing.model[resource]
    root = Root(resource)
    expressions: list[Expression] = []
    columns: dict[str, tuple[int, ...]] = {}
    width = 0
    for field in found.fields.values():
        expressions.append(Field(root, field.name, field.type))
        columns[field.name] = (width,)
        width += 1
    for relation in found.relations.values():
        if relation.kind == "one":
            step = identity(Step(root, relation.name, relation.target, relation.nullable))
            expressions.append(step)
            wide = len(key_columns(standing.model, standing.model[relation.target]))
            columns[relation.name] = tuple(range(width, width + wide))
            width += wide
    may = standing.may(resource, verb)
    allowed = None
    if may != TRUE:
        expressions.append(may)
        allowed = width
        width += 1
    ruled: dict[str, int] = {}
    for name in written:
        right = standing.member(resource, name, "write")
        if right != TRUE:
            expressions.append(right)
            ruled[name] = width
            width += 1
    one = Compare("==", identity(root), Param("key", reference(resource)))
    where = all_of(In(identity(root), keys_of(resource)) if many else one, standing.visible(resource))
    return LoadPlan(Select(resource, tuple(expressions), where), columns, allowed, ruled, _captures(standing))


def plan_after(standing: Standing, resource: str, verb: str | None, written: tuple[str, ...] = ()) -> AfterPlan:
    """What holds after a write: guard and, with a verb, its rules; the write rules of the members written."""
    may = TRUE if verb is None else standing.may(resource, verb)
    if verb is not None and not standing.system and not standing.rights.verb(resource, verb).declared:
        raise refused(standing, resource, verb)
    members = [standing.member(resource, name, "write") for name in written]
    condition = all_of(standing.guard(resource), may, *members) or TRUE
    where = all_of(In(identity(Root(resource)), keys_of(resource)), condition)
    select = Select(resource, (identity(Root(resource)),), where)
    return AfterPlan(condition, is_local(condition), select, _captures(standing))


def plan_visible(standing: Standing, resource: str) -> VisiblePlan:
    """Finds those of the rows `keys` that the actor may see; no select where he may see all there are."""
    visible = standing.visible(resource)
    if visible == TRUE:
        return VisiblePlan(None, ())
    root = identity(Root(resource))
    return VisiblePlan(Select(resource, (root,), all_of(In(root, keys_of(resource)), visible)), _captures(standing))


def plan_present(resource: str) -> VisiblePlan:
    """Finds those of the rows `keys` that are there."""
    root = identity(Root(resource))
    return VisiblePlan(Select(resource, (root,), In(root, keys_of(resource))), ())


def plan_links(standing: Standing, resource: str, name: str) -> LinksPlan:
    """The links of a list of the row `key`."""
    relation = standing.model[resource].relations[name]
    link, root = standing.model[relation.link], Root(relation.link)
    owner = Step(root, relation.near, resource, False)
    readable = standing.member_of(owner, name)
    orders: tuple[Order, ...] = ()
    if relation.position is not None:
        orders = (Order(Field(root, relation.position, link.fields[relation.position].type)),)
    select = Select(
        relation.link,
        (identity(Step(root, relation.far, relation.target, False)), readable),
        Compare("==", identity(owner), Param("key", reference(resource))),
        orders,
    )
    return LinksPlan(select, readable == TRUE, _captures(standing))


def plan_unwritten(plan: AfterPlan, resource: str) -> UnwrittenPlan:
    """Asks the condition of a row that could not be written, whose members are the parameters `row.…`."""
    root = identity(Root(resource))
    where, lists = _of_values(plan.condition)
    if not lists:
        return UnwrittenPlan(Select(resource, (root,), where, limit=1), False)
    return UnwrittenPlan(Select(resource, (root,), all_of(In(root, keys_of(resource)), where)), True)


def plan_beside(plan: AfterPlan, resource: str, beside: str) -> UnwrittenPlan:
    """Asks the condition of a row to which nothing leads yet, beside another one: that of the parameter `beside`."""
    root = identity(Root(beside))
    there = Compare("==", root, Param("beside", reference(beside)))
    where, lists = _of_values(plan.condition, empty=True)
    return UnwrittenPlan(Select(beside, (root,), all_of(there, where), limit=1), lists)


def _of_values(condition: Expression, *, empty: bool = False) -> tuple[Expression, bool]:
    """The condition with parameters in place of the row's members, and whether it looks at the row's own lists.

    `empty`: nothing is in these lists.
    """
    lists = False

    def change(node: Node) -> Node | None:
        nonlocal lists
        match node:
            case Field(row=Root(), name=name, type=type):
                return Param(f"row.{name}", type)
            case Identity(row=Root(), type=type):
                return Param("row", type)
            case Identity(row=Step(base=Root(), relation=name), type=type):
                return Param(f"row.{name}", type)
            case Step(base=Root(), relation=name, resource=target):
                return Keyed(target, Param(f"row.{name}", reference(target, nullable=True)))
            case Quantify(kind=kind, many=Many(base=Root())) if empty:
                lists = True
                return FALSE if kind == "any" else TRUE
            case Aggregate(many=Many(base=Root())) if empty:
                lists = True
                return transform(_of_nothing(node), change)
            case Many(base=Root()):
                lists = True
                return node
            case Step(base=base) | Many(base=base):  # their guards are about rows of their own
                return replace(node, base=transform(base, change))
            case _:
                return None

    return transform(condition, change), lists


def _of_nothing(aggregate: Aggregate) -> Expression:
    """What is answered where there are no rows; where that is unknown, the same of a row that is not there."""
    kind, type, resource = aggregate.kind, aggregate.type, aggregate.many.base.resource
    if kind == "count" or (kind == "sum" and type.kind in _ZERO):
        return Const(_ZERO[type.kind], type)
    if kind == "sum" or aggregate.default is None:
        nowhere = Keyed(resource, Param("row", reference(resource)))
        return replace(aggregate, many=replace(aggregate.many, base=nowhere))
    return aggregate.default


_ZERO: Final[Mapping[Kind, object]] = {Kind.INT: 0, Kind.FLOAT: 0.0, Kind.DECIMAL: Decimal(0)}


def _captures(standing: Standing) -> tuple[Capture, ...]:
    return tuple(capture for right in standing.consulted for capture in right.captures)


def is_local(expression: Expression) -> bool:
    """Whether the row's own values and the actor decide it."""
    return not any(_elsewhere(node) for node in walk(expression))


def _elsewhere(node: Node) -> bool:
    match node:
        case Many() | Item():
            return True
        case Field(row=Step()):
            return True
        case Identity(row=Step(base=Step())):
            return True
        case Step(guard=guard) if guard is not None:
            return True
        case _:
            return False
