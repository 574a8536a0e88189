"""Reading PostgreSQL's catalogue."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from kingpost.stores.sql.catalog import RealColumn, RealReference, RealTable

COLUMNS = """
SELECT c.relname, a.attname, format_type(a.atttypid, a.atttypmod) AS type, NOT a.attnotnull AS nullable,
       a.atthasdef OR a.attidentity <> '' AS has_default,
       CASE WHEN a.attcollation = 0 THEN NULL
            WHEN l.collname IN ('C', 'POSIX', 'ucs_basic', 'pg_c_utf8', 'pg_unicode_fast') THEN 'C'
            WHEN l.collname = 'default' AND (d.datcollate IN ('C', 'POSIX') OR d.datlocprovider = 'b') THEN 'C'
            ELSE l.collname END AS collation
  FROM pg_class c
  JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
  JOIN pg_database d ON d.datname = current_database()
  LEFT JOIN pg_collation l ON l.oid = a.attcollation
 WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind IN ('r', 'p') AND c.relname = ANY($1::text[])
 ORDER BY c.relname, a.attnum
"""

CONSTRAINTS = """
SELECT c.relname, k.conname, k.contype::text AS kind, f.relname AS target, k.confdeltype::text AS on_delete,
       ARRAY(SELECT a.attname::text FROM unnest(k.conkey) WITH ORDINALITY u(n, place)
               JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = u.n ORDER BY place) AS columns,
       ARRAY(SELECT a.attname::text FROM unnest(k.confkey) WITH ORDINALITY u(n, place)
               JOIN pg_attribute a ON a.attrelid = k.confrelid AND a.attnum = u.n ORDER BY place) AS targets
  FROM pg_constraint k
  JOIN pg_class c ON c.oid = k.conrelid
  LEFT JOIN pg_class f ON f.oid = k.confrelid
 WHERE c.relnamespace = current_schema()::regnamespace AND c.relname = ANY($1::text[])
"""

INDEXES = """
SELECT c.relname, x.relname AS name, i.indisunique AND i.indpred IS NULL AS is_unique,
       ARRAY(SELECT a.attname::text FROM unnest(i.indkey::int2[]) u(n)
               JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = u.n) AS columns
  FROM pg_index i
  JOIN pg_class c ON c.oid = i.indrelid
  JOIN pg_class x ON x.oid = i.indexrelid
 WHERE c.relnamespace = current_schema()::regnamespace AND c.relname = ANY($1::text[])
"""

ON_DELETE = {"a": "NO ACTION", "r": "RESTRICT", "c": "CASCADE", "n": "SET NULL", "d": "SET DEFAULT"}


async def read(connection: Any, names: Iterable[str]) -> dict[str, RealTable]:
    """Those of the named tables that exist in the current schema."""
    wanted = list(names)
    found: dict[str, RealTable] = {}
    for name, column, type, nullable, default, collation in await connection.fetch(COLUMNS, wanted):
        worded = type if collation is None else f'{type} COLLATE "{collation}"'
        table = found.setdefault(name, RealTable(name))
        table.columns[column] = RealColumn(column, worded, nullable, default)
    for name, constraint, kind, target, on_delete, columns, targets in await connection.fetch(CONSTRAINTS, wanted):
        table = found[name]
        match kind:
            case "p":
                table.primary = tuple(columns)
            case "f":
                reference = RealReference(tuple(columns), target, tuple(targets), ON_DELETE[on_delete])
                table.references.append(reference)
            case "c":
                table.checks.add(constraint)
            case _:  # a NOT NULL is read with its column, a unique one with its index
                pass
    for name, index, unique, columns in await connection.fetch(INDEXES, wanted):
        found[name].indexes.add(index)
        if unique:
            found[name].uniques.add(frozenset(columns))
    for name, table in found.items():
        quoted = '"' + name.replace('"', '""') + '"'
        table.empty = await connection.fetchval(f"SELECT NOT EXISTS (SELECT 1 FROM {quoted})")
    return found
