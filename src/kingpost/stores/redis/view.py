"""Rows of Redis as the memory evaluator sees them, and a batch that is carried out on them before it is written."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, MutableMapping
from dataclasses import dataclass, field

from kingpost.language.types import Kind
from kingpost.model.model import Model, RelationModel, UniqueModel
from kingpost.plan.select import Clear, Insert
from kingpost.stores.contract import ReferenceViolation, Rows
from kingpost.stores.memory.draft import Draft
from kingpost.stores.memory.state import Key, Layout, Row, State
from kingpost.stores.redis.facts import Facts
from kingpost.stores.redis.layout import Place


@dataclass(slots=True)
class Changes:
    """What is to be written: by resource and key, rows (None: gone); who has which values; who points where."""

    rows: dict[str, dict[str, Row | None]]
    values: dict[str, str | None] = field(default_factory=dict[str, str | None])
    sets: dict[str, dict[str, bool]] = field(default_factory=dict[str, dict[str, bool]])
    numbers: dict[str, int] = field(default_factory=dict[str, int])
    used: dict[tuple[str, str], int] = field(default_factory=dict[tuple[str, str], int])
    """How many of the numbers that were made are taken."""

    def copy(self) -> Changes:
        """The same, to go on from and be thrown away."""
        return Changes(
            {name: dict(rows) for name, rows in self.rows.items()},
            dict(self.values),
            {key: dict(members) for key, members in self.sets.items()},
            dict(self.numbers),
            dict(self.used),
        )

    def __bool__(self) -> bool:
        return any(self.rows.values())


class Table(MutableMapping[Key, Row]):
    """The rows of one resource: as they are loaded, with the changes over them."""

    def __init__(self, place: Place, facts: Facts, changes: Changes) -> None:
        self._place, self._facts, self._changes = place, facts, changes
        self._name = place.layout.resource.name

    def find(self, text: str) -> Row | None:
        """A row by the text of its key."""
        changed = self._changes.rows[self._name]
        return changed[text] if text in changed else self._facts.row(self._name, text)

    def every(self) -> dict[str, Row]:
        """All rows, by the texts of their keys."""
        together = {**self._facts.all(self._name), **self._changes.rows[self._name]}
        return {text: row for text, row in together.items() if row is not None}

    def __getitem__(self, key: Key) -> Row:
        row = None if None in key else self.find(self._place.text(key))
        if row is None:
            raise KeyError(key)
        return row

    def __setitem__(self, key: Key, row: Row) -> None:
        text = self._place.text(key)
        self._point(text, self.find(text), row)
        self._changes.rows[self._name][text] = row

    def __delitem__(self, key: Key) -> None:
        text = self._place.text(key)
        self._point(text, self.find(text), None)
        self._changes.rows[self._name][text] = None

    def __iter__(self) -> Iterator[Key]:
        return iter([self._place.layout.key_of(row) for row in self.every().values()])

    def __len__(self) -> int:
        return len(self.every())

    def _point(self, text: str, old: Row | None, new: Row | None) -> None:
        """Note which references are no more, and which are new."""
        before = set[str]() if old is None else set(self._place.held(old))
        after = set[str]() if new is None else set(self._place.held(new))
        for key in before ^ after:
            self._changes.sets.setdefault(key, {})[text] = key in after


class Children(Mapping[Key, list[Row]]):
    """The rows that point at a key by one relation."""

    def __init__(self, place: Place, table: Table, relation: str, facts: Facts, changes: Changes) -> None:
        self._place, self._table, self._relation = place, table, relation
        self._facts, self._changes = facts, changes
        self._grouped: dict[Key, list[Row]] | None = None

    def texts(self, key: Key) -> list[str]:
        """The keys of these rows, as texts."""
        place = self._place.reference_key(self._relation, key)
        changed = self._changes.sets.get(place, {})
        kept = [text for text in self._facts.members(place) if text not in changed]
        return sorted([*kept, *(text for text, there in changed.items() if there)])

    def __getitem__(self, key: Key) -> list[Row]:
        if self._place.layout.resource.name in self._facts.whole:
            if self._grouped is None:
                self._grouped = {}
                for row in self._table.every().values():
                    held = self._place.layout.held(row, self._relation)
                    if held is not None:
                        self._grouped.setdefault(held, []).append(row)
            return self._grouped.get(key, [])
        found = (self._table.find(text) for text in self.texts(key))
        return [row for row in found if row is not None]

    def __iter__(self) -> Iterator[Key]:
        held = (self._place.layout.held(row, self._relation) for row in self._table.every().values())
        return iter(dict.fromkeys(key for key in held if key is not None))

    def __len__(self) -> int:
        return len(list(iter(self)))


class Holders:
    """Who has which unique values."""

    def __init__(self, place: Place, unique: UniqueModel, facts: Facts, changes: Changes) -> None:
        self._place, self._unique = place, unique
        self._facts, self._changes = facts, changes

    def get(self, values: Key, default: Key | None = None) -> Key | None:
        """The key of the row that has them."""
        holder = self._holder(values)
        if holder is None:
            return default
        row = self._changes.rows[self._place.layout.resource.name].get(holder)
        row = row or self._facts.row(self._place.layout.resource.name, holder)
        return (holder,) if row is None else self._place.layout.key_of(row)

    def pop(self, values: Key, default: None = None) -> Key | None:
        """Nobody has them any more; answers who had."""
        had = self.get(values, default)
        if had is not default:
            self._changes.values[self._place.unique_key(self._unique, values)] = None
        return had

    def __setitem__(self, values: Key, key: Key) -> None:
        self._changes.values[self._place.unique_key(self._unique, values)] = self._place.text(key)

    def _holder(self, values: Key) -> str | None:
        place = self._place.unique_key(self._unique, values)
        changed = self._changes.values
        return changed[place] if place in changed else self._facts.value(place)


class View(Draft):
    """Rows as they are with changes; what is not known yet is noted in the facts."""

    def __init__(self, model: Model, places: Mapping[str, Place], facts: Facts, changes: Changes) -> None:
        self.tables = {name: Table(place, facts, changes) for name, place in places.items()}
        super().__init__(State(model, {name: place.layout for name, place in places.items()}, dict(self.tables)))
        self.places, self._facts, self.changes = places, facts, changes
        self._known_children: dict[tuple[str, str], Children] = {}

    def children(self, resource: str, relation: str) -> Children:
        known = self._known_children.get((resource, relation))
        if known is None:
            place, table = self.places[resource], self.tables[resource]
            known = Children(place, table, relation, self._facts, self.changes)
            self._known_children[resource, relation] = known
        return known

    def insert(self, insert: Insert) -> Rows:
        answer = super().insert(insert)
        place = self.places[insert.resource]
        for name in place.layout.makes:
            if name in insert.columns:  # the store goes on from there
                index = insert.columns.index(name)
                given = [value for row in insert.rows if isinstance(value := row[index], int)]
                counter = place.number(name)
                self.changes.numbers[counter] = max([*given, self.changes.numbers.get(counter, 0)])
        return answer

    def clear(self, clear: Clear) -> None:
        for row in self.children(clear.resource, clear.relation)[tuple(clear.key)]:
            self._remove(clear.resource, self.layouts[clear.resource].key_of(row))

    def unique_values(self, layout: Layout, unique: UniqueModel, row: Row) -> Key | None:
        """What has to be unique of a row; None where nothing has."""
        return self._values(layout, unique, row)

    def _table(self, resource: str) -> Table:
        self._known_children.clear()
        return self.tables[resource]

    def _made(self, layout: Layout, name: str) -> int | None:
        column = next(column for column in layout.columns if column.name == name)
        if column.type.kind is not Kind.INT:
            return None
        place = layout.resource.name, name
        index = self.changes.used.get(place, 0)
        self.changes.used[place] = index + 1
        return self._facts.made(*place, index)

    def _holders(self, layout: Layout, unique: UniqueModel) -> Holders:
        return Holders(self.places[layout.resource.name], unique, self._facts, self.changes)

    def _let_go(self, name: str, layout: Layout, relation: RelationModel, key: Key) -> None:
        for row in self.children(name, relation.name)[key]:
            match relation.on_delete:
                case "restrict":
                    words = f"The row is in use: {name}.{relation.name} points at it"
                    raise ReferenceViolation(words, name, (relation.name,), "in use")
                case "cascade":
                    self._remove(name, layout.key_of(row))
                case "null":
                    self._forget(layout, row)
                    new = {**row, **dict.fromkeys(self.columns(relation))}
                    self._note(layout, new)
                    self._table(name)[layout.key_of(row)] = new
