"""SQL in every place that takes text: each database answers what memory answers, where there is no SQL at all."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest

from tests.hostile.conftest import Siege

pytestmark = pytest.mark.asyncio(loop_scope="module")

SQL = (
    "'; DROP TABLE relic; --",
    "' OR '1'='1",
    '" OR ""="',
    "1 OR 1=1",
    "1) UNION SELECT password FROM document --",
    "x' AND (SELECT pg_sleep(9)) IS NULL --",
    "x'||(SELECT password FROM document)||'",
    "\\",
    "\\' OR 1=1 --",
    "E'\\x27'",
    "''",
    "$1",
    "$$x$$",
    "?",
    "?1",
    ":x",
    "@x",
    "%s",
    "%(x)s",
    "100%",
    "_",
    "/* */",
    "*/ --",
    ";",
    "\x1a\x08\t",
    "a\r\nGO\r\n",
    "ʼ OR ʼ1ʼ=ʼ1",
    "＇; --",
    "’ OR 1=1 --",
    "`x`",
    "[x]",
    "{0} ${x} #{x}",
    "NULL",
    "(SELECT 1)",
    "CAST(1 AS int)",
    "0x27",
    "*",
    "-- ",
)


def parameters(document: dict[str, Any]) -> Iterator[tuple[str, list[str]]]:
    """Each list with all that its query takes, as the API's own document has it."""
    known = document["components"]["parameters"]
    for path, item in document["paths"].items():
        if "get" in item and "{" not in path:
            refs = (each["$ref"].rpartition("/")[2] for each in item["get"]["parameters"])
            yield path, [known[name]["name"] for name in refs if known[name]["in"] == "query"]


async def test_in_every_parameter_it_is_text(siege: Siege, oracle: Siege) -> None:
    document = oracle.app.openapi()
    before = await siege.everything()
    count = 0
    for path, names in parameters(document):
        for name in names:
            for text in SQL:
                target = f"{path}?{quote(name)}={quote(text)}"
                told, wanted = await siege.ben("GET", target), await oracle.ben("GET", target)
                assert (told.status, told.body) == (wanted.status, wanted.body), target
                count += 1
    assert count > 10_000
    assert await siege.everything() == before


async def test_in_names_and_keys_it_is_text(siege: Siege, oracle: Siege) -> None:
    before = await siege.everything()
    key = siege.treasure.relic.id
    for text in SQL:
        said = quote(text, safe="")
        for target in (
            f"/api/relics?{said}=1",
            f"/api/relics?name[{said}]=1",
            f"/api/relics?holder.{said}=1",
            f"/api/relics?where={said}",
            f"/api/relics?where=name%20==%20{quote(repr(text), safe='')}",
            f"/api/relics?where={quote(repr(text), safe='')}%20in%20name",
            f"/api/relics?include=parts.{said}",
            f"/api/relics?fields=name,{said}",
            f"/api/relics?sort=-{said}",
            f"/api/relics?group=name&count={said}",
            f"/api/relics?limit=1&after={said}",
            f"/api/relics/{said}",
            f"/api/relics/{key}/{said}",
            f"/api/relics/{key}?fields={said}",
            f"/api/seats/{said},{said}",
            f"/api/runes/{said}",
            f"/api/{said}",
        ):
            told, wanted = await siege.ben("GET", target), await oracle.ben("GET", target)
            assert (told.status, told.body) == (wanted.status, wanted.body), target
    assert await siege.everything() == before


async def test_what_is_stored_comes_back_as_it_came(siege: Siege, oracle: Siege) -> None:
    """Rows that hold it are found by it, and no others; keys are no exception."""
    for text in SQL:
        made = {"name": text, "text": text, "limit": text, "data": {text: [text]}, "tags": [text, "x"]}
        made["spot"] = {"x": 1, "label": text, "inner": {text: text}}
        reply = await siege.ben("POST", "/api/relics", made, status=201)
        assert {name: reply.json[name] for name in made} == made
        found = await siege.ben("GET", f"/api/relics?name={quote(text)}&fields=name,limit,data", status=200)
        assert [(each["name"], each["limit"], each["data"]) for each in found.json["items"]] == [
            (text, text, made["data"])
        ]
        await siege.ben("DELETE", f"/api/relics/{reply.json['id']}", status=204)
        at = f"/api/runes/{quote(text, safe='')}"
        await siege.ben("POST", "/api/runes", {"sign": text}, status=201)
        assert (await siege.ben("PATCH", at, {"loud": True}, status=200)).json == {"sign": text, "loud": True}
        await siege.ben("DELETE", at, status=204)
        await siege.ben("GET", at, status=404)


async def test_in_headers_it_is_text(siege: Siege) -> None:
    before = await siege.everything()
    at = f"/api/relics/{siege.treasure.relic.id}"
    for text in SQL:
        said = text.encode().decode("latin-1")
        for header in ("if_match", "if_none_match", "idempotency_key", "accept", "prefer"):
            await siege.ben("PATCH", at, {"count": "no number"}, **{header: said}, status=(400, 406, 412, 422))
            await siege.ben("GET", at, **{header: said}, status=(200, 304, 406))
    assert await siege.everything() == before
