"""A state that is being written: operations one by one, with the refusals that a database makes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, MutableMapping, Sequence
from typing import Any, Protocol

from kingpost.language.evaluate import Frame, surely_true
from kingpost.language.types import Kind
from kingpost.model.model import RelationModel, UniqueModel
from kingpost.plan.select import Clear, Delete, Insert, Update
from kingpost.stores.contract import ReferenceViolation, Rows, StaleRow, StoreError, UniqueViolation
from kingpost.stores.memory.state import Key, Layout, Row, State
from kingpost.stores.memory.values import keep


class Holders(Protocol):
    """Who has which unique values, by the values; a dict is one."""

    def get(self, values: Key, default: Key | None, /) -> Key | None: ...
    def pop(self, values: Key, default: None, /) -> Key | None: ...
    def __setitem__(self, values: Key, key: Key, /) -> None: ...


class Draft(State):
    """A copy to write on. Tables are copied when they are first touched; the state it came from stays as it is."""

    def __init__(self, state: State) -> None:
        super().__init__(state.model, state.layouts, dict(state.rows), dict(state.numbers))
        self._touched: set[str] = set()
        self._taken: dict[tuple[str, UniqueModel], dict[Key, Key]] = {}

    def insert(self, insert: Insert) -> Rows:
        """Add rows; the answer has the `returning` columns, and what is made here."""
        layout, table = self.layouts[insert.resource], self._table(insert.resource)
        answers: list[tuple[Any, ...]] = []
        returning = (*insert.returning, *insert.makes)
        for values in insert.rows:
            given = dict(zip(insert.columns, values, strict=True))
            given.update((name, self._made(layout, name)) for name in layout.makes if name not in given)
            row = self._kept(layout, given, start={})
            key = layout.key_of(row)
            if key in table:
                raise _taken(insert.resource, layout.resource.key)
            self._check(layout, row, among=None)
            table[key] = row
            self._note(layout, row)
            answers.append(tuple(row[name] for name in returning))
        return answers if returning else []

    def update(self, update: Update) -> Rows:
        """Change one row and raise its version; the answer has the `returning` columns."""
        layout, table = self.layouts[update.resource], self._table(update.resource)
        key, old = self._found(update, layout)
        row = self._kept(layout, update.values, start=old)
        version = layout.version
        if version is not None and version not in update.values:
            row = {**row, version: old[version] + 1}
        self._check(layout, row, among=key)
        self._forget(layout, old)
        self._note(layout, row)
        if layout.key_of(row) != key:
            del table[key]
        table[layout.key_of(row)] = row
        return [tuple(row[name] for name in update.returning)] if update.returning else []

    def delete(self, delete: Delete) -> None:
        """Remove one row, and what goes with it."""
        key, _ = self._found(delete, self.layouts[delete.resource])
        self._remove(delete.resource, key)

    def clear(self, clear: Clear) -> None:
        """Remove the rows that point at a key."""
        layout = self.layouts[clear.resource]
        for key, row in list(self.rows[clear.resource].items()):
            if layout.held(row, clear.relation) == tuple(clear.key):
                self._remove(clear.resource, key)

    # ------------------------------------------------------------------------------------------------------ the parts

    def _table(self, resource: str) -> MutableMapping[Key, Row]:
        if resource not in self._touched:
            self._touched.add(resource)
            self.rows[resource] = dict(self.rows[resource])
        self._children = {}
        return self.rows[resource]

    def _made(self, layout: Layout, name: str) -> int | None:
        """A whole number that no row has had in this column; other values only databases know how to make."""
        column = next(column for column in layout.columns if column.name == name)
        if column.type.kind is not Kind.INT:
            return None
        resource = layout.resource.name
        highest = max((row[name] for row in self.rows[resource].values()), default=0)
        self.numbers[resource, name] = number = max(self.numbers.get((resource, name), 0), highest) + 1
        return number

    def _found(self, operation: Update | Delete, layout: Layout) -> tuple[Key, Row]:
        key = tuple(operation.key)
        row = self.rows[operation.resource].get(key)
        version = layout.version
        if row is None or (operation.version is not None and version and row[version] != operation.version):
            raise StaleRow(f"The {operation.resource} is gone, or has changed since it was read")
        return key, row

    def _kept(self, layout: Layout, values: Mapping[str, object], start: Row) -> Row:
        """The row with new values, all in the form that is kept."""
        row = dict(start)
        for column in layout.columns:
            if column.name in values:
                row[column.name] = keep(column.type)(values[column.name])
            elif column.name not in row:
                row[column.name] = 1 if column.name == layout.version else None
            if row[column.name] is None and not column.type.nullable:
                raise StoreError(f"{layout.resource.name}.{column.member} may not be None in the store")
        unknown = set(values) - set(row)
        if unknown:
            raise StoreError(f"{layout.resource.name} has no column {', '.join(sorted(unknown))}")
        return row

    def _check(self, layout: Layout, row: Row, among: Key | None) -> None:
        """Uniqueness, and that references lead somewhere. `among`: the key of the row itself if it is there."""
        resource = layout.resource
        for unique in uniques(layout):
            values = self._values(layout, unique, row)
            if values is not None and self._holders(layout, unique).get(values, among) != among:
                raise _taken(resource.name, unique.members)
        own = layout.key_of(row)
        for relation in self._held(layout):
            key = layout.held(row, relation.name)
            if (
                key is not None
                and key not in self.rows[relation.target]
                and (relation.target, key) != (resource.name, own)
            ):
                words = f"{resource.name}.{relation.name} points at a row that is not there"
                raise ReferenceViolation(words, resource.name, (relation.name,), "missing")

    def _values(self, layout: Layout, unique: UniqueModel, row: Row) -> Key | None:
        """What has to be unique of a row; None where nothing has."""
        values = tuple(row[name] for member in unique.members for name in layout.places[member])
        if None in values or (unique.where is not None and not surely_true(unique.where)(Frame(row, {}, self))):
            return None
        return values

    def _holders(self, layout: Layout, unique: UniqueModel) -> Holders:
        """Who has which values."""
        name = layout.resource.name
        if (name, unique) not in self._taken:
            rows = self.rows[name].items()
            held = ((self._values(layout, unique, row), key) for key, row in rows)
            self._taken[name, unique] = {values: key for values, key in held if values is not None}
        return self._taken[name, unique]

    def _note(self, layout: Layout, row: Row) -> None:
        for unique in uniques(layout):
            values = self._values(layout, unique, row)
            if values is not None:
                self._holders(layout, unique)[values] = layout.key_of(row)

    def _forget(self, layout: Layout, row: Row) -> None:
        for unique in uniques(layout):
            values = self._values(layout, unique, row)
            if values is not None:
                self._holders(layout, unique).pop(values, None)

    def _held(self, layout: Layout) -> Iterator[RelationModel]:
        for relation in layout.resource.relations.values():
            if relation.kind == "one" and relation.constrained and relation.target in self.layouts:
                yield relation

    def _remove(self, resource: str, key: Key) -> None:
        row = self._table(resource).pop(key, None)
        if row is not None:
            self._forget(self.layouts[resource], row)
        for name, layout in self.layouts.items():
            for relation in self._held(layout):
                if relation.target == resource:
                    self._let_go(name, layout, relation, key)

    def _let_go(self, name: str, layout: Layout, relation: RelationModel, key: Key) -> None:
        """What happens to the rows that hold a key which is gone."""
        for holder, row in list(self.rows[name].items()):
            if layout.held(row, relation.name) != key:
                continue
            match relation.on_delete:
                case "restrict":
                    words = f"The row is in use: {name}.{relation.name} points at it"
                    raise ReferenceViolation(words, name, (relation.name,), "in use")
                case "cascade":
                    self._remove(name, holder)
                case "null":
                    self._table(name)[holder] = {**row, **dict.fromkeys(self.columns(relation))}


def uniques(layout: Layout) -> Sequence[UniqueModel]:
    resource = layout.resource
    alone = [one.name for one in resource.fields.values() if one.unique]
    alone += [one.name for one in resource.relations.values() if one.unique]
    return [*(UniqueModel((name,)) for name in alone), *resource.uniques]


def _taken(resource: str, members: tuple[str, ...]) -> UniqueViolation:
    return UniqueViolation(f"Another {resource} has the same {' and '.join(members)}", resource, members)
