"""What an application answers at, besides its resources."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kingpost.app import App


@dataclass(frozen=True, slots=True)
class OwnRoute:
    """A route of the application's own code. `methods` is empty where it takes any."""

    methods: tuple[str, ...]
    path: str
    what: str


def api_prefix(app: App) -> str:
    """The path that those of resources begin with."""
    first = next(one for one in app.model.resources.values() if not one.internal)
    path: str = next(path for _, path, _ in app.rest.routes())
    return path.removesuffix(f"/{first.path.strip('/')}")


def own_routes(app: App) -> Iterator[OwnRoute]:
    """Routes and mounted applications, those of included routers among them."""
    from fastapi.routing import iter_route_contexts

    for route in iter_route_contexts(app.routes):
        name = getattr(route, "name", None) or type(route.original_route).__name__
        what = getattr(route, "summary", None) or name.replace("_", " ")
        methods = sorted(set(getattr(route, "methods", None) or ()) - {"HEAD", "OPTIONS"})
        yield OwnRoute(tuple(methods), route.path or "/", what)


def has_site(app: App) -> bool:
    """Whether somebody who opens the bare address in a browser gets an answer."""
    return any(route.path == "/" and (not route.methods or "GET" in route.methods) for route in own_routes(app))
