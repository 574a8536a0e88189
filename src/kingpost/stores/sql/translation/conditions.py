"""Conditions on two rails, surely true and surely false, and in one expression where they are values.

The rails are those of docs/reference/language.md. On a rail NULL counts as false, so a comparison with something
unknown needs no words; only where SQL would find an answer in spite of it are `defined` conditions added.
"""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from kingpost.base.errors import Unsupported
from kingpost.language.tree import (
    Aggregate,
    And,
    Call,
    Compare,
    Const,
    Expression,
    Field,
    If,
    In,
    IsNone,
    Not,
    Or,
    Quantify,
    Truth,
    walk,
)
from kingpost.language.types import BOOL, INT, Kind, Type
from kingpost.language.unknown import can_be_unknown, condition_unknown
from kingpost.stores.sql.forms import DOCUMENTS
from kingpost.stores.sql.phrases import Condition, Term, both, either, negated
from kingpost.stores.sql.stored import alike
from kingpost.stores.sql.translation import lists, many, numbers, text
from kingpost.stores.sql.translation.masks import unmasked
from kingpost.stores.sql.value import Value

if TYPE_CHECKING:
    from kingpost.stores.sql.translation.translator import Translator

OPERATORS: dict[str, Any] = {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge}
INVERSES: dict[str, Any] = {"<": operator.ge, "<=": operator.gt, ">": operator.le, ">=": operator.lt}
NUMBERS = (Kind.BOOL, Kind.INT, Kind.DECIMAL, Kind.FLOAT)


def rail(t: Translator, node: Expression, wanted: bool) -> Condition:
    """Surely true if `wanted`, else surely false."""
    masked = unmasked(node)
    if masked is not None:
        return t.rail(masked, wanted)
    match node:
        case Const(value=True | False | None as known):  # None decides nothing
            return sa.true() if known is wanted else sa.false()
        case Not(operand=operand):
            return t.rail(operand, not wanted)
        case And() | Or() if node.type == BOOL:
            parts = [t.rail(operand, wanted) for operand in node.operands]
            return both(*parts) if isinstance(node, And) is wanted else either(*parts)
        case If() if node.type.kind is Kind.BOOL:
            return either(
                both(t.true(node.condition), t.rail(node.then, wanted)),
                both(t.false(node.condition), t.rail(node.otherwise, wanted)),
            )
        case Truth(operand=operand) if operand.type == BOOL:
            return t.rail(operand, wanted)
        case Truth(operand=operand):
            return truth(t, t.value(operand), wanted)
        case Compare(op="=="):
            return _equal(t, node.left, node.right, wanted)
        case Compare():
            left, right = _ordered(t, node)
            terms = alike(left.term, right.term, ordered=True)
            compared: Condition = (OPERATORS if wanted else INVERSES)[node.op](*terms)
            return compared
        case IsNone():
            return _is_none(t.value(node.operand), wanted)
        case In():
            return lists.among(t, node, wanted)
        case Call() if node.type == BOOL:
            return text.test(t, node, wanted)
        case Quantify():
            return many.quantify(t, node, wanted)
        case _ if node.type.kind is Kind.BOOL:
            return t.value(node).term == (sa.true() if wanted else sa.false())
        case _:
            raise Unsupported("KP304", f"{node.type} is no condition")


def kleene(t: Translator, node: Expression) -> Condition:
    """One expression that is true, false, or NULL where the condition is unknown. SQL's AND, OR, NOT are Kleene's."""
    match node:
        case Const(value=True | False as known):
            return sa.true() if known else sa.false()
        case Const(value=None):
            return t.dialect.null(BOOL)
        case Not(operand=operand):
            return negated(t.kleene(operand))
        case And() | Or() if node.type == BOOL:
            parts = [t.kleene(operand) for operand in node.operands]
            return both(*parts) if isinstance(node, And) else either(*parts)
        case If() if node.type.kind is Kind.BOOL:
            condition = t.kleene(node.condition)
            then, otherwise = t.kleene(node.then), t.kleene(node.otherwise)
            if condition_unknown(node.condition):
                return sa.case((condition, then), (negated(condition), otherwise))
            return sa.case((condition, then), else_=otherwise)
        case Truth(operand=operand) if operand.type == BOOL:
            return t.kleene(operand)
        case Compare(op="==", left=left, right=right) if not (left.type.nullable or right.type.nullable):
            return t.true(node)
        case Compare(op="<" | "<=" | ">" | ">="):
            return t.true(node)
        case Call() if node.type == BOOL:
            return t.true(node)
        case Truth() | Compare() | IsNone() | In() | Quantify():
            if can_be_unknown(node):
                return sa.case((t.true(node), sa.true()), (t.false(node), sa.false()))
            if _never_null(node):
                return t.true(node)
            return sa.case((t.true(node), sa.true()), else_=sa.false())
        case _:
            return t.value(node).term


def _never_null(node: Truth | Compare | IsNone | In | Quantify) -> bool:
    """Whether the true rail of a condition that is never unknown is false where it is not true, rather than NULL."""
    match node:
        case Quantify() | IsNone():
            return True
        case Truth():
            return not node.operand.type.nullable
        case _:
            return False


# ---------------------------------------------------------------------------------------------------------------- truth


def truth(t: Translator, value: Value, wanted: bool) -> Condition:
    """`bool(value)`."""
    if value.type.kind in (Kind.JSON, Kind.LIST):
        raise Unsupported("KP304", f"whether a {value.type} is empty can't be asked of this store")
    zero = _zero(t, value.type)
    if wanted:
        full: Condition = value.not_null() if zero is None else value.term != zero
        return value.term == sa.true() if value.type.kind is Kind.BOOL else full
    # None is false; a value of a kind that has no zero is false in no other way.
    empty = [] if zero is None else [value.term == zero]
    none = [both(value.is_null(), *value.defined)] if value.type.nullable else []
    return either(*empty, *none)


def _zero(t: Translator, type: Type) -> Term | None:
    """The value of a type that is false; None where all are true."""
    match type.kind:
        case Kind.BOOL:
            return sa.false()
        case Kind.TEXT:
            return sa.literal_column("''", t.dialect.forms.plain(type))
        case Kind.BYTES:
            return t.const(b"", type)
        case Kind.INT | Kind.FLOAT | Kind.DECIMAL | Kind.DURATION:
            return sa.literal_column("0", t.dialect.forms.plain(INT))
        case _:
            return None


# ----------------------------------------------------------------------------------------------------------- comparison


def _ordered(t: Translator, node: Compare) -> tuple[Value, Value]:
    left, right = operands(t, node.left, node.right, node.op)
    kinds = {left.type.kind, right.type.kind}
    if kinds & {Kind.REFERENCE, *DOCUMENTS}:
        raise Unsupported("KP304", f"{node.left.type} has no order")
    if kinds == {Kind.TEXT}:
        stored = any(isinstance(part, Field | Aggregate) for side in (node.left, node.right) for part in walk(side))
        if not stored:
            left = Value((t.dialect.by_code_point(left.term),), left.type, left.defined)
    return left, right


def operands(t: Translator, left: Expression, right: Expression, op: str) -> tuple[Value, Value]:
    """Two values that are to be compared, in one form."""
    kinds = {left.type.kind, right.type.kind}
    if kinds == {Kind.INT, Kind.FLOAT} or kinds == {Kind.BOOL, Kind.FLOAT}:
        return numbers.int_and_float(t, left, right, op)
    if kinds <= {Kind.BOOL, Kind.INT, Kind.DECIMAL} and (len(kinds) > 1 or Kind.DECIMAL in kinds):
        for value, other, seen in ((left, right, numbers.FLIPPED[op]), (right, left, op)):
            bound = numbers.limit(t, value, other, seen)
            if bound is not None:
                found = t.value(other)
                return (bound, found) if value is left else (found, bound)
        kind = Kind.DECIMAL if Kind.DECIMAL in kinds else Kind.INT
        common = Type(kind, places=max(numbers.places(left), numbers.places(right)))
        return t.value(left, common), t.value(right, common)
    return t.value(left), t.value(right)


def _equal(t: Translator, left: Expression, right: Expression, wanted: bool) -> Condition:
    for one, other in ((left, right), (right, left)):
        if isinstance(one, Const) and one.value is None:
            return _is_none(t.value(other), wanted)
    a, b = operands(t, left, right, "==")
    if {a.type.kind, b.type.kind} & set(DOCUMENTS):
        raise Unsupported("KP304", f"{left.type} can't be compared in this store")
    return equal(a, b, wanted)


def equal(a: Value, b: Value, wanted: bool) -> Condition:
    """`==`, which finds None equal to None."""
    pairs = [alike(x, y) for x, y in zip(a.terms, b.terms, strict=True)]
    defined = (*a.defined, *b.defined)
    if wanted:
        same: Condition = sa.and_(*(x == y for x, y in pairs))
        if a.type.nullable and b.type.nullable:
            return either(same, both(a.is_null(), b.is_null(), *defined))
        return same
    differ: Condition = sa.or_(*(x != y for x, y in pairs))
    if not (a.type.nullable or b.type.nullable):
        return differ
    if len(pairs) == 1:
        ((x, y),) = pairs
        distinct: Condition = x.is_distinct_from(y)
        return both(distinct, *defined)
    one_none = either(both(a.is_null(), b.not_null()), both(a.not_null(), b.is_null()))
    return both(either(both(differ, a.not_null(), b.not_null()), one_none), *defined)


def _is_none(value: Value, wanted: bool) -> Condition:
    if not value.type.nullable:
        return sa.false() if wanted else both(*value.defined)
    return both(value.is_null(), *value.defined) if wanted else value.not_null()
