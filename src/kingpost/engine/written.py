"""How often rows are written out in one answer: a bound for includes that lead back to the same rows.

A row that several others lead to is fetched once. It is written as often as it is led to, with all that is below it,
so that a few thousand rows could become a million millions.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from itertools import repeat
from typing import Any, Final

from kingpost.base.errors import Detail, Rejected

MOST: Final = 100_000
"""Rows that one answer writes out below those it is about."""


class Written:
    """How often each of some rows is written; None: once. All parts of one answer are counted together."""

    def __init__(self, times: Sequence[int] | None = None, count: list[int] | None = None) -> None:
        self._times = times
        self._count = [0] if count is None else count

    def below(
        self, title: str, rows: int, led: Iterable[Any], keys: int, fetched: int, owners: Iterable[Any]
    ) -> Written:
        """The same of the rows that were fetched for these; raises `Rejected` (KP121).

        `led`: the key by which each of the rows leads on, of which `keys` differ; `owners`: that by which each of those
        fetched was led to.
        """
        times: list[int] | None = None
        if self._times is not None or keys < rows:
            counts: defaultdict[Any, int] = defaultdict(int)
            for key, count in zip(led, self._times or repeat(1)):
                counts[key] += count
            times = [counts.get(key, 0) for key in owners]
        self._count[0] += fetched if times is None else sum(times)
        if self._count[0] > MOST:
            raise too_many(title, f"more than {MOST} rows, some of them again and again")
        return Written(times, self._count)


def too_many(title: str, what: str) -> Rejected:
    """An include that would not be bounded."""
    message = f"include {title} reaches {what}: ask for fewer rows (limit) or filter them"
    return Rejected("KP121", message, [Detail("?include", "KP121", message)])
