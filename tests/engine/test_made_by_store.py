"""Keys that the database makes, through every way a row is added."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from kingpost import App, NotLoaded, Resource, action, allow, anyone, as_system, field, generated, validate
from kingpost.testing import Client


class Label(Resource, read=anyone, write=anyone):
    number: int = field(key=True, default=generated)
    name: str = field(max_length=20, unique=True)


class Box(Resource, read=anyone, write=anyone, pack=anyone):
    number: int = field(key=True, default=generated)
    name: str = field(max_length=20, unique=True)
    labels: list[Label] = field(default_factory=list)
    things: list[Thing] = field(inverse="box", nested=True)

    @validate
    def no_number_yet(self) -> None:
        if self.name != "second":
            with pytest.raises(NotLoaded):
                _ = self.number

    @action
    @classmethod
    async def pack(cls, name: str) -> Box:
        made = cls(name=name)
        await made.save()
        await Thing(name=f"in {made.number}", box=made).save()
        return made


class Thing(Resource, read=anyone, update=anyone):
    number: int = field(key=True, default=generated)
    name: str = field(max_length=20)
    box: Box

    @allow("create")
    def few(self) -> bool:
        return self.number < 4


@pytest.fixture
async def client(store_url: str) -> AsyncIterator[Client]:
    app = App("boxes", resources=[Label, Box, Thing], stores={"main": store_url}, secret=b"t")
    async with Client(app) as client:
        await app.sync()
        assert await app.compare() == {"main": []}
        yield client


async def test_a_row_and_what_hangs_on_it(client: Client) -> None:
    label = await client.post("/api/labels", json={"name": "red"})
    assert (label.status_code, label.json()) == (201, {"number": 1, "name": "red"})
    assert label.headers["location"] == "/api/labels/1"
    body = {"name": "first", "labels": [1], "things": [{"name": "a"}, {"name": "b"}]}
    assert (await client.post("/api/boxes", json=body)).json() == {"number": 1, "name": "first"}
    whole = (await client.get("/api/boxes/1?include=labels,things")).json()
    assert [one["number"] for one in whole["labels"]] == [1]
    assert [(one["number"], one["name"], one["box"]) for one in whole["things"]] == [
        (1, "a", {"number": 1}), (2, "b", {"number": 1}),
    ]  # fmt: skip


async def test_no_door_says_what_it_is(client: Client) -> None:
    answer = await client.post("/api/labels", json={"number": 7, "name": "red"})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == "/number"
    assert (
        "number" not in (await client.get("/api/openapi.json")).json()["components"]["schemas"]["LabelIn"]["properties"]
    )


async def test_many_at_once(client: Client) -> None:
    answer = await client.post("/api/labels", json=[{"name": "red"}, {"name": "green"}])
    assert answer.json() == {"items": [{"number": 1}, {"number": 2}]}
    taken = await client.post("/api/labels", json=[{"name": "blue"}, {"name": "red"}])
    assert (taken.status_code, taken.json()["errors"][0]["pointer"]) == (409, "/1/name")
    assert len((await client.get("/api/labels")).json()["items"]) == 2


async def test_a_request_that_comes_twice(client: Client) -> None:
    body, headers = {"name": "first", "things": [{"name": "a"}]}, {"Idempotency-Key": "k"}
    first = await client.post("/api/boxes", json=body, headers=headers)
    again = await client.post("/api/boxes", json=body, headers=headers)
    assert (first.status_code, first.json()) == (again.status_code, again.json())
    assert first.headers["location"] == again.headers["location"]
    assert len((await client.get("/api/things")).json()["items"]) == 1


async def test_a_rule_that_asks_for_what_is_made(client: Client) -> None:
    await client.post("/api/boxes", json={"name": "first"})
    for name in ("a", "b", "c"):
        assert (await client.post("/api/things", json={"name": name, "box": 1})).status_code == 201
    assert (await client.post("/api/things", json={"name": "d", "box": 1})).status_code == 401
    assert len((await client.get("/api/things")).json()["items"]) == 3


async def test_objects_learn_their_keys(client: Client) -> None:
    with as_system("the test"):
        box = Box(name="first")
        with pytest.raises(NotLoaded):
            _ = box.number
        await box.save()
        assert box.number == 1
        box.name = "second"
        await box.save()
        assert (await Box.get(1)).name == "second"
        assert await Box.where(number=1).one() == box
        chosen = Label(number=70, name="mine")
        await chosen.save()
        assert (await Label.get(70)).name == "mine"
    packed = await client.post("/api/boxes/-/pack", json={"name": "third"})
    assert packed.json()["number"] == 2
    assert [one["name"] for one in (await client.get("/api/things")).json()["items"]] == ["in 2"]
