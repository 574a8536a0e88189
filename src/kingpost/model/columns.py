"""Which columns a resource has in its store: its fields, and the keys that its to-one relations hold."""

from __future__ import annotations

from dataclasses import dataclass

from kingpost.language.types import Type
from kingpost.model.model import FieldModel, Model, RelationModel, ResourceModel


@dataclass(frozen=True, slots=True)
class Column:
    """One column. `member` is the field or to-one relation that it belongs to.

    `label` is what it is called outside of the store, as a part of a key. `adopted`: others made the table. `stored`:
    how they hold the values, in the declaration's word, where the store can't tell by itself.
    """

    name: str
    type: Type
    member: str
    label: str = ""
    stored: str = ""
    adopted: bool = False


def field_column(resource: ResourceModel, field: FieldModel) -> Column:
    """The column of a field."""
    return Column(field.column, field.type, field.name, field.name, field.stored, resource.adopted)


def columns(model: Model, resource: ResourceModel) -> tuple[Column, ...]:
    """All columns in declared order: key first as declared, fields, then relations that have columns of their own."""
    found = [field_column(resource, field) for field in resource.fields.values() if not field.hashed]
    for relation in resource.relations.values():
        if not relation.borrowed:
            found.extend(relation_columns(model, relation))
    return tuple(found)


def key_columns(model: Model, resource: ResourceModel) -> tuple[Column, ...]:
    """The columns of the key, in the key's order."""
    found: list[Column] = []
    for member in resource.key:
        if member in resource.fields:
            found.append(field_column(resource, resource.fields[member]))
        else:
            found.extend(relation_columns(model, resource.relations[member]))
    return tuple(found)


def relation_columns(model: Model, relation: RelationModel) -> tuple[Column, ...]:
    """The columns of a to-one relation, in the order of the target's key; none for other relations."""
    if relation.kind != "one":
        return ()
    target = key_columns(model, model[relation.target])
    return tuple(
        Column(
            name, part.type.maybe(relation.nullable), relation.name, f"{relation.name}_{part.label}", part.stored,
            relation.adopted,
        )
        for name, part in zip(relation.columns, target, strict=True)
    )  # fmt: skip


def member_columns(model: Model, resource: ResourceModel, member: str) -> tuple[Column, ...]:
    """The columns of one field or to-one relation."""
    if member in resource.fields:
        return (field_column(resource, resource.fields[member]),)
    return relation_columns(model, resource.relations[member])
