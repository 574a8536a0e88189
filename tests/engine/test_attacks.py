"""Attacks on the rules, each by its own name: what is hidden stays hidden, whichever way it is asked for."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any
from urllib.parse import quote

import pytest

from kingpost import App, Forbidden, KingpostError, NotFound, Rejected, as_system
from kingpost.engine.context import Context
from kingpost.engine.repeats import Idempotency
from kingpost.plan.intent import Condition, Read, SortKey, SummaryOf
from tests.doors.rest.client import Client, Reply
from tests.engine import vault as module
from tests.engine.vault import (
    AT,
    LATER,
    Assignment,
    Document,
    Form,
    Grade,
    Held,
    Label,
    Medal,
    Member,
    Page,
    Task,
    Ticket,
    fill,
    vault,
)

UNKNOWN = "01936f2e-8a4b-7c1d-9e2f-3a4b5c6d7e8f"


@pytest.fixture
async def app(store_url: str) -> AsyncIterator[App]:
    """The vault, started, its tables made."""
    app = vault(store_url)
    await app.start()
    await app.sync()
    yield app
    await app.stop()


@pytest.fixture
async def held(app: App) -> Held:
    """What is in it."""
    return await fill()


def silent(reply: Reply) -> Reply:
    """The reply, in which nothing hidden is to be found."""
    assert b"canary" not in reply.body, reply.body
    assert "canary" not in str(reply.headers)
    return reply


def where(text: str) -> str:
    return f"where={quote(text)}"


async def names(client: Client, path: str, name: str = "title") -> list[Any]:
    reply = await client("GET", path)
    assert reply.status == 200, reply.body
    return [item.get(name) for item in reply.json["items"]]


# -------------------------------------------------------------------------------------------------------- single rows


async def test_a_hidden_row_answers_like_a_missing_one(app: App, held: Held) -> None:
    ben, nobody = Client(app, held.ben), Client(app)
    for client in (ben, nobody):
        for key in (held.draft.id, held.gone.id, held.other.id, held.shy.id):
            path = "members" if key == held.shy.id else "documents"
            for method, tail, data in (
                ("GET", "", None),
                ("GET", "?include=owner" if path == "documents" else "?include=team", None),
                ("GET", "?fields=id", None),
                ("PATCH", "", {}),
                ("DELETE", "", None),
                ("GET", "/labels" if path == "documents" else "/documents", None),
                ("GET", ("/labels" if path == "documents" else "/documents") + "?count=*", None),
                ("GET", ("/labels" if path == "documents" else "/documents") + "?group=id&count=*", None),
                ("POST", "/sign", {}),
            ):
                if path == "members" and method == "POST":
                    continue
                hidden = await client(method, f"/api/{path}/{key}{tail}", data)
                missing = await client(method, f"/api/{path}/{UNKNOWN}{tail}", data)
                assert (hidden.status, hidden.body) == (missing.status, missing.body), (method, tail)
                assert hidden.headers == missing.headers
                silent(hidden)


async def test_conditions_on_a_hidden_row_answer_like_on_a_missing_one(app: App, held: Held) -> None:
    ben = Client(app, held.ben)
    for header in ({"if_match": '"1-x"'}, {"if_match": "*"}, {"if_none_match": "*"}, {"idempotency_key": "k"}):
        replies = [
            await ben("PATCH", f"/api/documents/{key}", {"title": "x"}, **header) for key in (held.draft.id, UNKNOWN)
        ]
        assert replies[0].status == replies[1].status == 404
        assert replies[0].body == replies[1].body


async def test_the_same_statements_are_asked_for_hidden_and_missing(
    app: App, held: Held, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    store = app.stores["main"]
    fetch = store.fetch

    async def noted(prepared: Any, params: Any) -> Any:
        asked.append(prepared.text)
        return await fetch(prepared, params)

    monkeypatch.setattr(store, "fetch", noted)
    ben = Client(app, held.ben)
    for tail in ("", "?include=labels,pages", "/labels", "/pages?count=exact"):
        said: list[list[str]] = []
        for key in (held.draft.id, UNKNOWN):
            asked.clear()
            await ben("GET", f"/api/documents/{key}{tail}")
            said.append(list(asked))
        assert said[0] == said[1]


# -------------------------------------------------------------------------------------------------- lists and numbers


async def test_lists_counts_and_totals_hold_what_single_reads_give(app: App, held: Held) -> None:
    everything = [held.public.id, held.draft.id, held.gone.id, held.other.id]
    for actor in (None, held.ann, held.ben, held.cat, held.boss, held.captain, held.shy):
        client = Client(app, actor)
        single = [key for key in everything if (await client("GET", f"/api/documents/{key}")).status == 200]
        listed = (await client("GET", "/api/documents?count=exact")).json
        assert sorted(item["id"] for item in listed["items"]) == sorted(map(str, single))
        assert listed["total"] == len(single)
        counted = (await client("GET", "/api/documents?count=*&sum=number&max=number&min=number")).json["items"][0]
        assert counted["count"] == len(single)
        assert counted["max.number"] == (3 if held.draft.id in single else 5 if held.other.id in single else None)


async def test_nothing_is_aggregated_over_hidden_fields(app: App, held: Held) -> None:
    ben = Client(app, held.ben)
    for query in ("sum=salary", "max=salary", "count=salary", "group=salary&count=*", "max=password", "max=none"):
        reply = silent(await ben("GET", f"/api/members?{query}"))
        assert reply.status == 400
    rows = (await ben("GET", "/api/members?group=email&count=*")).json["items"]
    assert sorted(row["count"] for row in rows) == [1, 4]  # his own, and those he can't tell apart
    assert {row["email"] for row in rows} == {None, "plain-Ben@example.org"}
    assert silent(await Client(app)("GET", "/api/members?max=email&min=email")).json["items"] == [
        {"max.email": None, "min.email": None}
    ]


async def test_nothing_is_aggregated_through_hidden_rows(app: App, held: Held) -> None:
    ben = Client(app, held.ben)
    reply = silent(await ben("GET", "/api/members?group=manager.name&count=*"))
    assert sorted((row["manager.name"] or "", row["count"]) for row in reply.json["items"]) == [("", 4), ("Ann", 1)]
    reply = silent(await ben("GET", "/api/documents?max=labels.name"))
    assert reply.status == 400


# ------------------------------------------------------------------------------------------------------ hidden fields


HIDDEN = [
    "salary=777",
    "salary[gt]=1",
    "salary[none]=true",
    "salary[in]=1,777",
    where("salary > 1"),
    where("salary is None"),
    where("self.salary == 777"),
    where("manager.salary > 1"),
    where("any(d.owner.salary > 1 for d in documents)"),
    where("me.salary > 1"),
    "manager.salary=777",
    "sort=salary",
    "sort=-manager.salary",
    "fields=salary",
    "fields=manager.salary",
]


@pytest.mark.parametrize("query", HIDDEN)
async def test_a_hidden_field_is_unknown_in_the_words_for_a_missing_one(app: App, held: Held, query: str) -> None:
    ben = Client(app, held.ben)
    hidden = silent(await ben("GET", f"/api/members?{query}"))
    missing = silent(await ben("GET", f"/api/members?{query.replace('salary', 'salaxy')}"))
    assert hidden.status == missing.status == 400
    assert hidden.body.replace(b"salary", b"salaxy") == missing.body


@pytest.mark.parametrize(
    "query",
    [
        "email=canary-Ann@example.org",
        "email[startswith]=canary-A",
        "email[contains]=Ann",
        "email[in]=canary-Ann@example.org",
        "email[gt]=a",
        "email[none]=false",
        where("email == 'canary-Ann@example.org'"),
        where("email[0:1] == 'c'"),
        where("len(email) > 3"),
        where("email.lower().startswith('canary-a')"),
        where("bool(email)"),
        where("email in ('canary-Ann@example.org', 'x')"),
        where("home is not None"),
        where("home.city == 'canary-city'"),
        where("initials == 'canary'"),
        where("manager.email.startswith('c')"),
        "home.city=canary-city",
        "home.city[none]=false",
        "manager.email[startswith]=c",
        "initials=canary",
        "mentor.name=canary-shy",
        "manager.mentor.name[startswith]=c",
        "q=Ann@example",
    ],
)
async def test_a_masked_field_finds_nobody_but_oneself(app: App, held: Held, query: str) -> None:
    for actor in (held.boss, None):
        reply = await Client(app, actor)("GET", f"/api/members?{query}")
        found = [item["name"] for item in reply.json.get("items", [])]
        assert set(found) <= ({"Boss"} if actor is held.boss else set()), (query, found)


async def test_a_masked_field_is_none_for_all_alike(app: App, held: Held) -> None:
    """Where None fulfils a condition, it tells the same of every row."""
    everyone = {"Ann", "Ben", "Cat", "Captain"}
    for query in (
        "email[ne]=canary-Ann@example.org",
        "email[ne]=x",
        "email[none]=true",
        where("not (email == 'x')"),
        where("email is None"),
        where("email != 'canary-Cat@example.org'"),
        where("not home"),
        where("email not in ('canary-Ann@example.org', 'x')"),
    ):
        found = set(await names(Client(app, held.boss), f"/api/members?{query}", "name"))
        assert found - {"Boss"} == everyone, query


async def test_relations_with_a_row_rule_are_no_oracle_in_text(app: App, held: Held) -> None:
    ben = Client(app, held.ben)
    for text in (
        "mentor is not None",
        "mentor is None",
        "mentor == me",
        "any(d.owner.mentor is None for d in documents)",
    ):
        assert (await ben("GET", f"/api/members?{where(text)}")).status == 400
    for query in ("mentor[none]=false", "mentor[none]=true", f"mentor={held.shy.id}", f"mentor[ne]={UNKNOWN}"):
        found = await names(ben, f"/api/members?{query}", "name")
        assert set(found) <= {"Ben"}, query


async def test_sorting_by_a_masked_field_tells_nothing(app: App, held: Held) -> None:
    for sort in ("email", "-email", "home.city", "initials", "mentor.name", "manager.email"):
        reply = await Client(app)("GET", f"/api/members?sort={sort},name&fields=name")
        backwards = await Client(app)("GET", f"/api/members?sort={sort},-name&fields=name")
        if reply.status == 400:
            continue
        found = [item["name"] for item in reply.json["items"]]
        assert found == sorted(found), sort
        assert [item["name"] for item in backwards.json["items"]] == sorted(found, reverse=True)


async def test_masked_values_are_not_shown(app: App, held: Held) -> None:
    for query in (
        "",
        "?include=manager,team,mentor,documents",
        "?fields=email,home,mentor,initials,name",
        "?include=manager.manager.mentor",
        "?include=tasks,tasks.members,documents.owner.mentor",
    ):
        silent(await Client(app)("GET", f"/api/members{query}"))
        silent(await Client(app)("GET", f"/api/members/{held.ann.id}{query}"))
    for media in ("text/csv", "application/x-ndjson"):
        silent(await Client(app)("GET", "/api/members?fields=email,home,name,initials", accept=media))
        silent(await Client(app)("GET", "/api/documents?fields=title,note,number", accept=media))
    for path in (
        "documents?include=labels,pages,owner",
        "labels?include=documents.pages",
        "pages?include=document.labels",
    ):
        silent(await Client(app, held.boss)("GET", f"/api/{path}"))


async def test_write_only_fields_are_nowhere(app: App, held: Held) -> None:
    for actor in (held.ann, held.boss):
        client = Client(app, actor)
        for query in (
            "password=canary-word",
            "password[startswith]=c",
            where("password == 'canary-word'"),
            "sort=password",
            "fields=password",
            "group=password",
            "q=canary-word",
        ):
            reply = await client("GET", f"/api/documents?{query}")
            assert reply.status == 400 or reply.json["items"] == []
        reply = await Client(app, held.ann)("PATCH", f"/api/documents/{held.public.id}", {"password": "canary-new"})
        assert reply.status == 200
        assert b"canary-new" not in reply.body


# --------------------------------------------------------------------------------------------------- hidden relations


async def test_filters_do_not_step_on_hidden_rows(app: App, held: Held) -> None:
    ben = Client(app, held.ben)
    for query in (
        "manager.name=canary-shy",
        "manager.name[startswith]=canary",
        "manager.name[ne]=x&manager.shy=true",
        "manager.shy=true",
        "manager.grade=p&name=Ann",
        "manager.team.name=Red&name=Ann",
        "manager.manager.name=canary-shy",
        "documents.title=canary-draft",
        "documents.title=canary-gone",
        "documents.title=canary-other",
        "documents.labels.name=canary-label",
        "documents.pages.text=canary-page",
        "documents.pages.text=canary-dead",
        "documents.draft=true",
        where("manager.name == 'canary-shy'"),
        where("any(d.draft for d in documents)"),
        where("any(p.hidden for p in manager.documents)"),
        where("not all(not d.draft for d in documents)"),
        where("max((d.number for d in documents), default=0) > 0"),
        where("sum(d.number for d in documents) > 0"),
        where("len(documents) > 1"),
        where("any(l.secret for d in documents for l in d.labels)"),
        where("any(len(d.labels) > 1 for d in documents)"),
        where("any(len(d.pages) > 1 for d in documents)"),
    ):
        reply = await ben("GET", f"/api/members?{query}")
        assert reply.status == 400 or reply.json["items"] == [], query


async def test_includes_at_every_depth_apply_the_rules_anew(app: App, held: Held) -> None:
    ben = Client(app, held.ben)
    deep = "include=documents.labels.documents.pages,manager.documents.owner.manager.documents.labels"
    reply = silent(await ben("GET", f"/api/members?{deep}&sort=name"))
    ann = next(item for item in reply.json["items"] if item["name"] == "Ann")
    assert ann["manager"] == {"id": str(held.shy.id)}  # a key that her row holds, and nothing more
    assert [document["title"] for document in ann["documents"]] == ["Public"]
    (label,) = ann["documents"][0]["labels"]
    assert [document["title"] for document in label["documents"]] == ["Public"]
    assert [page["text"] for page in label["documents"][0]["pages"]] == ["first"]


async def test_relations_of_a_row_are_filtered(app: App, held: Held) -> None:
    ben = Client(app, held.ben)
    at = f"/api/documents/{held.public.id}"
    assert await names(ben, f"{at}/labels", "name") == ["open"]
    assert (await ben("GET", f"{at}/labels?count=exact")).json["total"] == 1
    assert (await ben("GET", f"{at}/labels?count=*")).json["items"] == [{"count": 1}]
    assert await names(ben, f"{at}/pages", "text") == ["first"]
    assert (await ben("GET", f"/api/members/{held.ann.id}/manager")).status == 404
    assert (await ben("GET", f"/api/members/{held.ann.id}/mentor")).status == 404
    assert await names(ben, f"/api/members/{held.ann.id}/documents") == ["Public"]
    assert await names(ben, f"/api/labels/{held.open.id}/documents") == ["Public"]
    assert (await ben("GET", f"/api/labels/{held.closed.id}/documents")).status == 404


async def test_links_with_rules_of_their_own_hide_what_they_lead_to(app: App, held: Held) -> None:
    """Ben is seen to do nothing but by himself, and what Ann has ended she does no more."""
    for actor, known in ((held.ben, ["Spy"]), (held.ann, []), (None, [])):
        client = Client(app, actor)
        at = f"/api/members/{held.ben.id}"
        assert [t["name"] for t in (await client("GET", f"{at}?include=tasks")).json["tasks"]] == known
        assert await names(client, f"{at}/tasks", "name") == known
        assert (await client("GET", f"{at}/tasks?count=*")).json["items"] == [{"count": len(known)}]
        found = await names(client, "/api/members?tasks.name=Spy", "name")
        assert found == (["Ben"] if known else []), actor
        found = await names(client, "/api/members?" + where("any(t.name == 'Spy' for t in tasks)"), "name")
        assert found == (["Ben"] if known else [])
        found = await names(client, f"/api/members?{where('len(tasks) > 0')}&sort=name", "name")
        assert found == ([actor.name] if actor else [])
        found = await names(client, "/api/tasks?members.name=Ben", "name")
        assert found == known
    (ann,) = await Member.where(name="Ann").include("tasks")
    assert ann.tasks == []
    with as_system("test"):
        (ann,) = await Member.where(name="Ann").include("tasks")
        assert [t.name for t in ann.tasks] == ["Sweep"]
        assert [m.name for m in await Member.where(lambda m: len(m.tasks) == 1).sort("name")] == ["Ann", "Ben"]


# ------------------------------------------------------------------------------------------------------------- search


async def test_search_finds_no_hidden_row_or_field(app: App, held: Held) -> None:
    for actor in (held.ben, held.boss, None, held.cat):
        client = Client(app, actor)
        for path in ("members", "labels", "documents", "pages"):
            reply = await client("GET", f"/api/{path}?q=canary&count=exact")
            own = []
            if actor is held.cat:  # by her own address, and her own document
                own = {"documents": ["canary-other"], "members": ["Cat"]}.get(path, [])
            found = [item.get("title") or item.get("name") or item.get("text") for item in reply.json["items"]]
            assert (found, reply.json["total"]) == (own, len(own))


# ------------------------------------------------------------------------------------------------------------- paging


async def test_pages_have_no_gaps_that_show_hidden_rows(app: App, held: Held) -> None:
    with as_system("more"):
        for number in range(12):
            owner = held.ann if number % 3 else held.ben
            await Document(title=f"d{number:02}", owner=owner, team=held.red, draft=number % 2 == 0).save()
    for actor in (held.ann, held.ben, held.boss):
        client = Client(app, actor)
        whole = await names(client, "/api/documents?sort=title&limit=100")
        for limit in (1, 2, 5, len(whole)):
            found: list[str] = []
            path = f"/api/documents?sort=title&limit={limit}"
            while path:
                page = (await client("GET", path)).json
                assert page["items"]
                assert (len(page["items"]) == limit) or page["next"] is None
                found += [item["title"] for item in page["items"]]
                path = page["next"] and f"/api/documents?sort=title&limit={limit}&after={page['next']}"
            assert found == whole


async def test_a_cursor_serves_its_actor_and_its_question_alone(app: App, held: Held) -> None:
    base = "/api/members?sort=name&limit=2"
    ben = Client(app, held.ben)
    cursor = (await ben("GET", base)).json["next"]
    assert (await ben("GET", f"{base}&after={cursor}")).status == 200
    for actor in (held.ann, held.cat, None):
        assert (await Client(app, actor)("GET", f"{base}&after={cursor}")).status == 400
    for other in (
        "/api/members?sort=-name&limit=2",
        "/api/members?limit=2",
        "/api/teams?sort=name&limit=2",
        f"{base}&name=Ann",
        f"{base}&" + where("name > 'A'"),
        f"{base}&q=a",
        f"/api/documents/{held.public.id}/labels?sort=name&limit=2",
    ):
        assert (await ben("GET", f"{other}&after={cursor}")).status == 400, other
    for edited in (cursor[:-1], cursor + "A", "A" + cursor[1:], cursor[:20] + "A" + cursor[21:], "", "é", "a" * 5000):
        assert (await ben("GET", f"{base}&after={quote(edited)}")).status == 400 or edited == cursor


async def test_an_anonymous_cursor_is_not_a_systems(app: App, held: Held) -> None:
    read = Read("Member", sort=(SortKey(("name",)),), limit=1)
    page = await app.engine.page(read, Context(None, AT, "test"))
    assert page.next is not None
    follow = Read("Member", sort=(SortKey(("name",)),), limit=1, after=page.next)
    with pytest.raises(KingpostError):
        await app.engine.page(follow, Context(None, AT))


async def test_a_cursor_does_not_keep_rights_alive(app: App, held: Held) -> None:
    """The instant of filters is frozen in a cursor; what the rules say of time is asked anew."""
    with as_system("more"):
        for number in range(4):
            await Document(title=f"t{number}", owner=held.ben, team=held.red, until=LATER).save()
    ben = Client(app, held.ben)
    base = "/api/documents?title[startswith]=t&sort=title&limit=2"
    cursor = (await ben("GET", base)).json["next"]
    assert await names(ben, f"{base}&after={cursor}") == ["t2", "t3"]
    app.engine.clock.advance(timedelta(days=30))  # type: ignore[attr-defined]
    assert (await ben("GET", base)).json["items"] == []
    reply = await ben("GET", f"{base}&after={cursor}")
    assert reply.status == 400 or reply.json["items"] == []


async def test_a_cursor_holds_no_hidden_value(app: App, held: Held) -> None:
    from base64 import urlsafe_b64decode

    for sort in ("email", "-email", "initials", "home.city", "manager.name", "-manager.email"):
        reply = await Client(app)("GET", f"/api/members?sort={sort}&limit=2")
        if reply.status == 200 and reply.json["next"]:
            text = reply.json["next"]
            assert b"canary" not in urlsafe_b64decode(text + "=" * (-len(text) % 4))


# ------------------------------------------------------------------------------------------------------------- writes


async def test_references_to_hidden_rows_are_refused_like_missing_ones(app: App, held: Held) -> None:
    ben = Client(app, held.ben)
    made = {"title": "x", "team": str(held.red.id)}
    for name, hidden in (("labels", held.closed.id), ("owner", held.shy.id)):
        replies: list[Reply] = []
        for key in (hidden, UNKNOWN):
            value: Any = [str(key)] if name == "labels" else str(key)
            for method, path in (("POST", "/api/documents"), ("PATCH", f"/api/documents/{held.public.id}")):
                replies.append(await ben(method, path, {**(made if method == "POST" else {}), name: value}))
        assert [r.status for r in replies[:2]] == [r.status for r in replies[2:]]
        assert [r.body for r in replies[:2]] == [r.body for r in replies[2:]]
        assert all(r.status in (403, 422) for r in replies)
    for key in (held.draft.id, held.gone.id, held.other.id, UNKNOWN):
        reply = await ben("POST", "/api/pages", {"document": str(key), "text": "x"})
        assert reply.status == 422
        assert reply.json["errors"][0]["pointer"] == "/document"


async def test_nested_rows_need_a_parent_that_may_be_read(app: App, held: Held) -> None:
    ben = Client(app, held.ben)
    made = {"title": "x", "team": str(held.red.id), "pages": [{"text": "one"}]}
    assert (await ben("POST", "/api/documents", made)).status == 201
    given = {**made, "pages": [{"text": "one", "document": str(held.draft.id)}]}
    assert (await ben("POST", "/api/documents", given)).status == 422  # the parent is not for the client to say
    drafted = await ben("POST", "/api/documents", {**made, "owner": str(held.ann.id), "draft": True})
    assert drafted.status == 403
    with as_system("count"):
        assert await Page.where(text="one").count() == 1


async def test_rows_are_not_made_or_moved_into_another_tenant(app: App, held: Held) -> None:
    ben = Client(app, held.ben)
    before = await _everything(app)
    for method, path, data in (
        ("POST", "/api/documents", {"title": "x", "team": str(held.blue.id)}),
        ("PATCH", f"/api/documents/{held.public.id}", {"team": str(held.blue.id)}),
        ("PUT", f"/api/documents/{held.public.id}", {"title": "x", "team": str(held.blue.id)}),
        ("POST", f"/api/documents/{held.public.id}/give", {"team": str(held.blue.id)}),
    ):
        assert (await ben(method, path, data)).status == 403, method
    assert await _everything(app) == before
    with app.acting(held.ben), pytest.raises(Forbidden):
        document = await Document.get(held.public.id)
        document.team = held.blue
        await document.save()


async def _everything(app: App) -> list[Any]:
    with as_system("look"):
        rows = await Document.all().sort("title").include("labels")
        return [(d.title, d.team.id, d.owner.id, d.price, d.note, d.number, [x.name for x in d.labels]) for d in rows]


async def test_one_may_not_write_oneself_into_a_rule(app: App, held: Held) -> None:
    """The write rule of a field holds of the row before and of the row after."""
    ben = Client(app, held.ben)
    before = await _everything(app)
    for data in ({"owner": str(held.ben.id)}, {"owner": {"id": str(held.ben.id)}, "note": "mine"}, {"price": 5}):
        assert (await ben("PATCH", f"/api/documents/{held.public.id}", data)).status == 403, data
    assert await _everything(app) == before
    assert (await ben("PATCH", f"/api/documents/{held.public.id}", {"title": "fine"})).status == 200
    ann = Client(app, held.ann)
    assert (await ann("PATCH", f"/api/documents/{held.public.id}", {"owner": str(held.ben.id)})).status == 403


async def test_a_replaced_create_leaves_the_write_rules_of_fields(app: App, held: Held) -> None:
    ben, boss = Client(app, held.ben), Client(app, held.boss)
    assert (await ben("POST", "/api/forms", {"text": "x", "approved": True})).status == 403
    assert (await ben("POST", "/api/forms", {"text": "x"})).status == 201
    assert (await boss("POST", "/api/forms", {"text": "y", "approved": True})).status == 201
    with as_system("count"):
        assert await Form.where(approved=True).count() == 1


async def test_enums_in_rules_are_what_they_are_in_stores(app: App, held: Held) -> None:
    """A member of an Enum held by the actor, or by a row that is not stored yet, counts as in Python."""
    ben, captain = Client(app, held.ben), Client(app, held.captain)
    document = {"title": "x", "team": str(held.red.id)}
    assert (await captain("POST", "/api/documents", document)).status == 403
    assert (await captain("PATCH", f"/api/documents/{held.public.id}", {"title": "x"})).status == 403
    assert (await captain("POST", f"/api/documents/{held.public.id}/sign", {})).status == 403
    assert (await ben("POST", "/api/documents", document)).status == 201
    assert (await ben("POST", "/api/medals", {"grade": "c"})).status == 403
    made = await ben("POST", "/api/medals", {"grade": "p"})
    assert made.status == 201
    assert (await ben("PATCH", f"/api/medals/{made.json['id']}", {"grade": "c"})).status == 403
    with app.acting(held.ben), pytest.raises(Forbidden):
        await Medal(grade=Grade.captain).save()


async def test_who_sees_not_all_links_drops_none_of_the_others(app: App, held: Held) -> None:
    ben = Client(app, held.ben)
    at = f"/api/documents/{held.public.id}"
    with as_system("prepare"):
        fresh = Label(name="fresh")
        await fresh.save()

    async def labels() -> list[str]:
        with as_system("look"):
            (document,) = await Document.where(title="Public").include("labels")
            return [label.name for label in document.labels]

    assert await labels() == ["open", "canary-label"]
    reply = silent(await ben("PATCH", at, {"labels": [str(fresh.id)]}))
    assert reply.status == 200
    assert await names(ben, f"{at}/labels", "name") == ["fresh"]
    assert sorted(await labels()) == ["canary-label", "fresh"]
    silent(await ben("PATCH", at, {"labels": []}))
    assert await labels() == ["canary-label"]
    silent(await ben("PATCH", at, {"labels": [str(held.open.id), str(fresh.id)]}))
    assert await names(ben, f"{at}/labels", "name") == ["open", "fresh"]
    assert sorted(await labels()) == ["canary-label", "fresh", "open"]
    assert (await ben("PATCH", at, {"labels": [str(held.closed.id)]})).status == 422
    with app.acting(held.ben):
        (document,) = await Document.where(title="Public").include("labels")
        document.labels = [fresh]
        await document.save()
    assert sorted(await labels()) == ["canary-label", "fresh"]
    with as_system("all of them may go"):
        (document,) = await Document.where(title="Public").include("labels")
        document.labels = []
        await document.save()
    assert await labels() == []


async def test_a_batch_with_one_forbidden_item_does_nothing(app: App, held: Held) -> None:
    ben = Client(app, held.ben)
    before = await _everything(app)
    good = {"title": "x", "team": str(held.red.id)}
    for bad in (
        {"title": "y", "team": str(held.blue.id)},
        {**good, "price": 1},
        {**good, "owner": str(held.shy.id)},
        {**good, "labels": [str(held.closed.id)]},
    ):
        reply = silent(await ben("POST", "/api/documents", [good, bad, good]))
        assert reply.status in (403, 422)
    assert await _everything(app) == before


async def test_answers_to_writes_hold_what_may_be_read(app: App, held: Held) -> None:
    ben = Client(app, held.ben)
    reply = silent(
        await ben("PATCH", f"/api/documents/{held.public.id}?include=labels,pages,owner.mentor", {"number": 1})
    )
    assert reply.json["note"] is None
    assert "password" not in reply.json
    reply = silent(await ben("POST", f"/api/documents/{held.public.id}/leak", {}))
    assert reply.json["number"] == 7
    assert (await ben("PATCH", f"/api/documents/{held.public.id}", {"note": "x", "nothing": 1})).status == 422
    reply = await ben("PATCH", f"/api/members/{held.ben.id}", {"email": "canary-Ann@example.org"})
    assert reply.status == 409
    silent(reply)


async def test_a_forbidden_create_tells_nothing_of_unique_values(app: App, held: Held) -> None:
    with as_system("prepare"):
        await Ticket(code="taken", document=held.public).save()
    ben = Client(app, held.ben)
    replies = [
        await ben("POST", "/api/tickets", {"code": code, "document": str(held.public.id)}) for code in ("taken", "free")
    ]
    assert [reply.status for reply in replies] == [403, 403]
    assert replies[0].body == replies[1].body


async def test_what_the_store_decides_is_decided_for_the_row_after(app: App, held: Held) -> None:
    ann, ben = Client(app, held.ann), Client(app, held.ben)
    made = await ann("POST", "/api/tickets", {"code": "a", "document": str(held.public.id)})
    assert made.status == 201
    at = f"/api/tickets/{made.json['id']}"
    assert (
        await ann("POST", "/api/tickets", {"code": "b", "document": str(held.public.id), "grade": "c"})
    ).status == 403
    assert (await ann("PATCH", at, {"grade": "c"})).status == 403
    assert (await ann("PATCH", at, {"document": None})).status == 403
    assert (await ben("PATCH", at, {"code": "b"})).status == 403
    assert (await Client(app)("PATCH", at, {"code": "b"})).status == 401


async def test_unknown_denies_and_never_allows(app: App, held: Held) -> None:
    """A row that a `@deny` can't decide is not spared."""
    ann = Client(app, held.ann)
    with as_system("prepare"):
        for number in (None, 5, 50):
            await Document(title=f"n{number}", owner=held.ann, team=held.red, number=number).save()
    found = {
        title: (await ann("DELETE", f"/api/documents/{key}")).status
        for title, key in [(d.title, d.id) for d in await _as(app, held.ann, "n")]
    }
    assert found == {"nNone": 204, "n5": 204, "n50": 403}


async def _as(app: App, actor: Member | None, start: str) -> list[Document]:
    with app.acting(actor):
        return list(await Document.where(lambda d: d.title.startswith(start)))


# ---------------------------------------------------------------------------------------------------- what is deleted


async def test_deleted_rows_are_gone_whichever_way_one_comes(app: App, held: Held) -> None:
    for actor in (held.ann, held.boss):
        client = Client(app, actor)
        for path in (
            "documents?title=canary-gone",
            f"labels/{held.open.id}/documents?title=canary-gone",
            f"members/{held.ann.id}/documents?title=canary-gone",
            "members?documents.title=canary-gone",
            "labels?documents.title=canary-gone",
            "pages?text=canary-dead",
            f"documents/{held.public.id}/pages?text=canary-dead",
            "documents?pages.text=canary-dead",
            "documents?" + where("any(p.text == 'canary-dead' for p in pages)"),
        ):
            reply = await client("GET", f"/api/{path}")
            assert reply.json["items"] == [], path
        assert (await client("PATCH", f"/api/documents/{held.gone.id}", {"title": "x"})).status == 404
        assert (await client("DELETE", f"/api/documents/{held.gone.id}")).status == 404
        assert (await client("POST", f"/api/documents/{held.gone.id}/sign", {})).status == 404
        reply = await client("GET", f"/api/documents/{held.public.id}?fields=length")
        assert reply.json["length"] == 2  # by the declaration's rights: a hidden page counts, a deleted one does not
    for name in ("_deleted", "deleted_at", "deleted"):
        reply = await Client(app, held.ann)("PATCH", f"/api/documents/{held.public.id}", {name: None})
        assert reply.status == 422
        assert (await Client(app, held.ann)("GET", f"/api/documents?{name}[none]=false")).status == 400
    with as_system("test"), pytest.raises(NotFound):
        await Document.get(held.gone.id)


# ------------------------------------------------------------------------------------------------------ who is asking


async def test_system_rights_end_with_their_block(app: App, held: Held) -> None:
    ended = asyncio.Event()

    async def look() -> int:
        await ended.wait()
        return await Member.where(name="canary-shy").count()

    with app.acting(None):
        with as_system("a short look"):
            task = asyncio.ensure_future(look())
            assert await Member.where(name="canary-shy").count() == 1
        ended.set()
        assert await Member.where(name="canary-shy").count() == 0
        ended.set()
        assert await task == 0


async def test_tasks_side_by_side_act_each_for_himself(app: App, held: Held) -> None:
    async def seen(actor: Member | None, system: bool = False) -> list[str]:
        with app.acting(actor):
            found: list[str] = []
            for _ in range(5):
                await asyncio.sleep(0)
                if system:
                    with as_system("test"):
                        found = [d.title for d in await Document.all().sort("title")]
                else:
                    found = [d.title for d in await Document.all().sort("title")]
            return found

    answers = await asyncio.gather(
        *(seen(actor) for actor in (held.ann, held.ben, held.cat, None)), seen(None, system=True)
    )
    assert answers == [
        ["Public", "canary-draft"],
        ["Public"],
        ["canary-other"],
        [],
        ["Public", "canary-draft", "canary-other"],
    ]


async def test_a_task_does_not_outlive_the_transaction_it_began_in(app: App, held: Held) -> None:
    late = asyncio.Event()

    async def write() -> None:
        await late.wait()
        await Label(name="late").save()

    with as_system("test"):
        async with app.transaction():
            await Label(name="inside").save()
            task = asyncio.ensure_future(write())

        async def undone() -> None:
            async with app.transaction():
                late.set()
                await asyncio.wait({task}, timeout=0.2)
                raise RuntimeError("undo")

        with pytest.raises(RuntimeError, match="undo"):
            await undone()
        outcome = (await asyncio.gather(task, return_exceptions=True))[0]
        written = await Label.where(name="late").count()
        assert written == (0 if isinstance(outcome, Exception) else 1)


async def test_statements_side_by_side_share_a_transaction(app: App, held: Held) -> None:
    with as_system("test"):
        async with app.transaction():
            (document,) = await Document.where(title="Public").include("labels", "pages")
            assert (len(document.labels), len(document.pages)) == (2, 2)
            assert await asyncio.gather(*(Member.all().count() for _ in range(5))) == [6] * 5
            await asyncio.gather(*(Label(name=f"n{number}").save() for number in range(3)))
        assert await Label.where(lambda x: x.name.startswith("n")).count() == 3


async def test_a_plan_serves_only_those_of_equal_rights(app: App, held: Held) -> None:
    """One shape asked by all in turn, twice and in another order: each gets his own."""
    read = Read("Document", sort=(SortKey(("title",)),))
    actors = [None, held.ann, held.ben, held.cat, held.boss, held.captain, held.shy]

    async def seen(actor: Any, system: str | None = None) -> str:
        page = await app.engine.page(read, Context(actor, AT, system))
        return repr(page.items)

    first = [await seen(actor) for actor in actors] + [await seen(None, "test"), await seen(held.ben, "test")]
    app.engine.plans.forget()
    last = [await seen(held.ben, "test"), await seen(None, "test")] + [await seen(actor) for actor in reversed(actors)]
    assert first == last[::-1]
    for _ in range(2):
        assert [await seen(actor) for actor in actors] == first[: len(actors)]
    assert "canary" not in first[0] + first[2] + first[4]


async def test_settings_in_rules_and_fields_are_read_at_each_request(
    app: App, held: Held, monkeypatch: pytest.MonkeyPatch
) -> None:
    ann, boss = Client(app, held.ann), Client(app, held.boss)
    with as_system("prepare"):
        document = Document(title="n20", owner=held.ann, team=held.red, number=20)
        await document.save()
    at = f"/api/documents/{document.id}"
    assert (await ann("DELETE", at)).status == 403
    assert await names(boss, "/api/members?above=true&sort=name", "name") == ["Ben", "Boss", "Cat"]
    shown = (await boss("GET", "/api/members?fields=name,above&sort=name")).json["items"]
    assert [item["above"] for item in shown] == [False, True, True, False, True]
    monkeypatch.setattr(module, "LIMIT", 55)
    assert await names(boss, "/api/members?above=true&sort=name", "name") == ["Boss", "Cat"]
    shown = (await boss("GET", "/api/members?fields=name,above&sort=name")).json["items"]
    assert [item["above"] for item in shown] == [False, False, True, False, True]
    assert await names(boss, "/api/members?sort=-above,name&limit=2", "name") == ["Boss", "Cat"]
    assert (await boss("GET", "/api/members?group=above&count=*")).json["items"][0]["count"] == 3
    assert (await ann("DELETE", at)).status == 204


# ------------------------------------------------------------------------------------------------------------ repeats


async def test_a_request_is_not_replayed_for_another(app: App, held: Held) -> None:
    body = {"title": "mine", "team": str(held.red.id), "draft": True}
    made = await Client(app, held.ann)("POST", "/api/documents", body, idempotency_key="k")
    assert made.status == 201
    other = await Client(app, held.boss)("POST", "/api/documents", {**body, "draft": False}, idempotency_key="k")
    assert other.status == 201
    assert other.json["id"] != made.json["id"]
    assert "idempotency-replayed" not in other.headers
    again = await Client(app, held.ann)("POST", "/api/documents", body, idempotency_key="k")
    assert again.headers["idempotency-replayed"] == "true"
    assert (await Client(app)("POST", "/api/documents", body, idempotency_key="k")).status == 401
    with as_system("count"):
        assert await Document.where(title="mine").count() == 2


async def test_a_replay_shows_what_may_be_read_now(app: App, held: Held) -> None:
    body = {"title": "mine", "team": str(held.red.id), "note": "canary-mine"}
    ann = Client(app, held.ann)
    made = await ann("POST", "/api/documents", body, idempotency_key="k")
    with as_system("given away"):
        document = await Document.get(made.json["id"])
        document.owner, document.draft = held.ben, True
        await document.save()
    again = silent(await ann("POST", "/api/documents", body, idempotency_key="k"))
    assert again.json == {"id": made.json["id"]}  # which he was told before, and its address says


async def test_an_action_is_done_once_under_one_key(app: App, held: Held) -> None:
    ann = Client(app, held.ann)
    at = f"/api/documents/{held.public.id}/sign"
    first = await ann("POST", at, {}, idempotency_key="k")
    again = await ann("POST", at, {}, idempotency_key="k")
    assert (first.status, again.status) == (200, 204)  # what its body returned is not kept
    assert again.headers["idempotency-replayed"] == "true"
    with as_system("look"):
        assert (await Document.get(held.public.id)).title == "Public signed"


# ------------------------------------------------------------------------------------------------------------- caches


async def test_only_what_is_the_same_for_everyone_may_be_shared(app: App, held: Held) -> None:
    for path, shared in (
        ("/api/teams", True),
        ("/api/labels", True),
        ("/api/members", False),
        ("/api/documents", False),
        (f"/api/teams?{where('me is None')}", False),
        (f"/api/teams?{where('name == me.name or me is None')}", False),
        (f"/api/documents/{held.public.id}/labels", False),
        (f"/api/documents/{held.public.id}/pages", False),
        ("/api/tasks?members.name=Ben", False),
        ("/api/teams?count=*", False),
    ):
        reply = await Client(app, held.ann)("GET", path)
        private = "private" in reply.headers.get("cache-control", "private")
        assert private is not shared, path


# ---------------------------------------------------------------------------------------------------------- addresses


async def test_every_way_to_write_an_address_meets_the_same_rules(app: App, held: Held) -> None:
    ben = Client(app, held.ben)
    at = f"/api/documents/{held.draft.id}"
    for path in (
        at + "/",
        at + ".json",
        at.replace("documents", "Documents"),
        at.replace("/api/", "/api//"),
        at.replace("/api", "//api"),
        at.replace("d", "%64", 1),
        at + "/.",
        at + "/../" + str(held.draft.id),
        f"/api/teams/../documents/{held.draft.id}",
        at + "%2e",
        at + ";x",
        at.upper(),
        at + "?x=1",
    ):
        reply = silent(await ben("GET", path))
        assert reply.status in (400, 404, 405), path
    for method in ("HEAD", "OPTIONS", "TRACE", "PROPFIND", "get"):
        reply = silent(await ben(method, at))
        assert reply.status in (204, 404, 405)
    reply = await ben("HEAD", at)
    assert (reply.status, reply.body) == (404, b"")
    reply = await ben("POST", at, {}, x_http_method_override="GET")
    assert reply.status == 405
    for inner in (
        "/api/_repeats.main",
        "/api/Document.labels",
        "/api/kingpost_repeats",
        "/api/-",
        "/api/assignments/-",
    ):
        assert (await ben("GET", inner)).status == 404


async def test_errors_name_no_value(app: App, held: Held) -> None:
    ben = Client(app, held.ben)
    for method, path, data in (
        ("POST", "/api/labels", {"name": "canary-label"[:6] + "-label"}),
        ("DELETE", f"/api/members/{held.ben.id}", None),
        ("GET", f"/api/members?{where('email + 1')}", None),
        ("PATCH", f"/api/documents/{held.public.id}", {"labels": [str(held.closed.id)]}),
    ):
        reply = await ben(method, path, data)
        assert reply.status in (400, 409, 422), path
        silent(reply)
        assert json.loads(reply.body)["type"].startswith("/problems/")


# ---------------------------------------------------------------------------------------------- engine without a door


async def test_intents_made_by_hand_meet_the_same_rules(app: App, held: Held) -> None:
    context = Context(held.ben, AT)
    for read in (
        Read("Member", conditions=(Condition(("salary",), "gt", 1, raw=False),)),
        Read("Member", sort=(SortKey(("salary",)),)),
        Read("Member", summaries=(SummaryOf("max", ("salary",), "x"),)),
        Read("Member", fields=(("salary",),)),
        Read("Member", include=(("salary",),)),
        Read("Member", group=(("salary",),)),
        Read("Document", include=(("owner", "salary"),)),
        Read("Member", fields=(("_version",),)),
        Read("Document", conditions=(Condition(("password",), "eq", "x", raw=False),)),
    ):
        with pytest.raises(KingpostError):
            await app.engine.page(read, context)


async def test_allows_says_what_would_happen(app: App, held: Held) -> None:
    for actor in (None, held.ann, held.ben, held.cat, held.captain):
        with app.acting(actor):
            for key in (held.public.id, held.draft.id, held.gone.id, held.other.id):
                context = app.engine.context()
                allowed = await app.engine.allows("Document", (key,), "update", context)
                reply = await Client(app, actor)("PATCH", f"/api/documents/{key}", {})
                assert allowed is (reply.status == 200)


async def test_two_attempts_under_one_key_by_two_are_two(app: App, held: Held) -> None:
    data = {"name": "one"}
    made = [
        await app.engine.create("Label", {**data, "name": str(n)}, Context(a, AT), idempotency=Idempotency("k", b"1"))
        for n, a in enumerate((held.ann, held.ben))
    ]
    assert made[0] != made[1]


async def test_a_row_that_the_actor_may_not_see_is_not_saved_over(app: App, held: Held) -> None:
    with app.acting(held.ann):
        mine = await Document.get(held.draft.id)
    mine.title = "taken over"
    with app.acting(held.ben), pytest.raises(NotFound):
        await mine.save()
    with app.acting(held.ben), pytest.raises(NotFound):
        await mine.delete()
    with app.acting(held.ben), pytest.raises((Rejected, Forbidden)):
        await Page(document=held.draft, text="x").save()
    with app.acting(held.ben):
        assert not await mine.allows("update")


async def test_assignments_are_private(app: App, held: Held) -> None:
    assert [a.task.id for a in await _assignments(app, held.ann)] == [held.task.id]
    assert [a.task.id for a in await _assignments(app, held.ben)] == [held.secret_task.id]
    assert await _assignments(app, None) == []
    assert await Task.all().count() == 2


async def _assignments(app: App, actor: Member | None) -> list[Assignment]:
    with app.acting(actor):
        return list(await Assignment.all())
