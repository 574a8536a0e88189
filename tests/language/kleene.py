"""CPython read Kleene's way: the text's own operations, with `and`, `or`, `any`, `all`, `in` looking past what raises.

An independent second reading of the language, made on Python's tree: every atom is run by CPython, an exception is
unknown. It says of a row where CPython raises whether memory and stores must answer unknown or may decide.
"""

from __future__ import annotations

import ast
import itertools
from collections.abc import Callable, Iterable
from typing import Any

from tests.language.strategies import GLOBALS

RAISES = (TypeError, AttributeError, ValueError, ZeroDivisionError, OverflowError)

BOOLS = ("active", "done", "open")
"""The fields of the tests' domains that hold them."""


class Unknown(ValueError):
    """Nothing decides."""


def _decide(parts: Iterable[Callable[[], Any]], decides: bool) -> bool:
    unknown = False
    for part in parts:
        try:
            if bool(part()) is decides:
                return decides
        except RAISES:
            unknown = True
    if unknown:
        raise Unknown
    return not decides


def _or(*parts: Callable[[], Any]) -> bool:
    return _decide(parts, True)


def _and(*parts: Callable[[], Any]) -> bool:
    return _decide(parts, False)


def _in(item: Callable[[], Any], *options: Callable[[], Any]) -> bool:
    value = item()
    return _decide([lambda option=option: option() == value for option in options], True)  # type: ignore[misc]


def _any(rows: Iterable[Any], counts: Callable[[Any], Any], element: Callable[[Any], Any]) -> bool:
    return _decide([lambda r=r: _and(lambda: counts(r), lambda: element(r)) for r in rows], True)  # type: ignore[misc]


def _all(rows: Iterable[Any], counts: Callable[[Any], Any], element: Callable[[Any], Any]) -> bool:
    return not _any(rows, counts, lambda row: not element(row))


def _extreme(function: Callable[[Any], Any], values: Iterable[Any], default: Callable[[], Any]) -> Any:
    found = list(values)
    return function(found) if found else default()


TOOLS = {"_or": _or, "_and": _and, "_in": _in, "_any": _any, "_all": _all, "_extreme": _extreme}


def kleene_function(text: str, condition: bool) -> Callable[..., Any]:
    """What Kleene's reading answers of `self` and `me`; raises where it is unknown."""
    body = ast.parse(text, mode="eval").body
    read = _condition(body) if condition else _value(body)
    arguments = ast.arguments([], [ast.arg("self"), ast.arg("me")], None, [], [], None, [])
    whole = ast.fix_missing_locations(ast.Expression(ast.Lambda(arguments, read)))
    function: Callable[..., Any] = eval(compile(whole, "<kleene>", "eval"), {**GLOBALS, **TOOLS})
    return function


def _later(node: ast.expr, *names: str) -> ast.expr:
    return ast.Lambda(ast.arguments([], [ast.arg(name) for name in names], None, [], [], None, []), node)


def _call(name: str, *arguments: ast.expr) -> ast.expr:
    return ast.Call(ast.Name(name, ast.Load()), list(arguments), [])


def _condition(node: ast.expr) -> ast.expr:
    match node:
        case ast.BoolOp(op=op, values=values):
            return _call("_and" if isinstance(op, ast.And) else "_or", *(_later(_condition(one)) for one in values))
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            return ast.UnaryOp(ast.Not(), _condition(operand))
        case ast.IfExp(test=test, body=body, orelse=orelse):
            return ast.IfExp(_condition(test), _condition(body), _condition(orelse))
        case ast.Call(func=ast.Name(id="bool"), args=[argument]):
            return _call("bool", _condition(argument))
        case _:
            return _value(node)


def _is_bool(node: ast.expr) -> bool:
    """Whether it is a bool that is never None: an `and` or `or` of such is a condition wherever it stands."""
    match node:
        case ast.BoolOp(values=values):
            return all(map(_is_bool, values))
        case ast.IfExp(body=body, orelse=orelse):
            return _is_bool(body) and _is_bool(orelse)
        case ast.Call(func=ast.Name(id=name)) | ast.Call(func=ast.Attribute(attr=name)):
            return name in ("bool", "any", "all", "startswith", "endswith")
        case ast.Attribute(attr=name):
            return name in BOOLS
        case _:
            return isinstance(node, ast.Compare) or isinstance(getattr(node, "value", None), bool) or _negation(node)


def _negation(node: ast.expr) -> bool:
    return isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not)


def _value(node: ast.expr) -> ast.expr:
    match node:
        case ast.BoolOp() if _is_bool(node):
            return _condition(node)
        case ast.BoolOp(op=op, values=values):
            return ast.BoolOp(op, [_value(one) for one in values])
        case ast.IfExp(test=test, body=body, orelse=orelse):
            return ast.IfExp(_condition(test), _value(body), _value(orelse))
        case ast.UnaryOp(op=ast.Not()):
            return _condition(node)
        case ast.Compare(left=left, ops=ops, comparators=comparators):
            pairs = itertools.pairwise([left, *comparators])
            compared = [_pair(op, one, other) for op, (one, other) in zip(ops, pairs)]
            return compared[0] if len(compared) == 1 else _call("_and", *map(_later, compared))
        case ast.Call(func=ast.Name(id="any" | "all" | "min" | "max" as name), args=[ast.GeneratorExp() as generator]):
            return _over(name, generator, node)
        case _:
            return _Values().generic_visit(node)  # type: ignore[return-value]


def _pair(op: ast.cmpop, one: ast.expr, other: ast.expr) -> ast.expr:
    if isinstance(op, ast.In | ast.NotIn) and isinstance(other, ast.Tuple):
        among = _call("_in", _later(_value(one)), *(_later(_value(option)) for option in other.elts))
        return among if isinstance(op, ast.In) else ast.UnaryOp(ast.Not(), among)
    return ast.Compare(_value(one), [op], [_value(other)])


def _over(name: str, generator: ast.GeneratorExp, node: ast.Call) -> ast.expr:
    (clause,) = generator.generators
    assert isinstance(clause.target, ast.Name)
    if name in ("any", "all"):
        counts = _condition(clause.ifs[0]) if clause.ifs else ast.Constant(True)
        item = clause.target.id
        return _call(f"_{name}", _value(clause.iter), _later(counts, item), _later(_condition(generator.elt), item))
    values = _Values().generic_visit(generator)
    if not node.keywords:
        return _call(name, values)  # type: ignore[arg-type]
    return _call("_extreme", ast.Name(name, ast.Load()), values, _later(_value(node.keywords[0].value)))  # type: ignore[arg-type]


class _Values(ast.NodeTransformer):
    """Goes below a form that CPython carries out as it is."""

    def visit(self, node: ast.AST) -> ast.AST:
        if isinstance(node, ast.comprehension):
            ifs = [_condition(one) for one in node.ifs]
            return ast.comprehension(node.target, _value(node.iter), ifs, node.is_async)
        return _value(node) if isinstance(node, ast.expr) else super().visit(node)
