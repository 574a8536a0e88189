"""Functions of text, by code points. Letters are not folded: MongoDB knows the case of ASCII only."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kingpost.base.errors import Unsupported
from kingpost.language.tree import Call, Slice
from kingpost.language.types import Kind
from kingpost.stores.mongo.value import Condition, Term, Value, both, negated

if TYPE_CHECKING:
    from kingpost.stores.mongo.translator import Translator


def test(t: Translator, node: Call, wanted: bool) -> Condition:
    """`startswith`, `endswith` and `in`."""
    if any(argument.type.kind is not Kind.TEXT for argument in node.arguments):
        raise unsaid(node.function)
    whole, part = map(t.value, node.arguments)
    there = both(whole.not_null(), part.not_null())
    length, size = {"$strLenCP": whole.term}, {"$strLenCP": part.term}
    match node.function:
        case "startswith":
            found: Condition = {"$eq": [{"$substrCP": [whole.term, 0, size]}, part.term]}
        case "endswith":
            end = {"$substrCP": [whole.term, {"$subtract": [length, size]}, size]}
            found = {"$cond": [{"$gte": [length, size]}, {"$eq": [end, part.term]}, False]}
        case "contains":
            found = {"$gte": [{"$indexOfBytes": [whole.term, part.term]}, 0]}
        case _:
            raise unsaid(node.function)
    found = found if wanted else negated(found)
    return found if there is True else {"$cond": [there, found, False]}  # of null the functions are errors


def call(t: Translator, node: Call) -> Value:
    """Functions that answer a value."""
    operand = t.value(node.arguments[0])
    kind = node.arguments[0].type.kind
    match node.function:
        case "length" if kind is Kind.TEXT:
            return _made(node, operand, {"$strLenCP": operand.term})
        case "abs" if kind in (Kind.INT, Kind.DECIMAL, Kind.FLOAT):
            return _made(node, operand, {"$abs": operand.term})
        case _:
            raise unsaid(node.function)


def part(t: Translator, node: Slice) -> Value:
    """`[start:stop]`."""
    if node.operand.type.kind is not Kind.TEXT:
        raise unsaid("a slice")
    operand = t.value(node.operand)
    length = {"$strLenCP": operand.term}
    start, stop = _place(node.start or 0, length), length if node.stop is None else _place(node.stop, length)
    count = {"$max": [{"$subtract": [stop, start]}, 0]}
    return _made(node, operand, {"$substrCP": [operand.term, start, count]})


def _place(index: int, length: Term) -> Term:
    """An end of a slice, counted from the front."""
    if index < 0:
        return {"$max": [{"$add": [length, index]}, 0]}
    return {"$min": [length, index]} if index else 0


def _made(node: Call | Slice, operand: Value, term: Term) -> Value:
    if not operand.null:
        return Value((term,), node.type)
    term = {"$cond": [operand.not_null(), term, None]}
    return Value((term,), node.type, ({"$gt": [term, None]},), True)


def unsaid(what: str) -> Unsupported:
    """The refusal of a function."""
    return Unsupported("KP304", f"{what} is not computed by MongoDB as Python does")
