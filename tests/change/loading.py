"""Loading a text as if it were a file, and what came of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from kingpost import App
from kingpost.change.load import Load, Loaded, Progress, Wanted
from kingpost.change.load_rejects import rejects_path


async def load(app: App, folder: Path, resource: str, text: str, name: str = "rows.csv", **how: Any) -> Progress:
    """Load a text; answers what became of its rows."""
    loaded = await load_all(app, folder, resource, {name: text}, **how)
    return loaded.files[0]


async def load_all(
    app: App, folder: Path, resource: str, texts: dict[str, str], *, watch: Any = None, stopped: Any = None, **how: Any
) -> Loaded:
    """Load several, in order."""
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8")
    watching = {name: one for name, one in (("watch", watch), ("stopped", stopped)) if one is not None}
    return await Load(app.engine, resource, Wanted(**how), **watching).files([str(folder / name) for name in texts])


def counts(progress: Progress) -> tuple[int, int, int, int]:
    """Created, updated, unchanged, rejected."""
    return progress.created, progress.updated, progress.unchanged, progress.rejected


def rejects(folder: Path, name: str = "rows.csv") -> str:
    """What the file of rejected rows says."""
    path = rejects_path(str(folder / name), "csv" if name.endswith("csv") else "ndjson")
    return path.read_text(encoding="utf-8").replace("\r\n", "\n")
