"""The MariaDB store passes the suite."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from kingpost.model.model import Model
from kingpost.stores.sql.mariadb.store import MariaDBStore
from kingpost.testing.conformance import TableStoreConformance


class TestMariaDB(TableStoreConformance):
    @pytest.fixture
    def open_store(self, mariadb_url: str) -> Callable[[Model], MariaDBStore]:
        return lambda model: MariaDBStore(f"{mariadb_url}?pool=4", model, "main")
