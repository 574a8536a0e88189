"""What a piece of work waits for, noted when it is given up: so that whoever gave it up can say where it was."""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import dataclass


@dataclass(slots=True)
class Waiting:
    """`store`: the name of the one that was asked when the work was cancelled, if one was."""

    store: str = ""


waiting: ContextVar[Waiting | None] = ContextVar("kingpost_waiting", default=None)
"""The note of the present request; None where nobody would read it."""


def waited_for(store: str) -> None:
    """Called where work that has been cancelled comes out of a store."""
    note = waiting.get()
    if note is not None:
        note.store = store
