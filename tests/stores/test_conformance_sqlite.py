"""The SQLite store passes the suite."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from kingpost.model.model import Model
from kingpost.stores.sql.sqlite.store import SqliteStore
from kingpost.testing.conformance import TableStoreConformance


class TestSqlite(TableStoreConformance):
    @pytest.fixture
    def open_store(self, tmp_path: Path) -> Callable[[Model], SqliteStore]:
        return lambda model: SqliteStore(f"sqlite:///{tmp_path}/test.db", model, "main")
