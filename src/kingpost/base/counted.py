"""A log of troubles that come once for every request: what is said again and again is counted instead."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from typing import Final

EVERY: Final = 5.0
"""Seconds for which the same words are held back, and counted."""


@dataclass(slots=True)
class _Held:
    """Words that were logged a moment ago: how often they were said since, in all and since they were logged last."""

    loop: asyncio.AbstractEventLoop
    total: int = 0
    since: int = 0


class Counted:
    """Logs words at once when they are new, then how often they came, and at last that they come no more.

    `every`: seconds between two lines about one trouble. Without an event loop there is nobody to count for, and all
    is logged.
    """

    def __init__(self, log: logging.Logger, every: float = EVERY) -> None:
        self._log = log
        self._every = every
        self._held: dict[str, _Held] = {}

    def say(self, level: int, words: str) -> None:
        """Log it, or count it."""
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            self._log.log(level, "%s", words)
            return
        held = self._held.get(words)
        if held is not None and held.loop is loop:
            held.total += 1
            held.since += 1
            return
        self._held[words] = held = _Held(loop)
        self._log.log(level, "%s", words)
        loop.call_later(self._every, self._sum_up, level, words, held)

    def _sum_up(self, level: int, words: str, held: _Held) -> None:
        """What became of it meanwhile."""
        if held.since:
            self._log.log(level, "%s (%d times more in %g s)", words, held.since, self._every)
            held.since = 0
            held.loop.call_later(self._every, self._sum_up, level, words, held)
            return
        if self._held.get(words) is held:
            del self._held[words]
        if held.total:
            self._log.log(level, "%s: no more for %g s, after %d times", words, self._every, held.total + 1)
