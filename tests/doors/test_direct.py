"""Endpoints that take nothing are answered as FastAPI answers them, only sooner."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any
from urllib.parse import parse_qsl

import httpx2 as httpx
import pytest
from fastapi import Depends, FastAPI, HTTPException, Query, Request, Response
from fastapi.responses import HTMLResponse, JSONResponse, PlainTextResponse
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from kingpost import App, Resource, anyone
from kingpost.base.errors import NotFound
from kingpost.doors.direct import DirectEndpoints, given_in


class Thing(Resource, read=anyone, create=anyone):
    name: str


class Shown(BaseModel):
    name: str
    hidden: int | None = None


def add(app: FastAPI) -> None:
    """The endpoints, to Kingpost's application and to a plain one."""

    @app.get("/annotated")
    async def annotated() -> dict[str, str]:
        return {"hello": "wörld"}

    @app.get("/bare")
    async def bare():  # type: ignore[no-untyped-def]
        return {"hello": ["wörld", 1, None]}

    @app.get("/model", response_model=Shown)
    async def model() -> Any:
        return {"name": "Ada", "more": "left out"}

    @app.get("/page", response_class=HTMLResponse)
    async def page() -> str:
        return "<p>hello</p>"

    @app.get("/text", response_class=PlainTextResponse)
    async def text():  # type: ignore[no-untyped-def]
        return "hello"

    @app.get("/made")
    async def made() -> Response:
        return JSONResponse({"a": 1}, 202, {"x-made": "yes"})

    @app.get("/teapot")
    async def teapot() -> None:
        raise HTTPException(418, "short and stout", {"x-tea": "yes"})

    @app.get("/odd")
    async def odd() -> None:
        raise KeyError("mine")

    @app.get("/created", status_code=201)
    async def created() -> dict[str, int]:
        return {"a": 1}

    @app.get("/sync")
    def sync() -> dict[str, int]:
        return {"a": 1}

    @app.get("/needs")
    async def needs(agent: Annotated[str, Depends(lambda: "x")], q: str = "y") -> dict[str, str]:
        return {"agent": agent, "q": q}

    @app.get("/query")
    async def query(
        day: date, number: int = 3, on: bool | None = None, name: Annotated[str, Query(max_length=3)] = "a"
    ) -> dict[str, Any]:
        return {"day": day, "number": number, "on": on, "name": name}

    @app.get("/queries")
    async def queries(word: Annotated[list[str], Query()]) -> list[str]:
        return word

    @app.get("/alias")
    async def alias(one: Annotated[int, Query(alias="o-ne", ge=1)] = 7) -> int:
        return one

    @app.get("/things/{name}")
    async def by_name(name: str) -> dict[str, str]:
        return {"name": name}

    @app.get("/things/special")
    async def never() -> dict[str, str]:
        return {"name": "the route above comes first"}

    @app.exception_handler(KeyError)
    async def mine(_: Request, error: KeyError) -> Response:
        return JSONResponse({"mine": str(error)}, 400)


PATHS = [
    "/annotated", "/annotated?x=1", "/bare", "/model", "/page", "/text", "/made", "/teapot", "/odd", "/created",
    "/query", "/query?day=2024-02-29", "/query?day=2024-02-30", "/query?day=2024-02-29&number=x",
    "/query?day=2024-02-29&number=4&number=5&on=yes&name=%C3%A4+b&more=1", "/query?day=2024-02-29&name=long&on=",
    "/query?day=", "/query?number=9223372036854775808&day=2024-02-29", "/query?day=%ff", "/queries?word=a&word=b",
    "/alias", "/alias?o-ne=2", "/alias?one=2", "/alias?o-ne=0", "/sync", "/needs", "/needs?q=z", "/things/special",
    "/things/other", "/nowhere",
]  # fmt: skip


@pytest.fixture
def app() -> App:
    made = App("direct", resources=[Thing], stores={"main": "memory:"})
    add(made)
    return made


async def ask(app: Any, method: str, path: str) -> httpx.Response:
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        return await client.request(method, path)


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("method", ["GET", "HEAD", "POST"])
async def test_the_answer_is_that_of_fastapi(app: App, path: str, method: str) -> None:
    plain = FastAPI()
    add(plain)
    ours, theirs = await ask(app, method, path), await ask(plain, method, path)
    assert (ours.status_code, ours.content) == (theirs.status_code, theirs.content)
    assert dict(ours.headers) == dict(theirs.headers)


def test_which_endpoints_are_direct(app: App) -> None:
    direct = DirectEndpoints(app.routes)

    def found(path: str) -> bool:
        return direct.find({"method": "GET", "path": path, "query_string": b"day=2024-02-29&o-ne=1"}) is not None

    assert [path for path in PATHS if "?" not in path and found(path)] == [
        "/annotated", "/bare", "/model", "/page", "/text", "/made", "/teapot", "/odd", "/query", "/alias",
    ]  # fmt: skip


async def test_a_route_that_is_added_later_is_served(app: App) -> None:
    assert (await ask(app, "GET", "/later")).status_code == 404

    @app.get("/later")
    async def later() -> str:
        return "now"

    assert (await ask(app, "GET", "/later")).json() == "now"


async def test_a_wrong_answer_is_a_server_error_and_not_sent(app: App) -> None:
    @app.get("/wrong")
    async def wrong() -> dict[str, int]:
        return {"a": "no number"}  # type: ignore[dict-item]

    answer = await ask(app, "GET", "/wrong")
    assert answer.status_code == 500
    assert b"no number" not in answer.content


async def test_what_kingpost_refuses_is_a_problem(app: App) -> None:
    @app.get("/missing")
    async def missing() -> None:
        raise NotFound("KP404", "no such Thing")

    answer = await ask(app, "GET", "/missing")
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"


async def test_it_acts_in_the_name_of_who_asks(app: App) -> None:
    @app.get("/count")
    async def count() -> dict[str, int]:
        await Thing(name="one").save()
        return {"things": len(await Thing.all())}

    await app.start()
    try:
        assert (await ask(app, "GET", "/count")).json() == {"things": 1}
    finally:
        await app.stop()


async def test_middleware_sees_all_requests(app: App) -> None:
    @app.middleware("http")
    async def stamp(request: Request, call_next: Any) -> Response:
        answer: Response = await call_next(request)
        answer.headers["x-stamp"] = "yes"
        return answer

    assert (await ask(app, "GET", "/annotated")).headers["x-stamp"] == "yes"


@given(st.text(st.sampled_from("ab=&%+2Ce9ü;#?"), max_size=30))
def test_a_query_is_read_as_the_library_reads_it(query: str) -> None:
    assert given_in(query) == dict(parse_qsl(query, keep_blank_values=True))
