"""SQLite, PostgreSQL and MariaDB: translation of selects, tables, execution.

Decides how expressions, rows and conditions are said in SQL and in which form values are kept. Must not know who asks.
"""
