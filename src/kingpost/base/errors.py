"""What can go wrong while a request is answered, in words that no transport owns.

A door turns each class into its own form (REST: RFC 9457). `code` is stable, `message` never holds a stored value
and never tells of a row or a field that the actor may not read.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True, slots=True)
class Detail:
    """One fault inside the input: where (`pointer` is a JSON pointer, or `?name` for a parameter), its id and words."""

    pointer: str
    code: str
    message: str


@dataclass(frozen=True, slots=True)
class Asked:
    """What the rules were asked when they refused: a verb of a resource, and members that have a rule of their own."""

    resource: str
    verb: str
    members: tuple[str, ...] = ()


class KingpostError(Exception):
    """Base of every error that Kingpost raises on purpose while answering.

    `asked` is set where rules refused, so that a developer can be told which.
    """

    title: ClassVar[str] = "Something went wrong"
    asked: Asked | None = None

    def __init__(self, code: str, message: str, details: Iterable[Detail] = ()) -> None:
        self.code = code
        self.message = message
        self.details = tuple(details)
        super().__init__(code, message, self.details)

    def __str__(self) -> str:
        said = [f"{one.pointer} {one.message}".lstrip() for one in self.details if one.message not in self.message]
        return f"{self.code} {self.message}" + (f": {'; '.join(said)}" if said else "")


class Invalid(KingpostError):
    """What was asked cannot be understood: unknown names, wrong types, bad syntax (REST: 400)."""

    title = "The request is not understood"


class Rejected(KingpostError):
    """The request was understood, but what it holds does not pass validation or a bound (REST: 422)."""

    title = "The input is not accepted"


class Unauthenticated(KingpostError):
    """Nobody is logged in, and somebody has to be (REST: 401)."""

    title = "Authentication is needed"


class Forbidden(KingpostError):
    """The actor is known and may not do this (REST: 403)."""

    title = "Not allowed"


class NotFound(KingpostError):
    """No such row, or none that the actor may see: the two are not told apart (REST: 404)."""

    title = "Not found"


class Conflict(KingpostError):
    """The present state of the data does not admit the change: a unique value is taken, a row is in use (REST: 409)."""

    title = "Conflict with the present state"


class Refused(KingpostError):
    """An application says no, in words for people, which go out as they are.

    `field`: what of the input is the matter (`"copy"`, `"address.street"`; REST: 422 with a pointer). Without it the
    state of things is (REST: 409).
    """

    title = "Refused"

    def __init__(self, message: str, *, field: str = "") -> None:
        self.field = field
        code = "KP427" if field else "KP414"
        super().__init__(code, message, [Detail("/" + field.replace(".", "/"), code, message)] if field else ())


class Stale(KingpostError):
    """The row changed since the version that the caller named (REST: 412)."""

    title = "The row has changed"


class Unavailable(KingpostError):
    """A store can't be reached or is too busy; trying later may help (REST: 503)."""

    title = "Temporarily unavailable"


class Incomplete(KingpostError):
    """The request did not arrive as a whole in time (REST: 408)."""

    title = "The request did not come in time"


class TooSlow(KingpostError):
    """The answer took longer than it may, and was given up (REST: 504)."""

    title = "No answer in time"


class OutOfSpace(KingpostError):
    """A store has no room left and takes no writes; reads go on (REST: 507)."""

    title = "The store is full"


class Unsupported(KingpostError):
    """A store can't do what was asked of it; says which part, and what to change (REST: 422)."""

    title = "Not possible in this store"
