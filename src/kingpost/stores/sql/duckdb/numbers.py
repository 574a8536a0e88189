"""Keys that a DuckDB store makes: DuckDB's sequences can't be told what numbers were given by hand.

The last number of every table is kept in a table of its own, and written with the rows: no number is given twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final, TypeAlias, cast

import duckdb

from kingpost.model.columns import key_columns
from kingpost.plan.made import makes, settled
from kingpost.plan.select import Insert, Made, Operation
from kingpost.stores.sql.common import Ground
from kingpost.stores.sql.duckdb.instance import Instance

TABLE: Final = '"_kingpost_numbers"'
CREATE: Final = f"CREATE TABLE IF NOT EXISTS {TABLE} (name VARCHAR PRIMARY KEY, last BIGINT NOT NULL)"
KEEP: Final = f"INSERT INTO {TABLE} VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET last = greatest(last, $2)"


Last: TypeAlias = dict[str, int]
"""The last number of each table that a batch gives numbers to."""


def settle(
    ground: Ground, instance: Instance, cursor: duckdb.DuckDBPyConnection, operations: Sequence[Operation]
) -> tuple[list[Operation], Last]:
    """The operations with all numbers in their places, and what is to be kept. In the writer's thread only."""
    last: Last = {}
    if not makes(operations) and not any(_gives(ground, one) for one in operations):
        return list(operations), last
    made: dict[Made, object] = {}
    found: list[Operation] = []
    for operation in operations:
        if isinstance(operation, Insert):
            resource = ground.model[operation.resource]
            if operation.makes:
                ((name, mark),) = operation.makes.items()
                number = _last(ground, instance, cursor, operation.resource, name) + 1
                instance.numbers[resource.table] = last[resource.table] = number
                made[mark] = number
                rows = [(*row, number) for row in operation.rows]
                returning = (*operation.returning, name)
                operation = replace(
                    operation, columns=(*operation.columns, name), rows=rows, returning=returning, makes={}
                )
            elif _gives(ground, operation):
                name = key_columns(ground.model, resource)[0].name
                place = operation.columns.index(name)
                largest = max((cast(int, row[place]) for row in operation.rows), default=0)
                if largest > _last(ground, instance, cursor, operation.resource, name):
                    instance.numbers[resource.table] = last[resource.table] = largest
        found.append(settled(operation, made))
    return found, last


def _gives(ground: Ground, operation: Operation) -> bool:
    """Whether it gives a number by hand where the store makes them otherwise."""
    if not isinstance(operation, Insert):
        return False
    resource = ground.model[operation.resource]
    return bool(resource.made) and any(
        column.name in operation.columns and column.member in resource.made
        for column in key_columns(ground.model, resource)
    )


def _last(ground: Ground, instance: Instance, cursor: duckdb.DuckDBPyConnection, resource: str, column: str) -> int:
    table = ground.model[resource].table
    if table not in instance.numbers:
        cursor.execute(CREATE)
        quote = ground.dialect.quote
        largest = f"SELECT coalesce(max({quote(column)}), 0) FROM {quote(table)}"
        kept = f"SELECT coalesce(max(last), 0) FROM {TABLE} WHERE name = $1"
        (row,) = cursor.execute(f"SELECT greatest(({largest}), ({kept}))", [table]).fetchall()
        instance.numbers[table] = int(row[0])
    return instance.numbers[table]


def keep(cursor: duckdb.DuckDBPyConnection, last: Last) -> None:
    """Write down the last numbers, in the transaction of the rows that have them."""
    for table, number in last.items():
        cursor.execute(CREATE)  # its making may have been taken back
        cursor.execute(KEEP, [table, number])
