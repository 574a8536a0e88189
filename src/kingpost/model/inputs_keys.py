"""How rows are named in what comes in: by a bare key, an object or an instance, each made one tuple."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from typing import Any, TypeAlias, cast

from pydantic import BaseModel
from pydantic_core import PydanticCustomError

from kingpost.model.columns import key_columns, relation_columns
from kingpost.model.faults import BRANCH
from kingpost.model.model import Model, ResourceModel
from kingpost.model.resource import Resource
from kingpost.model.state import key_of

Key: TypeAlias = tuple[Any, ...]


def branch(value: Any) -> str:
    """Which form of a reference it is: an object, or the bare key."""
    return BRANCH + ("object" if isinstance(value, (dict, BaseModel)) else "key")


def as_tuple(value: Any) -> Key:
    """The value of a key as it is compared with what stores answer."""
    if isinstance(value, tuple):
        return value  # pyright: ignore[reportUnknownVariableType]
    return (value.value if isinstance(value, Enum) else value,)  # keys are compared with what stores answer


def key_of_row(
    cls: type | None,
    by_column: Callable[[dict[str, Any]], dict[str, Any]] | None,
    value: Any,
    handler: Callable[[Any], Any],
) -> Any:
    """The key of an instance; anything else as it is read by `handler`."""
    if not isinstance(value, Resource):
        known = value if by_column is None or not isinstance(value, dict) else by_column(cast("dict[str, Any]", value))
        return handler(known)
    if type(value) is not cls:
        raise PydanticCustomError("kingpost.type", "must be another resource")
    return key_of(value)


def by_member(model: Model, of: ResourceModel, value: dict[str, Any]) -> dict[str, Any]:
    """A key as answers write it, column by column, also where a member of the key is a relation."""
    if value.keys() == set(of.key) or value.keys() != {column.label for column in key_columns(model, of)}:
        return value
    found: dict[str, Any] = {}
    for name in of.key:
        relation = of.relations.get(name)
        if relation is None:
            found[name] = value[name]
            continue
        target = model[relation.target]
        parts = [value[column.label] for column in relation_columns(model, relation)]
        names = [column.label for column in key_columns(model, target)]
        found[name] = parts[0] if len(parts) == 1 else by_member(model, target, dict(zip(names, parts, strict=True)))
    return found


def distinct(keys: list[Key]) -> list[Key]:
    """The same, where no row is in it twice."""
    if len(set(keys)) != len(keys):
        raise PydanticCustomError("kingpost.duplicate", "must not name a row twice")
    return keys
