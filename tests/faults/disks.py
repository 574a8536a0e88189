"""Disks that can be filled, small ones of their own where we may mount; and what is written on them spoiled."""

from __future__ import annotations

import os
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

SIZE = 4 << 20


class SmallDisk:
    """A folder on a disk of a few megabytes."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._filler = folder / "filler"

    def fill(self) -> None:
        """Take all that is free."""
        with self._filler.open("wb", buffering=0) as file:
            for size in (1 << 16, 1 << 12, 1):
                try:
                    while True:
                        file.write(bytes(size))
                except OSError:
                    pass

    def free(self) -> None:
        """Give it back."""
        self._filler.unlink()

    def make_read_only(self) -> None:
        """Nothing on it can be changed any more; nobody may have it open for writing."""
        subprocess.run(["mount", "-o", "remount,ro", self.folder], check=True)


def may_mount() -> bool:
    """Whether a small disk can be had."""
    return os.geteuid() == 0


@contextmanager
def small_disk(folder: Path) -> Iterator[SmallDisk]:
    """A disk for the length of the block."""
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "kingpost-test", folder], check=True)
    try:
        yield SmallDisk(folder)
    finally:
        subprocess.run(["umount", folder], check=True)


def spoil(file: Path, table: str) -> None:
    """Overwrite the pages of a table, but for the first one, so that they can't be read as what they are."""
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        (root,) = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = ?", [table]).fetchone()
        (size,) = connection.execute("PRAGMA page_size").fetchone()
    with file.open("r+b") as opened:
        opened.seek((root - 1) * size)
        interior = opened.read(size)
        assert interior[0] == 5  # an interior page of a table: SQLite's file format, section 1.6
        cells = int.from_bytes(interior[3:5], "big")
        for cell in range(cells):
            at = int.from_bytes(interior[12 + 2 * cell : 14 + 2 * cell], "big")
            child = int.from_bytes(interior[at : at + 4], "big")
            opened.seek((child - 1) * size)
            opened.write(b"\xff" * size)
