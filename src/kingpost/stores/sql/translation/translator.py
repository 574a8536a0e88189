"""What the families of translation share: where rows are, what is bound, and the three ways to say a condition."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import count
from typing import Any

import sqlalchemy as sa

from kingpost.base.errors import Unsupported
from kingpost.language.tree import Const, Expression, Param, Row, Summary, walk
from kingpost.language.types import Kind, Type
from kingpost.model.columns import Column, columns, key_columns
from kingpost.model.model import Model, ResourceModel
from kingpost.stores.contract import Convert
from kingpost.stores.sql.dialect import Dialect
from kingpost.stores.sql.phrases import Condition, Term, once
from kingpost.stores.sql.statement import Bind, Binds
from kingpost.stores.sql.translation import conditions, rows, values
from kingpost.stores.sql.translation.rows import Place, Scope
from kingpost.stores.sql.value import Value

STEPS = 20_000
"""How many parts of SQL one statement may be made of."""


@dataclass(slots=True)
class Shared:
    """What is common to a whole statement.

    `grouped`: its rows are groups. `literal`: it is DDL, which takes no parameters.
    """

    model: Model
    dialect: Dialect
    outer: Scope
    grouped: bool = False
    literal: bool = False
    binds: Binds = field(default_factory=Binds)
    numbers: count[int] = field(default_factory=lambda: count(1))
    steps: int = 0

    def alias(self, name: str) -> str:
        """A name that nothing else in the statement has."""
        return f"{name[:40]}_{next(self.numbers)}"

    def key_columns(self, resource: str) -> tuple[Column, ...]:
        """The key columns of a resource."""
        return key_columns(self.model, self.model[resource])

    def column_names(self, resource: ResourceModel) -> list[str]:
        """The names of all columns of a resource."""
        return [column.name for column in columns(self.model, resource)]


class Translator:
    """Translates expressions about one `Root`. A guard is about a root of its own and gets a translator of its own.

    A condition is said in one of three ways. `true` and `false` are the two rails, "surely true" and "surely false",
    in which NULL counts as false; no NOT and no COALESCE stands above a comparison, so they use indexes. `kleene` is
    one SQL expression that is NULL where the condition is unknown: for where a condition is used as a value.
    """

    def __init__(self, shared: Shared, root: Place) -> None:
        self.shared = shared
        self.root = root
        self.items: dict[int, Place] = {}
        self.kept: dict[Expression, Value] = {}
        self.model = shared.model
        self.dialect = shared.dialect

    def about(self, root: Place) -> Translator:
        """A translator for expressions about another root in the same statement."""
        return Translator(self.shared, root)

    # ------------------------------------------------------------------------------------------------------ expressions

    def true(self, expression: Expression) -> Condition:
        """Surely true."""
        self._step()
        return conditions.rail(self, expression, True)

    def false(self, expression: Expression) -> Condition:
        """Surely false."""
        self._step()
        return conditions.rail(self, expression, False)

    def rail(self, expression: Expression, wanted: bool) -> Condition:
        """Surely true, or surely false."""
        return self.true(expression) if wanted else self.false(expression)

    def kleene(self, expression: Expression) -> Condition:
        """True, false, or NULL where it is unknown."""
        self._step()
        return conditions.kleene(self, expression)

    def value(self, expression: Expression, wanted: Type | None = None) -> Value:
        """A value; numbers in the form of the type `wanted`."""
        self._step()
        if wanted is None and expression in self.kept:
            return self.kept[expression]
        if wanted is not None and wanted.kind is Kind.DECIMAL and isinstance(expression, Const | Param):
            bound = values.decimal(self, expression, wanted)
            if bound is not None:
                return bound
        found = values.value(self, expression)
        return found if wanted is None else values.convert(self, found, wanted)

    def keep(self, expression: Expression) -> Value:
        """A value that is said in the same words each time: a database has to know what is grouped by again."""
        found = self.kept[expression] = self.value(expression)
        return found

    def once(self, operands: tuple[Expression, ...], terms: tuple[Term, ...], build: Callable[..., Term]) -> Term:
        """`build(*terms)`, with terms that are more than a column computed once."""
        # A summary belongs to the statement that groups, and would belong to a sub-select here.
        summary = any(isinstance(node, Summary) for operand in operands for node in walk(operand))
        if summary or not self.dialect.correlates_sources:
            return build(*terms)
        return once(terms, build)

    # ------------------------------------------------------------------------------------------------------------- rows

    def place(self, row: Row) -> Place:
        """Where a row is, joined to its scope if it is not yet."""
        self._step()
        return rows.place(self, row)

    # ------------------------------------------------------------------------------------------------------- parameters

    def const(self, value: object, type: Type) -> Term:
        """A constant, bound: the text tells nothing of it."""
        if type.kind is Kind.DECIMAL and type.places is None and isinstance(value, Decimal | int):
            type = Type(Kind.DECIMAL, places=places_of(value))
        convert = self.dialect.forms.to_driver(type)
        bound = value if convert is None else convert(value)
        if self.shared.literal:
            return sa.literal(bound, self.dialect.forms.plain(type))
        key = ("const", bound.__class__, bound, type.kind)
        return self.shared.binds.add(key, lambda params: bound, self.dialect.forms.plain(type), lambda params: value)

    def param(
        self,
        param: Param,
        type: Type,
        make: Callable[[Any], Any],
        *key: object,
        python: Callable[[Any], Any] | None = None,
    ) -> Term:
        """A parameter in the form of `type`, made from the value by `make`. `key` tells apart what is made of one.

        `python` gives the Python value that it stands for, if it is one.
        """
        name = param.name
        if self.shared.literal:
            raise Unsupported("KP304", f"{name} is not known when the schema is made")
        found = self.shared.binds.add((name, *key), lambda params: make(params[name]), self.dialect.forms.plain(type))
        if python is not None:
            found.python = _given(name, python)
        return found

    def param_value(self, param: Param, type: Type) -> Term:
        """A scalar parameter as it is."""
        convert = self.dialect.forms.to_driver(type)
        return self.param(param, type, convert or _same, type.kind, type.places, python=_same)

    def param_key(self, param: Param, resource: str) -> tuple[Term, ...]:
        """The key held by a reference parameter, part by part."""
        parts = self.shared.key_columns(resource)
        if len(parts) == 1:
            return (self.param_value(param, parts[0].type),)
        found: list[Term] = []
        for place, part in enumerate(parts):
            make = _part(place, self.dialect.forms.to_driver(part.type))
            found.append(self.param(param, part.type, make, "part", place, python=_part(place, None)))
        return tuple(found)

    # ----------------------------------------------------------------------------------------------------------- bounds

    def _step(self) -> None:
        self.shared.steps += 1
        if self.shared.steps > STEPS:
            raise too_large(self.root.resource.name)


def _given(name: str, python: Callable[[Any], Any]) -> Bind:
    return lambda params: python(params[name])


def _same(value: Any) -> Any:
    return value


def _part(place: int, convert: Convert | None) -> Convert:
    """Takes one part out of a composite key."""

    def part(key: Any) -> Any:
        return None if key is None else key[place] if convert is None else convert(key[place])

    return part


def places_of(value: Decimal | int) -> int:
    """How many decimal places a number has."""
    return max(-Decimal(value).as_tuple().exponent, 0)  # type: ignore[operator]  # constants are finite


def too_large(resource: str) -> Unsupported:
    """The refusal of an expression that would make too much SQL."""
    return Unsupported("KP305", f"a condition or column about {resource} is too large for one statement: split it up")
