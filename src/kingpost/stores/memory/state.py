"""All rows at one moment. A batch works on a draft and replaces the state as a whole, so readers have a snapshot."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, MutableMapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias, cast

from kingpost.model.columns import Column, columns, key_columns, member_columns, relation_columns
from kingpost.model.model import Model, RelationModel, ResourceModel

Key: TypeAlias = tuple[Any, ...]
Row: TypeAlias = Mapping[str, Any]
"""A row by its column names. Never changed: an update makes a new one."""


@dataclass(frozen=True, slots=True)
class Layout:
    """Where things are in the rows of one resource. `places`: the columns of every field and to-one relation."""

    resource: ResourceModel
    key: tuple[str, ...]
    places: Mapping[str, tuple[str, ...]]
    columns: tuple[Column, ...] = ()

    @property
    def makes(self) -> list[str]:
        """The columns that get a value where none is given."""
        return [self.resource.fields[name].column for name in self.resource.made]

    def key_of(self, row: Row) -> Key:
        """The key, always as a tuple."""
        return tuple(row[name] for name in self.key)

    @property
    def version(self) -> str | None:
        """The name of the row version in a row; it is counted here, whatever it is in other stores."""
        name = self.resource.version
        return None if name is None else self.places[name][0]

    def held(self, row: Row, member: str) -> Key | None:
        """The key that a to-one relation holds; None if any part of it is."""
        found = tuple(row[name] for name in self.places[member])
        return None if None in found else found


def layouts(model: Model, store: str) -> dict[str, Layout]:
    """The layouts of all resources in a store."""
    found: dict[str, Layout] = {}
    for name, resource in model.resources.items():
        if resource.store == store:
            members = [*resource.fields, *(one.name for one in resource.relations.values() if one.kind == "one")]
            places = {m: tuple(column.name for column in member_columns(model, resource, m)) for m in members}
            hashed = [name for name, field in resource.fields.items() if field.hashed]
            kept = (*columns(model, resource), *(c for name in hashed for c in member_columns(model, resource, name)))
            key = tuple(column.name for column in key_columns(model, resource))
            found[name] = Layout(resource, key, places, kept)
    return found


@dataclass(slots=True)
class State:
    """Rows by resource and key; a world for the evaluator. `numbers`: the highest made here, by resource and column."""

    model: Model
    layouts: Mapping[str, Layout]
    rows: dict[str, MutableMapping[Key, Row]]
    numbers: dict[tuple[str, str], int] = field(default_factory=dict[tuple[str, str], int])
    _children: dict[tuple[str, str], dict[Key, list[Row]]] = field(
        default_factory=dict[tuple[str, str], dict[Key, list[Row]]]
    )

    def value(self, row: Row, resource: str, field: str) -> object:
        return row[self.layouts[resource].places[field][0]]

    def reference(self, row: Row, resource: str, relation: str) -> object:
        key = self.layouts[resource].held(row, relation)
        return key[0] if key is not None and len(key) == 1 else key

    def one(self, row: Row, resource: str, relation: str) -> Row | None:
        key = self.layouts[resource].held(row, relation)
        return None if key is None else self.rows[self.model[resource].relations[relation].target].get(key)

    def many(self, row: Row, resource: str, relation: str) -> Iterable[Row]:
        declared = self.model[resource].relations[relation]
        key = self.layouts[resource].key_of(row)
        if declared.kind == "many":
            return self.children(declared.target, declared.inverse or "").get(key, ())
        return [found for _, found in self.linked(row, resource, relation)]

    def linked(self, row: Row, resource: str, relation: str) -> Iterable[tuple[Row, Row]]:
        declared = self.model[resource].relations[relation]
        links = self.children(declared.link, declared.near).get(self.layouts[resource].key_of(row), ())
        if declared.position is not None:
            (column,) = self.layouts[declared.link].places[declared.position]
            links = sorted(links, key=lambda link: link[column])
        pairs = ((link, self.one(link, declared.link, declared.far)) for link in links)
        return [(link, found) for link, found in pairs if found is not None]

    def keyed(self, resource: str, key: Any) -> Row | None:
        return self.rows[resource].get(cast("tuple[object, ...]", key) if isinstance(key, tuple) else (key,))

    def key_of(self, row: Row, resource: str) -> object:
        key = self.layouts[resource].key_of(row)
        return key[0] if len(key) == 1 else key

    def children(self, resource: str, relation: str) -> Mapping[Key, list[Row]]:
        """The rows of a resource by the key that a to-one relation of theirs holds."""
        found = self._children.get((resource, relation))
        if found is None:
            found = dict[Key, list[Row]]()
            layout = self.layouts[resource]
            for row in self.rows[resource].values():
                key = layout.held(row, relation)
                if key is not None:
                    found.setdefault(key, []).append(row)
            self._children[resource, relation] = found
        return found

    def columns(self, relation: RelationModel) -> tuple[str, ...]:
        """The columns that a to-one relation is kept in."""
        return tuple(column.name for column in relation_columns(self.model, relation))
