"""Names of what is hidden: no answer tells that there is such a member, and the document names what somebody may use.

Two applications differ in nothing but hidden members: to one who may not read or write these, they are the same.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from kingpost import App, Resource, action, allow, anyone, computed, field, nobody
from tests.doors.rest.client import Client, Reply

BOSS = "me is not None and me.name == 'boss'"
NAMES = ("canary_number", "canary_text", "canary_mate", "canary_mates", "canary_twice", "canary_never", "canary_link")
SHORT = {"relation", "mates"}


def with_nothing_hidden() -> list[type[Resource]]:
    class Person(Resource, read=anyone, write=anyone):
        name: str = field(key=True, max_length=20)
        canaries: int = 0
        mate: Person | None = None

    class Safe(Resource, create=anyone):
        label: str = field(key=True, max_length=20)

        @allow("knock")
        def everybody(self) -> bool:
            return True

        @action
        @classmethod
        async def knock(cls) -> int:
            return 1

    class Bag(Resource, read=anyone, write=anyone):
        label: str = field(key=True, max_length=20)
        safe: Safe | None = None
        safes: list[Safe] = []

    return [Person, Safe, Bag]


def with_much_hidden() -> list[type[Resource]]:
    class Person(Resource, read=anyone, write=anyone):
        name: str = field(key=True, max_length=20)
        canaries: int = 0
        mate: Person | None = None
        canary_number: int = field(default=7, read=BOSS, write=BOSS)
        canary_text: str = field(default="canary", read=BOSS, write=nobody)
        canary_mate: Person | None = field(default=None, read=BOSS, write=BOSS)
        canary_mates: list[Person] = field(default=[], read=BOSS, write=BOSS)
        canary_never: int = field(default=7, read=nobody, write=nobody)
        canary_link: Person | None = field(default=None, read=nobody, write=nobody)

        @computed(read=BOSS)
        def canary_twice(self) -> int:
            return self.canary_number * 2

    class Safe(Resource, create=anyone):
        label: str = field(key=True, max_length=20)
        canary_number: int = field(default=7, write=nobody)
        canary_text: str = field(default="canary", write=nobody)
        canary_mate: Person | None = field(default=None, write=nobody)

        @allow("knock")
        def everybody(self) -> bool:
            return True

        @action
        @classmethod
        async def knock(cls) -> int:
            return 1

    class Bag(Resource, read=anyone, write=anyone):
        label: str = field(key=True, max_length=20)
        safe: Safe | None = None
        safes: list[Safe] = []
        canary_never: int = field(default=7, read=nobody, write=nobody)

    class CanaryBox(Resource):
        bag: Bag
        canary_number: int = 7

    return [Person, Safe, Bag, CanaryBox]


async def _served(resources: list[type[Resource]], url: str) -> App:
    app = App("names", resources=resources, actor=resources[0], stores={"main": url}, secret=b"test")
    await app.start()
    await app.sync()
    for body in ({"name": "ann"}, {"name": "boss"}):
        assert (await Client(app)("POST", "/api/people", body)).status == 201
    assert (await Client(app)("POST", "/api/bags", {"label": "blue"})).status == 201
    return app


@pytest.fixture
async def bare() -> AsyncIterator[App]:
    app = await _served(with_nothing_hidden(), "memory:")
    yield app
    await app.stop()


@pytest.fixture
async def full() -> AsyncIterator[App]:
    app = await _served(with_much_hidden(), "memory:")
    yield app
    await app.stop()


def requests(name: str) -> list[tuple[str, str, Any]]:
    """A member named in every place where one can be."""
    words = [
        f"{name}=1", f"{name}[gt]=1", f"{name}[in]=1,2", f"{name}[none]=true", f"{name}[contains]=a", f"{name}[no]=1",
        f"{name}.name=a", f"{name}.{name}=a", f"mate.{name}=1", f"mate.mate.{name}[ge]=1",
        f"where={name} == 1", f"where={name} is None", f"where=mate is not None and mate.{name} == 1",
        f"where=any(m.name == 'a' for m in {name})", f"where=len({name}) > 0", f"where={name}.name == 'a'",
        f"fields={name}", f"fields=name,{name}.name", f"fields=mate.{name}", f"include={name}", f"include=mate.{name}",
        f"include={name}.{name}", f"sort={name}", f"sort=-mate.{name}", f"group={name}&count=*", f"group=mate.{name}",
        f"count={name}", f"sum={name}", f"min={name}", f"max=mate.{name}", f"avg={name}",
        f"group=name&count=*&sort={name}",
    ]  # fmt: skip
    found = [("GET", f"/api/people?{word}", None) for word in words]
    found += [("GET", f"/api/people/ann?{word}={name}", None) for word in ("fields", "include", name)]
    found += [("GET", f"/api/people?{name}=1", None), ("GET", f"/api/people?q={name}", None)]
    found += [
        (method, f"/api/people/ann/{name}", None) for method in ("GET", "HEAD", "OPTIONS", "POST", "PUT", "DELETE")
    ]
    found += [("GET", f"/api/people/ann/{name}?limit=x", None), ("GET", f"/api/people/ann/mate/{name}", None)]
    found += [("GET", f"/api/bags?{word}", None) for word in (
        f"safe.{name}=1", f"safes.{name}[gt]=1", f"fields=safe.{name}", f"fields=safes.{name}", f"include=safe.{name}",
        f"where=any(s.{name} == 1 for s in safes)", f"where=safe is not None and safe.{name} == 1", f"sort=safe.{name}",
        f"group=safe.{name}", f"min=safe.{name}", f"{name}=1",
    )]  # fmt: skip
    found.append(("PUT", "/api/people/ann", {"canaries": 1}))
    found += [("GET", f"/api/safes?{word}={name}", None) for word in ("fields", name, "sort")]
    for value in (1, "a", None, [], {"name": "ann"}):
        found += [
            ("POST", "/api/people", {"name": "new", name: value}),
            ("POST", "/api/people", [{"name": "new", name: value}]),
            ("PATCH", "/api/people/ann", {name: value}),
            ("PUT", "/api/people/ann", {"canaries": 1, name: value}),
            ("PUT", "/api/people", [{"name": "ann", name: value}]),
            ("PATCH", "/api/people", [{"name": "ann", name: value}]),
            ("POST", "/api/safes", {"label": "new", name: value}),
            ("POST", "/api/safes/-/knock", {name: value}),
        ]
    return found


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("known", [False, True], ids=["anonymous", "ann"])
async def test_what_is_hidden_is_answered_like_what_is_not_there(bare: App, full: App, name: str, known: bool) -> None:
    replies: list[list[Reply]] = []
    for app in (bare, full):
        person = next(iter(app.model.classes))
        with app.acting(None):
            actor = await person.get("ann") if known else None
        client = Client(app, actor)
        replies.append([await client(method, target, body) for method, target, body in requests(name)])
    refused = 0
    for asked, without, there in zip(requests(name), *replies, strict=True):
        assert (there.status, there.body) == (without.status, without.body), asked
        refused += there.status >= 400
    assert refused > len(requests(name)) - 5


async def test_what_is_not_his_to_write_stays_where_a_row_is_replaced(full: App) -> None:
    """PUT gave it its default, which the rules refused: nobody but the boss could replace a row."""
    person = next(iter(full.model.classes))
    with full.acting(None):
        boss, ann = Client(full, await person.get("boss")), Client(full, await person.get("ann"))
    assert (await boss("PATCH", "/api/people/ann", {"canary_number": 5})).status == 200
    assert (await ann("PUT", "/api/people/ann", {"canaries": 2})).status == 200
    assert (await ann("PUT", "/api/people", [{"name": "ann", "canaries": 3}])).status == 200
    assert (await boss("GET", "/api/people/ann?fields=canaries,canary_number")).json == {
        "canaries": 3,
        "canary_number": 5,
    }
    assert (await boss("PUT", "/api/people/ann", {})).status == 200
    assert (await boss("GET", "/api/people/ann?fields=canary_number")).json == {"canary_number": 7}


async def test_what_must_be_given_by_others_is_not_asked_of_him() -> None:
    class Chief(Resource, read=anyone, write=anyone):
        name: str = field(key=True, max_length=20)
        canary_number: int = field(read=BOSS, write=BOSS)
        tasks: list[Errand] = field(inverse="chief", nested=True)

    class Errand(Resource, read=anyone, write=anyone):
        name: str = field(key=True, max_length=20)
        chief: Chief
        canary_text: str = field(read=BOSS, write=BOSS)

    app = App("chiefs", resources=[Chief, Errand], actor=Chief, stores={"main": "memory:"}, secret=b"test")
    await app.start()
    await app.sync()
    for body in (
        {"name": "a"},
        {"name": "a", "canary_number": "x"},
        {"name": "a", "tasks": [{"name": "b", "canary_text": 1}]},
    ):
        reply = await Client(app)("POST", "/api/chiefs", body)
        assert reply.status in (403, 422), reply.body
        said = reply.json
        for each in said.get("errors", []):
            assert "canary" not in each["message"]
            assert each["code"] == "unknown" or "canary" not in each["pointer"]
    assert (await Client(app)("GET", "/api/chiefs")).json["items"] == []
    await app.stop()


async def test_the_boss_is_answered(full: App) -> None:
    """So that what is refused above is refused because of who asks."""
    person = next(iter(full.model.classes))
    with full.acting(None):
        boss = Client(full, await person.get("boss"))
    for name in NAMES[:5]:
        assert (await boss("GET", f"/api/people?fields={name}")).status == 200
    for name in NAMES[5:]:
        assert (await boss("GET", f"/api/people?fields={name}")).status == 400


async def _document(app: App) -> tuple[Any, str]:
    page = (await Client(app)("GET", "/api/docs")).body.decode()
    return (await Client(app)("GET", "/api/openapi.json")).json, page


async def test_the_document_names_nothing_that_nobody_may_use(full: App) -> None:
    """Not even the default of a member that nobody may read was left out."""
    document, page = await _document(full)
    for text in (json.dumps(document), page):
        for never in ("canary_never", "canary_link", "CanaryBox", "canary-boxes", '"canary"', "_version"):
            assert never not in text
    schemas = document["components"]["schemas"]
    assert "Safe" not in schemas
    assert "Bag" in schemas
    assert document["paths"]["/api/safes"].keys() == {"post"}
    assert "/api/safes/{label}" not in document["paths"]
    assert "/api/safes/-/knock" in document["paths"]
    assert "/api/bags/{label}/safe" not in document["paths"]
    assert "safes" not in schemas["Bag"]["properties"]
    assert schemas["Bag"]["properties"]["safe"]["description"] == "Its key."


async def test_the_document_says_what_is_not_shown_to_everyone(bare: App, full: App) -> None:
    document, _ = await _document(full)
    properties = document["components"]["schemas"]["Person"]["properties"]
    for name in ("canary_number", "canary_text", "canary_mate", "canary_mates", "canary_twice"):
        assert properties[name]["description"].endswith("Not shown to everyone: by a rule of its own.")
    assert "description" not in properties["canaries"]
    plain, _ = await _document(bare)
    assert plain["paths"].keys() | {"/api/people/{name}/canary_mate", "/api/people/{name}/canary_mates"} == (
        document["paths"].keys()
    )
