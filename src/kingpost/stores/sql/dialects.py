"""The dialects there are."""

from __future__ import annotations

from kingpost.stores.sql.dialect import Dialect
from kingpost.stores.sql.postgres.dialect import PostgreSQL
from kingpost.stores.sql.sqlite.dialect import SQLite

SQLITE = SQLite()
POSTGRES = PostgreSQL()

__all__ = ["POSTGRES", "SQLITE", "Dialect"]
