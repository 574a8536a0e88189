"""Problems in what a developer declared, and the one exception that reports all of them together."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol


class Excerpt(Protocol):
    """Anywhere in a source text: what a problem needs to know of it."""

    @property
    def file(self) -> str: ...
    @property
    def line(self) -> int: ...
    def excerpt(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong with a declaration.

    `code` is stable (`KP104`), `message` says what was understood, `remedy` what to write instead.
    """

    code: str
    message: str
    remedy: str = ""
    place: Excerpt | None = None

    def __str__(self) -> str:
        lines = [f"{self.code} {self.message}"]
        if self.place is not None:
            lines.insert(0, f"{self.place.file}:{self.place.line}")
            lines.extend(f"    {line}" for line in self.place.excerpt().splitlines())
        if self.remedy:
            lines.append(f"  Write: {self.remedy}" if "\n" not in self.remedy else f"  {self.remedy}")
        return "\n".join(lines)


class DeclarationError(Exception):
    """Everything wrong with a declaration, reported at once when the `App` is built."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__(str(self))

    def __str__(self) -> str:
        count = len(self.problems)
        head = "1 problem" if count == 1 else f"{count} problems"
        return "\n\n".join([f"{head} in the declaration", *(str(problem) for problem in self.problems)])
