"""Kingpost: declare the domain once, in typed Python; storage, API, pages and rules are derived.

All that users import is here. Names are loaded when first used, so that `import kingpost` costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from importlib.metadata import version as _version
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from kingpost.app import App as App
    from kingpost.base.clock import FrozenClock as FrozenClock
    from kingpost.base.errors import Conflict as Conflict
    from kingpost.base.errors import Forbidden as Forbidden
    from kingpost.base.errors import Invalid as Invalid
    from kingpost.base.errors import KingpostError as KingpostError
    from kingpost.base.errors import NotFound as NotFound
    from kingpost.base.errors import OutOfSpace as OutOfSpace
    from kingpost.base.errors import Refused as Refused
    from kingpost.base.errors import Rejected as Rejected
    from kingpost.base.errors import Stale as Stale
    from kingpost.base.errors import TooSlow as TooSlow
    from kingpost.base.errors import Unauthenticated as Unauthenticated
    from kingpost.base.errors import Unavailable as Unavailable
    from kingpost.base.ids import uuid7 as uuid7
    from kingpost.base.problems import DeclarationError as DeclarationError
    from kingpost.doors.rest.settings import RestSettings as RestSettings
    from kingpost.engine.context import as_system as as_system
    from kingpost.language.builtins import now as now
    from kingpost.model.api import Api as Api
    from kingpost.model.api import Cursor as Cursor
    from kingpost.model.api import Link as Link
    from kingpost.model.api import Offset as Offset
    from kingpost.model.api import Page as Page
    from kingpost.model.declare import Json as Json
    from kingpost.model.declare import Markdown as Markdown
    from kingpost.model.declare import NotLoaded as NotLoaded
    from kingpost.model.declare import action as action
    from kingpost.model.declare import actor as actor
    from kingpost.model.declare import allow as allow
    from kingpost.model.declare import anyone as anyone
    from kingpost.model.declare import authenticated as authenticated
    from kingpost.model.declare import computed as computed
    from kingpost.model.declare import deny as deny
    from kingpost.model.declare import field as field
    from kingpost.model.declare import generated as generated
    from kingpost.model.declare import index as index
    from kingpost.model.declare import nobody as nobody
    from kingpost.model.declare import unique as unique
    from kingpost.model.declare import validate as validate
    from kingpost.model.query import Query as Query
    from kingpost.model.resource import Resource as Resource
    from kingpost.protect.limits import Limits as Limits

_HOMES = {
    "kingpost.app": ("App",),
    "kingpost.base.clock": ("FrozenClock",),
    "kingpost.base.errors": (
        "Conflict", "Forbidden", "Invalid", "KingpostError", "NotFound", "OutOfSpace", "Refused", "Rejected", "Stale",
        "TooSlow", "Unauthenticated", "Unavailable",
    ),
    "kingpost.base.ids": ("uuid7",),
    "kingpost.base.problems": ("DeclarationError",),
    "kingpost.doors.rest.settings": ("RestSettings",),
    "kingpost.engine.context": ("as_system",),
    "kingpost.language.builtins": ("now",),
    "kingpost.protect.limits": ("Limits",),
    "kingpost.model.api": ("Api", "Cursor", "Link", "Offset", "Page"),
    "kingpost.model.declare": (
        "Json", "Markdown", "NotLoaded", "action", "actor", "allow", "anyone", "authenticated", "computed", "deny",
        "field", "generated", "index", "nobody", "unique", "validate",
    ),
    "kingpost.model.query": ("Query",),
    "kingpost.model.resource": ("Resource",),
}  # fmt: skip
_HOME = {name: module for module, names in _HOMES.items() for name in names}

__all__ = sorted(_HOME)  # pyright: ignore[reportUnsupportedDunderAll]


def __getattr__(name: str) -> Any:
    if name == "__version__":
        return _version("kingpost")
    if name not in _HOME:
        raise AttributeError(f"module 'kingpost' has no attribute {name!r}")
    value = getattr(import_module(_HOME[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
