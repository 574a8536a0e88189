"""What comes in: every kind of value, what is refused and in which words, and bodies and responses in FastAPI."""

from __future__ import annotations

import json
import math
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from enum import Enum
from typing import Any, Literal
from uuid import UUID

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from openapi_spec_validator import validate
from pydantic import BaseModel

from kingpost.base.errors import Rejected
from kingpost.model.build import build
from kingpost.model.declare import Json, Markdown, action, actor, anyone, computed, field
from kingpost.model.instances import fill, instance
from kingpost.model.resource import Resource, serializer
from kingpost.model.state import materialise, refer

KEY = UUID("01890000-0000-7000-8000-000000000001")
OTHER = UUID("01890000-0000-7000-8000-000000000002")


class Level(Enum):
    LOW = "low"
    HIGH = "high"


class Address(BaseModel):
    street: str
    floor: int | None = None


class Everything(Resource):
    text: str = field(min_length=1, max_length=5, pattern="^[a-z]+$", default="a")
    whole: int = field(ge=0, default=0)
    real: float = 0.0
    flag: bool = False
    money: Decimal = field(max_digits=6, decimal_places=2, default=Decimal(0))
    key_like: UUID | None = None
    at: datetime | None = None
    rough: datetime | None = field(default=None, precision="ms")
    day: date | None = None
    hour: time | None = None
    span: timedelta | None = None
    raw: bytes = b""
    level: Level = Level.LOW
    mood: Literal["calm", "wild"] | None = None
    grade: Literal[1, 2, 3] = 1
    address: Address | None = None
    tags: list[str] = []
    free: Json = None


class User(Resource, read=anyone):
    name: str
    email: str = field(default="", read="self == me")
    secret: str = field(default="", writeonly=True)


class Seat(Resource, key=("row", "number")):
    row: str
    number: int


class Topic(Resource):
    code: str = field(key=True, max_length=3)


class Article(Resource, read=anyone):
    title: str
    body: Markdown = ""
    author: User = field(default=actor)
    seat: Seat | None = None
    topics: list[Topic] = []
    lines: list[Line] = field(inverse="article", nested=True)
    slug: str = field(once=True, default="")
    views: int = field(readonly=True, default=0)
    schema: str | None = None
    model_config: str | None = None

    @computed
    def length(self) -> int:
        return len(self.body)

    @action
    async def move(self, to: Seat, why: str = "", topics: list[Topic] | None = None) -> None: ...


class Line(Resource):
    article: Article
    text: str


MODEL = build([Everything, User, Seat, Topic, Article, Line])
ACCEPT = MODEL.inputs.accept


@pytest.mark.parametrize(
    ("name", "given", "expected"),
    [
        ("text", "abc", "abc"),
        ("whole", 2**63 - 1, 2**63 - 1),
        ("real", 1, 1.0),
        ("money", "12.5", Decimal("12.50")),
        ("money", 12, Decimal("12.00")),
        ("money", 0.1, Decimal("0.10")),
        ("key_like", str(KEY), KEY),
        ("at", "2026-01-01T12:00:00+02:00", datetime(2026, 1, 1, 10, tzinfo=UTC)),
        ("at", "2026-01-01t12:00:00.123456z", datetime(2026, 1, 1, 12, 0, 0, 123456, tzinfo=UTC)),
        ("at", datetime(2026, 1, 1, tzinfo=timezone(timedelta(hours=1))), datetime(2025, 12, 31, 23, tzinfo=UTC)),
        ("rough", "2026-01-01T12:00:00.123456Z", datetime(2026, 1, 1, 12, 0, 0, 123000, tzinfo=UTC)),
        ("day", "2026-02-28", date(2026, 2, 28)),
        ("hour", "13:30:00.5", time(13, 30, 0, 500000)),
        ("span", "P1DT2H", timedelta(days=1, hours=2)),
        ("span", "-PT1.5S", timedelta(seconds=-1.5)),
        ("raw", "AP8=", b"\x00\xff"),
        ("level", "high", Level.HIGH),
        ("mood", "wild", "wild"),
        ("mood", None, None),
        ("grade", 2, 2),
        ("address", {"street": "x"}, Address(street="x")),
        ("tags", ["a", "b"], ["a", "b"]),
        ("free", {"a": [1, None, "x"]}, {"a": [1, None, "x"]}),
    ],
)
def test_values_are_taken(name, given, expected):
    taken = ACCEPT("Everything", "create", {name: given})
    assert taken == {name: expected}
    assert type(taken[name]) is type(expected)
    assert ACCEPT("Everything", "changed", taken) == taken


@pytest.mark.parametrize(
    ("name", "given", "code"),
    [
        ("text", "", "too_short"),
        ("text", "abcdef", "too_long"),
        ("text", "ABC", "pattern"),
        ("text", 3, "type"),
        ("text", None, "null"),
        ("body", "a\0b", "text"),
        ("body", "\ud800", "text"),
        ("whole", -1, "range"),
        ("whole", 2**63, "range"),
        ("whole", True, "type"),
        ("whole", "3", "type"),
        ("whole", 3.0, "type"),
        ("real", math.nan, "range"),
        ("real", math.inf, "range"),
        ("real", "1.0", "type"),
        ("flag", 1, "type"),
        ("money", "1.234", "digits"),
        ("money", "12345", "digits"),
        ("money", "NaN", "decimal"),
        ("money", Decimal("Infinity"), "range"),
        ("money", True, "decimal"),
        ("key_like", "x", "uuid"),
        ("at", "2026-01-01T12:00:00", "datetime"),
        ("at", "2026-01-01", "datetime"),
        ("at", 1700000000, "datetime"),
        ("at", "2026-02-30T12:00:00Z", "datetime"),
        ("at", "0001-01-01T00:00:00+01:00", "datetime"),
        ("at", datetime(2026, 1, 1), "datetime"),
        ("day", "2026-02-30", "date"),
        ("day", datetime(2026, 1, 1, tzinfo=UTC), "date"),
        ("hour", "25:00", "time"),
        ("span", "1 day", "duration"),
        ("span", "P1Y", "duration"),
        ("span", "P106751992D", "range"),
        ("span", timedelta(days=-106751992), "range"),
        ("raw", "?", "bytes"),
        ("level", "medium", "choice"),
        ("mood", "sad", "choice"),
        ("grade", True, "choice"),
        ("address", {"street": 3}, "type"),
        ("tags", "a", "type"),
        ("tags", ["a", 1], "type"),
        ("free", {"a": math.nan}, "json"),
        ("free", {"a": "\0"}, "text"),
        ("free", 2**70, "range"),
        ("wohle", 3, "unknown"),
    ],
)
def test_wrong_values_are_refused_without_being_repeated(name, given, code):
    of = "Article" if name == "body" else "Everything"
    data = {"title": "t", name: given} if of == "Article" else {name: given}
    with pytest.raises(Rejected) as caught:
        ACCEPT(of, "create", data)
    (detail,) = caught.value.details
    assert detail.code == code
    assert detail.pointer.startswith(f"/{name}")
    if isinstance(given, str) and len(given) > 1:
        assert given not in detail.message


def test_the_length_of_text_is_told_in_characters():
    for given, words in (("", "must have at least 1 characters"), ("abcdef", "must have at most 5 characters")):
        with pytest.raises(Rejected) as caught:
            ACCEPT("Everything", "create", {"text": given})
        assert [detail.message for detail in caught.value.details] == [words]


def test_pointers_lead_to_the_place():
    with pytest.raises(Rejected) as caught:
        ACCEPT(
            "Article",
            "create",
            {"lines": [{"text": "ok"}, {"text": 3}], "author": {"id": "x"}, "seat": {"row": "a"}, "topics": ["abcd"]},
            at=(7,),
        )
    assert {(each.pointer, each.code) for each in caught.value.details} == {
        ("/7/title", "required"),
        ("/7/lines/1/text", "type"),
        ("/7/author/id", "uuid"),
        ("/7/seat/number", "required"),
        ("/7/topics/0", "too_long"),
    }


def test_an_unknown_member_is_answered_with_the_one_meant():
    with pytest.raises(Rejected) as caught:
        ACCEPT("Article", "create", {"title": "t", "titel": "x"})
    assert caught.value.details[0].message == "there is no such member; did you mean 'title'?"


def test_relations_come_by_object_or_key():
    seat = {"row": "a", "number": 1}
    data = {
        "title": "t",
        "author": {"id": str(KEY)},
        "seat": seat,
        "topics": ["a", {"code": "b"}],
        "lines": [{"text": "x"}],
    }
    assert ACCEPT("Article", "create", data) == {
        "title": "t",
        "author": (KEY,),
        "seat": ("a", 1),
        "topics": [("a",), ("b",)],
        "lines": [{"text": "x"}],
    }
    assert ACCEPT("Article", "patch", {"author": str(KEY)}) == {"author": (KEY,)}
    assert ACCEPT("Article", "patch", {"author": User(id=KEY, name="x")}) == {"author": (KEY,)}
    with pytest.raises(Rejected):
        ACCEPT("Article", "patch", {"author": Topic(code="a")})
    with pytest.raises(Rejected) as caught:
        ACCEPT("Article", "patch", {"topics": ["a", "a"]})
    assert caught.value.details[0].code == "duplicate"


def test_which_members_come_in():
    def names(purpose: Any) -> set[str]:
        return {info.alias for info in MODEL.inputs.form("Article", purpose).model_fields.values() if info.alias}

    always = {"title", "body", "author", "seat", "topics", "lines", "schema", "model_config"}
    assert names("create") == always | {"slug"}
    assert names("replace") == names("patch") == always - {"lines"}  # which are made with their owner
    with pytest.raises(Rejected) as refused:
        ACCEPT("Article", "patch", {"lines": []})
    assert "row by row" in refused.value.details[0].message
    assert names("row") == (always | {"id", "slug", "views"}) - {"lines"}
    assert {info.alias for info in MODEL.inputs.form("Topic", "patch").model_fields.values()} == set()
    for hidden in ("id", "views", "length", "_version"):
        with pytest.raises(Rejected):
            ACCEPT("Article", "create", {"title": "t", hidden: 1})


def test_a_patch_needs_nothing_and_null_resets_what_may_be_none():
    assert ACCEPT("Article", "patch", {}) == {}
    assert ACCEPT("Article", "patch", {"seat": None, "schema": None}) == {"seat": None, "schema": None}
    for name in ("title", "author", "topics"):
        with pytest.raises(Rejected) as caught:
            ACCEPT("Article", "patch", {name: None})
        assert caught.value.details[0].code == "null"


def test_inputs_of_actions():
    take = MODEL.inputs.arguments
    given = {"to": {"row": "a", "number": 1}, "topics": ["x"]}
    assert take("Article", "move", given) == {"to": ("a", 1), "topics": [("x",)]}
    with pytest.raises(Rejected) as caught:
        take("Article", "move", {"why": 3, "whither": 1})
    assert {each.code for each in caught.value.details} == {"required", "type", "unknown"}


def test_defaults_are_filled_in_by_name():
    filled = fill(MODEL, "Article", {"title": "t"}, actor=(KEY,), new_key=lambda: OTHER)
    assert filled["id"] == OTHER
    assert filled["author"] == (KEY,)
    assert filled["topics"] == []
    assert filled["views"] == 0
    assert filled["_version"] == 1
    with pytest.raises(Rejected) as caught:
        fill(MODEL, "Article", {"title": "t"}, actor=None, new_key=lambda: OTHER)
    assert caught.value.details[0].pointer == "/author"


def test_instances_are_checked_as_what_comes_in():
    good = Article(title="t", author=User(id=KEY, name="x"))
    assert MODEL.inputs.check(good)["author"] == (KEY,)
    good.title = 3  # type: ignore[assignment]
    with pytest.raises(Rejected) as caught:
        MODEL.inputs.check(good)
    assert caught.value.details[0].pointer == "/title"


def test_an_instance_is_made_of_what_came_in():
    made = instance(Article, ACCEPT("Article", "create", {"title": "t", "author": str(KEY), "lines": [{"text": "x"}]}))
    assert isinstance(made, Article)
    assert made.author == User(id=KEY, name="")
    assert made.lines[0].article is made


# ------------------------------------------------------------------------------------------------------------- FastAPI


def application() -> FastAPI:
    app = FastAPI()

    def create(article: Article) -> Article:
        return article

    def several(articles: list[Article]) -> list[Article]:
        return articles

    app.post("/articles")(create)
    app.post("/several")(several)
    return app


def test_a_resource_is_a_body_and_a_response():
    client = TestClient(application())
    answer = client.post("/articles", json={"title": "t", "author": str(KEY), "seat": {"row": "a", "number": 1}})
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert body["title"] == "t"
    assert body["author"] == {"id": str(KEY)}
    assert body["seat"] == {"row": "a", "number": 1}
    assert client.post("/several", json=[{"title": "t", "author": str(KEY)}]).json()[0]["title"] == "t"
    wrong = client.post("/articles", json={"title": 3, "author": str(KEY), "views": 3})
    assert wrong.status_code == 422


def test_the_schema_tells_in_from_out():
    document = TestClient(application()).get("/openapi.json").json()
    validate(document)
    schemas = document["components"]["schemas"]
    taken = document["paths"]["/articles"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    given = document["paths"]["/articles"]["post"]["responses"]["200"]["content"]["application/json"]["schema"]
    assert taken == {"$ref": "#/components/schemas/ArticleIn"}
    name = given["$ref"].removeprefix("#/components/schemas/")
    assert name in ("Article", "Article-Output")  # resources that refer to each other: Pydantic adds the mode
    assert "views" not in schemas["ArticleIn"]["properties"]
    assert schemas[name]["required"] == ["id"]
    assert "secret" not in schemas["User"]["properties"]
    assert "length" in schemas[name]["properties"]
    assert "m_" not in json.dumps(schemas)


def test_without_a_serializer_only_what_no_rule_forbids_is_shown():
    app = FastAPI()

    def get() -> User:
        return User(id=KEY, name="Ada", email="a@b.c", secret="s")

    app.get("/user")(get)
    assert TestClient(app).get("/user").json() == {"id": str(KEY), "name": "Ada"}


def test_the_serializer_of_the_app_decides():
    app = FastAPI()

    async def get() -> User:
        serializer.set(lambda row: {"name": row.name.upper()})
        return materialise(User, {"id": KEY, "name": "Ada"})

    app.get("/user")(get)
    assert TestClient(app).get("/user").json() == {"name": "ADA"}
    assert refer(User, (KEY,)).id == KEY


def test_a_class_outside_any_app_is_no_body():
    class Lonely(Resource):
        name: str

    def create(lonely: Lonely) -> None: ...

    create.__annotations__ = {"lonely": Lonely}
    with pytest.raises(TypeError, match="Lonely is part of no App yet"):
        FastAPI().post("/")(create)
