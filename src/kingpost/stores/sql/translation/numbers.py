"""Arithmetic: exact on integers and decimals; floats as floats; texts put together."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from kingpost.base.errors import Unsupported
from kingpost.language.tree import Arithmetic, Call, Const, Expression, Negative, Param, walk
from kingpost.language.types import FLOAT, INT, Kind, Type
from kingpost.stores.sql.phrases import Phrase, Term
from kingpost.stores.sql.translation import time
from kingpost.stores.sql.value import Value

if TYPE_CHECKING:
    from kingpost.stores.sql.translation.translator import Translator

WHOLE = (Kind.BOOL, Kind.INT)
SCALED = Type(Kind.DECIMAL, places=0)
FLIPPED = {"==": "==", "<": ">", "<=": ">=", ">": "<", ">=": "<="}


def places(node: Expression) -> int:
    """The decimal places of a number."""
    if node.type.kind is not Kind.DECIMAL:
        return 0
    if node.type.places is None and isinstance(node, Const) and isinstance(node.value, Decimal):
        return max(-int(node.value.as_tuple().exponent), 0)
    if node.type.places is None:
        raise Unsupported("KP304", "a Decimal needs decimal_places to be computed with")
    return node.type.places


def arithmetic(t: Translator, node: Negative | Arithmetic) -> Term:
    """`+ - * / // %` and the sign."""
    if isinstance(node, Negative):
        return _negative(t, node)
    left, right = node.left.type.kind, node.right.type.kind
    match node.op, left, right:
        case "+", Kind.TEXT, Kind.TEXT:
            return Phrase("{0} || {1}", sa.Text(), t.value(node.left).term, t.value(node.right).term)
        case _ if {left, right} & {Kind.DATETIME, Kind.DATE, Kind.DURATION}:
            return time.arithmetic(t, node)
        case _:
            pass
    match node.type.kind:
        case Kind.INT if left in WHOLE and right in WHOLE:
            return _whole(t, node)
        case Kind.DECIMAL:
            return _decimal(t, node)
        case Kind.FLOAT:
            return _float(t, node)
        case _:
            raise Unsupported("KP304", f"{node.left.type} {node.op} {node.right.type} is not known to SQL stores")


def about_rows(node: Expression) -> bool:
    """Whether a row of the store takes part, rather than constants and parameters only."""
    return any(not isinstance(part, Const | Param | Arithmetic | Negative) for part in walk(node))


def _negative(t: Translator, node: Negative) -> Term:
    term = t.value(node.operand, node.type).term
    if node.type.kind is Kind.FLOAT:
        return Phrase("-{0}", term.type, term)
    if node.type.kind is Kind.DURATION:
        return time.negative(t, node)
    return t.dialect.exact(Phrase("-{0}", t.dialect.integer(term).type, t.dialect.integer(term)))


def _whole(t: Translator, node: Arithmetic) -> Term:
    a, b = (t.value(side, node.type).term for side in (node.left, node.right))
    if node.op in ("+", "-", "*") and not any(map(about_rows, (node.left, node.right))):
        # Of parameters alone it stays in 64 bits, in the type of the column that it is compared with.
        return t.dialect.exact(Phrase(f"{{0}} {node.op} {{1}}", a.type, a, b))
    a, b = t.dialect.integer(a), t.dialect.integer(b)
    match node.op:
        case "+" | "-" | "*":
            return t.dialect.exact(Phrase(f"{{0}} {node.op} {{1}}", a.type, a, b))
        case "//":
            return t.once((node.left, node.right), (a, b), t.dialect.floor_divide)
        case "%":
            return t.once((node.left, node.right), (a, b), t.dialect.modulo)
        case _:
            raise Unsupported("KP304", f"{node.op} does not answer {node.type}")


def _decimal(t: Translator, node: Arithmetic) -> Term:
    if node.op == "*":
        if places(node.left) + places(node.right) != node.type.places:
            raise Unsupported("KP304", "a product of decimals would have to be rounded")
        a, b = (t.dialect.integer(t.value(side).term) for side in (node.left, node.right))
    elif node.op in ("+", "-"):
        wanted = Type(Kind.DECIMAL, places=max(places(node.left), places(node.right)))
        if node.type.places is not None and node.type.places > (wanted.places or 0):
            wanted = node.type
        a, b = (t.dialect.integer(t.value(side, wanted).term) for side in (node.left, node.right))
    else:
        raise Unsupported("KP304", f"{node.op} of decimals would have to be rounded")
    return t.dialect.exact(Phrase(f"{{0}} {node.op} {{1}}", a.type, a, b))


def _float(t: Translator, node: Arithmetic) -> Term:
    a, b = (t.value(side, FLOAT).term for side in (node.left, node.right))
    match node.op:
        case "+" | "-" | "*":
            return t.dialect.floated(Phrase(f"{{0}} {node.op} {{1}}", a.type, a, b))
        case "/":
            return t.dialect.divide(a, b)
        case _:
            raise Unsupported("KP304", f"{node.op} of floats is not known to SQL stores")


def int_and_float(t: Translator, left: Expression, right: Expression, op: str) -> tuple[Value, Value]:
    """An int and a float to be compared by `op`, exactly as Python does; only SQLite does so by itself."""
    if t.dialect.name == "sqlite":
        return t.value(left), t.value(right)
    sides: list[Value] = []
    for side, seen in ((left, FLIPPED[op]), (right, op)):
        make = t.dialect.limit(seen, 0)
        if side.type.kind is not Kind.FLOAT:
            value = t.value(side, INT)
            sides.append(Value((t.dialect.integer(value.term),), value.type, value.defined))
        elif isinstance(side, Const | Param) and make is not None:
            sides.append(_bound(t, side, make, ("limit", make(0.5), 0)))
        elif isinstance(side, Const) and isinstance(side.value, float):
            exact = Decimal(side.value)  # every binary fraction is a decimal one
            sides.append(Value((t.const(exact, Type(Kind.DECIMAL)),), side.type))
        else:
            raise Unsupported(
                "KP304", "comparing an int with a float that is no constant: the store would round the int"
            )
    return sides[0], sides[1]


def limit(t: Translator, value: Expression, other: Expression, op: str) -> Value | None:
    """A number from outside that decimals are compared with by `op`, so that they need not be rescaled.

    Rescaling would cost the column its index, and overflow where the number is finer than the column by far.
    """
    if not isinstance(value, Const | Param) or isinstance(other, Const | Param):
        return None
    if other.type.kind not in (Kind.INT, Kind.DECIMAL) or Kind.DECIMAL not in (value.type.kind, other.type.kind):
        return None
    make = t.dialect.limit(op, places(other))
    if make is None or t.shared.literal or (isinstance(value, Const) and value.value is None):
        return None
    key = ("limit", make(Decimal("0.5").scaleb(-places(other))), places(other))  # what tells the ways of rounding apart
    return _bound(t, value, make, key)


def _bound(t: Translator, value: Const | Param, make: Callable[[Any], Any], key: tuple[object, ...]) -> Value:
    """A number from outside, made into one that decimals are compared with."""
    if isinstance(value, Param):
        term = t.param(value, SCALED, lambda given: None if given is None else make(given), *key)
        return Value((term,), value.type)
    bound = make(value.value)
    term = t.shared.binds.add((*key, value.value), lambda params: bound, t.dialect.forms.plain(SCALED))
    return Value((term,), value.type)


# ------------------------------------------------------------------------------------------------------------ functions


def function(t: Translator, node: Call) -> Term:
    """`abs` and `round`."""
    operand = node.arguments[0]
    if node.function == "abs":
        term = t.value(operand, node.type).term
        if node.type.kind is Kind.FLOAT:
            return sa.Function("abs", term, type_=term.type)
        whole = t.dialect.integer(term)
        found = sa.Function("abs", whole, type_=whole.type)
        return found if node.type.kind is not Kind.DURATION else time.bounded(t, node, found)
    if len(node.arguments) > 1:
        raise Unsupported("KP304", "round() to decimal places is not known to SQL stores")
    term = t.value(operand).term
    match operand.type.kind:
        case Kind.FLOAT:
            return t.dialect.round_float(term)
        case Kind.DECIMAL:
            scale = places(operand)

            def rounded(value: Term) -> Term:
                return t.dialect.round_decimal(value, scale)

            return t.once((operand,), (term,), rounded)
        case _:
            return t.value(operand, INT).term
