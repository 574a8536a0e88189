"""What a store reports about a batch, in the words of the declaration: names of fields, never values."""

from __future__ import annotations

import logging
from collections.abc import Generator
from contextlib import contextmanager

from kingpost.base.errors import Conflict, Detail, Forbidden, KingpostError, Rejected, Unavailable
from kingpost.stores.contract import (
    CheckFailed,
    OutOfRange,
    ReferenceViolation,
    StoreDown,
    StoreError,
    UniqueViolation,
)

log = logging.getLogger("kingpost.store")


def explained(error: StoreError) -> KingpostError:
    """The error that the caller gets."""
    match error:
        case UniqueViolation(members=members):
            said = " and ".join(members) or "a unique value"
            message = f"{said} is taken" if len(members) < 2 else f"the combination of {said} is taken"
            return Conflict("KP409", message, [Detail(f"/{name}", "KP409", message) for name in members])
        case ReferenceViolation(kind="missing", members=members):
            return no_such_row(tuple(members))
        case ReferenceViolation(resource=resource):
            return Conflict("KP410", f"other rows still refer to this one: {resource}")
        case CheckFailed(reason=reason) if reason.startswith("reference "):
            return no_such_row((reason.removeprefix("reference "),))
        case CheckFailed(reason=reason):
            return Forbidden("KP403", f"the rules do not let you {reason} a row like this")
        case OutOfRange():
            return Rejected("KP423", "a value is out of the range that can be stored")
        case StoreDown():
            log.error("store down: %s", error)
            return Unavailable("KP503", "the store does not answer; try again")
        case _:  # tables that differ from the declaration, most often: the operator has to know
            log.error("the store refused: %s; `kingpost db diff` shows how it differs from the declaration", error)
            return Unavailable("KP504", "the store could not do this as it is; its operator has been told")


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
