"""Rows that endpoints of the application's own return: what is shown of them, and to whom."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from starlette.types import ASGIApp, Receive, Scope, Send

from kingpost import App, Resource, action, allow, anyone, as_system, field
from kingpost.testing import Client, fresh


class User(Resource, read=anyone):
    name: str = field(key=True, max_length=40)


class Doctor(Resource, read=anyone):
    name: str = field(key=True, max_length=40)
    user: User
    visits: list[Visit] = field(inverse="doctor")


class Visit(Resource, read=anyone):
    number: int = field(key=True)
    doctor: Doctor
    notes: str = field(max_length=40, read="me is not None and self.doctor.user == me")

    @allow("touch", "update")
    def anybody(self) -> bool:
        return True

    @action
    async def touch(self) -> None: ...


@pytest.fixture
async def app() -> AsyncIterator[App]:
    app = App("shown", resources=[User, Doctor, Visit], stores={"main": "memory:"})
    async with fresh(app):
        with as_system("test data"):
            for number, name in enumerate(("ada", "bob")):
                await User(name=name).save()
                await Doctor(name=f"dr {name}", user=await User.get(name)).save()
                await Visit(number=number, doctor=await Doctor.get(f"dr {name}"), notes=f"of {name}").save()
        yield app


async def test_a_rule_that_the_query_asked_need_not_be_asked_again(app: App) -> None:
    @app.get("/all")
    async def visits() -> list[Visit]:
        return await Visit.all().sort("number")

    @app.get("/below")
    async def below() -> list[Doctor]:
        return await Doctor.all().sort("name").include("visits")

    @app.get("/one")
    async def one() -> Visit:
        return await Visit.get(0)

    ada = await User.get("ada")
    client = Client(app, actor=ada)
    assert [row["notes"] for row in (await client.get("/all")).json()] == ["of ada", None]
    doctors = (await client.get("/below")).json()
    assert [row["notes"] for doctor in doctors for row in doctor["visits"]] == ["of ada", None]
    assert (await client.get("/one")).json()["notes"] == "of ada"
    nobody = await client.get("/all", actor=None)
    assert [row.get("notes") for row in nobody.json()] == [None, None]


@pytest.mark.parametrize("way", ["system", "other", "filled", "set", "acted", "loaded", "added", "below"])
async def test_what_came_another_way_is_not_shown(app: App, way: str) -> None:
    @app.get("/added")
    async def added() -> list[Visit]:
        rows = await Visit.all()
        with as_system("look"):
            rows.append(await Visit.get(1))
        return rows

    @app.get("/below")
    async def below() -> Doctor:
        found = await Doctor.all().sort("-name").include("visits")
        with as_system("look"):
            found[0].visits[0] = await Visit.get(1)
        return found[0]

    @app.get("/way")
    async def visits() -> Visit:
        if way == "system":
            with as_system("look"):
                return await Visit.get(1)
        if way == "other":
            with app.acting(await User.get("bob")):
                return await Visit.get(1)
        row = await Visit.get(1)
        if way == "set":
            row.notes = "of bob"
        if way == "acted":
            await row.touch()
        if way == "loaded":
            with as_system("look"):
                await row.load("notes")
        if way == "filled":
            with as_system("look"):
                row.__dict__["notes"] = (await Visit.get(1)).notes
        return row

    path = f"/{way}" if way in ("added", "below") else "/way"
    answer = await Client(app, actor=await User.get("ada")).get(path)
    assert answer.status_code == 200
    assert "of bob" not in answer.text


class Through:
    """Middleware, so that endpoints are called FastAPI's way."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.app(scope, receive, send)


async def test_rows_are_shown_where_no_annotation_says_that_they_are_rows(app: App) -> None:
    @app.get("/bare")
    async def bare():  # type: ignore[no-untyped-def]
        return await Doctor.all().sort("name").include("visits", "user")

    @app.get("/held")
    async def held() -> dict[str, Any]:
        return {"rows": await Visit.all().sort("number").include("doctor"), "one": await Visit.get(1)}

    @app.get("/any", response_model=None)
    async def any_() -> Any:
        return [await Visit.get(0)]

    client = Client(app, actor=await User.get("ada"))
    paths = ("/bare", "/held", "/any")
    direct = [(await client.get(path)).content for path in paths]
    rows = [json.loads(one) for one in direct]
    visit = {"number": 0, "doctor": {"name": "dr ada"}, "notes": "of ada"}
    assert rows[0][0] == {"name": "dr ada", "user": {"name": "ada"}, "visits": [visit]}
    assert rows[1]["rows"][0] == {**visit, "doctor": {"name": "dr ada", "user": {"name": "ada"}}}
    assert rows[1]["one"] == {"number": 1, "doctor": {"name": "dr bob"}, "notes": None}
    assert rows[2] == [visit]
    app.add_middleware(Through)
    app.middleware_stack = None
    assert [(await client.get(path)).content for path in paths] == direct
