"""Rows as objects of the declared classes: how they are made, for `engine.stitch`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from kingpost.engine.rows import Rows
from kingpost.engine.stitch import Make
from kingpost.model.model import Model
from kingpost.model.state import materialiser, referrer


def constructors(model: Model, rows: Rows) -> Make:
    """What makes objects of the values of a row; dicts where there is no class."""

    def make(resource: str, names: tuple[str, ...], via: str | None) -> Callable[..., Any]:
        found = model.resources.get(resource)
        cls: Any = None if found is None else found.cls
        if found is None or cls is None:
            return lambda *values: dict(zip(names, values, strict=True))
        if via is not None:
            return referrer(cls, via)
        converts = {name: rows.conversion(found, name) for name in names if name in found.fields}
        needed = {name: convert for name, convert in converts.items() if convert is not None}
        return materialiser(cls, names, needed)

    return make
