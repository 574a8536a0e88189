"""How long the long tests run: a short form in every run of the tests, the full form by `make soak`."""

from __future__ import annotations

import os

SOAKING = os.environ.get("KINGPOST_SOAK") == "1"
"""Whether this is `make soak`."""


def count(short: int, full: int) -> int:
    """How many cases, rounds or requests: `short` in every run of the tests, `full` by `make soak`."""
    return full if SOAKING else short
