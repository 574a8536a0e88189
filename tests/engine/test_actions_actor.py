"""Who acts, in the body of an action and elsewhere in user code: filled in, by whatever way it is called."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated, Any

import anyio.to_thread
import pytest
from fastapi import Depends

from kingpost import (
    App,
    Forbidden,
    Resource,
    Unauthenticated,
    action,
    actor,
    allow,
    anyone,
    as_system,
    authenticated,
    field,
)
from kingpost.testing import Client


class Member(Resource, read=anyone):
    name: str = field(key=True, max_length=40)


class Copy(Resource, read=anyone, borrow=authenticated, lend=authenticated, knock=anyone, claim=anyone):
    shelf: str = field(key=True, max_length=20)
    holder: Member | None = None
    log: list[str] = []

    @allow("both", "count")
    def by_somebody(self, me: Member) -> bool:
        return True

    @allow("delete", "tally", "tally_static")
    def by_anyone(self) -> bool:
        return True

    @allow("secret")
    def by_ada(self, me: Member) -> bool:
        return me.name == "ada"

    @action
    async def borrow(self, me: Member) -> Copy:
        self.holder = me
        return self

    @action
    async def lend(self, to: Member, *, by: Member = actor) -> None:
        self.holder = to
        self.log.append(f"by {by.name}")

    @action
    async def knock(self, times: int = 1, me: Member | None = None) -> str:
        return f"{'nobody' if me is None else me.name} x{times}, {actor() == me}"

    @action
    async def claim(self, me: Member, other: Copy) -> None:
        self.holder = me

    @action
    async def secret(self, other: Copy) -> None: ...

    @action
    async def both(self) -> None:
        """Own actions are plain calls, and still know."""
        await self.borrow()
        await self.lend(Member(name="bob"))

    @action
    def count(self, me: Member, by: int = 1) -> int:
        self.log.append(me.name)
        return by

    @action
    @classmethod
    async def tally(cls, step: int, me: Member | None) -> str:
        return f"{step} {None if me is None else me.name} {await cls.again(1)}"

    @action
    @classmethod
    async def again(cls, step: int, me: Member | None) -> str:
        return f"{step} {None if me is None else me.name}"

    @action(collection=True)
    @staticmethod
    async def tally_static(me: Member, step: int = 1) -> str:
        return f"{step} {me.name}"

    @action
    async def delete(self, me: Member) -> None:  # type: ignore[override]
        self.log.append(f"deleted by {me.name}")


class Desk:
    """The application and its people."""

    def __init__(self, app: App, ada: Member, bob: Member) -> None:
        self.app, self.ada, self.bob = app, ada, bob


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    app = App("desk", resources=[Member, Copy], stores={"main": "memory:"})

    async def who(me: Annotated[Member | None, Depends(actor)]) -> list[str | None]:
        return [None if one is None else one.name for one in (me, actor())]

    app.get("/who")(who)
    await app.start()
    ada, bob = Member(name="ada"), Member(name="bob")
    with as_system("test"):
        for row in (ada, bob, Copy(shelf="A1"), Copy(shelf="A2")):
            await row.save()
    yield Desk(app, ada, bob)
    await app.stop()


async def row() -> Copy:
    with as_system("what is stored"):
        return await Copy.get("A1")


async def test_through_rest(desk: Desk) -> None:
    async with Client(desk.app, actor=desk.ada) as client:
        answer = await client.post("/api/copies/A1/borrow")
        assert (answer.status_code, answer.json()["holder"]) == (200, {"name": "ada"})
        assert (await client.post("/api/copies/A1/lend", json={"to": "bob"})).status_code == 204
        assert (await client.post("/api/copies/A1/knock", json={"times": 2})).json() == "ada x2, True"
        assert (await client.post("/api/copies/A1/knock", actor=None)).json() == "nobody x1, True"
        assert (await client.post("/api/copies/-/tally_static")).json() == "1 ada"
        assert (await client.post("/api/copies/-/tally", json={"step": 2}, actor=None)).json() == "2 None 1 None"
        assert (await client.delete("/api/copies/A1", actor=desk.bob)).status_code == 204
    assert ((await row()).holder, (await row()).log) == (desk.bob, ["by ada", "deleted by bob"])


async def test_is_no_input(desk: Desk) -> None:
    async with Client(desk.app, actor=desk.bob) as client:
        for name, given in (("borrow", {"me": "ada"}), ("lend", {"to": "bob", "by": "ada"}), ("knock", {"me": "ada"})):
            answer = await client.post(f"/api/copies/A1/{name}", json=given)
            assert answer.status_code == 422
            assert [one["code"] for one in answer.json()["errors"]] == ["unknown"]
        document = (await client.get("/api/openapi.json")).json()
        forms = {name: schema for name, schema in document["components"]["schemas"].items() if name.startswith("Copy")}
        assert list(forms["CopyLend"]["properties"]) == ["to"]
        assert "properties" not in forms["CopyBorrow"] or not forms["CopyBorrow"]["properties"]
        assert document["paths"]["/api/copies/{shelf}/borrow"]["post"]["requestBody"]["required"] is False
    assert (await row()).holder is None


async def test_somebody_has_to_act(desk: Desk) -> None:
    async with Client(desk.app) as client:
        assert (await client.post("/api/copies/A1/borrow")).status_code == 401  # by the rule
        for path in ("/api/copies/-/tally_static", "/api/copies/A1/claim"):  # by the parameter, as the rule lets anyone
            answer = await client.post(path, json={"other": "no such row"} if path.endswith("claim") else {})
            assert (answer.status_code, answer.json()["type"]) == (401, "/problems/KP401")
        assert (await client.delete("/api/copies/A1")).status_code == 401
    copy = await row()
    assert await copy.allows("claim") is False
    assert await copy.allows("knock") is True
    with pytest.raises(Unauthenticated, match=r"Copy\.borrow has to know who acts"), as_system("nobody acts"):
        await copy.borrow()  # type: ignore[call-arg]
    with desk.app.acting(desk.ada), as_system("ada acts, without rules"):
        assert await copy.allows("claim") is True
        await copy.borrow()  # type: ignore[call-arg]
    assert (await row()).holder == desk.ada


async def test_in_python(desk: Desk) -> None:
    copy: Any = await row()
    with desk.app.acting(desk.ada):
        await copy.both()
        assert (copy.holder, copy.log) == (desk.bob, ["by ada"])
        assert await copy.knock(3) == "ada x3, True"
        assert await anyio.to_thread.run_sync(copy.count) == 1
        assert await anyio.to_thread.run_sync(copy.count, 4) == 4
        with pytest.raises(TypeError, match=r"Copy\.lend: by is who acts, and is filled in; leave it out"):
            await copy.lend(desk.bob, by=desk.bob)
        with pytest.raises(TypeError, match="too many"):
            await copy.borrow(desk.bob)
    with desk.app.acting(desk.bob):
        new: Any = Copy(shelf="A3")  # never stored: the method just runs
        await new.lend(desk.ada)
        assert (new.holder, new.log) == (desk.ada, ["by bob"])
        assert new.count(by=2) == 2
        with pytest.raises(TypeError, match="who acts"):
            new.count(me=desk.ada)
    with pytest.raises(Unauthenticated):
        await Copy(shelf="A4").lend(desk.ada)
    assert (await row()).log == ["by ada", "ada", "ada"]


async def test_elsewhere_in_user_code(desk: Desk) -> None:
    assert actor() is None
    with desk.app.acting(desk.ada):
        assert actor() is desk.ada
    async with Client(desk.app, actor=desk.bob) as client:
        assert (await client.get("/who")).json() == ["bob", "bob"]
        assert (await client.get("/who", actor=None)).json() == [None, None]


async def test_who_may_not_call_it_is_told_so_before_the_inputs_are_looked_up(desk: Desk) -> None:
    """What comes of rows that are there, and of those that are not, is the same."""
    async with Client(desk.app) as client:
        for to in ("ada", "nobody of this name"):
            assert (await client.post("/api/copies/A1/lend", json={"to": to})).status_code == 401
            assert (await client.post("/api/copies/A9/lend", json={"to": to})).status_code == 404
        answer = await client.post("/api/copies/A1/secret", json={"other": "A9"}, actor=desk.bob)
        assert answer.status_code == 403
        answer = await client.post("/api/copies/A1/secret", json={"other": "A9"}, actor=desk.ada)
        assert answer.status_code == 422
        assert (await client.post("/api/copies/-/again", json={"step": 1}, actor=desk.ada)).status_code == 403


def test_the_actor_is_found_from_actions_too() -> None:
    class Person(Resource, read=anyone):
        name: str

        @action
        async def wave(self, me: Person) -> None: ...

    assert App("people", resources=[Person], stores={"main": "memory:"}).model.actor == "Person"


async def test_a_class_that_is_in_no_app_has_plain_methods() -> None:
    class Loose(Resource):
        name: str

        @action
        async def wave(self, me: Member) -> str:
            return me.name

    assert await Loose(name="x").wave(Member(name="ada")) == "ada"
    assert Forbidden.__name__ == "Forbidden"
