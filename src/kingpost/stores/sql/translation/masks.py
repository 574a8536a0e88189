"""Conditions on values that a right may hide: said as the right and the condition, so that an index finds the rows.

A masked value is `value if right else None`. As one value that is a CASE, which no index knows.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from kingpost.language.tree import FALSE, TRUE, Call, Compare, Const, Expression, Field, If, In, IsNone, Param, Truth
from kingpost.language.types import BOOL, Kind
from kingpost.language.unknown import can_be_unknown

_UNKNOWN: Final = Const(None, BOOL.maybe())


def unmasked(node: Expression) -> If | None:
    """The same condition as one choice between two conditions; None where there is no mask, or it costs too much."""
    match node:
        case Compare(op=op, left=If() as mask, right=other) if _short(other):
            return _chosen(mask, lambda value: Compare(op, value, other), _of_none(op, other))
        case Compare(op=op, left=other, right=If() as mask) if _short(other):
            return _chosen(mask, lambda value: Compare(op, other, value), _of_none(op, other))
        case In(item=If() as mask, options=options) if not _holds_none(options):
            return _chosen(mask, lambda value: In(value, options), FALSE)
        case Call(function=function, arguments=(If() as mask, *rest)) if node.type == BOOL and all(map(_short, rest)):
            return _chosen(mask, lambda value: Call(function, (value, *rest), BOOL), _UNKNOWN)
        case IsNone(operand=If() as mask):
            return _chosen(mask, IsNone, TRUE)
        case Truth(operand=If() as mask):
            return _chosen(mask, Truth, FALSE)
        case _:
            return None


def _chosen(mask: If, say: Callable[[Expression], Expression], of_none: Expression) -> If | None:
    if not isinstance(mask.otherwise, Const) or mask.otherwise.value is not None:
        return None
    return If(mask.condition, say(mask.then), of_none, BOOL)


def _of_none(op: str, other: Expression) -> Expression:
    """What a comparison of None says: order it has none."""
    if op != "==":
        return _UNKNOWN
    return IsNone(other) if other.type.nullable or can_be_unknown(other) else FALSE


def _short(node: Expression) -> bool:
    """Whether saying it twice costs nothing."""
    return isinstance(node, Const | Param | Field)


def _holds_none(options: tuple[Expression, ...] | Param) -> bool:
    """Whether None may be among them, or what is unknown."""
    if isinstance(options, Param):
        return options.type.element is None or options.type.element.nullable or options.type.element.kind is Kind.NONE
    return any(option.type.nullable or can_be_unknown(option) or not _short(option) for option in options)
