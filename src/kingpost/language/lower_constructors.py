"""Lowering of constructors: dates, durations, Decimals and UUIDs, made before the statement runs where they can be."""

from __future__ import annotations

import ast
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from decimal import Decimal, InvalidOperation
from typing import Any, Final, cast
from uuid import UUID

from kingpost.language.capture import CaptureError, constant_type
from kingpost.language.kinds import LARGEST, SMALLEST
from kingpost.language.lower_comparisons import Comparisons, naive
from kingpost.language.lower_time import MICROSECOND, UNITS
from kingpost.language.scope import Captured, Operand, say
from kingpost.language.tree import Const, Expression
from kingpost.language.types import Kind

CONSTRUCTORS: Final[tuple[type, ...]] = (timedelta, datetime, date, time, Decimal, UUID)
_WRONG: Final = (TypeError, ValueError, ArithmeticError, InvalidOperation)


class Constructors(Comparisons):
    """Constructors."""

    def construct(self, cls: type, node: ast.Call) -> Expression:
        """A value made by one of the known classes: of constants, of values from around, or of the row's own."""
        given = {str(place): argument for place, argument in enumerate(node.args)}
        for word in node.keywords:
            if word.arg is None:
                raise self.refused("KL112", node, f"{say(node)} has arguments that are not constant")
            given[word.arg] = word.value
        operands = {name: self.argument(cls, argument, node) for name, argument in given.items()}
        if any(not isinstance(one, Const | Captured) for one in operands.values()):
            return self.lasting_by(operands, given, node)
        if any(isinstance(one, Captured) and not isinstance(one.value, tzinfo) for one in operands.values()):
            return self.captured(self.made_of(cls, operands, node), node)
        return self.constant_of(cls, operands, node)

    def argument(self, cls: type, argument: ast.expr, node: ast.Call) -> Operand:
        """An argument: a constant or an object from around; of `timedelta` also a number of the row."""
        operand = self.operand(argument)
        if isinstance(operand, Const) or (isinstance(operand, Captured) and not callable(operand.value)):
            return operand
        if cls is not timedelta:
            message = f"{say(argument)} is neither constant nor from around the function, which {say(node.func)} needs"
            raise self.refused("KL112", argument, message)
        value = self.as_value(operand, argument)
        if self.tested(value, argument, node, "None counts nothing").kind is not Kind.INT:
            message = f"{say(argument)} is {value.type}; timedelta is made of int fields and of constants"
            raise self.refused("KL112", argument, message)
        return value

    def constant_of(self, cls: type, operands: dict[str, Operand], node: ast.Call) -> Const:
        """The constant that the class makes."""
        try:
            value: object = _call(cls, operands)
        except _WRONG as error:
            said = str(error) or type(error).__name__
            raise self.refused("KL112", node, f"{say(node)} can't be made: {said}") from None
        if naive(value):
            raise self.refused("KL307", node, f"{say(node)} has no time zone", f"{say(node)[:-1]}, tzinfo=UTC)")
        try:
            value = value.astimezone(UTC) if isinstance(value, datetime) else value
        except OverflowError:
            raise self.refused("KL112", node, f"{say(node)} is out of range in UTC") from None
        if isinstance(value, timedelta) and not SMALLEST <= value // MICROSECOND <= LARGEST:
            raise self.refused("KL310", node, f"{say(node)} is beyond 64 bits of microseconds")
        found = constant_type(value)
        if found is None or (isinstance(value, time) and value.tzinfo is not None):
            raise self.refused("KL112", node, f"{say(node)} is not a value that a field can have")
        return Const(value, found)

    def made_of(self, cls: type, operands: dict[str, Operand], node: ast.Call) -> Captured:
        """What the class makes of values from around, each time these are read."""

        def make() -> object:
            try:
                return _call(cls, operands)
            except _WRONG as error:
                raise CaptureError("KL112", str(error) or type(error).__name__) from None

        path = ast.unparse(node)
        try:
            return Captured(path, make(), make)
        except CaptureError as error:
            raise self.refused("KL112", node, f"{say(node)} can't be made: {error.message}") from None

    def lasting_by(self, operands: dict[str, Operand], given: dict[str, ast.expr], node: ast.Call) -> Expression:
        """`timedelta(days=self.loan_days)`."""
        fixed: dict[str, Operand] = {}
        counts: dict[str, Expression] = {}
        for name, operand in operands.items():
            unit = UNITS[int(name)] if name.isdecimal() and int(name) < len(UNITS) else name
            if unit not in UNITS or unit in fixed or unit in counts:
                raise self.refused("KL112", node, f"{say(node)} is not how timedelta is called")
            if isinstance(operand, Const):
                fixed[unit] = operand
                continue
            value = self.as_value(operand, given[name])
            if value.type.kind is not Kind.INT:
                message = f"{say(given[name])} is {value.type}; beside a field timedelta takes ints"
                raise self.refused("KL112", given[name], message)
            counts[unit] = value
        whole = self.constant_of(timedelta, fixed, node)
        return self.lasting(cast("timedelta", whole.value), counts)


def _call(cls: type, operands: dict[str, Operand]) -> Any:
    """The class called with present values."""
    values = {
        name: operand.value if isinstance(operand, Const) else cast("Captured", operand).get()
        for name, operand in operands.items()
    }
    named = {name: value for name, value in values.items() if not name.isdecimal()}
    make: Callable[..., Any] = cls
    return make(*(value for name, value in values.items() if name.isdecimal()), **named)
