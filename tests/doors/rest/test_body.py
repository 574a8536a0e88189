"""Bodies are bounded and decoded strictly."""

from __future__ import annotations

import asyncio
import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kingpost.base.errors import Invalid
from kingpost.doors.rest.body import MERGE_PATCH, check_type, decode, receive_body
from kingpost.doors.rest.problem import Refused

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=20,
)


@given(JSON)
def test_json_is_decoded(value: Any) -> None:
    text = json.dumps(value)
    try:
        assert decode(text.encode(), 64) == value
    except Invalid:
        assert "\\ud" in text  # a lone surrogate


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "KP162"),
        (b"{", "KP162"),
        (b"{} {}", "KP162"),
        (b'{"a":1,}', "KP162"),
        (b"NaN", "KP162"),
        (b"[Infinity]", "KP162"),
        (b"1e999", "KP162"),
        (b"9" * 5_000, "KP162"),
        (b'"\xff"', "KP162"),
        (b'"\\ud800"', "KP162"),
        (b'"\xed\xa0\x80"', "KP162"),
        (b"\xef\xbb\xbf{}", "KP162"),
        (b'{"a":1,"a":1}', "KP163"),
        (b'{"a":{"b":[{"c":1,"\\u0063":2}]}}', "KP163"),
        (b'[{"a":":"},{"x:y":1,"x:y":2}]', "KP163"),
        (b"[" * 10_000, "KP164"),
        (b"[" * 10_000 + b"]" * 10_000, "KP164"),
        (b"[" * 65 + b"]" * 65, "KP164"),
        (b'{"a":' * 10_000 + b"1" + b"}" * 10_000, "KP164"),
    ],
)
def test_what_is_not_json(body: bytes, code: str) -> None:
    with pytest.raises(Invalid) as caught:
        decode(body, 64)
    assert caught.value.code == code


def test_colons_in_text_are_no_members() -> None:
    value = {"a:b": 'c":"d', "e\\": ["::", {"f": "\\"}], "g": {}}
    assert decode(json.dumps(value).encode(), 64) == value


@pytest.mark.parametrize(
    ("body", "name", "pointer"),
    [
        (b'{"a":{"b":1,"b":2}}', "b", "/a/b"),
        (b'[{},{"a":[{"b/c":1,"b\\u002fc":2}]}]', "b/c", "/1/a/0/b~1c"),
        (b'{"":1,"":2}', "", "/"),
        (b'{"a":' + b"[" * 900 + b"]" * 900 + b',"a":1}', "a", "/a"),
    ],
)
def test_the_repeated_member_is_named(body: bytes, name: str, pointer: str) -> None:
    with pytest.raises(Invalid, match=re.escape(repr(name))) as caught:
        decode(body, 64)
    assert [(each.code, each.pointer) for each in caught.value.details] == [("KP163", pointer)]


def test_a_repeated_member_among_many_is_found_at_once() -> None:
    """The time was once that of all pairs: minutes for a body of a megabyte."""
    members = ",".join(f'"k{number}":1' for number in range(80_000))
    with pytest.raises(Invalid, match="'k0'"):
        decode(f'{{{members},"k0":2}}'.encode(), 64)


@pytest.mark.parametrize(
    ("headers", "accepted"),
    [
        ({}, False),
        ({b"content-type": b"application/json"}, True),
        ({b"content-type": b"Application/JSON; Charset=UTF-8"}, True),
        ({b"content-type": b"application/merge-patch+json"}, True),
        ({b"content-type": b"application/json; charset=latin-1"}, False),
        ({b"content-type": b"text/plain"}, False),
        ({b"content-type": b"application/x-www-form-urlencoded"}, False),
        ({b"content-type": b"application/json", b"content-encoding": b"gzip"}, False),
        ({b"content-type": b"application/json", b"content-encoding": b"identity"}, True),
    ],
)
def test_types(headers: dict[bytes, bytes], accepted: bool) -> None:
    if accepted:
        check_type(headers, (MERGE_PATCH, "application/json"))
        return
    with pytest.raises(Refused) as caught:
        check_type(headers, (MERGE_PATCH, "application/json"))
    assert caught.value.status == 415


async def test_a_long_body_is_refused_before_it_is_read() -> None:
    async def receive() -> dict[str, Any]:
        raise AssertionError("nothing should be read")

    with pytest.raises(Refused) as caught:
        await receive_body(receive, {b"content-length": b"100"}, 99)
    assert caught.value.status == 413


async def test_a_long_body_is_refused_while_it_streams() -> None:
    reads = 0

    async def receive() -> dict[str, Any]:
        nonlocal reads
        reads += 1
        return {"type": "http.request", "body": b"x" * 10, "more_body": True}

    with pytest.raises(Refused):
        await asyncio.wait_for(receive_body(receive, {}, 99), 5)
    assert reads == 10


async def test_a_body_in_too_many_pieces_is_refused() -> None:
    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b" ", "more_body": True}

    with pytest.raises(Refused) as caught:
        await asyncio.wait_for(receive_body(receive, {}, 1 << 20), 60)
    assert (caught.value.status, caught.value.code) == (413, "KP160")


async def test_a_body_that_breaks_off_is_refused() -> None:
    async def receive() -> dict[str, Any]:
        return {"type": "http.disconnect"}

    with pytest.raises(Refused) as caught:
        await receive_body(receive, {}, 99)
    assert (caught.value.status, caught.value.code) == (400, "KP167")


@pytest.mark.parametrize(
    "body",
    [
        b'{"a":1,"a":2}',
        b'{"a":1,"a" :2}',
        b'{"a":"x\\":","a":1}',
        b'{"b":{"c":"\\":"},"b"\n:1}',
        b'[{"a":1},{"a":1,"a":2}]',
    ],
)
def test_a_member_given_twice_is_found_however_it_is_written(body: bytes) -> None:
    with pytest.raises(Invalid) as caught:
        decode(body, 10)
    assert caught.value.code == "KP163"


@pytest.mark.parametrize("body", [b'{"a":"\\":"}', b'{"a" : ":", "b":{"a":"x:y"}}', b'{"\\":":1}', b'{":":1}'])
def test_colons_in_texts_are_no_members(body: bytes) -> None:
    assert decode(body, 10) == json.loads(body)
