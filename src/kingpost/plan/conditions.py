"""Conditions of an intent as expressions, and the parameters they bring."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from kingpost.base.errors import Detail, Invalid
from kingpost.language.lower import Capture, LanguageError, lower
from kingpost.language.schema import Schema
from kingpost.language.source import Source
from kingpost.language.text import Lifted, lower_lifted
from kingpost.language.tree import (
    Call,
    Compare,
    Comparison,
    Expression,
    In,
    IsNone,
    Keyed,
    Not,
    Param,
    Root,
    Row,
    any_of,
)
from kingpost.language.types import BOOL, TEXT, Kind, Type, reference
from kingpost.model.columns import key_columns
from kingpost.plan.cost import sought
from kingpost.plan.equal import Equals
from kingpost.plan.intent import Condition, Expressed, SortKey
from kingpost.plan.orders import by_columns
from kingpost.plan.select import Order
from kingpost.plan.standing import Standing
from kingpost.plan.supplied import SuppliedSchema, along, readable, restrict
from kingpost.plan.values import bound_key, parse, parse_key

_ORDER: dict[str, Comparison] = {"lt": "<", "le": "<=", "gt": ">", "ge": ">="}
_TEXT = ("contains", "startswith", "endswith")
_WHOLE = ("eq", "ne", "in", "none")
"""What is asked of a row as well as of its key."""
_UNSORTED = {Kind.JSON, Kind.EMBEDDED, Kind.LIST}
_UNORDERED = {Kind.BOOL, Kind.REFERENCE, Kind.ENUM, *_UNSORTED}

ReadValue = Callable[[Any], Any]


class Conditions:
    """Turns the conditions of one intent into one expression each; what values they take is kept beside.

    `readers`: how the value given becomes that of the parameter of this name. `captured`: for the lambda of this name,
    the captured variables that become parameters.
    """

    def __init__(self, standing: Standing, schema: Schema) -> None:
        self.standing = standing
        self.schema = schema
        self.captured: dict[str, tuple[Capture, ...]] = {}
        self.readers: dict[str, ReadValue] = {}

    def one(self, resource: str, condition: Condition | Expressed, name: str) -> Expression:
        """A condition as an expression; what its parameters take is kept in `readers` and `captured`."""
        if isinstance(condition, Expressed):
            if condition.lifted is not None:
                return self._lifted(resource, condition.lifted, name)
            return (self._text if condition.text else self._code)(resource, condition.source, name, BOOL)
        pointer = condition.where or f"?{'.'.join(condition.path)}"

        def finish(value: Expression) -> Expression:
            return self._comparison(value, resource, condition, name, pointer)

        whole = condition.operator in _WHOLE
        made = along(self.standing, Root(resource), condition.path, finish, pointer, as_row=whole)
        return self.standing.cost.spend(made, pointer) if condition.raw else made

    def orders(self, resource: str, sort: tuple[SortKey, ...], prefix: str) -> tuple[Order, ...]:
        """Sort keys as expressions, each of one column."""
        found: list[Order] = []
        for index, key in enumerate(sort):
            if key.source is not None:
                value = self.spoken(resource, key.source, f"{prefix}{index}")
            else:
                value = along(self.standing, Root(resource), key.path, lambda value: value, "?sort")
                self.standing.cost.spend(value, "?sort")
            if value.type.kind in _UNSORTED:
                self._refuse("?sort", f"{'.'.join(key.path) or 'this value'} has no order to sort by")
            found.extend(by_columns(self.standing.model, value, key.descending))
        return tuple(found)

    def spoken(self, resource: str, source: Source, name: str) -> Expression:
        """What a lambda of the application's own code says about a row."""
        return self._code(resource, source, name, None)

    def _comparison(
        self, value: Expression, resource: str, condition: Condition, name: str, pointer: str
    ) -> Expression:
        operator, type = condition.operator, value.type
        bound = type.maybe(False)
        if operator == "none":
            none = IsNone(value)
            wanted = condition.value if not condition.raw else parse(condition.value, BOOL, pointer)
            return none if wanted else Not(none)
        if operator in ("eq", "ne") and not condition.raw and condition.value is None:
            return IsNone(value) if operator == "eq" else Not(IsNone(value))
        if type.kind in _UNSORTED:
            self._refuse(pointer, f"{'.'.join(condition.path)} is not one value: name a member of it, or use where=")
        read = self._reader(value, resource, condition, pointer)
        self.readers[name] = read
        param = Param(name, bound)
        match operator:
            case "eq":
                return Compare("==", value, param)
            case "ne":
                return Not(Compare("==", value, param))
            case "in":
                self.readers[name] = lambda given: [read(one) for one in _listed(given)]
                return In(value, Param(name, Type(Kind.LIST, element=bound)))
            case "contains" | "startswith" | "endswith":
                if type.kind is not Kind.TEXT:
                    self._refuse(pointer, f"{'.'.join(condition.path)} is not text: {operator} does not apply")
                if operator == "contains":
                    self.readers[name] = lambda given: sought(read(given), pointer)
                return Call(operator, (value, param), BOOL)
            case _:
                if type.kind in _UNORDERED:
                    self._refuse(pointer, f"{'.'.join(condition.path)} has no order: use eq, ne or in")
                return Compare(_ORDER[operator], value, param)

    def _reader(self, value: Expression, resource: str, condition: Condition, pointer: str) -> ReadValue:
        types: tuple[Type, ...] = ()
        if value.type.kind is Kind.REFERENCE:
            target = self.standing.model[value.type.name]
            types = tuple(column.type for column in key_columns(self.standing.model, target))
        if not condition.raw:
            equals = Equals(self.schema, resource, ".".join(condition.path), value.type, types)
            return equals.row if types else equals.value
        if types:

            def read_key(given: str) -> Any:
                parts = tuple(given.split(",")) if len(types) > 1 else (given,)
                return bound_key(parse_key(parts, types, pointer))

            return read_key
        operand = TEXT if condition.operator in _TEXT else value.type
        return lambda given: parse(given, operand, pointer)

    def _lifted(self, resource: str, lifted: Lifted, prefix: str) -> Expression:
        """A text without its constants, which become parameters of this condition."""
        taken = {name: Param(f"{prefix}.{param.name}", param.type) for name, param in lifted.names.items()}
        schema = SuppliedSchema(self.schema, self.standing)
        try:
            lowered = lower_lifted(replace(lifted, names=taken), schema, resource, names=self._actor())
        except LanguageError as error:
            raise _not_understood(error) from None
        return restrict(lowered.expression, self.standing)

    def _text(self, resource: str, source: Source, prefix: str, expects: Type | None) -> Expression:
        """Text, with the rights of the actor."""
        root = Root(resource)
        names: dict[str, Row | Expression] = {"self": root, **self._actor()}
        schema = SuppliedSchema(self.schema, self.standing)
        try:
            lowered = lower(source, schema, names, prefix=prefix, expects=expects, proven=False, root=root)
        except LanguageError as error:
            raise _not_understood(error) from None
        return restrict(lowered.expression, self.standing)

    def _code(self, resource: str, source: Source, prefix: str, expects: Type | None) -> Expression:
        """A lambda of the application's own code, with the rights of the declaration."""
        names: dict[str, Row | Expression] = {source.parameters[0]: Root(resource)}
        lowered = lower(source, self.schema, names, prefix=prefix, expects=expects, proven=False)
        if lowered.captures:
            self.captured[prefix] = lowered.captures
        return self.standing.rights.closed(lowered.expression)

    def _actor(self) -> dict[str, Row | Expression]:
        actor = self.standing.model.actor
        return {} if actor is None else {"me": Keyed(actor, Param("me", reference(actor, nullable=True)))}

    def search(self, resource: str, name: str) -> Expression:
        """Any of the fields declared `search=True` holds the text, whatever its case."""
        found = self.standing.model[resource]
        paths = [(field.name,) for field in found.fields.values() if field.search]
        names = set(readable(self.standing, resource))
        wanted = Call("lower", (Param(name, TEXT),), TEXT)
        parts = [
            along(
                self.standing,
                Root(resource),
                path,
                lambda value: Call("contains", (Call("lower", (value,), value.type), wanted), BOOL),
                "?q",
            )
            for path in paths
            if path[0] in names
        ]
        if not parts:
            message = f"q looks for a text, and nothing of {resource} that you may read is declared search=True"
            raise Invalid("KP110", message, [Detail("?q", "KP110", message)])
        return any_of(*parts)

    @staticmethod
    def _refuse(pointer: str, message: str) -> None:
        raise Invalid("KP114", message, [Detail(pointer, "KP114", message)])


def _not_understood(error: LanguageError) -> Invalid:
    details = [Detail("?where", problem.code, problem.message) for problem in error.problems]
    return Invalid("KP113", str(error), details)


def _listed(given: Any) -> list[Any]:
    return given.split(",") if isinstance(given, str) else list(given)
