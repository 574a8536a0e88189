"""Values: constants, parameters, fields, choices between values."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from kingpost.base.errors import Unsupported
from kingpost.language.tree import (
    Aggregate,
    And,
    Arithmetic,
    Call,
    Const,
    Expression,
    Field,
    Identity,
    If,
    Member,
    Negative,
    Or,
    Param,
    Part,
    Shown,
    Slice,
    Summary,
    Truth,
)
from kingpost.language.types import BOOL, Kind
from kingpost.model.columns import field_column
from kingpost.stores.contract import OutOfRange
from kingpost.stores.mongo import many, numbers, text
from kingpost.stores.mongo.bind import Bound, literal
from kingpost.stores.mongo.forms import to_bson
from kingpost.stores.mongo.value import Value, both, choice, either

if TYPE_CHECKING:
    from kingpost.stores.mongo.translator import Translator

MEMBERS = frozenset({Kind.TEXT, Kind.INT, Kind.BOOL, Kind.FLOAT, Kind.EMBEDDED, Kind.LIST, Kind.JSON})
"""Kinds that are the same inside of an embedded value as in a field."""


def value(t: Translator, node: Expression) -> Value:
    """Translate a value."""
    match node:
        case Const(value=None, type=type) if type.kind is Kind.REFERENCE:
            return Value((None,) * len(t.shared.key(type.name)), type, (), True)
        case Const(value=None):
            return Value((None,), node.type, (), True)
        case Const():
            return Value((literal(_constant(node)),), node.type)
        case Param():
            return _param(t, node)
        case Field():
            place = t.place(node.row)
            stored = place.layout.resource.fields[node.name]
            if stored.hashed:
                raise Unsupported("KP304", f"{node.name} is made of the whole row, outside of MongoDB")
            if place.layout.resource.adopted and node.type.kind is Kind.DATETIME:
                raise Unsupported("KP304", f"others may hold {node.name} as a date, which is told when it is read")
            return t.column(place, field_column(place.layout.resource, stored))
        case Member():
            return _member(t, node)
        case Identity():
            return t.identity(node)
        case Part(operand=operand, index=index):
            of = t.value(operand)
            return Value((of.terms[index],), node.type, of.known, of.null)
        case Shown(operand=operand):
            return replace(t.value(operand), type=node.type, known=())
        case If() if node.type.kind is not Kind.BOOL:
            return _choose(t, node)
        case And(operands=(first, *rest)) if node.type != BOOL:
            return t.value(If(Truth(first), _rest(node, tuple(rest)), first, node.type))
        case Or(operands=(first, *rest)) if node.type != BOOL:
            return t.value(If(Truth(first), first, _rest(node, tuple(rest)), node.type))
        case Negative() | Arithmetic():
            return numbers.arithmetic(t, node)
        case Call() if node.type.kind is not Kind.BOOL:
            return text.call(t, node)
        case Slice():
            return text.part(t, node)
        case Aggregate():
            return many.aggregate(t, node)
        case Summary():
            raise Unsupported("KP304", "a summary is of a group of rows, not of one")
        case _:
            return _condition(t, node)


def _constant(node: Const) -> object:
    try:
        return to_bson(node.type)(node.value)
    except OutOfRange as error:
        raise Unsupported("KP304", str(error)) from error


def _rest(node: And | Or, operands: tuple[Expression, ...]) -> Expression:
    return operands[0] if len(operands) == 1 else replace(node, operands=operands)


def _param(t: Translator, node: Param) -> Value:
    if node.type.kind is Kind.REFERENCE:
        return t.key(node)
    if node.type.kind is Kind.LIST:
        raise Unsupported("KP304", f"the list {node.name} is only for `in`")
    return Value((literal(Bound(node.name, to_bson(node.type))),), node.type, (), node.type.nullable)


def _member(t: Translator, node: Member) -> Value:
    if node.type.kind not in MEMBERS:
        raise Unsupported("KP304", f"a {node.type} inside of another value is text in MongoDB")
    operand = t.value(node.operand)
    term = {"$ifNull": [{"$getField": {"field": literal(node.name), "input": operand.term}}, None]}
    known = (operand.not_null(),) if operand.null else ()
    return Value((term,), node.type, known, bool(known) or node.type.nullable)


def _choose(t: Translator, node: If) -> Value:
    true, false = t.true(node.condition), t.false(node.condition)
    then, otherwise = t.value(node.then), t.value(node.otherwise)
    if node.then.type.kind is Kind.NONE:
        then = replace(otherwise, terms=(None,) * len(otherwise.terms), known=(), null=True)
    if node.otherwise.type.kind is Kind.NONE:
        otherwise = replace(then, terms=(None,) * len(then.terms), known=(), null=True)
    terms = tuple(
        choice(true, one, choice(false, other, None)) for one, other in zip(then.terms, otherwise.terms, strict=True)
    )
    known = either(both(true, *then.known), both(false, *otherwise.known))
    return Value(terms, node.type, () if known is True else (known,), True)


def _condition(t: Translator, node: Expression) -> Value:
    """A condition as a value: null where it is unknown."""
    true, false = t.true(node), t.false(node)
    known = either(true, false)
    return Value((choice(true, True, choice(false, False, None)),), node.type, (known,), True)
