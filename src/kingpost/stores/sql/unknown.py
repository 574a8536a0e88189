"""Whether an expression is unknown for some row: what can't be is said in simpler SQL."""

from __future__ import annotations

from kingpost.language.tree import (
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
)
from kingpost.language.types import BOOL, Kind


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
            return _needs(operand) or isinstance(operand, Member)
        case Arithmetic():
            return _needs(node.left, node.right) or _can_fail(node)
        case Call():
            return _needs(*node.arguments)
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
    return node.type.kind in (Kind.DATETIME, Kind.DATE)


def _owner_unknown(many: Many) -> bool:
    return not is_reached(many.base)


def _aggregate(node: Aggregate) -> bool:
    if node.condition is not None and condition_unknown(node.condition):
        return True
    if node.element is not None and _needs(node.element):
        return True
    if node.kind in ("min", "max"):
        return node.default is None or can_be_unknown(node.default)
    return False
