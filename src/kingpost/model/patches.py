"""JSON Merge Patch (RFC 7396) inside of values: embedded ones and Json fields.

What comes in is a part of a value, so a form can only check that its names are known. The value is whole when the patch
is put into what the row holds, and then it is checked as if it had been sent whole.
"""

from __future__ import annotations

import dataclasses
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any, Final, Optional, cast, get_args, get_origin

from pydantic import BaseModel, Field, SkipValidation, TypeAdapter, WithJsonSchema, WrapValidator, create_model

from kingpost.language.types import Kind, Type
from kingpost.model.model import FieldModel
from kingpost.model.scalars import CONFIG, PLAIN

_PREFIX: Final = "m_"  # of Pydantic's own names, as in `kingpost.model.inputs`
_json: Final[TypeAdapter[Any]] = TypeAdapter(PLAIN[Kind.JSON])


@dataclass(frozen=True, slots=True)
class MergePatch:
    """Changes to the members of a value, as parsed JSON; None removes a member."""

    value: Mapping[str, Any]


def patched(stored: object, patch: object, type: Type | None = None, python: Any = None) -> Any:
    """The JSON value after a patch. Objects are merged, everything else is replaced; null removes.

    A member of an embedded class that may be None is not removed but becomes None, so that null is never taken for
    its default.
    """
    if not isinstance(patch, Mapping):
        return patch
    members = dict(type.members) if type is not None and type.kind is Kind.EMBEDDED else {}
    hints = _hints(python) if members else {}
    made: dict[str, Any] = dict(cast("Mapping[str, Any]", stored)) if isinstance(stored, Mapping) else {}
    for name, value in cast("Mapping[str, Any]", patch).items():
        member = members.get(name)
        stays = member is not None and member.nullable and name not in getattr(python, "__optional_keys__", ())
        if value is None and not stays:
            made.pop(name, None)
        else:
            made[name] = patched(made.get(name), value, member, _class(hints.get(name)))
    return made


def mergeable(field: FieldModel, whole: Any) -> Any:
    """The annotation of a field in a patch: what `whole` takes, but an object may be a part of the value."""
    if field.type.kind is Kind.EMBEDDED:
        part: Any = Annotated[_part(field.python, field.type), WrapValidator(partial(_object, whole=False))]
    elif field.type.kind is Kind.JSON:
        told = [] if field.python in (Any, object) else [WithJsonSchema({"type": "object"})]
        part = Annotated[(whole, WrapValidator(partial(_object, whole=True)), *told)]
    else:
        return whole
    return Optional[part] if field.type.nullable else part  # noqa: UP045  # the type is a value here


def _object(value: Any, handler: Callable[[Any], Any], *, whole: bool) -> Any:
    if not isinstance(value, dict):
        return value if isinstance(value, BaseModel) or dataclasses.is_dataclass(value) else handler(value)
    if not whole:
        handler(value)
    return MergePatch(_json.validate_python(value))


def _part(python: Any, type: Type) -> Any:
    """A model of a part of an embedded class: it knows the names; that the values fit is seen when they are merged."""
    members: dict[str, Any] = {}
    hints = _hints(python)
    for name, member in type.members:
        hint = hints.get(name, Any)
        inner = _class(hint)
        if member.kind is Kind.EMBEDDED and inner is not None:
            kind: Any = Optional[_part(inner, member)]  # noqa: UP045  # a value here
        else:
            kind = Annotated[Optional[hint], SkipValidation]  # noqa: UP045  # a value here
        members[_PREFIX + name] = (kind, Field(alias=name, default_factory=_nothing))
    made: Any = create_model(f"{python.__name__}Patch", __config__=CONFIG, **members)
    return made


def _hints(python: Any) -> dict[str, Any]:
    fields: Mapping[str, Any] | None = getattr(python, "model_fields", None)
    if fields is not None:
        return {
            name: Annotated[(info.annotation, *info.metadata)] if info.metadata else info.annotation
            for name, info in fields.items()
        }
    return typing.get_type_hints(python, include_extras=dataclasses.is_dataclass(python))


def _class(hint: Any) -> Any:
    """The one class in an annotation, without None and Annotated."""
    if get_origin(hint) is Annotated:
        return _class(get_args(hint)[0])
    parts = [part for part in get_args(hint) if part is not type(None)]
    if parts:
        return _class(parts[0]) if len(parts) == 1 else None
    return hint if isinstance(hint, type) else None


def _nothing() -> None:
    return None
