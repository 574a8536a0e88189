"""Where the values of a resource are in its documents.

A document has a member for every column. The key is `_id`: the value itself, or, where it has several columns, a
document of them, and they are nowhere else. In a collection that others made (`adopted`) each column is where it is
named.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, cast

from kingpost.model.columns import Column, columns, key_columns, member_columns, relation_columns
from kingpost.model.model import Model, RelationModel, ResourceModel
from kingpost.stores.contract import Convert
from kingpost.stores.mongo.forms import from_bson, to_bson


@dataclass(frozen=True)
class Layout:
    """One resource. `paths`: by column, where it is in a document."""

    model: Model
    resource: ResourceModel
    columns: Mapping[str, Column]
    key: tuple[Column, ...]
    paths: Mapping[str, str]

    @property
    def collection(self) -> str:
        """The name of the collection."""
        return self.resource.table

    @property
    def nested(self) -> bool:
        """Whether `_id` is a document of several columns."""
        return self.paths[self.key[0].name].startswith("_id.")

    @cached_property
    def into(self) -> Mapping[str, Convert]:
        """By column, how a value is kept."""
        return {name: to_bson(column.type) for name, column in self.columns.items()}

    @cached_property
    def out(self) -> Mapping[str, Convert]:
        """By column, how a value is taken out."""
        return {name: from_bson(column.type) for name, column in self.columns.items()}

    @cached_property
    def version(self) -> str | None:
        """The column of the row version, where it is one."""
        name = self.resource.counted
        return None if name is None else self.resource.fields[name].column

    @cached_property
    def hashed(self) -> str | None:
        """The name of the row version that is no column."""
        name = self.resource.version
        return None if name is None or self.resource.counted else name

    def of_member(self, member: str) -> tuple[Column, ...]:
        """The columns of a field or to-one relation."""
        return member_columns(self.model, self.resource, member)

    def members(self, found: Sequence[str]) -> tuple[str, ...]:
        """The fields and relations whose columns are at these paths, in order."""
        if list(found) == ["_id"] or all(one.startswith("_id.") for one in found):
            return self.resource.key
        owners = {
            self.paths[column.name]: name
            for name in (*self.resource.fields, *self.resource.relations)
            if name in self.resource.fields or not self.resource.relations[name].borrowed
            for column in self.of_member(name)
            if column.name in self.paths
        }
        return tuple(dict.fromkeys(owners[path] for path in found if path in owners))

    def known(self, key: Sequence[object]) -> dict[str, Any]:
        """The query for one document, by the values of its key."""
        kept = [self.into[column.name](value) for column, value in zip(self.key, key, strict=True)]
        if self.nested:
            return {"_id": {column.name: value for column, value in zip(self.key, kept)}}
        return {self.paths[column.name]: value for column, value in zip(self.key, kept)}

    def value(self, document: Mapping[str, Any], column: str) -> Any:
        """What a document holds of a column, as it is kept; None where nothing is."""
        found: Any = document
        for name in self.paths[column].split(".") if self.nested else (self.paths[column],):
            found = cast("Mapping[str, Any]", found).get(name) if isinstance(found, Mapping) else None
        return found

    def key_of(self, document: Mapping[str, Any]) -> tuple[Any, ...]:
        """The key as it is kept."""
        return tuple(self.value(document, column.name) for column in self.key)

    def held(self, relation: RelationModel) -> tuple[str, ...]:
        """The paths of the columns that a to-one relation is kept in."""
        return tuple(self.paths[column.name] for column in relation_columns(self.model, relation))

    def shown(self, document: Mapping[str, Any]) -> str:
        """Which document it is, for the operator: never for a caller."""
        return f"{self.resource.name} {document.get('_id')!s}"


def layouts(model: Model, store: str) -> dict[str, Layout]:
    """The layouts of all resources in a store."""
    return {name: _layout(model, one) for name, one in model.resources.items() if one.store == store}


def _layout(model: Model, resource: ResourceModel) -> Layout:
    key = key_columns(model, resource)
    held = {column.name: column for column in columns(model, resource)}
    paths = {name: name for name in held}
    if not resource.adopted and len(key) == 1:
        paths[key[0].name] = "_id"
    elif not resource.adopted:
        paths.update((column.name, f"_id.{column.name}") for column in key)
    return Layout(model, resource, held, key, paths)
