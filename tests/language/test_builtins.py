"""`now()` as plain Python code sees it."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

from kingpost.base.clock import FrozenClock
from kingpost.language.builtins import instant, now
from tests.language.domain import NOW


def test_outside_of_a_request_it_is_the_system_clock() -> None:
    assert abs(now() - datetime.now(UTC)) < timedelta(minutes=1)


def test_within_a_request_it_is_one_instant_also_in_tasks() -> None:
    async def ask() -> datetime:
        return now()

    async def request() -> list[datetime]:
        with instant(NOW):
            return await asyncio.gather(ask(), ask())

    assert asyncio.run(request()) == [NOW, NOW]
    assert now() != NOW


def test_a_clock_may_stand_for_the_instant() -> None:
    clock = FrozenClock(NOW)
    with instant(clock):
        clock.advance(timedelta(hours=1))
        assert now() == NOW + timedelta(hours=1)
