"""Classes for the tables of others: which there are, and what each of their members is."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from kingpost.change import inspect_rest as rest
from kingpost.change.inspect_links import ON_DELETE, Link, borrowing, followed, in_key_order, key_of, links
from kingpost.change.inspect_names import PATHS, Names, class_name, free_path, many_names, member_name, relation_names
from kingpost.change.inspect_values import bounds_of, default_of, quoted
from kingpost.language.types import Kind, Type
from kingpost.model.draft import is_key_type
from kingpost.model.names import snake, table_name
from kingpost.stores.sql.catalog import RealColumn, RealReference, RealTable
from kingpost.stores.sql.existing import Existing, Held

NO_KEY: Final = (
    "nothing tells its rows apart. Next: give it a key, or name the columns that are one, as in class X(Resource, "
    "adopted=True, constrained=False, key=(...))"
)
HIDDEN: Final = re.compile(r"(^|_)(password|passwd|pwd|secret|salt|api_key|token)s?(_hash|_digest|_key)?$")
"""Members that no door reads, until somebody says otherwise."""
WRITTEN_ONLY: Final = "By its name a secret: no door shows it as long as it is writeonly"


@dataclass(slots=True)
class Written:
    """One member. `options` are those of `field`, as Python has them; of a relation `type` is the class it leads to."""

    name: str
    type: Type | str
    nullable: bool = False
    many: bool = False
    options: dict[str, str] = field(default_factory=dict[str, str])
    note: str = ""


@dataclass(slots=True)
class Class:
    """One class. `columns`: which members own which columns; `remarks`: what the declaration can't say."""

    name: str
    table: RealTable
    keywords: dict[str, str] = field(default_factory=dict[str, str])
    members: list[Written] = field(default_factory=list[Written])
    uniques: list[list[str]] = field(default_factory=list[list[str]])
    indexes: list[list[str]] = field(default_factory=list[list[str]])
    remarks: list[str] = field(default_factory=list[str])
    names: Names = field(default_factory=Names)
    columns: dict[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])
    note: str = ""


class Classes:
    """All classes of a database, and what has none: `without`, each with the reason."""

    def __init__(self, existing: Existing) -> None:
        self._existing = existing
        self.without: dict[str, str] = {}
        self.by_table: dict[str, Class] = {}
        self._keys: dict[str, tuple[str, ...]] = {}
        self._links = {link.table: link for link in links(existing)}
        taken, paths = Names(), Names(PATHS)
        for name, table in existing.tables.items():
            if name in self._links:
                continue
            self._keys[name] = key_of(existing, table)
            unsound = [one for one in self._keys[name] if not is_key_type(existing.held[name][one].type)]
            if not self._keys[name]:
                self.without[name] = NO_KEY
            elif unsound:
                self.without[name] = f"{', '.join(unsound)} of its key can't be compared"
            else:
                self.by_table[name] = self._class(name, table, taken, paths)
        self._references = {name: self._followed(made.table) for name, made in self.by_table.items()}
        self._break_circles()
        for made in self.by_table.values():
            self._members(made)
        for link in list(self._links.values()):
            self._lists(link)
        for made in self.by_table.values():
            self._other_sides(made)
            self._remarks(made)

    @staticmethod
    def _class(name: str, table: RealTable, taken: Names, paths: Names) -> Class:
        wanted = class_name(name)
        made = Class(taken.give(wanted, f"{wanted}Row", joint=""), table, {"adopted": "True"})
        if name != table_name(made.name):
            made.keywords["table"] = quoted(name)
        path = free_path(made.name, paths)
        if path:
            made.keywords["path"] = quoted(path)
        return made

    # ------------------------------------------------------------------------------------------------- references

    def _followed(self, table: RealTable) -> dict[RealReference, bool]:
        """The references that become relations, and whether each has columns of its own."""
        found = [one for one in followed(self._existing, table) if one.table in self.by_table]
        borrowed = borrowing(table, found)
        return {reference: reference not in borrowed for reference in dict.fromkeys(found)}

    def _break_circles(self) -> None:
        """Keys that are made of each other can't be: the first one of a circle keeps its columns to itself."""
        for name in self.by_table:
            ways = [(name, reference) for reference in self._of_key(name)]
            seen: set[str] = set()
            while ways:
                start, reference = ways.pop()
                if reference.table == name:
                    self._references[start][reference] = False
                elif reference.table not in seen:
                    seen.add(reference.table)
                    ways += [(reference.table, one) for one in self._of_key(reference.table)]

    def _of_key(self, name: str) -> list[RealReference]:
        key = set(self._keys[name])
        return [one for one, own in self._references[name].items() if own and key.issuperset(one.columns)]

    def _flat_key(self, name: str) -> tuple[str, ...]:
        """The columns of a key in the order in which its members have them."""
        key = self._keys[name]
        parts = [in_key_order(one, self._flat_key(one.table)) for one in self._of_key(name)]
        covered = {column for part in parts for column in part}
        parts += [(column,) for column in key if column not in covered]
        return tuple(column for part in sorted(parts, key=lambda part: _place(part, key)) for column in part)

    # ---------------------------------------------------------------------------------------------------- members

    def _members(self, made: Class) -> None:
        """Fields and relations in the order of their columns, then the relations over columns of others."""
        table, key = made.table, self._keys[made.table.name]
        references = self._references[table.name]
        owned = {reference.columns[0]: reference for reference, own in references.items() if own}
        covered = {column for reference in owned.values() for column in reference.columns}
        for name, column in table.columns.items():
            if name not in covered:
                wanted = member_name(name)
                self._field(made, column, made.names.give(wanted, f"{wanted}_2"), alone=key == (name,))
        for name in table.columns:
            if name in owned:
                self._relation(made, owned[name], key)
        place = {column: at for at, column in enumerate(table.columns)}
        made.members.sort(key=lambda member: place[made.columns[member.name][0]])
        for reference, own in references.items():
            if not own:
                self._relation(made, reference, key)
        self._key(made, key)
        made.uniques = [list(names) for names in dict.fromkeys(self._uniques(made, key))]
        self._indexes(made, key)

    def _field(self, made: Class, column: RealColumn, name: str, *, alone: bool) -> None:
        held, options = self._existing.held[made.table.name][column.name], dict[str, str]()
        key = column.name in self._keys[made.table.name]
        default = default_of(column, held)
        nullable = column.nullable and not key
        if default is not None and not (key and default == "None"):
            options["default"] = default
        if alone:
            options["key"] = "True"
        options |= _sizes(held) | bounds_of(held)
        if not alone and frozenset({column.name}) in made.table.uniques and held.type.kind is not Kind.JSON:
            options["unique"] = "True"
        if column.made in ("always", "computed") and not key:
            options["readonly"] = "True"
        elif HIDDEN.search(name) and not key and held.type.kind is Kind.TEXT:
            options["writeonly"] = "True"
        if column.name != name:
            options["column"] = quoted(column.name)
        if held.stored:
            options["stored"] = quoted(held.stored)
        if column.comment:
            options["help"] = quoted(" ".join(column.comment.split()))
        made.columns[name] = (column.name,)
        notes = [held.note, WRITTEN_ONLY if "writeonly" in options else ""]
        made.members.append(Written(name, held.type, nullable, False, options, ". ".join(filter(None, notes))))

    def _relation(self, made: Class, reference: RealReference, key: tuple[str, ...]) -> None:
        table, target = made.table, self.by_table[reference.table]
        own = self._references[table.name][reference]
        columns = in_key_order(reference, self._flat_key(reference.table))
        natural = columns == self._keys[reference.table]
        name = made.names.give(*relation_names(columns, target.name, natural=natural))
        nullable = any(table.columns[column].nullable for column in columns) and not set(columns) <= set(key)
        options: dict[str, str] = {"default": "None"} if nullable else {}
        if own and len(columns) == len(key) and set(columns) == set(key):
            options["key"] = "True"
        elif own and frozenset(columns) in table.uniques:
            options["unique"] = "True"
        if not own:
            options["readonly"] = "True"
        on_delete = ON_DELETE.get(reference.on_delete)
        if reference.loose:
            options["constrained"] = "False"
            made.remarks.append(f"{name}: old rows may lead nowhere, hence constrained=False.")
        elif on_delete == "null" and not nullable:
            options["constrained"] = "False"
            made.remarks.append(f"{name}: ON DELETE SET NULL can't be done here, as the column may not be NULL.")
        elif on_delete is not None:
            options["on_delete"] = quoted(on_delete)
        if reference.on_delete == "SET DEFAULT":
            made.remarks.append(f"{name}: ON DELETE SET DEFAULT is done by the database; there is no word for it here.")
        made.remarks += [
            rest.default_of_relation(name, column, table.columns[column].says)
            for column in columns
            if own and table.columns[column].says
        ]
        if columns != (f"{name}_{self._label(target)}",):
            shown = ", ".join(map(quoted, columns))
            options["column"] = shown if len(columns) == 1 else f"({shown})"
        made.columns[name] = columns
        made.members.append(Written(name, target.name, nullable, False, options))

    def _label(self, target: Class) -> str:
        """What the one member of the key is called, as far as it is known yet; "" where it is not."""
        key = self._keys[target.table.name]
        return next(
            (one.name for one in target.members if isinstance(one.type, Type) and target.columns[one.name] == key), ""
        )

    def _key(self, made: Class, key: tuple[str, ...]) -> None:
        if made.table.primary != key:
            held = frozenset(key) in made.table.uniques
            if not held:
                made.keywords["constrained"] = "False"
                made.note = f"Nothing holds the rows to this key: {', '.join(key)} was different in all of them so far."
        if any("key" in member.options for member in made.members):
            return
        parts = [name for name, columns in made.columns.items() if set(columns) <= set(key) and self._owns(made, name)]
        parts.sort(key=lambda name: _place(made.columns[name], key))
        made.keywords["key"] = f"({', '.join(map(quoted, parts))})"

    def _owns(self, made: Class, name: str) -> bool:
        member = next(member for member in made.members if member.name == name)
        return isinstance(member.type, Type) or "readonly" not in member.options

    def _uniques(self, made: Class, key: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
        for index in made.table.indexes.values():
            columns = set(index.columns)
            if frozenset(columns) not in made.table.uniques or columns in (set(key), set(made.table.primary)):
                continue
            parts = [name for name, own in made.columns.items() if columns.issuperset(own) and self._owns(made, name)]
            parts.sort(key=lambda name: _place(made.columns[name], index.columns))
            if {column for name in parts for column in made.columns[name]} == columns and len(parts) > 1:
                yield tuple(parts)

    def _indexes(self, made: Class, key: tuple[str, ...]) -> None:
        """Indexes for reading, and in words those that can't be declared."""
        owner = {
            columns[0]: name for name, columns in made.columns.items() if len(columns) == 1 and self._owns(made, name)
        }
        members = {member.name: member for member in made.members}
        for index in made.table.indexes.values():
            if index.unique and not index.where and "" not in index.columns:
                continue
            if index.unique or index.where or not set(index.columns) <= owner.keys():
                relation = {columns for name, columns in made.columns.items() if isinstance(members[name].type, str)}
                if index.columns not in relation:
                    made.remarks.append(rest.index_of(index))
                continue
            names = [f"{'-' if one in index.descending else ''}{owner[one]}" for one in index.columns]
            only = members[names[0].removeprefix("-")]
            if len(names) > 1 or names[0].startswith("-"):
                made.indexes += [] if names in made.indexes else [names]
            elif isinstance(only.type, Type) and index.columns != key and "unique" not in only.options:
                only.options["index"] = "True"

    def _remarks(self, made: Class) -> None:
        """What else there is in the table."""
        table, members = made.table, {member.name: member for member in made.members}
        fields = {columns[0]: name for name, columns in made.columns.items() if isinstance(members[name].type, Type)}
        classes = {name: one.name for name, one in self.by_table.items()}
        made.remarks += rest.conditions(self._existing, table, fields)
        made.remarks += [
            rest.reference(self._existing, table, one, classes)
            for one in dict.fromkeys(table.references)
            if one not in self._references[table.name]
        ]
        made.remarks += rest.more(table)

    # ------------------------------------------------------------------------------------------------------- lists

    def _lists(self, link: Link) -> None:
        """A many-to-many relation, and its other side."""
        near, far = self.by_table.get(link.near.table), self.by_table.get(link.far.table)
        if near is None or far is None:
            self.without[link.table] = "it links tables of which one is left out"
            return
        by = snake(class_name(link.table))
        name = near.names.give(*_after(near.table.name, link.table), *many_names(far.name, by, several=False))
        options = {
            "default_factory": "list",
            "table": quoted(link.table),
            "column": f"({quoted(link.near.columns[0])}, {quoted(link.far.columns[0])})",
        }
        if ON_DELETE.get(link.near.on_delete) != "cascade":
            options["on_delete"] = quoted("restrict")
        near.members.append(Written(name, far.name, many=True, options=options))
        back = far.names.give(*many_names(near.name, by, several=False))
        far.members.append(Written(back, near.name, many=True, options={"inverse": quoted(name)}))
        table = self._existing.tables[link.table]
        near.remarks += [f"{name}: {text}" for text in (*rest.conditions(self._existing, table, {}), *rest.more(table))]

    def _other_sides(self, made: Class) -> None:
        """The lists of rows that point to a row by relations of their own."""
        for name, other in self.by_table.items():
            pointing = [one for one, own in self._references[name].items() if own and one.table == made.table.name]
            for reference in pointing:
                relation = next(
                    member.name
                    for member in other.members
                    if member.type == made.name and set(other.columns.get(member.name, ())) == set(reference.columns)
                )
                wanted = many_names(other.name, relation, several=len(pointing) > 1)
                found = made.names.give(*wanted)
                made.members.append(Written(found, other.name, many=True, options={"inverse": quoted(relation)}))


def _after(table: str, link: str) -> list[str]:
    """What is left of the name of a table of links behind that of the table: the `tags` of `article_tags`."""
    left = link.removeprefix(f"{table}_")
    return [] if left == link else [member_name(left)]


def _place(columns: tuple[str, ...], key: tuple[str, ...]) -> int:
    """Where a member stands in a key: at the first of its columns."""
    return min(map(key.index, columns))


def _sizes(held: Held) -> dict[str, str]:
    found: dict[str, str] = {}
    if held.length is not None and not held.type.choices:
        found["max_length"] = str(held.length)
    if held.type.kind is Kind.DECIMAL:
        found |= {"max_digits": str(held.type.digits), "decimal_places": str(held.type.places)}
    return found
