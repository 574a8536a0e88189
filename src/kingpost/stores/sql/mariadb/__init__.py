"""The MariaDB store, over asyncmy: its words, its connections, and reading what is in a database."""
