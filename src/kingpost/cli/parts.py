"""The boolean parts of a rule, each with its place in the source and a tree of its own."""

from __future__ import annotations

import ast
import copy
from collections.abc import Iterator
from dataclasses import dataclass

from msgspec.structs import replace

from kingpost.language.lower import Capture, LanguageError, lower
from kingpost.language.schema import Schema
from kingpost.language.source import Place
from kingpost.language.tree import Expression, Keyed, Param, Root, Row
from kingpost.language.types import BOOL, reference
from kingpost.model.model import RuleModel


@dataclass(frozen=True, slots=True)
class Part:
    """One condition inside a rule."""

    place: Place
    expression: Expression
    captures: tuple[Capture, ...]


def parts(rule: RuleModel, resource: str, schema: Schema, actor: str | None) -> list[Part]:
    """The conditions that a rule is made of, in the order of the source; those that mean nothing alone are left out."""
    source = rule.source
    if source is None or not isinstance(source.node, ast.FunctionDef | ast.AsyncFunctionDef):
        return []
    names: dict[str, Row | Expression] = {source.parameters[0]: Root(resource)}
    if len(source.parameters) > 1 and actor is not None:
        names[source.parameters[1]] = Keyed(actor, Param("me", reference(actor, nullable=True)))
    assigned = _assigned(source.node)
    found: list[Part] = []
    for index, node in enumerate(_conditions(source.node)):
        whole = _inlined(node, assigned)
        alone = replace(source, node=ast.Expression(whole))
        try:
            # Alone, a part is not guarded by those before it: a step through None is unknown, as it should be shown.
            lowered = lower(alone, schema, names, prefix=f"part{index}", expects=BOOL, proven=False)
        except LanguageError:
            continue
        found.append(Part(source.place(node), lowered.expression, lowered.captures))
    return found


def _conditions(node: ast.AST) -> Iterator[ast.expr]:
    """Conditions as small as they come, and whole ones where they are made of several.

    Generators have rows of their own, so that any(...) is one part.
    """
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Return | ast.If | ast.Assign | ast.AnnAssign):
            whole = child.test if isinstance(child, ast.If) else child.value
            if whole is not None and not isinstance(whole, ast.Constant):
                yield from _atoms(whole)
                if isinstance(whole, ast.BoolOp | ast.IfExp | ast.UnaryOp):
                    yield whole
        if isinstance(child, ast.stmt):
            yield from _conditions(child)


def _atoms(node: ast.expr) -> Iterator[ast.expr]:
    match node:
        case ast.BoolOp(values=values):
            for value in values:
                yield from _atoms(value)
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            yield from _atoms(operand)
        case ast.IfExp(test=test, body=body, orelse=orelse):
            for part in (body, test, orelse):
                yield from _atoms(part)
        case ast.Constant():
            return
        case _:
            yield node


def _assigned(node: ast.AST) -> dict[str, ast.expr]:
    """What each name was given. Only names given something once: of others it depends on the way taken."""
    found: dict[str, list[ast.expr]] = {}
    for one in ast.walk(node):
        match one:
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                found.setdefault(name, []).append(value)
            case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value):
                found.setdefault(name, []).append(value)
            case _:
                pass
    return {name: values[0] for name, values in found.items() if len(values) == 1}


def _inlined(node: ast.expr, assigned: dict[str, ast.expr]) -> ast.expr:
    """The expression with what was assigned in place of names."""

    class Put(ast.NodeTransformer):
        def visit_Name(self, node: ast.Name) -> ast.expr:
            value = assigned.get(node.id)
            return node if value is None else _inlined(value, {k: v for k, v in assigned.items() if k != node.id})

    inlined: ast.expr = Put().visit(copy.deepcopy(node))
    return inlined
