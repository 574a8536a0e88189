"""Arrays: many rows changed, replaced or deleted with one request, all or nothing."""

from __future__ import annotations

from typing import Any

import pytest

from kingpost.doors.rest import RestDoor, RestSettings
from tests.doors.rest.client import Client
from tests.doors.rest.conftest import Site
from tests.doors.rest.domain import Topic

MISSING = "01936f2e-8a4b-7c1d-9e2f-3a4b5c6d7e8f"


def ids(*rows: Any) -> list[dict[str, str]]:
    return [{"id": str(row.id)} for row in rows]


async def names(site: Site) -> set[str]:
    return {each["name"] for each in (await site.anonymous("GET", "/api/topics")).json["items"]}


async def test_many_are_changed(site: Site) -> None:
    ask, (sql, http) = site.anonymous, ids(site.sql, site.http)
    reply = await ask("PATCH", "/api/topics", [{**http, "hours": 9}, {**sql, "name": "Sequel"}])
    assert (reply.status, reply.json) == (200, {"items": [http, sql]})  # in the order given
    rows = (await ask("GET", "/api/topics?sort=hours")).json["items"]
    assert [(row["name"], row["hours"]) for row in rows] == [("HTTP", 9), ("Sequel", 30)]
    assert (await ask("GET", f"/api/topics/{site.sql.id}")).headers["etag"].startswith('"2-')
    bare = await ask("PATCH", "/api/topics", [{**http, "hours": 10}], prefer="return=minimal")
    assert (bare.status, bare.body, bare.headers["preference-applied"]) == (204, b"", "return=minimal")
    assert (await ask("PATCH", "/api/topics", [])).json == {"items": []}


async def test_many_are_replaced(site: Site) -> None:
    ask, (public, draft) = site.as_(site.ada), ids(site.public, site.draft)
    whole = {"title": "T", "body": "B", "author": str(site.ada.id)}
    reply = await ask("PUT", "/api/articles", [{**public, **whole}, {**draft, **whole, "notes": "n"}])
    assert (reply.status, reply.json) == (200, {"items": [public, draft]})
    first, second = [(await ask("GET", f"/api/articles/{one['id']}")).json for one in (public, draft)]
    assert (first["title"], first["notes"], first["published_at"]) == ("T", "", None)  # what is not sent: its default
    assert second["notes"] == "n"
    assert (await ask("PUT", "/api/articles", [{**public, "title": "x"}])).pointers == ["/0/body", "/0/author"]


async def test_many_are_deleted(site: Site) -> None:
    ask = site.anonymous
    made = (await ask("POST", "/api/topics", [{"name": n, "hours": 1} for n in "abc"])).json["items"]
    gone = await ask("DELETE", "/api/topics", [made[0], made[1]["id"]])
    assert (gone.status, gone.body) == (204, b"")
    assert await names(site) == {"SQL", "HTTP", "c"}
    again = await ask("DELETE", "/api/topics", [made[2], made[0]])
    assert (again.status, again.pointers) == (404, ["/1"])
    assert await names(site) == {"SQL", "HTTP", "c"}
    assert (await ask("DELETE", "/api/topics", [])).status == 204


async def test_composite_keys_name_rows(site: Site) -> None:
    ask, seats = site.anonymous, [{"room": "a", "number": n} for n in (1, 2)]
    await ask("POST", "/api/seats", seats)
    reply = await ask("PATCH", "/api/seats", [{**seat, "taken": True} for seat in reversed(seats)])
    assert reply.json == {"items": seats[::-1]}
    assert [row["taken"] for row in (await ask("GET", "/api/seats")).json["items"]] == [True, True]
    assert (await ask("PATCH", "/api/seats", [{"room": "a", "taken": True}])).pointers == ["/0/number"]
    assert (await ask("DELETE", "/api/seats", ["a"])).status == 422
    assert (await ask("DELETE", "/api/seats", seats)).status == 204


@pytest.mark.parametrize(
    ("change", "status", "pointer"),
    [
        ({"id": MISSING, "hours": 1}, 404, "/1"),
        ({"id": "{http}", "hours": -1}, 422, "/1/hours"),
        ({"id": "{http}", "colour": "red"}, 422, "/1/colour"),
        ({"id": "{http}", "name": "Sequel"}, 409, "/1/name"),
        ({"id": "{sql}", "hours": 2}, 422, "/1"),
        ({"hours": 2}, 422, "/1/id"),
        ({"id": "x", "hours": 2}, 422, "/1/id"),
        (1, 422, "/1"),
    ],
)
async def test_nothing_is_written_unless_all_is(site: Site, change: Any, status: int, pointer: str) -> None:
    if isinstance(change, dict) and "id" in change:
        change = {**change, "id": change["id"].format(http=site.http.id, sql=site.sql.id)}
    reply = await site.anonymous("PATCH", "/api/topics", [{"id": str(site.sql.id), "name": "Sequel"}, change])
    assert (reply.status, reply.pointers) == (status, [pointer])
    assert await names(site) == {"SQL", "HTTP"}


async def test_the_rules_hold_for_each_row(site: Site) -> None:
    public, draft = ids(site.public, site.draft)
    both = [{**public, "title": "x"}, {**draft, "title": "y"}]
    hidden = await site.as_(site.bob)("PATCH", "/api/articles", both)
    assert (hidden.status, hidden.pointers) == (404, ["/1"])  # he does not see the draft
    barred = await site.as_(site.bob)("PATCH", "/api/articles", both[:1])
    assert (barred.status, barred.pointers) == (403, ["/0"])
    assert (await site.anonymous("DELETE", "/api/articles", [public])).status == 401
    away = await site.as_(site.ada)("PATCH", "/api/articles", [both[0], {**draft, "author": str(site.bob.id)}])
    assert (away.status, away.pointers) == (403, ["/1"])  # the row after would not be hers
    lost = await site.as_(site.ada)("PATCH", "/api/articles", [both[0], {**draft, "topics": [MISSING]}])
    assert (lost.status, lost.pointers) == (422, ["/1/topics"])
    assert (await site.anonymous("GET", f"/api/articles/{site.public.id}")).json["title"] == "Joins"
    assert (await site.as_(site.ada)("PATCH", "/api/articles", both)).status == 200


async def test_a_bulk_under_a_key_is_done_once(site: Site) -> None:
    ask, (sql, http) = site.anonymous, ids(site.sql, site.http)
    data = [{**sql, "hours": 1}, {**http, "hours": 2}]
    first = await ask("PATCH", "/api/topics", data, idempotency_key="k")
    await ask("PATCH", "/api/topics", [{**sql, "hours": 3}])
    again = await ask("PATCH", "/api/topics", data, idempotency_key="k")
    assert (again.status, again.json, again.headers["idempotency-replayed"]) == (200, first.json, "true")
    assert (await ask("GET", f"/api/topics/{site.sql.id}")).json["hours"] == 3
    assert (await ask("PATCH", "/api/topics", data[:1], idempotency_key="k")).status == 422
    made = (await ask("POST", "/api/topics", [{"name": "a", "hours": 1}])).json["items"]
    for _ in range(2):
        assert (await ask("DELETE", "/api/topics", made, idempotency_key="k")).status == 204


async def test_bodies_of_the_wrong_kind(site: Site) -> None:
    ask, (sql,) = site.anonymous, ids(site.sql)
    for method in ("PATCH", "PUT", "DELETE"):
        assert (await ask(method, "/api/topics")).status == 400
        assert (await ask(method, "/api/topics", sql)).status == 400
        assert (await ask(method, "/api/topics", [sql] * 1001)).status == 422
        assert (await ask(method, "/api/topics", [sql], type="text/plain")).status == 415
        assert (await ask(method, "/api/topics?name=SQL", [sql])).status == 400  # a filter is no choice of rows
        assert (await ask(method, "/api/topics", [sql], accept="text/csv")).status == 406
    twice = await ask("DELETE", "/api/topics", [sql, str(site.http.id), sql["id"]])
    assert (twice.status, twice.pointers) == (422, ["/2"])
    merge = await ask("PATCH", "/api/topics", [{**sql, "hours": 1}], type="application/merge-patch+json")
    assert merge.status == 415
    assert await names(site) == {"SQL", "HTTP"}


async def test_there_is_no_version_of_many(site: Site) -> None:
    ask, (sql,) = site.anonymous, ids(site.sql)
    data = [{**sql, "hours": 1}]
    assert (await ask("PATCH", "/api/topics", data, if_match='"1-x"')).status == 412
    assert (await ask("DELETE", "/api/topics", [sql], if_none_match="*")).status == 412
    assert (await ask("PATCH", "/api/topics", [{**data[0], "_version": 1}])).pointers == ["/0/_version"]
    assert (await ask("PATCH", "/api/topics", data, if_match="*")).status == 200
    settings = RestSettings(require_if_match=True)
    strict = Client(RestDoor(site.app.engine, site.app.model, settings=settings))
    reply = await strict("PATCH", "/api/topics", data)
    assert (reply.status, reply.headers["allow"]) == (405, "GET, HEAD, POST, OPTIONS")


async def test_options_tell(site: Site) -> None:
    reply = await site.anonymous("OPTIONS", "/api/topics")
    assert reply.headers["allow"] == "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"
    assert reply.headers["accept-patch"] == "application/json"


async def test_a_failure_in_an_open_transaction_takes_all_of_it_back(site: Site) -> None:
    engine, at = site.app.engine, site.app.engine.context()
    with site.app.acting(None):
        async with site.app.transaction():
            await Topic(name="Kept", hours=1).save()
            with pytest.raises(Exception, match="taken"):
                await engine.update_many(
                    "Topic", [((site.sql.id,), {"name": "New"}), ((site.http.id,), {"name": "Kept"})], at
                )
            await engine.update_many("Topic", [((site.http.id,), {"hours": 9})], at)
        assert await names(site) == {"SQL", "HTTP", "Kept"}
        with pytest.raises(Exception, match="no such"):
            async with site.app.transaction():
                await engine.update_many("Topic", [((site.sql.id,), {"name": "New"})], at)
                await engine.delete_many("Topic", [(MISSING,)], at)
    assert await names(site) == {"SQL", "HTTP", "Kept"}


async def test_a_created_array_points_at_what_is_taken(site: Site) -> None:
    reply = await site.anonymous("POST", "/api/topics", [{"name": "a", "hours": 1}, {"name": "SQL", "hours": 1}])
    assert (reply.status, reply.pointers) == (409, ["/1/name"])


async def test_what_a_row_would_be_shown_as_is_refused_where_none_is(site: Site) -> None:
    ask, sql = site.anonymous, ids(site.sql)
    made = {"name": "CSS", "hours": 1}
    for query in ("include=articles", "include=nothing", "fields=name", "fields="):
        for method, sent in (("PATCH", []), ("PATCH", sql), ("PUT", []), ("DELETE", sql), ("POST", [made])):
            reply = await ask(method, f"/api/topics?{query}", sent)
            assert (reply.status, reply.pointers) == (400, [f"?{query.partition('=')[0]}"]), (method, query)
        assert (await ask("DELETE", f"/api/topics/{site.sql.id}?{query}")).status == 400
    assert await names(site) == {"SQL", "HTTP"}
