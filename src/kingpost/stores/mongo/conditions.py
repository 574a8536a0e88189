"""Conditions on two rails, surely true and surely false, as docs/reference/language.md has them.

In a pipeline null is a value like any other, less than all: where a comparison has an operand that may be null, the
rail says so first.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from kingpost.base.errors import Unsupported
from kingpost.language.tree import (
    And,
    Call,
    Compare,
    Const,
    Expression,
    If,
    In,
    IsNone,
    Not,
    Or,
    Param,
    Quantify,
    Truth,
)
from kingpost.language.types import BOOL, Kind, Type
from kingpost.stores.mongo import many, numbers, text
from kingpost.stores.mongo.bind import Bound, literal
from kingpost.stores.mongo.forms import to_bson
from kingpost.stores.mongo.value import Condition, Value, both, either, negated
from kingpost.stores.sql.forms import DOCUMENTS
from kingpost.stores.sql.translation.masks import unmasked

if TYPE_CHECKING:
    from kingpost.stores.mongo.translator import Translator

OPERATORS: Final = {"<": "$lt", "<=": "$lte", ">": "$gt", ">=": "$gte"}
INVERSES: Final = {"<": "$gte", "<=": "$gt", ">": "$lte", ">=": "$lt"}
NUMBERS: Final = frozenset({Kind.INT, Kind.DECIMAL, Kind.FLOAT})


def rail(t: Translator, node: Expression, wanted: bool) -> Condition:
    """Surely true if `wanted`, else surely false."""
    masked = unmasked(node)
    if masked is not None:
        return t.rail(masked, wanted)
    match node:
        case Const(value=True | False | None as known):  # None decides nothing
            return known is wanted
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
            return truth(t.value(operand), wanted)
        case Compare(op="=="):
            return _equal(t, node.left, node.right, wanted)
        case Compare():
            left, right = ordered(t, node)
            compared = {(OPERATORS if wanted else INVERSES)[node.op]: [left.term, right.term]}
            return both(left.not_null(), right.not_null(), compared)
        case IsNone():
            return is_none(t.value(node.operand), wanted)
        case In():
            return _among(t, node, wanted)
        case Call() if node.type == BOOL:
            return text.test(t, node, wanted)
        case Quantify():
            return many.quantify(t, node, wanted)
        case _ if node.type.kind is Kind.BOOL:
            return {"$eq": [t.value(node).term, wanted]}
        case _:
            raise Unsupported("KP304", f"{node.type} is no condition")


# ---------------------------------------------------------------------------------------------------------------- truth


def truth(value: Value, wanted: bool) -> Condition:
    """`bool(value)`."""
    zero = _zero(value.type)
    if wanted:
        return both(value.not_null(), True if zero is None else {"$ne": [value.term, zero]})
    none = both(value.is_null(), *value.known) if value.type.nullable else False
    return either(False if zero is None else {"$eq": [value.term, zero]}, none)


def _zero(type: Type) -> Any:
    """The value of a type that is false; None where all are true."""
    match type.kind:
        case Kind.BOOL:
            return False
        case Kind.TEXT:
            return ""
        case Kind.INT | Kind.FLOAT | Kind.DECIMAL | Kind.DURATION:
            return 0
        case Kind.REFERENCE | Kind.UUID | Kind.DATETIME | Kind.DATE | Kind.TIME | Kind.ENUM:
            return None
        case _:
            raise Unsupported("KP304", f"whether a {type} is empty can't be asked of MongoDB")


# ----------------------------------------------------------------------------------------------------------- comparison


def ordered(t: Translator, node: Compare) -> tuple[Value, Value]:
    """The operands of an order comparison."""
    left, right = operands(t, node.left, node.right, node.op)
    kinds = {left.type.kind, right.type.kind}
    if kinds & {Kind.REFERENCE, Kind.BYTES, *DOCUMENTS} or (Kind.BOOL in kinds and len(kinds) > 1):
        raise Unsupported("KP304", f"{node.left.type} has no order in MongoDB")
    return left, right


def operands(t: Translator, left: Expression, right: Expression, op: str) -> tuple[Value, Value]:
    """Two values that are to be compared: a number from outside as one that compares alike with those that are kept."""
    kinds = {left.type.kind, right.type.kind} - {Kind.NONE}
    if len(kinds) > 1 and not (kinds <= NUMBERS and kinds != {Kind.FLOAT, Kind.DECIMAL}):
        raise Unsupported("KP304", f"{left.type} and {right.type} can't be compared in MongoDB")
    for one, other, flip in ((left, right, True), (right, left, False)):
        if one.type.kind is Kind.DECIMAL and isinstance(one, Param | Const):
            bound = numbers.limit(one, other.type, op, flip)
            if bound is not None:
                value = Value((literal(bound),), one.type, (), one.type.nullable)
                return (value, t.value(other)) if flip else (t.value(other), value)
    return t.value(left), t.value(right)


def _equal(t: Translator, left: Expression, right: Expression, wanted: bool) -> Condition:
    for one, other in ((left, right), (right, left)):
        if isinstance(one, Const) and one.value is None:
            return is_none(t.value(other), wanted)
    a, b = operands(t, left, right, "==")
    if {a.type.kind, b.type.kind} & set(DOCUMENTS):
        raise Unsupported("KP304", f"{left.type} can't be compared in MongoDB")
    return equal(a, b, wanted)


def equal(a: Value, b: Value, wanted: bool) -> Condition:
    """`==`, which finds None equal to None."""
    same = both(*({"$eq": [x, y]} for x, y in zip(a.terms, b.terms, strict=True)))
    known = (*a.known, *b.known)
    if len(a.terms) > 1 and a.null and b.null:  # of a key that is not whole, nothing is compared
        same = either(both(a.not_null(), b.not_null(), same), both(a.is_null(), b.is_null()))
    elif len(a.terms) > 1:
        same = both(a.not_null(), b.not_null(), same)
    if wanted:
        return both(*known, same) if a.null and b.null else same
    return both(*known, negated(same) if len(a.terms) > 1 else {"$ne": [a.term, b.term]})


def is_none(value: Value, wanted: bool) -> Condition:
    """`is None`."""
    if not value.type.nullable:
        return False if wanted else both(*value.known)
    return both(value.is_null(), *value.known) if wanted else value.not_null()


# ------------------------------------------------------------------------------------------------------------------- in


def _among(t: Translator, node: In, wanted: bool) -> Condition:
    if isinstance(node.options, Param):
        item = t.value(node.item)
        found = {"$in": [item.term if len(item.terms) == 1 else list(item.terms), literal(options(t, node.options))]}
        if wanted:
            return found if not item.null else both(item.not_null(), found)
        return both(*item.known, either(item.is_null(), negated(found)))
    parts = [_equal(t, node.item, option, wanted) for option in node.options]
    if wanted:
        return either(*parts)
    return both(*t.value(node.item).known, *parts)


def options(t: Translator, param: Param) -> Bound:
    """A list parameter; of keys with several columns, a list of lists. No list holds None."""
    element = param.type.element
    if element is None or element.kind in DOCUMENTS:
        raise Unsupported("KP304", f"{param.type} can't be looked in by MongoDB")
    if element.kind is Kind.REFERENCE:
        converts = [to_bson(column.type) for column in t.shared.key(element.name)]
        if len(converts) > 1:
            return Bound(
                param.name, lambda keys: [[f(part) for f, part in zip(converts, key, strict=True)] for key in keys]
            )
        (convert,) = converts
    elif element.kind is Kind.DECIMAL:
        convert = numbers.found(element.places)
    else:
        convert = to_bson(element)
    return Bound(param.name, lambda values: [convert(value) for value in values if value is not None])
