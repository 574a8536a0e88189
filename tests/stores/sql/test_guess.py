"""As what a column of an SQLite database is declared: its type only hints at what is in it."""

from __future__ import annotations

import pytest

from kingpost.language.types import Kind
from kingpost.stores.sql.catalog import RealColumn
from kingpost.stores.sql.checks import Condition
from kingpost.stores.sql.sqlite.guess import guess

UUID = "018f2b6c-0000-7000-8000-000000000001"


@pytest.mark.parametrize(
    ("declared", "values", "kind", "stored"),
    [
        ("INTEGER", [1, -5], Kind.INT, ""),
        ("INTEGER", [], Kind.INT, ""),
        ("INT", ["x", 1], Kind.TEXT, "text"),
        ("BIGINT UNSIGNED", [2**62], Kind.INT, ""),
        ("BOOLEAN", [0, 1], Kind.BOOL, ""),
        ("BOOLEAN", [0, 2], Kind.INT, ""),
        ("TINYINT(1)", [1], Kind.BOOL, ""),
        ("REAL", [1.5, 2.0], Kind.FLOAT, ""),
        ("DOUBLE", [], Kind.FLOAT, ""),
        ("NUMERIC", [1.5, 2], Kind.DECIMAL, "number"),
        ("NUMERIC", [1, 2], Kind.INT, ""),
        ("NUMERIC", [1 / 3], Kind.FLOAT, "number"),
        ("DECIMAL(10,2)", [9.99, 0.1 + 0.2], Kind.DECIMAL, "number"),
        ("DECIMAL(10,2)", [9.999], Kind.FLOAT, "number"),
        ("VARCHAR(20)", ["a"], Kind.TEXT, ""),
        ("VARCHAR(20) COLLATE NOCASE", ["a"], Kind.TEXT, "nocase"),
        ("TEXT", ["2024-01-01", "2024-12-31"], Kind.DATE, "%Y-%m-%d"),
        ("TEXT", ["2024-01-01", "2024-13-31"], Kind.TEXT, ""),
        ("TEXT", ["2024-01-01T10:00:00Z"], Kind.DATETIME, "%Y-%m-%dT%H:%M:%SZ"),
        ("DATETIME", ["2024-01-01 10:00:00"], Kind.DATETIME, "%Y-%m-%d %H:%M:%S[.%f]"),
        ("DATETIME", ["2024-01-01 10:00:00.000000", "2024-01-01 10:00:00.500000"], Kind.DATETIME,
         "%Y-%m-%d %H:%M:%S.%f"),
        ("DATETIME", ["2024-01-01 10:00:00.500"], Kind.DATETIME, "%Y-%m-%d %H:%M:%S.%3f"),
        ("DATETIME", ["2024-01-01 10:00:00+00:00"], Kind.DATETIME, "%Y-%m-%d %H:%M:%S+00:00"),
        ("DATETIME", ["2024-01-01 10:00:00+02:00"], Kind.TEXT, "text"),
        ("DATETIME", ["2024-01-01"], Kind.DATE, "%Y-%m-%d"),
        ("DATETIME", [], Kind.DATETIME, "%Y-%m-%d %H:%M:%S[.%f]"),
        ("DATE", [], Kind.DATE, "%Y-%m-%d"),
        ("TIMESTAMP", [1704103200], Kind.DATETIME, "seconds"),
        ("TIMESTAMP", [1704103200.25], Kind.DATETIME, "seconds"),
        ("TIMESTAMP", [1704103200000], Kind.DATETIME, "milliseconds"),
        ("TIMESTAMP", [1704103200000000], Kind.DATETIME, ""),
        ("TIMESTAMP", [12], Kind.INT, ""),
        ("DATETIME", [2460310.9166666665], Kind.DATETIME, "julian"),
        ("DATE", [2460310.5], Kind.DATE, "julian"),
        ("TIME", ["10:00:00"], Kind.TIME, ""),
        ("CHAR(36)", [UUID], Kind.UUID, ""),
        ("CHAR(36)", [UUID.upper()], Kind.TEXT, ""),
        ("CHAR(32)", [UUID.replace("-", "")], Kind.UUID, "hex"),
        ("CHAR(32)", ["0" * 32], Kind.TEXT, ""),
        ("UUID", [bytes(16)], Kind.UUID, "bytes"),
        ("BLOB", [b"x"], Kind.BYTES, ""),
        ("BLOB", [], Kind.BYTES, ""),
        ("BLOB", ["x"], Kind.TEXT, ""),
        ("BLOB", ["x", b"x"], Kind.TEXT, "text"),
        ("JSON", ['{"a": 1}', "[]"], Kind.JSON, ""),
        ("JSON", ["{"], Kind.TEXT, "text"),
        ("", [1, "a"], Kind.TEXT, "text"),
        ("", [1], Kind.INT, ""),
    ],
)  # fmt: skip
def test_by_type_and_values(declared: str, values: list[object], kind: Kind, stored: str) -> None:
    held = guess(RealColumn("it", declared, True, False), values, Condition())
    assert (held.type.kind, held.stored) == (kind, stored), held
