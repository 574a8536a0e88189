"""Which keys a load has met: on disk, so that memory does not grow with the file."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Any, Final

import msgspec

_CACHE: Final = 32_000
"""KiB that are held in memory."""


class Seen:
    """Keys with the place where each was first met."""

    def __init__(self) -> None:
        self._known = sqlite3.connect("", isolation_level=None)  # "": a file of its own, gone when it is closed
        for pragma in ("journal_mode=OFF", "synchronous=OFF", f"cache_size=-{_CACHE}"):
            self._known.execute(f"PRAGMA {pragma}")
        self._known.execute("CREATE TABLE seen (key BLOB PRIMARY KEY, place TEXT NOT NULL) WITHOUT ROWID")

    def first(self, keys: Sequence[tuple[Any, ...]], places: Sequence[str]) -> list[str | None]:
        """Take in keys with their places; answers for each where it was met before, None if nowhere."""
        rows = [(msgspec.msgpack.encode(key), place) for key, place in zip(keys, places, strict=True)]
        self._known.execute("BEGIN")
        added = self._known.executemany("INSERT OR IGNORE INTO seen VALUES (?, ?)", rows).rowcount
        self._known.execute("COMMIT")
        if added == len(rows):
            return [None] * len(rows)
        found = [self._known.execute("SELECT place FROM seen WHERE key = ?", row[:1]).fetchone()[0] for row in rows]
        # Places are told apart, so who finds another's was not the first.
        return [None if first == place else first for (_, place), first in zip(rows, found, strict=True)]

    def close(self) -> None:
        """Forget them."""
        self._known.close()
