"""What a server used: CPU time and memory of a process and all that descend from it, as Linux tells it in /proc."""

from __future__ import annotations

import os
from pathlib import Path

TICK = os.sysconf("SC_CLK_TCK")
PROC = Path("/proc")


def tree(root: int) -> list[int]:
    """The process and its descendants that are alive."""
    children: dict[int, list[int]] = {}
    for entry in PROC.iterdir():
        if entry.name.isdecimal() and (fields := _stat(int(entry.name))):
            children.setdefault(int(fields[1]), []).append(int(entry.name))
    found = [root] if _stat(root) else []
    for pid in found:
        found += children.get(pid, [])
    return found


def seconds(root: int) -> float:
    """CPU seconds, user and system, that the tree has used since it began, to a hundredth.

    A process that has ended counts with the parent that waited for it, so a backend that comes and goes is not lost.
    Where one ends during the look, the look is taken again: it would be counted twice or not at all.
    """
    while True:
        before = tree(root)
        total = sum(_ticks(pid) for pid in before)
        if tree(root) == before:
            return total / TICK


def _ticks(pid: int) -> int:
    """utime, stime, and those of children waited for."""
    return sum(int(value) for value in _stat(pid)[11:15])


def megabytes(root: int) -> float:
    """Memory of the tree: proportional shares (PSS) where they may be read, else resident sets."""
    return sum(_kilobytes(pid) for pid in tree(root)) / 1024


def _stat(pid: int) -> list[str]:
    """The fields of /proc/PID/stat from `state` on; none where the process is gone."""
    try:
        text = (PROC / str(pid) / "stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return []
    return text[text.rindex(")") + 2 :].split()  # the name before may hold spaces and parentheses


def _kilobytes(pid: int) -> int:
    for file, label in (("smaps_rollup", "Pss:"), ("status", "VmRSS:")):
        try:
            for line in (PROC / str(pid) / file).read_text().splitlines():
                if line.startswith(label):
                    return int(line.split()[1])
        except (FileNotFoundError, ProcessLookupError, PermissionError):
            continue
    return 0
