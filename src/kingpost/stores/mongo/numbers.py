"""Arithmetic, and numbers from outside: past 64 bits or 34 digits is an error or refused, never rounded."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from bson import Int64

from kingpost.base.errors import Unsupported
from kingpost.language.tree import Arithmetic, Const, Negative, Param
from kingpost.language.types import Kind, Type
from kingpost.stores.contract import Convert
from kingpost.stores.mongo import forms
from kingpost.stores.mongo.bind import Bound
from kingpost.stores.mongo.forms import DIGITS, NOT_A_NUMBER
from kingpost.stores.mongo.value import Term, Value, both
from kingpost.stores.sql.forms import EPOCH, MICROSECOND

if TYPE_CHECKING:
    from kingpost.stores.mongo.translator import Translator

FIRST: Final = (datetime.min.replace(tzinfo=EPOCH.tzinfo) - EPOCH) // MICROSECOND
LAST: Final = (datetime.max.replace(tzinfo=EPOCH.tzinfo) - EPOCH) // MICROSECOND
SIGNS: Final = {"+": "$add", "-": "$subtract", "*": "$multiply"}
WHOLE: Final = frozenset({Kind.INT, Kind.DATETIME, Kind.DURATION})
"""What is kept as a whole number of 64 bits."""


def limit(one: Param | Const, other: Type, op: str, flip: bool) -> Any:
    """A Decimal from outside that is compared with a value of `other`; None where its places are not known.

    `flip`: it is on the left side.
    """
    places = 0 if other.kind is Kind.INT else other.places
    if places is None:
        return None
    if op == "==":
        up: bool | None = None
    else:  # x < 1.5 is x < 2 of whole numbers
        up = (op in ("<", ">=")) is not flip
    convert = forms.limit(places, up=up)
    return Bound(one.name, convert) if isinstance(one, Param) else convert(one.value)


def found(places: int | None) -> Convert:
    """A Decimal to be looked for: one that is finer than what is kept is equal to none."""

    def convert(value: Any) -> Any:
        kept = forms.scaled(value, places)
        return NOT_A_NUMBER if kept is None else kept

    return convert


def arithmetic(t: Translator, node: Negative | Arithmetic) -> Value:
    """A computed number, instant or duration: null where it is unknown."""
    if isinstance(node, Negative):
        operand = t.value(node.operand)
        if node.type.kind in WHOLE:
            return _made(t, node.type, {"$subtract": [_zero, operand.term]}, operand)
        if node.type.kind is Kind.DECIMAL and _fits(node.type):
            return _made(t, node.type, {"$subtract": [0, operand.term]}, operand)
        raise _unsaid(node)
    left, right = t.value(node.left), t.value(node.right)
    kinds = {node.left.type.kind, node.right.type.kind, node.type.kind}
    if kinds <= WHOLE and node.op in SIGNS:
        return _made(t, node.type, {SIGNS[node.op]: [left.term, right.term]}, left, right)
    if kinds == {Kind.INT} and node.op in ("//", "%"):
        return _divided(t, node, left, right)
    if kinds <= {Kind.DECIMAL, Kind.INT} and Kind.DECIMAL in kinds and node.op in SIGNS and _fits(node.type):
        return _made(t, node.type, {SIGNS[node.op]: [left.term, right.term]}, left, right)
    if kinds == {Kind.TEXT} and node.op == "+":
        return _made(t, node.type, {"$concat": [left.term, right.term]}, left, right)
    raise _unsaid(node)


_zero: Final = Int64(0)


def _unsaid(node: Negative | Arithmetic) -> Unsupported:
    op = "-" if isinstance(node, Negative) else node.op
    return Unsupported("KP304", f"{op} of {node.type} is not computed by MongoDB as Python does")


def _fits(type: Type) -> bool:
    return type.digits is not None and type.digits <= DIGITS


def _made(t: Translator, type: Type, term: Term, *operands: Value) -> Value:
    """A computed value; unknown where an operand is None or unknown, or where it is no instant."""
    there = both(*(operand.not_null() for operand in operands))
    null = there is not True
    if type.kind in WHOLE:
        term = whole(t, term)
    if type.kind is Kind.DATETIME:
        name = f"i{next(t.shared.numbers)}"
        within = both({"$gte": [f"$${name}", Int64(FIRST)]}, {"$lte": [f"$${name}", Int64(LAST)]})
        term = {"$let": {"vars": {name: term}, "in": {"$cond": [within, f"$${name}", None]}}}
        null = True
    if there is not True:
        term = {"$cond": [there, term, None]}
    return Value((term,), type, ({"$gt": [term, None]},) if null else (), null)


def whole(t: Translator, term: Term) -> Term:
    """A whole number that does not fit into 64 bits becomes a double, which is an error here: it divides by zero."""
    name = f"n{next(t.shared.numbers)}"
    found = f"$${name}"
    beyond = {"$eq": [{"$type": found}, "double"]}
    return {"$let": {"vars": {name: term}, "in": {"$cond": [beyond, {"$divide": [found, 0]}, found]}}}


def _divided(t: Translator, node: Arithmetic, left: Value, right: Value) -> Value:
    """Python rounds down, and the rest has the sign of the divisor; MongoDB's has that of the dividend."""
    number = next(t.shared.numbers)
    a, b, r = f"a{number}", f"b{number}", f"r{number}"
    rest = {"$mod": [f"$${a}", f"$${b}"]}
    other_sign = {"$ne": [{"$lt": [f"$${r}", 0]}, {"$lt": [f"$${b}", 0]}]}
    turned = {"$cond": [both({"$ne": [f"$${r}", 0]}, other_sign), {"$add": [f"$${r}", f"$${b}"]}, f"$${r}"]}
    if node.op == "%":
        answer: Term = turned
    else:  # in Decimal, as a division of whole numbers goes by way of doubles
        exact = {"$subtract": [{"$toDecimal": f"$${a}"}, turned]}
        answer = {"$toLong": {"$divide": [exact, {"$toDecimal": f"$${b}"}]}}
    inner = {"$let": {"vars": {r: rest}, "in": answer}}
    term: Term = {"$let": {"vars": {a: left.term, b: right.term}, "in": inner}}
    zero = isinstance(node.right, Const) and bool(node.right.value)
    there = both(left.not_null(), right.not_null(), zero or {"$ne": [right.term, 0]})
    if there is not True:
        term = {"$cond": [there, term, None]}
    null = there is not True
    return Value((term,), node.type, ({"$gt": [term, None]},) if null else (), null)
