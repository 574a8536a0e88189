"""The whole way from a request to a database and back: reading."""

from __future__ import annotations

import csv
import io
import json
from typing import Any
from urllib.parse import quote

import pytest
from jsonschema import Draft202012Validator

from kingpost.engine.context import as_system
from tests.doors.rest.conftest import Site
from tests.doors.rest.domain import Topic


async def test_a_list(site: Site) -> None:
    reply = await site.anonymous("GET", "/api/topics?sort=hours")
    assert reply.status == 200
    assert reply.json == {
        "items": [
            {"id": str(site.http.id), "name": "HTTP", "hours": 8},
            {"id": str(site.sql.id), "name": "SQL", "hours": 30},
        ],
        "next": None,
    }
    assert reply.headers["content-type"] == "application/json"
    assert reply.headers["content-length"] == str(len(reply.body))
    assert reply.headers["x-content-type-options"] == "nosniff"


async def test_rules_decide_what_a_list_holds(site: Site) -> None:
    assert [each["title"] for each in (await site.anonymous("GET", "/api/articles")).json["items"]] == ["Joins"]
    mine = await site.as_(site.ada)("GET", "/api/articles?sort=title&count=exact")
    assert [each["title"] for each in mine.json["items"]] == ["Drafts", "Joins"]
    assert mine.json["total"] == 2
    assert (await site.anonymous("GET", f"/api/articles/{site.draft.id}")).status == 404
    missing = await site.anonymous("GET", "/api/articles/01936f2e-8a4b-7c1d-9e2f-3a4b5c6d7e8f")
    assert missing.body == (await site.anonymous("GET", f"/api/articles/{site.draft.id}")).body


async def test_a_row_and_its_relations(site: Site) -> None:
    at = f"/api/articles/{site.public.id}"
    row = (await site.anonymous("GET", at)).json
    assert row["author"] == {"id": str(site.ada.id)}
    assert row["published_at"] == "2026-02-28T12:00:00Z"
    full = (await site.anonymous("GET", f"{at}?include=author,comments,topics&fields=title,popularity")).json
    assert full["title"] == "Joins"
    assert full["popularity"] == 10
    assert full["author"]["name"] == "Ada"
    assert len(full["comments"]) == 3
    comments = (await site.anonymous("GET", f"{at}/comments?approved=true&count=exact&limit=1")).json
    assert comments["total"] == 2
    assert comments["next"]
    assert (await site.anonymous("GET", f"{at}/author?fields=name")).json["name"] == "Ada"
    assert (await site.anonymous("GET", f"/api/articles/{site.draft.id}/comments")).status == 404


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("hours[ge]=30", ["SQL"]),
        ("hours[lt]=30", ["HTTP"]),
        ("name=SQL", ["SQL"]),
        ("name[ne]=SQL", ["HTTP"]),
        ("name[in]=SQL,HTTP,x", ["HTTP", "SQL"]),
        ("name[startswith]=S", ["SQL"]),
        ("name[contains]=T", ["HTTP"]),
        ("name=SQL&hours=8", []),
        ("where=" + quote("hours > 10 and name != 'x'"), ["SQL"]),
        ("where=" + quote("name.lower() == 'http' or hours == 30"), ["HTTP", "SQL"]),
        ("limit=1", ["HTTP"]),
        ("offset=1", ["SQL"]),
    ],
)
async def test_filters(site: Site, query: str, names: list[str]) -> None:
    reply = await site.anonymous("GET", f"/api/topics?sort=name&{query}")
    assert [each["name"] for each in reply.json["items"]] == names


async def test_filters_through_relations(site: Site) -> None:
    ask = site.as_(site.ada)
    for query, count in (("author.name=Ada", 2), ("topics.name=HTTP", 1), ("comments.approved=true", 1), ("q=join", 1)):
        assert len((await ask("GET", f"/api/articles?{query}")).json["items"]) == count, query
    by_author = await ask("GET", f"/api/articles?author={site.ada.id}&published_at[none]=true")
    assert [each["title"] for each in by_author.json["items"]] == ["Drafts"]


async def test_pages_go_on_where_they_stopped(site: Site) -> None:
    with as_system("many rows"):
        for number in range(7):
            await Topic(name=f"t{number}", hours=5).save()
    seen: list[str] = []
    target = "/api/topics?sort=-hours&limit=3&hours[ge]=1"
    while True:
        reply = await site.anonymous("GET", target)
        seen += [each["name"] for each in reply.json["items"]]
        if reply.json["next"] is None:
            assert "link" not in reply.headers
            break
        link, _, rel = reply.headers["link"].partition("; ")
        assert rel == 'rel="next"'
        target = "/api/topics" + link.strip("<>")
    assert seen[:2] == ["SQL", "HTTP"]
    assert sorted(seen[2:]) == [f"t{number}" for number in range(7)]
    cursor = (await site.anonymous("GET", "/api/topics?limit=1")).json["next"]
    for other in (f"hours=5&after={cursor}", f"after={cursor}x", "after=AAAA", "after="):
        assert (await site.anonymous("GET", f"/api/topics?{other}")).pointers == ["?after"]
    assert (await site.as_(site.bob)("GET", f"/api/topics?limit=1&after={cursor}")).status == 400


async def test_summaries(site: Site) -> None:
    ask = site.as_(site.ada)
    reply = await ask("GET", "/api/articles?group=author.name&count=*")
    assert reply.json == {"items": [{"author.name": "Ada", "count": 2}]}
    reply = await ask("GET", "/api/topics?group=name&sum=hours&sort=-sum.hours,name")
    assert reply.json == {"items": [{"name": "SQL", "sum.hours": 30}, {"name": "HTTP", "sum.hours": 8}]}
    reply = await ask("GET", "/api/topics?group=name&sum=hours&sort=sum.hours&limit=1")
    assert reply.json == {"items": [{"name": "HTTP", "sum.hours": 8}]}
    for sort, words in (("-count", "there are: name, sum.hours"), ("hours", "sum.hours")):
        reply = await ask("GET", f"/api/topics?group=name&sum=hours&sort={sort}")
        assert (reply.status, reply.pointers) == (400, ["?sort"])
        assert words in reply.json["detail"]
    reply = await site.anonymous("GET", "/api/topics?count=*&sum=hours&max=hours,name&hours[gt]=1")
    assert reply.json == {"items": [{"count": 2, "sum.hours": 38, "max.hours": 30, "max.name": "SQL"}]}


async def test_formats(site: Site) -> None:
    reply = await site.anonymous("GET", "/api/topics?sort=name", accept="text/csv")
    assert reply.headers["content-type"].startswith("text/csv; charset=utf-8")
    assert [row["name"] for row in csv.DictReader(io.StringIO(reply.body.decode()))] == ["HTTP", "SQL"]
    assert "etag" not in reply.headers
    reply = await site.anonymous("GET", "/api/topics?sort=name&fields=name", accept="application/x-ndjson")
    assert [json.loads(line)["name"] for line in reply.body.splitlines()] == ["HTTP", "SQL"]
    reply = await site.anonymous("GET", f"/api/topics/{site.sql.id}", accept="text/csv;q=0.9, image/png")
    assert reply.body.startswith(b"id,name,hours\r\n")
    assert (await site.anonymous("GET", "/api/topics", accept="text/html")).status == 406
    assert (await site.anonymous("GET", "/api/topics?nothing=1", accept="text/csv")).status == 400
    assert (await site.anonymous("HEAD", "/api/topics", accept="text/csv")).body == b""


async def test_conditional_reads(site: Site) -> None:
    for target in ("/api/topics", f"/api/topics/{site.sql.id}"):
        first = await site.anonymous("GET", target)
        again = await site.anonymous("GET", target, if_none_match=f'"x", {first.headers["etag"]}')
        assert again.status == 304
        assert again.body == b""
        assert again.headers["etag"] == first.headers["etag"]
        assert "content-type" not in again.headers
        assert (await site.anonymous("GET", target, if_none_match='"x"')).status == 200
    with as_system("change"):
        topic = await Topic.get(site.sql.id)
        topic.hours = 31
        await topic.save()
    assert (await site.anonymous("GET", target, if_none_match=first.headers["etag"])).status == 200


async def test_caches(site: Site) -> None:
    public = await site.anonymous("GET", "/api/topics")
    assert public.headers["cache-control"] == "public, no-cache"
    private = await site.anonymous("GET", "/api/articles")
    assert private.headers["cache-control"] == "private, no-cache"
    assert "Authorization" in private.headers["vary"]
    assert "Accept" in public.headers["vary"]


async def test_head_and_options(site: Site) -> None:
    got = await site.anonymous("GET", "/api/topics")
    head = await site.anonymous("HEAD", "/api/topics")
    assert (head.status, head.body, head.headers) == (200, b"", got.headers)
    options = await site.anonymous("OPTIONS", f"/api/topics/{site.sql.id}")
    assert options.status == 204
    assert options.headers["allow"] == "GET, HEAD, PUT, PATCH, DELETE, OPTIONS"
    assert "application/merge-patch+json" in options.headers["accept-patch"]


@pytest.mark.parametrize(
    ("method", "target", "status"),
    [
        ("DELETE", "/api/topics", 400),
        ("TRACE", "/api/topics", 405),
        ("POST", "/api/topics/{sql}", 405),
        ("GET", "/api/articles/{public}/publish", 405),
        ("POST", "/api/articles/{public}/comments", 405),
        ("POST", "/api/openapi.json", 405),
        ("GET", "/api/topics/nonsense", 404),
        ("GET", "/api/topics/", 404),
        ("GET", "/api/topics/{sql}/nothing", 404),
        ("GET", "/problems/KP999", 404),
    ],
)
async def test_no_such_thing(site: Site, method: str, target: str, status: int) -> None:
    reply = await site.anonymous(method, target.format(sql=site.sql.id, public=site.public.id))
    assert reply.status == status
    assert reply.headers["content-type"] == "application/problem+json"
    assert ("allow" in reply.headers) == (status == 405)


async def test_hidden_names_are_refused_like_unknown_ones(site: Site) -> None:
    for name in ("secret", "_version", "nothing"):
        target = "/api/odd-things" if name == "secret" else "/api/users"
        for form in (
            "{}=1",
            "{}[gt]=1",
            "sort={}",
            "group={}",
            "max={}",
            "where={}+%3D%3D+1",
            "fields={}",
            "include={}",
        ):
            reply = await site.anonymous("GET", f"{target}?{form.format(name)}")
            unknown = await site.anonymous("GET", f"{target}?{form.format('z' * len(name))}")
            assert reply.status == 400, (name, form)
            assert reply.body.replace(name.encode(), b"z" * len(name)) == unknown.body
    # Everyone may read their own address: there it is masked, not hidden.
    masked = await site.as_(site.bob)("GET", "/api/users?email=ada@example.org")
    assert masked.json["items"] == []
    own = await site.as_(site.bob)("GET", "/api/users?email=bob@example.org")
    assert len(own.json["items"]) == 1


async def test_answers_are_as_described(site: Site) -> None:
    document = (await site.anonymous("GET", "/api/openapi.json")).json
    targets = {
        "/api/topics": "/api/topics?count=exact",
        "/api/articles": "/api/articles?include=author,topics,comments.author&fields=title,popularity,notes",
        "/api/users": "/api/users",
        "/api/articles/{id}": f"/api/articles/{site.public.id}?include=comments",
        "/api/articles/{id}/comments": f"/api/articles/{site.public.id}/comments?include=article",
        "/api/articles/{id}/author": f"/api/articles/{site.public.id}/author",
    }
    for actor in (None, site.ada):
        for path, target in targets.items():
            schema = document["paths"][path]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
            reply = await site.as_(actor)("GET", target)
            assert reply.status == 200, target
            _check(document, schema, reply.json)
    problem = await site.anonymous("GET", "/api/topics?limit=0")
    _check(document, {"$ref": "#/components/schemas/Problem"}, problem.json)


def _check(document: dict[str, Any], schema: dict[str, Any], value: Any) -> None:
    Draft202012Validator({**schema, "components": document["components"]}).validate(value)


async def test_descriptions(site: Site) -> None:
    document = await site.anonymous("GET", "/api/openapi.json")
    assert "/api/articles/{id}/publish" in document.json["paths"]
    again = await site.anonymous("GET", "/api/openapi.json", if_none_match=document.headers["etag"])
    assert again.status == 304
    page = await site.anonymous("GET", "/api/docs")
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert b"Idempotency-Key" in page.body
    assert (await site.anonymous("GET", "/problems/KP171")).status == 200
    assert (await site.anonymous("GET", "/problems/")).status == 200
