"""Names, operators and control words of a query: what is not known, given twice, out of bounds, or read twice."""

from __future__ import annotations

from urllib.parse import quote

import pytest

from tests.hostile.conftest import Siege

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def refused(siege: Siege, query: str, code: str, pointer: str | None, status: int = 400) -> None:
    """A list says no, with this code, and points at the parameter."""
    reply = await siege.ben("GET", f"/api/relics?{query}", status=status)
    assert reply.json["type"] == f"/problems/{code}", (query, reply.body)
    if pointer is not None:
        assert reply.pointers == [pointer], (query, reply.body)


@pytest.mark.parametrize(
    ("query", "code", "pointer"),
    [
        # names that are not there
        ("nothing=1", "KP110", "?nothing"),
        ("NAME=Sword", "KP110", "?NAME"),
        ("ｎame=Sword", "KP110", "?ｎame"),
        ("nam%65%CC%81=x", "KP155", "?name\u0301"),
        ("name.x=1", "KP110", "?name.x"),
        ("spot.y=1", "KP110", "?spot.y"),
        ("spot.inner.b=1", "KP110", "?spot.inner.b"),
        ("holder.nothing=1", "KP110", "?holder.nothing"),
        ("_version=1", "KP110", "?_version"),
        ("rank=7", "KP110", "?rank"),
        ("serial=777001", "KP110", "?serial"),
        ("id.x=1", "KP110", "?id.x"),
        ("__class__=1", "KP110", "?__class__"),
        ("fields=nothing", "KP110", "?fields"),
        ("fields=name,serial", "KP110", "?fields"),
        ("fields=rank", "KP110", "?fields"),
        ("include=nothing", "KP110", "?include"),
        ("include=name", None, None),
        ("include=parts.nothing", "KP110", "?include"),
        ("sort=serial", "KP110", "?sort"),
        ("sort=rank", "KP110", "?sort"),
        ("group=serial", "KP110", "?group"),
        ("max=serial", "KP110", "?max"),
        ("count=serial", "KP110", "?count"),
        # names that are none
        ("=1", "KP155", "?"),
        ("=", "KP155", "?"),
        (".name=1", "KP155", "?.name"),
        ("name.=1", "KP155", "?name."),
        ("holder..name=1", "KP155", "?holder..name"),
        ("1=1", "KP155", "?1"),
        ("-name=1", "KP155", "?-name"),
        ("name%20=1", "KP155", "?name "),
        ("name;limit=1", "KP155", "?name;limit"),
        ("name[=1", "KP155", "?name["),
        ("name]=1", "KP155", "?name]"),
        ("[ge]=1", "KP155", "?[ge]"),
        ("name[ge][x]=1", "KP155", "?name[ge][x]"),
        ("name[ge]x=1", "KP155", "?name[ge]x"),
        ("name%255Bge%255D=1", "KP155", "?name%5Bge%5D"),
        (".".join(["kin"] * 40) + "=1", "KP155", None),
        # operators
        ("name[]=1", "KP158", "?name[]"),
        ("name[GE]=1", "KP158", "?name[GE]"),
        ("name[ge ]=1", "KP158", "?name[ge ]"),
        ("name[$ne]=1", "KP158", "?name[$ne]"),
        ("name[like]=1", "KP158", "?name[like]"),
        ("name[__class__]=1", "KP158", "?name[__class__]"),
        ("name[0]=1", "KP158", "?name[0]"),
        ("real[ge]=true", "KP114", "?real[ge]"),
        ("weight[contains]=1", "KP114", "?weight[contains]"),
        ("data=1", "KP114", "?data"),
        ("tags=x", "KP114", "?tags"),
        ("spot=x", "KP114", "?spot"),
        ("name[none]=1", "KP112", "?name[none]"),
        ("name[none]=", "KP112", "?name[none]"),
        # control words
        ("limit=0", "KP157", "?limit"),
        ("limit=-1", "KP157", "?limit"),
        ("limit=1000000000", "KP157", "?limit"),
        ("limit=1001", "KP157", "?limit"),
        ("limit=" + "9" * 5000, "KP157", "?limit"),
        ("limit=", "KP157", "?limit"),
        ("limit=1.0", "KP157", "?limit"),
        ("limit=1e1", "KP157", "?limit"),
        ("limit=0x1", "KP157", "?limit"),
        ("limit=01", "KP157", "?limit"),
        ("limit=%2B1", "KP157", "?limit"),
        ("limit=1_0", "KP157", "?limit"),
        ("limit= 1", "KP157", "?limit"),
        ("limit=1%20", "KP157", "?limit"),
        ("limit=1%0a", "KP157", "?limit"),
        ("limit=1;offset=1", "KP157", "?limit"),
        ("limit=%D9%A1", "KP157", "?limit"),
        ("limit=%EF%BC%91", "KP157", "?limit"),
        ("offset=-1", "KP157", "?offset"),
        ("offset=-0", "KP157", "?offset"),
        ("offset=1000001", "KP157", "?offset"),
        ("offset=9223372036854775808", "KP157", "?offset"),
        ("fields=name,,count", "KP157", "?fields"),
        ("fields=,", "KP157", "?fields"),
        ("fields=*", "KP157", "?fields"),
        ("fields=name%20", "KP157", "?fields"),
        ("include=.", "KP157", "?include"),
        ("include=parts..relic", "KP157", "?include"),
        ("sort=--name", "KP157", "?sort"),
        ("sort=%2Bname", "KP157", "?sort"),
        ("sort=-", "KP157", "?sort"),
        ("sort=name desc", "KP157", "?sort"),
        ("sort=" + ",".join(["name"] * 9), "KP115", "?sort"),
        ("sort=parts.number", "KP111", "?sort"),
        ("sort=data", "KP114", "?sort"),
        ("count=nothing at all", "KP157", "?count"),
        ("group=", "KP157", "?group"),
        ("group=parts.number", "KP111", "?group"),
        ("group=data", "KP116", "?group"),
        ("sum=name", "KP116", "?sum"),
        ("avg=made", "KP116", "?avg"),
        ("min=grade", "KP116", "?min"),
        ("count=*&sort=name", "KP159", "?sort"),
        ("group=name&include=parts", "KP159", "?include"),
        ("group=name&count=exact", "KP159", "?count"),
        ("after=x&offset=1", "KP159", "?offset"),
        # what is read twice would be something else the second time
        ("name=%2500", None, None),
        ("limit=%2531", "KP157", "?limit"),
        ("%6Cimit=0", "KP157", "?limit"),
        ("name=%00", "KP154", None),
        ("%00=1", "KP154", None),
        ("name=%FF", "KP154", None),
        ("name=%C0%AF", "KP154", None),
        ("name=%ED%A0%80", "KP154", None),
        ("name=%F8%88%80%80%80", "KP154", None),
        ("%FF=1", "KP154", None),
    ],
)  # fmt: skip
async def test_what_is_no_question(siege: Siege, query: str, code: str | None, pointer: str | None) -> None:
    if code is None:
        await siege.ben("GET", f"/api/relics?{quote(query, safe='%=&[];,')}", status=(200, 400))
    else:
        await refused(siege, quote(query, safe="%=&[];,"), code, pointer)


@pytest.mark.parametrize(
    "word",
    [
        "where",
        "q",
        "include",
        "fields",
        "sort",
        "limit",
        "after",
        "offset",
        "count",
        "group",
        "sum",
        "name",
        "name[ge]",
        "holder.name",
        "nothing",
    ],
)
async def test_a_parameter_is_given_once(siege: Siege, word: str) -> None:
    """Of two values one would count, and which is a guess that a proxy may make otherwise."""
    for second in (quote(word), "".join(f"%{byte:02x}" for byte in word.encode()), word.replace("[", "%5b")):
        for values in (("1", "1"), ("1", "2"), ("", "")):
            query = f"{quote(word)}={values[0]}&{second}={values[1]}"
            await refused(siege, query, "KP156", f"?{word}")


async def test_parameters_between_which_there_is_nothing(siege: Siege) -> None:
    whole = (await siege.ben("GET", "/api/relics", status=200)).body
    for query in ("", "&", "&&&", "&" * 90):
        assert (await siege.ben("GET", f"/api/relics?{query}", status=200)).body == whole
    assert (await siege.ben("GET", "/api/relics?name", status=200)).json["items"] == []  # "" is a value


async def test_a_plus_is_a_space_and_a_percent_code_what_it_says(siege: Siege) -> None:
    names = ("a b", "a+b", "a%2Bb", "a%20b", "á", "a\u0301")
    for name in names:
        await siege.ben("POST", "/api/relics", {"name": name}, status=201)
    for query, wanted in (
        ("a+b", "a b"), ("a%20b", "a b"), ("a%2Bb", "a+b"), ("a%252Bb", "a%2Bb"), ("a%2520b", "a%20b"),
        ("%C3%A1", "á"), ("a%CC%81", "a\u0301"),
    ):  # fmt: skip
        found = await siege.ben("GET", f"/api/relics?name={query}&fields=name", status=200)
        assert [each["name"] for each in found.json["items"]] == [wanted]
    found = await siege.ben("GET", f"/api/relics?name[in]={quote(','.join(names))}&fields=name", status=200)
    assert sorted(each["name"] for each in found.json["items"]) == sorted(names)


async def test_more_parameters_than_are_read(siege: Siege) -> None:
    await refused(siege, "&".join(f"a{number}=1" for number in range(101)), "KP153", None)
    await refused(siege, "&" * 5_000, "KP153", None)
    await refused(siege, "name=" + "a" * 66_000, "KP153", None, status=414)
    await siege.ben("GET", "/api/relics?name=" + "a" * 65_000, status=200)


async def test_an_empty_list_of_fields_is_an_empty_object(siege: Siege) -> None:
    """SQLite once got a SELECT of nothing."""
    for path in ("relics", "sittings", "coins", "seats", "echoes"):
        whole = (await siege.ben("GET", f"/api/{path}?limit=3", status=200)).json["items"]
        items = (await siege.ben("GET", f"/api/{path}?fields=&limit=3", status=200)).json["items"]
        assert items == [{}] * len(whole)
    assert (await siege.ben("GET", "/api/sittings/A%2C1,0,2026-05-01?fields=", status=200)).json == {}


@pytest.mark.parametrize("depth", [9, 20, 31, 32, 400])
async def test_includes_and_fields_have_a_depth(siege: Siege, depth: int) -> None:
    path = ".".join(["parts.relic"] * depth)[: depth * 6].rstrip(".")
    for word in ("include", "fields"):
        reply = await siege.ben("GET", f"/api/relics?{word}={path}", status=(400, 422))
        assert reply.json["type"] in ("/problems/KP120", "/problems/KP157")
        assert reply.pointers == [f"?{word}"]


async def test_long_names_are_not_compared_with_all_there_are(siege: Siege) -> None:
    long = "a" * 60_000
    for query in (f"{long}=1", f"include={long}", f"name[{long}]=1", f"where={long[:9_000]}", f"fields={long}"):
        await siege.ben("GET", f"/api/relics?{query}", status=400)
    await siege.ben("GET", f"/api/relics/{siege.treasure.relic.id}?{long}=1", status=400)


async def test_what_is_read_on_some_rows_only_is_said_to_be(siege: Siege) -> None:
    """It was once unknown in these words: there is no field 'mentor', did you mean 'mentor'?"""
    reply = await siege.ben("GET", "/api/members?where=mentor.name%20==%20'x'", status=400)
    assert "on some rows only" in reply.json["detail"], reply.body
