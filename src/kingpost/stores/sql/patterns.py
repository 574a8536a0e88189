"""Dates and instants as text, by a pattern: `%Y-%m-%d %H:%M:%S`.

The marks are those of `strftime`, and `%3f` for milliseconds. `[.%f]` is there where it is not zero. What stands behind
the time, `Z` or `+00:00`, says UTC, which is meant without it too.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime

KNOWN = re.compile(r"%Y-?%m-?%d(?P<time>[ T]%H:%M:%S(?P<fraction>\.%3f|\.%f|\[\.%f\])?(?P<zone>Z|\+00:00)?)?")


@dataclass(frozen=True, slots=True)
class Pattern:
    """A pattern. `ordered`: its texts sort as the instants do, also beside one of another precision."""

    text: str
    fraction: str
    ordered: bool

    def write(self, value: date) -> str:
        """An instant in UTC, or a date, cut to what the pattern shows."""
        return self._written(value, self.fraction)

    def look_for(self, value: date) -> str:
        """The same in full: what no such text can be equals none."""
        finer = self.fraction if self.fraction in (".%f", "[.%f]") else "[.%f]"
        if self.fraction == ".%3f" and isinstance(value, datetime) and value.microsecond % 1000 == 0:
            finer = ".%3f"
        return self._written(value, finer)

    def _written(self, value: date, fraction: str) -> str:
        text = self.text
        if isinstance(value, datetime):
            value = value.astimezone(UTC)
            micro = value.microsecond
            shown = {"": "", ".%3f": f".{micro // 1000:03}", ".%f": f".{micro:06}"}
            text = text.replace("{fraction}", shown.get(fraction, f".{micro:06}" if micro else ""))
            for mark, part in (("%H", value.hour), ("%M", value.minute), ("%S", value.second)):
                text = text.replace(mark, f"{part:02}")
        return (
            text.replace("%Y", f"{value.year:04}").replace("%m", f"{value.month:02}").replace("%d", f"{value.day:02}")
        )


def pattern(word: str, *, time: bool) -> Pattern | None:
    """The pattern that a word is, of instants (`time`) or of dates."""
    match = KNOWN.fullmatch(word)
    if match is None or bool(match["time"]) is not time:
        return None
    fraction, zone = match["fraction"] or "", match["zone"] or ""
    at = match.start("zone") if match["zone"] else len(word)
    text = word[: at - len(fraction)] + ("{fraction}" if time else "") + zone
    # A point sorts before Z and after +: behind a text of fixed length only does neither matter.
    return Pattern(text, fraction, not zone or fraction == ".%f")
