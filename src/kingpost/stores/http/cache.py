"""Answers that are kept for as long as the API says they hold, and asked about by their tag after that (RFC 9111).

It is a private cache: one application, which always asks in the same name.
"""

from __future__ import annotations

import re
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

ROOM: Final = 32_000_000
"""Bytes that are kept; then what was not asked for the longest goes."""

_SECONDS: Final = re.compile(r'(?:^|[\s,])max-age\s*=\s*"?(\d{1,9})', re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Answer:
    """What was answered with status 200. `headers` have lower-case names."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    url: str


@dataclass(slots=True)
class _Entry:
    answer: Answer
    until: float


class Cache:
    """Answers by URL. `fresh`: seconds for those that say nothing themselves."""

    def __init__(self, fresh: float, room: int = ROOM, clock: Callable[[], float] = time.monotonic) -> None:
        self._fresh, self._room, self._clock = fresh, room, clock
        self._entries = OrderedDict[str, _Entry]()
        self._size = 0

    def find(self, url: str) -> Answer | None:
        """What holds still."""
        entry = self._entries.get(url)
        if entry is None or entry.until <= self._clock():
            return None
        self._entries.move_to_end(url)
        return entry.answer

    def conditions(self, url: str) -> dict[str, str]:
        """The headers that ask whether it has changed."""
        entry = self._entries.get(url)
        if entry is None:
            return {}
        told = entry.answer.headers
        if "etag" in told:
            return {"If-None-Match": told["etag"]}
        return {"If-Modified-Since": told["last-modified"]} if "last-modified" in told else {}

    def renewed(self, url: str, headers: Mapping[str, str]) -> Answer | None:
        """What has not changed (304), with the headers that were sent now."""
        entry = self._entries.get(url)
        if entry is None:
            return None
        kept = entry.answer
        answer = Answer(kept.status, {**kept.headers, **headers}, kept.body, kept.url)
        self.keep(answer)
        return answer

    def keep(self, answer: Answer) -> None:
        """Keep it, as far as it says that it may be kept."""
        self._drop(answer.url)
        told = answer.headers.get("cache-control", "").lower()
        if "no-store" in told or answer.headers.get("vary", "").strip() == "*" or len(answer.body) > self._room // 4:
            return
        seconds = self._seconds(told, answer.headers)
        if seconds <= 0 and not {"etag", "last-modified"} & answer.headers.keys():
            return
        self._entries[answer.url] = _Entry(answer, self._clock() + seconds)
        self._size += len(answer.body)
        while self._size > self._room:
            self._drop(next(iter(self._entries)))

    def _seconds(self, told: str, headers: Mapping[str, str]) -> float:
        if "no-cache" in told:
            return 0
        found = _SECONDS.search(told)
        if found is None:
            return self._fresh
        age = headers.get("age", "0")
        return int(found[1]) - (int(age) if age.isdecimal() and len(age) < 10 else 0)

    def _drop(self, url: str) -> None:
        entry = self._entries.pop(url, None)
        if entry is not None:
            self._size -= len(entry.answer.body)
