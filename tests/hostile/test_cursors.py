"""Cursors that nobody was given: forged, cut, of another question, of another actor. None is followed."""

from __future__ import annotations

import base64
from urllib.parse import quote

import pytest

from tests.hostile.conftest import Siege

pytestmark = pytest.mark.asyncio(loop_scope="module")

LIST = "/api/parts?sort=-number&limit=2"


async def refused(siege: Siege, target: str, cursor: str) -> None:
    reply = await siege.ben("GET", f"{target}&after={quote(cursor, safe='')}", status=400)
    assert reply.json["type"] == "/problems/KP117", (cursor[:80], reply.body)
    assert reply.pointers == ["?after"]


async def given(siege: Siege) -> str:
    cursor: str = (await siege.ben("GET", LIST, status=200)).json["next"]
    return cursor


async def test_a_changed_cursor_is_none(siege: Siege) -> None:
    cursor = await given(siege)
    for at in range(len(cursor)):
        for other in "A_":
            changed = cursor[:at] + other + cursor[at + 1 :]
            if changed != cursor:
                await refused(siege, LIST, changed)
        await refused(siege, LIST, cursor[:at])


@pytest.mark.parametrize(
    "cursor",
    [
        "",
        " ",
        "0",
        "null",
        "{}",
        "=" * 100,
        "A" * 60_000,
        "é" * 100,
        "../../etc/passwd",
        "eyJhbGciOiJub25lIn0.e30.",
        base64.urlsafe_b64encode(b"\x80\x04\x95.").decode(),
        base64.urlsafe_b64encode(b"[" * 10_000).decode(),
        base64.urlsafe_b64encode(bytes(range(256))).decode(),
    ],
)
async def test_what_was_never_a_cursor(siege: Siege, cursor: str) -> None:
    await refused(siege, LIST, cursor)


async def test_a_cursor_with_more_around_it_is_none(siege: Siege) -> None:
    cursor = await given(siege)
    for text in (
        f" {cursor}",
        f"{cursor} ",
        f"{cursor[:9]}\n...{cursor[9:]}",
        f"{cursor}=",
        f"{cursor}\n",
        cursor.upper(),
        cursor * 2,
        f"{cursor},x",
    ):
        await refused(siege, LIST, text)


@pytest.mark.parametrize(
    "target",
    [
        "/api/parts?sort=number&limit=2",
        "/api/parts?sort=-number,id&limit=2",
        "/api/parts?limit=2",
        "/api/parts?sort=-number&limit=2&number[ge]=0",
        "/api/parts?sort=-number&limit=2&where=number%20%3E%3D%200",
        "/api/parts?sort=-number&limit=2&q=part",
        "/api/relics?sort=-count&limit=2",
        "/api/echoes?sort=-loudness&limit=2",
    ],
)
async def test_a_cursor_of_another_question_is_none(siege: Siege, target: str) -> None:
    await refused(siege, target, await given(siege))


async def test_a_cursor_of_another_actor_is_none(siege: Siege) -> None:
    for other in (siege.nobody, siege.as_(siege.treasure.held.boss)):
        await refused(siege, LIST, (await other("GET", LIST, status=200)).json["next"])
    await siege.ben("GET", f"{LIST}&after={await given(siege)}", status=200)
