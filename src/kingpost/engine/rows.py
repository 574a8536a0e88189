"""Between members and columns: one row as the declaration names it, and as its store keeps it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from enum import Enum
from typing import Any, TypeAlias, cast

from pydantic import TypeAdapter

from kingpost.engine.asking import Answerer
from kingpost.language.types import Kind
from kingpost.model.columns import columns, key_columns, relation_columns
from kingpost.model.model import Model, ResourceModel
from kingpost.model.resource import Resource
from kingpost.model.state import key_of, materialise, refer
from kingpost.plan.select import Insert, Made, Operation
from kingpost.stores.contract import Convert, Store

Values = dict[str, Any]
"""One row by member: scalars as Python objects, a to-one relation as the flat key of its target, or None."""


Forms: TypeAlias = tuple[Mapping[str, Convert | None], Mapping[str, tuple[Convert | None, ...]]]
"""The converters of fields, and of the columns of to-one relations."""


class Rows:
    """Knows, for each resource of a model, which member stands in which columns."""

    def __init__(self, model: Model, stores: Mapping[str, Store]) -> None:
        self.model = model
        self.stores = stores
        self._adapters = {
            (found.name, field.name): TypeAdapter[Any](field.python)
            for found in model.resources.values()
            for field in found.fields.values()
            if field.type.kind in (Kind.EMBEDDED, Kind.LIST)
        }
        self._columns = {
            found.name: tuple(column.name for column in columns(model, found)) for found in model.resources.values()
        }

        self._flat = {
            found.name: (
                tuple(
                    (name, self._adapters.get((found.name, name)))
                    for name, field in found.fields.items()
                    if not field.hashed
                ),
                tuple(
                    (one.name, (None,) * len(one.columns))
                    for one in found.relations.values()
                    if one.kind == "one" and not one.borrowed
                ),
            )
            for found in model.resources.values()
        }

        self._read: dict[str, tuple[Answerer, Forms]] = {}

    def column_names(self, resource: str) -> tuple[str, ...]:
        """All columns, in the order of `flat`."""
        return self._columns[resource]

    def flat(self, resource: str, values: Mapping[str, Any]) -> tuple[Any, ...]:
        """One row by column."""
        fields, references = self._flat[resource]
        row: list[Any] = []
        for name, adapter in fields:
            value = values.get(name)
            if adapter is not None and value is not None and not isinstance(value, Made):
                value = adapter.dump_python(value, mode="json")
            row.append(value.value if isinstance(value, Enum) else value)
        for name, nothing in references:
            row.extend(values.get(name) or nothing)
        return tuple(row)

    def changed(self, resource: str, values: Mapping[str, Any]) -> dict[str, Any]:
        """Only these members, by column."""
        found = self.model[resource]
        by_column: dict[str, Any] = {}
        for name, value in values.items():
            if name in found.fields:
                by_column[found.fields[name].column] = self.stored(resource, name, value)
            elif not found.relations[name].borrowed:
                relation = found.relations[name]
                keys = self._reference(value, len(relation.columns))
                by_column.update(zip(relation.columns, keys, strict=True))
        return by_column

    def follow(self, found: ResourceModel, values: Values) -> None:
        """Relations whose columns belong to other members lead where these say."""
        borrowing = [one for one in found.relations.values() if one.borrowed]
        if not borrowing:
            return
        row = dict(zip(self.column_names(found.name), self.flat(found.name, values), strict=True))
        for relation in borrowing:
            key = tuple(row[column] for column in relation.columns)
            values[relation.name] = None if None in key else key

    @staticmethod
    def _reference(key: tuple[Any, ...] | None, width: int) -> Sequence[Any]:
        return (None,) * width if key is None else key

    def key(self, resource: ResourceModel, values: Mapping[str, Any]) -> tuple[Any, ...]:
        """The flat key of a row."""
        key: list[Any] = []
        for name in resource.key:
            value = values[name]
            if name in resource.relations:
                key.extend(value)
            else:
                key.append(value)
        return tuple(key)

    def read(
        self, resource: str, places: Mapping[str, tuple[int, ...]], row: Sequence[Any], source: Answerer
    ) -> Values:
        """A row fetched from a source by member. `places` says which columns hold which member."""
        fields, references = self._forms(resource, source)
        values: Values = {}
        for name, columns_ in places.items():
            if name in fields:
                convert, value = fields[name], row[columns_[0]]
                values[name] = value if convert is None or value is None else convert(value)
                continue
            key = tuple([_converted(convert, row[column]) for convert, column in zip(references[name], columns_)])
            values[name] = None if None in key else key
        return values

    def _forms(self, resource: str, source: Answerer) -> Forms:
        """How what the source answers becomes the Python values of a resource."""
        found = self.model[resource]
        known = self._read.get(resource)
        if known is None or known[0] is not source:
            fields = {one.name: source.python_form(one.type) for one in found.fields.values()}
            references = {
                one.name: tuple(source.python_form(column.type) for column in relation_columns(self.model, one))
                for one in found.relations.values()
                if one.kind == "one"
            }
            known = self._read[resource] = source, (fields, references)
        return known[1]

    def instance(self, resource: str, values: Values) -> Any:
        """An object of the declared class, its to-one relations known by key only."""
        found = self.model[resource]
        cls = found.cls
        if cls is None:
            raise TypeError(f"{resource} has no class: it is a link that Kingpost keeps")
        made = {
            name: self._target(found, name, value) if name in found.relations else self.declared(found, name, value)
            for name, value in values.items()
        }
        return cast(Any, materialise(cls, made))

    def _target(self, found: ResourceModel, name: str, key: tuple[Any, ...] | None) -> Any:
        target = self.model[found.relations[name].target].cls
        if key is None or target is None:
            return None
        return cast(Any, refer)(target, key, via=f"{found.name}.{name}")

    def values(self, resource: str, members: Mapping[str, Any]) -> Values:
        """Members of an instance as values: references become keys, lists of references lists of keys."""
        found = self.model[resource]
        values: Values = {}
        for name, value in members.items():
            relation = found.relations.get(name)
            if relation is None:
                values[name] = value
            elif relation.kind == "one":
                values[name] = None if value is None else reference_key(value)
            else:
                values[name] = [reference_key(one) for one in value]
        return values

    def declared(self, found: ResourceModel, name: str, value: Any) -> Any:
        """A value as the declaration calls it: an Enum as its member, an embedded value as its class."""
        convert = None if value is None else self.conversion(found, name)
        return value if convert is None else convert(value)

    def conversion(self, found: ResourceModel, name: str) -> Callable[[Any], Any] | None:
        """What makes the declaration's value of a field out of the plain one; None where they are the same."""
        adapter = self._adapters.get((found.name, name))
        if adapter is not None:
            return adapter.validate_python
        python = found.fields[name].python
        return python if isinstance(python, type) and issubclass(python, Enum) else None

    def plain(self, resource: str, name: str, value: Any) -> Any:
        """An embedded value as plain JSON, whether it is that already (a loaded one) or an object of its class."""
        if isinstance(value, dict):
            return value  # pyright: ignore[reportUnknownVariableType]
        return self.stored(resource, name, value)

    def stored(self, resource: str, name: str, value: Any) -> Any:
        """A value as stores take it: an Enum by its value, an embedded value as plain JSON."""
        adapter = None if value is None or isinstance(value, Made) else self._adapters.get((resource, name))
        if adapter is not None:
            return adapter.dump_python(value, mode="json")
        return value.value if isinstance(value, Enum) else value

    def python(self, resource: str, names: Sequence[str], values: Sequence[Any]) -> list[Any]:
        """Values of columns, as the store answered them, as Python values."""
        python = self.stores[self.model[resource].store].python_form
        types = {column.name: column.type for column in columns(self.model, self.model[resource])}
        return [_converted(python(types[name]), value) for name, value in zip(names, values, strict=True)]

    def made(self, operations: Sequence[Operation], answers: Sequence[Sequence[Any]]) -> dict[Made, Any]:
        """What a store has made, as Python values, when it has carried out the operations."""
        found: dict[Made, Any] = {}
        for operation, answer in zip(operations, answers, strict=True):
            if isinstance(operation, Insert) and operation.makes:
                values = tuple(answer[0])[len(operation.returning) :]
                python = self.python(operation.resource, tuple(operation.makes), values)
                found.update(zip(operation.makes.values(), python, strict=True))
        return found

    def keys(self, resource: str, source: Answerer, rows: Sequence[Sequence[Any]]) -> list[tuple[Any, ...]]:
        """Flat keys of a resource as a source answered them, as Python values."""
        converts = [source.python_form(type) for type in self.key_types(resource)]
        return [tuple(_converted(convert, part) for convert, part in zip(converts, row, strict=True)) for row in rows]

    def key_types(self, resource: str) -> tuple[Any, ...]:
        """The types of the key's columns."""
        return tuple(column.type for column in key_columns(self.model, self.model[resource]))


def reference_key(value: Any) -> tuple[Any, ...]:
    """The flat key of a resource object, or of what stands for one."""
    if isinstance(value, tuple):
        return value  # pyright: ignore[reportUnknownVariableType]
    return key_of(value) if isinstance(value, Resource) else (value,)


def _converted(convert: Any, value: Any) -> Any:
    return value if convert is None or value is None else convert(value)
