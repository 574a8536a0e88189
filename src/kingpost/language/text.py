"""Conditions that come as text (`?where=`, saved filters, the command line), and what two of them have in common.

Two texts that differ only in values have one shape, for which a plan is made once: `lift` takes the values out.
"""

from __future__ import annotations

import ast
import copy
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from msgspec.structs import replace

from kingpost.language.kinds import LARGEST, SMALLEST
from kingpost.language.lower import LanguageError, Lowered, lower
from kingpost.language.parse_text import parse_text
from kingpost.language.schema import Scalar, Schema, ToMany, ToOne
from kingpost.language.source import Source
from kingpost.language.tree import Expression, Param, Root, Row
from kingpost.language.types import BOOL, INT, TEXT, Kind, Type

_OPERATORS: Final = (ast.Eq, ast.NotEq, ast.Lt, ast.LtE, ast.Gt, ast.GtE)


def lower_text(
    text: str,
    schema: Schema,
    resource: str,
    *,
    names: Mapping[str, Row | Expression] | None = None,
    expects: Type | None = BOOL,
    limit: int = 2_000,
) -> Lowered:
    """Lower one expression written as text about a row of `resource`: bare names are its attributes.

    `names` are others that it may use (`me`); `self` is the row. Raises SourceError and LanguageError.
    """
    root = Root(resource)
    bound = {"self": root, **(names or {})}
    return lower(parse_text(text), schema, bound, prefix="text", expects=expects, proven=False, root=root, limit=limit)


@dataclass(frozen=True, slots=True)
class Lifted:
    """A text without its values. Texts of equal `shape` lower to the same tree; `values` are those of its parameters.

    `source` has `names` in place of the values: give both to `lower`. `written` is the source as it came.
    """

    shape: str
    source: Source
    written: Source
    names: Mapping[str, Param]
    values: Mapping[str, str | int | list[str | int]]


def lift(source: Source, schema: Schema, resource: str) -> Lifted:
    """Take out the str and int constants that a text or int field is compared with, which alone is surely safe.

    All else stays in the shape: slice ends, constructors' arguments, None, choices, floats and mixed numbers, prefixes.
    """
    lifting = _Lifting(schema, resource)
    node = lifting.visit(copy.deepcopy(source.node))
    lifted = replace(source, node=node)
    return Lifted(ast.dump(node), lifted, source, lifting.names, lifting.values)


def lower_lifted(
    lifted: Lifted,
    schema: Schema,
    resource: str,
    *,
    names: Mapping[str, Row | Expression] | None = None,
    expects: Type | None = BOOL,
    limit: int = 2_000,
) -> Lowered:
    """Lower a lifted text. Raises LanguageError, in the words of the text as it was written."""
    root = Root(resource)
    bound: dict[str, Row | Expression] = {"self": root, **(names or {})}
    try:
        with_values = {**bound, **lifted.names}
        return lower(
            lifted.source, schema, with_values, prefix="text", expects=expects, proven=False, root=root, limit=limit
        )
    except LanguageError:
        # Refused either way, but the problems should quote the values.
        lower(lifted.written, schema, bound, prefix="text", expects=expects, proven=False, root=root, limit=limit)
        raise


def _value(node: ast.expr, type: Type | None) -> str | int | None:
    """The value of a constant that is of the type of a field; None: it is none."""
    if not isinstance(node, ast.Constant) or type is None or type.choices:
        return None
    match node.value:
        case str() as text if type.kind is Kind.TEXT:
            return text
        case int() as number if type.kind is Kind.INT and not isinstance(number, bool):
            return number if SMALLEST <= number <= LARGEST else None
        case _:
            return None


class _Lifting(ast.NodeTransformer):
    """Replaces constants by names that no text can hold, as they are no identifiers."""

    def __init__(self, schema: Schema, resource: str) -> None:
        self.schema = schema
        self.resource = resource
        self.items: dict[str, str | None] = {}
        self.names: dict[str, Param] = {}
        self.values: dict[str, str | int | list[str | int]] = {}

    def visit_Compare(self, node: ast.Compare) -> ast.AST:
        match node:
            case ast.Compare(left=left, ops=[op], comparators=[right]) if isinstance(op, _OPERATORS):
                node.left, node.comparators = self.side(left, right), [self.side(right, left)]
            case ast.Compare(left=left, ops=[ast.In() | ast.NotIn()], comparators=[right]):
                node.comparators = [self.listed(right, left)]
            case _:
                pass
        return self.generic_visit(node)

    def side(self, node: ast.expr, other: ast.expr) -> ast.expr:
        """A constant as a name, if the other side is a field of its type; else as it is."""
        value = _value(node, self.field(other))
        return node if value is None else self.named(node, value, TEXT if isinstance(value, str) else INT)

    def listed(self, node: ast.expr, other: ast.expr) -> ast.expr:
        """The same for the constants of a list after `in`, all of them together."""
        if not isinstance(node, ast.Tuple | ast.List | ast.Set) or not node.elts:
            return node
        type = self.field(other)
        values = [value for element in node.elts if (value := _value(element, type)) is not None]
        if len(values) < len(node.elts):
            return node
        return self.named(node, values, Type(Kind.LIST, element=TEXT if isinstance(values[0], str) else INT))

    def named(self, node: ast.expr, value: str | int | list[str | int], type: Type) -> ast.expr:
        number = len(self.values)
        self.values[f"v{number}"] = value
        self.names[f"${number}"] = Param(f"v{number}", type)
        return ast.copy_location(ast.Name(f"${number}", ast.Load()), node)

    def visit_GeneratorExp(self, node: ast.GeneratorExp) -> ast.AST:
        before = dict(self.items)
        for clause in node.generators:
            if isinstance(clause.target, ast.Name):
                self.items[clause.target.id] = self.target(clause.iter, ToMany)
        found = self.generic_visit(node)
        self.items = before
        return found

    def field(self, node: ast.expr) -> Type | None:
        """The type of the field at the end of a path."""
        match node:
            case ast.Name(id=name) if name not in self.items:
                found = self.schema.attribute(self.resource, name)
            case ast.Attribute(value=value, attr=name):
                owner = self.row(value)
                found = None if owner is None else self.schema.attribute(owner, name)
            case _:
                return None
        return found.type if isinstance(found, Scalar) else None

    def row(self, node: ast.expr) -> str | None:
        """The resource of the row that a path leads to."""
        match node:
            case ast.Name(id=name) if name in self.items:
                return self.items[name]
            case ast.Name(id="self"):
                return self.resource
            case _:
                return self.target(node, ToOne)

    def target(self, node: ast.expr, kind: type[ToOne | ToMany]) -> str | None:
        """The resource at the end of a path whose last step is such a relation."""
        match node:
            case ast.Name(id=name):
                found = self.schema.attribute(self.resource, name)
            case ast.Attribute(value=value, attr=name):
                owner = self.row(value)
                found = None if owner is None else self.schema.attribute(owner, name)
            case _:
                return None
        return found.resource if isinstance(found, ToOne | ToMany) and isinstance(found, kind) else None
