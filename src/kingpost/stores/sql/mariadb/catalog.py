"""Reading MariaDB's catalogue: of the database that the connection is in."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

from kingpost.stores.sql.catalog import RealColumn, RealIndex, RealReference, RealTable
from kingpost.stores.sql.mariadb.literals import Listed

TABLES = """
SELECT table_name, table_type <> 'BASE TABLE', table_comment FROM information_schema.tables
 WHERE table_schema = database() AND table_name IN ?
"""

COLUMNS = """
SELECT table_name, column_name, column_type, collation_name, is_nullable = 'YES', column_default, extra,
       generation_expression, column_comment
  FROM information_schema.columns
 WHERE table_schema = database() AND table_name IN ? ORDER BY table_name, ordinal_position
"""

REFERENCES = """
SELECT k.table_name, k.constraint_name, k.column_name, k.referenced_table_schema = database(),
       k.referenced_table_name, k.referenced_column_name, r.delete_rule
  FROM information_schema.key_column_usage k
  JOIN information_schema.referential_constraints r
    ON r.constraint_schema = k.constraint_schema AND r.constraint_name = k.constraint_name
   AND r.table_name = k.table_name
 WHERE k.table_schema = database() AND k.table_name IN ? AND k.referenced_table_name IS NOT NULL
 ORDER BY k.table_name, k.constraint_name, k.ordinal_position
"""

INDEXES = """
SELECT table_name, index_name, non_unique = 0, column_name, collation = 'D', sub_part
  FROM information_schema.statistics
 WHERE table_schema = database() AND table_name IN ? ORDER BY table_name, index_name, seq_in_index
"""

CHECKS = """
SELECT table_name, constraint_name, check_clause FROM information_schema.check_constraints
 WHERE constraint_schema = database() AND table_name IN ?
"""

TRIGGERS = """
SELECT event_object_table, trigger_name FROM information_schema.triggers
 WHERE trigger_schema = database() AND event_object_table IN ?
"""

NAMES = (
    "SELECT table_name FROM information_schema.tables WHERE table_schema = database() ORDER BY create_time, table_name"
)


async def names(connection: Any) -> list[str]:
    """All tables and views, in the order of their making."""
    return [name for (name,) in await connection.ask(NAMES)]


async def read(connection: Any, names: Iterable[str]) -> dict[str, RealTable]:
    """Those of the named tables and views that exist."""
    wanted = (Listed([(name,) for name in names]),)
    found: dict[str, RealTable] = {}
    for name, is_view, comment in await connection.ask(TABLES, wanted):
        found[name] = RealTable(name, "view" if is_view else "table", comment=comment)
    for row in await connection.ask(COLUMNS, wanted):
        _column(found[row[0]], row)
    references: dict[tuple[str, str], list[Sequence[Any]]] = {}
    for row in await connection.ask(REFERENCES, wanted):
        references.setdefault((row[0], row[1]), []).append(row)
    for (name, _), rows in references.items():
        *_, here, target, _, on_delete = rows[0]
        columns, targets = tuple(row[2] for row in rows), tuple(row[5] for row in rows)
        found[name].references.append(RealReference(columns, target if here else f"?.{target}", targets, on_delete))
    indexes: dict[tuple[str, str], list[Sequence[Any]]] = {}
    for row in await connection.ask(INDEXES, wanted):
        indexes.setdefault((row[0], row[1]), []).append(row)
    for (name, index), rows in indexes.items():
        _index(found[name], index, rows)
    for name, constraint, condition in await connection.ask(CHECKS, wanted):
        found[name].checks[constraint] = condition
    for name, trigger in await connection.ask(TRIGGERS, wanted):
        found[name].more.append(f"TRIGGER {trigger}")
    for name, table in found.items():
        if table.kind == "table":
            quoted = "`" + name.replace("`", "``") + "`"
            table.empty = not await connection.ask(f"SELECT 1 FROM {quoted} LIMIT 1")
    return found


def _column(table: RealTable, row: Sequence[Any]) -> None:
    _, name, real, collation, nullable, says, extra, computed, comment = row
    type = plain(real)
    worded = type if collation is None else f"{type} COLLATE {collation}"
    numbered = "auto_increment" in extra
    default = None if says == "NULL" else says
    made: Any = "computed" if computed else "identity" if numbered else ""
    table.columns[name] = RealColumn(
        name, worded, bool(nullable), bool(made) or default is not None, default or "", made, choices(real),
        comment=comment,
    )  # fmt: skip


def _index(table: RealTable, name: str, rows: Sequence[Sequence[Any]]) -> None:
    columns = tuple(row[3] or "" for row in rows)
    if name == "PRIMARY":
        table.primary = columns
        return
    down = frozenset(row[3] for row in rows if row[4])
    whole = all(row[5] is None for row in rows)  # of the beginnings of texts nothing is unique but these
    table.add(RealIndex(name, columns, bool(rows[0][2]) and whole, descending=down))


def plain(real: str) -> str:
    """A type without what says nothing of its values: `bigint(20)` is `bigint`."""
    if real == "tinyint(1)":
        return "bool"
    return re.sub(r"^((?:tiny|small|medium|big)?int)\(\d+\)", r"\1", real)


def choices(real: str) -> tuple[str, ...]:
    """The labels of an `enum('a','b')`."""
    if not real.startswith("enum("):
        return ()
    return tuple(text.replace("''", "'") for text in re.findall(r"'((?:[^']|'')*)'", real))
