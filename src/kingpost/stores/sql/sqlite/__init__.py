"""The SQLite store: its words, its readers and its writer, and reading what is in a database."""
