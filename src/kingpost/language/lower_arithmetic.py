"""Lowering of arithmetic and of slices."""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable
from datetime import timedelta
from typing import Any, Final, Literal, cast

from kingpost.language.capture import constant_type
from kingpost.language.kinds import NUMBERS, arithmetic, constant, converted, mixed, plain
from kingpost.language.lower_names import Names
from kingpost.language.scope import say
from kingpost.language.tree import Arithmetic, Const, Expression, Negative, Not, Slice
from kingpost.language.types import INT, TEXT, Kind, Type

_OPERATORS: Final[dict[type[ast.operator], Literal["+", "-", "*", "/", "//", "%"]]] = {
    ast.Add: "+",
    ast.Sub: "-",
    ast.Mult: "*",
    ast.Div: "/",
    ast.FloorDiv: "//",
    ast.Mod: "%",
}
_COMPUTE: Final[dict[str, Callable[[Any, Any], Any]]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": lambda one, other: one / other,
    "//": lambda one, other: one // other,
    "%": operator.mod,
}
_TEXT_LIMIT: Final = 100_000


class Calculations(Names):
    """Arithmetic and slices."""

    def unary(self, node: ast.UnaryOp) -> Expression:
        if isinstance(node.op, ast.Not):
            return Not(self.condition(node.operand))
        if isinstance(node.op, ast.Invert):
            raise self.refused("KL103", node, f"{say(node)}: ~ is not understood", f"not {say(node.operand)}")
        value = self.value(node.operand)
        type = self.tested(value, node.operand, node, "None has no sign")
        if isinstance(value, Const) and type.kind in (*NUMBERS, Kind.DURATION):
            number = cast("Any", value.value)
            return Const(-number if isinstance(node.op, ast.USub) else number, type)
        if type.kind not in (*NUMBERS, Kind.DURATION):
            raise self.refused("KL303", node, f"{say(node.operand)} is {type}, which has no sign")
        return Negative(value, plain(type)) if isinstance(node.op, ast.USub) else value

    def binary(self, node: ast.BinOp) -> Expression:
        op = _OPERATORS.get(type(node.op))
        if op is None:
            power = self.power(node)
            if power is not None:
                return power
            raise self.refused("KL103", node, f"the operator of {say(node)} is not understood")
        left, right = self.all_or_none(lambda: self.value(node.left), lambda: self.value(node.right))
        if isinstance(left, Const) and isinstance(right, Const):
            computed = self.computed(op, left.value, right.value)
            if computed is not None:
                return computed
        left, right = converted(left, right.type), converted(right, left.type)
        why = f"None has no {op}"
        one, other = self.all_or_none(
            lambda: self.tested(left, node.left, node, why), lambda: self.tested(right, node.right, node, why)
        )
        if op == "%" and one.kind is Kind.TEXT:
            raise self.refused("KL103", node, "% does not format text here", "text joined with +")
        found = arithmetic(op, one, other)
        if found is None:
            code = "KL309" if mixed(one, other) else "KL303"
            message = f"{say(node.left)} is {one} and {say(node.right)} is {other}: no {op} between them"
            raise self.refused(code, node, message, _instead(op, one, other))
        return Arithmetic(op, left, right, found)

    def power(self, node: ast.BinOp) -> Expression | None:
        """`2**53`, as limits are written; of anything but two small constants there is no power."""
        match node:
            case ast.BinOp(left=ast.Constant(value=int(base)), op=ast.Pow(), right=ast.Constant(value=int(exponent))):
                if abs(base) <= 1000 and 0 <= exponent <= 200:
                    return Const(base**exponent, INT)
            case _:
                pass
        return None

    def computed(self, op: str, left: object, right: object) -> Const | None:
        """The result of arithmetic between constants, where CPython has one of bounded size."""
        if op in ("*", "%") and not all(isinstance(side, int | float | timedelta) for side in (left, right)):
            return None
        try:
            value = _COMPUTE[op](left, right)
        except (TypeError, ArithmeticError, ValueError):
            return None
        found = constant(value)
        if found is None:
            type = constant_type(value)
            return None if type is None else Const(value, type)
        small = not isinstance(value, str) or len(value) <= _TEXT_LIMIT
        return found if small and not isinstance(left, bool) and not isinstance(right, bool) else None

    def slice(self, node: ast.Subscript) -> Expression:
        value = self.value(node.value)
        text = say(node.value)
        if not isinstance(node.slice, ast.Slice):
            at = say(node.slice)
            end = str(int(at) + 1) if at.isdecimal() else "…"
            message = f"{say(node)} raises where the text is shorter"
            raise self.refused("KL109", node, message, f"{text}[{at}:{end}]")
        if node.slice.step is not None:
            raise self.refused("KL109", node, f"{say(node)} has a step", f"{text}[0:10]")
        start, stop = self.end(node.slice.lower, node), self.end(node.slice.upper, node)
        type = self.tested(value, node.value, node, "None has no slices")
        if type.kind is not Kind.TEXT:
            raise self.refused("KL109", node, f"{text} is {type}; slices are of text")
        return Slice(value, start, stop, TEXT)

    def end(self, node: ast.expr | None, whole: ast.expr) -> int | None:
        if node is None:
            return None
        match self.value(node):
            case Const(value=None):
                return None
            case Const(value=int(end)) if abs(end) < 2**31:
                return end
            case _:
                pass
        raise self.refused("KL109", whole, f"{say(node)} is not a constant number", f"{say(whole).split('[')[0]}[0:10]")


def _instead(op: str, one: Type, other: Type) -> str:
    """What to write in place of an operator that has no exact meaning."""
    kinds = one.kind, other.kind
    if kinds == (Kind.DURATION, Kind.INT) and op == "/":
        return "d // n, in whole microseconds, or d / timedelta(hours=1)"
    if Kind.DURATION in kinds and Kind.FLOAT in kinds:
        return "an int: d * 3 // 2"
    return ""
