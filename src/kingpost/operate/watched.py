"""Which files make a development server start again."""

from __future__ import annotations

from watchfiles import Change, DefaultFilter

from kingpost.operate.serve import RELOADED


class Watched(DefaultFilter):
    """Sources and templates, outside of caches and virtual environments."""

    def __call__(self, change: Change, path: str) -> bool:
        """Whether a change of this file counts."""
        return path.endswith(RELOADED) and super().__call__(change, path)
