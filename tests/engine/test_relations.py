"""The address of a relation that is read on some rows only: it answers on those, and is not found on the others."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from kingpost import App, Resource, anyone, as_system, field, nobody
from tests.doors.rest.client import Client

OWN = "self == me"
CHIEF = "me is not None and me.chief"


class Person(Resource, read=anyone):
    name: str = field(key=True, max_length=20)
    chief: bool = False
    mentor: Person | None = field(default=None, read=OWN)
    letters: list[Letter] = field(inverse="writer", read=OWN)
    friends: list[Person] = field(default=[], read=OWN)
    boss: Person | None = field(default=None, read=CHIEF)
    ghost: Person | None = field(default=None, read=nobody)


class Letter(Resource, read=anyone):
    writer: Person
    text: str = ""


@pytest.fixture
async def app(store_url: str) -> AsyncIterator[App]:
    app = App("post", resources=[Person, Letter], actor=Person, stores={"main": store_url}, secret=b"test")
    await app.start()
    await app.sync()
    yield app
    await app.stop()


@pytest.fixture
async def ann(app: App) -> Person:
    with as_system("test data"):
        cat = Person(name="cat", chief=True)
        await cat.save()
        ann = Person(name="ann", mentor=cat, friends=[cat], boss=cat, ghost=cat)
        await ann.save()
        await Person(name="ben").save()
        await Letter(writer=ann, text="dear cat").save()
    return ann


async def test_it_answers_on_the_rows_on_which_it_is_read(app: App, ann: Person) -> None:
    client = Client(app, ann)
    mentor = await client("GET", "/api/people/ann/mentor")
    assert (mentor.status, mentor.json["name"]) == (200, "cat")
    assert mentor.headers["cache-control"].startswith("private")
    letters = (await client("GET", "/api/people/ann/letters?text[startswith]=dear&count=exact")).json
    assert (letters["total"], letters["items"][0]["text"]) == (1, "dear cat")
    assert (await client("GET", "/api/people/ann/letters?count=*")).json["items"] == [{"count": 1}]
    friends = (await client("GET", "/api/people/ann/friends?fields=name")).json
    assert friends["items"] == [{"name": "cat"}]
    stream = await client("GET", "/api/people/ann/letters", accept="application/x-ndjson")
    assert stream.body.count(b"dear cat") == 1


@pytest.mark.parametrize("relation", ["mentor", "letters", "friends"])
async def test_it_is_not_found_on_the_others(app: App, ann: Person, relation: str) -> None:
    """It was a wrong request on all of them, whoever asked."""
    with as_system("test"):
        ben = await Person.get("ben")
    client = Client(app, ben)
    for query in ("", "?fields=", "?count=*") if relation != "mentor" else ("", "?fields="):
        reply = await client("GET", f"/api/people/ann/{relation}{query}")
        missing = await client("GET", f"/api/people/nobody/{relation}{query}")
        assert (reply.status, reply.json["type"]) == (404, "/problems/KP404"), reply.body
        assert reply.json == missing.json
    exported = await client("GET", f"/api/people/ann/{relation}", accept="text/csv")
    assert exported.status == 404
    shown = (await client("GET", f"/api/people/ann?include={relation}")).json
    assert not shown[relation]


@pytest.mark.parametrize("relation", ["boss", "ghost"])
async def test_who_reads_it_on_no_row_is_told_what_is_told_of_no_relation(app: App, ann: Person, relation: str) -> None:
    for actor in (ann, None):
        client = Client(app, actor)
        for query, accept in (("", "*/*"), ("?no=1", "*/*"), ("?limit=x", "*/*"), ("", "image/png")):
            for key in ("ann", "nobody"):
                hidden = await client("GET", f"/api/people/{key}/{relation}{query}", accept=accept)
                unknown = await client("GET", f"/api/people/{key}/relation{query}", accept=accept)
                assert hidden.status == 404
                assert (hidden.status, hidden.json) == (unknown.status, unknown.json)
        for method in ("OPTIONS", "POST", "DELETE"):
            assert (await client(method, f"/api/people/ann/{relation}")).status == 404
    with as_system("test"):
        cat = await Person.get("cat")
    assert (await Client(app, cat)("GET", "/api/people/ann/boss")).status == 200
    assert (await Client(app, cat)("GET", "/api/people/ann/ghost")).status == 404
