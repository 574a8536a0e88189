"""The tables of a store as the declaration has them, ready to be made."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from hashlib import blake2b
from typing import Any, TypeAlias

import sqlalchemy as sa

from kingpost.language.tree import Expression
from kingpost.language.types import Kind
from kingpost.model.columns import Column, columns, key_columns, member_columns, relation_columns
from kingpost.model.model import FieldModel, Model, ResourceModel
from kingpost.stores.sql.dialect import Dialect
from kingpost.stores.sql.phrases import Condition
from kingpost.stores.sql.translation.translate import condition_on

LONGEST_NAME = 63
"""PostgreSQL cuts longer names off; two that differ after that would be one."""

Combination: TypeAlias = tuple[tuple[str, ...], Expression | None]
"""Members, and the condition under which they count."""

Columns: TypeAlias = tuple[tuple[str, bool], ...]
"""The columns of an index, each with whether it is descending."""

ON_DELETE = {"restrict": "RESTRICT", "cascade": "CASCADE", "null": "SET NULL"}

_CONSTANT = {Kind.BOOL, Kind.INT, Kind.FLOAT, Kind.DECIMAL, Kind.TEXT, Kind.ENUM}


def tables(model: Model, store: str, dialect: Dialect) -> Mapping[str, sa.Table]:
    """The tables by the names of their resources, all in one `MetaData`; foreign keys never leave the store.

    Names are made from table and members: `uq_article_title`, `fk_article_author`, `ix_article_author`.
    """
    metadata = sa.MetaData()
    made: dict[str, sa.Table] = {}
    for resource in model.resources.values():
        if resource.store == store:
            made[resource.name] = _table(model, resource, dialect, metadata)
    return made


def _table(model: Model, resource: ResourceModel, dialect: Dialect, metadata: sa.MetaData) -> sa.Table:
    keys = [column.name for column in key_columns(model, resource)]
    table = sa.Table(
        resource.table,
        metadata,
        *(_column(resource, column, dialect, column.name in keys) for column in columns(model, resource)),
        sa.PrimaryKeyConstraint(*keys, name=name("pk", resource.table)),
        *(_foreign_keys(model, resource) if dialect.watches_references else ()),
        sqlite_strict=True,
        sqlite_autoincrement=not resource.made.isdisjoint(resource.key),  # a number is never given twice
        mysql_engine="InnoDB",
        mysql_charset="utf8mb4",
        mysql_collate="utf8mb4_nopad_bin",
    )
    indexed: list[Columns] = [tuple((key, False) for key in keys)]
    for members, where in _uniques(resource):
        label = name("uq", resource.table, *members)
        held = [(column, False) for member in members for column in member_columns(model, resource, member)]
        if where is None:
            table.append_constraint(sa.UniqueConstraint(*(column.name for column, _ in held), name=label))
            indexed.append(tuple((column.name, False) for column, _ in held))
        elif dialect.conditional_indexes:
            _index(table, dialect, label, held, condition_on(model, resource.name, where, dialect), unique=True)
        elif dialect.computed_columns:
            _unique_where(table, dialect, label, held, condition_on(model, resource.name, where, dialect))
    for members, where in _indexes(resource):
        label = name("ix", resource.table, *(member.lstrip("-") for member in members), *(["where"] if where else []))
        held = [(c, m.startswith("-")) for m in members for c in member_columns(model, resource, m.lstrip("-"))]
        wanted = tuple((column.name, descending) for column, descending in held)
        if where is None and any(_serves(there, wanted) for there in indexed):
            continue
        if where is not None and not dialect.conditional_indexes:
            continue
        label = _free(label, table)
        predicate = None if where is None else condition_on(model, resource.name, where, dialect)
        _index(table, dialect, label, held, predicate)
        if where is None:
            indexed.append(wanted)
    dialect.fit(table, {one.name: _longest(resource, one) for one in columns(model, resource)})
    return table


def _longest(resource: ResourceModel, column: Column) -> int | None:
    """The declared length of a field's values."""
    field = resource.fields.get(column.member)
    return None if field is None else field.constraints.max_length


def _serves(there: Columns, wanted: Columns) -> bool:
    """Whether the first columns of one index do what another would: forwards, or read backwards."""
    first = there[: len(wanted)]
    return wanted in (first, tuple((name, not descending) for name, descending in first))


def _column(resource: ResourceModel, column: Column, dialect: Dialect, key: bool) -> sa.Column[Any]:
    # No autoincrement where the application makes the keys.
    made, form = key and column.member in resource.made, dialect.stored(column)
    return sa.Column(
        column.name,
        dialect.forms.column(column.type) if form is None else form.column,
        *([sa.Identity()] if made and dialect.identities else []),
        nullable=column.type.nullable and not key,
        autoincrement=made and dialect.identities,
        server_default=None if made or form else _default(resource.fields.get(column.member), dialect),
    )


def _default(field: FieldModel | None, dialect: Dialect) -> sa.TextClause | None:
    """A declared constant, so that the column can be added to a table with rows, and others can insert."""
    if field is None or field.default is None or field.default.kind != "value" or field.type.kind not in _CONSTANT:
        return None
    value = field.default.value
    convert = dialect.forms.to_driver(field.type)
    bound = value.value if isinstance(value, Enum) else value
    if bound is None:
        return None
    literal = sa.literal(bound if convert is None else convert(bound), dialect.forms.plain(field.type))
    return sa.text(str(literal.compile(dialect=dialect.engine, compile_kwargs={"literal_binds": True})))


def _foreign_keys(model: Model, resource: ResourceModel) -> list[sa.ForeignKeyConstraint]:
    found: list[sa.ForeignKeyConstraint] = []
    for relation in resource.relations.values():
        target = model[relation.target]
        if relation.kind != "one" or not relation.constrained or target.store != resource.store:
            continue
        found.append(
            sa.ForeignKeyConstraint(
                [column.name for column in relation_columns(model, relation)],
                [f"{target.table}.{column.name}" for column in key_columns(model, target)],
                name=name("fk", resource.table, relation.name),
                ondelete=ON_DELETE[relation.on_delete],
            )
        )
    return found


def _uniques(resource: ResourceModel) -> list[Combination]:
    """What has to be unique, each combination once."""
    single = [field.name for field in resource.fields.values() if field.unique]
    single += [relation.name for relation in resource.relations.values() if relation.unique]
    found: list[Combination] = [((member,), None) for member in single if resource.key != (member,)]
    found += [(unique.members, unique.where) for unique in resource.uniques]
    return [pair for place, pair in enumerate(found) if pair not in found[:place]]


def _indexes(resource: ResourceModel) -> list[Combination]:
    """Declared indexes, then one on every to-one relation: they are followed backwards. None on tables of others."""
    found: list[Combination] = [(index.members, index.where) for index in resource.indexes]
    found += [((field.name,), None) for field in resource.fields.values() if field.index]
    if not resource.adopted:
        found += [((relation.name,), None) for relation in resource.relations.values() if relation.kind == "one"]
    return found


def _index(
    table: sa.Table,
    dialect: Dialect,
    label: str,
    held: list[tuple[Column, bool]],
    predicate: Condition | None,
    *,
    unique: bool = False,
) -> None:
    # In the order that selects ask for: None lowest, which PostgreSQL has to be told.
    expressions: list[Any] = [
        dialect.order(table.c[column.name], column.type, down, column.type.nullable) for column, down in held
    ]
    sa.Index(label, *expressions, unique=unique, postgresql_where=predicate, sqlite_where=predicate)


def _unique_where(
    table: sa.Table, dialect: Dialect, label: str, held: list[tuple[Column, bool]], condition: Condition
) -> None:
    """A column that is 1 where the condition holds and NULL elsewhere, which is unique beside everything."""
    one = sa.case((condition, sa.literal_column("1", sa.Integer())))
    says = str(one.compile(dialect=dialect.engine, compile_kwargs={"literal_binds": True}))
    table.append_column(sa.Column(label, sa.Boolean(), sa.Computed(sa.text(says), persisted=False)))
    table.append_constraint(sa.UniqueConstraint(*(column.name for column, _ in held), label, name=label))


def _free(label: str, table: sa.Table) -> str:
    """The label with a number if there are several conditional indexes on the same members."""
    taken = {index.name for index in table.indexes}
    numbered = (label, *(f"{label}_{number}" for number in range(2, len(taken) + 2)))
    return next(candidate for candidate in numbered if candidate not in taken)


def name(kind: str, table: str, *members: str) -> str:
    """The name of a constraint or index; long ones end in a digest."""
    full = "_".join((kind, table, *members))
    if len(full.encode()) <= LONGEST_NAME:
        return full
    digest = blake2b(full.encode(), digest_size=5).hexdigest()
    return full.encode()[: LONGEST_NAME - 11].decode(errors="ignore") + "_" + digest
