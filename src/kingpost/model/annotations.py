"""What an annotation means: a scalar of the language, a relation, or nothing that Kingpost knows."""

from __future__ import annotations

import builtins
import dataclasses
import sys
import types
import typing
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from typing import Annotated, Any, Final, ForwardRef, Literal, Optional, Union, get_args, get_origin, is_typeddict
from uuid import UUID

from pydantic import BaseModel

from kingpost.language.types import Kind, Type
from kingpost.model.declare import JsonValue, MarkdownText
from kingpost.model.resource import Resource

SCALARS: Final[dict[Any, Kind]] = {
    str: Kind.TEXT, int: Kind.INT, float: Kind.FLOAT, bool: Kind.BOOL, Decimal: Kind.DECIMAL, UUID: Kind.UUID,
    datetime: Kind.DATETIME, date: Kind.DATE, time: Kind.TIME, timedelta: Kind.DURATION, bytes: Kind.BYTES,
}  # fmt: skip
JSON: Final = Type(Kind.JSON)


class NotUnderstood(Exception):
    """An annotation means nothing here. `unknown` is the name that was not found, if that is why."""

    def __init__(self, message: str, remedy: str = "", unknown: str = "") -> None:
        super().__init__(message)
        self.message, self.remedy, self.unknown = message, remedy, unknown


@dataclass(frozen=True, slots=True)
class Meaning:
    """An annotation understood: `type` of a scalar, `target` of a relation. `python` is it without None."""

    kind: Literal["scalar", "one", "many"]
    nullable: bool
    python: Any
    type: Type = JSON
    target: builtins.type[Resource] | None = None
    markdown: bool = False


@dataclass(frozen=True, slots=True)
class Scope:
    """Where the names of an annotation are looked up: `near` first, then the module, then `far`."""

    module: str
    near: Mapping[str, Any]
    far: Mapping[str, Any]

    def evaluate(self, text: str) -> Any:
        """The value of an annotation that is text. Raises NotUnderstood."""
        module = sys.modules.get(self.module)
        scope = {**self.far, **vars(typing), **(vars(module) if module is not None else {}), **self.near}
        try:
            return eval(text, scope)  # noqa: S307  # the developer's own annotation, as Python itself would
        except NameError as error:
            raise NotUnderstood(
                f"{text!r} names {error.name!r}, which is not known", unknown=error.name or ""
            ) from None
        except Exception as error:
            raise NotUnderstood(f"{text!r} can't be read: {error}", "an annotation that Python can evaluate") from None


def understand(annotation: Any, scope: Scope) -> Meaning:
    """What an annotation means. Raises NotUnderstood."""
    plain, nullable, marks = _bare(annotation, scope)
    if any(isinstance(mark, JsonValue) for mark in marks) or plain is Any:
        return Meaning("scalar", True, Any, JSON.maybe())  # null is JSON too
    if plain is object:
        raise NotUnderstood("object is no type that a store can hold", "Json, for anything that JSON can say")
    markdown = any(isinstance(mark, MarkdownText) for mark in marks)
    foreign = [mark for mark in marks if not isinstance(mark, MarkdownText)]
    if foreign:
        raise NotUnderstood(
            f"{foreign[0]!r} in Annotated means nothing here", "bounds as options: field(max_length=80)"
        )
    if isinstance(plain, type) and issubclass(plain, Resource):
        return Meaning("one", nullable, plain, target=plain)
    if get_origin(plain) is list and get_args(plain):
        element, element_nullable, _ = _bare(get_args(plain)[0], scope)
        if isinstance(element, type) and issubclass(element, Resource):
            if element_nullable:
                raise NotUnderstood("a list of rows has no None in it", f"list[{element.__name__}]")
            return Meaning("many", nullable, list[element], target=element)  # type: ignore[valid-type]
    return Meaning("scalar", nullable, _python(plain, scope), scalar(plain, scope).maybe(nullable), markdown=markdown)


def scalar(plain: Any, scope: Scope, inside: tuple[Any, ...] = ()) -> Type:
    """The type of a stored value. `inside`: embedded classes that the annotation is part of."""
    plain, nullable, _ = _bare(plain, scope)
    return _scalar(plain, scope, inside).maybe(nullable)


def _scalar(plain: Any, scope: Scope, inside: tuple[Any, ...]) -> Type:
    origin: Any = get_origin(plain)
    if plain in SCALARS:
        return Type(SCALARS[plain])
    if plain in (Any, dict, object) or origin is dict:
        return JSON
    if origin is Literal:
        return _literal(get_args(plain))
    if plain is list or origin is list:
        element = scalar(get_args(plain)[0], scope, inside) if get_args(plain) else JSON
        return Type(Kind.LIST, element=element)
    if isinstance(plain, type) and (found := _of_class(plain, scope, inside)) is not None:
        return found
    several = origin in (set, tuple, frozenset) or plain in (set, tuple, frozenset)
    known = "a scalar, an Enum, a Literal, an embedded model, a Resource, a list of these, or Json"
    shown = getattr(plain, "__name__", None) or str(plain)
    raise NotUnderstood(f"{shown} is no type that a store can hold", "list[...]" if several else known)


def _of_class(plain: type[Any], scope: Scope, inside: tuple[Any, ...]) -> Type | None:
    if issubclass(plain, Resource):
        raise NotUnderstood(f"{plain.__name__} is a resource and can't be part of a value", "a relation of its own")
    if issubclass(plain, Enum):
        values = tuple(member.value for member in plain)
        if {type(value) for value in values} not in ({str}, {int}):
            raise NotUnderstood(f"the values of {plain.__name__} are not all text, or all whole numbers")
        return Type(Kind.ENUM, choices=values, name=plain.__name__)
    if issubclass(plain, BaseModel) or dataclasses.is_dataclass(plain) or is_typeddict(plain):
        return _embedded(plain, scope, inside)
    return None


def _literal(values: tuple[Any, ...]) -> Type:
    nullable = None in values
    choices = tuple(value for value in values if value is not None)
    kinds: set[type] = {type(value) for value in choices}
    if kinds == {str}:
        return Type(Kind.TEXT, nullable=nullable, choices=choices)
    if kinds == {int}:
        return Type(Kind.INT, nullable=nullable, choices=choices)
    raise NotUnderstood("the values of a Literal are all text, or all whole numbers", 'Literal["draft", "live"]')


def _embedded(plain: type[Any], scope: Scope, inside: tuple[Any, ...]) -> Type:
    if plain in inside:
        return JSON  # it holds itself: what is below is not looked into
    if issubclass(plain, BaseModel):
        hints: dict[str, Any] = {name: info.annotation for name, info in plain.model_fields.items()}
    else:
        hints = typing.get_type_hints(plain, localns={**scope.far, **scope.near})
    members: list[tuple[str, Type]] = []
    for name, hint in hints.items():
        try:
            member = scalar(hint, scope, (*inside, plain))
        except NotUnderstood as error:
            if isinstance(hint, type) and issubclass(hint, Resource):
                raise
            if error.unknown:
                raise
            member = JSON
        optional = is_typeddict(plain) and name in getattr(plain, "__optional_keys__", ())
        members.append((name, member.maybe(member.nullable or optional)))
    return Type(Kind.EMBEDDED, name=plain.__name__, members=tuple(members))


def _bare(annotation: Any, scope: Scope) -> tuple[Any, bool, tuple[Any, ...]]:
    """The annotation evaluated, without None and Annotated: what is left, whether None was there, the marks."""
    nullable, marks = False, tuple[Any, ...]()
    while True:
        if isinstance(annotation, ForwardRef):
            annotation = annotation.__forward_arg__
        if isinstance(annotation, str):
            annotation = scope.evaluate(annotation)
        elif get_origin(annotation) is Annotated:
            annotation, *more = get_args(annotation)
            marks = (*marks, *more)
        elif get_origin(annotation) in (Union, types.UnionType):
            parts = [part for part in get_args(annotation) if part not in (None, type(None))]
            if len(parts) != 1 or len(parts) == len(get_args(annotation)):
                raise NotUnderstood(f"{annotation} is several types at once", "one type, or None besides it")
            nullable, annotation = True, parts[0]
        elif hasattr(annotation, "__supertype__"):  # NewType
            annotation = annotation.__supertype__
        elif type(annotation).__name__ == "TypeAliasType":
            annotation = annotation.__value__
        elif get_origin(annotation) in (typing.Required, typing.NotRequired):
            annotation = get_args(annotation)[0]
        else:
            return annotation, nullable, marks


def _python(plain: Any, scope: Scope) -> Any:
    """The annotation with the text inside it evaluated, as Pydantic wants it."""
    if get_origin(plain) is list and get_args(plain):
        element, nullable, _ = _bare(get_args(plain)[0], scope)
        inner = _python(element, scope)
        return list[Optional[inner]] if nullable else list[inner]  # type: ignore[valid-type]  # noqa: UP045  # values
    return plain
