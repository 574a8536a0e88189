"""Lowering of expressions in general: what each form of Python leads to, truth, logic, and choices."""

from __future__ import annotations

import ast
from abc import abstractmethod
from collections.abc import Callable
from typing import Final, cast

from kingpost.base.texts import is_storable
from kingpost.language.kinds import constant, converted, union
from kingpost.language.scope import Captured, Operand, Refused, Rows, Scope, is_row, say
from kingpost.language.tree import (
    TRUE,
    And,
    Const,
    Expression,
    If,
    IsNone,
    Many,
    Not,
    Or,
    Quantify,
    Row,
    Truth,
    identity,
)
from kingpost.language.types import BOOL, Kind, Type

_FORMS: Final[dict[type[ast.expr], tuple[str, str]]] = {
    ast.JoinedStr: ("an f-string", "text joined with +"),
    ast.NamedExpr: (
        "an assignment inside an expression",
        "the value itself, or name = … on a line of its own in a def",
    ),
    ast.Lambda: ("a lambda inside an expression", "the condition itself"),
    ast.Await: ("await", "the value awaited outside, under a name"),
    ast.Starred: ("a star", "the elements one by one"),
    ast.ListComp: ("a list comprehension", "any, all, sum, min or max of a generator"),
    ast.SetComp: ("a set comprehension", "any, all, sum, min or max of a generator"),
    ast.DictComp: ("a dict comprehension", "any, all, sum, min or max of a generator"),
    ast.GeneratorExp: ("a generator of its own", "any, all, sum, min or max around it"),
    ast.Dict: ("a dict", "conditional expressions: x if … else y"),
    ast.Yield: ("yield", "return"),
    ast.YieldFrom: ("yield", "return"),
}


def truth(expression: Expression) -> Expression:
    """`bool(expression)` as a condition. `or`, `and` and `if` pass the question on to their operands."""
    match expression:
        case _ if expression.type == BOOL:
            return expression
        case Const(value=value):
            return Const(bool(value), BOOL)
        case And(operands=operands):
            return And(tuple(truth(operand) for operand in operands))
        case Or(operands=operands):
            return Or(tuple(truth(operand) for operand in operands))
        case If(condition=condition, then=then, otherwise=otherwise):
            return If(condition, truth(then), truth(otherwise), BOOL)
        case _ if expression.type.kind in (Kind.ENUM, Kind.EMBEDDED):
            return Not(IsNone(expression))
        case _:
            return Truth(expression)


def typed(expression: Expression, type: Type) -> Expression:
    """None as one of the values of the other branches: PostgreSQL wants to know of which type."""
    return Const(None, type.maybe()) if isinstance(expression, Const) and expression.value is None else expression


class Values(Scope):
    """Expressions in general; the forms that need more are read by the classes built on this one."""

    @abstractmethod
    def name(self, node: ast.Name) -> Operand:
        """What a name stands for."""

    @abstractmethod
    def attribute(self, node: ast.Attribute) -> Operand:
        """An attribute of a row, of an embedded value, or of an object from around."""

    @abstractmethod
    def captured(self, operand: Captured, node: ast.expr) -> Expression:
        """An object from around as a parameter."""

    @abstractmethod
    def unary(self, node: ast.UnaryOp) -> Expression:
        """A sign, or `not`."""

    @abstractmethod
    def binary(self, node: ast.BinOp) -> Expression:
        """Arithmetic."""

    @abstractmethod
    def slice(self, node: ast.Subscript) -> Expression:
        """A part of a text."""

    @abstractmethod
    def compare(self, node: ast.Compare) -> Expression:
        """A comparison or a chain of them."""

    @abstractmethod
    def call(self, node: ast.Call) -> Operand:
        """A call of a function, constructor, method or rule."""

    # -------------------------------------------------------------------------------------------------- in general

    def operand(self, node: ast.expr) -> Operand:
        """Whatever an expression of Python is: a row, a value, a relation, an object from around."""
        self.session.work += 1
        if self.session.work > 20 * self.session.limit:
            raise self.refused("KL501", node, f"{say(node)} grows beyond what is read of one expression")
        match node:
            case ast.Constant():
                return self.constant(node)
            case ast.Name():
                return self.name(node)
            case ast.Attribute():
                return self.attribute(node)
            case ast.BoolOp():
                return self.choice(node)
            case ast.UnaryOp():
                return self.unary(node)
            case ast.BinOp():
                return self.binary(node)
            case ast.Compare():
                return self.compare(node)
            case ast.IfExp():
                return self.conditional(node)
            case ast.Call():
                return self.call(node)
            case ast.Subscript():
                return self.slice(node)
            case ast.Tuple() | ast.List() | ast.Set():
                raise self.refused("KL102", node, f"{say(node)}: a list is understood only after `in`", "x in (1, 2)")
            case _:
                form, instead = _FORMS.get(type(node), ("this form", ""))
                raise self.refused("KL102", node, f"{form} is not understood: {say(node)}", instead)

    def value(self, node: ast.expr) -> Expression:
        """An expression of Python as a value."""
        return self.as_value(self.operand(node), node)

    def as_value(self, operand: Operand, node: ast.expr) -> Expression:
        """A row as its identity, an object from around as a parameter; a relation is no value."""
        if isinstance(operand, Rows):
            remedy = f"len({say(node)}), or any(… for x in {say(node)})"
            raise self.refused("KL111", node, f"{say(node)} is many rows, not one value", remedy)
        if isinstance(operand, Captured):
            return self.captured(operand, node)
        return identity(cast("Row", operand)) if is_row(operand) else cast("Expression", operand)

    def condition(self, node: ast.expr) -> Expression:
        """An expression of Python as a condition: its truth."""
        match node:
            case ast.BoolOp(op=op, values=values):
                operands = self.each_knowing(values, isinstance(op, ast.And), self.condition)
                return And(tuple(operands)) if isinstance(op, ast.And) else Or(tuple(operands))
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                return Not(self.condition(operand))
            case ast.IfExp(test=test, body=body, orelse=orelse):
                condition, then, otherwise = self.branches(test, body, orelse, self.condition)
                return If(condition, then, otherwise, BOOL)
            case _:
                return self.as_condition(self.operand(node), node)

    def as_condition(self, operand: Operand, node: ast.expr) -> Expression:
        """The truth of an operand; of a relation, whether there are rows."""
        if isinstance(operand, Rows):
            return Quantify("any", self.many(operand), None, TRUE)
        value = self.as_value(operand, node)
        if value.type.kind in (Kind.JSON, Kind.LIST):
            raise self.refused(
                "KL304", node, f"{say(node)} is {value.type}, whose truth is not defined", f"{say(node)} is not None"
            )
        return truth(value)

    def many(self, rows: Rows) -> Many:
        """A relation gone over with a new number."""
        return Many(rows.base, rows.relation, rows.resource, self.session.fresh())

    def each_knowing(
        self, nodes: list[ast.expr], outcome: bool, lower: Callable[[ast.expr], Expression]
    ) -> list[Expression]:
        """Operands in order, each knowing that those before it came out as `outcome`."""

        def step(node: ast.expr) -> Expression:
            found = lower(node)
            with self.knowing(truth(found), outcome):
                after = self.known
            self.known = after
            return found

        return self.all_or_none(*(lambda node=node: step(node) for node in nodes), building=True)

    def branches(
        self, test: ast.expr, body: ast.expr, orelse: ast.expr, lower: Callable[[ast.expr], Expression]
    ) -> tuple[Expression, Expression, Expression]:
        """The parts of a conditional expression, each branch knowing how the test came out."""
        condition = self.condition(test)

        def branch(node: ast.expr, outcome: bool) -> Expression:
            with self.knowing(condition, outcome):
                return lower(node)

        then, otherwise = self.all_or_none(lambda: branch(body, True), lambda: branch(orelse, False))
        return condition, then, otherwise

    def constant(self, node: ast.Constant) -> Expression:
        found = constant(node.value)
        if found is None:
            raise self.refused("KL102", node, f"{say(node)} is not a value that a field can have")
        if isinstance(node.value, str) and not is_storable(node.value):
            raise self.refused("KL102", node, "text with NUL or a lone surrogate is in no field", "the text without it")
        return found

    # ------------------------------------------------------------------------------------------------------- logic

    def choice(self, node: ast.BoolOp) -> Expression:
        """The value of `a or b`, `a and b`: one of the operands, as CPython has it."""
        conjunction = isinstance(node.op, ast.And)
        types: list[Type] = []

        def part(node: ast.expr) -> Expression:
            found = self.part(node)
            types.append(self.type(found))
            return found

        operands = self.each_knowing(node.values, conjunction, part)
        result = types[0]
        for type in types[1:]:
            joined = union(result, type)
            if joined is None:
                raise self.mixture(node, types)
            # What `or` passes over for being None is not its answer.
            result = joined if conjunction else joined.maybe(type.nullable)
        if result == BOOL:
            parts = tuple(truth(operand) for operand in operands)
            return And(parts) if conjunction else Or(parts)
        parts = tuple(typed(converted(operand, result), result) for operand in operands)
        return And(parts, result) if conjunction else Or(parts, result)

    def part(self, node: ast.expr) -> Expression:
        """An operand of `and`, `or`: a relation counts as whether it has rows only among conditions."""
        operand = self.operand(node)
        if isinstance(operand, Rows):
            raise self.refused("KL304", node, f"{say(node)} is many rows, not a bool", f"len({say(node)}) > 0")
        return self.as_value(operand, node)

    def mixture(self, node: ast.BoolOp, types: list[Type]) -> Refused:
        if any(type.kind is Kind.BOOL for type in types):
            odd = next(n for n, type in zip(node.values, types) if type.kind is not Kind.BOOL)
            type = next(type for type in types if type.kind is not Kind.BOOL)
            return self.refused("KL304", odd, f"{say(odd)} is {type}, not bool", f"bool({say(odd)})")
        word = "and" if isinstance(node.op, ast.And) else "or"
        return self.refused("KL305", node, f"{' or '.join(map(str, types))}: `{word}` answers one of its operands")

    def conditional(self, node: ast.IfExp) -> Expression:
        condition = self.condition(node.test)

        def branch(part: ast.expr, outcome: bool) -> tuple[Expression, Type]:
            with self.knowing(condition, outcome):
                found = self.value(part)
                return found, self.type(found)

        (then, one), (otherwise, other) = self.all_or_none(
            lambda: branch(node.body, True), lambda: branch(node.orelse, False)
        )
        return self.joined(condition, (then, one), (otherwise, other), node)

    def joined(
        self, condition: Expression, one: tuple[Expression, Type], other: tuple[Expression, Type], node: ast.AST
    ) -> Expression:
        """The two ways a condition leads, as one value; constants take the other side's type."""
        then, otherwise = converted(one[0], other[1]), converted(other[0], one[1])
        type_then = one[1] if then is one[0] else then.type
        type_otherwise = other[1] if otherwise is other[0] else otherwise.type
        joined = union(type_then, type_otherwise)
        if joined is None:
            message = f"one way answers {type_then}, the other {type_otherwise}"
            raise self.refused("KL305", node, message)
        if joined == BOOL:
            return If(condition, truth(then), truth(otherwise), BOOL)
        return If(condition, typed(then, joined), typed(otherwise, joined), joined)
