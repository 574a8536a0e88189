"""What a read asked of each store while it ran: for whoever wants to know where the time goes."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar

from msgspec import Struct


class Step(Struct):
    """One statement. `keys`: how many it was given to look up, None where it looks up none; `seconds` with waiting."""

    store: str
    resource: str
    keys: int | None
    rows: int
    seconds: float
    text: str


tracing: ContextVar[list[Step] | None] = ContextVar("kingpost_tracing", default=None)
"""Where steps are noted, in the order in which they were answered; None: nowhere."""


@contextmanager
def traced() -> Generator[list[Step]]:
    """Notes the steps of reads inside."""
    steps: list[Step] = []
    token = tracing.set(steps)
    try:
        yield steps
    finally:
        tracing.reset(token)


def in_words(steps: list[Step], seconds: float) -> str:
    """A table of the steps."""
    lines = [("store", "resource", "keys", "rows", "ms")]
    for one in steps:
        keys = "" if one.keys is None else f"{one.keys:,}"
        lines.append((one.store, one.resource, keys, f"{one.rows:,}", f"{one.seconds * 1000:.1f}"))
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    table = [
        "  ".join([*map(str.ljust, line[:2], widths[:2]), *map(str.rjust, line[2:], widths[2:])]).rstrip()
        for line in lines
    ]
    return "\n".join([*table, f"{seconds * 1000:.1f} ms in all"])
