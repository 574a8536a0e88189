"""ibis and Arrow, which tell no types: what comes of them is Any for all that is here."""

# pyright: reportMissingTypeStubs=false, reportUnknownVariableType=false

from __future__ import annotations

import sys
from typing import Any

import ibis as ibis_  # type: ignore[import-untyped]
import ibis.expr.operations as ops_  # type: ignore[import-untyped]
import pyarrow as pa_  # type: ignore[import-untyped]
import pyarrow.parquet as pq_  # type: ignore[import-untyped]
from ibis.backends.sql.compilers.duckdb import DuckDBCompiler  # type: ignore[import-untyped]
from ibis.common.exceptions import IbisError as IbisError_  # type: ignore[import-untyped]

ibis: Any = ibis_
ops: Any = ops_
pa: Any = pa_
pq: Any = pq_
IbisError: type[Exception] = IbisError_


def _look_for_pandas() -> None:
    """Let Arrow look for pandas, which it does once, while Python does not know yet that there is none.

    The entry None that says so (see `stores.sql.duckdb.instance`) Arrow takes for pandas itself, and fails.
    """
    known: Any = sys.modules.get("pandas", sys)
    blocked = known is None
    if blocked:
        del sys.modules["pandas"]
    pa.array([None])
    if blocked:
        sys.modules["pandas"] = None  # type: ignore[assignment]  # pyright: ignore[reportArgumentType]


_look_for_pandas()


def compiled(table: Any) -> str:
    """What an expression over tables without a database is in DuckDB's words. Raises `IbisError`."""
    # By its compiler alone: the backend that ibis has for DuckDB opens a database of its own, and needs pandas.
    return str(DuckDBCompiler().to_sqlglot(table).sql("duckdb"))
