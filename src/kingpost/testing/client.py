"""`Client`: requests to an application in the same process, in the name of whoever the test says."""

from __future__ import annotations

import asyncio
from collections.abc import MutableMapping
from typing import Any, Final, Self

from starlette.types import ASGIApp, Receive, Scope, Send

from kingpost.app import App
from kingpost.model.resource import Resource

try:
    import httpx2
except ModuleNotFoundError as error:
    raise ModuleNotFoundError(
        "kingpost.testing needs httpx2: pip install httpx2, or Kingpost with its extra testing", name="httpx2"
    ) from error

_NAMED: Final = "kingpost.named"
_UNSAID: Final[Any] = object()


class Client(httpx2.AsyncClient):
    """An asynchronous HTTP client whose requests go straight to an ASGI application.

    It is httpx2's `AsyncClient` with one word more: `actor`, on every call. Entering it starts the application, as a
    server would. What the application raises is raised here, unless `raise_errors` is False.

    Args:
        app: The application, or any ASGI application around one.
        actor: Who asks where a call does not say; None is the anonymous one. Whoever is named here or on a call asks,
            whatever the application's middleware finds; where nobody says it, that is who asks.
        raise_errors: Whether an error that nobody foresaw comes out of the call instead of a 500.
        base_url: What stands before paths.
        options: More for httpx2, such as `headers`.

    Raises TypeError where an actor is no row of the application's actor resource.

    >>> async with Client(app) as client:  # doctest: +SKIP
    ...     answer = await client.post("/api/articles", json={"title": "News"}, actor=ada)
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        actor: Resource | None = _UNSAID,
        raise_errors: bool = True,
        base_url: str = "http://testserver",
        **options: Any,
    ) -> None:
        self.app = app
        self.actor = self._known(actor)
        self.raise_errors = raise_errors
        self._options: dict[str, Any] = {"base_url": base_url, **options}
        self._lifespan = _Lifespan(app)
        super().__init__(transport=_Transport(app, raise_errors, self._lifespan.state), **self._options)

    def acting(self, actor: Resource | None) -> Client:
        """A client of the same application for another actor. It needs no `async with`; cookies are its own."""
        other = Client(self.app, actor=actor, raise_errors=self.raise_errors, **self._options)
        other._lifespan.state.update(self._lifespan.state)
        return other

    async def request(self, method: str, url: Any, *, actor: Any = _UNSAID, **options: Any) -> httpx2.Response:
        """One request in the name of `actor`."""
        extensions: dict[str, Any] = options.pop("extensions", None) or {}
        named = self.actor if actor is _UNSAID else self._known(actor)
        if named is not _UNSAID:
            extensions = {**extensions, _NAMED: named}
        return await super().request(method, url, extensions=extensions, **options)

    def _known(self, actor: Any) -> Any:
        """Whoever is named, if the application itself can tell that it is somebody. Raises TypeError."""
        if isinstance(self.app, App) and actor is not _UNSAID:
            self.app.model.require_actor(actor)
        return actor

    async def get(self, url: Any, *, actor: Any = _UNSAID, **options: Any) -> httpx2.Response:
        return await self.request("GET", url, actor=actor, **options)

    async def head(self, url: Any, *, actor: Any = _UNSAID, **options: Any) -> httpx2.Response:
        return await self.request("HEAD", url, actor=actor, **options)

    async def options(self, url: Any, *, actor: Any = _UNSAID, **options: Any) -> httpx2.Response:
        return await self.request("OPTIONS", url, actor=actor, **options)

    async def post(self, url: Any, *, actor: Any = _UNSAID, **options: Any) -> httpx2.Response:
        return await self.request("POST", url, actor=actor, **options)

    async def put(self, url: Any, *, actor: Any = _UNSAID, **options: Any) -> httpx2.Response:
        return await self.request("PUT", url, actor=actor, **options)

    async def patch(self, url: Any, *, actor: Any = _UNSAID, **options: Any) -> httpx2.Response:
        return await self.request("PATCH", url, actor=actor, **options)

    async def delete(self, url: Any, *, actor: Any = _UNSAID, **options: Any) -> httpx2.Response:
        return await self.request("DELETE", url, actor=actor, **options)

    async def __aenter__(self) -> Self:
        await self._lifespan.start()
        return await super().__aenter__()

    async def __aexit__(self, *exc: Any) -> None:
        try:
            await super().__aexit__(*exc)
        finally:
            await self._lifespan.stop()


class _Transport(httpx2.AsyncBaseTransport):
    """Calls the application with the actor of the request in the scope."""

    def __init__(self, app: ASGIApp, raise_errors: bool, state: dict[str, Any]) -> None:
        self._app = app
        self._raise_errors = raise_errors
        self._state = state

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        said: MutableMapping[str, Any] = {
            "kingpost.raise": self._raise_errors,
            "state": dict(self._state),
        }
        if _NAMED in request.extensions:
            said["kingpost.actor"] = said[_NAMED] = request.extensions[_NAMED]

        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            scope.update(said)
            await self._app(scope, receive, send)

        transport = httpx2.ASGITransport(app=app, raise_app_exceptions=self._raise_errors)
        return await transport.handle_async_request(request)


class _Lifespan:
    """The server's side of the ASGI lifespan. The application's side is a task of its own, from start to stop."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self.state: dict[str, Any] = {}
        self._told: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._heard: asyncio.Queue[MutableMapping[str, Any]] = asyncio.Queue()

    async def start(self) -> None:
        """Return when the application is ready; what it raises instead is raised here."""
        self._task = asyncio.create_task(self._run())
        await self._tell("lifespan.startup")

    async def stop(self) -> None:
        """Return when the application has shut down."""
        if not self._task.done():
            await self._tell("lifespan.shutdown")
        await self._task

    async def _run(self) -> None:
        scope = {"type": "lifespan", "asgi": {"version": "3.0", "spec_version": "2.0"}, "state": self.state}
        await self._app(scope, self._told.get, self._heard.put)

    async def _tell(self, kind: str) -> None:
        await self._told.put({"type": kind})
        answer = asyncio.create_task(self._heard.get())
        await asyncio.wait({self._task, answer}, return_when=asyncio.FIRST_COMPLETED)
        if not answer.done():
            answer.cancel()
            await self._task  # raises what ended it
        elif answer.result()["type"].endswith(".failed"):
            await self._task
            raise RuntimeError(answer.result().get("message", kind))
