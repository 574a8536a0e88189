"""`kingpost new`: a project that serves at once."""

from __future__ import annotations

import re
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

from kingpost.operate.failure import Failure

NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,63}")
SUFFIX = ".txt"
"""Behind the names of template files, so that no tool takes them for code of ours."""


def new(name: str, /) -> int:
    """Make the folder NAME with a small application: resources, rules, a computed field, an action, and tests.

    Args:
        name: Of the folder and of the application: letters, digits, - and _.
    """
    from kingpost.cli.console import heading, output

    folder = Path(name)
    _require(folder, name)
    for path, text in _files(files("kingpost.cli") / "template"):
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text.replace("{{name}}", name), encoding="utf-8")
        output.print(f"  {target}", style="dim")
    output.print(heading(f"{name} is ready."))
    output.print(
        f"  cd {name}\n  kingpost serve           the API and its documentation, at http://127.0.0.1:8000/api/docs"
    )
    output.print("  kingpost check           what the declaration forgets\n  python -m pytest         its tests")
    return 0


def _require(folder: Path, name: str) -> None:
    if not NAME.fullmatch(name):
        words = re.sub(r"[^A-Za-z0-9_-]+", "-", name).strip("-0123456789_")
        remedy = f"kingpost new {words or 'blog'}"
        raise Failure("KC010", f"{name!r} is no name for a project: letters, digits, - and _, a letter first", remedy)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        kind = "is not empty" if folder.is_dir() else "is a file"
        raise Failure("KC011", f"{folder} exists and {kind}", f"another name, such as kingpost new {name}2")


def _files(folder: Traversable, below: str = "") -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    for entry in sorted(folder.iterdir(), key=lambda entry: entry.name):
        path = f"{below}{entry.name}"
        if entry.is_dir():
            found.extend(_files(entry, f"{path}/"))
        elif entry.name.endswith(SUFFIX):
            found.append((path.removesuffix(SUFFIX).replace("dot.", "."), entry.read_text(encoding="utf-8")))
    return found
