"""Values: constants, parameters, fields, choices between values."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa

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
from kingpost.language.types import BOOL, Kind, Type
from kingpost.language.unknown import can_be_unknown, condition_unknown
from kingpost.model.columns import field_column
from kingpost.stores.sql.phrases import Condition, Term, both, either
from kingpost.stores.sql.translation import many, numbers, rows, text
from kingpost.stores.sql.translation.conditions import truth
from kingpost.stores.sql.value import Value

if TYPE_CHECKING:
    from kingpost.stores.sql.translation.translator import Translator


def value(t: Translator, node: Expression) -> Value:
    """Translate a value."""
    match node:
        case Const(value=None, type=type) if type.kind is Kind.REFERENCE:
            return Value(tuple(t.dialect.null(part.type) for part in t.shared.key_columns(type.name)), type)
        case Const(value=None):
            return made(t, t.dialect.null(node.type), node)
        case Const(value=True | False as known):
            return made(t, sa.true() if known else sa.false(), node)
        case Const():
            return made(t, t.const(node.value, node.type), node)
        case Param():
            return _param(t, node)
        case Field():
            return _field(t, node)
        case Member():
            return _member(t, node)
        case Identity():
            terms, defined = rows.identity(t, node.row)
            return Value(terms, node.type, defined)
        case Part(operand=operand, index=index):
            of = t.value(operand)
            return Value((of.terms[index],), node.type, of.defined)
        case Shown(operand=operand):
            return Value(t.value(operand).terms, node.type)
        case If():
            return choose(t, node.condition, node.then, node.otherwise, node)
        case And() | Or() if node.type != BOOL:
            return _operand(t, node)
        case Negative() | Arithmetic():
            return made(t, numbers.arithmetic(t, node), node)
        case Call() if node.type.kind is not Kind.BOOL:
            return made(t, text.call(t, node), node)
        case Slice():
            return made(t, text.part(t, node), node)
        case Aggregate():
            return many.aggregate(t, node)
        case Summary():
            return made(t, many.summary(t, node), node)
        case _:
            return made(t, t.kleene(node), node)


def made(t: Translator, term: Term, node: Expression) -> Value:
    """A computed value that is never None, or a constant: known where it is not NULL."""
    unknown = not node.type.nullable and can_be_unknown(node)
    return Value((term,), node.type, (term.is_not(sa.null()),) if unknown else ())


def _param(t: Translator, node: Param) -> Value:
    if node.type.kind is Kind.REFERENCE:
        return Value(t.param_key(node, node.type.name), node.type, ())
    if node.type.kind is Kind.LIST:
        raise Unsupported("KP304", f"the list {node.name} is only for `in`")
    return Value((t.param_value(node, node.type),), node.type, ())


def _field(t: Translator, node: Field) -> Value:
    place = t.place(node.row)
    stored = place.resource.fields[node.name]
    if stored.hashed:
        return Value((place.version(),), node.type, place.reached)
    return Value((place.column(field_column(place.resource, stored)),), node.type, place.reached)


def _member(t: Translator, node: Member) -> Value:
    path: tuple[str, ...] = (node.name,)
    operand = node.operand
    while isinstance(operand, Member):
        path, operand = (operand.name, *path), operand.operand
    document = t.value(operand)
    # A member of None is unknown, also of an embedded value that is None inside another.
    holders = [t.dialect.member(document.term, path[:end], Type(Kind.TEXT)) for end in range(1, len(path))]
    maybe = operand.type.nullable or bool(document.defined)
    defined = ([document.not_null()] if maybe else []) + [holder.is_not(sa.null()) for holder in holders]
    return Value((t.dialect.member(document.term, path, node.type),), node.type, tuple(defined))


# -------------------------------------------------------------------------------------------------------------- choices


def _operand(t: Translator, node: And | Or) -> Value:
    """The operand that CPython returns: of `a or b`, a where it is true, else b. Unknown with what is not returned."""
    *before, last = node.operands
    chosen = t.value(last, node.type)
    for operand in reversed(before):
        chosen = _either_operand(t, node, operand, chosen)
    return chosen


def _either_operand(t: Translator, node: And | Or, operand: Expression, rest: Value) -> Value:
    if operand.type.kind is Kind.REFERENCE:
        pick, unpick = t.rail(Truth(operand), isinstance(node, Or)), t.rail(Truth(operand), isinstance(node, And))
        return _chosen(pick, unpick, t.value(operand), rest, node.type)
    first = t.value(operand)

    def build(term: Term) -> Term:
        known = Value((term,), first.type, first.defined)
        pick, unpick = truth(t, known, isinstance(node, Or)), truth(t, known, isinstance(node, And))
        return sa.case((pick, convert(t, known, node.type).term), (unpick, rest.term))

    term = t.once((*node.operands,), (first.term,), build)
    if not node.type.nullable or not (first.defined or rest.defined):
        unknown = can_be_unknown(node)
        return Value((term,), node.type, (term.is_not(sa.null()),) if unknown else ())
    # NULL is None where it is the first operand's, surely false, or the rest's.
    pick, unpick = truth(t, first, isinstance(node, Or)), truth(t, first, isinstance(node, And))
    return Value((term,), node.type, (either(term.is_not(sa.null()), pick, both(unpick, *rest.defined)),))


def choose(t: Translator, condition: Expression, then: Expression, otherwise: Expression, node: Expression) -> Value:
    """One of two values; unknown where the condition is."""
    a, b = t.value(then, node.type), t.value(otherwise, node.type)
    if not condition_unknown(condition):
        pick = t.true(condition)
        return _chosen(pick, None, a, b, node.type)
    return _chosen(t.true(condition), t.false(condition), a, b, node.type)


def _chosen(pick: Condition, unpick: Condition | None, a: Value, b: Value, type: Type) -> Value:
    """One of two values, a reference part by part. Without `unpick` it is b wherever `pick` is not true."""
    parts = max(len(a.terms), len(b.terms))
    terms = tuple(
        sa.case((pick, left), else_=right) if unpick is None else sa.case((pick, left), (unpick, right))
        for left, right in zip(_padded(a, parts), _padded(b, parts), strict=True)
    )
    if unpick is None and not a.defined and not b.defined:
        return Value(terms, type)
    if not type.nullable:
        return Value(terms, type, tuple(term.is_not(sa.null()) for term in terms))
    if unpick is None:
        return Value(terms, type, (sa.case((pick, both(*a.defined)), else_=both(*b.defined)),))
    return Value(terms, type, (either(both(pick, *a.defined), both(unpick, *b.defined)),))


def _padded(value: Value, parts: int) -> tuple[Term, ...]:
    return value.terms if len(value.terms) == parts else value.terms * parts  # None as a reference


# ---------------------------------------------------------------------------------------------------------- conversions


def decimal(t: Translator, node: Const | Param, wanted: Type) -> Value | None:
    """An int or decimal bound in the scale that it is to be compared in, so that no column has to be rescaled."""
    if node.type.kind not in (Kind.INT, Kind.DECIMAL):
        return None
    held = numbers.places(node)
    type = Type(Kind.DECIMAL, nullable=node.type.nullable, places=max(held, wanted.places or 0))
    if isinstance(node, Param):
        return Value((t.param_value(node, type),), type)
    return Value((t.const(node.value, type),), type)


def convert(t: Translator, found: Value, wanted: Type) -> Value:
    """A number in the storage form of another type that holds it: a bool as int, an int as decimal."""
    if len(found.terms) > 1 or found.type.kind is wanted.kind is not Kind.DECIMAL:
        return found
    match found.type.kind, wanted.kind:
        case Kind.BOOL, Kind.INT | Kind.DECIMAL | Kind.FLOAT:
            term = (
                sa.type_coerce(found.term, sa.Integer())
                if t.dialect.name == "sqlite"
                else t.dialect.integer(found.term)
            )
        case _:
            term = found.term
    match found.type.kind, wanted.kind:
        case Kind.DECIMAL | Kind.INT | Kind.BOOL, Kind.DECIMAL:
            term = t.dialect.rescale(term, found.type.places or 0, max(found.type.places or 0, wanted.places or 0))
        case Kind.INT | Kind.BOOL | Kind.DECIMAL, Kind.FLOAT:
            term = t.dialect.real(term, found.type.places or 0)
        case _:
            pass
    return Value((term,), found.type.maybe() if found.type.nullable else found.type, found.defined)
