"""What a store reports about a batch, in the words of the declaration: names of fields, never values."""

from __future__ import annotations

import logging
from collections.abc import Generator
from contextlib import contextmanager

from kingpost.base.counted import Counted
from kingpost.base.errors import (
    Conflict,
    Detail,
    Forbidden,
    KingpostError,
    OutOfSpace,
    Rejected,
    TooSlow,
    Unavailable,
    Unsupported,
)
from kingpost.plan.standing import Standing
from kingpost.stores import contract as stores
from kingpost.stores.contract import (
    CheckFailed,
    OutcomeUnknown,
    OutOfRange,
    ReferenceViolation,
    RowRefused,
    StoreDown,
    StoreError,
    StoreFull,
    TooComplex,
    UniqueViolation,
)

_log = logging.getLogger("kingpost.store")
_told = Counted(_log)
"""A store that is down is down for every request."""


def explained(error: StoreError, store: str, standing: Standing | None = None) -> KingpostError:
    """The error that the caller gets of what a store reports; the operator's part is logged.

    Nothing is named to the caller that he, who stands so, may not know of.
    """
    match error:
        case UniqueViolation(resource=resource, members=members):
            members = tuple(name for name in members if standing is None or standing.knows(resource, name))
            said = " and ".join(members) or "a unique value"
            message = f"{said} is taken" if len(members) < 2 else f"the combination of {said} is taken"
            return Conflict("KP409", message, [Detail(f"/{name}", "KP409", message) for name in members])
        case ReferenceViolation(kind="missing", members=members):
            return no_such_row(tuple(members))
        case ReferenceViolation():  # by rows that the asker may not see: of others `in_use` tells
            words = "rows that you do not see still refer to this one"
            return Conflict("KP410", f"{words}; somebody who does has to delete or change them first")
        case CheckFailed(reason=reason) if reason.startswith("reference "):
            return no_such_row((reason.removeprefix("reference "),))
        case CheckFailed(reason="left"):
            words = "a row of this key was deleted a moment ago, and what referred to it is still being followed"
            return Conflict("KP415", f"{words}; try again in a few seconds")
        case CheckFailed(reason=reason):
            return Forbidden("KP403", f"the rules do not let you {reason} a row like this")
        case RowRefused():
            _log.info("store %s: %s", store, error)
            message = "the database holds these rows to more than is declared, and refuses this one"
            return Rejected("KP422", message)
        case OutOfRange():
            return Rejected("KP423", "a value is out of the range that can be stored")
        case TooComplex():
            return Unsupported("KP305", "the store can't read so large a statement: ask for less at once")
        case OutcomeUnknown():
            _told.say(logging.ERROR, f"store {store}: {error}")
            return unknown_outcome(f"the store {store} was lost before it told what became of the write")
        case StoreDown():
            _told.say(logging.ERROR, f"store {store}: {error}")
            return Unavailable("KP503", f"the store {store} does not answer; try again")
        case StoreFull():
            _told.say(logging.ERROR, f"store {store}: {error}")
            return OutOfSpace("KP507", f"the store {store} is full: nothing was written; reads go on")
        case stores.TooSlow():
            _told.say(logging.WARNING, f"store {store}: {error}")
            return TooSlow("KP506", f"the store {store} needs too long for this; ask for less, or filter")
        case _:  # tables that differ from the declaration, most often: the operator has to know
            remedy = "`kingpost db diff` shows how it differs from the declaration"
            _told.say(logging.ERROR, f"store {store} refused: {error}; {remedy}")
            return Unavailable("KP504", f"the store {store} could not do this as it is; its operator has been told")


def unknown_outcome(why: str) -> Unavailable:
    """A write that may have taken effect: nobody can tell from here, but repeating it under its key is safe."""
    remedy = "repeat the request with the same Idempotency-Key, and it is done once"
    return Unavailable("KP505", f"{why}; {remedy}")


@contextmanager
def within(pointer: str) -> Generator[None]:
    """What is raised inside is about the part of the input that `pointer` leads to."""
    try:
        yield
    except KingpostError as error:
        if pointer:
            told = error.details or (Detail("", error.code, error.message),)
            error.details = tuple(Detail(pointer + one.pointer, one.code, one.message) for one in told)
        raise


def no_such_row(members: tuple[str, ...]) -> Rejected:
    """A reference to a row that is not there, or that the actor may not see: the same answer."""
    details = [Detail(f"/{name}", "KP422", f"{name} refers to no row") for name in members]
    return Rejected("KP422", "a reference leads nowhere", details)
