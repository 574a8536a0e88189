"""Lowering of durations: their parts, and `timedelta` of numbers that rows hold."""

from __future__ import annotations

import ast
from datetime import timedelta
from typing import Final

from kingpost.language.lower_arithmetic import Calculations
from kingpost.language.scope import say
from kingpost.language.tree import Arithmetic, Const, Expression
from kingpost.language.types import DURATION, FLOAT, INT, Kind

MICROSECOND: Final = timedelta(microseconds=1)
PARTS: Final[dict[str, tuple[timedelta | None, timedelta]]] = {
    "days": (None, timedelta(days=1)),
    "seconds": (timedelta(days=1), timedelta(seconds=1)),
    "microseconds": (timedelta(seconds=1), MICROSECOND),
}
"""The attributes of a duration: each counts its unit in what whole ones of another leave over."""
UNITS: Final = ("days", "seconds", "microseconds", "milliseconds", "minutes", "hours", "weeks")
"""The parameters of `timedelta`, in its order."""


class Times(Calculations):
    """Durations."""

    def part_of(self, value: Expression, node: ast.Attribute) -> Expression | None:
        """`.days`, `.seconds` and `.microseconds` of a duration; None for what is no part of the value."""
        if value.type.kind is not Kind.DURATION or node.attr not in PARTS:
            return None
        self.tested(value, node.value, node, f"None has no {node.attr}")
        if isinstance(value, Const):
            return Const(getattr(value.value, node.attr), INT)
        whole, unit = PARTS[node.attr]
        rest = value if whole is None else Arithmetic("%", value, Const(whole, DURATION), DURATION)
        return Arithmetic("//", rest, Const(unit, DURATION), INT)

    def total_seconds(self, value: Expression, owner: ast.expr, node: ast.Call) -> Expression:
        """A duration in seconds: the very quotient that CPython computes."""
        self.tested(value, owner, node, "None has no total_seconds()")
        if node.args or node.keywords:
            raise self.refused("KL106", node, "total_seconds() takes no arguments", f"{say(node.func)}()")
        if isinstance(value, Const) and isinstance(value.value, timedelta):
            return Const(value.value.total_seconds(), FLOAT)
        return Arithmetic("/", value, Const(timedelta(seconds=1), DURATION), FLOAT)

    def lasting(self, fixed: timedelta, counts: dict[str, Expression]) -> Expression:
        """`timedelta` of numbers known only with the row, besides what is `fixed`."""
        if not fixed and len(counts) == 1:
            ((unit, count),) = counts.items()
            return Arithmetic("*", Const(timedelta(**{unit: 1}), DURATION), count, DURATION)
        # Counted in microseconds together: one of them alone may be out of the range that the sum is in.
        total: Expression = Const(fixed // MICROSECOND, INT)
        for unit, count in counts.items():
            size = Const(timedelta(**{unit: 1}) // MICROSECOND, INT)
            counted = count if size.value == 1 else Arithmetic("*", count, size, INT)
            total = Arithmetic("+", total, counted, INT) if total != Const(0, INT) else counted
        return Arithmetic("*", Const(MICROSECOND, DURATION), total, DURATION)
