"""Whether an expression is unknown for some row, told from the tree alone."""

from __future__ import annotations

from datetime import datetime, timedelta
from math import inf
from typing import Final

from kingpost.language.tree import (
    EXPRESSIONS,
    Aggregate,
    And,
    Arithmetic,
    Call,
    Compare,
    Const,
    Expression,
    Field,
    Identity,
    If,
    In,
    IsNone,
    Item,
    Keyed,
    Many,
    Member,
    Negative,
    Not,
    Or,
    Param,
    Part,
    Quantify,
    Root,
    Row,
    Shown,
    Slice,
    Step,
    Summary,
    Truth,
    children,
    walk,
)
from kingpost.language.types import BOOL, Kind

MICROSECOND: Final = timedelta(microseconds=1)
LONGEST: Final = timedelta.max // MICROSECOND
SHORTEST: Final = abs(timedelta.min // MICROSECOND)
"""The durations that there are, in microseconds: from minus SHORTEST, which is less, to LONGEST."""


def can_be_unknown(node: Expression) -> bool:
    """Whether the value can be unknown, told from the tree alone: never False where it can."""
    match node:
        case Const() | Param() | Summary():
            return isinstance(node, Summary)
        case Shown():
            return False
        case Field(row=row):
            return not is_reached(row)
        case Identity(row=Step(base=base)):
            return not is_reached(base)
        case Identity():
            return False
        case Not(operand=operand):
            return condition_unknown(operand)
        case IsNone(operand=operand) | Truth(operand=operand) | Part(operand=operand):
            return can_be_unknown(operand)
        case And(operands=operands) | Or(operands=operands):
            return any(map(condition_unknown if node.type == BOOL else can_be_unknown, operands))
        case If():
            return condition_unknown(node.condition) or can_be_unknown(node.then) or can_be_unknown(node.otherwise)
        case Compare(op="=="):
            return can_be_unknown(node.left) or can_be_unknown(node.right)
        case Compare():
            return _needs(node.left, node.right)
        case In(options=Param()):
            return can_be_unknown(node.item)
        case In(options=tuple() as options):
            return any(map(can_be_unknown, (node.item, *options)))
        case Negative(operand=operand) | Slice(operand=operand) | Member(operand=operand):
            return _needs(operand) or isinstance(operand, Member) or beyond_durations(node)
        case Arithmetic():
            return _needs(node.left, node.right) or _can_fail(node)
        case Call():
            return _needs(*node.arguments) or beyond_durations(node)
        case Quantify():
            parts = (node.element,) if node.condition is None else (node.condition, node.element)
            return _owner_unknown(node.many) or any(map(condition_unknown, parts))
        case Aggregate():
            return _owner_unknown(node.many) or _aggregate(node)
        case _:
            return True


def condition_unknown(node: Expression) -> bool:
    """The same of a condition, which a None decides as little as what is unknown."""
    return node.type.nullable or can_be_unknown(node)


def beyond_durations(node: Expression) -> bool:
    """Whether what is computed can be a duration beyond those of `timedelta`, where CPython raises OverflowError."""
    return node.type.kind is Kind.DURATION and not isinstance(node, Field | Param | Const) and _extent(node) > SHORTEST


def _extent(node: Expression) -> int:
    """A bound on the microseconds of a duration, whatever its sign, before it is looked at."""
    match node:
        case Const(value=timedelta() as value):
            return abs(value // MICROSECOND)
        case Arithmetic(op="*"):
            return LONGEST + 1
        case Arithmetic(left=left) if left.type.kind in (Kind.DATETIME, Kind.DATE):
            return (datetime.max - datetime.min) // MICROSECOND
        case Arithmetic(op="+" | "-", left=left, right=right):
            return _length(left) + _length(right)
        case Arithmetic(op="%", right=right):
            return _length(right)
        case _:  # one of its operands, or held in 64 bits
            operands = [child for child in children(node) if isinstance(child, EXPRESSIONS)]
            return max((_length(one) for one in operands if one.type.kind is Kind.DURATION), default=2**63)


def _length(node: Expression) -> int:
    """The same of a duration that has been looked at."""
    return min(_extent(node), LONGEST)


def is_reached(row: Row) -> bool:
    """Whether there is such a row, always."""
    match row:
        case Root() | Item():
            return True
        case Step():
            return not row.nullable and row.guard is None and is_reached(row.base)
        case Keyed():
            return False


def _needs(*operands: Expression) -> bool:
    """Unknown where an operand is None."""
    return any(operand.type.nullable or can_be_unknown(operand) for operand in operands)


def _can_fail(node: Arithmetic) -> bool:
    if node.op in ("/", "//", "%"):
        return not (isinstance(node.right, Const) and node.right.value)
    if node.type.kind is Kind.FLOAT:
        endless = [can_be_infinite(node.left), can_be_infinite(node.right)]
        return any(endless) if node.op == "*" else all(endless)
    return node.type.kind in (Kind.DATETIME, Kind.DATE) or beyond_durations(node)


def can_be_infinite(node: Expression) -> bool:
    """Whether floats can be computed to infinity: never False where they can. What is stored is finite."""
    computed = (Arithmetic, Aggregate, Summary, Param)
    return any(
        part.type.kind is Kind.FLOAT
        and (isinstance(part, computed) or (isinstance(part, Const) and part.value in (inf, -inf)))
        for part in walk(node)
        if isinstance(part, EXPRESSIONS)
    )


def _owner_unknown(many: Many) -> bool:
    return not is_reached(many.base)


def _aggregate(node: Aggregate) -> bool:
    if node.condition is not None and condition_unknown(node.condition):
        return True
    if node.element is not None and _needs(node.element):
        return True
    if node.kind == "sum" and node.element is not None and can_be_infinite(node.element):
        return True
    if node.kind in ("min", "max"):
        return node.default is None or can_be_unknown(node.default)
    return False
