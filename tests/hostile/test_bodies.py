"""Bodies: what is no JSON, or JSON that two parsers read differently, or of wrong types, or too much of anything."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.hostile.conftest import Siege

pytestmark = pytest.mark.asyncio(loop_scope="module")

NAME = b'{"name":"x",'


def deep(levels: int) -> bytes:
    return b'{"name":"x","data":' + b"[" * levels + b"]" * levels + b"}"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "KP162"),
        (b" \r\n\t", "KP162"),
        (b'\xef\xbb\xbf{"name":"x"}', "KP162"),
        ('{"name":"x"}'.encode("utf-16"), "KP162"),
        ('{"name":"x"}'.encode("utf-16-be"), "KP162"),
        ('{"name":"x"}'.encode("utf-32"), "KP162"),
        ('{"name":"é"}'.encode("latin-1"), "KP162"),
        (b'{"name":"x"} x', "KP162"),
        (b'{"name":"x"}{}', "KP162"),
        (b'{"name":"x"}\x00', "KP162"),
        (b'{"name":"x",}', "KP162"),
        (b"{'name':'x'}", "KP162"),
        (b'{name:"x"}', "KP162"),
        (b'{"name":"x"/* */}', "KP162"),
        (b'{"name":"x" // \n}', "KP162"),
        (b'{"name":"a\nb"}', "KP162"),
        (b'{"name":"a\x00b"}', "KP162"),
        (b'{"name":"\\x41"}', "KP162"),
        (b'{"name":"\\u00g0"}', "KP162"),
        (b'{"name":"\\ud800"}', "KP162"),
        (b'{"name":"\\udc00\\ud800"}', "KP162"),
        (b'{"name":"\xed\xa0\x80"}', "KP162"),
        (b'{"name":"\xc0\xaf"}', "KP162"),
        (b'{"name":"\xf4\x90\x80\x80"}', "KP162"),
        (b'{"\\ud800":1}', "KP162"),
        (NAME + b'"weight":NaN}', "KP162"),
        (NAME + b'"weight":Infinity}', "KP162"),
        (NAME + b'"weight":-Infinity}', "KP162"),
        (NAME + b'"weight":1e999}', "KP162"),
        (NAME + b'"weight":-1E400}', "KP162"),
        (NAME + b'"data":[1e309]}', "KP162"),
        (NAME + b'"count":01}', "KP162"),
        (NAME + b'"count":+1}', "KP162"),
        (NAME + b'"count":0x1}', "KP162"),
        (NAME + b'"count":1_0}', "KP162"),
        (NAME + b'"weight":.5}', "KP162"),
        (NAME + b'"weight":1.}', "KP162"),
        (NAME + b'"count":' + b"9" * 5_000 + b"}", "KP162"),
        (NAME + b'"real":True}', "KP162"),
        (NAME + b'"data":undefined}', "KP162"),
        (b"<name>x</name>", "KP162"),
        (b"name=x", "KP162"),
        (b'{"name":"x","name":"y"}', "KP163"),
        (b'{"name":"x","n\\u0061me":"y"}', "KP163"),
        (NAME + b'"data":{"a":{"b":1,"b":2}}}', "KP163"),
        (NAME + b'"data":[[{"a":1,"a":1}]]}', "KP163"),
        (NAME + b'"spot":{"x":1,"x":2}}', "KP163"),
        (NAME + b'"parts":[{"number":1,"number":2}]}', "KP163"),
        (NAME + b'"":1,"":2}', "KP163"),
        (b"{" + b",".join(b'"k%d":1' % number for number in range(80_000)) + b',"k0":1}', "KP163"),
        (b"[" * 10_000, "KP164"),
        (b'{"a":' * 10_000, "KP164"),
        (deep(64), "KP164"),
        (deep(10_000), "KP164"),
        (NAME + b'"data":' + b'{"a":' * 10_000 + b"1" + b"}" * 10_001, "KP164"),
        (b"null", "KP165"),
        (b"1", "KP165"),
        (b'"x"', "KP165"),
        (b"true", "KP165"),
    ],
)
async def test_what_is_no_input(siege: Siege, body: bytes, code: str) -> None:
    before = await siege.everything()
    for method, path in (
        ("POST", "/api/relics"),
        ("PUT", f"/api/relics/{siege.treasure.relic.id}"),
        ("PATCH", f"/api/relics/{siege.treasure.relic.id}"),
        ("POST", f"/api/relics/{siege.treasure.relic.id}/polish"),
        ("PUT", "/api/relics"),
        ("PATCH", "/api/relics"),
        ("DELETE", "/api/relics"),
    ):
        if not body and path.endswith("polish"):
            continue  # an action may have no input
        status = 415 if not body and path == "/api/relics" and method != "POST" else 400
        reply = await siege.ben(method, path, body=body, type="application/json", status=(400, status))
        assert reply.json["type"] == f"/problems/{code}" or (not body and method != "POST"), (method, path, reply.body)
        if code == "KP163":
            assert reply.pointers[0].startswith("/")
    assert await siege.everything() == before


VALUES: list[tuple[dict[str, Any], str, str]] = [
    ({"nothing": 1}, "/nothing", "unknown"),
    ({"": 1}, "/", "unknown"),
    ({"a/b~c": 1}, "/a~1b~0c", "unknown"),
    ({"__proto__": {"a": 1}}, "/__proto__", "unknown"),
    ({"__class__": 1}, "/__class__", "unknown"),
    ({"m_count": 1}, "/m_count", "unknown"),
    ({"_version": 5}, "/_version", "unknown"),
    ({"Count": 1}, "/Count", "unknown"),
    ({"serial": "1"}, "/serial", "type"),
    ({"spot": {"x": 1, "y": 2}}, "/spot/y", "unknown"),
    ({"parts": [{"number": 1, "relic": "x"}]}, "/parts/0/relic", "unknown"),
    ({"parts": [{"number": 1}, {"number": "1"}]}, "/parts/1/number", "type"),
    ({"holder": {"id": "x"}}, "/holder/id", "uuid"),
    ({"holder": {}}, "/holder/id", "required"),
    ({"holder": []}, "/holder", "uuid"),
    ({"holder": {"id": None}}, "/holder/id", "null"),
    ({"kin": ["x"]}, "/kin/0", "uuid"),
    ({"kin": [None]}, "/kin/0", "null"),
    ({"kin": None}, "/kin", "null"),
    ({"kin": {}}, "/kin", "type"),
    ({"name": None}, "/name", "null"),
    ({"name": 1}, "/name", "type"),
    ({"name": ["x"]}, "/name", "type"),
    ({"name": {"x": 1}}, "/name", "type"),
    ({"name": "a\0b"}, "/name", "text"),
    ({"name": "a" * 121}, "/name", "too_long"),
    ({"tags": ["a\0"]}, "/tags/0", "text"),
    ({"tags": "x"}, "/tags", "type"),
    ({"tags": [1]}, "/tags/0", "type"),
    ({"count": "1"}, "/count", "type"),
    ({"count": True}, "/count", "type"),
    ({"count": 1.0}, "/count", "type"),
    ({"count": 1.5}, "/count", "type"),
    ({"count": 2**63}, "/count", "range"),
    ({"count": -(2**63) - 1}, "/count", "range"),
    ({"count": 2**64}, "/count", "range"),
    ({"count": 10**30}, "/count", "range"),
    ({"count": -10_000_000_001}, "/count", "range"),
    ({"weight": "1"}, "/weight", "type"),
    ({"weight": True}, "/weight", "type"),
    ({"weight": 10**400}, "/weight", "type"),
    ({"price": "1.234"}, "/price", "digits"),
    ({"price": 1.005}, "/price", "digits"),
    ({"price": "12345678901.00"}, "/price", "digits"),
    ({"price": "1e2"}, "/price", "decimal"),
    ({"price": "٤"}, "/price", "decimal"),
    ({"price": "NaN"}, "/price", "decimal"),
    ({"price": True}, "/price", "decimal"),
    ({"real": 1}, "/real", "type"),
    ({"real": "true"}, "/real", "type"),
    ({"size": True}, "/size", "choice"),
    ({"size": 1.0}, "/size", "choice"),
    ({"size": 4}, "/size", "choice"),
    ({"mood": "GOOD"}, "/mood", "choice"),
    ({"grade": "private"}, "/grade", "choice"),
    ({"made": "2021-02-29"}, "/made", "date"),
    ({"made": 5}, "/made", "date"),
    ({"opens": "24:00:00"}, "/opens", "time"),
    ({"opens": "08:30:00Z"}, "/opens", "time"),
    ({"lasts": "P1Y"}, "/lasts", "duration"),
    ({"lasts": "P9999999999D"}, "/lasts", "duration"),
    ({"lasts": 5}, "/lasts", "duration"),
    ({"seen": "2026-01-01"}, "/seen", "datetime"),
    ({"seen": 1767225600}, "/seen", "datetime"),
    ({"seen": "2026-01-01T00:00:00+99:99"}, "/seen", "datetime"),
    ({"seen": "0001-01-01T00:00:00+23:59"}, "/seen", "datetime"),
    ({"mark": 5}, "/mark", "uuid"),
    ({"mark": "0" * 32}, "/mark", "uuid"),
    ({"raw": "AP8"}, "/raw", "bytes"),
    ({"raw": [0]}, "/raw", "bytes"),
    ({"spot": {"x": 2**63}}, "/spot", "range"),
    ({"spot": {"x": 1, "label": "\0"}}, "/spot", "text"),
    ({"spot": "x"}, "/spot", "type"),
    ({"data": {"a": ["\0"]}}, "/data", "text"),
    ({"data": {"\0": 1}}, "/data", "text"),
    ({"data": 10**30}, "/data", "range"),
]


@pytest.mark.parametrize(("given", "pointer", "code"), VALUES, ids=lambda value: str(value)[:40])
async def test_values_of_wrong_types(siege: Siege, given: dict[str, Any], pointer: str, code: str) -> None:
    before = await siege.everything()
    key, kin = str(siege.treasure.relic.id), str(siege.treasure.kin.id)
    at = f"/api/relics/{key}"
    made = {"name": "x", **given}
    for method, path, data, where in (
        ("POST", "/api/relics", made, pointer),
        ("PUT", at, made, pointer),
        ("PATCH", at, given, pointer),
        ("POST", "/api/relics", [{"name": "good"}, made, {"name": "good"}], f"/1{pointer}"),
        ("PUT", "/api/relics", [{**made, "id": key}], f"/0{pointer}"),
        ("PATCH", "/api/relics", [{"id": kin}, {**given, "id": key}], f"/1{pointer}"),
    ):
        if "parts" in given and method != "POST":
            continue  # made together with their owner only
        reply = await siege.ben(method, path, data, status=422)
        told = {each["pointer"]: each["code"] for each in reply.json["errors"]}
        assert told.get(where) == code, (method, told)
    assert await siege.everything() == before


async def test_the_ends_of_ranges_are_held_exactly(siege: Siege) -> None:
    made = {
        "name": "😀" * 120, "count": 2**63 - 1, "weight": 1.7976931348623157e308, "price": "9999999999.99",
        "seen": "9999-12-31T23:59:59.999999Z", "made": "0001-01-01", "opens": "23:59:59.999999", "lasts": "PT0.000001S",
        "data": [-(2**63), 2**63 - 1, 5e-324, 1e22, -0.0, "\u2028\u0001\x7f", {"": {"$gt": 1, "a.b": None}}],
    }  # fmt: skip
    reply = await siege.ben("POST", "/api/relics", made, status=201)
    assert {name: reply.json[name] for name in made} == made
    again = await siege.ben("GET", f"/api/relics/{reply.json['id']}", status=200)
    assert again.body == reply.body
    await siege.ben("PATCH", f"/api/relics/{reply.json['id']}", {"weight": -0.0, "price": "-0"}, status=200)
    shown = (await siege.ben("GET", f"/api/relics/{reply.json['id']}?fields=weight,price", status=200)).body
    assert shown == b'{"weight":0.0,"price":"0.00"}'
    await siege.ben("DELETE", f"/api/relics/{reply.json['id']}", status=204)


async def test_faults_without_number_are_not_all_told(siege: Siege) -> None:
    """A body of unknown members was once answered by one twelve times its size."""
    before = await siege.everything()
    members = {f"k{number}": number for number in range(50_000)}
    for data in (members, {"name": "x", "tags": [1] * 200_000}, {"name": "x", "kin": ["x"] * 100_000}, [members]):
        reply = await siege.ben("POST", "/api/relics", data, status=422)
        assert len(reply.json["errors"]) <= 100
    reply = await siege.ben("POST", "/api/relics", [{}] * 1_000, status=422)
    assert len(reply.json["errors"]) == 100
    assert await siege.everything() == before


async def test_a_long_name_of_a_member(siege: Siege) -> None:
    for method, data in (("POST", {"k" * 50_000: 1, "name": "x"}), ("POST", [{"k" * 50_000: 1}])):
        await siege.ben(method, "/api/relics", data, status=422)


async def test_more_bytes_than_are_read(siege: Siege) -> None:
    before = await siege.everything()
    whole = json.dumps({"name": "x", "text": "a" * 2_000_000}).encode()
    pieces = [whole[at : at + 65_536] for at in range(0, len(whole), 65_536)]
    for body in (whole, pieces):
        for method, path in (("POST", "/api/relics"), ("PATCH", "/api/relics"), ("POST", "/api/relics/-/tally")):
            reply = await siege.ben(method, path, body=body, type="application/json", status=413)
            assert reply.headers["connection"] == "close"
    assert await siege.everything() == before


async def test_more_elements_than_are_written(siege: Siege) -> None:
    before = await siege.everything()
    for method in ("POST", "PUT", "PATCH", "DELETE"):
        reply = await siege.ben(method, "/api/runes", [{"sign": f"s{number}"} for number in range(1_001)], status=422)
        assert reply.json["type"] == "/problems/KP166"
    assert await siege.everything() == before


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 415),
        ({"type": "text/plain"}, 415),
        ({"type": "application/x-www-form-urlencoded"}, 415),
        ({"type": "multipart/form-data; boundary=x"}, 415),
        ({"type": "application/json; charset=utf-16"}, 415),
        ({"type": "application/json; charset=latin-1"}, 415),
        ({"type": "application/json;charset=utf-8;charset=utf-16"}, 415),
        ({"type": "application/json, text/plain"}, 415),
        ({"type": "application/vnd.api+json"}, 415),
        ({"type": "application/merge-patch+json"}, 415),
        ({"type": ";"}, 415),
        ({"type": "application/json" + ";a=b" * 5_000}, 422),
        ({"type": "application/json", "content_encoding": "gzip"}, 415),
        ({"type": "application/json", "content_encoding": "identity, gzip"}, 415),
        ({"type": "application/json", "content_encoding": "x" * 5_000}, 415),
        ({"type": 'APPLICATION/JSON; CHARSET="UTF-8"'}, 422),
    ],
)
async def test_types_of_bodies(siege: Siege, headers: dict[str, Any], status: int) -> None:
    await siege.ben("POST", "/api/relics", body=b'{"nothing":1}', **{"type": "", **headers}, status=status)
