"""The PostgreSQL store, over asyncpg: its words, its connections, and reading what is in a database."""
