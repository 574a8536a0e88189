"""Rows of Parquet files, whose columns have types: only such as hold what is declared, value for value."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import duckdb

from kingpost.language.types import Kind, Type
from kingpost.model.columns import Column
from kingpost.stores.files.faults import FileFault
from kingpost.stores.files.values import quoted, sql_type
from kingpost.stores.sql.duckdb.instance import literal

_WHOLE: Final = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT")
FITTING: Final[dict[Kind, tuple[str, ...]]] = {
    Kind.BOOL: ("BOOLEAN",), Kind.INT: _WHOLE, Kind.FLOAT: ("DOUBLE", "FLOAT", *_WHOLE[:-1]), Kind.TEXT: ("VARCHAR",),
    Kind.BYTES: ("BLOB",), Kind.UUID: ("UUID",), Kind.DATETIME: ("TIMESTAMP WITH TIME ZONE",), Kind.DATE: ("DATE",),
    Kind.TIME: ("TIME",), Kind.DECIMAL: _WHOLE, Kind.DURATION: ("BIGINT",), Kind.ENUM: ("VARCHAR",),
}  # fmt: skip


def insert_parquet(connection: duckdb.DuckDBPyConnection, table: str, file: Path, columns: Sequence[Column]) -> None:
    """Take over the rows of a file into a table, which has one column more for their places. Raises `FileFault`."""
    source = f"read_parquet({literal(str(file))}, file_row_number = true)"
    try:
        described = connection.execute(f"DESCRIBE SELECT * FROM {source}").fetchall()
    except duckdb.Error as error:
        raise FileFault(f"{file} is no Parquet file ({type(error).__name__})") from None
    types = {name: found for name, found, *_ in described}
    values: list[str] = []
    for column in columns:
        found = types.get(column.name)
        if found is None:
            there = ", ".join(name for name in types if name != "file_row_number")
            remedy = 'field(column="...") names the column that is meant'
            raise FileFault(f"{file}: there is no column {column.name}; there are {there}", remedy)
        if not _fits(column.type, found):
            raise FileFault(f"{file}: the column {column.name} is of {found}, which is no {column.type}")
        values.append(f"CAST({quoted(column.name)} AS {sql_type(column.type)})")
        _look(connection, file, source, quoted(column.name), column)
    place = f"{literal(file.name + ':')} || (file_row_number + 1)"
    connection.execute(f"INSERT INTO {table} SELECT {', '.join(values)}, {place} FROM {source}")


def _fits(type: Type, found: str) -> bool:
    decimal = re.fullmatch(r"DECIMAL\((\d+),(\d+)\)", found)
    if type.kind is Kind.DECIMAL and decimal is not None:
        return int(decimal[2]) <= (type.places or 0)
    if type.kind is Kind.ENUM and type.choices and isinstance(type.choices[0], int):
        return found in _WHOLE
    return found in FITTING.get(type.kind, ())


def _look(connection: duckdb.DuckDBPyConnection, file: Path, source: str, name: str, column: Column) -> None:
    """Raises `FileFault` for the first row with a value that no such field may have."""
    wrong: dict[str, str] = {}
    if not column.type.nullable:
        wrong["is empty, and is not optional"] = f"{name} IS NULL"
    if column.type.kind is Kind.FLOAT:
        wrong["is not a finite number"] = f"NOT isfinite({name}::DOUBLE)"
    if column.type.kind is Kind.INT:
        wrong["does not fit into 64 bits"] = f"{name}::HUGEINT > 9223372036854775807"
    if column.type.kind is Kind.TEXT:
        wrong["has a character that no text may have"] = f"contains({name}, chr(0))"
    if column.type.choices:
        choices = ", ".join(literal(one) if isinstance(one, str) else str(one) for one in column.type.choices)
        wrong[f"is none of {', '.join(map(str, column.type.choices))}"] = f"{name} NOT IN ({choices})"
    for words, condition in wrong.items():
        row = connection.execute(f"SELECT min(file_row_number) FROM {source} WHERE {condition}").fetchone()
        if row is not None and row[0] is not None:
            raise FileFault(f"{file}, row {row[0] + 1}: {column.name} {words}")
