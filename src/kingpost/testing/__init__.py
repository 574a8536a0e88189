"""What applications are tested with: a client in the same process, a database that is gone afterwards, time and ids.

Decides how tests reach an application. Must not be imported by one that is served.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from kingpost.testing.client import Client as Client
    from kingpost.testing.control import freeze as freeze
    from kingpost.testing.control import seed_ids as seed_ids
    from kingpost.testing.databases import fresh as fresh

_HOMES = {"Client": "client", "freeze": "control", "fresh": "databases", "seed_ids": "control"}

__all__ = ["Client", "freeze", "fresh", "seed_ids"]  # pyright: ignore[reportUnsupportedDunderAll]


def __getattr__(name: str) -> Any:
    # The conformance suite of stores lives here too, and needs no HTTP client.
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
