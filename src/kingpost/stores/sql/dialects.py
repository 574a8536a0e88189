"""The dialects there are."""

from __future__ import annotations

from kingpost.stores.sql.dialect import Dialect
from kingpost.stores.sql.dialect_postgres import PostgreSQL
from kingpost.stores.sql.dialect_sqlite import SQLite

SQLITE = SQLite()
POSTGRES = PostgreSQL()

__all__ = ["POSTGRES", "SQLITE", "Dialect"]
