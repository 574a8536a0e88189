"""Conditions on the documents' own members in the words of queries, which indexes serve; all others are expressions.

In a query null finds what is missing too, and an order comparison finds values of its own type only: what the rails
of `conditions` have to say is said by that.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kingpost.language.tree import (
    And,
    Call,
    Compare,
    Const,
    Expression,
    Field,
    Identity,
    In,
    IsNone,
    Not,
    Or,
    Param,
    Root,
    Step,
)
from kingpost.language.types import BOOL, Kind
from kingpost.model.columns import Column, field_column, relation_columns
from kingpost.stores.mongo import numbers
from kingpost.stores.mongo.bind import Bound
from kingpost.stores.mongo.conditions import NUMBERS, OPERATORS, options
from kingpost.stores.mongo.forms import to_bson
from kingpost.stores.sql.forms import DOCUMENTS

if TYPE_CHECKING:
    from kingpost.stores.mongo.translator import Translator

FLIPPED = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "==": "=="}
INVERSES = {"<": ">=", "<=": ">", ">": "<=", ">=": "<"}


def query(t: Translator, node: Expression, wanted: bool = True) -> dict[str, Any] | None:
    """Where a condition is surely true (or false); None where queries have no words for it."""
    match node:
        case Const(value=True | False as known):
            return {} if known is wanted else {"$nor": [{}]}
        case Not(operand=operand):
            return query(t, operand, not wanted)
        case And() | Or() if node.type == BOOL:
            parts = [query(t, operand, wanted) for operand in node.operands]
            if None in parts:
                return None
            return {"$and" if isinstance(node, And) is wanted else "$or": parts}
        case Compare(op=op, left=left, right=Const() | Param() as right):
            return _compared(t, left, op, right, wanted)
        case Compare(op=op, left=Const() | Param() as left, right=right):
            return _compared(t, right, FLIPPED[op], left, wanted)
        case IsNone(operand=operand):
            path = _path(t, operand)
            return None if path is None else {path: {"$eq" if wanted else "$ne": None}}
        case In(item=item, options=Param() as among):
            return _among(t, item, among, wanted)
        case Call(function="startswith", arguments=(whole, Const(value=str() as start))) if wanted and start:
            path = _path(t, whole)
            return None if path is None else {path: prefixed(start)}
        case Field() if node.type.kind is Kind.BOOL:
            path = _path(t, node)
            return None if path is None else {path: {"$eq": wanted}}
        case _:
            return None


def _held(t: Translator, node: Expression) -> tuple[Column, ...]:
    """The columns of the documents themselves that a value is; none where it is something else."""
    layout = t.root.layout
    if layout.resource.adopted and node.type.kind is Kind.DATETIME:
        return ()
    match node:
        case Field(row=Root(), name=name) if not layout.resource.fields[name].hashed:
            return (field_column(layout.resource, layout.resource.fields[name]),)
        case Identity(row=Root()):
            return layout.key
        case Identity(row=Step(base=Root(), relation=relation)):
            return relation_columns(layout.model, layout.resource.relations[relation])
        case _:
            return ()


def _path(t: Translator, node: Expression) -> str | None:
    held = _held(t, node)
    if len(held) != 1 or t.root.scope is not t.scope or t.root.reached is not True or t.given:
        return None
    return t.root.path(held[0])


def _compared(t: Translator, left: Expression, op: str, right: Const | Param, wanted: bool) -> dict[str, Any] | None:
    path = _path(t, left)
    if path is None:
        return _same_key(t, left, right) if op == "==" and wanted else None
    if isinstance(right, Const) and right.value is None:
        return {path: {"$eq" if wanted else "$ne": None}} if op == "==" else None
    kinds = {left.type.kind, right.type.kind}
    if kinds & {*DOCUMENTS, Kind.BYTES} or (len(kinds) > 1 and not kinds <= NUMBERS):
        return None
    if op != "==" and (right.type.nullable or Kind.REFERENCE in kinds):
        return None
    value = _bound(t, left, op, right)
    if value is None:
        return None
    said = ("$eq" if wanted else "$ne") if op == "==" else OPERATORS[op if wanted else INVERSES[op]]
    return {path: {said: value}}


def _bound(t: Translator, left: Expression, op: str, right: Const | Param) -> Any:
    """What a column is compared with."""
    if right.type.kind is Kind.REFERENCE:
        convert = to_bson(t.shared.key(right.type.name)[0].type)
    elif right.type.kind is Kind.DECIMAL:
        return numbers.limit(right, left.type, op, False) if left.type.kind in (Kind.INT, Kind.DECIMAL) else None
    else:
        convert = to_bson(right.type)
    return Bound(right.name, convert) if isinstance(right, Param) else convert(right.value)


def _same_key(t: Translator, left: Expression, right: Const | Param) -> dict[str, Any] | None:
    """The row itself, whose key has several columns."""
    layout = t.root.layout
    if left != Identity(Root(layout.resource.name), left.type) or not isinstance(right, Param) or not layout.nested:
        return None
    if t.root.scope is not t.scope or t.root.prefix or right.type.nullable or t.given:
        return None
    return {"_id": Bound(right.name, lambda key: layout.known(key)["_id"])}


def _among(t: Translator, item: Expression, among: Param, wanted: bool) -> dict[str, Any] | None:
    path = _path(t, item)
    if path is not None:
        return {path: {"$in" if wanted else "$nin": options(t, among)}}
    layout = t.root.layout
    if not wanted or not layout.nested or item != Identity(Root(layout.resource.name), item.type):
        return None
    if t.root.scope is not t.scope or t.root.prefix or t.given:
        return None
    return {"_id": {"$in": Bound(among.name, lambda keys: [layout.known(key)["_id"] for key in keys])}}


def prefixed(start: str) -> dict[str, Any]:
    """The texts that begin so, as a range: up to the first text behind all of them."""
    for place in range(len(start) - 1, -1, -1):
        code = ord(start[place])
        if code < 0x10FFFF:
            behind = chr(0xE000 if code == 0xD7FF else code + 1)  # between them are the surrogates, which no text has
            return {"$gte": start, "$lt": start[:place] + behind}
    return {"$gte": start}
