"""`now`: the one function of the language that is not Python's own."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime

from kingpost.base.clock import system_clock

_instant: ContextVar[Callable[[], datetime]] = ContextVar("kingpost_now", default=system_clock)


def now() -> datetime:
    """The instant of the present request, aware and in UTC: the same wherever it is asked for within one request.

    In a rule, a computed field or a filter it stands for one value bound when the statement runs, never for a store's
    own clock. Outside a request it is the system clock.
    """
    return _instant.get()()


@contextmanager
def instant(at: datetime | Callable[[], datetime]) -> Generator[None]:
    """Within the block, and the tasks started in it, `now()` answers `at`, or what the clock `at` answers."""
    token = _instant.set((lambda: at) if isinstance(at, datetime) else at)
    try:
        yield
    finally:
        _instant.reset(token)
