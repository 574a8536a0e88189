"""Whether a condition may hold of rows from which a relation leads nowhere: there, what lies behind it is unknown."""

from __future__ import annotations

from kingpost.language.tree import (
    Aggregate,
    And,
    Arithmetic,
    Call,
    Compare,
    Expression,
    Field,
    Identity,
    If,
    In,
    IsNone,
    Member,
    Negative,
    Not,
    Or,
    Part,
    Quantify,
    Row,
    Slice,
    Step,
    Truth,
)
from kingpost.language.types import BOOL


def holds_without(condition: Expression, end: Step, wanted: bool = True) -> bool:
    """Whether the condition may be surely `wanted` where `end` is no row; True where that is not known."""
    match condition:
        case Not(operand=operand):
            return holds_without(operand, end, not wanted)
        case And(operands=operands, type=type) | Or(operands=operands, type=type) if type == BOOL:
            needed = all if isinstance(condition, And) == wanted else any
            return needed(holds_without(one, end, wanted) for one in operands)
        case If(condition=asked, then=then, otherwise=otherwise, type=type) if type == BOOL:
            return (holds_without(asked, end, True) and holds_without(then, end, wanted)) or (
                holds_without(asked, end, False) and holds_without(otherwise, end, wanted)
            )
        case Quantify(kind=kind, many=many, condition=counts, element=element):
            if _leads_through(many.base, end):
                return False
            if wanted != (kind == "any"):  # of no rows at all
                return True
            return holds_without(element, end, wanted) and (counts is None or holds_without(counts, end, True))
        case _:
            return not _is_unknown(condition, end)


def _is_unknown(value: Expression, end: Step) -> bool:
    """Whether the value is unknown where `end` is no row, whatever else is."""
    match value:
        case Field(row=row):
            return _leads_through(row, end)
        case Identity(row=Step(base=base)):
            return _leads_through(base, end)
        case Aggregate(many=many):
            return _leads_through(many.base, end)
        case Compare(left=left, right=right) | Arithmetic(left=left, right=right):
            return _is_unknown(left, end) or _is_unknown(right, end)
        case Call(arguments=arguments):
            return any(_is_unknown(one, end) for one in arguments)
        case (
            Not(operand=operand)
            | Negative(operand=operand)
            | Slice(operand=operand)
            | Member(operand=operand)
            | Part(operand=operand)
            | Truth(operand=operand)
            | IsNone(operand=operand)
            | In(item=operand)
        ):
            return _is_unknown(operand, end)
        case If(condition=asked, then=then, otherwise=otherwise):
            return _is_unknown(asked, end) or (_is_unknown(then, end) and _is_unknown(otherwise, end))
        case And(operands=(first, *_)) | Or(operands=(first, *_)):
            return _is_unknown(first, end)
        case _:
            return False


def _leads_through(row: Row, end: Step) -> bool:
    while row != end:
        if not isinstance(row, Step):
            return False
        row = row.base
    return True
