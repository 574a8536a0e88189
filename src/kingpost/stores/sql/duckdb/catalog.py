"""Reading DuckDB's catalogue."""

from __future__ import annotations

from collections.abc import Iterable

import duckdb

from kingpost.stores.sql.catalog import RealColumn, RealIndex, RealReference, RealTable
from kingpost.stores.sql.duckdb.instance import NAME


def read(cursor: duckdb.DuckDBPyConnection, names: Iterable[str]) -> dict[str, RealTable]:
    """Those of the named tables and views that exist."""
    wanted = list(names)
    views = {name for (name,) in cursor.execute(_of("view_name", "duckdb_views")).fetchall()}
    there = {name for (name,) in cursor.execute(_of("table_name", "duckdb_tables")).fetchall()} | views
    return {name: _table(cursor, name, view=name in views) for name in wanted if name in there}


def _of(columns: str, source: str, more: str = "") -> str:
    return f"SELECT {columns} FROM {source}() WHERE database_name = '{NAME}' AND schema_name = 'main'{more}"


def _table(cursor: duckdb.DuckDBPyConnection, name: str, *, view: bool) -> RealTable:
    table = RealTable(name, "view" if view else "table")
    columns = _of("column_name, data_type, is_nullable, column_default", "duckdb_columns", " AND table_name = $1")
    for column, type, nullable, default in cursor.execute(f"{columns} ORDER BY column_index", [name]).fetchall():
        table.columns[column] = RealColumn(column, type, nullable, default is not None, default or "")
    if view:
        return table
    quoted = '"' + name.replace('"', '""') + '"'
    (found,) = cursor.execute(f"SELECT NOT EXISTS (SELECT 1 FROM {quoted})").fetchall()
    table.empty = bool(found[0])
    constraints = _of(
        "constraint_type, constraint_column_names, constraint_text, referenced_table, referenced_column_names",
        "duckdb_constraints", " AND table_name = $1",
    )  # fmt: skip
    for kind, held, text, target, targets in cursor.execute(constraints, [name]).fetchall():
        if kind == "PRIMARY KEY":
            table.primary = tuple(held)
        elif kind == "UNIQUE":
            table.uniques.add(frozenset(held))
        elif kind == "CHECK":
            table.checks[f"check {len(table.checks) + 1}"] = text
        elif kind == "FOREIGN KEY":
            table.references.append(RealReference(tuple(held), target, tuple(targets), "NO ACTION"))
    indexes = _of("index_name, is_unique, expressions, sql", "duckdb_indexes", " AND table_name = $1")
    for index, unique, expressions, text in cursor.execute(indexes, [name]).fetchall():
        parts = [part.strip().strip("'\"") for part in expressions.strip("[]").split(",")]
        table.add(RealIndex(index, tuple(p if p in table.columns else "" for p in parts), unique, text=text or ""))
    return table
