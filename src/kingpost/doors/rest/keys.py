"""Keys in paths: `42`, `018f…`, and for keys with several members `4711,2`.

The members of a composite key are separated by commas, each percent-encoded for itself, so that a comma inside a member
is `%2C`. Where a client has encoded the separating commas too, the key is still read if its parts can be counted.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from enum import Enum
from typing import Any
from urllib.parse import quote, unquote_to_bytes

import msgspec

from kingpost.base.errors import Invalid
from kingpost.language.types import Kind, Type
from kingpost.model.columns import Column, key_columns
from kingpost.model.model import Model, ResourceModel
from kingpost.plan.values import checked_text, parse


class KeyForm:
    """How the key of one resource is written."""

    def __init__(self, model: Model, resource: ResourceModel) -> None:
        self._model = model
        self._resource = resource
        self.columns: tuple[Column, ...] = key_columns(model, resource)
        self._types: tuple[Type, ...] = tuple(column.type.maybe(False) for column in self.columns)

    def read(self, text: str) -> tuple[Any, ...] | None:
        """The key in one segment of a path, still percent-encoded; None if it is no key of this resource."""
        parts = text.split(",") if len(self._types) > 1 else [text]
        if len(parts) == 1 and len(self._types) > 1:
            parts = _decoded(text).split(",")
        if len(parts) != len(self._types):
            return None
        try:
            return tuple([_member(_decoded(part), type) for part, type in zip(parts, self._types)])
        except (Invalid, ValueError):
            return None

    def write(self, key: Sequence[Any]) -> str:
        """The same key for a path."""
        return ",".join(quote(key_text(value), safe="") for value in key)

    def reference(self, key: Sequence[Any]) -> dict[str, Any]:
        """The same key as JSON shows it: `{"id": …}`."""
        return _reference(self._model, self._resource, iter(key))


def _reference(model: Model, resource: ResourceModel, values: Iterator[Any]) -> dict[str, Any]:
    return {
        member: next(values)
        if member in resource.fields
        else _reference(model, model[resource.relations[member].target], values)
        for member in resource.key
    }


def _decoded(text: str) -> str:
    return unquote_to_bytes(text).decode() if "%" in text else text


def _member(text: str, type: Type) -> Any:
    if not text:
        raise ValueError(text)
    return checked_text(text) if type.kind is Kind.TEXT and not type.choices else parse(text, type, "key")


def key_text(value: Any) -> str:
    """A member of a key as text, in the form that JSON gives it."""
    match value:
        case str() if not isinstance(value, Enum):
            return value
        case Enum():
            return str(value.value)
        case bool():
            return "true" if value else "false"
        case datetime():
            return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
        case bytes():
            return b64encode(value).decode()
        case _:
            plain = msgspec.to_builtins(value)
            return plain if isinstance(plain, str) else str(plain)
