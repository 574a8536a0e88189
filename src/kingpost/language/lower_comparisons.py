"""Lowering of comparisons: `==`, order, `is`, `in`, and chains of them."""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Iterator
from datetime import datetime
from difflib import get_close_matches
from typing import Any, Final, cast

from kingpost.language.kinds import fold, mixed, ordered, overlap
from kingpost.language.lower_time import Times
from kingpost.language.narrow import refreshed
from kingpost.language.schema import Scalar, ToOne
from kingpost.language.scope import Captured, Operand, Rows, about_actor, say
from kingpost.language.tree import (
    FALSE,
    TRUE,
    Aggregate,
    And,
    Call,
    Compare,
    Comparison,
    Const,
    Expression,
    Field,
    Identity,
    In,
    IsNone,
    Item,
    Not,
    Param,
    Quantify,
    identity,
)
from kingpost.language.types import BOOL, NONE, Kind, Type

_ORDER: Final[dict[type[ast.cmpop], Comparison]] = {ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">="}
_MIRRORED: Final[dict[Comparison, Comparison]] = {"==": "==", "<": ">", "<=": ">=", ">": "<", ">=": "<="}
_COMPUTE: Final[dict[str, Callable[[Any, Any], bool]]] = {
    "==": operator.eq,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


class Comparisons(Times):
    """Comparisons."""

    def compare(self, node: ast.Compare) -> Expression:
        """A comparison, or the conjunction that a chain is; what stands in the middle is read once."""
        nodes = [node.left, *node.comparators]
        operands: list[Operand | None] = []
        for number, part in enumerate(nodes):
            listed = number > 0 and isinstance(node.ops[number - 1], ast.In | ast.NotIn)
            # The list after `in` is no operand of its own.
            operands.append(None if listed and isinstance(part, ast.Tuple | ast.List | ast.Set) else self.operand(part))
        pairs: list[Expression] = []
        before = self.known
        for number, op in enumerate(node.ops):
            left, right = operands[number], operands[number + 1]
            if left is None:
                raise self.refused("KL301", nodes[number], f"{say(nodes[number])} is a list in the middle of a chain")
            if number > 0 and not isinstance(left, Captured | Rows):  # its second use
                left = refreshed(self.as_value(left, nodes[number]), self.session.numbers)
            pair = self.pair(op, (left, nodes[number]), (right, nodes[number + 1]), node)
            pairs.append(pair)
            with self.knowing(pair, True):
                after = self.known
            self.known = after
        self.known = before
        return pairs[0] if len(pairs) == 1 else And(tuple(pairs))

    def pair(
        self, op: ast.cmpop, left: tuple[Operand, ast.expr], right: tuple[Operand | None, ast.expr], whole: ast.Compare
    ) -> Expression:
        match op:
            case ast.In():
                return self.membership(left, right, whole)
            case ast.NotIn():
                return Not(self.membership(left, right, whole))
            case _:
                one = self.as_value(left[0], left[1])
                other = self.as_value(cast("Operand", right[0]), right[1])
        match op:
            case ast.Is():
                return self.is_same(one, other, whole)
            case ast.IsNot():
                return Not(self.is_same(one, other, whole))
            case ast.Eq():
                return self.equal(one, other, (left[1], right[1]), whole)
            case ast.NotEq():
                return Not(self.equal(one, other, (left[1], right[1]), whole))
            case _:
                return self.order(_ORDER[type(op)], one, other, (left[1], right[1]), whole)

    def is_same(self, one: Expression, other: Expression, whole: ast.Compare) -> Expression:
        """`is` for None, True and False."""
        if other == Const(None, NONE):
            return IsNone(one)
        if other in (TRUE, FALSE) and isinstance(whole.comparators[-1], ast.Constant):
            if one.type.kind is not Kind.BOOL:
                value = say(whole.left)
                raise self.refused(
                    "KL108", whole, f"{value} is {one.type}, never {say(whole.comparators[-1])}", f"bool({value})"
                )
            return Compare("==", one, other)
        equal = say(whole).replace(" is not ", " != ").replace(" is ", " == ")
        raise self.refused("KL108", whole, f"{say(whole)} asks for the same object, which a store does not know", equal)

    # ---------------------------------------------------------------------------------------------------- equality

    def equal(self, one: Expression, other: Expression, nodes: tuple[ast.expr, ast.expr], whole: ast.AST) -> Expression:
        """`==`, which finds None equal to None."""
        if one == Const(None, NONE):
            one, other, nodes = other, one, (nodes[1], nodes[0])
        if other == Const(None, NONE):
            return IsNone(one)
        one, other = self.text_enum(one, other.type), self.text_enum(other, one.type)
        self.overlapping(one, other, nodes, whole)
        both = self.type(one).nullable and self.type(other).nullable
        if both and self.proven and (about_actor(one) or about_actor(other)):
            actor = nodes[0] if about_actor(one) else nodes[1]
            message = f"{say(whole)} is true where both are None: for nobody, on every row that has none"
            raise self.refused("KL403", whole, message, f"{say(actor)} is not None and {say(whole)}")
        return self.compared("==", one, other)

    def compared(self, op: Comparison, one: Expression, other: Expression) -> Expression:
        """A comparison with number literals brought to the other side's type."""
        if isinstance(one, Const) and isinstance(other, Const):
            return Const(_COMPUTE[op](cast("Any", one.value), cast("Any", other.value)), BOOL)
        if isinstance(one, Const):
            one, other, op = other, one, _MIRRORED[op]
        if isinstance(other, Const) and other.type.kind in (Kind.INT, Kind.FLOAT):
            if one.type.kind is Kind.BOOL:
                return Compare(op, one, Const(bool(other.value), BOOL)) if other.value in (0, 1) else In(one, ())
            if one.type.kind in (Kind.INT, Kind.FLOAT):
                folded = fold(op, one.type, cast("float", other.value), stored(one))
                if folded is None:
                    return In(one, ())  # false, and unknown where the value is
                op, other = folded
        return Compare(op, one, other)

    def overlapping(self, one: Expression, other: Expression, nodes: tuple[ast.expr, ast.expr], whole: ast.AST) -> None:
        """Refuse sides that are never equal, or not alike in every store."""
        types = one.type, other.type
        for value, type, node in ((one, types[1], nodes[0]), (other, types[0], nodes[1])):
            if isinstance(value, Const) and value.value is not None and type.kind is value.type.kind:
                self.chosen(value, type, node)
        if isinstance(one, Const) != isinstance(other, Const):
            const, type = (one, other.type) if isinstance(one, Const) else (cast("Const", other), one.type)
            if {const.type.kind, type.kind} == {Kind.INT, Kind.FLOAT}:
                return
            if const.type.kind is Kind.INT and type.kind is Kind.BOOL and const.value in (0, 1):
                return
        if mixed(*types):
            message = f"{say(nodes[0])} is {types[0]} and {say(nodes[1])} is {types[1]}"
            raise self.refused("KL309", whole, message, self.own_type(one, other, nodes))
        if not overlap(*types):
            message = f"{say(nodes[0])} is {types[0]} and {say(nodes[1])} is {types[1]}: never equal"
            raise self.refused("KL301", whole, message, self.own_type(one, other, nodes))
        if any(
            isinstance(side, Aggregate) and side.kind == "sum" and side.type.kind is Kind.FLOAT for side in (one, other)
        ):
            raise self.refused(
                "KL311", whole, f"{say(whole)}: the last digits of a sum of floats depend on the order of rows"
            )

    def own_type(self, one: Expression, other: Expression, nodes: tuple[ast.expr, ast.expr]) -> str:
        """How the comparison would be written in the type of the other side, where that is plain."""
        for value, type, said, node in ((one, other.type, *nodes), (other, one.type, nodes[1], nodes[0])):
            if type.kind is Kind.REFERENCE and value.type.kind is not Kind.REFERENCE:
                keys = list(self.keys(say(node), type.name))
                if len(keys) > 1:
                    return " and ".join(f"{path} == …" for path, _ in keys)
                path, key = keys[0]
                if isinstance(value, Const) and not overlap(value.type, key):
                    return _in_type(value, key, path) or f"{path} == …"
                return f"{path} == {say(said)}"
            if isinstance(value, Const) and (written := _in_type(value, type, say(node))):
                return written
        return ""

    def keys(self, path: str, resource: str) -> Iterator[tuple[str, Type]]:
        """The paths to the scalars that a row at `path` is known by."""
        for name in self.schema.key(resource):
            match self.schema.attribute(resource, name):
                case ToOne(resource=target):
                    yield from self.keys(f"{path}.{name}", target)
                case Scalar(type=type):
                    yield f"{path}.{name}", type
                case _:
                    pass

    def chosen(self, const: Const, type: Type, node: ast.expr) -> None:
        """Refuse a literal that is not among the choices of the other side."""
        if type.choices and const.value not in type.choices and const.type.kind in (Kind.TEXT, Kind.INT, Kind.ENUM):
            near = get_close_matches(str(const.value), [str(choice) for choice in type.choices], n=1)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            message = f"{say(node)} is not one of {', '.join(map(repr, type.choices))}{hint}"
            raise self.refused("KL308", node, message, repr(near[0]) if near else "")

    def text_enum(self, value: Expression, other: Type) -> Expression:
        """In text from outside, where Enum members have no names, their values stand for them."""
        if (
            self.root is not None
            and other.kind is Kind.ENUM
            and isinstance(value, Const)
            and value.type.kind in (Kind.TEXT, Kind.INT)
        ):
            return Const(value.value, other.maybe(False))
        return value

    # ------------------------------------------------------------------------------------------------------- order

    def order(
        self,
        op: Comparison,
        one: Expression,
        other: Expression,
        nodes: tuple[ast.expr, ast.expr],
        whole: ast.AST,
    ) -> Expression:
        types = one.type, other.type
        literal = isinstance(one, Const) or isinstance(other, Const)
        numbers = {types[0].kind, types[1].kind} == {Kind.INT, Kind.FLOAT}
        if not ordered(*types) and not (literal and numbers):
            code = "KL309" if mixed(*types) else "KL302"
            message = f"{say(nodes[0])} is {types[0]} and {say(nodes[1])} is {types[1]}: no order between them"
            raise self.refused(code, whole, message, self.own_type(one, other, nodes) if code == "KL309" else "")
        why = "None has no order"
        self.all_or_none(
            lambda: self.tested(one, nodes[0], whole, why), lambda: self.tested(other, nodes[1], whole, why)
        )
        return self.compared(op, one, other)

    # -------------------------------------------------------------------------------------------------- membership

    def membership(
        self, left: tuple[Operand, ast.expr], right: tuple[Operand | None, ast.expr], whole: ast.Compare
    ) -> Expression:
        """`x in (…)`, in a captured list, in a relation, or in a text."""
        operand, node = right
        item = self.as_value(left[0], left[1])
        if operand is None:
            return self.among(item, left[1], cast("ast.Tuple", node), whole)
        if isinstance(operand, Rows):
            if item.type.kind is not Kind.REFERENCE or item.type.name != operand.resource:
                message = f"{say(left[1])} is {item.type} and {say(node)} holds {operand.resource}"
                raise self.refused("KL301", whole, message)
            many = self.many(operand)
            return Quantify("any", many, None, Compare("==", identity(Item(many.var, many.resource)), item))
        value = self.as_value(operand, node)
        if value.type.kind is Kind.TEXT:
            if item.type.kind is not Kind.TEXT:
                raise self.refused(
                    "KL301", whole, f"{say(left[1])} is {item.type}, not text", "str of it is not understood"
                )
            why = "`in` needs text on both sides"
            self.all_or_none(
                lambda: self.tested(item, left[1], whole, why), lambda: self.tested(value, node, whole, why)
            )
            return Call("contains", (value, item), BOOL)
        if isinstance(value, Param) and value.type.element is not None:
            element = value.type.element
            if mixed(item.type, element) or not overlap(item.type, element):
                message = f"{say(left[1])} is {item.type} and {say(node)} holds {element}: never in it"
                raise self.refused("KL309" if mixed(item.type, element) else "KL301", whole, message)
            return In(item, value)
        message = f"{say(node)} is {value.type}, which `in` does not look into"
        raise self.refused("KL301", whole, message, "a tuple, a captured list, a relation or text after `in`")

    def among(self, item: Expression, node: ast.expr, listed: ast.expr, whole: ast.Compare) -> Expression:
        """`x in (a, b, None)`: options that never equal are left out, literals take the type of x."""
        elements = cast("ast.Tuple", listed).elts
        options: list[Expression] = []
        for element in elements:
            option = self.text_enum(self.value(element), item.type)
            if option != Const(None, NONE):
                one = self.equal(item, option, (node, element), whole)
                match one:
                    case Compare(left=left, right=right) if left == item:
                        option = right
                    case In():
                        continue
                    case _:
                        pass
            options.append(option)
        return In(item, tuple(options))


def stored(expression: Expression) -> bool:
    """Whether the value is held in 64 bits; what is calculated may be larger."""
    return isinstance(expression, Field | Param | Identity) or (
        isinstance(expression, Aggregate) and expression.kind == "count"
    )


def naive(value: object) -> bool:
    """Whether it is a datetime without a zone."""
    return isinstance(value, datetime) and value.utcoffset() is None


def _in_type(const: Const, type: Type, said: str) -> str:
    """A literal beside `said`, in the type of that; "" where it can't be told."""
    match type.kind:
        case Kind.TEXT:
            return f"{said} == {str(const.value)!r}"
        case Kind.UUID:
            return f"{said} == UUID({const.value!r})"
        case Kind.ENUM:
            return f"{said} == {type.name}.…"
        case Kind.DATETIME:
            return "datetime(2026, 1, 1, tzinfo=UTC)"
        case Kind.DATE:
            return "date(2026, 1, 1)"
        case Kind.DECIMAL if const.type.kind is Kind.FLOAT:
            return f"Decimal('{const.value}')"
        case _:
            return ""
