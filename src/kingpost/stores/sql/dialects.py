"""The dialects there are."""

from __future__ import annotations

from kingpost.stores.sql.dialect import Dialect
from kingpost.stores.sql.duckdb.dialect import DuckDB
from kingpost.stores.sql.mariadb.dialect import MariaDB
from kingpost.stores.sql.postgres.dialect import PostgreSQL
from kingpost.stores.sql.sqlite.dialect import SQLite

DUCKDB = DuckDB()
MARIADB = MariaDB()
SQLITE = SQLite()
POSTGRES = PostgreSQL()

__all__ = ["DUCKDB", "MARIADB", "POSTGRES", "SQLITE", "Dialect"]
