"""How a database differs from the declaration, and the SQL for what can be added without loss.

Nothing is ever dropped, renamed or converted here: what does not fit is refused in words, with the next step.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeAlias, cast

import sqlalchemy as sa
from sqlalchemy.schema import AddConstraint, CreateColumn, CreateIndex, CreateTable

from kingpost.model.columns import Column, columns
from kingpost.model.model import ResourceModel
from kingpost.stores.contract import SchemaChange
from kingpost.stores.sql.catalog import RealColumn, RealReference, RealTable
from kingpost.stores.sql.common import Ground
from kingpost.stores.sql.dialects import SQLITE, Dialect
from kingpost.stores.sql.forms import DOCUMENTS

MIGRATE = "run a statement of your own"

_Ordered: TypeAlias = list[tuple[sa.Table | None, Sequence[sa.ForeignKeyConstraint]]]
# SQLAlchemy gives it no types.
_sort_tables: Callable[[Iterable[sa.Table]], _Ordered] = cast("Any", sa.schema).sort_tables_and_constraints


def compare(ground: Ground, real: Mapping[str, RealTable]) -> list[SchemaChange]:
    """All differences: tables to create, then columns, indexes and constraints to add, then what is refused."""
    return sorted(_differences(ground, real), key=lambda change: ("create", "add", "refuse").index(change.kind))


def statements(changes: Sequence[SchemaChange]) -> list[str]:
    """The SQL of what can be carried out."""
    return [statement for change in changes if change.kind != "refuse" for statement in change.statements]


def _differences(ground: Ground, real: Mapping[str, RealTable]) -> Iterator[SchemaChange]:
    writer = _Writer(ground.dialect)
    resources = {resource.table: resource for resource in ground.resources}
    for table, references in _sort_tables(ground.tables.values()):
        if table is None:  # the references that close a circle are added when all tables are there
            yield from (writer.constraint(one) for one in references if one.table.name not in real)
        elif table.name not in real:
            yield writer.create(table, references)
        else:
            kind = _Adopted if resources[table.name].adopted else _Comparison
            yield from kind(ground, writer, table, resources[table.name], real[table.name]).differences()


class _Writer:
    """Writes DDL in a dialect. Everything may be said twice without harm, where the dialect has words for that."""

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect
        self.sqlite = dialect is SQLITE

    def text(self, element: sa.schema.ExecutableDDLElement | CreateColumn | sa.types.TypeEngine[object]) -> str:
        return str(element.compile(dialect=self._dialect.engine)).strip()

    def create(self, table: sa.Table, references: Iterable[sa.ForeignKeyConstraint]) -> SchemaChange:
        # SQLite can't add a constraint later, and does not mind a reference to a table that is yet to come.
        inline = None if self.sqlite else list(references)
        made = self.text(CreateTable(table, include_foreign_key_constraints=inline, if_not_exists=True))
        indexes = sorted(table.indexes, key=lambda index: str(index.name))
        return SchemaChange("create", f"create table {table.name}", (made, *(self.index(index) for index in indexes)))

    def index(self, index: sa.Index) -> str:
        return self.text(CreateIndex(index, if_not_exists=True))

    def constraint(self, constraint: sa.ForeignKeyConstraint) -> SchemaChange:
        text = f"add the reference {constraint.name} to table {constraint.table.name}"
        if self.sqlite:  # it is in the table's own text
            return SchemaChange("add", text)
        return SchemaChange("add", text, (self.text(AddConstraint(constraint)),))

    def column(self, table: sa.Table, column: sa.Column[object], reference: sa.ForeignKeyConstraint | None) -> str:
        exists = "" if self.sqlite else "IF NOT EXISTS "
        added = f"ALTER TABLE {self._dialect.quote(table.name)} ADD COLUMN {exists}{self.text(CreateColumn(column))}"
        if reference is not None:
            quote = self._dialect.quote
            target = reference.elements[0].column
            added += f" CONSTRAINT {quote(str(reference.name))}"
            added += f" REFERENCES {quote(target.table.name)} ({quote(target.name)})"
            added += f" ON DELETE {reference.ondelete}" if reference.ondelete else ""
        return added


class _Comparison:
    """One declared table beside the real one."""

    def __init__(
        self, ground: Ground, writer: _Writer, table: sa.Table, resource: ResourceModel, real: RealTable
    ) -> None:
        self._ground, self._writer, self._table, self._resource, self._real = ground, writer, table, resource, real
        self._new = {column.name for column in table.columns if column.name not in real.columns}
        self._lacking: set[str] = set()
        self._left = [name for name in real.columns if name not in table.columns and not resource.adopted]
        """Columns that are declared no more, or under another name by now."""

    def differences(self) -> Iterator[SchemaChange]:
        for column in self._table.columns:
            if column.computed is not None:  # it comes with what is unique by it
                continue
            there = self._real.columns.get(column.name)
            yield from self._missing(column) if there is None else self._other(column, there)
        for name, extra in self._real.columns.items():
            if name not in self._table.columns and not extra.nullable and not extra.default:
                yield self._refuse(
                    f"column {name} may not be NULL, has no default and is not declared: rows could not be added",
                    f"declare it, or {MIGRATE} that makes it nullable",
                )
        yield from self._keys()
        yield from self._uniques()
        yield from self._references()
        for index in sorted(self._table.indexes, key=lambda index: str(index.name)):
            if not self._has(index) and not self._waits(index) and "of" not in index.info:
                text = f"add index {index.name} to table {self._table.name}"
                yield SchemaChange("add", text, (self._writer.index(index),))

    def _waits(self, index: sa.Index) -> bool:
        """Whether it is about a column that is refused: it comes when the column is there."""
        if self._lacking & {column.name for column in index.columns}:
            return True
        said = " ".join(str(index.dialect_options[name]["where"]) for name in ("sqlite", "postgresql"))
        return any(re.search(rf"\b{re.escape(name)}\b", said) for name in self._lacking)

    def _has(self, index: sa.Index) -> bool:
        return index.name in self._real.indexes

    def _missing(self, column: sa.Column[object]) -> Iterator[SchemaChange]:
        self._lacking.add(column.name)
        if not column.nullable and column.server_default is None and not self._real.empty:
            yield self._refuse(
                f"column {column.name} is declared as {self._type(column)} and is missing, and the rows that are there "
                "would have no value for it",
                f"declare it as `| None`, or {MIGRATE} that fills it{self._renamed()}",
            )
            return
        if not column.nullable and column.server_default is None and self._writer.sqlite:
            yield self._refuse(
                f"column {column.name} is missing, and SQLite adds no column that may not be NULL and has no default",
                f"drop the empty table {self._table.name}, or {MIGRATE} that fills it",
            )
            return
        if not column.nullable and not self._ground.dialect.adds_required:
            yield self._refuse(
                f"column {column.name} is missing, and DuckDB adds no column that may not be NULL",
                f"declare it as `| None`, or {MIGRATE} that makes the table anew",
            )
            return
        self._lacking.remove(column.name)
        reference = self._reference_of(column) if self._writer.sqlite else None
        added = self._writer.column(self._table, column, reference)
        yield SchemaChange("add", f"add column {column.name} to table {self._table.name}{self._renamed()}", (added,))

    def _renamed(self) -> str:
        """What to write where the missing column is there under its old name: its values would not be seen any more."""
        if not self._left:
            return ""
        named = " or ".join(f'field(column="{name}")' for name in self._left[:3])
        return f" ({', '.join(self._left[:3])} is declared no more: if it was renamed, {named} keeps its values)"

    def _other(self, column: sa.Column[object], there: RealColumn) -> Iterator[SchemaChange]:
        yield from self._other_type(column, there)
        if column.identity is not None and not there.default:
            yield self._refuse(
                f"column {column.name} is declared as made by the database, and nothing makes it there",
                f"take default=generated away, or {MIGRATE} that makes it an identity",
            )
        if column.nullable and not there.nullable and not column.primary_key:
            yield self._refuse(
                f"column {column.name} may not be NULL, but the declaration allows None",
                f"take `| None` away, or {MIGRATE} that lets it be NULL",
            )
        if not column.nullable and there.nullable:
            yield self._refuse(
                f"column {column.name} may be NULL, but the declaration does not allow None",
                f"declare it as `| None`, or {MIGRATE} that fills it",
            )

    def _other_type(self, column: sa.Column[object], there: RealColumn) -> Iterator[SchemaChange]:
        declared = self._type(column)
        if declared != _normal(there.type):
            yield self._refuse(
                f"column {column.name} is {there.type} and declared as {declared}",
                f"change the declaration, or {MIGRATE} that converts it",
            )

    def _keys(self) -> Iterator[SchemaChange]:
        declared = tuple(column.name for column in self._table.primary_key.columns)
        if set(declared) != set(self._real.primary) and frozenset(declared) not in self._real.uniques:
            there = ", ".join(self._real.primary) or "nothing"
            yield self._refuse(
                f"the key is {there} and declared as {', '.join(declared)}",
                f"change the declaration, or {MIGRATE} that changes it",
            )

    def _uniques(self) -> Iterator[SchemaChange]:
        for constraint in self._table.constraints:
            if not isinstance(constraint, sa.UniqueConstraint):
                continue
            names = [column.name for column in constraint.columns]
            members = list(constraint.info.get("columns") or names)
            if frozenset(names) in self._real.uniques or set(names) == set(self._real.primary):
                continue
            index = sa.Index(str(constraint.name), *(self._table.c[name] for name in names), unique=True)
            made = [
                *(
                    self._writer.column(self._table, column, None)
                    for column in constraint.columns
                    if _is_new(column, self._real)
                ),
                self._writer.index(index),
            ]
            self._table.indexes.discard(index)  # it is the constraint in another form, not one more index
            made += [self._writer.index(one) for one in self._table.indexes if one.info.get("of") == constraint.name]
            if self._lacking & set(members):
                continue
            if self._real.empty or self._new & set(members):
                text = f"add the unique index {constraint.name} to table {self._table.name}"
                yield SchemaChange("add", text, tuple(made))
            else:
                held = [name for name in members if self._table.c[name].computed is None]
                yield self._refuse(
                    f"{' and '.join(held)} is declared unique, and nothing in the database holds it to that",
                    f"see that no two rows have the same, then run: {'; '.join(made)}",
                )

    def _references(self) -> Iterator[SchemaChange]:
        for constraint in self._table.foreign_key_constraints:
            declared = RealReference(
                tuple(column.name for column in constraint.columns),
                constraint.elements[0].column.table.name,
                tuple(element.column.name for element in constraint.elements),
                str(constraint.ondelete or "NO ACTION"),
            )
            like = (declared.columns, declared.table)
            found = [one for one in self._real.references if (one.columns, one.table) == like and not one.loose]
            if self._lacking & set(declared.columns) or any(_same_effect(one, declared) for one in found):
                continue
            named = f"{' and '.join(declared.columns)} -> {declared.table}"
            if found:
                yield self._refuse(
                    f"the reference {named} is ON DELETE {found[0].on_delete} and declared as {declared.on_delete}",
                    f"change the relation's on_delete, or {MIGRATE} that changes it",
                )
            elif self._writer.sqlite and len(declared.columns) == 1 and self._new >= set(declared.columns):
                continue  # added with its column
            elif self._writer.sqlite:
                yield self._refuse(
                    f"the reference {named} is missing, and SQLite can't add one", "copy the table into one that has it"
                )
            elif self._real.empty or self._new & set(declared.columns):
                yield self._writer.constraint(constraint)
            else:
                yield self._refuse(
                    f"the reference {named} is missing; rows may point nowhere",
                    f"declare the relation with constrained=False, or {MIGRATE} that adds it",
                )

    def _reference_of(self, column: sa.Column[object]) -> sa.ForeignKeyConstraint | None:
        for constraint in self._table.foreign_key_constraints:
            if [one.name for one in constraint.columns] == [column.name]:
                return constraint
        return None

    def _type(self, column: sa.Column[object]) -> str:
        return _normal(self._writer.text(column.type))

    def _refuse(self, fault: str, remedy: str) -> SchemaChange:
        return SchemaChange("refuse", f"table {self._table.name}: {fault}. Next: {remedy}")


class _Adopted(_Comparison):
    """A table that others made: what fits is left as it is, whatever it is called."""

    def differences(self) -> Iterator[SchemaChange]:
        for change in super().differences():
            if self._real.kind == "table" or "column" in change.text:
                yield change

    def _keys(self) -> Iterator[SchemaChange]:
        return super()._keys() if self._resource.constrained else iter(())

    def _has(self, index: sa.Index) -> bool:
        columns = tuple(column.name for column in index.columns)
        conditional = any(index.dialect_options[name]["where"] is not None for name in ("sqlite", "postgresql"))
        for there in self._real.indexes.values():
            if bool(there.where) is conditional and (not index.unique or there.unique):
                same = there.columns if index.unique else there.columns[: len(columns)]
                if same == columns:
                    return True
        return False

    def _other(self, column: sa.Column[object], there: RealColumn) -> Iterator[SchemaChange]:
        if self._real.kind == "view":  # of whose columns nobody says whether they may be NULL
            yield from self._other_type(column, there)
            return
        held = self._column(column.name)
        for change in super()._other(column, there):
            # Where null is JSON too, None is not allowed in the column and is not a value of it either.
            if not (held.type.kind in DOCUMENTS and "allows None" in change.text):
                yield change
        if held.member in self._resource.made and not there.default and column.identity is None:
            yield self._refuse(
                f"column {column.name} is declared as made by the database, and nothing makes it there",
                f"take default=generated away, or {MIGRATE} that gives it a default",
            )

    def _other_type(self, column: sa.Column[object], there: RealColumn) -> Iterator[SchemaChange]:
        held = self._column(column.name)
        if not self._ground.dialect.fits(held, there.type):
            said = f" stored as {held.stored!r}" if held.stored else ""
            yield self._refuse(
                f"column {column.name} is {there.type} and declared as {held.type}{said}",
                "change the declaration; kingpost inspect shows one that fits",
            )

    def _column(self, name: str) -> Column:
        found = columns(self._ground.model, self._resource)
        return next(column for column in found if column.name == name)


def _is_new(column: sa.Column[object], real: RealTable) -> bool:
    """Whether it is a computed column that is not there yet."""
    return column.computed is not None and column.name not in real.columns


def _same_effect(one: RealReference, other: RealReference) -> bool:
    """NO ACTION and RESTRICT differ only in when they refuse, and there is no word for SET DEFAULT; SQLite leaves out
    columns that are the target's key."""
    refusals = ("NO ACTION", "RESTRICT", "SET DEFAULT")
    same = one.on_delete == other.on_delete or (one.on_delete in refusals and other.on_delete in refusals)
    return same and (one.targets == other.targets or not any(one.targets))


def _normal(type: str) -> str:
    """One spelling for what SQLAlchemy and the catalogue word differently."""
    name, _, collation = re.sub(r",\s+", ",", type).partition(" COLLATE ")
    return name.lower() + (f" collate {collation.strip(chr(34))}" if collation else "")
