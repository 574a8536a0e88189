"""Writes: what is read-only, what is taken, what is held on to; conditions, repeats, arrays. Nothing half-written."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from kingpost.engine.bulk import Bulk
from kingpost.engine.context import Context
from kingpost.testing import seed_ids
from tests.engine.vault import AT
from tests.hostile.conftest import Siege

pytestmark = pytest.mark.asyncio(loop_scope="module")

NOBODY = str(UUID(int=99))


@pytest.mark.parametrize(
    ("member", "words"),
    [
        ("id", "is read-only"),
        ("fixed", "is read-only"),
        ("heavy", "is read-only"),
        ("pieces", "is read-only"),
        ("once", "is written when the row is created, and not changed"),
        ("_version", "there is no such member"),
        ("nothing", "there is no such member"),
    ],
)
async def test_what_can_not_be_written(siege: Siege, member: str, words: str) -> None:
    before = await siege.everything()
    key = str(siege.treasure.relic.id)
    given: list[tuple[str, str, Any, str]] = [
        ("PATCH", f"/api/relics/{key}", {member: "x"}, f"/{member}"),
        ("PUT", f"/api/relics/{key}", {"name": "x", member: "x"}, f"/{member}"),
    ]
    if member != "once":
        given.append(("POST", "/api/relics", {"name": "x", member: "x"}, f"/{member}"))
        given.append(("POST", "/api/relics", [{"name": "x"}, {"name": "x", member: "x"}], f"/1/{member}"))
    if member != "id":
        given.append(("PATCH", "/api/relics", [{"id": key, member: "x"}], f"/0/{member}"))
        given.append(("PUT", "/api/relics", [{"id": key, "name": "x", member: "x"}], f"/0/{member}"))
    for method, path, data, pointer in given:
        reply = await siege.ben(method, path, data, status=422)
        (fault,) = reply.json["errors"]
        assert fault["pointer"] == pointer
        assert fault["code"] == ("unknown" if "no such" in words else "readonly")
        assert fault["message"].startswith(words), fault
    assert await siege.everything() == before


async def test_what_may_be_neither_read_nor_written_is_unknown(siege: Siege) -> None:
    """In the words for what is not there, and not among the names that there are."""
    boss = siege.as_(siege.treasure.held.boss)
    for name in ("canary_pace", "canary_to"):
        reply = await boss("POST", "/api/oaths", {"word": "x", name: "no number"}, status=422)
        assert reply.json["errors"][0]["code"] in ("readonly", "type")
    told = await siege.ben("POST", "/api/oaths", {"word": "x", "canary_pace": 1}, status=422)
    other = await siege.ben("POST", "/api/oaths", {"word": "x", "nothing": 1}, status=422)
    assert told.body.replace(b"canary_pace", b"nothing") == other.body
    assert b"there are: steps, word" in other.body


async def test_what_is_taken_and_what_follows_name_nothing_hidden(siege: Siege) -> None:
    await siege.ben("POST", "/api/oaths", {"word": "once"}, status=201)
    before = await siege.everything()
    reply = await siege.ben("POST", "/api/oaths", {"word": "once"}, status=409)
    assert reply.pointers == ["/word"]
    reply = await siege.ben("POST", "/api/oaths", [{"word": "twice"}, {"word": "once"}], status=409)
    assert reply.pointers == ["/1/word"]
    reply = await siege.ben("POST", "/api/oaths", [{"word": "once"}], status=409)
    assert reply.pointers == ["/0/word"]
    await siege.ben("POST", "/api/oaths", {"word": "none", "steps": 0}, status=422)
    assert await siege.everything() == before


async def test_a_row_in_use_does_not_tell_by_whom(siege: Siege) -> None:
    """Only rows that he sees are named, and counted."""
    before = await siege.everything()
    treasure = siege.treasure
    unseen = "rows that you do not see still refer to this one; somebody who does has to delete or change them first"
    for path, holders in (
        (f"relics/{treasure.haunted.id}", ""),
        (f"members/{treasure.held.ben.id}", "Assignment.member (1 row), Relic.holder (1 row), Sitting.member (3 rows)"),
        (f"relics/{treasure.part.relic.id}", "Part.relic (5 rows)"),
    ):
        seen = f"other rows still refer to this one: {holders}; delete these first, or have them refer to another row"
        reply = await siege.ben("DELETE", f"/api/{path}", status=409)
        assert reply.json["detail"] == (seen if holders else unseen)
        if path.startswith("relics"):
            key = path.rpartition("/")[2]
            reply = await siege.ben("DELETE", "/api/relics", [str(treasure.kin.id), key], status=409)
            assert reply.pointers == ["/1"]
    assert await siege.everything() == before


async def test_who_may_not_write_a_row_learns_of_no_value_that_is_taken(siege: Siege) -> None:
    """Rules over the lists of the new row itself: the store can't be asked about a row that it does not take."""
    mine = await siege.ben("GET", "/api/relics?name=Shield&fields=id", status=200)
    ours, theirs = mine.json["items"][0]["id"], str(siege.treasure.relic.id)
    before = await siege.everything()
    for taken in ({"name": "taken"}, {"motto": "taken"}, {"rank": 1}, {"name": "taken", "motto": "taken", "rank": 1}):
        for more in (
            {"relics": []},
            {"relics": [theirs]},
            {"relics": [ours], "posts": [{"rank": 5}, {"rank": 50}]},
            {"relics": [theirs], "posts": [{"rank": 5}]},
        ):
            free = {"name": "free", "rank": 7, **more}
            told = await siege.ben("POST", "/api/guilds", {**free, **taken}, status=403)
            assert told.body == (await siege.ben("POST", "/api/guilds", free, status=403)).body
            told = await siege.ben("POST", "/api/guilds", [{**free, **taken}], status=403)
            assert told.pointers == ["/0"]
        reply = await siege.ben(
            "POST", "/api/guilds", {"name": "free", "rank": 7, "relics": [ours], **taken}, status=409
        )
        assert reply.pointers[0].strip("/") in taken
    await siege.nobody("POST", "/api/guilds", {"name": "taken", "relics": [ours]}, status=401)
    assert await siege.everything() == before


async def test_nor_by_changing_one(siege: Siege) -> None:
    mine = (await siege.ben("GET", "/api/relics?name=Shield&fields=id", status=200)).json["items"][0]["id"]
    await siege.ben("POST", "/api/guilds", {"name": "ours", "rank": 2, "relics": [mine]}, status=201)
    before = await siege.everything()
    for taken in ({"rank": 1}, {"motto": "taken"}, {"rank": 1, "motto": "taken"}):
        bad = {**taken, "relics": []}
        told = await siege.ben("PATCH", "/api/guilds/ours", bad, status=403)
        free = {name: 9 if name == "rank" else "x" if name == "motto" else value for name, value in bad.items()}
        assert told.body == (await siege.ben("PATCH", "/api/guilds/ours", free, status=403)).body
        await siege.ben("PATCH", "/api/guilds", [{"name": "ours", **bad}], status=403)
        await siege.ben("PATCH", "/api/guilds/ours", taken, status=409)
    await siege.ben("PATCH", "/api/guilds/ours", {"rank": 1, "motto": "evil"}, status=403)
    assert await siege.everything() == before
    await siege.ben("PATCH", "/api/guilds/ours", {"rank": 3}, status=200)


async def test_nor_by_loading_many(siege: Siege) -> None:
    """Rows that come together are written together, and told of one by one."""
    bulk = Bulk(siege.app.engine, "Guild")
    context = Context(siege.treasure.held.ben, AT, None)
    before = await siege.everything()
    given: list[dict[str, Any]] = [{"rank": 1}, {"rank": 7, "motto": "taken"}, {"rank": 8}, {"nothing": 9}]
    rows = bulk.read([{"name": f"new {number}", **each} for number, each in enumerate(given)], context)
    await bulk.write(rows, context)
    told = [[one.message for one in row.details] for row in rows]
    assert told[:3] == [["the rules of Guild do not let you create a row like this"]] * 3
    assert await siege.everything() == before


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
async def test_an_array_is_written_whole_or_not_at_all(siege: Siege, method: str) -> None:
    key, kin = str(siege.treasure.relic.id), str(siege.treasure.kin.id)
    good: Any = {"POST": {"name": "good"}, "DELETE": kin}.get(method, {"id": kin, "name": "good"})
    bad: list[Any] = [
        None, 1, [], "x", {}, {"id": NOBODY, "name": "x"}, {"id": key, "name": 1}, {"id": "x", "name": "x"},
        {"id": key, "holder": NOBODY, "name": "x"}, {"id": key, "kin": [NOBODY], "name": "x"}, good,
        {"name": "x", "serial": 777_002},
    ]  # fmt: skip
    before = await siege.everything()
    for each in bad:
        if method == "POST" and (each is good or (isinstance(each, dict) and each.get("name") == "good")):
            continue
        for given in ([good, each], [each, good]):
            reply = await siege.ben(method, "/api/relics", given, status=(404, 409, 422))
            told = [pointer.startswith(f"/{given.index(each)}") for pointer in reply.pointers]
            assert any(told) or each is good, (method, each, reply.pointers)
    assert await siege.everything() == before


async def test_references_lead_nowhere_alike(siege: Siege) -> None:
    """To a row that is not there, one that is hidden, one that is deleted."""
    before = await siege.everything()
    held = siege.treasure.held
    told = set[bytes]()
    for key in (NOBODY, str(held.draft.id), str(held.gone.id), str(held.other.id)):
        told.add((await siege.ben("POST", "/api/pages", {"document": key, "text": "x"}, status=422)).body)
    assert len(told) == 1
    told = {
        (await siege.ben("POST", "/api/relics", {"name": "x", "holder": key}, status=422)).body
        for key in (NOBODY, str(held.shy.id))
    }
    assert len(told) == 1
    told = {
        (await siege.ben("POST", "/api/echoes", {"relic": key}, status=422)).body for key in (NOBODY, str(held.ben.id))
    }
    assert len(told) == 1
    assert await siege.everything() == before


async def test_inputs_of_actions(siege: Siege) -> None:
    before = await siege.everything()
    treasure, held = siege.treasure, siege.treasure.held
    at = f"/api/relics/{treasure.relic.id}"
    for given, pointer in (
        ({}, "/with_"),
        ({"with_": None}, "/with_"),
        ({"with_": NOBODY}, "/with_"),
        ({"with_": "x"}, "/with_"),
        ({"with_": str(treasure.kin.id), "others": [str(held.ben.id), NOBODY]}, "/others"),
        ({"with_": str(treasure.kin.id), "others": [str(held.shy.id)]}, "/others"),
        ({"with_": str(treasure.kin.id), "others": [str(UUID(int=n)) for n in range(1, 1_002)]}, "/others"),
        ({"with_": str(treasure.kin.id), "others": [None]}, "/others/0"),
        ({"with_": str(treasure.kin.id), "spot": {"x": "1"}}, "/spot/x"),
        ({"with_": str(treasure.kin.id), "self": 1}, "/self"),
        ({"with_": str(treasure.kin.id), "nothing": 1}, "/nothing"),
    ):
        reply = await siege.ben("POST", f"{at}/swap", given, status=422)
        assert pointer in reply.pointers, given
    for given, pointer in (
        ({"times": "1"}, "/times"),
        ({"times": 2**63}, "/times"),
        ({"note": "\0"}, "/note"),
        ({"at": 5}, "/at"),
    ):
        assert (await siege.ben("POST", f"{at}/polish", given, status=422)).pointers == [pointer]
    overflow = await siege.ben("POST", f"{at}/polish", {"times": 2**63 - 1}, status=422)
    assert overflow.pointers == ["/count"]
    assert await siege.everything() == before
    everybody = [str(held.ben.id), str(held.boss.id)] * 400
    reply = await siege.ben("POST", f"{at}/swap", {"with_": str(treasure.kin.id), "others": everybody}, status=200)
    assert reply.body == b"801"


async def test_rows_named_in_an_input_are_asked_for_at_once(siege: Siege, monkeypatch: pytest.MonkeyPatch) -> None:
    held = siege.treasure.held
    store = siege.app.stores["main"]
    fetch, asked = store.fetch, 0

    async def counted(*args: Any) -> Any:
        nonlocal asked
        asked += 1
        return await fetch(*args)

    monkeypatch.setattr(store, "fetch", counted)
    counts: list[int] = []
    for others in ([held.ben], [held.ben, held.boss, held.cat, held.ann]):
        asked = 0
        given = {"with_": str(siege.treasure.kin.id), "others": [str(one.id) for one in others]}
        await siege.ben("POST", f"/api/relics/{siege.treasure.relic.id}/swap", given, status=200)
        counts.append(asked)
    assert counts[0] == counts[1]


async def test_a_repeat_is_done_once(siege: Siege) -> None:
    """The same key with another body, method, address, version or actor is another request, or refused."""
    held, at = siege.treasure.held, f"/api/relics/{siege.treasure.kin.id}"
    boss = siege.as_(held.boss)
    before = await siege.everything()
    await siege.ben("POST", "/api/relics", {"name": "repeated"}, idempotency_key='"r"', status=201)
    after = await siege.everything()
    assert len(after["Relic"]) == len(before["Relic"]) + 1
    for body in (
        b'{"name": "repeated" }',
        b'{"name":"other"}',
        b'{"name":1}',
        b"{",
        b'{"name":"repeated","count":0}',
    ):
        await siege.ben("POST", "/api/relics", body=body, idempotency_key='"r"', status=(400, 422))
        await siege.ben("POST", "/api/relics", body=body, idempotency_key="r", status=(400, 422))
    assert await siege.everything() == after
    assert (await siege.ben("POST", "/api/relics", {"name": "repeated"}, idempotency_key="r", status=201)).headers[
        "idempotency-replayed"
    ] == "true"
    assert await siege.everything() == after
    await boss("POST", "/api/relics", {"name": "repeated"}, idempotency_key="r", status=201)
    await siege.ben("PATCH", at, {"count": 5}, idempotency_key="r", status=200)
    await siege.ben("PATCH", at, {"count": 5}, idempotency_key="r", if_match='"1"', status=(412, 422))
    await siege.ben("PATCH", at, {"count": 6}, idempotency_key="r", status=422)
    await siege.ben("PUT", at, {"name": "Ring"}, idempotency_key="r", status=200)
    assert len((await siege.everything())["Relic"]) == len(after["Relic"]) + 1


async def test_what_was_refused_may_be_tried_again_under_its_key(siege: Siege) -> None:
    with seed_ids(siege.app, 77):
        for given, status in (({"name": 1}, 422), ({"name": "x", "holder": NOBODY}, 422), ({"name": "fine"}, 201)):
            await siege.ben("POST", "/api/relics", given, idempotency_key='"again"', status=status)
