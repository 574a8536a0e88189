"""The application as a FastAPI application: custom endpoints, middleware, attached applications."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated, Any

import pytest
from fastapi import Depends, FastAPI, Request, Response
from openapi_spec_validator import OpenAPIV31SpecValidator
from starlette.types import Receive, Scope, Send

from kingpost import App, DeclarationError
from kingpost.testing import Client
from tests.blog import Article, People, User, blog, populate


@pytest.fixture
async def app(tmp_path: Path) -> AsyncIterator[App]:
    app = blog(f"sqlite:///{tmp_path}/blog.db")
    yield app
    await app.stop()


def size() -> int:
    """A dependency."""
    return 2


async def _people(app: App) -> People:
    await app.start()
    await app.sync()
    return await populate()


async def test_custom_endpoints_join_the_application(app: App) -> None:
    @app.get("/newest")
    async def newest(limit: Annotated[int, Depends(size)]) -> list[Article]:
        return await Article.all().sort("-published_at").include("author").limit(limit)

    @app.post("/echo")
    async def echo(article: Article) -> Article:
        return article

    people = await _people(app)
    async with Client(app) as client:
        (row,) = (await client.get("/newest")).json()
        assert row["title"] == "Joins"
        assert row["author"]["name"] == "Ada"
        assert len((await client.get("/newest", actor=people.ada)).json()) == 2
        body = {"title": "x", "author": {"id": str(people.ada.id)}}
        echoed = await client.post("/echo", json=body)
        assert echoed.status_code == 200, echoed.text
        assert echoed.json()["title"] == "x"
        assert (await client.post("/echo", json={"title": "x", "nope": 1})).status_code == 422
        document = (await client.get("/api/openapi.json")).json()
        assert {"/newest", "/echo", "/api/articles"} <= set(document["paths"])
        OpenAPIV31SpecValidator(document).validate()


async def test_what_the_actor_may_not_read_is_left_out(app: App) -> None:
    @app.get("/all-users")
    async def all_users() -> list[User]:
        return await User.all().sort("name")

    people = await _people(app)
    async with Client(app) as client:
        anonymous = (await client.get("/all-users")).json()
        assert all("salary" not in user and not user.get("email") for user in anonymous)
        ada = (await client.get("/all-users", actor=people.ada)).json()[0]
        assert (ada["email"], "salary" in ada) == ("ada@example.org", False)
        eve = (await client.get("/all-users", actor=people.eve)).json()
        assert [user["salary"] for user in eve] == [0, 0, 7]


async def test_errors_inside_custom_endpoints_are_problems(app: App) -> None:
    @app.get("/one/{key}")
    async def one(key: str) -> User:
        return await User.get(key)

    people = await _people(app)
    async with Client(app) as client:
        answer = await client.get(f"/one/{people.draft.id}")
        assert answer.status_code == 404
        assert answer.headers["content-type"] == "application/problem+json"


async def test_resource_routes_are_behind_the_middleware(app: App) -> None:
    seen: list[str] = []

    @app.middleware("http")
    async def note(request: Request, call_next: Callable[[Request], Awaitable[Response]]) -> Response:
        seen.append(request.url.path)
        response = await call_next(request)
        response.headers["x-noted"] = "yes"
        return response

    await _people(app)
    async with Client(app) as client:
        answer = await client.get("/api/topics")
        assert (answer.status_code, answer.headers["x-noted"], seen) == (200, "yes", ["/api/topics"])


async def test_an_existing_application_can_be_attached(app: App) -> None:
    other = FastAPI()

    @other.get("/hello")
    def hello() -> dict[str, str]:
        return {"hello": "there"}

    app.attach(other, "/old")
    await _people(app)
    async with Client(app) as client:
        assert (await client.get("/old/hello")).json() == {"hello": "there"}
        assert (await client.get("/api/topics")).status_code == 200
        assert (await client.get("/nowhere")).status_code == 404
        answer = await client.get("/api/nowhere")
        assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json")


async def test_paths_that_collide_fail_the_start(app: App) -> None:
    @app.get("/api/articles/{id}")
    async def mine(id: str) -> None: ...

    with pytest.raises(DeclarationError, match="/api/articles/"):
        await app.start()


async def test_the_lifespan_opens_and_closes(tmp_path: Path) -> None:
    log: list[str] = []

    @asynccontextmanager
    async def lifespan(app: Any) -> AsyncIterator[None]:
        await app.sync()
        log.append("up")
        yield
        log.append("down")

    app = blog(f"sqlite:///{tmp_path}/blog.db", lifespan=lifespan)
    events = iter(["lifespan.startup", "lifespan.shutdown"])
    sent: list[str] = []

    async def receive() -> Any:
        return {"type": next(events)}

    async def send(message: Any) -> None:
        sent.append(message["type"])

    scope: Scope = {"type": "lifespan", "asgi": {"version": "3.0"}, "state": {}}
    await _call(app, scope, receive, send)
    assert log == ["up", "down"]
    assert sent == ["lifespan.startup.complete", "lifespan.shutdown.complete"]


async def _call(app: App, scope: Scope, receive: Receive, send: Send) -> None:
    await app(scope, receive, send)
