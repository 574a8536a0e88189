"""From Python source to a typed tree: functions, lambdas, and text.

A function's statements become one expression: each `if` a conditional one, each name what was assigned to it, so that
nothing is left to carry out in order. Computed fields and rules are put in place of their names.
"""

from __future__ import annotations

import ast
import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import cast

from kingpost.language.capture import Capture, CaptureError
from kingpost.language.kinds import LARGEST, SMALLEST, converted, union
from kingpost.language.lower_calls import Calls
from kingpost.language.lower_time import MICROSECOND
from kingpost.language.lower_values import truth
from kingpost.language.narrow import Facts, refreshed
from kingpost.language.refusals import REFUSALS, LanguageError, Refusal
from kingpost.language.schema import Derived, Schema
from kingpost.language.scope import Captured, Operand, Refused, Rows, Session, is_row, say
from kingpost.language.source import Source
from kingpost.language.tree import (
    FALSE,
    TRUE,
    Const,
    Expression,
    Node,
    Not,
    Root,
    Row,
    children,
    rebase,
)
from kingpost.language.types import BOOL, NONE, Kind, Type

__all__ = ["REFUSALS", "Capture", "CaptureError", "LanguageError", "Lowered", "Refusal", "lower"]

DEPTH = 100
"""How deep a tree may be nested."""


@dataclass(frozen=True, slots=True)
class Lowered:
    """A tree, and the captured variables among its parameters."""

    expression: Expression
    captures: tuple[Capture, ...]


def lower(
    source: Source,
    schema: Schema,
    names: Mapping[str, Row | Expression],
    *,
    prefix: str,
    expects: Type | None = None,
    proven: bool = True,
    root: Row | None = None,
    limit: int = 2_000,
) -> Lowered:
    """Lower a function, lambda or text. Raises LanguageError with everything that is refused.

    `names` are the parameters; `root` is given for text, whose bare names are attributes of that row. `prefix` begins
    the names of captured variables, which must be the declaration's own (`Article.is_public`) so that two do not meet.
    `expects`: bool for rules and filters, the declared type of a computed field, None where any value will do.
    `proven`: what may be None must have been tested. `limit`: nodes of the tree, all inlined.
    """
    session = Session(schema, limit)
    reading = _Body(session, source, names, prefix, proven=proven, root=root)
    try:
        expression = reading.body(expects)
    except Refused:
        raise LanguageError(session.problems) from None
    except RecursionError:
        try:
            raise reading.refused("KL502", source.node, "the expression is nested deeper than can be followed")
        except Refused:
            raise LanguageError(session.problems) from None
    return Lowered(expression, tuple(session.captures.values()))


class _Body(Calls):
    """Bodies of functions, and what is inlined into them."""

    def body(self, expects: Type | None) -> Expression:
        """The whole of the source as one expression of the expected type."""
        node = self.source.node
        if isinstance(node, ast.Expression | ast.Lambda):
            value, _ = self.answered(node.body, expects)
            whole: ast.AST = node.body
        else:
            whole = node
            assigned = [n.id for n in ast.walk(node) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)]
            self.assigned = frozenset(assigned)
            value, _ = self.block(self.without_docstring(node.body), expects, node)
        self.within_bounds(value, whole)
        return value

    @staticmethod
    def without_docstring(statements: list[ast.stmt]) -> list[ast.stmt]:
        match statements:
            case [ast.Expr(value=ast.Constant(value=str())), *rest]:
                return rest
            case _:
                return statements

    # -------------------------------------------------------------------------------------------------- statements

    def block(self, statements: Sequence[ast.stmt], expects: Type | None, function: ast.AST) -> tuple[Expression, Type]:
        """What the statements return, and its type with what is known there."""
        if not statements:  # CPython returns None
            return self.fitted(Const(None, NONE), expects, function)
        first, rest = statements[0], statements[1:]
        match first:
            case ast.Return(value=value):
                if value is None:
                    return self.fitted(Const(None, NONE), expects, first)
                return self.answered(value, expects)
            case ast.Pass():
                return self.block(rest, expects, function)
            case ast.If(test=test, body=body, orelse=orelse):
                return self.forked(test, [*body, *rest], [*orelse, *rest], expects, function)
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                return self.bound(name, value, rest, expects, function)
            case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value):
                return self.bound(name, value, rest, expects, function)
            case _:
                word = type(first).__name__.lower()
                remedy = {
                    "for": "any(…), all(…) or sum(…) of a generator",
                    "while": "any(…), all(…) or sum(…) of a generator",
                    "augassign": "name = name + …",
                }.get(word, "")
                raise self.refused(
                    "KL101", first, f"{say(first).splitlines()[0]}: this statement is not understood", remedy
                )

    def bound(
        self, name: str, value: ast.expr, rest: Sequence[ast.stmt], expects: Type | None, function: ast.AST
    ) -> tuple[Expression, Type]:
        """The statements after an assignment, with the value in place of the name."""
        before = dict(self.names)
        operand = self.operand(value)
        self.names[name] = operand
        try:
            return self.block(rest, expects, function)
        finally:
            self.names = before

    def name(self, node: ast.Name) -> Operand:
        found = super().name(node)
        # A value used twice stands in the tree twice, each with generators of its own.
        if node.id in self.assigned and not isinstance(found, Captured | Rows) and not is_row(found):
            return refreshed(cast("Expression", found), self.session.numbers)
        return found

    def forked(
        self,
        test: ast.expr,
        then: Sequence[ast.stmt],
        otherwise: Sequence[ast.stmt],
        expects: Type | None,
        function: ast.AST,
    ) -> tuple[Expression, Type]:
        """`if`: what follows it is part of both ways, unless they have returned."""
        condition = self.condition(test)

        def way(statements: Sequence[ast.stmt], outcome: bool) -> tuple[Expression, Type]:
            with self.knowing(condition, outcome):
                return self.block(statements, expects, function)

        one, other = self.all_or_none(lambda: way(then, True), lambda: way(otherwise, False))
        if (one[0], other[0]) == (TRUE, FALSE):
            return condition, BOOL
        if (one[0], other[0]) == (FALSE, TRUE):
            return Not(condition), BOOL
        joined = self.joined(condition, one, other, test)
        return joined, union(one[1], other[1]) or joined.type

    # ---------------------------------------------------------------------------------------------------- the type

    def answered(self, node: ast.expr, expects: Type | None) -> tuple[Expression, Type]:
        """A returned expression, of the expected type."""
        return self.fitted(self.value(node), expects, node)

    def fitted(self, value: Expression, expects: Type | None, node: ast.AST) -> tuple[Expression, Type]:
        """The value and its type, refused where it is not the expected one."""
        type = self.type(value)
        if expects is None:
            return value, type
        if expects == BOOL:
            if type == BOOL:
                return truth(value), BOOL
            if type is NONE and not isinstance(node, ast.expr):
                raise self.refused("KL304", node, "None is answered where nothing is returned", "return False")
            text = say(node)
            remedy = f"{text} is True" if type.kind is Kind.BOOL else f"bool({text})"
            raise self.refused("KL304", node, f"{text} is {type}, not bool", remedy)
        value = self.as_declared(value, type, expects)
        if value.type != type and isinstance(value, Const):
            type = value.type
        if not _assignable(type, value, expects):
            meant = dataclasses.replace(type, digits=None, places=None)  # an annotation of Python has no digits
            raise self.refused("KL306", node, f"{_said(node)} is {type}, but {expects} is declared", f"-> {meant}")
        return value, type

    @staticmethod
    def as_declared(value: Expression, type: Type, expects: Type) -> Expression:
        """Literals take the declared type."""
        if isinstance(value, Const) and value.value is None:
            return Const(None, expects.maybe()) if expects.nullable else value
        if isinstance(value, Const) and type.kind is expects.kind and value.value in (expects.choices or [value.value]):
            return Const(value.value, expects.maybe(False)) if expects.kind is not Kind.DECIMAL else value
        return converted(value, expects)

    # ---------------------------------------------------------------------------------------------------- inlining

    def inline(self, row: Row, name: str, derived: Derived) -> Expression:
        key = (row.resource, name)
        if key not in self.session.derived:
            about = Root(row.resource)
            parameters = derived.source.parameters
            names: dict[str, Operand] = {parameters[0]: about} if parameters else {}
            self.session.derived[key] = self.inside(key, derived.source, names, derived.type, frozenset())
        return rebase(self.session.derived[key], row, self.session.fresh)

    def inline_rule(self, row: Row, name: str, source: Source, node: ast.Call) -> Expression:
        """A rule read anew with the arguments of this call: what is known of them here is known in it."""
        given: dict[str, Operand] = dict(zip(source.parameters, [row, *(self.operand(one) for one in node.args)]))
        for word in node.keywords:
            if word.arg is not None:
                given[word.arg] = self.operand(word.value)
        needed = [name for name in source.parameters if name not in given and not _has_default(source, name)]
        if needed or not set(given) <= set(source.parameters) or len(node.args) >= len(source.parameters):
            wanted = ", ".join(source.parameters[1:])
            raise self.refused("KL106", node, f"{name} takes ({wanted})", f"{say(node.func)}({wanted})")
        found = self.inside((row.resource, name), source, given, BOOL, self.known)
        return refreshed(found, self.session.numbers)

    def inside(
        self, key: tuple[str, str], source: Source, names: Mapping[str, Operand], expects: Type, known: Facts
    ) -> Expression:
        """Another declaration read inside this one, under its own name."""
        if key in self.session.inside:
            way = [*self.session.inside[self.session.inside.index(key) :], key]
            within = _Body(self.session, source, names, "", proven=True)
            raise within.refused("KL205", source.node, " needs ".join(".".join(one) for one in way))
        self.session.inside.append(key)
        try:
            return _Body(self.session, source, names, ".".join(key), proven=True, known=known).body(expects)
        finally:
            self.session.inside.pop()

    # ------------------------------------------------------------------------------------------------------ bounds

    def within_bounds(self, expression: Expression, whole: ast.AST) -> None:
        """Refuse trees too large or too deep for stores, and numbers that none of them holds."""
        count, stack = 0, [(cast("Node", expression), 1)]
        while stack:
            node, depth = stack.pop()
            count += 1
            if depth > DEPTH:
                raise self.refused("KL502", whole, f"{_said(whole)} is nested more than {DEPTH} deep")
            if count > self.session.limit:
                raise self.refused("KL501", whole, f"{_said(whole)} has more than {self.session.limit} nodes")
            if isinstance(node, Const) and node.type.kind is Kind.INT and isinstance(node.value, int):
                self.within_64_bits(node.value, whole)
            if isinstance(node, Const) and isinstance(node.value, timedelta):
                self.within_64_bits(node.value // MICROSECOND, whole, "microseconds ")
            stack.extend((child, depth + 1) for child in children(node))

    def within_64_bits(self, value: int, whole: ast.AST, unit: str = "") -> None:
        if not SMALLEST <= value <= LARGEST:
            written = (n for n in ast.walk(whole) if isinstance(n, ast.Constant) and n.value == abs(value))
            raise self.refused("KL310", next(written, whole), f"{value} {unit}is beyond 64 bits")


def _has_default(source: Source, name: str) -> bool:
    try:
        source.resolve(name)
    except LookupError:
        return False
    return True


def _said(node: ast.AST) -> str:
    return node.name if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) else say(node)


def _assignable(type: Type, value: Expression, declared: Type) -> bool:
    if type.kind is Kind.NONE or (isinstance(value, Const) and value.value is None):
        return declared.nullable
    if type.nullable and not declared.nullable:
        return False
    if type.kind is not declared.kind or type.name != declared.name:
        return False
    if declared.choices and type.kind in (Kind.TEXT, Kind.INT):
        return bool(type.choices) and set(type.choices) <= set(declared.choices)
    if type.kind is Kind.DECIMAL and declared.places is not None:
        return type.places is not None and type.places <= declared.places
    return True
