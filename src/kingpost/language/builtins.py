"""`now`: the one function of the language that is not Python's own."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from datetime import datetime

from kingpost.base.clock import system_clock

moment: ContextVar[datetime | Callable[[], datetime] | None] = ContextVar("kingpost_now", default=None)
"""What `now()` answers, or the clock that it asks."""


def now() -> datetime:
    """The instant of the present request, aware and in UTC: the same wherever it is asked for within one request.

    In a rule, a computed field or a filter it stands for one value bound when the statement runs, never for a store's
    own clock. Outside a request it is the system clock.
    """
    return present(system_clock)


def present(clock: Callable[[], datetime]) -> datetime:
    """What `now()` answers, where outside a request `clock` is asked."""
    found = moment.get()
    if isinstance(found, datetime):
        return found
    return clock() if found is None else found()


class instant:
    """Within the block, and the tasks started in it, `now()` answers `at`, or what the clock `at` answers."""

    __slots__ = ("_at", "_token")

    def __init__(self, at: datetime | Callable[[], datetime]) -> None:
        self._at = at

    def __enter__(self) -> None:
        self._token = moment.set(self._at)

    def __exit__(self, *exc: object) -> None:
        moment.reset(self._token)
