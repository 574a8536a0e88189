"""`where`, filters, orders and includes that cost much on purpose: each is refused by a bound that it names."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest

from kingpost import as_system
from kingpost.engine.context import Context
from kingpost.plan.cost import LISTS, NESTED, PARTS, RELATIONS, SOUGHT
from tests.engine.vault import AT
from tests.hostile.conftest import Siege

pytestmark = pytest.mark.asyncio(loop_scope="module")


def nested(kind: str, depth: int) -> str:
    """Documents of owners of documents of owners …"""
    made = "True" if kind == "any" else "1"
    for level in range(depth, 0, -1):
        made = f"{kind}({made} for d{level} in {f'd{level - 1}.owner.' if level > 1 else ''}documents)"
    return made if kind == "any" else f"{made} > 0"


def doubled(what: str, times: int) -> str:
    for _ in range(times):
        what = f"({what} + {what})"
    return what


async def asked(siege: Siege, path: str, code: str, status: int = 422) -> None:
    reply = await siege.ben("GET", path, status=status)
    assert reply.json["type"] == f"/problems/{code}", reply.body
    assert len(reply.pointers) == 1


DEAR = {
    "lists within lists": ("members", nested("any", NESTED + 1), "KP123"),
    "sums within sums": ("members", nested("sum", NESTED + 1), "KP123"),
    "forty lists within lists": ("members", nested("any", 40), "KP123"),
    "many lists": ("members", " or ".join(["len(documents) > 7"] * (LISTS + 1)), "KP123"),
    "many computed lists": ("relics", " or ".join(["worth > 5"] * (LISTS + 1)), "KP123"),
    "computed lists multiplied": ("relics", " + ".join(["worth * pieces"] * 60) + " > 0", "KP123"),
    "masked fields": ("documents", " or ".join(["note == 'x'"] * 380), "KP123"),
    "guarded steps": ("documents", " or ".join(["owner.manager.manager.name in ('a', owner.name)"] * 90), "KP123"),
    "steps without end": ("documents", "owner" + ".manager" * 80 + ".name == 'x'", "KP123"),
    "a text of a gigabyte": ("relics", f"len({doubled('text', 9)}) > 0", "KP124"),
    "a text of five megabytes": ("relics", "len(text + text + text + text + text) > 0", "KP124"),
    "a text of upper case": ("relics", "(text + text).upper() + 'x' == text", "KP124"),
    "a needle as long as the hay": ("relics", "text + 'b' in text + text", "KP124"),
    "a needle that is a field": ("relics", "data is None and text in name", "KP124"),
    "a long needle": ("relics", f"'{'a' * (SOUGHT + 1)}' in text", "KP124"),
    "a needle of several": ("relics", f"name{' + name' * 9} in text", "KP124"),
}  # fmt: skip


@pytest.mark.parametrize("kind", DEAR)
async def test_expressions_beyond_a_bound(siege: Siege, kind: str) -> None:
    path, text, code = DEAR[kind]
    await asked(siege, f"/api/{path}?where={quote(text)}", code)


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("members", nested("any", NESTED)),
        ("members", nested("sum", NESTED)),
        ("members", " or ".join(["len(documents) > 7"] * LISTS)),
        ("members", f"name in ({', '.join(repr(str(number)) for number in range(1_000))})"),
        ("members", " or ".join(f"name == '{number}'" for number in range(450))),
        ("members", " or ".join(["shy"] * 900)),
        ("relics", f"count in ({'count, ' * 900})"),
        ("relics", "len(text + text + text) > 0"),
        ("relics", "text[:900] in text and name in text"),
        ("relics", "(text[:1000] + text[-1000:]).upper() == name"),
        ("relics", "name" + "[1:5]" * 60 + " == 'x'"),
        ("documents", "owner" + ".manager" * 12 + ".name == 'x'"),
        ("relics", "not " * 95 + "real"),
        ("relics", "(" * 95 + "real" + ")" * 95),
    ],
    ids=lambda value: str(value)[:40],
)  # fmt: skip
async def test_expressions_within_all_bounds_are_answered(siege: Siege, path: str, text: str) -> None:
    """Or by the store, in its own words, where it can't read that much."""
    reply = await siege.ben("GET", f"/api/{path}?where={quote(text)}", status=(200, 422))
    assert reply.status == 200 or reply.json["type"] == "/problems/KP305"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("a" * 100_000, "KP113"),
        ("(" * 1_000 + "1" + ")" * 1_000, "KP113"),
        ("[" * 1_000, "KP113"),
        ("not " * 1_000 + "real", "KP113"),
        ("-" * 1_000 + "count > 0", "KP113"),
        ("count > " + "1 if real else " * 500 + "2", "KP113"),
        ("count > " + "1 + " * 1_000 + "1", "KP113"),
        ("name" + ".lower()" * 500 + " == 'x'", "KP113"),
        ("lambda: " * 500 + "real", "KP113"),
        (" or ".join(["real"] * 1_200), "KP113"),
        (" == ".join(["count"] * 900), "KP113"),
        (" or ".join(f"nothing{number}" for number in range(700)), "KP113"),
        (" or ".join(["name.nothing"] * 700), "KP113"),
        (" or ".join(["name == 1"] * 700), "KP113"),
        ("count ** 9999999 > 1", "KP113"),
        ("'x' * 1000000000 == name", "KP113"),
        ("name == " + "9" * 9_000, "KP113"),
        ("count > 1" + "0" * 5_000, "KP113"),
        ("weight > 1e999", None),
        ("'\\ud800' == name", "KP113"),
        ("'\\0' == name", "KP113"),
        ("f'{name}' == name", "KP113"),
        ("name == 'x' # comment", None),
        ("name\u00a0== 'x'", "KP113"),
        ("ｎame == 'x'", None),
        ("__import__('os')", "KP113"),
        ("name.__class__ == 1", "KP113"),
        ("[r for r in parts]", "KP113"),
        ("any(p for p in parts)", None),
        ("any(True for p in parts for q in parts)", "KP113"),
        ("(x := 1)", "KP113"),
        ("await name", "KP113"),
        ("yield", "KP113"),
        ("me.email == 'x' and serial == 1", "KP113"),
        ("rank == 7", "KP113"),
        ("self._version == 1", "KP113"),
        ("", "KP113"),
        (" ", "KP113"),
        ("\n", "KP113"),
        ("1", "KP113"),
        ("name", "KP113"),
        ("None", "KP113"),
        ("real;real", "KP113"),
        ("real\nreal", "KP113"),
        ("real\\", "KP113"),
        ("\ufeffreal", "KP113"),
    ],
    ids=lambda value: str(value)[:30],
)
async def test_texts_that_are_no_condition(siege: Siege, text: str, code: str | None) -> None:
    """Of a hundred kilobytes, of a thousand levels, of what is no expression at all: with few words."""
    if code is None:
        await siege.ben("GET", f"/api/relics?where={quote(text)}", status=(200, 400))
        return
    reply = await siege.ben("GET", f"/api/relics?where={quote(text)}", status=(400, 414))
    assert reply.status == 414 or reply.json["type"] == f"/problems/{code}"
    assert len(reply.body) < 20_000


async def test_filters_and_orders_are_counted_together(siege: Siege) -> None:
    operators = ("eq", "ne", "lt", "le", "gt", "ge", "in", "contains", "startswith", "endswith")
    many = "&".join(f"{'manager.' * depth}name[{each}]=x" for depth in range(9) for each in operators)
    await asked(siege, f"/api/members?{many}", "KP123")
    await asked(siege, "/api/members?" + "documents.owner." * (NESTED + 1) + "name=x", "KP123")
    lists = "&".join(f"documents.title[{each}]=x&documents.labels.name[{each}]=x" for each in operators * 2)
    lists += "&" + "&".join(f"documents.pages.text[{each}]=x" for each in operators)
    reply = await siege.ben("GET", f"/api/members?{lists.replace('&&', '&')}", status=(400, 422))
    assert reply.json["type"] in ("/problems/KP123", "/problems/KP156")
    deep = ",".join("manager." * depth + "name" for depth in range(31))
    await asked(siege, f"/api/members?group={deep}", "KP123")
    await asked(siege, f"/api/members?max={deep}", "KP123")
    await siege.ben(
        "GET", "/api/members?sort=" + ",".join("manager." * depth + "name" for depth in range(8)), status=200
    )
    assert PARTS == 2_000


async def test_texts_looked_for_are_short(siege: Siege) -> None:
    long = "a" * (SOUGHT + 1)
    await asked(siege, f"/api/relics?text[contains]={long}", "KP124")
    await asked(siege, f"/api/relics?q={long}", "KP124")
    for query in (f"text[contains]={long[1:]}", f"q={long[1:]}", f"name={long * 50}", f"name[startswith]={long * 50}"):
        await siege.ben("GET", f"/api/relics?{query}", status=200)


def paths(siege: Siege, resource: str, depth: int) -> Iterator[str]:
    model = siege.app.model
    for name, relation in model[resource].relations.items():
        if relation.access.readable and not model[relation.target].internal and name != "mentor":
            yield name
            if depth > 1:
                yield from (f"{name}.{below}" for below in paths(siege, relation.target, depth - 1))


async def test_relations_filled_in_are_counted(siege: Siege) -> None:
    found = list(paths(siege, "Member", 3))
    assert len(found) >= RELATIONS
    await siege.ben("GET", f"/api/members?include={','.join(found[: RELATIONS // 3])}", status=200)
    for word, tail in (("include", ""), ("fields", ".id")):
        many = [f"{path}{tail}" for path in paths(siege, "Member", 4)]
        await asked(siege, f"/api/members?{word}={','.join(many)}", "KP122")
        await asked(siege, f"/api/members/{siege.treasure.held.ann.id}?{word}={','.join(many)}", "KP122")


async def test_rows_written_again_and_again_are_counted(siege: Siege) -> None:
    """Nine hundred rows of one that has nine hundred are eight hundred thousand; a level below, a thousand times it."""
    relic = siege.treasure.haunted
    system = Context(None, AT, "many rows")
    with as_system("many rows"):
        for name, more in (("Part", "number"), ("Echo", "loudness")):
            rows: list[Any] = [{"relic": (relic.id,), more: number} for number in range(900)]
            await siege.app.engine.create(name, rows, system)
    for query in (
        "parts?include=relic.parts&limit=900",
        "parts?include=relic.parts.relic.parts&limit=2&sort=-number",
        "echoes?include=relic.parts&limit=900",
        "echoes?include=relic.parts.relic.parts&limit=2&sort=-loudness",
        "relics?include=parts.relic.parts",
        f"relics/{relic.id}/parts?include=relic.parts&limit=500",
        f"relics/{relic.id}?include=parts.relic.parts",
    ):
        await asked(siege, f"/api/{query}", "KP121")
    whole = await siege.ben("GET", "/api/parts?include=relic.parts&limit=20&sort=-number", status=200)
    assert [len(each["relic"]["parts"]) for each in whole.json["items"]] == [900] * 20
    for accept in ("text/csv", "application/x-ndjson"):
        await siege.ben("GET", "/api/parts?include=relic.parts", accept=accept, status=422)
