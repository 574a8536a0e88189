"""Files as stores, and reading them: CSV, JSON, NDJSON, Parquet and Excel.

Decides which rows a file holds, as what is declared of them, and how rows are added to it. Knows no rules and no
actors, and leaves the questions to DuckDB.
"""
