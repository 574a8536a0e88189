"""The PostgreSQL store passes the suite."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from kingpost.model.model import Model
from kingpost.stores.sql.postgres import PostgresStore
from kingpost.testing.conformance import TableStoreConformance


class TestPostgres(TableStoreConformance):
    @pytest.fixture
    def open_store(self, postgres_url: str) -> Callable[[Model], PostgresStore]:
        return lambda model: PostgresStore(postgres_url, model, "main")
