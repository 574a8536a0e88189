"""Keys made by the application, so that no store has to hand out numbers."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from uuid import UUID


class UUID7:
    """Time-ordered UUIDs (RFC 9562, version 7), strictly increasing within one process.

    The 12 bits after the millisecond are a counter (RFC 9562 section 6.2, method 1), so rows made in one
    millisecond keep the order in which they were made.
    """

    def __init__(
        self,
        milliseconds: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
        entropy: Callable[[int], bytes] = os.urandom,
    ) -> None:
        self._milliseconds = milliseconds
        self._entropy = entropy
        self._lock = threading.Lock()
        self._last = -1
        self._count = 0

    def __call__(self) -> UUID:
        """Return the next id."""
        tail = int.from_bytes(self._entropy(8), "big") & 0x3FFF_FFFF_FFFF_FFFF
        with self._lock:
            moment = self._milliseconds()
            if moment > self._last:
                self._last, self._count = moment, 0
            else:  # same millisecond, or a clock that went back: never before what was given out
                self._count += 1
                if self._count > 0xFFF:
                    self._last, self._count = self._last + 1, 0
            return UUID(int=(self._last << 80) | (0x7000 | self._count) << 64 | 0x8000_0000_0000_0000 | tail)


uuid7 = UUID7()
