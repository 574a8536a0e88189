"""What the forms of the language do with the answers of their parts: the arithmetic of three outcomes."""

from __future__ import annotations

import operator
from collections.abc import Callable
from decimal import Context, Decimal
from typing import Any, Final, TypeAlias, TypeGuard

from kingpost.language.world import UNKNOWN, Frame

Compiled: TypeAlias = Callable[[Frame], Any]
_Ask: TypeAlias = Callable[[Any, Any], Any]

_EXACT: Final = Context(prec=200)  # beyond any field's digits: CPython's own default rounds at 28
COMPARE: Final[dict[str, _Ask]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_COMPUTE: Final[dict[str, _Ask]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": lambda one, other: one / other,
    "//": lambda one, other: one // other,
    "%": operator.mod,
}
_COMPUTE_EXACT: Final[dict[str, _Ask]] = {"+": _EXACT.add, "-": _EXACT.subtract, "*": _EXACT.multiply}
FUNCTIONS: Final[dict[str, Callable[..., Any]]] = {
    "lower": str.lower,
    "upper": str.upper,
    "casefold": str.casefold,
    "strip": str.strip,
    "startswith": str.startswith,
    "endswith": str.endswith,
    "contains": operator.contains,
    "length": len,
    "abs": abs,
    "round": round,
}

# ------------------------------------------------------------------------------------------------------------- logic


def negated(operand: Compiled) -> Compiled:
    def ask(frame: Frame) -> Any:
        found = operand(frame)
        return found if found is UNKNOWN else not found

    return ask


def kleene(parts: tuple[Compiled, ...], decides: bool) -> Compiled:
    """`or` (true decides) and `and` (false decides)."""

    def ask(frame: Frame) -> Any:
        answer: Any = not decides
        for part in parts:
            found = part(frame)
            if found is decides:
                return decides
            if found is UNKNOWN:
                answer = UNKNOWN
        return answer

    return ask


def chosen(operands: tuple[Compiled, ...], stops: bool) -> Compiled:
    """The operand that `or` (the first true) or `and` (the first false) answers; unknown if one before it is."""
    *firsts, last = operands

    def ask(frame: Frame) -> Any:
        for part in firsts:
            found = part(frame)
            if found is UNKNOWN or bool(found) is stops:
                return found
        return last(frame)

    return ask


def branched(condition: Compiled, then: Compiled, otherwise: Compiled) -> Compiled:
    def ask(frame: Frame) -> Any:
        found = condition(frame)
        return UNKNOWN if found is UNKNOWN else then(frame) if found else otherwise(frame)

    return ask


def equal(one: Compiled, other: Compiled) -> Compiled:
    def ask(frame: Frame) -> Any:
        left = one(frame)
        right = other(frame)
        return UNKNOWN if left is UNKNOWN or right is UNKNOWN else left == right

    return ask


def listed(item: Compiled, name: str) -> Compiled:
    """`item in` the list that is a parameter."""

    def ask(frame: Frame) -> Any:
        found = item(frame)
        return UNKNOWN if found is UNKNOWN else found in frame.params[name]

    return ask


def among(item: Compiled, parts: tuple[Compiled, ...]) -> Compiled:
    """`item in (…)`."""

    def ask(frame: Frame) -> Any:
        found = item(frame)
        if found is UNKNOWN:
            return UNKNOWN
        answer: Any = False
        for part in parts:
            option = part(frame)
            if option is UNKNOWN:
                answer = UNKNOWN
            elif option == found:
                return True
        return answer

    return ask


# -------------------------------------------------------------------------------------------------------------- values


def lifted(function: Callable[[Any], Any], operand: Compiled) -> Compiled:
    """A function that also takes None."""

    def ask(frame: Frame) -> Any:
        found = operand(frame)
        return UNKNOWN if found is UNKNOWN else function(found)

    return ask


def key_part(index: int) -> Callable[[Any], Any]:
    """One column of a key; a key of one column is that by itself."""

    return lambda key: key[index] if _has_parts(key) else key


def _has_parts(key: Any) -> TypeGuard[tuple[Any, ...]]:
    return isinstance(key, tuple)


def shown(operand: Compiled) -> Compiled:
    """None where it is unknown."""

    def ask(frame: Frame) -> Any:
        found = operand(frame)
        return None if found is UNKNOWN else found

    return ask


def strict(function: Callable[..., Any], *operands: Compiled) -> Compiled:
    """A function that raises over None, and where it has no answer: zero, out of range."""

    def ask(frame: Frame) -> Any:
        found = [operand(frame) for operand in operands]
        for value in found:
            if value is None or value is UNKNOWN:
                return UNKNOWN
        try:
            return function(*found)
        except (ZeroDivisionError, OverflowError):
            return UNKNOWN

    return ask


def calculated(op: str, one: Compiled, other: Compiled) -> Compiled:
    compute, exact = _COMPUTE[op], _COMPUTE_EXACT.get(op)

    def apply(left: Any, right: Any) -> Any:
        if exact is not None and (isinstance(left, Decimal) or isinstance(right, Decimal)):
            return exact(left, right)
        found = compute(left, right)
        if found != found:
            raise OverflowError("not a number: of infinities, or of infinity and zero")
        return found

    return strict(apply, one, other)


def total(values: list[Any]) -> Any:
    total: Any = 0
    for value in values:
        total = _EXACT.add(total, value) if isinstance(value, Decimal) else total + value
    return total
