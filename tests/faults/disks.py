"""A disk that can be filled: a small one of its own where we may mount, else the page limit of SQLite."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
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
