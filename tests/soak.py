"""How long the long tests run: a short form in every run of the tests, the full form by `make soak`."""

from __future__ import annotations

import os
import time

SOAKING = os.environ.get("KINGPOST_SOAK") == "1"
"""Whether this is `make soak`."""

FIRST_SEED = time.time_ns() // 1_000_000 * 1_000_000 if SOAKING else 0
"""Where cases made from numbers begin: the same in every run of the tests, never asked before by `make soak`."""


def count(short: int, full: int) -> int:
    """How many cases, rounds or requests: `short` in every run of the tests, `full` by `make soak`."""
    return full if SOAKING else short
