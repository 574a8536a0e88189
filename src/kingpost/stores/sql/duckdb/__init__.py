"""The DuckDB store: its words, its one process-wide instance, and reading what is in a database."""
