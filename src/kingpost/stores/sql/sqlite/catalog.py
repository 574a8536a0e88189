"""Reading SQLite's catalogue."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping
from dataclasses import replace

from kingpost.stores.sql.catalog import RealColumn, RealIndex, RealReference, RealTable
from kingpost.stores.sql.sql_text import condition_of_index, made


def names(connection: sqlite3.Connection) -> list[str]:
    """All tables and views but SQLite's own and virtual ones, in the order of their making."""
    text = """SELECT m.name FROM sqlite_master m JOIN pragma_table_list l ON l.name = m.name AND l.schema = 'main'
               WHERE l.type IN ('table', 'view') AND m.name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY m.rowid"""
    return [name for (name,) in connection.execute(text)]


def read(connection: sqlite3.Connection, names: Iterable[str]) -> dict[str, RealTable]:
    """Those of the named tables and views that exist."""
    rows = connection.execute("SELECT name, type, sql FROM sqlite_master WHERE type IN ('table', 'view')").fetchall()
    kept = {name: (type, sql) for name, type, sql in rows}
    by_lower = {name.lower(): name for name in kept}
    found = {name: _table(connection, name, *kept[name]) for name in names if name in kept}
    for table in found.values():
        if table.kind == "table":
            _references(connection, table, by_lower)
    return found


def _table(connection: sqlite3.Connection, name: str, type: str, text: str) -> RealTable:
    table = RealTable(name, "view" if type == "view" else "table")
    said = made(text) if type == "table" else made("")
    keys: dict[int, str] = {}
    found = connection.execute(
        'SELECT name, type, "notnull", dflt_value, pk, hidden FROM pragma_table_xinfo(?)', [name]
    )
    for column, declared, not_null, default, key, hidden in found.fetchall():
        collation = said.collation(column)
        worded = declared.upper() + (f" COLLATE {collation}" if collation not in ("", "BINARY") else "")
        computed = hidden in (2, 3)
        table.columns[column] = RealColumn(
            column, worded, not (not_null or key), default is not None or computed, default or "",
            "computed" if computed else "",
        )  # fmt: skip
        if key:
            keys[key] = column
    if table.kind == "view":
        return table
    quoted = '"' + name.replace('"', '""') + '"'
    table.empty = bool(connection.execute(f"SELECT NOT EXISTS (SELECT 1 FROM {quoted})").fetchone()[0])
    table.checks = said.checks()
    table.primary = tuple(keys[place] for place in sorted(keys))
    if _numbers_rows(connection, table):
        (key_column,) = table.primary
        table.columns[key_column] = replace(table.columns[key_column], default=True, made="identity")
    _indexes(connection, table)
    triggers = connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = ?", [name])
    table.more += [f"TRIGGER {trigger}" for (trigger,) in triggers]
    return table


def _numbers_rows(connection: sqlite3.Connection, table: RealTable) -> bool:
    """Whether the key is another name of the row id, which SQLite makes: INTEGER PRIMARY KEY, without an index."""
    if len(table.primary) != 1 or table.columns[table.primary[0]].type != "INTEGER":
        return False
    without = connection.execute("SELECT wr FROM pragma_table_list WHERE name = ?", [table.name]).fetchone()
    origins = connection.execute("SELECT origin FROM pragma_index_list(?)", [table.name])
    return not without[0] and all(origin != "pk" for (origin,) in origins)


def _indexes(connection: sqlite3.Connection, table: RealTable) -> None:
    texts = dict(connection.execute("SELECT name, sql FROM sqlite_master WHERE type = 'index'").fetchall())
    found = connection.execute(
        'SELECT name, "unique", partial FROM pragma_index_list(?) ORDER BY seq DESC', [table.name]
    )
    for name, unique, partial in found.fetchall():
        parts = connection.execute('SELECT name, "desc" FROM pragma_index_xinfo(?) WHERE key', [name]).fetchall()
        text = texts.get(name) or ""
        table.add(
            RealIndex(
                name, tuple(column or "" for column, _ in parts), bool(unique),
                condition_of_index(text) if partial else "",
                frozenset(column for column, down in parts if down and column), text,
            )
        )  # fmt: skip


def _references(connection: sqlite3.Connection, table: RealTable, tables: Mapping[str, str]) -> None:
    text = 'SELECT id, "table", "from", "to", on_delete FROM pragma_foreign_key_list(?) ORDER BY id DESC, seq'
    groups: dict[int, list[tuple[str, str, str | None, str]]] = {}
    for number, *rest in connection.execute(text, [table.name]):
        groups.setdefault(number, []).append(tuple(rest))
    for group in groups.values():
        # Written in any case, and without the columns where the key is meant.
        target = tables.get(group[0][0].lower(), group[0][0])
        found = connection.execute("SELECT name, pk FROM pragma_table_xinfo(?)", [target]).fetchall()
        key = [name for name, _ in sorted((one for one in found if one[1]), key=lambda one: one[1])]
        columns = [_as_named(column, table.columns) for _, column, _, _ in group]
        names = [name for name, _ in found]
        targets = [
            _as_named(one[2], names) if one[2] else key[at] if at < len(key) else "" for at, one in enumerate(group)
        ]
        table.references.append(RealReference(tuple(columns), target, tuple(targets), group[0][3].upper()))


def _as_named(name: str, names: Iterable[str]) -> str:
    return next((one for one in names if one.lower() == name.lower()), name)
