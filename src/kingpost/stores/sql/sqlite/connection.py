"""Opening an SQLite database: its address, its pragmas, patience with other processes, and what is wrong with files."""

from __future__ import annotations

import os
import random
import shutil
import sqlite3
import tempfile
import time
import weakref
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import unquote, urlsplit

from kingpost.stores.contract import StoreDamaged, StoreDown, StoreError, StoreFull
from kingpost.stores.settings import settings_in, split_parameters, url_problem

T = TypeVar("T")
Functions = Mapping[tuple[str, int], Callable[..., Any]]
BUSY = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
DAMAGED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
UNUSABLE = (sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PROTOCOL)


@dataclass(frozen=True, slots=True, weakref_slot=True)
class Location:
    """Where a database is. `temporary`: made for this process and gone with it."""

    path: Path
    synchronous: str = "FULL"
    temporary: bool = False


def locate(url: str) -> Location:
    """Read `sqlite:///relative.db`, `sqlite:////absolute.db` or `sqlite://` (kept for this process only).

    `?synchronous=normal` trades the last commits before a power cut for speed; a crash of the process loses nothing.
    """
    plain, parameters = split_parameters(settings_in(url, None)[0], ("synchronous",))
    synchronous = parameters.get("synchronous", "full").upper()
    if synchronous not in ("FULL", "NORMAL"):
        raise url_problem(
            url, f"synchronous={synchronous.lower()} is not known", "synchronous=full or synchronous=normal"
        )
    parts = urlsplit(plain)
    if parts.netloc:
        raise url_problem(
            url,
            "after sqlite: come three slashes, or four for an absolute path",
            f"sqlite:///{parts.netloc}{parts.path}",
        )
    if parts.path in ("", "/"):
        return _temporary()
    return Location(Path(unquote(parts.path[1:])), synchronous)


def _temporary() -> Location:
    """A database for this process only.

    A file that is never synced, not SQLite's `:memory:`: that has one connection, so a read would see what another
    task has not committed, or would have to wait for it, and tests would see other behaviour than production.
    """
    folder = tempfile.mkdtemp(prefix="kingpost-")
    location = Location(Path(folder) / "memory.db", "OFF", temporary=True)
    weakref.finalize(location, shutil.rmtree, folder, ignore_errors=True)
    return location


def connect(location: Location, functions: Functions, *, writes: bool, wait: float) -> sqlite3.Connection:
    """Open a connection that any one thread at a time may use. `wait`: seconds to wait for locks of others."""
    if not location.path.parent.is_dir():
        raise StoreDown(
            f"There is no folder {location.path.parent} for the database {location.path.name}; make it first"
        )
    try:
        connection = sqlite3.connect(
            location.path, timeout=wait, isolation_level=None, check_same_thread=False, cached_statements=512
        )
    except sqlite3.Error as error:
        raise unusable(error, location.path) or StoreDown(f"{location.path} can't be opened: {error}") from error
    try:
        for (name, arity), function in functions.items():
            connection.create_function(name, arity, function, deterministic=True)
        if writes:
            patiently(lambda: connection.execute("PRAGMA journal_mode=WAL").fetchone(), 10)
            connection.execute(f"PRAGMA synchronous={location.synchronous}")
            connection.execute("PRAGMA foreign_keys=ON")
        else:
            connection.execute("PRAGMA query_only=ON")
    except sqlite3.Error as error:
        connection.close()
        raise unusable(error, location.path) or StoreDown(f"{location.path} can't be used: {error}") from error
    return connection


def family(error: Exception) -> int:
    """The primary code of an error (SQLite's "Result and Error Codes"); 0 where there is none."""
    code: int = getattr(error, "sqlite_errorcode", 0)
    return code & 0xFF


def unusable(error: Exception, path: Path) -> StoreError | None:
    """The error for a file that can't be read or written, with the way out; None where that is not what is wrong."""
    match family(error):
        case code if code in DAMAGED:
            return StoreDamaged(
                f"The file {path} is damaged ({error}). Stop the server, see with sqlite3 {path} 'PRAGMA "
                "integrity_check' how much of it, and restore the last backup"
            )
        case sqlite3.SQLITE_FULL:
            return StoreFull(f"The disk that holds {path} is full. Writes go on when there is room")
        case code if (
            code in UNUSABLE and path.exists() and not all(os.access(one, os.W_OK) for one in (path, path.parent))
        ):
            return StoreDown(f"{path}, or its folder, is read-only; SQLite writes beside it also to read ({error})")
        case code if code in UNUSABLE:
            return StoreDown(f"{path} can't be used: {error}")
        case _:
            return None


class Watched:
    """The file that was opened, as long as it is the one at its path.

    A file that is removed or replaced while it is open can still be read and written, by nobody else: what is written
    to it is lost.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._known = self._identity()

    def check(self) -> None:
        """Raises `StoreDown` if there is another file at the path, or none."""
        if self._identity() != self._known:
            raise StoreDown(
                f"The file {self._path} was removed or replaced while it was open. Put it back, or restart the server "
                "to use the one that is there"
            )

    def _identity(self) -> tuple[int, int] | None:
        try:
            found = os.stat(self._path)
        except OSError:
            return None
        return found.st_dev, found.st_ino


def is_busy(error: sqlite3.Error) -> bool:
    """Whether somebody else holds a lock that was needed."""
    return family(error) in BUSY


def patiently(action: Callable[[], T], patience: float) -> T:
    """Do it, again and again for `patience` seconds while another process holds the lock; blocks the thread.

    SQLite's own waiting polls at longer and longer intervals, so that of several writing processes one may starve;
    short random pauses are fair.
    """
    deadline = time.monotonic() + patience
    while True:
        try:
            return action()
        except sqlite3.OperationalError as error:
            if not is_busy(error) or time.monotonic() > deadline:
                raise
        time.sleep(random.uniform(0.001, 0.008))  # noqa: S311  # not for secrets
