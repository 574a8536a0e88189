"""The DuckDB store passes the suite."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from kingpost.model.model import Model
from kingpost.stores.sql.duckdb.store import DuckDBStore
from kingpost.testing.conformance import TableStoreConformance


class TestDuckDB(TableStoreConformance):
    @pytest.fixture
    def open_store(self, tmp_path: Path) -> Callable[[Model], DuckDBStore]:
        return lambda model: DuckDBStore(f"duckdb:///{tmp_path}/test.duckdb", model, "main")
