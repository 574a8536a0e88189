"""What of a select an API can be asked: rows by their key, and those that are equal in what it takes parameters for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from kingpost.language.tree import (
    And,
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
    Root,
    Step,
    children,
)
from kingpost.language.types import BOOL
from kingpost.model.model import Model
from kingpost.plan.select import Select

Value: TypeAlias = Param | Const

ONES: Final = 50
"""So many rows are read one by one, where all of them could be read at once too."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which rows of one resource are needed; all of them where nothing is said.

    `key`, `keys`: the parameter that holds a key, or a list of them. `equal`: values by member. `enough`: so many rows
    do, whichever.
    """

    resource: str
    key: Value | None = None
    keys: Param | None = None
    equal: Mapping[str, Value] | None = None
    enough: int | None = None


def wanted(select: Select, model: Model) -> list[Wanted]:
    """What has to be read to answer a select in memory, that of its own resource first."""
    reached, by_key = dict[str, None](), dict[tuple[str, Param], None]()
    for expression in select.expressions():
        for part in _looked_at(expression):
            match part:
                case Step(resource=resource) | Item(resource=resource):
                    reached[resource] = None
                case Many(base=base, relation=relation, resource=resource):
                    reached[resource] = None
                    if link := model[base.resource].relations[relation].link:
                        reached[link] = None
                case Keyed(resource=resource, key=key):
                    by_key[resource, key] = None
                case _:
                    pass
    own = Wanted(select.resource) if select.resource in reached else _own(select, model)
    found = [own, *(Wanted(name) for name in reached if name != select.resource)]
    if own.key or own.keys or own.equal or own.enough is not None:  # else all of its rows are there already
        found += [Wanted(name, key=key) for name, key in by_key if name not in reached]
    else:
        found += [Wanted(name, key=key) for name, key in by_key if name not in reached and name != select.resource]
    return found


def _looked_at(node: Node) -> Iterator[Node]:
    """Everything in it, but for rows of which only the key is asked: that is kept in the row before."""
    yield node
    if isinstance(node, Identity) and isinstance(node.row, Step):
        yield from _looked_at(node.row.base)
    elif not (isinstance(node, Identity) and isinstance(node.row, Keyed)):
        for child in children(node):
            yield from _looked_at(child)


def _own(select: Select, model: Model) -> Wanted:
    """What the condition says of the rows that are in the answer."""
    equal: dict[str, Value] = {}
    for part in _conjuncts(select.where):
        match part:
            case Compare(op="==", left=Identity(row=Root()), right=Param() | Const() as value):
                return Wanted(select.resource, key=value)
            case Compare(op="==", left=Param() | Const() as value, right=Identity(row=Root())):
                return Wanted(select.resource, key=value)
            case In(item=Identity(row=Root()), options=Param() as keys):
                return Wanted(select.resource, keys=keys)
            case Compare(op="==", left=left, right=Param() | Const() as value):
                _note(equal, left, value)
            case Compare(op="==", left=Param() | Const() as value, right=right):
                _note(equal, right, value)
            case _:
                pass
    enough = None
    bare = select.where is None and not select.order and select.group is None and not select.after
    if bare and isinstance(select.limit, int) and not select.offset:
        enough = select.limit
    key = model[select.resource].key
    if len(key) == 1 and key[0] in equal:
        return Wanted(select.resource, key=equal[key[0]])
    return Wanted(select.resource, equal=equal, enough=enough)


def _note(equal: dict[str, Value], about: Expression, value: Value) -> None:
    match about:
        case Field(row=Root(), name=name):
            equal[name] = value
        case Identity(row=Step(base=Root(), relation=relation, guard=None)):
            equal[relation] = value
        case _:
            pass


def _conjuncts(where: Expression | None) -> tuple[Expression, ...]:
    if where is None:
        return ()
    return where.operands if isinstance(where, And) and where.type == BOOL else (where,)


def value_of(value: Value, params: Mapping[str, Any]) -> Any:
    """What it is this time."""
    return value.value if isinstance(value, Const) else params[value.name]
