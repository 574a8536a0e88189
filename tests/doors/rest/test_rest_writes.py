"""The whole way from a request to a database and back: writing."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from kingpost.doors.rest import RestDoor, RestSettings
from tests.doors.rest.client import Client, Reply
from tests.doors.rest.conftest import Site

MERGE = "application/merge-patch+json"


async def create(site: Site, actor: Any = "ada", **members: Any) -> Reply:
    data = {"title": "New", "body": "x", "author": str(site.ada.id), **members}
    return await site.as_(site.ada if actor == "ada" else actor)("POST", "/api/articles", data)


async def test_create(site: Site) -> None:
    reply = await create(site, topics=[{"id": str(site.sql.id)}, str(site.http.id)])
    assert reply.status == 201
    where = reply.headers["location"]
    assert where == f"/api/articles/{reply.json['id']}"
    assert reply.headers["etag"].startswith('"1-')
    row = (await site.as_(site.ada)("GET", f"{where}?include=topics")).json
    assert row["title"] == "New"
    assert {each["name"] for each in row["topics"]} == {"SQL", "HTTP"}
    assert (await site.as_(site.ada)("GET", where)).headers["etag"] == reply.headers["etag"]


async def test_who_may_create(site: Site) -> None:
    anonymous = await create(site, None)
    assert anonymous.status == 401
    assert anonymous.headers["www-authenticate"] == "Bearer"
    assert (await create(site, site.bob)).status == 403
    unreadable = await create(site, site.eve)  # an editor may write for others, but not read their drafts
    assert (unreadable.status, unreadable.json) == (201, {"id": unreadable.headers["location"].rpartition("/")[2]})


async def test_many_at_once(site: Site) -> None:
    ask = site.anonymous
    made = await ask("POST", "/api/topics", [{"name": "a", "hours": 1}, {"name": "b", "hours": 2}])
    assert made.status == 201
    assert [list(each) for each in made.json["items"]] == [["id"], ["id"]]
    assert (await ask("GET", f"/api/topics/{made.json['items'][1]['id']}")).json["name"] == "b"
    bad = await ask("POST", "/api/topics", [{"name": "c", "hours": 1}, {"name": "d", "hours": -1}, {"hours": 1}])
    assert bad.status == 422
    assert bad.pointers == ["/1/hours", "/2/name"]
    twice = await ask("POST", "/api/topics", [{"name": "e", "hours": 1}, {"name": "e", "hours": 1}])
    assert twice.status == 409
    assert (await ask("GET", "/api/topics?name[in]=c,d,e&count=exact")).json["total"] == 0
    assert (await ask("POST", "/api/topics", [{}] * 1001)).status == 422
    assert (await ask("POST", "/api/topics", [])).json == {"items": []}
    assert (await ask("POST", "/api/topics", [1])).status == 422


async def test_patch_and_put(site: Site) -> None:
    ask, at = site.as_(site.ada), f"/api/articles/{site.draft.id}"
    patched = await ask("PATCH", at, {"title": "Patched"}, type=MERGE)
    assert (patched.status, patched.json["title"], patched.json["body"]) == (200, "Patched", "…")
    assert patched.headers["etag"].startswith('"2-')
    assert (await ask("PATCH", at, {"published_at": None})).status == 200
    put = await ask("PUT", at, {"title": "Put", "body": "y", "author": {"id": str(site.ada.id)}, "notes": "n"})
    assert (put.status, put.json["notes"]) == (200, "n")
    put = await ask("PUT", at, {"title": "Put", "body": "y", "author": {"id": str(site.ada.id)}})
    assert put.json["notes"] == ""
    assert (await site.anonymous("PATCH", at, {"title": "x"})).status == 404
    public = f"/api/articles/{site.public.id}"
    assert (await site.as_(site.bob)("PATCH", public, {"title": "x"})).status == 403
    assert (await site.anonymous("PATCH", public, {"title": "x"})).status in (401, 403)


async def test_delete(site: Site) -> None:
    ask, at = site.as_(site.ada), f"/api/articles/{site.draft.id}"
    gone = await ask("DELETE", at)
    assert (gone.status, gone.body) == (204, b"")
    assert "content-length" not in gone.headers
    assert (await ask("GET", at)).status == 404
    assert (await ask("DELETE", at)).status == 404
    in_use = await site.as_(site.ada)("DELETE", f"/api/topics/{site.sql.id}")
    assert in_use.status in (204, 409)


async def test_actions(site: Site) -> None:
    ask, at = site.as_(site.ada), f"/api/articles/{site.draft.id}"
    published = await ask("POST", f"{at}/publish")
    assert (published.status, published.json["published_at"]) == (200, "2026-03-01T12:00:00Z")
    later = await ask("POST", f"{at}/publish", {"at": "2027-01-01T00:00:00+01:00"})
    assert later.json["published_at"] == "2026-12-31T23:00:00Z"
    shouted = await ask("POST", f"{at}/shout", {"times": 2})
    assert shouted.json == {"said": "DRAFTSDRAFTS", "cost": "1.50"}
    assert (await ask("POST", f"{at}/shout", {"times": "2"})).pointers == ["/times"]
    assert (await ask("POST", f"{at}/shout")).pointers == ["/times"]
    assert (await ask("POST", f"{at}/shout", {"times": 1, "more": 1})).pointers == ["/more"]
    assert (await ask("POST", f"{at}/shout", [1])).status == 400
    assert (await site.as_(site.bob)("POST", f"/api/articles/{site.public.id}/publish")).status == 403
    assert (await ask("POST", "/api/articles/-/count_all")).json == 2
    assert (await site.anonymous("POST", "/api/articles/-/count_all")).status == 401


async def test_versions(site: Site) -> None:
    ask, at = site.as_(site.ada), f"/api/articles/{site.draft.id}"
    first = (await ask("GET", at)).headers["etag"]
    other_view = (await ask("GET", f"{at}?fields=title")).headers["etag"]
    assert first != other_view
    changed = await ask("PATCH", at, {"title": "b"}, if_match=other_view)  # only the version part counts
    assert changed.status == 200
    for method, data in (("PATCH", {"title": "c"}), ("DELETE", None), ("PUT", {"title": "c", "body": "", "author": 1})):
        stale = await ask(method, at, data, if_match=first)
        assert stale.status in (412, 422), method
    assert (await ask("PATCH", at, {"title": "d"}, if_match=f'"9-x", {changed.headers["etag"]}')).status == 200
    assert (await ask("PATCH", at, {"title": "e"}, if_match="*")).status == 200
    assert (await ask("PATCH", at, {"title": "f"}, if_match='W/"4-x"')).status == 412
    assert (await ask("PATCH", at, {"title": "f"}, if_match='"else"')).status == 412
    assert (await ask("PATCH", at, {"title": "f"}, if_match="4")).status == 400
    assert (
        await ask("PUT", at, {"title": "f", "body": "", "author": str(site.ada.id)}, if_none_match="*")
    ).status == 412
    assert (await ask("POST", f"{at}/publish", if_match=first)).status == 412
    assert (await ask("GET", at)).json["title"] == "e"


async def test_a_version_can_be_demanded(site: Site) -> None:
    settings = replace(RestSettings(), require_if_match=True, server_timing=True)
    door = Client(RestDoor(site.app.engine, site.app.model, settings=settings), site.ada)
    at = f"/api/articles/{site.draft.id}"
    assert (await door("PATCH", at, {"title": "x"})).status == 428
    assert (await door("DELETE", at)).status == 428
    got = await door("GET", at)
    assert [part.split(";")[0] for part in got.headers["server-timing"].split(", ")] == [
        "identity", "plan", "run", "render",
    ]  # fmt: skip
    assert (await door("PATCH", at, {"title": "x"}, if_match=got.headers["etag"])).status == 200


async def test_concurrent_changes_of_one_version(site: Site) -> None:
    ask, at = site.as_(site.ada), f"/api/articles/{site.draft.id}"
    tag = (await ask("GET", at)).headers["etag"]
    replies = await asyncio.gather(*(ask("PATCH", at, {"title": f"t{n}"}, if_match=tag) for n in range(8)))
    assert sorted(reply.status for reply in replies) == [200, *[412] * 7]


async def test_repeats(site: Site) -> None:
    ask = site.as_(site.ada)
    data = {"name": "once", "hours": 1}
    first = await ask("POST", "/api/topics", data, idempotency_key='"k1"')
    again = await ask("POST", "/api/topics", data, idempotency_key='"k1"')
    assert (first.status, again.status) == (201, 201)
    assert again.json == first.json
    assert again.headers["idempotency-replayed"] == "true"
    assert "idempotency-replayed" not in first.headers
    assert (await ask("POST", "/api/topics", {**data, "hours": 2}, idempotency_key='"k1"')).status == 422
    assert (await site.as_(site.bob)("POST", "/api/topics", data, idempotency_key='"k1"')).status == 409
    assert (await ask("POST", "/api/topics", data, idempotency_key="a b")).status == 400
    at = f"/api/topics/{first.json['id']}"
    assert (await ask("DELETE", at, idempotency_key="k1")).status == 204
    assert (await ask("DELETE", at, idempotency_key="k1")).status == 204
    together = await asyncio.gather(
        *(ask("POST", "/api/topics", {"name": "two", "hours": 1}, idempotency_key="k2") for _ in range(4))
    )
    assert {reply.status for reply in together} <= {201, 409}
    assert (await ask("GET", "/api/topics?name=two&count=exact")).json["total"] == 1


async def test_less_can_be_asked_for(site: Site) -> None:
    ask = site.anonymous
    made = await ask("POST", "/api/topics", {"name": "x", "hours": 1}, prefer="return=minimal")
    assert (made.status, made.headers["preference-applied"]) == (201, "return=minimal")
    assert made.json == {"id": made.headers["location"].rpartition("/")[2]}  # a 201 always has a body
    changed = await ask("PATCH", made.headers["location"], {"hours": 2}, prefer="return=minimal")
    assert (changed.status, changed.body) == (204, b"")
    shaped = await ask("PATCH", made.headers["location"] + "?fields=hours", {"hours": 3})
    assert shaped.json.get("hours") == 3
    assert "name" not in shaped.json


async def test_composite_keys(site: Site) -> None:
    ask = site.anonymous
    made = await ask("POST", "/api/seats", {"room": "a/b, ü", "number": 3})
    assert made.headers["location"] == "/api/seats/a%2Fb%2C%20%C3%BC,3"
    assert (await ask("GET", made.headers["location"])).json == {"room": "a/b, ü", "number": 3, "taken": False}
    assert (await ask("PATCH", made.headers["location"], {"taken": True})).json["taken"] is True
    many = await ask("POST", "/api/seats", [{"room": "b", "number": 1}, {"room": "b", "number": 2}])
    assert many.json == {"items": [{"room": "b", "number": 1}, {"room": "b", "number": 2}]}
    assert (await ask("POST", "/api/seats", {"room": "b", "number": 2})).status == 409


async def test_values_keep_their_form(site: Site) -> None:
    given = {
        "price": "12.50", "weight": 1.5, "made": "2026-01-31", "opens": "08:30:00", "lasts": "PT5400S", "raw": "/w==",
        "size": {"width": 1, "height": 2}, "data": {"a": [1, None]}, "level": 2, "once": "o", "secret": "s",
    }  # fmt: skip
    made = await site.anonymous("POST", "/api/odd-things", given)
    assert made.status == 201, made.body
    shown = made.json
    assert "secret" not in shown
    assert {name: shown[name] for name in given if name != "secret"} == {
        n: v for n, v in given.items() if n != "secret"
    }
    at = made.headers["location"]
    for name in ("once", "fixed", "nothing", "_version"):
        assert (await site.anonymous("PATCH", at, {name: "x"})).pointers == [f"/{name}"]
    for name, bad in (("price", "1.234"), ("level", 4), ("level", True), ("weight", "1"), ("raw", "*"), ("once", None)):
        assert (await site.anonymous("POST", "/api/odd-things", {**given, name: bad})).pointers == [f"/{name}"], name


@pytest.mark.parametrize(
    ("body", "type", "status"),
    [
        (b"{", "application/json", 400),
        (b'{"name":"a","name":"b","hours":1}', "application/json", 400),
        (b'{"name":"\xff","hours":1}', "application/json", 400),
        (b'{"name":"\\u0000","hours":1}', "application/json", 422),
        (b'{"name":"\\ud800","hours":1}', "application/json", 400),
        (b'{"name":"a","hours":NaN}', "application/json", 400),
        (b'{"name":"a","hours":1e400}', "application/json", 400),
        (b'{"name":"a","hours":1.5}', "application/json", 422),
        (b'{"name":"a","hours":"1"}', "application/json", 422),
        (b'{"name":"a","hours":123456789012345678901234567890}', "application/json", 422),
        (b"[" * 10_000, "application/json", 400),
        (b"1", "application/json", 400),
        (b"null", "application/json", 400),
        (b"{}", "text/plain", 415),
        (b"{}", MERGE, 415),
        (b"{}", "", 415),
        (b"x" * (1 << 20) + b"x", "application/json", 413),
        ([b"x" * 1000] * 2000, "application/json", 413),
    ],
)
async def test_bodies_of_the_wrong_kind(site: Site, body: Any, type: str | None, status: int) -> None:
    reply = await site.anonymous("POST", "/api/topics", body=body, type=type)
    assert reply.status == status
    assert reply.headers["content-type"] == "application/problem+json"
    assert (await site.anonymous("GET", "/api/topics?count=exact")).json["total"] == 2


async def test_a_write_is_not_done_if_its_answer_would_be_refused(site: Site) -> None:
    data = {"name": "new", "hours": 1}
    assert (await site.anonymous("POST", "/api/topics", data, accept="text/csv")).status == 406
    assert (await site.anonymous("POST", "/api/topics?include=nothing.", data)).status == 400
    assert (await site.anonymous("POST", "/api/topics?colour=red", data)).status == 400
    assert (await site.anonymous("GET", "/api/topics?count=exact")).json["total"] == 2


async def test_references_lead_to_rows_that_are_seen(site: Site) -> None:
    hidden = {"article": str(site.draft.id), "text": "x"}
    missing = {"article": "01936f2e-8a4b-7c1d-9e2f-3a4b5c6d7e8f", "text": "x"}
    one, other = [await site.as_(site.bob)("POST", "/api/comments", data) for data in (hidden, missing)]
    assert one.status == other.status == 422
    assert one.body == other.body
    assert (await site.as_(site.ada)("POST", "/api/comments", hidden)).status == 201
