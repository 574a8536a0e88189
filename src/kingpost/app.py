"""`App`: a FastAPI application whose resource routes, stores and rules are derived from one declaration."""

from __future__ import annotations

import os
import secrets
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AbstractContextManager, asynccontextmanager, contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Match
from starlette.types import ASGIApp, Receive, Scope, Send

from kingpost.base.clock import Clock, system_clock
from kingpost.base.errors import KingpostError
from kingpost.base.ids import uuid7
from kingpost.base.problems import DeclarationError, Problem
from kingpost.doors.direct import DirectEndpoints, Endpoint
from kingpost.doors.health import HealthDoor
from kingpost.doors.rest import RestDoor, RestSettings
from kingpost.doors.rest.answer import send_answer
from kingpost.doors.rest.openapi import merge
from kingpost.doors.rest.problem import problem
from kingpost.doors.rest.request import asker
from kingpost.engine.context import Context, During, acting_as
from kingpost.engine.engine import Engine
from kingpost.engine.passed import Passed, passed
from kingpost.engine.pulse import Pulse
from kingpost.engine.records import followable, unchanging_stores, with_records
from kingpost.engine.repeats import records_in
from kingpost.engine.runner import EngineRunner
from kingpost.engine.serialize import Serializer
from kingpost.model.build import build, set_runner
from kingpost.model.model import Model
from kingpost.model.query_runner import current_runner
from kingpost.model.resource import Resource, serializer
from kingpost.model.schema import ModelSchema
from kingpost.plan.following import Following
from kingpost.protect.flight import Flight
from kingpost.protect.guard import Guard
from kingpost.protect.limits import Limits
from kingpost.stores.contract import SchemaChange, Store
from kingpost.stores.registry import open_store

if TYPE_CHECKING:
    from kingpost.doors.analysis.tables import Tables

HEALTH = 'another path, or App(..., health="/-/health"), or health=None where you do that yourself'


class App(FastAPI):
    """An ASGI application made of resources.

    `stores`: URL by name, of which `main` is the default of resources. `actor`: the resource that actors are rows of;
    found from the rules where it is not named. `clock` and `ids` can be replaced, by tests above all. `secret` signs
    cursors and must be the same in all processes; by default it is `KINGPOST_SECRET`, else new for every process.
    `limits` bound every request. At `health` a watcher asks whether the server lives (`/live`) and whether it can
    answer (`/ready`); None: nowhere. What `on_delete` says of rows in other stores is carried out while the application
    is served; with `relay=False` by other processes, or by `settle`. With `debug=True`, or KINGPOST_DEVELOPMENT=1 in
    the environment, a developer is told which rules refused. Everything else goes to FastAPI. Raises `DeclarationError`
    with all that is wrong.
    """

    def __init__(
        self,
        name: str,
        *,
        resources: Sequence[type[Resource]],
        stores: Mapping[str, str] | None = None,
        actor: type[Resource] | None = None,
        clock: Clock = system_clock,
        ids: Callable[[], Any] = uuid7,
        secret: bytes | None = None,
        api: str = "/api",
        rest: RestSettings | None = None,
        limits: Limits | None = None,
        health: str | None = "/health",
        relay: bool = True,
        **fastapi: Any,
    ) -> None:
        self.name = name
        self._starts = 0
        self.relays = relay
        self._api = api.rstrip("/")
        urls = dict(stores or {"main": f"sqlite:///{name}.db"})
        built = build(resources, frozenset(urls), actor)
        records = {records_in(store).name: records_in(store) for store in urls}
        self.model, self.stores = _opened(replace(built, resources={**built.resources, **records}), urls)
        key = secret or os.environ.get("KINGPOST_SECRET", "").encode() or secrets.token_bytes(32)
        self.engine = Engine(self.model, ModelSchema.of(self.model), self.stores, clock=clock, new_id=ids, secret=key)
        self.runner = EngineRunner(self.engine)
        set_runner(self.model, self.runner)
        for page in ("docs_url", "redoc_url", "openapi_url"):  # FastAPI's pages load scripts from elsewhere
            fastapi.setdefault(page, None)
        user_lifespan = fastapi.pop("lifespan", None)
        super().__init__(title=fastapi.pop("title", name), lifespan=_lifespan(self, user_lifespan), **fastapi)
        settings = rest or RestSettings(title=self.title, version=self.version, description=self.description)
        self.rest = RestDoor(
            self.engine,
            self.model,
            prefix=api,
            settings=settings,
            others=lambda: FastAPI.openapi(self),
            development=lambda: self.debug or os.environ.get("KINGPOST_DEVELOPMENT") == "1",
        )
        self._serialize = Serializer(self.engine)
        self._direct = DirectEndpoints(self.router.routes)
        limits = limits or Limits()
        self.health: HealthDoor | None = None
        if health is not None:
            self.health = HealthDoor(Pulse(self.model, self.stores), health.rstrip("/"), min(2, limits.deadline / 2))
        self._guard = Guard(self._answer, limits, _tell, self.health.paths if self.health is not None else ())
        router: Any = self.router  # the attribute is a method to type checkers
        router.middleware_stack = self._innermost(router.middleware_stack)
        self.add_exception_handler(KingpostError, _as_problem)

    # Requests

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Every request passes the guard."""
        if scope["type"] == "http":
            await self._guard(scope, receive, send)
        else:
            await super().__call__(scope, receive, send)

    def _answer(self, scope: Scope, flight: Flight) -> Awaitable[None]:
        """Resource routes are entered directly where no middleware was added; the rest is FastAPI's."""
        if not self.user_middleware:
            if self.rest.matches(scope["path"]):
                flight.watched = True
                return self.rest(scope, flight.receive, flight.send)
            endpoint = self._direct.find(scope)
            if endpoint is not None:
                return self._call(endpoint, scope, flight.receive, flight.send)
        if self.health is not None and scope["path"] in self.health.paths:
            return self.health(scope, flight.receive, flight.send)
        scope["kingpost.flight"] = flight
        return super().__call__(scope, flight.receive, flight.send)

    async def _call(self, endpoint: Endpoint, scope: Scope, receive: Receive, send: Send) -> None:
        """An endpoint that takes nothing; what it raises goes the way of all that FastAPI's endpoints raise."""
        try:
            with self._during(scope):
                response = await endpoint.answer(endpoint.values)
        except Exception as error:
            scope["kingpost.raised"] = error
            await super().__call__(scope, receive, send)
        else:
            await response(scope, receive, send)

    def _innermost(self, router: ASGIApp) -> ASGIApp:
        """Behind all middleware: resource routes by look-up, then FastAPI's router, in the name of who asks."""

        async def dispatch(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] != "http":
                await router(scope, receive, send)
            elif (raised := scope.pop("kingpost.raised", None)) is not None:
                raise raised
            elif self.rest.matches(scope["path"]) or self._nowhere(scope):
                if (flight := scope.get("kingpost.flight")) is not None:
                    flight.watched = True
                await self.rest(scope, receive, send)
            else:
                with self._during(scope):
                    await router(scope, receive, send)

        return dispatch

    def _during(self, scope: Scope) -> AbstractContextManager[None]:
        """Code of the application's own inside acts in the name of who asks."""
        context = Context(asker(scope, self.model), self.engine.clock())
        return During(context, (current_runner, self.runner), (serializer, self._serialize), (passed, Passed()))

    def _nowhere(self, scope: Scope) -> bool:
        """An address of the API that no resource and no route of the application's own has: a problem, not a page."""
        if not self._api or not scope["path"].startswith(f"{self._api}/"):
            return False
        return all(route.matches(scope)[0] is Match.NONE for route in self.routes)

    def openapi(self) -> dict[str, Any]:
        """The OpenAPI document of resources and custom routes together."""
        return merge(self.rest.description.resources(), super().openapi())

    def attach(self, app: ASGIApp, path: str = "/") -> None:
        """Serve an existing ASGI or FastAPI application beside the resources, under `path`."""
        self.mount(path, app)

    # Code outside requests

    async def start(self) -> None:
        """Open the stores; the ASGI lifespan does it when the application is served. Every `start` wants its `stop`.

        Raises `DeclarationError` where a route of the application's own has the address of a resource.
        """
        if not self._starts:
            self._refuse_collisions()
            await self.engine.start()
            self._guard.start()
        self._starts += 1

    async def stop(self) -> None:
        """Close the stores, when all who started them have stopped."""
        self._starts -= 1
        if not self._starts:
            self._guard.stop()
            await self.engine.relay.stop()
            await self.engine.stop()

    async def settle(self) -> None:
        """Return when all that deletes so far mean for other stores has been carried out, here or elsewhere.

        Raises what keeps that from happening, such as `Unavailable` for a store that is down. For scripts and tests: an
        application that is served does it by itself.
        """
        await self.engine.relay.settle()

    def _refuse_collisions(self) -> None:
        paths = [str(getattr(route, "path", "")) for route in self.routes]
        problems = [
            Problem("KP320", f"the route {path} has an address that belongs to a resource", "another path")
            for path in paths
            if self.rest.matches(path)
        ]
        if self.health is not None:
            problems += [
                Problem("KP320", f"the route {path} has an address that tells of the server's health", HEALTH)
                for path in paths
                if path in self.health.paths
            ]
        if problems:
            raise DeclarationError(problems)

    def acting(self, actor: Resource | None) -> AbstractContextManager[None]:
        """Code inside has the rights of this actor, and asks this application; None is the anonymous one.

        Raises TypeError where the actor is no row of the actor resource.
        """
        self.model.require_actor(actor)
        return self._acting(actor)

    @contextmanager
    def _acting(self, actor: Resource | None) -> Generator[None]:
        token = current_runner.set(self.runner)
        try:
            with acting_as(actor):
                yield
        finally:
            current_runner.reset(token)

    def transaction(self, store: str = "main") -> AbstractAsyncContextManager[None]:
        """Reads and writes of this task on one store take effect together, or not at all."""
        return self.engine.transaction(store)

    async def execute(self, sql: str, params: Sequence[object] = (), *, store: str = "main") -> Sequence[Sequence[Any]]:
        """Run a statement that Kingpost can't say, inside `as_system("why")`; answers its rows as they are stored.

        Parameters are written as the store does: `?` for SQLite and MariaDB, `$1` for PostgreSQL. Raises `Forbidden`
        elsewhere.
        """
        return await self.engine.execute(sql, params, store)

    @asynccontextmanager
    async def analysis(
        self, actor: Resource | Literal["acting"] | None = "acting", *, memory: str = "1GB", threads: int = 2
    ) -> AsyncGenerator[Tables]:
        """Inside, every resource is an ibis table with what this actor may read of it, computed with by DuckDB.

        Without `actor` it is who acts already, or the system inside `as_system("why")`; None is the anonymous one.
        `memory` and `threads` are DuckDB's; what does not fit is kept on disk meanwhile. Raises `DeclarationError`
        where the extra `analysis` is not installed.
        """
        from kingpost.doors.analysis.opening import open_tables  # what it takes is an extra

        context = self.engine.context()
        if not isinstance(actor, str):
            self.model.require_actor(actor)
            context = Context(actor, context.now)
        await self.start()
        try:
            async with open_tables(self.engine, context, memory=memory, threads=threads) as found:
                yield found
        finally:
            await self.stop()

    async def compare(self) -> dict[str, list[SchemaChange]]:
        """How each store differs from the declaration; changes nothing."""
        return {name: await store.compare() for name, store in self.stores.items()}

    async def sync(self) -> dict[str, list[SchemaChange]]:
        """Create what is missing and add what can be added without loss; answers all differences found.

        Changes of kind `refuse` were not made: they need a decision.
        """
        found = await self.compare()
        for name, changes in found.items():
            await self.stores[name].apply([change for change in changes if change.kind != "refuse"])
        return found


def _opened(model: Model, urls: Mapping[str, str]) -> tuple[Model, dict[str, Store]]:
    """The stores, and the model with what has to be kept in them. Raises `DeclarationError`."""
    stores = {key: open_store(url, model, key) for key, url in urls.items()}
    following = Following(model, unchanging_stores(stores))
    problems = followable(model, stores, following)
    if problems:
        raise DeclarationError(problems)
    if not following.stores:
        return model, stores
    model = with_records(model, following.stores)
    return model, {key: open_store(url, model, key) for key, url in urls.items()}


def _lifespan(app: App, user: Any) -> Callable[[Any], AbstractAsyncContextManager[Any]]:
    @asynccontextmanager
    async def lifespan(_: Any) -> AsyncGenerator[Any]:
        await app.start()
        if app.relays:
            await app.engine.relay.start()
        try:
            if user is None:
                yield None
            else:
                async with user(app) as state:
                    yield state
        finally:
            await app.stop()

    return lifespan


async def _tell(send: Send, error: KingpostError) -> None:
    """The answer of the guard, in the application's place."""
    await send_answer(send, problem(error))


async def _as_problem(request: Request, error: Exception) -> Response:
    """What Kingpost refuses inside a custom endpoint looks as it does on a resource route."""
    if not isinstance(error, KingpostError):
        raise error
    app = request.app
    answer = problem(error, hint=app.rest.hint(error) if isinstance(app, App) else "")
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in answer.headers}
    return Response(answer.body, answer.status, headers)
