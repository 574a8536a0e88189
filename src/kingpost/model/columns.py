"""Which columns a resource has in its store: its fields, and the keys that its to-one relations hold."""

from __future__ import annotations

from dataclasses import dataclass

from kingpost.language.types import Type
from kingpost.model.model import Model, RelationModel, ResourceModel


@dataclass(frozen=True, slots=True)
class Column:
    """One column. `member` is the field or to-one relation that it belongs to."""

    name: str
    type: Type
    member: str


def columns(model: Model, resource: ResourceModel) -> tuple[Column, ...]:
    """All columns in declared order: key first as declared, fields, then relations."""
    found = [Column(field.column, field.type, field.name) for field in resource.fields.values()]
    for relation in resource.relations.values():
        found.extend(relation_columns(model, relation))
    return tuple(found)


def key_columns(model: Model, resource: ResourceModel) -> tuple[Column, ...]:
    """The columns of the key, in the key's order."""
    found: list[Column] = []
    for member in resource.key:
        if member in resource.fields:
            field = resource.fields[member]
            found.append(Column(field.column, field.type, field.name))
        else:
            found.extend(relation_columns(model, resource.relations[member]))
    return tuple(found)


def relation_columns(model: Model, relation: RelationModel) -> tuple[Column, ...]:
    """The columns of a to-one relation, in the order of the target's key; none for other relations."""
    if relation.kind != "one":
        return ()
    target = key_columns(model, model[relation.target])
    return tuple(
        Column(name, column.type.maybe(relation.nullable), relation.name)
        for name, column in zip(relation.columns, target, strict=True)
    )


def member_columns(model: Model, resource: ResourceModel, member: str) -> tuple[Column, ...]:
    """The columns of one field or to-one relation."""
    if member in resource.fields:
        field = resource.fields[member]
        return (Column(field.column, field.type, member),)
    return relation_columns(model, resource.relations[member])
