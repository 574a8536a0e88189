"""The meaning of a tree in memory: compiled once to Python closures, then asked about rows.

Every expression answers a value or UNKNOWN, where CPython would raise. Conditions are Kleene's: unknown gives way to
what decides without it, so the answer does not depend on the order of operands or rows.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from typing import Any, cast

from kingpost.language.evaluate_forms import (
    COMPARE,
    FUNCTIONS,
    Compiled,
    among,
    branched,
    calculated,
    chosen,
    equal,
    key_part,
    kleene,
    lifted,
    listed,
    negated,
    shown,
    strict,
    total,
)
from kingpost.language.tree import (
    Aggregate,
    And,
    Arithmetic,
    Call,
    Compare,
    Const,
    Expression,
    Field,
    Identity,
    If,
    In,
    IsNone,
    Item,
    Keyed,
    Many,
    Member,
    Negative,
    Not,
    Or,
    Param,
    Part,
    Quantify,
    Root,
    Row,
    Shown,
    Slice,
    Step,
    Summary,
    Truth,
)
from kingpost.language.types import BOOL, Type
from kingpost.language.world import UNKNOWN, Frame, World

__all__ = ["UNKNOWN", "Compiled", "Frame", "World", "compile_expression", "surely_true"]


def surely_true(expression: Expression) -> Callable[[Frame], bool]:
    """What answers whether the condition is true: neither false nor unknown."""
    ask = compile_expression(expression)
    return lambda frame: ask(frame) is True


def compile_expression(expression: Expression) -> Compiled:
    """What answers the expression's value, or UNKNOWN."""
    match expression:
        case Const(value=value):
            return lambda frame: value
        case Param(name=name):
            return lambda frame: frame.params[name]
        case Field(row=row, name=name):
            return _field(row, name)
        case Member(operand=operand, name=name):
            return _member(compile_expression(operand), name)
        case Identity(row=row):
            return _identity(row)
        case Part(operand=operand, index=index):
            return lifted(key_part(index), compile_expression(operand))
        case Not(operand=operand):
            return negated(_condition(operand))
        case And(operands=operands, type=type):
            return _joined(operands, type, False)
        case Or(operands=operands, type=type):
            return _joined(operands, type, True)
        case Truth(operand=operand):
            return lifted(bool, compile_expression(operand))
        case Shown(operand=operand):
            return shown(compile_expression(operand))
        case If(condition=condition, then=then, otherwise=otherwise):
            return branched(_condition(condition), compile_expression(then), compile_expression(otherwise))
        case Compare(op=op, left=left, right=right):
            one, other = compile_expression(left), compile_expression(right)
            return equal(one, other) if op == "==" else strict(COMPARE[op], one, other)
        case IsNone(operand=operand):
            return lifted(lambda value: value is None, compile_expression(operand))
        case In(item=item, options=options):
            asked = compile_expression(item)
            if isinstance(options, Param):
                return listed(asked, options.name)
            return among(asked, tuple(map(compile_expression, options)))
        case Negative(operand=operand):
            return strict(operator.neg, compile_expression(operand))
        case Arithmetic(op=op, left=left, right=right):
            return calculated(op, compile_expression(left), compile_expression(right))
        case Call(function=function, arguments=arguments):
            return strict(FUNCTIONS[function], *map(compile_expression, arguments))
        case Slice(operand=operand, start=start, stop=stop):
            return strict(operator.itemgetter(slice(start, stop)), compile_expression(operand))
        case Quantify():
            return _quantify(expression)
        case Aggregate():
            return _aggregate(expression)
        case Summary():
            raise TypeError("a summary is of a group of rows, not of one")


# ---------------------------------------------------------------------------------------------------------------- rows


def _row(row: Row) -> Compiled:
    """What answers a row, None where there is none, UNKNOWN where a step before it led nowhere."""
    match row:
        case Root():
            return lambda frame: frame.root
        case Item(var=var):
            return lambda frame: frame.items[var]
        case Keyed(resource=resource, key=Param(name=name)):
            return lambda frame: _keyed(frame, resource, frame.params[name])
        case Step(base=base, relation=relation, guard=guard):
            before, owner = _row(base), base.resource
            passes = None if guard is None else surely_true(guard)

            def step(frame: Frame) -> Any:
                start = before(frame)
                if start is None or start is UNKNOWN:
                    return UNKNOWN
                found = frame.world.one(start, owner, relation)
                if found is None or passes is None:
                    return found
                return found if passes(Frame(found, frame.params, frame.world)) else None

            return step


def _keyed(frame: Frame, resource: str, key: object) -> Any:
    return None if key is None else frame.world.keyed(resource, key)


def _field(row: Row, name: str) -> Compiled:
    owner, resource = _row(row), row.resource

    def ask(frame: Frame) -> Any:
        found = owner(frame)
        return UNKNOWN if found is None or found is UNKNOWN else frame.world.value(found, resource, name)

    return ask


def _member(operand: Compiled, name: str) -> Compiled:
    def ask(frame: Frame) -> Any:
        found = operand(frame)
        if found is None or found is UNKNOWN:
            return UNKNOWN
        return cast("Mapping[str, Any]", found).get(name) if isinstance(found, Mapping) else getattr(found, name)

    return ask


def _identity(row: Row) -> Compiled:
    match row:
        case Keyed(key=Param(name=name)):
            return lambda frame: frame.params[name]
        case Step(base=base, relation=relation):  # the key is stored on the row before: the target is not looked up
            before, owner = _row(base), base.resource

            def ask(frame: Frame) -> Any:
                start = before(frame)
                return UNKNOWN if start is None or start is UNKNOWN else frame.world.reference(start, owner, relation)

            return ask
        case _:
            found, resource = _row(row), row.resource
            return lambda frame: frame.world.key_of(found(frame), resource)


# --------------------------------------------------------------------------------------------------------------- logic


def _condition(expression: Expression) -> Compiled:
    """As a condition: a value hidden from the actor is None there, and decides nothing."""
    ask = compile_expression(expression)
    if not expression.type.nullable and not isinstance(expression, Field | Member | If):
        return ask

    def condition(frame: Frame) -> Any:
        found = ask(frame)
        return UNKNOWN if found is None else found

    return condition


def _joined(operands: tuple[Expression, ...], type: Type, decides: bool) -> Compiled:
    """`or` (true decides) and `and` (false decides): as conditions Kleene's, as values one of the operands."""
    if type == BOOL:
        return kleene(tuple(map(_condition, operands)), decides)
    return chosen(tuple(map(compile_expression, operands)), decides)


# ----------------------------------------------------------------------------------------------------------- relations


def _rows(many: Many) -> Callable[[Frame], list[Any] | None]:
    """The rows of a relation that its guard lets through; None where the way to it is broken."""
    owner, resource, relation = _row(many.base), many.base.resource, many.relation
    passes = None if many.guard is None else surely_true(many.guard)
    leads = None if many.link is None else surely_true(many.link)

    def ask(frame: Frame) -> list[Any] | None:
        start = owner(frame)
        if start is None or start is UNKNOWN:
            return None
        params, world = frame.params, frame.world
        if leads is None:
            found = world.many(start, resource, relation)
        else:
            pairs = world.linked(start, resource, relation)
            found = [row for link, row in pairs if leads(Frame(link, params, world))]
        return [row for row in found if passes is None or passes(Frame(row, params, world))]

    return ask


def _quantify(node: Quantify) -> Compiled:
    rows, var = _rows(node.many), node.many.var
    condition = None if node.condition is None else _condition(node.condition)
    element = _condition(node.element)
    decides = node.kind == "any"

    def ask(frame: Frame) -> Any:
        found = rows(frame)
        if found is None:
            return UNKNOWN
        answer: Any = not decides
        for row in found:
            frame.items[var] = row
            counts = True if condition is None else condition(frame)
            if counts is False:
                continue
            outcome = element(frame)
            if outcome is UNKNOWN or (outcome is decides and counts is UNKNOWN):
                answer = UNKNOWN
            elif outcome is decides:
                return decides
        return answer

    return ask


def _aggregate(node: Aggregate) -> Compiled:
    rows, var, kind = _rows(node.many), node.many.var, node.kind
    condition = None if node.condition is None else _condition(node.condition)
    element = None if node.element is None else compile_expression(node.element)
    default = None if node.default is None else compile_expression(node.default)

    def ask(frame: Frame) -> Any:
        found = rows(frame)
        if found is None:
            return UNKNOWN
        values: list[Any] = []
        for row in found:
            frame.items[var] = row
            counts = True if condition is None else condition(frame)
            if counts is False:
                continue
            value = 1 if element is None else element(frame)
            if counts is UNKNOWN or value is UNKNOWN or value is None:
                return UNKNOWN
            values.append(value)
        if kind in ("count", "sum"):
            whole = total(values)
            return whole if whole == whole else UNKNOWN
        if not values:
            return UNKNOWN if default is None else default(frame)
        return min(values) if kind == "min" else max(values)

    return ask
