"""What a condition proves about None: the values that can't be None where it is true, and where it is false.

Sound because rows do not change while an expression is answered, and nothing in it is called.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from dataclasses import replace
from typing import TypeAlias

from kingpost.language.tree import (
    And,
    Compare,
    Const,
    Expression,
    If,
    In,
    IsNone,
    Item,
    Many,
    Node,
    Not,
    Or,
    Quantify,
    Truth,
    transform,
    walk,
)
from kingpost.language.types import Kind, Type

Facts: TypeAlias = frozenset[Expression]
"""Values known not to be None."""

_Known: TypeAlias = Facts | None  # None: nothing ever gets here, so everything holds
NOTHING: Facts = frozenset()


def canonical(expression: Expression) -> Expression:
    """The same for two copies of an expression that differ in the numbers of their generators."""
    bound = {node.var for node in walk(expression) if isinstance(node, Many)}
    return _renumbered(expression, bound, itertools.count(-1, -1)) if bound else expression


def refreshed(expression: Expression, numbers: Iterable[int]) -> Expression:
    """A copy whose own generators have new numbers, so that it can stand beside the original."""
    bound = {node.var for node in walk(expression) if isinstance(node, Many)}
    return _renumbered(expression, bound, numbers) if bound else expression


def _renumbered(expression: Expression, bound: set[int], numbers: Iterable[int]) -> Expression:
    supply = iter(numbers)
    new: dict[int, int] = {}

    def number(var: int) -> int:
        if var not in new:
            new[var] = next(supply)
        return new[var]

    def change(node: Node) -> Node | None:
        match node:
            case Item(var=var, resource=resource) if var in bound:
                return Item(number(var), resource)
            case Many(base=base, var=var):
                return replace(node, base=transform(base, change), var=number(var))
            case _:
                return None

    return transform(expression, change)


def type_of(expression: Expression, known: Facts) -> Type:
    """The type of a value, without None where that is known."""
    type = expression.type
    return type.maybe(False) if type.nullable and type.kind is not Kind.NONE and proved(expression, known) else type


def proved(expression: Expression, known: Facts) -> bool:
    """Whether the value is known not to be None, apart from what its type says."""
    return expression in known or (bool(known) and canonical(expression) in known)


def assume(condition: Expression, outcome: bool, known: Facts) -> Facts:
    """What is known where the condition has come out as `outcome`, on top of what was known before."""
    found = _facts(condition, known)[0 if outcome else 1]
    return known if found is None else known | found


def _facts(condition: Expression, known: Facts) -> tuple[_Known, _Known]:
    """What holds where the condition is true, and where it is false."""
    match condition:
        case Const(value=value):
            return (NOTHING, None) if value else (None, NOTHING)
        case Not(operand=operand):
            true, false = _facts(operand, known)
            return false, true
        case IsNone(operand=operand):
            return NOTHING, frozenset({canonical(operand)})
        case Truth(operand=operand):
            return frozenset({canonical(operand)}), NOTHING
        case And(operands=operands):
            return _joined(operands, known, 0)
        case Or(operands=operands):
            true, false = _joined(operands, known, 1)
            return false, true
        case If(condition=test, then=then, otherwise=otherwise):
            true, false = _facts(test, known)
            then_true, then_false = _facts(then, known)
            else_true, else_false = _facts(otherwise, known)
            return (
                _either(_both(true, then_true), _both(false, else_true)),
                _either(_both(true, then_false), _both(false, else_false)),
            )
        case Compare(op="==", left=left, right=right):
            sides = ((left, right), (right, left))
            sure = (canonical(one) for one, other in sides if not type_of(other, known).nullable)
            return frozenset(sure), NOTHING
        case Compare(left=left, right=right):
            both = frozenset({canonical(left), canonical(right)})
            return both, both
        case In(item=item, options=tuple(options)):
            holds_none = any(type_of(option, known).nullable for option in options)
            return (NOTHING if holds_none else frozenset({canonical(item)})), NOTHING
        case Quantify():  # a list of rows never holds None, but the item is not named in the condition
            return NOTHING, NOTHING
        case _:
            return NOTHING, NOTHING


def _joined(operands: tuple[Expression, ...], known: Facts, turned: int) -> tuple[_Known, _Known]:
    """Of `and` (turned=0): all hold, or one of them does not. Of `or` (turned=1) with true and false exchanged."""
    every: _Known = NOTHING
    some: _Known = None
    for operand in operands:
        found = _facts(operand, known if every is None else known | every)
        holds, fails = found[turned], found[1 - turned]
        some = _either(some, _both(every, fails))
        every = _both(every, holds)
    return every, some


def _both(one: _Known, other: _Known) -> _Known:
    return None if one is None or other is None else one | other


def _either(one: _Known, other: _Known) -> _Known:
    if one is None:
        return other
    return one if other is None else one & other
