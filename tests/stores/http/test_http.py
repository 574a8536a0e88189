"""What is special to APIs: what goes wrong is named, nothing else is reached, secrets stay, answers are kept."""

from __future__ import annotations

import asyncio
import gzip
import ipaddress
import json
import socket
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from email.utils import formatdate
from pathlib import Path
from typing import Any

import pytest

from kingpost import Api as Source
from kingpost import App, Cursor, DeclarationError, Link, Offset, Page, Resource, anyone, field
from kingpost.base.errors import Rejected, Unsupported
from kingpost.language.tree import Compare, Const, Expression, Field, Identity, Root, identity
from kingpost.language.types import INT, TEXT, Type
from kingpost.model.model import Model
from kingpost.plan.select import Insert, Order, Select
from kingpost.stores.contract import StoreDamaged, StoreDown
from kingpost.stores.http.address import locate
from kingpost.stores.http.cache import Answer, Cache
from kingpost.stores.http.guard import is_public
from kingpost.stores.http.pages import next_link
from kingpost.stores.http.store import HttpStore
from kingpost.stores.registry import open_store as open_any
from kingpost.stores.settings import StoreSettings
from kingpost.testing import Client
from tests.services.api import Api, Asked, Handler, Told, serving, told
from tests.stores.files.harness import one_table
from tests.stores.http.harness import row_model

SECRET = "s3cret-value"
LIST = Source(list="/rows", one="/rows/{id}", rows="items")
ROWS = [{"id": 1, "text": "a", "number": 7}, {"id": 2, "text": "b", "number": None}]


def model(source: Source = LIST, **types: Type) -> Model:
    return row_model(source, **types)


@asynccontextmanager
async def opened(
    answer: Handler, known: Model | None = None, query: str = "", **settings: float
) -> AsyncGenerator[tuple[HttpStore, Api]]:
    """A store in a server that answers so."""
    async with serving(answer) as api:
        store = HttpStore(f"{api.url}/v1{query}", known or model(), "main", StoreSettings(**settings))
        await store.start()
        try:
            yield store, api
        finally:
            await store.stop()


def of(name: str, type: Type = TEXT) -> Field:
    return Field(Root("Row"), name, type)


async def rows(store: HttpStore, where: Expression | None = None, **params: Any) -> list[Any]:
    """Keys and texts, by key."""
    asked = Select("Row", (of("id", INT), of("text")), where, (Order(of("id", INT)),))
    return list(await store.fetch(store.prepare(asked), params))


async def fault(answer: Handler, known: Model | None = None, query: str = "", **settings: float) -> str:
    """The words of what goes wrong."""
    async with opened(answer, known, query, **settings) as (store, api):
        with pytest.raises(StoreDown) as caught:
            await rows(store)
        words = str(caught.value).replace(api.url, "API")
    assert SECRET not in words
    return words


def items(*found: dict[str, Any]) -> Told:
    return told({"items": list(found)})


def status(number: int, **headers: str) -> Callable[[Asked], Told]:
    return lambda asked: told({"error": SECRET}, number, **headers)


def writes(*parts: bytes, pause: float = 0) -> Callable[[Asked], Told]:
    """An answer byte by byte."""

    async def raw(writer: asyncio.StreamWriter) -> None:
        for part in parts:
            writer.write(part)
            await writer.drain()
            await asyncio.sleep(pause)

    return lambda asked: Told(raw=raw)


# ------------------------------------------------------------------------------------------------------ hostile answers


async def test_an_error_of_the_server_is_tried_again_and_named() -> None:
    async with opened(status(500)) as (store, api):
        with pytest.raises(StoreDown, match=r"/v1/rows answers 500 \(3 tries\)"):
            await rows(store)
        assert len(api.asked) == 3


async def test_what_passes_is_not_noticed() -> None:
    answers = [status(503), writes(b"HTTP/1.1 200 OK\r\nContent-Le"), lambda asked: items(*ROWS)]
    async with opened(lambda asked: answers.pop(0)(asked)) as (store, _):
        assert await rows(store) == [(1, "a"), (2, "b")]


async def test_html_is_no_answer() -> None:
    page = Told(b"<html>", 200, {"Content-Type": "text/html; charset=utf-8"})
    words = await fault(lambda asked: page)
    assert words == "API/v1/rows answers 'text/html', not JSON: is it the address of the API?"


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b'{"items": [', "is not JSON, from byte 11 of 11 on"),
        (b'{"items": [NaN]}', "is not JSON: there is no NaN"),
        (b'{"items": [], "items": [1]}', "the member 'items' is given twice"),
        (b'{"items": [{"id": 1, "text": "a", "id": 2}]}', "the member 'id' is given twice"),
        (b"\xff\xfe", "not UTF-8"),
        (b"[" * 100_000, "too deep"),
        (b"", "is not JSON, from byte 0 of 0 on"),
        (b'{"item": []}', "has no array of rows at items; rows= of the source says where"),
        (b'{"items": {"a": 1}}', "has no array of rows at items"),
        (b'{"items": [1]}', "row 0, /items/0, is no object"),
        (b'{"items": [{"id": "1", "text": "a"}]}', "row 0, /items/0/id: id is not a whole number"),
        (b'{"items": [{"id": 1, "text": "a"}, {"id": 2}]}', "row 1, /items/1/text: text is not there, and is not opt"),
        (b'{"items": [{"id": 1, "text": null}]}', "row 0, /items/0/text: text is empty"),
        (b'{"items": [{"id": 1.5, "text": "a"}]}', "row 0, /items/0/id: id is not a whole number"),
        (b'{"items": [{"id": true, "text": "a"}]}', "row 0, /items/0/id: id is not a whole number"),
        (b'{"items": [{"id": 9223372036854775808, "text": "a"}]}', "row 0, /items/0/id: id does not fit into 64 bits"),
        (b'{"items": [{"id": 1, "text": "\\ud800"}]}', "row 0, /items/0/text: text has a character"),
        (b'{"items": [{"id": 1, "text": "a"}, {"id": 1, "text": "b"}]}', "two rows of the same id (page 1)"),
        (b'{"items": [{"id": 1, "text": "a"}, {"id": 1, "text": "a"}]}', "two rows of the same id (page 1)"),
    ],
)
async def test_what_does_not_fit_is_named(body: bytes, words: str) -> None:
    said = await fault(lambda asked: Told(body, 200, {"Content-Type": "application/json"}))
    assert words in said
    assert said.startswith("API/v1/rows ")


async def test_a_path_inside_of_rows_is_named() -> None:
    known = model(replace(LIST, rows=(), names={"text": "name.of.it", "number": ("a.b",)}))
    said = await fault(lambda asked: told([{"id": 1, "name": {"of": {"it": 5}}}]), known)
    assert said.endswith("row 0, /0/name/of/it: text is not a text")
    async with opened(lambda asked: told([{"id": 1, "name": {"of": {"it": "x"}}, "a.b": 3}]), known) as (store, _):
        assert await rows(store, Compare("==", of("number", INT.maybe()), Const(3, INT))) == [(1, "x")]


async def test_a_slow_answer_is_given_up() -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n"
    loop = asyncio.get_running_loop()
    began = loop.time()
    said = await fault(writes(head, *[b" "] * 1000, pause=0.05), statement=0.4)
    assert said == "API/v1 did not answer all within 0.4 s; ?statement= in the address of the store allows for more"
    assert loop.time() - began < 2


async def test_who_never_answers_is_given_up() -> None:
    said = await fault(writes(b"", pause=30), statement=0.4)
    assert "did not answer" in said


async def test_an_endless_answer_is_cut_off() -> None:
    async def raw(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n[")
        while True:
            writer.write(b" " * 65536)
            await writer.drain()

    said = await fault(lambda asked: Told(raw=raw), query="?megabytes=1")
    assert said.startswith("API/v1/rows answers more than 1 MB; fewer rows a page, or ?megabytes=")


async def test_what_unpacks_to_much_is_cut_off() -> None:
    bomb = gzip.compress(b" " * 50_000_000)
    packed = Told(bomb, 200, {"Content-Type": "application/json", "Content-Encoding": "gzip"})
    assert len(bomb) < 100_000
    assert "more than 1 MB" in await fault(lambda asked: packed, query="?megabytes=1")


async def test_packed_answers_are_read() -> None:
    packed = gzip.compress(json.dumps({"items": ROWS}).encode())
    answer = Told(packed, 200, {"Content-Type": "application/json", "Content-Encoding": "gzip"})
    async with opened(lambda asked: answer) as (store, _):
        assert await rows(store) == [(1, "a"), (2, "b")]
    broken = Told(b"no gzip", 200, {"Content-Type": "application/json", "Content-Encoding": "gzip"})
    assert "not gzip" in await fault(lambda asked: broken)
    cut = Told(packed[:-9], 200, {"Content-Type": "application/json", "Content-Encoding": "gzip"})
    assert "only in part" in await fault(lambda asked: cut)
    other = Told(packed, 200, {"Content-Type": "application/json", "Content-Encoding": "br"})
    assert "in the coding 'br'" in await fault(lambda asked: other)


async def test_an_unreachable_server_is_named() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        store = HttpStore(f"http://127.0.0.1:{taken.getsockname()[1]}", model(), "main")
        await store.start()
        try:
            with pytest.raises(StoreDown, match="can't be connected to"):
                await rows(store)
        finally:
            await store.stop()


async def test_what_is_no_http_is_named() -> None:
    assert "speaks no HTTP" in await fault(writes(b"220 mail.example.org ESMTP\r\n"))


async def test_cancelling_leaves_nothing_behind() -> None:
    async with opened(writes(b"", pause=30)) as (store, _):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.2):
                await rows(store)
        assert len(asyncio.all_tasks()) <= 3  # the test's own, the server and its one connection


# ------------------------------------------------------------------------------------------------------------ redirects


async def test_it_is_followed_within_the_api() -> None:
    def answer(asked: Asked) -> Told:
        if asked.path == "/v1/rows":
            return told({}, 308, Location="/v2/rows?x=1")
        return items(*ROWS)

    async with opened(answer) as (store, api):
        assert await rows(store) == [(1, "a"), (2, "b")]
        assert api.paths == ["/v1/rows", "/v2/rows"]


async def test_another_place_on_this_machine_is_not_reached() -> None:
    async with serving(lambda asked: items(*ROWS)) as inside:
        said = await fault(status(302, Location=f"{inside.url}/admin"))
        assert inside.asked == []
    assert "is 127.0.0.1, which is no part of the public internet" in said
    assert "?allow=127.0.0.1" in said


@pytest.mark.parametrize(
    "host", ["localhost", "[::1]", "[::ffff:127.0.0.1]", "0.0.0.0", "169.254.169.254", "10.0.0.1", "2130706433"]
)
async def test_no_spelling_of_a_private_address_is_reached(host: str) -> None:
    said = await fault(status(302, Location=f"http://{host}:9/admin"))
    assert "is no part of the public internet" in said


async def test_what_is_allowed_is_reached_without_the_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RATES_TOKEN", SECRET)
    async with serving(lambda asked: items(*ROWS)) as other:
        there = status(307, Location=f"{other.url}/rows")
        async with opened(there, query="?allow=127.0.0.0/8&secret=RATES_TOKEN") as (store, api):
            assert await rows(store) == [(1, "a"), (2, "b")]
            assert api.asked[0].headers["authorization"] == f"Bearer {SECRET}"
        assert "authorization" not in other.asked[0].headers
        assert SECRET not in str(other.asked[0])


async def test_a_circle_ends() -> None:
    assert "is sent in a circle" in await fault(status(302, Location="/v1/rows"))
    steps = iter(range(100))
    said = await fault(lambda asked: told({}, 302, Location=f"/{next(steps)}"))
    assert "is sent on more than 5 times" in said


@pytest.mark.parametrize("target", ["file:///etc/passwd", "gopher://127.0.0.1", "http://a:b:c/"])
async def test_it_is_sent_on_to_http_only(target: str) -> None:
    assert "no address of HTTP" in await fault(status(302, Location=target))


# -------------------------------------------------------------------------------------------------------------- secrets


async def test_a_wrong_secret_is_named_by_its_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RATES_TOKEN", SECRET)
    said = await fault(status(401), query="?secret=RATES_TOKEN")
    assert said == "API/v1/rows answers 401: it does not take the secret in the environment variable RATES_TOKEN"
    assert "it wants a secret; ?secret=NAME" in await fault(status(401))


async def test_a_header_of_ones_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RATES_TOKEN", SECRET)
    async with opened(lambda asked: items(*ROWS), query="?secret=RATES_TOKEN&header=X-Api-Key") as (store, api):
        await rows(store)
        assert api.asked[0].headers["x-api-key"] == SECRET
        assert "authorization" not in api.asked[0].headers


@pytest.mark.parametrize(("value", "words"), [(None, "is not set"), ("a\r\nX: b", "has characters that a header")])
async def test_a_secret_that_can_not_be_sent(monkeypatch: pytest.MonkeyPatch, value: str | None, words: str) -> None:
    monkeypatch.delenv("RATES_TOKEN", raising=False)
    if value is not None:
        monkeypatch.setenv("RATES_TOKEN", value)
    store = HttpStore("http://127.0.0.1:9?secret=RATES_TOKEN", model(), "main")
    with pytest.raises(StoreDown, match=f"the environment variable RATES_TOKEN.*{words}"):
        await store.start()


# ------------------------------------------------------------------------------------------------------ too many, later


async def test_it_waits_as_it_is_told() -> None:
    answers = [status(429, Retry_After="1"), lambda asked: items(*ROWS)]
    loop = asyncio.get_running_loop()
    async with opened(lambda asked: answers.pop(0)(asked)) as (store, _):
        began = loop.time()
        assert await rows(store) == [(1, "a"), (2, "b")]
        assert loop.time() - began >= 1


async def test_it_does_not_wait_for_long() -> None:
    async with opened(status(429, Retry_After="3600")) as (store, api):
        with pytest.raises(StoreDown, match=r"answers 429: we ask too often.*it asks to wait for 3600 s"):
            await rows(store)
        assert len(api.asked) == 1
    later = formatdate(4_000_000_000, usegmt=True)
    assert "it asks to wait for" in await fault(status(503, Retry_After=later))
    assert "(3 tries)" in await fault(status(503, Retry_After="soon"))


# ---------------------------------------------------------------------------------------------------------------- cache


async def test_answers_are_kept_as_long_as_they_hold() -> None:
    async with opened(lambda asked: told({"items": ROWS}, Cache_Control="max-age=60")) as (store, api):
        assert await rows(store) == await rows(store)
        assert len(api.asked) == 1
    for control in ("no-store", "no-cache", "max-age=0"):
        async with opened(lambda asked, says=control: told({"items": ROWS}, Cache_Control=says)) as (store, api):
            assert await rows(store) == await rows(store)
            assert len(api.asked) == 2
    async with opened(lambda asked: items(*ROWS), query="?fresh=60") as (store, api):
        assert await rows(store) == await rows(store)
        assert len(api.asked) == 1


async def test_what_has_not_changed_is_not_sent_again() -> None:
    def answer(asked: Asked) -> Told:
        if asked.headers.get("if-none-match") == '"7"':
            return Told(b"", 304, {"ETag": '"7"'})
        return told({"items": ROWS}, ETag='"7"')

    async with opened(answer) as (store, api):
        assert await rows(store) == await rows(store) == [(1, "a"), (2, "b")]
        assert [one.headers.get("if-none-match") for one in api.asked] == [None, '"7"']


def test_the_cache_is_bounded() -> None:
    now = [0.0]
    cache = Cache(0, room=1000, clock=lambda: now[0])
    for number in range(20):
        cache.keep(Answer(200, {"cache-control": "max-age=10"}, b"x" * 100, str(number)))
    assert cache.find("9") is None
    assert cache.find("10") is not None
    now[0] = 11
    assert cache.find("19") is None
    cache.keep(Answer(200, {"cache-control": "max-age=10"}, b"x" * 300, "large"))
    assert cache.find("large") is None
    cache.keep(Answer(200, {"cache-control": "max-age=10", "age": "10"}, b"x", "old"))
    assert cache.find("old") is None
    cache.keep(Answer(200, {"cache-control": "max-age=10", "vary": "*"}, b"x", "varies"))
    assert cache.find("varies") is None


# ---------------------------------------------------------------------------------------------------------------- pages


def paged(page: Any) -> Model:
    return model(replace(LIST, page=page))


async def test_a_missing_page_is_told() -> None:
    def answer(asked: Asked) -> Told:
        return items({"id": 1, "text": "a"}) if asked.query["page"] == "1" else told({}, 404)

    said = await fault(answer, paged(Page()))
    assert said == "API/v1/rows is not there (404): page 2 is missing, and what came before is not all"


async def test_fewer_rows_than_there_are_is_told() -> None:
    def answer(asked: Asked) -> Told:
        return told({"items": ROWS if asked.query["offset"] == "0" else [], "total": 3})

    assert "has 3 rows, and gave 2: a page is missing" in await fault(answer, paged(Offset(total="total")))
    said = await fault(lambda asked: told({"items": ROWS, "total": "2"}), paged(Offset(total="total")))
    assert "has no number of rows at total" in said


async def test_a_parameter_that_is_not_known_to_the_api_is_told() -> None:
    said = await fault(lambda asked: items(*ROWS), paged(Page("seite")))
    assert "gives page 2 as it gave one before: see that page= of the source of Row names the right" in said


async def test_a_row_that_slips_to_the_next_page_is_one() -> None:
    pages = {"1": ROWS, "2": [ROWS[1], {"id": 3, "text": "c"}], "3": []}
    async with opened(lambda asked: items(*pages[asked.query["page"]]), paged(Page())) as (store, _):
        assert await rows(store) == [(1, "a"), (2, "b"), (3, "c")]
    pages["2"][0] = {"id": 2, "text": "other"}
    assert "two rows of the same id (page 2)" in await fault(
        lambda asked: items(*pages[asked.query["page"]]), paged(Page())
    )


async def test_pages_without_an_end_are_told() -> None:
    said = await fault(lambda asked: told({"items": [], "next": "same"}), paged(Cursor(parameter="after")))
    assert "names a next page that was read already" in said
    said = await fault(lambda asked: told({"items": [], "next": {"a": 1}}), paged(Cursor(parameter="after")))
    assert "has no cursor at next" in said
    numbers = iter(range(10_000))
    said = await fault(
        lambda asked: told({"items": [], "next": f"/v1/rows?a={next(numbers)}"}, Cache_Control="no-store"),
        paged(Cursor()),
    )
    assert "has more than 1000 pages" in said


@pytest.mark.parametrize("target", ["http://127.0.0.1:1/rows", "//example.org/rows", "file:///rows", "http://u:p@h/"])
async def test_pages_stay_in_the_api(target: str) -> None:
    said = await fault(lambda asked: told({"items": ROWS, "next": target}), paged(Cursor()))
    assert "goes on at another place" in said
    said = await fault(lambda asked: told({"items": ROWS}, Link=f"<{target}>; rel=next"), paged(Link()))
    assert "goes on at another place" in said


@pytest.mark.parametrize(
    ("header", "target"),
    [
        ("", None),
        ("</a>; rel=next", "/a"),
        ('</a>; rel="next"', "/a"),
        ('</a>; rel="prev", </b?x=1,2>; title="a, <c>; rel=next"; rel="last next"', "/b?x=1,2"),
        ('</a>;rel="nextish", </b> ; REL = "NEXT"', "/b"),
        ("</a>", None),
        ("/a; rel=next", None),
    ],
)
def test_link_headers(header: str, target: str | None) -> None:
    assert next_link(header) == target


# ------------------------------------------------------------------------------------------------------ what is asked


async def test_what_the_api_takes_is_asked_of_it_and_looked_at_again() -> None:
    known = model(replace(LIST, where={"text": "q"}, query={"format": "full"}))
    async with opened(lambda asked: items(*ROWS), known) as (store, api):
        is_b = Compare("==", of("text"), Const("b", TEXT))
        assert await rows(store, is_b) == [(2, "b")]
        assert api.asked[-1].query == {"format": "full", "q": "b"}
        assert await rows(store, Compare(">", of("text"), Const("a", TEXT))) == [(2, "b")]
        assert api.asked[-1].query == {"format": "full"}
        text = store.prepare(Select("Row", (of("id", INT),), is_b)).text
        assert text.endswith("/v1/rows?format&q, at most 10000 rows")


async def test_one_row_is_read_alone() -> None:
    known = model(replace(LIST, row="row"), id=TEXT, text=TEXT)
    held = {"a/b": {"id": "a/b", "text": "x"}, "é?#": {"id": "é?#", "text": "y"}}

    def answer(asked: Asked) -> Told:
        if asked.path == "/v1/rows":
            return items({"id": "..", "text": "up"}, *held.values())
        found = {"/v1/rows/a%2Fb": "a/b", "/v1/rows/%C3%A9%3F%23": "é?#"}.get(asked.path)
        return told({"row": held[found]}) if found else told({}, 404)

    own: Identity = identity(Root("Row"))
    async with opened(answer, known) as (store, api):
        for key, found in (("a/b", [("a/b",)]), ("é?#", [("é?#",)]), ("none", []), ("..", [("..",)]), ("", [])):
            prepared = store.prepare(Select("Row", (of("id"),), Compare("==", own, Const(key, TEXT))))
            assert await store.fetch(prepared, {}) == found
        assert api.paths[-2:] == ["/v1/rows", "/v1/rows"]  # what would lead elsewhere is not put into a path


async def test_an_answer_about_another_row_is_none() -> None:
    async with opened(lambda asked: told({"id": 5, "text": "a"})) as (store, _):
        own: Identity = identity(Root("Row"))
        assert await rows(store, Compare("==", own, Const(4, INT))) == []


async def test_too_many_rows_are_refused() -> None:
    many = [{"id": number, "text": "a"} for number in range(10_001)]
    async with opened(lambda asked: items(*many), model(replace(LIST, where={"text": "q"}))) as (store, _):
        with pytest.raises(Rejected, match=r"KP125 more than 10000 rows of Row .* filter by text"):
            await rows(store)


async def test_without_a_list_there_are_single_rows() -> None:
    async with opened(lambda asked: told(ROWS[0]), model(Source(one="/rows/{id}"))) as (store, _):
        with pytest.raises(Unsupported, match="KP304 the API gives single rows of Row only"):
            await rows(store)
        assert await rows(store, Compare("==", identity(Root("Row")), Const(1, INT))) == [(1, "a")]


async def test_nothing_is_written() -> None:
    async with opened(lambda asked: items(*ROWS)) as (store, api):
        with pytest.raises(Unsupported, match="only read"):
            await store.write([Insert("Row", ("id", "text"), [(3, "c")])])
        with pytest.raises(Unsupported, match="no transactions"):
            async with store.transaction():
                pass
        assert api.asked == []


async def test_differences_are_told() -> None:
    async with opened(lambda asked: items({"id": 1})) as (store, _):
        (change,) = await store.compare()
        assert change.kind == "refuse"
        assert "Row: http://127.0.0.1" in change.text
    async with opened(lambda asked: items(*ROWS)) as (store, _):
        assert await store.compare() == []


# --------------------------------------------------------------------------------------------------------- declarations


@pytest.mark.parametrize(
    "url",
    [
        "https://",
        "https://user:pass@api.example.org",
        "https://api.example.org:port",
        "https://api.example.org/a b",
        "https://api.example.org#x",
        "https://api.example.org?secret=a-b",
        "https://api.example.org?header=a:b",
        "https://api.example.org?allow=everything",
        "https://api.example.org?megabytes=many",
        "https://api.example.org?x=1",
        "http://api.example.org?secret=TOKEN",
    ],
)
def test_addresses_that_mean_nothing_are_refused(url: str) -> None:
    with pytest.raises(DeclarationError, match="KP311") as caught:
        HttpStore(url, model(), "main")
    assert "pass@" not in str(caught.value)


@pytest.mark.parametrize(
    ("source", "words"),
    [
        (Source(), "neither list nor one"),
        (Source(list="rows"), "is no path"),
        (Source(list="//elsewhere"), "is no path"),
        (Source(list="/a/../b"), "is no path"),
        (Source(list="/rows/{id}"), "list has no members in braces"),
        (Source(one="/rows/{text}"), "reads one row by text, which is not its key"),
        (Source(one="/rows"), "reads one row by nothing"),
        (Source(one="/rows/{id}", page=Page()), "page is of list"),
        (Source(list="/rows", names={"nam": "a"}), "names nam, which is no field"),
        (Source(list="/rows", where={"nam": "a"}), "a parameter for nam"),
    ],
)
def test_sources_that_can_not_be_are_refused(source: Source, words: str) -> None:
    with pytest.raises(DeclarationError, match=words):
        HttpStore("https://api.example.org", model(source), "main")


def test_a_resource_without_a_source_is_refused() -> None:
    with pytest.raises(DeclarationError, match="KP313 nothing says where in the API the rows of Row are"):
        HttpStore("https://api.example.org", one_table(text=TEXT), "main")


def test_a_source_in_another_store_is_refused() -> None:
    with pytest.raises(DeclarationError, match="KP313 Row has a source, and its store main is no HTTP API"):
        open_any("memory:", model(), "main")


def test_rules_for_writing_are_refused() -> None:
    class Rate(Resource, read=anyone, write=anyone, source=Source(list="/rates")):
        code: str = field(key=True)

    with pytest.raises(DeclarationError, match="KP313 Rate has a rule for create, and rows of an API are only read"):
        App("rates", resources=[Rate], stores={"main": "https://api.example.org"})


def test_a_source_is_an_api() -> None:
    class Rate(Resource, source="/rates"):  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
        code: str = field(key=True)

    with pytest.raises(DeclarationError, match="KM105"):
        App("rates", resources=[Rate], stores={"main": "https://api.example.org"})


@pytest.mark.parametrize(
    ("ip", "public"),
    [
        ("8.8.8.8", True), ("2606:4700::1111", True), ("127.0.0.1", False), ("10.1.2.3", False), ("172.16.0.1", False),
        ("192.168.1.1", False), ("169.254.169.254", False), ("100.64.0.1", False), ("0.0.0.0", False),
        ("224.0.0.1", False), ("255.255.255.255", False), ("::1", False), ("::", False), ("fe80::1", False),
        ("fc00::1", False), ("ff02::1", False), ("::ffff:10.0.0.1", False), ("64:ff9b::7f00:1", False),
        ("2002:7f00:1::", False), ("64:ff9b::808:808", True),
    ],
)  # fmt: skip
def test_what_is_public(ip: str, public: bool) -> None:
    assert is_public(ipaddress.ip_address(ip)) is public


def test_only_what_is_declared_is_private() -> None:
    assert locate("http://127.0.0.1:9").names_private
    assert locate("http://localhost").names_private
    assert not locate("https://api.example.org").names_private


async def test_a_name_that_leads_inside_is_not_reached(monkeypatch: pytest.MonkeyPatch) -> None:
    """A public name whose owner lets it resolve to this machine."""
    async with serving(lambda asked: items(*ROWS)) as api:
        loop = asyncio.get_running_loop()
        asked: list[str] = []

        async def resolved(host: str, port: int, **more: Any) -> list[Any]:
            asked.append(host)
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))]

        monkeypatch.setattr(loop, "getaddrinfo", resolved)
        store = HttpStore(f"http://rates.example.org:{api.port}", model(), "main")
        await store.start()
        with pytest.raises(StoreDamaged, match=r"rates.example.org is 127.0.0.1"):
            await rows(store)
        await store.stop()
        assert api.asked == []
        assert asked == ["rates.example.org"]
        store = HttpStore(f"http://rates.example.org:{api.port}?allow=127.0.0.1", model(), "main")
        await store.start()
        assert await rows(store) == [(1, "a"), (2, "b")]
        await store.stop()
        assert api.asked[0].headers["host"] == f"rates.example.org:{api.port}"
        assert asked == ["rates.example.org"] * 2  # looked up once for each connection: what was judged is connected to


# ------------------------------------------------------------------------------------------------------------- together


async def test_an_application_over_two_stores(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    held = [{"code": code, "label": {"en": code * 2}, "country": code[0]} for code in ("AA", "AB", "BA")]

    def answer(asked: Asked) -> Told:
        if asked.path == "/v1/airlines":
            return items(*[one for one in held if asked.query.get("c", one["country"]) == one["country"]])
        found = [one for one in held if asked.path == f"/v1/airlines/{one['code']}"]
        return told(found[0]) if found else told({}, 404)

    source = Source(
        list="/airlines", one="/airlines/{code}", rows="items", names={"name": "label.en"}, where={"country": "c"}
    )

    class Airline(Resource, store="rates", read=anyone, source=source):
        code: str = field(key=True, max_length=2)
        name: str = field(max_length=80)
        country: str = field(max_length=2)

    class Flight(Resource, read=anyone, create=anyone):
        number: int
        airline: Airline

    async with serving(answer) as api:
        stores = {"main": f"sqlite:///{tmp_path}/f.db", "rates": f"{api.url}/v1"}
        app = App("flights", resources=[Airline, Flight], stores=stores)
        async with Client(app) as client:
            await app.sync()
            for number, code in enumerate(("AA", "AB", "BA", "AA")):
                made = await client.post("/api/flights", json={"number": number, "airline": {"code": code}})
                assert made.status_code == 201, made.text
            refused = await client.post("/api/flights", json={"number": 9, "airline": {"code": "ZZ"}})
            assert refused.status_code == 422
            api.asked.clear()
            found = await client.get("/api/airlines/AB")
            found_one = found.json()
            assert found_one == {"code": "AB", "name": "ABAB", "country": "A"}
            assert api.paths == ["/v1/airlines/AB"]
            api.asked.clear()
            found = await client.get("/api/airlines?country=A")
            assert [one["code"] for one in found.json()["items"]] == ["AA", "AB"]
            assert api.asked[0].query == {"c": "A"}
            found = await client.get(
                "/api/flights?include=airline&sort=-airline.name,number&fields=number,airline.name"
            )
            assert [one["number"] for one in found.json()["items"]] == [2, 1, 0, 3]
            found = await client.get("/api/flights?airline.country=B")
            assert [one["number"] for one in found.json()["items"]] == [2]
            found = await client.get("/api/flights?group=airline.country&count=*")
            assert [one["count"] for one in found.json()["items"]] == [3, 1]
            assert (await client.post("/api/airlines", json={**found_one, "code": "XX"})).status_code in (401, 403)
            assert (await client.get("/api/airlines/ZZ")).status_code == 404

            api.answer = status(500)
            down = await client.get("/api/airlines")
            assert down.status_code == 503
            assert "the store rates does not answer" in down.text
            assert (await client.get("/api/flights")).status_code == 200
            assert "/v1/airlines answers 500 (3 tries)" in caplog.text
            assert SECRET not in caplog.text + down.text
