"""Rows where nothing says that they are rows: in what FastAPI, Pydantic and `dataclasses` take apart by themselves.

FastAPI takes a class with `__dataclass_fields__` for a body, not a query parameter. Of an instance these are what is
shown of it, so that an endpoint without a return annotation answers rows as one with it does, not empty objects.
"""

from __future__ import annotations

import dataclasses
from functools import lru_cache
from typing import Any

from pydantic_core import SchemaSerializer
from pydantic_core import core_schema as schemas

from kingpost.model.declaration import class_of, declaration
from kingpost.model.state import is_reference


class ShownFields:
    """`__dataclass_fields__`: none of a class; of an instance the members that may be shown here and now."""

    def __get__(self, instance: Any, owner: type) -> dict[str, Any]:
        if instance is None:
            return {}
        return _fields(declaration(class_of(instance)).key if is_reference(instance) else tuple(_serialize(instance)))


@lru_cache(maxsize=1024)
def _fields(names: tuple[str, ...]) -> dict[str, Any]:
    shape: Any = dataclasses.make_dataclass("Shown", names)
    return dict(shape.__dataclass_fields__)


def _serialize(value: Any) -> Any:
    from kingpost.model.instances import serialize  # it needs `Resource`, which needs this module

    return serialize(value)


ANY_ROW = SchemaSerializer(schemas.any_schema(serialization=schemas.plain_serializer_function_ser_schema(_serialize)))
"""How Pydantic writes a row where it knows no more than that it is some object: `dict[str, Any]`."""
