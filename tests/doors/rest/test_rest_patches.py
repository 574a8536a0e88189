"""JSON Merge Patch (RFC 7396) goes into embedded values and Json fields."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import date
from typing import Annotated, Any, NotRequired, TypedDict

import pytest
from jsonschema import Draft202012Validator
from pydantic import BaseModel, Field, model_validator

from kingpost import App, Json, Resource, anyone
from kingpost.language.types import INT, TEXT, Kind, Type
from kingpost.model.patches import patched
from tests.doors.rest.client import Client, Reply


class Geo(BaseModel):
    lat: Annotated[float, Field(ge=-90, le=90)]
    lon: float = 0.0
    seen: date | None = None


@dataclass(frozen=True)
class Address:
    city: str
    code: str | None = "?"
    lines: list[str] = field(default_factory=list)
    geo: Geo | None = None


class Span(BaseModel):
    low: int
    high: int

    @model_validator(mode="after")
    def in_order(self) -> Span:
        if self.low > self.high:
            raise ValueError("low must not be above high")
        return self


# As a call: in a class body NotRequired would be text, which Python does not look into.
Extra = TypedDict("Extra", {"a": int, "b": NotRequired[str], "c": str | None})  # noqa: UP013


class Person(Resource, read=anyone, write=anyone):
    address: Address = Address("London")
    home: Address | None = None
    span: Span | None = None
    meta: Json = None
    counts: dict[str, int] = {}


WHOLE = {"city": "London", "code": "E1", "lines": ["a", "b"], "geo": {"lat": 1.0, "lon": 2.0, "seen": "2026-01-31"}}


@pytest.fixture
async def ask(store_url: str) -> AsyncIterator[Client]:
    app = App("people", resources=[Person], stores={"main": store_url})
    await app.start()
    await app.sync()
    yield Client(app)
    await app.stop()


async def create(ask: Client, **members: Any) -> str:
    made = await ask("POST", "/api/people", {"address": WHOLE, **members})
    assert made.status == 201, made.body
    return made.headers["location"]


async def patch(ask: Client, at: str, **members: Any) -> Reply:
    return await ask("PATCH", at, members, type="application/merge-patch+json")


@pytest.mark.parametrize(
    ("change", "changed"),
    [
        ({"city": "Paris"}, {"city": "Paris"}),
        ({"code": None}, {"code": None}),
        ({"lines": None}, {"lines": []}),  # its default
        ({"lines": ["c"]}, {"lines": ["c"]}),
        ({"geo": {"lat": 5}}, {"geo": {"lat": 5.0, "lon": 2.0, "seen": "2026-01-31"}}),
        ({"geo": {"lon": None, "seen": None}}, {"geo": {"lat": 1.0, "lon": 0.0, "seen": None}}),
        ({"geo": None}, {"geo": None}),
        ({}, {}),
    ],
)
async def test_members_that_are_not_sent_stay(ask: Client, change: Any, changed: Any) -> None:
    reply = await patch(ask, await create(ask), address=change)
    assert (reply.status, reply.json["address"]) == (200, {**WHOLE, **changed})


@pytest.mark.parametrize(
    ("members", "pointers"),
    [
        ({"address": {"colour": "red"}}, ["/address/colour"]),
        ({"address": {"geo": {"lat": 1, "up": 1}}}, ["/address/geo/up"]),
        ({"address": {"city": None}}, ["/address/city"]),
        ({"address": {"city": 3}}, ["/address/city"]),
        ({"address": {"geo": {"lat": 91}}}, ["/address/geo/lat"]),
        ({"address": {"geo": 1}}, ["/address/geo"]),
        ({"address": None}, ["/address"]),
        ({"address": []}, ["/address"]),
        ({"home": {"code": "x"}}, ["/home/city"]),  # there is nothing yet that it could be a part of
        ({"span": {"low": 9}}, ["/span"]),
        ({"counts": {"a": "x"}}, ["/counts/a"]),
        ({"counts": 1}, ["/counts"]),
        ({"meta": {"a": "\0"}}, ["/meta"]),
    ],
)
async def test_the_whole_must_be_right(ask: Client, members: Any, pointers: list[str]) -> None:
    at = await create(ask, span={"low": 1, "high": 2})
    before = (await ask("GET", at)).json
    reply = await patch(ask, at, **members)
    assert (reply.status, reply.pointers) == (422, pointers), reply.body
    assert (await ask("GET", at)).json == before


async def test_what_was_nothing_becomes_something(ask: Client) -> None:
    at = await create(ask)
    reply = await patch(ask, at, home={"city": "Rome"}, span={"low": 1, "high": 2}, counts={"a": 1})
    assert reply.json["home"] == {"city": "Rome", "code": "?", "lines": [], "geo": None}
    assert (await patch(ask, at, span={"high": 3})).json["span"] == {"low": 1, "high": 3}
    assert (await patch(ask, at, counts={"b": 2, "a": None})).json["counts"] == {"b": 2}
    assert (await patch(ask, at, home=None)).json["home"] is None


async def test_json_is_merged(ask: Client) -> None:
    at = await create(ask, meta={"a": {"b": 1, "c": [1, {"d": None}]}, "e": "f"})
    reply = await patch(ask, at, meta={"a": {"b": None, "g": {"h": None, "i": 1}}, "e": None, "c": [None]})
    assert reply.json["meta"] == {"a": {"c": [1, {"d": None}], "g": {"i": 1}}, "c": [None]}
    assert (await patch(ask, at, meta=[1])).json["meta"] == [1]
    assert (await patch(ask, at, meta={"x": 1})).json["meta"] == {"x": 1}
    assert (await patch(ask, at, meta=None)).json["meta"] is None


def test_members_that_need_not_be_there_are_removed() -> None:
    type = Type(Kind.EMBEDDED, name="Extra", members=(("a", INT), ("b", TEXT.maybe()), ("c", TEXT.maybe())))
    assert patched({"a": 1, "b": "x", "c": "y"}, {"b": None, "c": None}, type, Extra) == {"a": 1, "c": None}


async def test_put_takes_whole_values(ask: Client) -> None:
    at = await create(ask)
    assert (await ask("PUT", at, {"address": {"code": "x"}})).pointers == ["/address/city"]
    assert (await ask("PUT", at, {"address": {"city": "Rome"}})).json["address"]["code"] == "?"


async def test_patches_of_many(ask: Client) -> None:
    keys = [{"id": (await create(ask)).rpartition("/")[2]} for _ in range(2)]
    data = [{**keys[0], "address": {"city": "Oslo"}}, {**keys[1], "address": {"geo": {"lat": 100}}}]
    assert (await ask("PATCH", "/api/people", data)).pointers == ["/1/address/geo/lat"]
    assert (await ask("PATCH", "/api/people", data[:1])).status == 200
    cities = {each["address"]["city"] for each in (await ask("GET", "/api/people")).json["items"]}
    assert cities == {"Oslo", "London"}


async def test_patches_that_meet_do_not_lose_each_other(ask: Client) -> None:
    at = await create(ask)
    replies = await asyncio.gather(patch(ask, at, address={"city": "Paris"}), patch(ask, at, address={"code": "P"}))
    assert [reply.status for reply in replies] == [200, 200]
    assert (await ask("GET", at)).json["address"] == {**WHOLE, "city": "Paris", "code": "P"}


async def test_the_description_takes_parts(ask: Client) -> None:
    document = (await ask("GET", "/api/openapi.json")).json
    operation = document["paths"]["/api/people/{id}"]["patch"]
    (schema, *_) = [each["schema"] for each in operation["requestBody"]["content"].values()]
    check = Draft202012Validator({**schema, "components": document["components"]})
    assert check.is_valid({"address": {"city": "Paris", "geo": {"lat": None}}, "counts": {"a": None}, "meta": [1]})
    assert not check.is_valid({"address": {"colour": "red"}})
    assert not check.is_valid({"address": {"geo": {"up": 1}}})
    assert not check.is_valid({"address": None})


@pytest.mark.parametrize(
    ("stored", "patch", "merged"),
    [  # RFC 7396, appendix A
        ({"a": "b"}, {"a": "c"}, {"a": "c"}),
        ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
        ({"a": "b"}, {"a": None}, {}),
        ({"a": "b", "b": "c"}, {"a": None}, {"b": "c"}),
        ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
        ({"a": "c"}, {"a": ["b"]}, {"a": ["b"]}),
        ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
        ({"a": [{"b": "c"}]}, {"a": [1]}, {"a": [1]}),
        (["a", "b"], ["c", "d"], ["c", "d"]),
        ({"a": "b"}, ["c"], ["c"]),
        ({"a": "foo"}, None, None),
        ({"a": "foo"}, "bar", "bar"),
        ({"e": None}, {"a": 1}, {"e": None, "a": 1}),
        ([1, 2], {"a": "b", "c": None}, {"a": "b"}),
        ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
    ],
)
def test_as_the_standard_has_it(stored: Any, patch: Any, merged: Any) -> None:
    assert patched(stored, patch) == merged
