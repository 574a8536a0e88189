"""Custom endpoints that take no more than query parameters: called directly, without FastAPI's way to them.

For `@app.get("/latest")` over a function without dependencies there is little to match, inject or validate, yet
FastAPI's way costs several times the answer. Such endpoints are found by one look-up and answered with the same bytes;
everything else, wrong input and errors too, goes FastAPI's way.
"""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, Final, TypeAlias, cast
from urllib.parse import unquote_plus
from uuid import UUID

from fastapi._compat import ModelField
from fastapi.datastructures import DefaultPlaceholder
from fastapi.encoders import jsonable_encoder
from fastapi.exceptions import ResponseValidationError
from fastapi.responses import JSONResponse, Response
from fastapi.routing import APIRoute
from msgspec import Struct
from pydantic import TypeAdapter, ValidationError
from starlette.routing import BaseRoute, Match
from starlette.types import ASGIApp, Receive, Scope, Send

_Answer: TypeAlias = Callable[[Mapping[str, Any]], Awaitable[ASGIApp]]

_TAKEN: Final = (
    "path_params", "header_params", "cookie_params", "body_params", "dependencies",
    "request_param_name", "websocket_param_name", "http_connection_param_name", "response_param_name",
    "background_tasks_param_name", "security_scopes_param_name",
)  # fmt: skip


_SCALARS: Final = tuple(
    kind
    for one in (str, int, float, bool, UUID, Decimal, date, datetime, time, timedelta)
    for kind in (one, one | None)
)
_NOTHING: Final[Mapping[str, Any]] = {}
_PLAIN: Final = (str, int, float, bool, type(None))


class Endpoint(Struct, frozen=True):
    """An endpoint with its arguments."""

    answer: _Answer
    values: Mapping[str, Any]


class _Json(Struct, frozen=True):
    """What FastAPI answers for a value, of which nothing more can be said than the body."""

    body: bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = self.body
        headers = [(b"content-length", b"%d" % len(body)), (b"content-type", b"application/json")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})


class DirectEndpoints:
    """The endpoints of an application that are called directly, by method and path."""

    def __init__(self, routes: Sequence[BaseRoute]) -> None:
        self._routes = routes
        self._read = -1
        self._known: dict[tuple[str, str], tuple[_Answer, Sequence[ModelField]]] = {}

    def find(self, scope: Scope) -> Endpoint | None:
        """The endpoint at an address, with what it takes of the query; None where FastAPI has to look at it."""
        if len(self._routes) != self._read:  # routes may be added at any time
            self._read = len(self._routes)
            self._known = dict(_direct(self._routes))
        found = self._known.get((scope["method"], scope["path"]))
        if found is None or scope.get("root_path"):
            return None
        answer, fields = found
        if not fields:
            return Endpoint(answer, _NOTHING)
        values = _values(fields, scope["query_string"])
        return None if values is None else Endpoint(answer, values)


def _values(fields: Sequence[ModelField], query: bytes) -> dict[str, Any] | None:
    """The parameters, as FastAPI would read them; None where it would refuse one, or fill in something special."""
    given = given_in(query.decode("latin-1"))
    values: dict[str, Any] = {}
    for field in fields:
        text = given.get(field.alias)
        if text is None:
            if field.field_info.is_required() or not isinstance(field.default, _PLAIN):
                return None
            values[field.name] = field.default
            continue
        value, errors = field.validate(text, values, loc=("query", field.alias))
        if errors:
            return None
        values[field.name] = value
    return values


def given_in(query: str) -> dict[str, str]:
    """As `parse_qsl` reads it, blank values too; of several of one name the last one."""
    pairs = (pair.partition("=") for pair in query.split("&") if pair)
    if "%" in query or "+" in query:
        return {unquote_plus(name): unquote_plus(value) for name, _, value in pairs}
    return {name: value for name, _, value in pairs}


def _direct(routes: Sequence[BaseRoute]) -> Iterator[tuple[tuple[str, str], tuple[_Answer, Sequence[ModelField]]]]:
    for index, route in enumerate(routes):
        if type(route) is APIRoute and _takes_little(route):
            for method in route.methods or ():
                scope: Scope = {"type": "http", "method": method, "path": route.path, "root_path": "", "headers": []}
                if all(before.matches(scope)[0] is Match.NONE for before in routes[:index]):
                    yield (method, route.path), (_answer(route), route.dependant.query_params)


def _takes_little(route: APIRoute) -> bool:
    """Whether nothing but single query parameters, and no option of the route, has a part in the answer."""
    taken = route.dependant
    plain = inspect.iscoroutinefunction(route.endpoint) and not any(getattr(taken, name) for name in _TAKEN)
    selected = (
        route.response_model_include or route.response_model_exclude or not route.response_model_by_alias,
        route.response_model_exclude_unset or route.response_model_exclude_defaults,
        route.response_model_exclude_none or route.status_code is not None or route.stream_item_field is not None,
    )
    single = all(_is_single(field) for field in taken.query_params)
    return plain and single and "{" not in route.path and not any(selected)


def _is_single(field: ModelField) -> bool:
    """Whether it is one parameter of one value, with nothing that only FastAPI knows to do."""
    info = field.field_info
    return (
        cast(Any, info.annotation) in _SCALARS
        and not info.validate_default
        and info.validation_alias in (None, field.alias)
        and info.default_factory is None
    )


def _answer(route: APIRoute) -> _Answer:
    """The function of a route, answering what FastAPI would make of its result."""
    call, field = route.endpoint, route.response_field
    chosen = route.response_class
    as_json = isinstance(chosen, DefaultPlaceholder) and chosen.value is JSONResponse
    response: Any = chosen.value if isinstance(chosen, DefaultPlaceholder) else chosen
    if field is None:

        async def answer(values: Mapping[str, Any]) -> ASGIApp:
            result = await call(**values)
            if isinstance(result, Response):
                return result
            return cast(ASGIApp, response(jsonable_encoder(result)))

        return answer

    # Its own methods are many layers.
    adapter: TypeAdapter[Any] = field._type_adapter  # pyright: ignore[reportPrivateUsage]

    async def validated(values: Mapping[str, Any]) -> ASGIApp:
        result = await call(**values)
        if isinstance(result, Response):
            return result
        try:
            value = adapter.validator.validate_python(result, from_attributes=True)
        except ValidationError:
            _, errors = field.validate(result, {}, loc=("response",))
            raise ResponseValidationError(errors=cast("Sequence[Any]", errors), body=result) from None
        if as_json:
            return _Json(adapter.serializer.to_json(value, by_alias=True))
        return cast(ASGIApp, response(field.serialize(value)))

    return validated
