"""Opening DuckDB: its address, one instance per file and process, and what it may not do.

A file is opened by one process at a time. Inside of it all stores of a file share one instance, and each thread has a
cursor of its own: a connection that several threads use answers one with the rows of another.
"""

from __future__ import annotations

import os
import sys
import threading
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any, ClassVar, Final
from urllib.parse import unquote, urlsplit

import duckdb

from kingpost.stores.contract import StoreDamaged, StoreDown, StoreError
from kingpost.stores.settings import settings_in, split_parameters, url_problem
from kingpost.stores.sql.duckdb.casing import macros
from kingpost.stores.sql.duckdb.writer import Writer

NAME: Final = "store"
"""What the database is called inside of its instance."""

PARAMETERS: Final = ("memory", "threads")

if find_spec("pandas") is None:
    # DuckDB tries to import pandas twice for every value that it is given: where there is none that takes ten times as
    # long as all the rest, unless Python knows at once.
    sys.modules.setdefault("pandas", None)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


@dataclass(frozen=True, slots=True)
class Location:
    """Where a database is; `path` None: in memory, for the stores of one address in this process.

    Args:
        memory: How much of it DuckDB may use, as it words it: `1GB`.
        threads: How many of its own it may work with.
    """

    path: Path | None
    memory: str = "1GB"
    threads: int = 2


def locate(url: str) -> Location:
    """Read `duckdb:///relative.db`, `duckdb:////absolute.db` or `duckdb:` (in memory); `?memory=2GB&threads=4`."""
    plain, parameters = split_parameters(settings_in(url, None)[0], PARAMETERS)
    parts = urlsplit(plain)
    if parts.netloc or (parts.path and not plain.startswith("duckdb:///")):
        remedy = f"duckdb:///{(parts.netloc + parts.path).lstrip('/')}"
        raise url_problem(url, "after duckdb: come three slashes, or four for an absolute path", remedy)
    memory, threads = parameters.get("memory", "1GB"), parameters.get("threads", "2")
    if not threads.isdigit() or not 0 < int(threads) <= 1024:
        raise url_problem(url, f"threads={threads} is not a number of threads", "threads=2")
    if not is_size(memory):
        raise url_problem(url, f"memory={memory} is no size", "memory=1GB")
    path = parts.path.removeprefix("/")
    return Location(Path(unquote(path)) if path else None, memory, int(threads))


def is_size(text: str) -> bool:
    """Whether it is an amount of memory."""
    number, unit = text[:-2], text[-2:].upper()
    return number.isdigit() and int(number) > 0 and unit in ("KB", "MB", "GB", "TB")


def connect(location: Location, allowed: list[str], *, spill: Path | None = None) -> duckdb.DuckDBPyConnection:
    """A database in memory with Kingpost's macros, which reaches no files but those that are allowed, and no network.

    `allowed`: a path that ends with a slash is a folder. `spill`: one for what does not fit into memory.
    """
    config: dict[str, Any] = {
        "threads": location.threads,
        "memory_limit": location.memory,
        "temp_directory": "" if spill is None else str(spill),
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
        "allow_community_extensions": False,
        "python_enable_replacements": False,
    }
    try:
        connection = duckdb.connect(":memory:", config=config)
    except duckdb.Error as error:
        raise StoreDown(f"DuckDB can't be started: {error}") from error
    connection.execute("SET GLOBAL TimeZone = 'UTC'")
    connection.execute("SET GLOBAL ieee_floating_point_ops = false")  # a division by zero is NULL
    for statement in macros(lambda text: connection.execute(text).fetchall()):
        connection.execute(statement)
    files = [one for one in allowed if not one.endswith("/")]
    folders = [one for one in allowed if one.endswith("/")]
    connection.execute(f"SET allowed_paths = {literal(files)}")
    connection.execute(f"SET allowed_directories = {literal(folders)}")
    return connection


def lock(connection: duckdb.DuckDBPyConnection) -> None:
    """From here on nothing but the allowed files is reached, whatever a statement says."""
    connection.execute("SET enable_external_access = false")
    connection.execute("SET lock_configuration = true")


def literal(value: str | list[str]) -> str:
    """A text, or a list of them, as SQL has it."""
    if isinstance(value, list):
        return f"[{', '.join(map(literal, value))}]"
    return "'" + value.replace("'", "''") + "'"


@dataclass(slots=True, eq=False)
class Instance:
    """One database that is open in this process, and how many stores use it."""

    root: duckdb.DuckDBPyConnection
    path: Path | None
    writer: Writer = field(init=False)
    users: int = 0
    numbers: dict[str, int] = field(default_factory=dict[str, int])
    """The last number that was given to a row, by table."""
    _open: ClassVar[dict[str, Instance]] = {}
    _opening: ClassVar[threading.Lock] = threading.Lock()

    def __post_init__(self) -> None:
        self.writer = Writer(self.cursor())

    @classmethod
    def take(cls, url: str, location: Location) -> Instance:
        """The instance of an address, opened if it is not open yet."""
        key = url if location.path is None else str(location.path.resolve())
        with cls._opening:
            found = cls._open.get(key)
            if found is None:
                found = cls._open[key] = cls(_opened(location), location.path)
            found.users += 1
            return found

    def give_back(self) -> None:
        """Close it if nobody else uses it, when what is queued is written."""
        with self._opening:
            self.users -= 1
            if self.users:
                return
            for key, one in list(self._open.items()):
                if one is self:
                    del self._open[key]
            self.writer.close()
            self.root.close()

    def cursor(self) -> duckdb.DuckDBPyConnection:
        """A connection for one thread."""
        cursor = self.root.cursor()
        cursor.execute(f"USE {NAME}")
        return cursor


def _opened(location: Location) -> duckdb.DuckDBPyConnection:
    if location.path is None:
        connection = connect(location, [])
        connection.execute(f"ATTACH ':memory:' AS {NAME}")
        lock(connection)
        return connection
    path = location.path.resolve()
    if not path.parent.is_dir():
        raise StoreDown(f"There is no folder {path.parent} for the database {path.name}; make it first")
    connection = connect(location, [f"{path}{suffix}" for suffix in ("", ".wal", ".wal.checkpoint", ".wal.recovery")])
    try:
        connection.execute(f"ATTACH {literal(str(path))} AS {NAME}")
    except duckdb.Error as error:
        connection.close()
        raise unusable(error, path) from error
    lock(connection)
    return connection


def unusable(error: Exception, path: Path) -> StoreError:
    """The error for a file that can't be opened, with the way out."""
    words = str(error)
    if "lock on file" in words:
        return StoreDown(
            f"Another process has {path} open. DuckDB lets one process at a time open a file: stop the other one, "
            "serve with one process, or keep what several write in SQLite or PostgreSQL"
        )
    if "not a valid DuckDB" in words or "corrupt" in words.lower():
        return StoreDamaged(f"The file {path} is damaged, or no DuckDB database: {words.splitlines()[0]}")
    if path.exists() and not os.access(path, os.W_OK):
        return StoreDown(f"{path} is read-only; DuckDB writes to it also to read")
    return StoreDown(f"{path} can't be opened: {words.splitlines()[0]}")
