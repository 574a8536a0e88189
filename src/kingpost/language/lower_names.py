"""Lowering of names and attributes: rows, fields, relations, embedded members, and objects from around."""

from __future__ import annotations

import ast
from abc import abstractmethod
from enum import Enum, EnumType
from typing import cast

from kingpost.language.capture import Capture, CaptureError, bind, enum_type, reader
from kingpost.language.lower_values import Values
from kingpost.language.schema import Derived, Scalar, ToMany, ToOne
from kingpost.language.scope import Captured, Operand, Rows, is_row, row_of, say
from kingpost.language.tree import Const, Expression, Field, Member, Param, Row, Step
from kingpost.language.types import NONE, Kind


class Names(Values):
    """Names and attributes."""

    @abstractmethod
    def inline(self, row: Row, name: str, derived: Derived) -> Expression:
        """A computed field in place of its name."""

    @abstractmethod
    def part_of(self, value: Expression, node: ast.Attribute) -> Expression | None:
        """An attribute of a value that is a part of it."""

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
            raise self.refused(
                "KL201", node, message, "quotes, if it is text" if self.root is not None else ""
            ) from None

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
        part = self.part_of(value, node)
        if part is not None:
            return part
        known = ": a computed row can't be gone on from" if value.type.kind is Kind.REFERENCE else ""
        remedy = "a comparison with datetime(…), date(…)" if value.type.kind in (Kind.DATETIME, Kind.DATE) else ""
        message = f"{say(node.value)} is {value.type}, of which .{node.attr} is not understood{known}"
        raise self.refused("KL202", node, message, remedy or "the value itself")

    def embedded(self, value: Expression, node: ast.Attribute) -> Expression:
        members = dict(value.type.members)
        if node.attr not in members:
            near = self.near(node.attr, members)
            message = f"{value.type.name} has no member {node.attr!r}{self.suggest(node.attr, members)}"
            raise self.refused("KL202", node, message, f"{say(node.value)}.{near}" if near else "")
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
            near = self.near(name, names)
            remedy = (f"{say(owner)}.{near}" if node is not owner else near) if near else ""
            raise self.refused("KL202", node, f"{row.resource} has no {name!r}{self.suggest(name, names)}", remedy)
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
