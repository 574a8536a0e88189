"""Reading PostgreSQL's catalogue: of what a name without a schema leads to."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from kingpost.stores.sql.catalog import RealColumn, RealIndex, RealReference, RealTable

NAMES = """
SELECT c.relname
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE n.nspname = ANY($1::text[]) AND c.relkind IN ('r', 'p', 'v', 'm', 'f') AND NOT c.relispartition
   AND pg_table_is_visible(c.oid)
 ORDER BY c.oid
"""

TABLES = """
SELECT c.relname, c.relkind IN ('v', 'm', 'f') AS is_view, coalesce(obj_description(c.oid, 'pg_class'), '') AS comment,
       c.relrowsecurity AS guarded
  FROM pg_class c
 WHERE pg_table_is_visible(c.oid) AND c.relkind IN ('r', 'p', 'v', 'm', 'f') AND c.relname = ANY($1::text[])
"""

COLUMNS = """
WITH RECURSIVE base(oid, root, typmod) AS (
    SELECT oid, oid, -1 FROM pg_type WHERE typtype <> 'd'
     UNION ALL
    SELECT d.oid, b.root, CASE WHEN b.typmod = -1 THEN d.typtypmod ELSE b.typmod END
      FROM pg_type d JOIN base b ON b.oid = d.typbasetype WHERE d.typtype = 'd'
)
SELECT c.relname, a.attname,
       format_type(b.root, CASE WHEN a.atttypmod = -1 THEN b.typmod ELSE a.atttypmod END) AS type,
       NOT a.attnotnull AS nullable,
       CASE WHEN a.attgenerated <> '' THEN 'computed' WHEN a.attidentity = 'a' THEN 'always'
            WHEN a.attidentity = 'd' OR pg_get_expr(e.adbin, e.adrelid) LIKE 'nextval(%' THEN 'identity'
            ELSE '' END AS made,
       CASE WHEN a.attgenerated = '' THEN pg_get_expr(e.adbin, e.adrelid) END AS says,
       CASE WHEN a.attcollation = 0 THEN NULL
            WHEN l.collname IN ('C', 'POSIX', 'ucs_basic', 'pg_c_utf8', 'pg_unicode_fast') THEN 'C'
            WHEN l.collname = 'default' AND (d.datcollate IN ('C', 'POSIX') OR d.datlocprovider = 'b') THEN 'C'
            ELSE l.collname END AS collation,
       ARRAY(SELECT v.enumlabel::text FROM pg_enum v WHERE v.enumtypid = b.root ORDER BY v.enumsortorder) AS choices,
       CASE WHEN a.atttypid <> b.root THEN format_type(a.atttypid, NULL) ELSE '' END AS domain,
       coalesce(col_description(c.oid, a.attnum), '') AS comment
  FROM pg_class c
  JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
  JOIN base b ON b.oid = a.atttypid
  JOIN pg_database d ON d.datname = current_database()
  LEFT JOIN pg_attrdef e ON e.adrelid = c.oid AND e.adnum = a.attnum
  LEFT JOIN pg_collation l ON l.oid = a.attcollation
 WHERE pg_table_is_visible(c.oid) AND c.relkind IN ('r', 'p', 'v', 'm', 'f') AND c.relname = ANY($1::text[])
 ORDER BY c.relname, a.attnum
"""

CONSTRAINTS = """
SELECT c.relname, k.conname, k.contype::text AS kind,
       CASE WHEN pg_table_is_visible(f.oid) THEN f.relname::text ELSE f.oid::regclass::text END AS target,
       k.confdeltype::text AS on_delete,
       ARRAY(SELECT a.attname::text FROM unnest(k.conkey) WITH ORDINALITY u(n, place)
               JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = u.n ORDER BY place) AS columns,
       ARRAY(SELECT a.attname::text FROM unnest(k.confkey) WITH ORDINALITY u(n, place)
               JOIN pg_attribute a ON a.attrelid = k.confrelid AND a.attnum = u.n ORDER BY place) AS targets,
       CASE WHEN k.contype = 'c' THEN pg_get_expr(k.conbin, k.conrelid)
            WHEN k.contype = 'x' THEN pg_get_constraintdef(k.oid) END AS condition,
       NOT k.convalidated AS loose
  FROM pg_constraint k
  JOIN pg_class c ON c.oid = k.conrelid
  LEFT JOIN pg_class f ON f.oid = k.confrelid
 WHERE pg_table_is_visible(c.oid) AND c.relname = ANY($1::text[]) AND k.conparentid = 0
 ORDER BY k.oid
"""

INDEXES = """
SELECT c.relname, x.relname AS name, i.indisunique AS is_unique,
       coalesce(pg_get_expr(i.indpred, i.indrelid), '') AS condition,
       ARRAY(SELECT coalesce(a.attname::text, '') FROM unnest(i.indkey::int2[]) WITH ORDINALITY u(n, place)
               LEFT JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = u.n
              WHERE place <= i.indnkeyatts ORDER BY place) AS columns,
       i.indoption::int2[] AS options, pg_get_indexdef(i.indexrelid) AS definition
  FROM pg_index i
  JOIN pg_class c ON c.oid = i.indrelid
  JOIN pg_class x ON x.oid = i.indexrelid
 WHERE pg_table_is_visible(c.oid) AND c.relname = ANY($1::text[])
 ORDER BY x.oid
"""

TRIGGERS = """
SELECT c.relname, t.tgname
  FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
 WHERE pg_table_is_visible(c.oid) AND c.relname = ANY($1::text[]) AND NOT t.tgisinternal AND t.tgparentid = 0
 ORDER BY t.oid
"""

BY_CODE_POINT = """
SELECT datcollate IN ('C', 'POSIX') OR datlocprovider = 'b' FROM pg_database WHERE datname = current_database()
"""
"""Whether texts are compared by code point where a column does not say how."""

ON_DELETE = {"a": "NO ACTION", "r": "RESTRICT", "c": "CASCADE", "n": "SET NULL", "d": "SET DEFAULT"}
DESCENDING = 1  # a bit of an index's option for a column


async def names(connection: Any, schemas: Sequence[str]) -> list[str]:
    """All tables and views of these schemas that a name without a schema leads to, in the order of their making."""
    return [name for (name,) in await connection.fetch(NAMES, list(schemas))]


async def read(connection: Any, names: Iterable[str]) -> dict[str, RealTable]:
    """Those of the named tables and views that exist."""
    wanted = list(names)
    found: dict[str, RealTable] = {}
    for name, is_view, comment, guarded in await connection.fetch(TABLES, wanted):
        found[name] = RealTable(name, "view" if is_view else "table", comment=comment)
        found[name].more += ["ROW LEVEL SECURITY"] if guarded else []
    for name, column, type, nullable, made, says, collation, choices, *rest in await connection.fetch(COLUMNS, wanted):
        worded = type if collation is None else f'{type} COLLATE "{collation}"'
        default = bool(made) or says is not None
        found[name].columns[column] = RealColumn(
            column, worded, nullable, default, says or "", made, tuple(choices), *rest
        )
    for name, constraint, kind, target, on_delete, columns, targets, condition, loose in await connection.fetch(
        CONSTRAINTS, wanted
    ):
        table = found[name]
        match kind:
            case "p":
                table.primary = tuple(columns)
            case "f":
                reference = RealReference(tuple(columns), target, tuple(targets), ON_DELETE[on_delete], loose)
                table.references.append(reference)
            case "c":
                table.checks[constraint] = condition
            case "x":
                table.more.append(condition)
            case _:  # a NOT NULL is read with its column, a unique one with its index
                pass
    for name, index, unique, condition, columns, options, definition in await connection.fetch(INDEXES, wanted):
        down = frozenset(column for column, option in zip(columns, options) if option & DESCENDING)
        found[name].add(RealIndex(index, tuple(columns), unique, condition, down - {""}, definition))
    for name, trigger in await connection.fetch(TRIGGERS, wanted):
        found[name].more.append(f"TRIGGER {trigger}")
    for name, table in found.items():
        if table.kind == "table":
            quoted = '"' + name.replace('"', '""') + '"'
            table.empty = await connection.fetchval(f"SELECT NOT EXISTS (SELECT 1 FROM {quoted})")
    return found
