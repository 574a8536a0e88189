"""Reading SQLite's catalogue."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterable

from kingpost.stores.sql.catalog import RealColumn, RealReference, RealTable

CHECK = re.compile(r'CONSTRAINT\s+"?(\w+)"?\s+CHECK', re.IGNORECASE)


def read(connection: sqlite3.Connection, names: Iterable[str]) -> dict[str, RealTable]:
    """Those of the named tables that exist."""
    kept = dict(connection.execute("SELECT name, sql FROM sqlite_master WHERE type = 'table'").fetchall())
    return {name: _table(connection, name, kept[name]) for name in names if name in kept}


def _table(connection: sqlite3.Connection, name: str, text: str) -> RealTable:
    quoted = '"' + name.replace('"', '""') + '"'
    empty = connection.execute(f"SELECT NOT EXISTS (SELECT 1 FROM {quoted})").fetchone()[0]
    table = RealTable(name, bool(empty), checks=set(CHECK.findall(text)))
    keys: dict[int, str] = {}
    found = connection.execute('SELECT name, type, "notnull", dflt_value, pk FROM pragma_table_xinfo(?)', [name])
    for column, type, not_null, default, key in found.fetchall():
        table.columns[column] = RealColumn(column, type.upper(), not (not_null or key), default is not None)
        if key:
            keys[key] = column
    table.primary = tuple(keys[place] for place in sorted(keys))
    _indexes(connection, table)
    _references(connection, table)
    return table


def _indexes(connection: sqlite3.Connection, table: RealTable) -> None:
    found = connection.execute('SELECT name, "unique", partial FROM pragma_index_list(?)', [table.name])
    for name, unique, partial in found.fetchall():
        table.indexes.add(name)
        if unique and not partial:
            rows = connection.execute("SELECT name FROM pragma_index_info(?)", [name])
            table.uniques.add(frozenset(row[0] for row in rows))


def _references(connection: sqlite3.Connection, table: RealTable) -> None:
    text = 'SELECT id, "table", "from", "to", on_delete FROM pragma_foreign_key_list(?) ORDER BY id, seq'
    groups: dict[int, list[tuple[str, str, str | None, str]]] = {}
    for number, *rest in connection.execute(text, [table.name]):
        groups.setdefault(number, []).append(tuple(rest))
    for group in groups.values():
        columns = tuple(column for _, column, _, _ in group)
        targets = tuple(target or "" for _, _, target, _ in group)
        table.references.append(RealReference(columns, group[0][0], targets, group[0][3].upper()))
