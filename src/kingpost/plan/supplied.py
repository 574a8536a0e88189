"""What the actor supplies: paths and expressions that cross only rows and fields which the actor may read.

A name that may not be read is unknown, in the same words as one that does not exist.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

from kingpost.base.errors import Detail, Invalid
from kingpost.language.schema import Attribute, Scalar, Schema
from kingpost.language.source import Source
from kingpost.language.tree import (
    FALSE,
    TRUE,
    Const,
    Expression,
    Field,
    If,
    Item,
    Many,
    Member,
    Node,
    Quantify,
    Root,
    Row,
    Step,
    all_of,
    identity,
    rebase,
    transform,
)
from kingpost.language.types import BOOL, Kind
from kingpost.model.model import RelationModel
from kingpost.model.names import closest
from kingpost.plan.cost import PARTS, bound_texts, size, too_many_parts
from kingpost.plan.standing import Standing


class SuppliedSchema:
    """The declarations as one actor sees them: computed fields are plain values, hidden names are not there."""

    def __init__(self, schema: Schema, standing: Standing) -> None:
        self._schema = schema
        self._standing = standing

    def attribute(self, resource: str, name: str) -> Attribute | None:
        if self._standing.member(resource, name) == FALSE:
            return None
        computed = self._standing.model[resource].computed.get(name)
        return Scalar(computed.type) if computed else self._schema.attribute(resource, name)

    def attributes(self, resource: str) -> Iterable[str]:
        return readable(self._standing, resource)

    def key(self, resource: str) -> tuple[str, ...]:
        return self._schema.key(resource)

    def rule(self, resource: str, name: str) -> Source | None:
        return None

    def reference(self, value: object) -> tuple[str, object] | None:
        return self._schema.reference(value)


def readable(standing: Standing, resource: str) -> list[str]:
    """The names on a resource that the actor may read on some row."""
    return [name for name in standing.model[resource].names if standing.member(resource, name) != FALSE]


def unknown(standing: Standing, resource: str, name: str, pointer: str) -> Invalid:
    """The error for a name that is not there, or not for this actor."""
    known = readable(standing, resource)
    if name in known:
        message = f"{resource}.{name} may be read on some rows only: it is shown by fields and include, not asked for"
        return Invalid("KP110", message, [Detail(pointer, "KP110", message)])
    near = closest(name, known)
    hint = f"; did you mean {near!r}?" if near else ""
    message = f"{resource} has no field {name!r}{hint}"
    return Invalid("KP110", message, [Detail(pointer, "KP110", message)])


def restrict(expression: Expression, standing: Standing) -> Expression:
    """An expression from outside, lowered over `SuppliedSchema`, with guards on its steps and masks on its fields."""
    bound_texts(expression, standing.model, "?where")
    left = PARTS

    def counted(part: Expression | None) -> None:
        """What is put in is counted while it is: the whole may be too large to be made at all."""
        nonlocal left
        left -= 0 if part is None else size(part, left)
        if left < 0:
            raise too_many_parts("?where")

    def change(node: Node) -> Node | None:
        match node:
            case Step(base=base, relation=relation, resource=resource, guard=None):
                if standing.member(base.resource, relation) != TRUE:
                    raise unknown(standing, base.resource, relation, "?where")
                guard = standing.target(resource)
                counted(guard)
                return replace(node, base=transform(base, change), guard=guard)
            case Many(base=base, relation=relation, resource=resource, guard=None):
                if standing.member(base.resource, relation) != TRUE:
                    raise unknown(standing, base.resource, relation, "?where")
                guard, link = standing.target(resource), standing.links(base.resource, relation)
                counted(guard)
                counted(link)
                return replace(node, base=transform(base, change), guard=guard, link=link)
            case Field(row=row, name=name):
                value = value_of(standing, transform(row, change), name)
                counted(value)
                return value
            case _:
                return None

    return standing.cost.spend(transform(expression, change), "?where")


def value_of(standing: Standing, row: Row, name: str) -> Expression:
    """A field or computed field of a row, None where the actor may not read it."""
    found = standing.model[row.resource]
    if name in found.computed and not found.computed[name].stored:
        closed = standing.rights.closed(found.computed[name].expression)
        value = closed if isinstance(row, Root) else rebase(closed, row, standing.rights.fresh)
    else:
        value = Field(row, name, found.fields[name].type)
    return masked(value, standing.member_of(row, name))


def masked(value: Expression, right: Expression) -> Expression:
    """The value where the right is held, else None."""
    return value if right == TRUE else If(right, value, Const(None, value.type.maybe()), value.type.maybe())


Finish = Callable[[Expression], Expression]


def along(
    standing: Standing, row: Row, path: tuple[str, ...], finish: Finish, pointer: str, *, as_row: bool = True
) -> Expression:
    """Follow a path of names and let `finish` say what is wanted of the value at its end.

    Over a to-many relation the answer is whether any row fulfils it, so `finish` must answer a condition there.
    `as_row`: the key at the end of a relation stands for the row, which needs no join.
    """
    name, rest = path[0], path[1:]
    found = standing.model[row.resource]
    right = standing.member_of(row, name)
    if right == FALSE:
        raise unknown(standing, row.resource, name, pointer)
    if name in found.relations:
        ended = _through(standing, row, found.relations[name], rest, finish, pointer, as_row)
        if right == TRUE:
            return ended
        return (all_of(right, ended) or TRUE) if ended.type == BOOL else masked(ended, right)
    value = value_of(standing, row, name)
    for member in rest:
        members = dict(value.type.members) if value.type.kind is Kind.EMBEDDED else {}
        if member not in members:
            message = f"{'.'.join(path[:1])} has no member {member!r}"
            raise Invalid("KP110", message, [Detail(pointer, "KP110", message)])
        value = Member(value, member, members[member])
    return finish(value)


def _through(
    standing: Standing,
    row: Row,
    relation: RelationModel,
    rest: tuple[str, ...],
    finish: Finish,
    pointer: str,
    as_row: bool,
) -> Expression:
    guard = standing.target(relation.target)
    if relation.kind == "one":
        step = Step(row, relation.name, relation.target, relation.nullable, guard)
        target = standing.model[relation.target]
        if not rest or (as_row and rest == target.key and len(rest) == 1 and rest[0] in target.fields):
            return finish(identity(step))
        return along(standing, step, rest, finish, pointer, as_row=as_row)
    var = standing.rights.fresh()
    many = Many(row, relation.name, relation.target, var, guard, standing.links(row.resource, relation.name))
    item = Item(var, relation.target)
    element = along(standing, item, rest, finish, pointer, as_row=as_row) if rest else finish(identity(item))
    if element.type != BOOL:
        message = f"{relation.name!r} is a list: it can be filtered by, not sorted or grouped by"
        raise Invalid("KP111", message, [Detail(pointer, "KP111", message)])
    return Quantify("any", many, None, element)
