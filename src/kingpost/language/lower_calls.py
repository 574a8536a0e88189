"""Lowering of calls: functions of the language, constructors, methods of text, generators, and rules."""

from __future__ import annotations

import ast
import builtins
from abc import abstractmethod
from collections.abc import Callable
from datetime import UTC, timedelta
from typing import Any, Final, Literal, cast

from kingpost.language.builtins import now
from kingpost.language.kinds import NUMBERS, ORDERED, plain, union
from kingpost.language.lower_constructors import CONSTRUCTORS, Constructors
from kingpost.language.lower_values import truth
from kingpost.language.scope import Captured, Operand, Rows, is_row, say
from kingpost.language.source import Source
from kingpost.language.tree import (
    FALSE,
    TRUE,
    Aggregate,
    And,
    Call,
    Const,
    Expression,
    If,
    IsNone,
    Item,
    Many,
    Param,
    Quantify,
    Row,
)
from kingpost.language.types import BOOL, DATETIME, INT, TEXT, Kind, Type

FUNCTIONS: Final[dict[str, object]] = {
    **{name: getattr(builtins, name) for name in ("len", "any", "all", "sum", "min", "max", "abs", "round", "bool")},
    "now": now,
    **{kind.__name__: kind for kind in CONSTRUCTORS},
}
"""The functions of the language, by the name that text calls them."""
_METHODS: Final = frozenset({"lower", "upper", "casefold", "strip", "startswith", "endswith"})
_INSTEAD: Final = {
    "actor": "me, which a rule takes: def mine(self, me: User | None); in a filter a variable: me = actor()",
    "int": "the field itself, or a declared int field",
    "str": "the field itself",
    "float": "n / 1",
    "isinstance": "x is not None",
    "sorted": "sort= or .sort() of the query",
    "hasattr": "x is not None",
    "print": "the condition only",
    "today": "now(), an instant; in a filter a day may be a variable: today = now().date()",
}


class Calls(Constructors):
    """Calls."""

    @abstractmethod
    def inline_rule(self, row: Row, name: str, source: Source, node: ast.Call) -> Expression:
        """A rule in place of its call."""

    def around(self, name: str, node: ast.Name) -> Captured:
        if self.source.function is None and name in (*FUNCTIONS, "UTC"):
            found = FUNCTIONS.get(name, UTC)
            return Captured(name, found, lambda: found)
        return super().around(name, node)

    def call(self, node: ast.Call) -> Operand:
        function = node.func
        if isinstance(function, ast.Attribute):
            base = self.operand(function.value)
            if isinstance(base, Captured):
                found = self.along_call(base, function)
                if found is not None:
                    return self.apply(found, node)
            return self.method(base, function, node)
        if isinstance(function, ast.Name) and function.id not in {**self.items, **self.names}:
            return self.apply(self.around(function.id, function), node)
        raise self.refused("KL104", node, f"{say(function)} is not a function of the language")

    def along_call(self, base: Captured, function: ast.Attribute) -> Captured | None:
        """`datetime.timedelta`: a function or class inside a captured object; None for methods of captured values."""
        if isinstance(base.value, str | timedelta):
            return None
        found = self.along(base, function)
        return found if isinstance(found, Captured) else None

    def apply(self, function: Captured, node: ast.Call) -> Expression:
        """A call of a function known by the object it is."""
        value = function.value
        if any(value is kind for kind in CONSTRUCTORS):
            return self.construct(value, node)
        for name, known in FUNCTIONS.items():
            if value is known:
                return self.known_call(name, node)
        name = function.path.rsplit(".", 1)[-1]
        if name in FUNCTIONS:
            meant = "kingpost.now" if name == "now" else f"Python's own {name}"
            remedy = "now(), with from kingpost import now" if name == "now" else ""
            raise self.refused("KL110", node.func, f"{function.path} is not {meant}", remedy)
        instead = _INSTEAD.get(name, "")
        raise self.refused(
            "KL104", node, f"{function.path}() is not a function of the language: it would have to be called", instead
        )

    def known_call(self, name: str, node: ast.Call) -> Expression:
        match name:
            case "now":
                self.arguments(node, 0)
                return Param("now", DATETIME)
            case "len":
                return self.length(node, self.arguments(node, 1)[0])
            case "bool":
                return self.condition(self.arguments(node, 1)[0])
            case "any" | "all":
                return self.quantified(name, node)
            case "sum" | "min" | "max":
                return self.aggregated(name, node)
            case _:
                return self.number(cast("Literal['abs', 'round']", name), node)

    def arguments(self, node: ast.Call, count: int) -> list[ast.expr]:
        """The positional arguments, which must be exactly so many."""
        if len(node.args) != count or node.keywords or any(isinstance(arg, ast.Starred) for arg in node.args):
            wanted = {0: "no arguments", 1: "one argument"}[count]
            raise self.refused("KL106", node, f"{say(node.func)} takes {wanted} here")
        return node.args

    def length(self, node: ast.Call, argument: ast.expr) -> Expression:
        if isinstance(argument, ast.ListComp | ast.SetComp | ast.GeneratorExp):
            inside = ast.unparse(argument)[1:-1].split(" for ", 1)[-1]
            raise self.refused("KL107", node, "len() of a comprehension is not understood", f"sum(1 for {inside})")
        operand = self.operand(argument)
        if isinstance(operand, Rows):
            return Aggregate("count", self.many(operand), None, None)
        value = self.as_value(operand, argument)
        type = self.tested(value, argument, node, "None has no length")
        if type.kind is not Kind.TEXT:
            raise self.refused("KL312", node, f"{say(argument)} is {type}; len is of text and of relations")
        return Call("length", (value,), INT)

    def number(self, name: Literal["abs", "round"], node: ast.Call) -> Expression:
        if name == "round" and len(node.args) == 2:
            raise self.refused("KL106", node, "round to places is not exact for floats", f"round({say(node.args[0])})")
        argument = self.arguments(node, 1)[0]
        value = self.value(argument)
        type = self.tested(value, argument, node, f"None has no {name}")
        if type.kind not in NUMBERS and not (name == "abs" and type.kind is Kind.DURATION):
            raise self.refused("KL312", node, f"{say(argument)} is {type}; {name} is of numbers")
        if name == "round" and type.kind is Kind.INT:
            return value
        return Call(name, (value,), INT if name == "round" else plain(type))

    # ----------------------------------------------------------------------------------------------------- methods

    def method(self, base: Operand, function: ast.Attribute, node: ast.Call) -> Operand:
        """A method of a text, or a rule of a row."""
        name, owner = function.attr, function.value
        if is_row(base):
            row = cast("Row", base)
            rule = self.schema.rule(row.resource, name)
            if rule is None:
                names = list(self.schema.attributes(row.resource))
                if name in names:
                    raise self.refused("KL105", node, f"{say(function)} is not called", say(function))
                raise self.refused("KL105", node, f"{row.resource} has no rule {name!r}{self.suggest(name, names)}")
            self.reached(row, owner, node)
            return self.inline_rule(row, name, rule, node)
        value = self.as_value(base, owner)
        if name == "total_seconds" and value.type.kind is Kind.DURATION:
            return self.total_seconds(value, owner, node)
        if name not in _METHODS:
            message = f".{name}() is not understood on {value.type}"
            remedy = "comparisons with datetime(…)" if value.type.kind in (Kind.DATETIME, Kind.DATE) else ""
            if name == "date" and value.type.kind is Kind.DATETIME:
                remedy += ", or with a variable: midnight = datetime.combine(now().date(), time(), UTC)"
            raise self.refused("KL105", node, f"{message}{self.suggest(name, sorted(_METHODS))}", remedy)
        type = self.tested(value, owner, node, f"None has no {name}()")
        if type.kind is not Kind.TEXT:
            raise self.refused("KL312", node, f"{say(owner)} is {type}; {name}() is of text")
        if name not in ("startswith", "endswith"):
            if node.args or node.keywords:
                raise self.refused("KL106", node, f"{name}() takes no arguments here", f"{say(owner)}.{name}()")
            return Call(cast("Any", name), (value,), TEXT)
        if len(node.args) == 1 and isinstance(node.args[0], ast.Tuple):
            each = " or ".join(f"{say(owner)}.{name}({say(one)})" for one in node.args[0].elts)
            raise self.refused("KL106", node, f"{name}() takes one text", each)
        argument = self.arguments(node, 1)[0]
        part = self.value(argument)
        if self.tested(part, argument, node, "None is not text").kind is not Kind.TEXT:
            raise self.refused("KL312", node, f"{say(argument)} is {part.type}, not text")
        return Call(cast("Any", name), (value, part), BOOL)

    # -------------------------------------------------------------------------------------------------- generators

    def generator(self, node: ast.Call) -> tuple[ast.expr, str, ast.comprehension, Many]:
        """The element, the item's name, the clause, and the relation of the one argument."""
        given = node.args[0] if len(node.args) == 1 else node
        name = say(node.func)
        if isinstance(given, ast.ListComp | ast.SetComp):
            raise self.refused(
                "KL107", given, f"{name}() takes a generator, not a list", f"{name}({ast.unparse(given)[1:-1]})"
            )
        if not isinstance(given, ast.GeneratorExp):
            raise self.refused("KL107", given, f"{say(node)}: {name}() takes a generator over a relation")
        if len(given.generators) > 1:
            raise self.refused("KL107", given, "two `for` in one generator", f"{name}({name}(… for …) for …)")
        clause = given.generators[0]
        if clause.is_async or not isinstance(clause.target, ast.Name):
            raise self.refused("KL107", clause.target, f"{say(clause.target)} is not a single name")
        rows = self.operand(clause.iter)
        if not isinstance(rows, Rows):
            remedy = "x in (…), for membership" if isinstance(rows, Captured) else ""
            raise self.refused("KL107", clause.iter, f"{say(clause.iter)} is not a relation to many rows", remedy)
        return given.elt, clause.target.id, clause, self.many(rows)

    def gone_over(
        self, node: ast.Call, lower: Callable[[ast.expr], Expression]
    ) -> tuple[Many, Expression | None, Expression]:
        """The relation, the condition and the element of a generator; the element knows that the condition holds."""
        element, name, clause, many = self.generator(node)
        with self.item(name, Item(many.var, many.resource)):
            conditions = self.each_knowing(clause.ifs, True, self.condition)
            condition = None if not conditions else conditions[0] if len(conditions) == 1 else And(tuple(conditions))
            with self.knowing(condition or TRUE, True):
                return many, condition, lower(element)

    def quantified(self, name: Literal["any", "all"], node: ast.Call) -> Expression:
        if len(node.args) != 1 or node.keywords:
            raise self.refused("KL106", node, f"{name}() takes one generator")
        many, condition, element = self.gone_over(node, self.condition)
        return Quantify(name, many, condition, element)

    def aggregated(self, name: Literal["sum", "min", "max"], node: ast.Call) -> Expression:
        words = {word.arg: word.value for word in node.keywords}
        if len(node.args) != 1 or set(words) - ({"default"} if name != "sum" else set[str]()):
            allowed = "one generator" if name == "sum" else "one generator, and default="
            remedy = "a if a < b else b" if name != "sum" and len(node.args) > 1 else ""
            raise self.refused("KL106", node, f"{name}() takes {allowed}", remedy)

        def element_of(part: ast.expr) -> Expression:
            value = self.value(part)
            type = self.type(value)
            if type.nullable and (self.proven or name != "sum"):
                over = say(cast("ast.GeneratorExp", node.args[0]).generators[0].iter)
                remedy = f"{name}(… for … in {over} if {say(part)} is not None)"
                raise self.refused("KL404", part, f"{say(part)} may be None, over which {name}() raises", remedy)
            if name == "sum" and type.kind is Kind.BOOL:
                counted = If(truth(value), Const(1, INT), Const(0, INT), INT)
                return (
                    If(IsNone(value), Const(None, INT.maybe()), counted, INT.maybe())
                    if value.type.nullable
                    else counted
                )
            if type.kind not in (NUMBERS if name == "sum" else ORDERED):
                raise self.refused("KL312", part, f"{say(part)} is {type}, of which there is no {name}")
            return value

        many, condition, element = self.gone_over(node, element_of)
        if name == "sum":
            if element == Const(1, INT):
                return Aggregate("count", many, condition, None)
            return Aggregate("sum", many, condition, element, None, self.total(element.type))
        default = self.default(words, plain(element.type), node)
        type = plain(element.type)
        if default is not None:  # of decimals, the default may have more places than the elements
            type = plain(union(type, self.type(default)) or type).maybe(self.type(default).nullable)
        return Aggregate(name, many, condition, element, default, type)

    def default(self, words: dict[str | None, ast.expr], type: Type, node: ast.Call) -> Expression | None:
        if "default" not in words:
            return None
        value = self.value(words["default"])
        chosen = self.joined(FALSE, (Const(None, type), type), (value, self.type(value)), node)
        return chosen.otherwise if isinstance(chosen, If) else value

    @staticmethod
    def total(type: Type) -> Type:
        """The type of a sum: more digits than its elements."""
        if type.kind is Kind.DECIMAL:
            return Type(Kind.DECIMAL, digits=None if type.digits is None else 38, places=type.places)
        return plain(type)
