"""Lines of a log that come again and again."""

from __future__ import annotations

import asyncio
import logging

import pytest

from kingpost.base.counted import Counted

LOG = logging.getLogger("test.counted")


async def told(caplog: pytest.LogCaptureFixture, number: int) -> list[str]:
    """The lines, when there are so many."""
    async with asyncio.timeout(10):
        while len(caplog.records) < number:  # noqa: ASYNC110
            await asyncio.sleep(0.005)
    return caplog.messages


async def test_what_comes_again_is_counted_and_its_end_is_told(caplog: pytest.LogCaptureFixture) -> None:
    log = Counted(LOG, every=0.1)
    for _ in range(1000):
        log.say(logging.ERROR, "the store is down")
    log.say(logging.ERROR, "another one is down")
    assert caplog.messages == ["the store is down", "another one is down"]
    assert await told(caplog, 3) == [
        "the store is down", "another one is down", "the store is down (999 times more in 0.1 s)",
    ]  # fmt: skip
    log.say(logging.ERROR, "the store is down")
    assert (await told(caplog, 4))[3:] == ["the store is down (1 times more in 0.1 s)"]
    assert (await told(caplog, 5))[4:] == ["the store is down: no more for 0.1 s, after 1001 times"]
    log.say(logging.ERROR, "the store is down")
    assert caplog.messages[5:] == ["the store is down"]
    assert {record.levelno for record in caplog.records} == {logging.ERROR}


async def test_what_came_once_is_told_once(caplog: pytest.LogCaptureFixture) -> None:
    log = Counted(LOG, every=0.01)
    log.say(logging.WARNING, "once")
    log_of_time = Counted(LOG, every=0.05)
    log_of_time.say(logging.WARNING, "later")
    log_of_time.say(logging.WARNING, "later")
    assert await told(caplog, 3) == ["once", "later", "later (1 times more in 0.05 s)"]


def test_each_event_loop_hears_of_it(caplog: pytest.LogCaptureFixture) -> None:
    log = Counted(LOG)

    async def say() -> None:
        log.say(logging.ERROR, "down")
        log.say(logging.ERROR, "down")

    asyncio.run(say())
    asyncio.run(say())
    log.say(logging.ERROR, "down")  # and who has none, every time
    log.say(logging.ERROR, "down")
    assert caplog.messages == ["down"] * 4
