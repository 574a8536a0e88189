"""Time and ids that a test decides."""

from __future__ import annotations

import random
from collections.abc import Generator
from contextlib import contextmanager
from datetime import datetime
from itertools import count

from kingpost.app import App
from kingpost.base.clock import FrozenClock
from kingpost.base.ids import UUID7
from kingpost.language.builtins import instant
from kingpost.model.query_runner import current_runner


@contextmanager
def freeze(app: App, at: datetime) -> Generator[FrozenClock]:
    """Inside, it is `at` for the application and for `now()` in this task; the clock answered can be advanced.

    >>> with freeze(app, datetime(2026, 1, 1, tzinfo=UTC)) as clock:  # doctest: +SKIP
    ...     clock.advance(timedelta(days=1))
    """
    clock, before = FrozenClock(at), app.engine.clock
    app.engine.clock = clock
    try:
        with instant(clock):
            yield clock
    finally:
        app.engine.clock = before


@contextmanager
def seed_ids(app: App, seed: int = 0) -> Generator[None]:
    """Inside, new keys are the same in every run: UUIDs of version 7 whose time counts up from 1970."""
    entropy, ticks = random.Random(seed), count()
    make = UUID7(lambda: next(ticks), entropy.randbytes)
    before = app.engine.new_id
    app.engine.new_id = make
    token = current_runner.set(app.runner)  # objects made by the test itself ask it for their key
    try:
        yield
    finally:
        current_runner.reset(token)
        app.engine.new_id = before
