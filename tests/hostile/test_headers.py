"""Headers: forms that their standards do not give them, and methods that an address does not have."""

from __future__ import annotations

import pytest

from tests.hostile.conftest import Siege

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def version(siege: Siege, at: str) -> int:
    return int((await siege.ben("GET", at, status=200)).headers["etag"].strip('"').partition("-")[0])


async def test_if_match(siege: Siege) -> None:
    at = f"/api/relics/{siege.treasure.relic.id}"
    now = await version(siege, at)
    before = await siege.everything()
    stale = (
        '""', f'"{now - 1}"', f'"{now + 1}-x"', f'W/"{now}-x"', f'"0{now}-x"', f'"+{now}"', f'" {now}"', f'"{now}.0"',
        '"²"', '"-1"', f'"x-{now}"', f'"{now + 1}", "{now + 2}"', '"99999999999999999999999"', '"0"',
        '"a",' * 500 + '"b"',
        '"Ù¢"', "W/*",
    )  # fmt: skip
    for value in stale:
        await siege.ben("PATCH", at, {"count": 1}, if_match=value, status=(412, 400))
        await siege.ben("DELETE", at, if_match=value, status=(412, 400))
        await siege.ben("POST", f"{at}/polish", {}, if_match=value, status=(412, 400))
    for value in (
        str(now),
        f'"{now}',
        f"'{now}'",
        f'"{now}" "3"',
        f'*, "{now}"',
        "",
        ",",
        "ÿ",
        'w/"1"',
        "\x7f",
        '"' * 3_000,
    ):
        reply = await siege.ben("PATCH", at, {"count": 1}, if_match=value, status=400)
        assert reply.json["type"] == "/problems/KP170", value
    assert await siege.everything() == before
    for value in ("*", f'"{now}"', f'"{now}-anything"', f', "{now}-x" ,, "1-x",', f'W/"9", "{now}"'):
        current = value.replace(str(now), str(await version(siege, at)))
        await siege.ben("PATCH", at, {"count": 2}, if_match=current, status=200)


async def test_many_rows_have_no_version(siege: Siege) -> None:
    before = await siege.everything()
    key = str(siege.treasure.relic.id)
    for method, data in (("PATCH", [{"id": key, "count": 1}]), ("DELETE", [key]), ("PUT", [{"id": key, "name": "x"}])):
        for value in ('"1"', 'W/"1"', "*x", "1"):
            await siege.ben(method, "/api/relics", data, if_match=value, status=(400, 412))
        await siege.ben(method, "/api/relics", data, if_none_match="*", status=412)
    assert await siege.everything() == before


@pytest.mark.parametrize(
    ("value", "taken"),
    [
        ('"abc"', True),
        ("bare-abc", True),
        ('"a b"', True),
        ('"a\\"b"', True),
        ("a" * 255, True),
        ("a,b", True),
        ('""', False),
        ("", False),
        (" ", False),
        ("a b", False),
        ('"a"b"', False),
        ('"a\\b"', False),
        ('"a";x=1', False),
        ('"a", "b"', False),
        ('"a', False),
        ("a" * 256, False),
        ('"' + "a" * 256 + '"', False),
        ('"' + "\\" * 600 + '"', False),
        ("é", False),
        ('"\x7f"', False),
        ('"a\tb"', False),
    ],
)
async def test_forms_of_idempotency_key(siege: Siege, value: str, taken: bool) -> None:
    before = await siege.everything()
    sent = {"word": f"key {value}"[:40]}
    reply = await siege.ben("POST", "/api/oaths", sent, idempotency_key=value, status=201 if taken else 400)
    if not taken:
        assert reply.json["type"] == "/problems/KP170"
        assert await siege.everything() == before
        return
    again = await siege.ben("POST", "/api/oaths", sent, idempotency_key=value, status=201)
    assert again.headers["idempotency-replayed"] == "true"
    other = await siege.ben("POST", "/api/oaths", {"word": "other"}, idempotency_key=value, status=422)
    assert other.json["type"] == "/problems/KP431"
    after = await siege.everything()
    assert len(after["Oath"]) == len(before["Oath"]) + 1


@pytest.mark.parametrize(
    ("value", "status"),
    [
        ("", 200),
        ("*/*", 200),
        ("*/*," * 3_000, 200),
        ("text/csv", 200),
        ("TEXT/CSV", 200),
        ("application/json;q=0, */*", 200),
        ("application/json;q=0.5;q=1", 200),
        ("*", 406),
        ("json", 406),
        ("*/*;q=0", 406),
        ("*/*;q=2", 406),
        ("*/*;q=1.0000", 406),
        ("*/*;q=-1", 406),
        ("*/*;q=nan", 406),
        ("*/*;q=1e0", 406),
        ("*/*;q=٠", 406),
        ("application/json;q=", 406),
        ("text/html", 406),
        (";,;,q=1", 406),
        ("text/csv\x00", 406),
        ("a/" + "b" * 50_000, 406),
    ],
)
async def test_forms_of_accept(siege: Siege, value: str, status: int) -> None:
    sent = value.encode().decode("latin-1")
    await siege.ben("GET", "/api/teams", accept=sent, status=status)
    key = siege.treasure.relic.id
    await siege.ben("PATCH", f"/api/relics/{key}", {"nothing": 1}, accept=sent, status=(406, 422))


async def test_headers_that_change_nothing(siege: Siege) -> None:
    """Who sends one method gets that method; parts of a body are not sent, nor another row for another address."""
    whole = await siege.ben("GET", "/api/teams", status=200)
    for headers in (
        {"range": "bytes=0-10"},
        {"if_range": '"x"', "range": "bytes=5-"},
        {"x_http_method_override": "DELETE"},
        {"x_method_override": "DELETE"},
        {"x_http_method": "DELETE"},
        {"x_original_url": "/api/relics"},
        {"x_rewrite_url": "/api/relics"},
        {"x_forwarded_prefix": "/api/relics"},
        {"expect": "200-ok"},
        {"te": "trailers"},
        {"upgrade": "h2c"},
        {"if_modified_since": "Sat, 01 Jan 2050 00:00:00 GMT"},
        {"if_unmodified_since": "Sat, 01 Jan 2000 00:00:00 GMT"},
        {"prefer": "return=minimal, handling=strict; é=="},
        {"if_none_match": '"' + "x" * 9_000},
        {"cookie": "a=b; " * 2_000},
        {"content_length": "-1"},
        {"content_length": "9" * 400},
    ):
        reply = await siege.ben("GET", "/api/teams", **headers, status=200)
        assert reply.body == whole.body, headers


@pytest.mark.parametrize(
    "method", ["TRACE", "CONNECT", "PROPFIND", "LINK", "get", "Get", "GET ", "", "G\0ET", "A" * 500, "ＧＥＴ"]
)
async def test_methods_that_are_none(siege: Siege, method: str) -> None:
    key = siege.treasure.relic.id
    before = await siege.everything()
    for path in ("/api/relics", f"/api/relics/{key}", f"/api/relics/{key}/parts", f"/api/relics/{key}/polish"):
        reply = await siege.ben(method, path, status=405)
        assert set(reply.headers["allow"].split(", ")) <= {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}
    assert await siege.everything() == before


async def test_methods_of_each_address(siege: Siege) -> None:
    before = await siege.everything()
    key = siege.treasure.relic.id
    for path, has in (
        ("/api/relics", {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}),
        (f"/api/relics/{key}", {"GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS"}),
        (f"/api/relics/{key}/parts", {"GET", "HEAD", "OPTIONS"}),
        (f"/api/relics/{key}/holder", {"GET", "HEAD", "OPTIONS"}),
        (f"/api/relics/{key}/polish", {"POST", "OPTIONS"}),
        ("/api/relics/-/tally", {"POST", "OPTIONS"}),
        ("/problems/KP404", {"GET", "HEAD", "OPTIONS"}),
        ("/api/openapi.json", {"GET", "HEAD", "OPTIONS"}),
    ):
        reply = await siege.ben("OPTIONS", path, status=204) if "openapi" not in path else None
        assert reply is None or set(reply.headers["allow"].split(", ")) == has
        for method in {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"} - has:
            await siege.ben(method, path, status=405)
        if "HEAD" in has and "openapi" not in path:
            got, head = await siege.ben("GET", path, status=200), await siege.ben("HEAD", path, status=200)
            assert (head.headers, head.body) == (got.headers, b"")
    for path in ("/api/relics?limit=x", "/api/relics/no-key", "/api/nothing"):
        got, head = await siege.ben("GET", path), await siege.ben("HEAD", path)
        assert (head.status, head.headers, head.body) == (got.status, got.headers, b"")
    assert await siege.everything() == before
