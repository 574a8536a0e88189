"""What a piece of work waits for when it is given up: so that whoever gave it up can say where it was."""

from __future__ import annotations

from asyncio import CancelledError


class Waiting:
    """A note that is sent along with a cancellation (`Task.cancel(note)`). `store`: the one that was being asked."""

    store: str = ""


def waited_for(store: str, given_up: CancelledError) -> None:
    """Called where work that has been cancelled comes out of a store."""
    for note in given_up.args:
        if isinstance(note, Waiting) and not note.store:
            note.store = store
