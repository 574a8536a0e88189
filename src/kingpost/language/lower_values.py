"""Lowering of names, attributes, constants, logic and arithmetic."""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable
from datetime import timedelta
from enum import Enum, EnumType
from typing import Any, Final, Literal, cast

from kingpost.language.capture import Capture, CaptureError, bind, constant_type, enum_type, reader
from kingpost.language.kinds import NUMBERS, arithmetic, constant, converted, mixed, plain, union
from kingpost.language.schema import Derived, Scalar, ToMany, ToOne
from kingpost.language.scope import Captured, Operand, Refused, Rows, Scope, is_row, row_of, say
from kingpost.language.tree import (
    TRUE,
    And,
    Arithmetic,
    Const,
    Expression,
    Field,
    If,
    IsNone,
    Many,
    Member,
    Negative,
    Not,
    Or,
    Param,
    Quantify,
    Row,
    Slice,
    Step,
    Truth,
    identity,
)
from kingpost.language.types import BOOL, INT, NONE, TEXT, Kind, Type

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


def truth(expression: Expression, known_type: Type | None = None) -> Expression:
    """`bool(expression)` as a condition. `or`, `and` and `if` pass the question on to their operands."""
    type = known_type or expression.type
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
        case _ if type.kind in (Kind.ENUM, Kind.EMBEDDED):
            return Not(IsNone(expression))
        case _:
            return Truth(expression)


class Values(Scope):
    """Names, attributes, constants, logic and arithmetic."""

    def compare(self, node: ast.Compare) -> Expression:
        """A comparison or a chain of them."""
        raise NotImplementedError

    def call(self, node: ast.Call) -> Operand:
        """A call of a function, constructor, method or rule."""
        raise NotImplementedError

    def inline(self, row: Row, name: str, derived: Derived) -> Expression:
        """A computed field in place of its name."""
        raise NotImplementedError

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

        return self.all_or_none(*(lambda node=node: step(node) for node in nodes))

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

    # ------------------------------------------------------------------------------------------------------- names

    def name(self, node: ast.Name) -> Operand:
        """A generator's item, in text an attribute of the row, a parameter or local, or an object from around."""
        name = node.id
        if name in self.items:
            return self.items[name]
        if name in self.names:
            return self.names[name]
        if self.root is not None and self.schema.attribute(self.root.resource, name) is not None:
            return self.member(self.root, name, node, node)
        if name in self.assigned:
            message = f"{name} has no value on every way that leads here"
            raise self.refused("KL201", node, message, f"{name} = … before the if")
        return self.around(name, node)

    def around(self, name: str, node: ast.Name) -> Captured:
        """An object from around the function; in text there are none but the functions of the language."""
        try:
            return Captured(name, self.source.resolve(name), lambda: self.source.resolve(name))
        except LookupError as error:
            names = [*self.items, *self.names]
            if self.root is not None:
                names += self.schema.attributes(self.root.resource)
                message = f"{self.root.resource} has no {name!r}{self.suggest(name, names)}"
            else:
                message = f"{error}{self.suggest(name, names)}"
            raise self.refused("KL201", node, message, "quotes, if it is text" if self.root is not None else "") from None

    def attribute(self, node: ast.Attribute) -> Operand:
        """An attribute of a row, of an embedded value, or of an object from around."""
        base = self.operand(node.value)
        if isinstance(base, Captured):
            return self.along(base, node)
        if isinstance(base, Rows):
            remedy = f"any(x.{node.attr} … for x in {say(node.value)})"
            raise self.refused(
                "KL111", node.value, f"{say(node.value)} is many rows, which have no {node.attr}", remedy
            )
        if is_row(base):
            return self.member(cast("Row", base), node.attr, node, node.value)
        value = cast("Expression", base)
        row = row_of(value)
        if row is not None:
            return self.member(row, node.attr, node, node.value)
        if value.type.kind is Kind.EMBEDDED:
            return self.embedded(value, node)
        known = ": a computed row can't be gone on from" if value.type.kind is Kind.REFERENCE else ""
        remedy = "a comparison with datetime(…), date(…)" if value.type.kind in (Kind.DATETIME, Kind.DATE) else ""
        message = f"{say(node.value)} is {value.type}, of which .{node.attr} is not understood{known}"
        raise self.refused("KL202", node, message, remedy or "the value itself")

    def embedded(self, value: Expression, node: ast.Attribute) -> Expression:
        members = dict(value.type.members)
        if node.attr not in members:
            message = f"{value.type.name} has no member {node.attr!r}{self.suggest(node.attr, members)}"
            raise self.refused("KL202", node, message)
        if self.type(value).nullable and self.proven:
            text = say(node.value)
            message = f"{text} may be None, which has no attributes"
            raise self.refused("KL402", node.value, message, f"{text} is not None and {say(node)}")
        return Member(value, node.attr, members[node.attr])

    def along(self, base: Captured, node: ast.Attribute) -> Operand:
        """One step on an object from around: nothing but `getattr`."""
        name, holder = node.attr, base.value
        if isinstance(holder, EnumType) and name in holder.__members__:
            cls = cast("type[Enum]", holder)
            return Const(cls[name].value, enum_type(cls))
        try:
            value: object = getattr(cast("object", holder), name)
        except Exception as error:
            raise self.refused("KL204", node, f"{base.path} has no {name!r} ({type(error).__name__})") from None
        return Captured(f"{base.path}.{name}", value, lambda: getattr(base.get(), name))

    def member(self, row: Row, name: str, node: ast.expr, owner: ast.expr) -> Operand:
        """An attribute that a resource declares."""
        found = self.schema.attribute(row.resource, name)
        if found is None:
            if self.schema.rule(row.resource, name) is not None:
                raise self.refused("KL111", node, f"{say(node)} is a rule, not a value", f"{say(node)}(me)")
            names = list(self.schema.attributes(row.resource))
            raise self.refused("KL202", node, f"{row.resource} has no {name!r}{self.suggest(name, names)}")
        if node is not owner:
            self.reached(row, owner, node)
        match found:
            case Scalar(type=type):
                return Field(row, name, type)
            case ToOne(resource=resource, nullable=nullable):
                return Step(row, name, resource, nullable)
            case ToMany(resource=resource):
                return Rows(row, name, resource)
            case Derived():
                return self.inline(row, name, found)

    def captured(self, operand: Captured, node: ast.expr) -> Expression:
        """An object from around as a parameter, typed by what it is now."""
        path, value = operand.path, operand.value
        if isinstance(value, type) or callable(value):
            raise self.refused("KL111", node, f"{path} is a {type(value).__name__}, not a value")
        try:
            _, type_now = bind(value, self.schema)
        except CaptureError as error:
            remedy = "" if error.code != "KL203" else "a plain value under a name of its own"
            raise self.refused(error.code, node, f"{path} can't be used: {error.message}", remedy) from None
        name = f"{self.prefix}.{path}"
        capture = Capture(name, type_now, reader(operand.get, type_now, path, self.schema))
        self.session.captures.setdefault(name, capture)
        return Const(None, NONE) if type_now is NONE else Param(name, type_now)

    # --------------------------------------------------------------------------------------------------- constants

    def constant(self, node: ast.Constant) -> Expression:
        found = constant(node.value)
        if found is None:
            raise self.refused("KL102", node, f"{say(node)} is not a value that a field can have")
        if isinstance(node.value, str) and ("\0" in node.value or any("\ud800" <= c <= "\udfff" for c in node.value)):
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
        parts = tuple(converted(operand, result) for operand in operands)
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
        return If(condition, then, otherwise, joined)

    # -------------------------------------------------------------------------------------------------- arithmetic

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
        if type.kind not in NUMBERS:
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
            raise self.refused(
                code, node, f"{say(node.left)} is {one} and {say(node.right)} is {other}: no {op} between them"
            )
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
