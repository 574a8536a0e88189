"""Who acts is a row of the actor resource: one of another resource with an equal key is nobody."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from typing import Any

import pytest
from starlette.types import ASGIApp, Receive, Scope, Send

from kingpost import App, Resource, allow, anyone, as_system, field
from kingpost.testing import Client, fresh


class User(Resource, read=anyone):
    name: str = field(key=True, max_length=40)


class Profile(Resource, read=anyone):
    name: str = field(key=True, max_length=40)


class Diary(Resource):
    text: str = field(max_length=40)
    owner: User

    @allow("read", "create")
    def own(self, me: User | None) -> bool:
        return me is not None and self.owner == me


class Named:
    """Middleware that puts somebody into the scope."""

    who: Any = None

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope["kingpost.actor"] = Named.who
        await self.app(scope, receive, send)


@pytest.fixture
async def app() -> AsyncIterator[App]:
    app = App("actors", resources=[User, Profile, Diary], stores={"main": "memory:"})

    @app.get("/diaries")
    async def diaries() -> list[Diary]:
        return await Diary.all()

    async with fresh(app):
        with as_system("test data"):
            await User(name="ada").save()
            await Profile(name="ada").save()
            await Diary(text="mine", owner=await User.get("ada")).save()
        yield app


@pytest.mark.parametrize("path", ["/api/diaries", "/diaries"])
async def test_of_another_resource_nobody_gets_in(app: App, path: str, caplog: pytest.LogCaptureFixture) -> None:
    app.add_middleware(Named)
    with as_system("who asks"):
        user, profile = await User.get("ada"), await Profile.get("ada")
    client = Client(app, raise_errors=False)
    Named.who = user
    assert "mine" in (await client.get(path)).text
    for who, what in ((profile, "a Profile"), ("ada", "a str")):
        Named.who = who
        with caplog.at_level(logging.ERROR):
            answer = await client.get(path)
        assert answer.status_code == 500
        assert "mine" not in answer.text
        with pytest.raises(TypeError, match=f"the actor is a User, and {what} was given"):
            await Client(app).get(path)
    assert path == "/diaries" or "the actor is a User, and a str was given" in caplog.text


async def test_neither_code_nor_tests_act_as_one(app: App) -> None:
    with as_system("who asks"):
        profile = await Profile.get("ada")
    for who, what in ((profile, "a Profile"), ("pat", "a str")):
        told = pytest.raises(TypeError, match=f"the actor is a User, and {what} was given")
        with told:
            app.acting(who)  # type: ignore[arg-type]
        with told:
            Client(app, actor=who)  # type: ignore[arg-type]
        with told:
            await Client(app).get("/api/diaries", actor=who)
        with told:
            Client(app).acting(who)  # type: ignore[arg-type]
