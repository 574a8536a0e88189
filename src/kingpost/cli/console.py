"""What commands print with: results to stdout, what stands in the way to stderr."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import IO, TYPE_CHECKING

from rich.console import Console
from rich.table import Table
from rich.text import Text

from kingpost.base.problems import Excerpt, Problem
from kingpost.language.parse_text import TEXT_FILE
from kingpost.operate.failure import shown_path

if TYPE_CHECKING:
    from kingpost.operate.checks import Warned

INSTRUCTED = ("KC", "KL0")
"""Ids whose remedy says what to do; that of others is what to write instead."""

WIDE = 200
"""Columns where nobody watches: a file or a pipe wants whole lines."""


def _console(stream: IO[str]) -> Console:
    return Console(
        file=stream, highlight=False, markup=False, emoji=False, width=None if stream.isatty() else WIDE, soft_wrap=True
    )


output = _console(sys.stdout)
errors = _console(sys.stderr)


def show_problems(problems: Sequence[Problem], console: Console) -> None:
    """Each with its place, what was understood, and the next step."""
    for index, problem in enumerate(problems):
        if index:
            console.print()
        if problem.place is not None and problem.place.file != TEXT_FILE:
            console.print(Text(f"{shown_path(problem.place.file)}:{problem.place.line}", "dim"))
        words = Text(problem.code, "bold yellow" if is_warning(problem) else "bold red")
        console.print(words.append(f" {problem.message}", "default not bold"))
        if problem.place is not None:
            show_excerpt(problem.place, console)
        if problem.remedy:
            label = "Next" if problem.code.startswith(INSTRUCTED) else "Write"
            console.print(Text(f"  {label}: ", "bold green").append(problem.remedy, "default not bold"))


def show_acknowledged(warned: Sequence[Warned], console: Console) -> None:
    """Warnings that the declaration says are meant so, and why."""
    for one in warned:
        place = one.problem.place
        where = "" if place is None else f"{shown_path(place.file)}:{place.line} "
        console.print(Text(f"\n{where}acknowledged {one.problem.code} {one.problem.message}", "dim"))
        console.print(Text(f"  Why: {one.reason}", "dim"))


def show_excerpt(place: Excerpt, console: Console) -> None:
    """The line, and carets under what is meant."""
    lines = place.excerpt().splitlines()
    for index, line in enumerate(lines):
        console.print(Text(f"    {line}", "" if index == 0 else "red"))


def is_warning(problem: Problem) -> bool:
    """Whether it is advice: nothing is refused for it."""
    return problem.code.startswith("KC1")


def heading(text: str, beside: str = "") -> Text:
    """A line above something, with a note in grey."""
    found = Text(text, "bold")
    return found.append(f"  {beside}", "dim not bold") if beside else found


def plain_table(*columns: str) -> Table:
    """A table without lines; what is too long goes on below."""
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="dim")
    for column in columns:
        table.add_column(column, overflow="fold")
    return table


def counted(number: int, what: str, many: str = "") -> str:
    """`1 problem`, `2 problems`."""
    return f"{number} {what if number == 1 else many or what + 's'}"
