"""What stands in the way of a command: words for whoever called it, never a traceback."""

from __future__ import annotations

import linecache
import os
import traceback
from pathlib import Path
from types import TracebackType

from kingpost.base.problems import Excerpt, Problem
from kingpost.language.source import Place

PACKAGE = str(Path(__file__).parents[1])


class Failure(Exception):
    """One or several problems of which the caller is told. `status` is the exit status of the command."""

    def __init__(
        self, code: str, message: str, remedy: str = "", place: Excerpt | None = None, *, status: int = 1
    ) -> None:
        self.problems: tuple[Problem, ...] = (Problem(code, message, remedy, place),)
        self.status = status
        super().__init__(code, message)


def raised_place(raised: TracebackType | None, folder: Path) -> Place | None:
    """Where an error came out of somebody's own code: the last frame below `folder`, else the last outside of us."""
    frames = [frame for frame in traceback.extract_tb(raised) if not frame.filename.startswith("<")]
    own = [frame for frame in frames if _is_own(frame.filename, folder)]
    chosen = own or [frame for frame in frames if not frame.filename.startswith(PACKAGE)]
    if not chosen:
        return None
    frame = chosen[-1]
    text = linecache.getline(frame.filename, frame.lineno or 0).rstrip("\n")
    start, end = frame.colno or 0, frame.end_colno or 0
    if frame.end_lineno not in (None, frame.lineno):
        end = len(text)
    return Place(frame.filename, frame.lineno or 0, start, end, text)


def syntax_place(error: SyntaxError) -> Place | None:
    """Where Python stopped reading."""
    if error.filename is None or error.lineno is None:
        return None
    text = (error.text or "").rstrip("\n")
    start = max(0, (error.offset or 1) - 1)
    end = (error.end_offset or 0) - 1 if error.end_lineno == error.lineno else len(text)
    return Place(error.filename, error.lineno, start, max(start + 1, end), text)


def _is_own(file: str, folder: Path) -> bool:
    try:
        below = Path(file).resolve().relative_to(folder.resolve())
    except ValueError:
        return False
    return not {"site-packages", ".venv"}.intersection(below.parts) and not file.startswith(PACKAGE)


def shown_path(file: str, folder: Path | None = None) -> str:
    """A path as people want to see it: relative where that is shorter."""
    try:
        relative = os.path.relpath(file, folder or Path.cwd())
    except ValueError:  # another drive
        return file
    return relative if len(relative) < len(file) else file
