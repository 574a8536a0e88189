"""Custom endpoints that take nothing from the request: called directly, without FastAPI's way to them.

For `@app.get("/about")` over a function without parameters and dependencies there is nothing to match, inject or
validate, yet FastAPI's way costs five times the answer. Such endpoints are found by one look-up and answered with the
same bytes; everything else, errors too, goes FastAPI's way.
"""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import Any, Final, TypeAlias, cast

from fastapi.datastructures import DefaultPlaceholder
from fastapi.encoders import jsonable_encoder
from fastapi.exceptions import ResponseValidationError
from fastapi.responses import JSONResponse, Response
from fastapi.routing import APIRoute
from starlette.routing import BaseRoute, Match
from starlette.types import Scope

Endpoint: TypeAlias = Callable[[], Awaitable[Response]]

_TAKEN: Final = (
    "path_params", "query_params", "header_params", "cookie_params", "body_params", "dependencies",
    "request_param_name", "websocket_param_name", "http_connection_param_name", "response_param_name",
    "background_tasks_param_name", "security_scopes_param_name",
)  # fmt: skip


class DirectEndpoints:
    """The endpoints of an application that are called directly, by method and path."""

    def __init__(self, routes: Sequence[BaseRoute]) -> None:
        self._routes = routes
        self._read = -1
        self._known: dict[tuple[str, str], Endpoint] = {}

    def find(self, scope: Scope) -> Endpoint | None:
        """The endpoint at an address, if it takes nothing."""
        if len(self._routes) != self._read:  # routes may be added at any time
            self._read = len(self._routes)
            self._known = dict(_direct(self._routes))
        return None if scope.get("root_path") else self._known.get((scope["method"], scope["path"]))


def _direct(routes: Sequence[BaseRoute]) -> Iterator[tuple[tuple[str, str], Endpoint]]:
    for index, route in enumerate(routes):
        if type(route) is APIRoute and _takes_nothing(route):
            for method in route.methods or ():
                scope: Scope = {"type": "http", "method": method, "path": route.path, "root_path": "", "headers": []}
                if all(before.matches(scope)[0] is Match.NONE for before in routes[:index]):
                    yield (method, route.path), _endpoint(route)


def _takes_nothing(route: APIRoute) -> bool:
    """Whether nothing in the request, and no option of the route, has a part in the answer."""
    taken = route.dependant
    plain = inspect.iscoroutinefunction(route.endpoint) and not any(getattr(taken, name) for name in _TAKEN)
    selected = (
        route.response_model_include or route.response_model_exclude or not route.response_model_by_alias,
        route.response_model_exclude_unset or route.response_model_exclude_defaults,
        route.response_model_exclude_none or route.status_code is not None or route.stream_item_field is not None,
    )
    return plain and "{" not in route.path and not any(selected)


def _endpoint(route: APIRoute) -> Endpoint:
    """The function of a route, answering what FastAPI would make of its result."""
    call, field = route.endpoint, route.response_field
    chosen = route.response_class
    as_json = isinstance(chosen, DefaultPlaceholder) and chosen.value is JSONResponse
    response: Any = chosen.value if isinstance(chosen, DefaultPlaceholder) else chosen
    if field is None:

        async def answer() -> Response:
            result = await call()
            if isinstance(result, Response):
                return result
            return cast(Response, response(jsonable_encoder(result)))

        return answer

    async def validated() -> Response:
        result = await call()
        if isinstance(result, Response):
            return result
        value, errors = field.validate(result, {}, loc=("response",))
        if errors:
            raise ResponseValidationError(errors=cast("Sequence[Any]", errors), body=result)
        if as_json:
            return Response(field.serialize_json(value), media_type="application/json")
        return cast(Response, response(field.serialize(value)))

    return validated
