"""The PostgreSQL store passes the suite."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import count

import pytest

from kingpost.model.model import Model
from kingpost.stores.sql.postgres.store import PostgresStore
from kingpost.testing.conformance import TableStoreConformance
from tests.services.postgres import PostgresServer

NUMBERS = count(1)


@pytest.fixture(scope="module")
def database(postgres_server: PostgresServer) -> Iterator[str]:
    """One database for all tests here; a schema in it is made in a hundredth of the time."""
    url = postgres_server.create_database()
    yield url
    postgres_server.drop_database(url)


class TestPostgres(TableStoreConformance):
    @pytest.fixture
    def open_store(self, postgres_server: PostgresServer, database: str) -> Callable[[Model], PostgresStore]:
        schema = f"place_{next(NUMBERS)}"
        postgres_server.sql(f"CREATE SCHEMA {schema}", database)
        return lambda model: PostgresStore(f"{database}?pool=4&search_path={schema}", model, "main")
