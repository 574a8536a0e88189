"""Texts and bytes in keys and indexes, which MariaDB gives 3,072 bytes in all.

A declared length of 255 at most makes a VARCHAR, which fits; so do choices. Any other text has no end: where it is
unique a computed column holds its hash, which is unique in its stead, and an index is on its beginning. Only what is
part of a key, or refers to one, gets an end all the same; a longer value is refused with `OutOfRange`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects import mysql

from kingpost.stores.sql.mariadb.literals import COLLATION

ROOM: Final = 3072
SHORT: Final = 255
NUMBER: Final = 16
"""Bytes of a part that is neither text nor bytes, at most."""

HASH: Final = 32


def fit(table: sa.Table, longest: Mapping[str, int | None]) -> None:
    """Give columns the types that keys and indexes need. `longest`: the declared lengths."""
    for column in table.columns:
        length = longest.get(column.name)
        if length is not None and length <= SHORT:
            _end(column, SHORT)
    references = sorted(table.foreign_key_constraints, key=lambda one: str(one.name))
    for key in (table.primary_key, *references):
        columns = list(key.columns)
        for name, most in _beginnings(columns).items():
            _end(table.c[name], most)
    for one in list(table.constraints):
        if isinstance(one, sa.UniqueConstraint):
            _hash(table, one)
    for index in list(table.indexes):
        columns = [table.c[column.name] for column in index.columns]
        lengths = _beginnings(columns)
        if lengths:
            table.indexes.discard(index)
            sa.Index(str(index.name), *columns, mysql_length=lengths, info=dict(index.info))


def _hash(table: sa.Table, unique: sa.UniqueConstraint) -> None:
    """Let the hashes of texts without end be unique in their stead."""
    columns = list(unique.columns)
    if not _beginnings(columns):
        return
    table.constraints.discard(unique)
    held: list[sa.Column[Any]] = []
    for column in columns:
        name = f"hash_{column.name}"[:64]
        if _bytes(column) > HASH and name not in table.c:
            says = sa.text(f"unhex(sha2(`{column.name.replace('`', '``')}`, 256))")
            table.append_column(sa.Column(name, sa.BINARY(HASH), sa.Computed(says, persisted=False)))
        held.append(table.c[name] if _bytes(column) > HASH else column)
    info = {"columns": tuple(column.name for column in columns)}
    table.append_constraint(sa.UniqueConstraint(*held, name=unique.name, info=info))
    label = "ix" + str(unique.name).removeprefix("uq")
    if label not in {str(index.name) for index in table.indexes}:
        sa.Index(label, *columns, mysql_length=_beginnings(columns), info={"of": unique.name})


def _beginnings(columns: Sequence[sa.Column[Any]]) -> dict[str, int]:
    """How much of each column an index has, in characters or bytes, where it can't have all."""
    if sum(map(_bytes, columns)) <= ROOM:
        return {}
    wide = [column for column in columns if _bytes(column) > HASH]
    room = (ROOM - HASH * (len(columns) - len(wide))) // len(wide)
    return {column.name: room // _width(column) for column in wide if _bytes(column) > room}


def _width(column: sa.Column[Any]) -> int:
    """Bytes of one character of a text, or of bytes."""
    return 4 if isinstance(column.type, mysql.LONGTEXT | sa.VARCHAR) else 1


def _bytes(column: sa.Column[Any]) -> int:
    """How many there may be in a value."""
    if isinstance(column.type, mysql.LONGTEXT | mysql.LONGBLOB):
        return ROOM + 1
    length = getattr(column.type, "length", None)
    return NUMBER if length is None else length * _width(column)


def _end(column: sa.Column[Any], most: int) -> None:
    if isinstance(column.type, mysql.LONGTEXT | sa.VARCHAR):
        column.type = sa.VARCHAR(most, collation=COLLATION)
    elif isinstance(column.type, mysql.LONGBLOB | sa.VARBINARY):
        column.type = sa.VARBINARY(most)
