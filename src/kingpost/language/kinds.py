"""Which types go together: in comparisons, in arithmetic, and as branches of one expression."""

from __future__ import annotations

import math
from decimal import Decimal
from typing import Final

from kingpost.language.tree import Comparison, Const, Expression, If
from kingpost.language.types import BOOL, DURATION, FLOAT, INT, NONE, TEXT, Kind, Type

SMALLEST, LARGEST = -(2**63), 2**63 - 1
ORDERED: Final = frozenset(
    {Kind.INT, Kind.FLOAT, Kind.DECIMAL, Kind.TEXT, Kind.DATETIME, Kind.DATE, Kind.TIME, Kind.DURATION}
)
NUMBERS: Final = frozenset({Kind.INT, Kind.FLOAT, Kind.DECIMAL})
_EXACT: Final = frozenset({Kind.INT, Kind.DECIMAL})
_STRUCTURED: Final = frozenset({Kind.JSON, Kind.EMBEDDED, Kind.LIST})
_WIDEST: Final = 38  # digits; more than any store computes with exactly


def mixed(one: Type, other: Type) -> bool:
    """Whether one is a float and the other an exact number."""
    kinds = {one.kind, other.kind}
    return Kind.FLOAT in kinds and not kinds.isdisjoint(_EXACT)


def overlap(one: Type, other: Type) -> bool:
    """Whether a value of one type can equal one of the other, in every store alike."""
    if Kind.NONE in (one.kind, other.kind):
        return True
    if one.kind is not other.kind:
        return one.kind in _EXACT and other.kind in _EXACT
    if one.kind in (Kind.REFERENCE, Kind.ENUM):
        return one.name == other.name
    return one.kind not in _STRUCTURED


def ordered(one: Type, other: Type) -> bool:
    """Whether `<` has a meaning between the types."""
    return one.kind in ORDERED and other.kind in ORDERED and overlap(one, other)


def union(one: Type, other: Type) -> Type | None:
    """The type of a value that is of either type; None where there is none."""
    nullable = one.nullable or other.nullable
    if Kind.NONE in (one.kind, other.kind):
        return (other if one.kind is Kind.NONE else one).maybe()
    if one.kind is not other.kind or one.name != other.name or one.members != other.members:
        return None
    if one.kind is Kind.DECIMAL:
        return _decimal(_most(_whole(one), _whole(other)), _most(one.places, other.places)).maybe(nullable)
    if one.kind is Kind.LIST:
        return one.maybe(nullable) if one.element == other.element else None
    if one.choices == other.choices:
        return one.maybe(nullable)
    both = tuple(dict.fromkeys((*one.choices, *other.choices))) if one.choices and other.choices else ()
    return Type(one.kind, nullable=nullable, choices=both, name=one.name)


def arithmetic(op: str, one: Type, other: Type) -> Type | None:
    """The type of `one op other`; None where it has no exact meaning."""
    match op, one.kind, other.kind:
        case "/", Kind.INT, Kind.INT:
            return FLOAT
        case (("+" | "-" | "*" | "//" | "%"), Kind.INT, Kind.INT):
            return INT
        case (("+" | "-" | "*" | "/"), Kind.FLOAT, Kind.FLOAT):
            return FLOAT
        case "+", Kind.TEXT, Kind.TEXT:
            return TEXT
        case (("+" | "-"), (Kind.DATETIME | Kind.DATE), Kind.DURATION):
            return plain(one)
        case "+", Kind.DURATION, (Kind.DATETIME | Kind.DATE):
            return plain(other)
        case ("-", Kind.DATETIME, Kind.DATETIME) | ("-", Kind.DATE, Kind.DATE):
            return DURATION
        case (("+" | "-" | "%"), Kind.DURATION, Kind.DURATION) | (("*" | "//"), Kind.DURATION, Kind.INT):
            return DURATION
        case "*", Kind.INT, Kind.DURATION:
            return DURATION
        case "//", Kind.DURATION, Kind.DURATION:
            return INT
        case "/", Kind.DURATION, Kind.DURATION:
            return FLOAT
        case (("+" | "-"), (Kind.DECIMAL | Kind.INT), (Kind.DECIMAL | Kind.INT)):
            whole = _most(_whole(one), _whole(other))
            return _decimal(None if whole is None else whole + 1, _most(_places(one), _places(other)))
        case "*", (Kind.DECIMAL | Kind.INT), (Kind.DECIMAL | Kind.INT):
            return _decimal(_plus(_whole(one), _whole(other)), _plus(_places(one), _places(other)))
        case _:
            return None


def plain(type: Type) -> Type:
    """What arithmetic and functions answer for such an operand: no choices, never None."""
    return Type(type.kind, digits=type.digits, places=type.places, name=type.name)


def _places(type: Type) -> int | None:
    return 0 if type.kind is Kind.INT else type.places


def _whole(type: Type) -> int | None:
    """Digits before the point."""
    if type.kind is Kind.INT:
        return 19
    return None if type.digits is None or type.places is None else type.digits - type.places


def _most(one: int | None, other: int | None) -> int | None:
    return None if one is None or other is None else max(one, other)


def _plus(one: int | None, other: int | None) -> int | None:
    return None if one is None or other is None else one + other


def _decimal(whole: int | None, places: int | None) -> Type:
    digits = None if whole is None or places is None else min(whole + places, _WIDEST)
    return Type(Kind.DECIMAL, digits=digits, places=places)


def constant(value: object) -> Const | None:
    """A literal with its type; None if no field could hold such a value."""
    match value:
        case None:
            return Const(None, NONE)
        case bool():
            return Const(value, BOOL)
        case int():
            return Const(value, INT)
        case float():
            return None if math.isnan(value) else Const(value, FLOAT)
        case str():
            return Const(value, TEXT)
        case bytes():
            return Const(value, Type(Kind.BYTES))
        case _:
            return None


def decimal_type(value: Decimal) -> Type:
    """Exactly the digits and places of a constant."""
    _, digits, exponent = value.as_tuple()
    places = max(0, -exponent) if isinstance(exponent, int) else 0
    whole = max(1, len(digits) + exponent) if isinstance(exponent, int) else 1
    return Type(Kind.DECIMAL, digits=whole + places, places=places)


def fold(op: Comparison, type: Type, limit: float, bounded: bool) -> tuple[Comparison, Const] | None:
    """`x op limit`, x of `type`, with a constant of x's own type that gives the same answer; None: never equal.

    An order comparison with a limit beyond all values becomes one with the last value, so that it still is unknown
    where x is. `bounded`: x is held in 64 bits, as fields are.
    """
    return _fold_int(op, limit, bounded) if type.kind is Kind.INT else _fold_float(op, limit)


def _fold_int(op: Comparison, limit: float, bounded: bool) -> tuple[Comparison, Const] | None:
    if math.isinf(limit):
        limit = LARGEST + 1 if limit > 0 else SMALLEST - 1
    if limit == int(limit):
        number = int(limit)
    elif op == "==":
        return None
    else:  # n > 1.5 is n >= 2
        op, number = ("<=", math.floor(limit)) if op in ("<", "<=") else (">=", math.ceil(limit))
    if bounded and not SMALLEST <= number <= LARGEST:
        if op == "==":
            return None
        holds = (number > 0) == (op in ("<", "<="))
        if number > 0:
            op, number = ("<=" if holds else ">"), LARGEST
        else:
            op, number = (">=" if holds else "<"), SMALLEST
    return op, Const(number, INT)


def _fold_float(op: Comparison, limit: float) -> tuple[Comparison, Const] | None:
    largest = math.nextafter(math.inf, 0)
    if abs(limit) > largest:
        if op == "==":
            return None
        holds = (limit > 0) == (op in ("<", "<="))
        if limit > 0:
            return ("<=" if holds else ">"), Const(largest, FLOAT)
        return (">=" if holds else "<"), Const(-largest, FLOAT)
    near = float(limit)
    if near == limit:
        return op, Const(near, FLOAT)
    if op == "==":
        return None
    if op in ("<", "<="):
        return "<=", Const(near if near < limit else math.nextafter(near, -math.inf), FLOAT)
    return ">=", Const(near if near > limit else math.nextafter(near, math.inf), FLOAT)


def converted(expression: Expression, wanted: Type) -> Expression:
    """Constants of an int as the float or Decimal they stand for among `wanted`; all else as it is."""
    match expression:
        case Const(value=int(value)) if expression.type.kind is Kind.INT:
            if wanted.kind is Kind.FLOAT and abs(value) <= 2**1000 and float(value) == value:
                return Const(float(value), FLOAT)
            if wanted.kind is Kind.DECIMAL:
                return Const(Decimal(value), decimal_type(Decimal(value)))
        case If(condition=condition, then=then, otherwise=otherwise) if wanted.kind is not expression.type.kind:
            branches = converted(then, wanted), converted(otherwise, wanted)
            if branches != (then, otherwise) and (type := union(branches[0].type, branches[1].type)) is not None:
                return If(condition, *branches, type)
        case _:
            pass
    return expression
