"""Answers are compared by what they say, not by how it is written."""

from __future__ import annotations

import json
from typing import Any

import pytest

from bench.equal import Unequal, content, difference

KEY = "0151faa9-a2c0-795e-a8ba-6d2beba42ef4"


def answered(body: Any, status: int = 200, media: str = "application/json") -> tuple[int, str, str]:
    return status, media, body if isinstance(body, str) else json.dumps(body)


def test_instants_order_of_members_and_of_tags_do_not_matter() -> None:
    first = {"id": KEY, "at": "2026-01-31T12:00:00Z", "tags": [{"id": "b"}, {"id": "a"}]}
    second = {"tags": [{"id": "a"}, {"id": "b"}], "at": "2026-01-31T12:00:00.000Z", "id": KEY}
    assert difference(content("one", answered(first)), content("one", answered(second))) == ""


def test_the_cursor_of_the_next_page_does_not_matter() -> None:
    with_cursor = content("flat", answered({"items": [], "next": "abc"}))
    assert difference(with_cursor, content("flat", answered({"items": []}))) == ""


@pytest.mark.parametrize(
    ("first", "second", "words"),
    [
        ({"items": [{"a": 1}]}, {"items": [{"a": 2}]}, "/items/0/a is 1 in one and 2 in the other"),
        ({"items": [{"a": 1}]}, {"items": [{"a": True}]}, "/items/0/a is 1 in one and True in the other"),
        ({"items": [{"a": 1}]}, {"items": [{"b": 1}]}, r"/items/0 has \['a'\] in one and \['b'\] in the other"),
        ({"items": [{"a": 1}]}, {"items": []}, "/items has 1 members in one and 0 in the other"),
        ({"items": [{"a": 1}, {"a": 2}]}, {"items": [{"a": 2}, {"a": 1}]}, "/items/0/a is 1 in one"),
        (
            {"items": [{"at": "2026-01-31T12:00:00Z"}]},
            {"items": [{"at": "2026-01-31T12:00:00+00:00"}]},
            "/items/0/at is datetime",
        ),
    ],
)
def test_a_difference_is_told_with_its_place(first: Any, second: Any, words: str) -> None:
    found = difference(content("list_author", answered(first)), content("list_author", answered(second)))
    assert found
    with pytest.raises(AssertionError, match=words):
        raise AssertionError(found)


def test_created_rows_have_keys_of_their_own() -> None:
    first = content("create", answered({"id": KEY, "title": "x"}, 201))
    second = content("create", answered({"id": KEY.replace("0", "1"), "title": "x"}, 201))
    assert difference(first, second) == ""
    with pytest.raises(Unequal, match="without the key"):
        content("create", answered({"title": "x"}, 201))
    with pytest.raises(Unequal, match="answered 202"):
        content("create", answered({"id": KEY}, 202))


def test_pages_are_the_same_however_they_are_indented_and_escaped() -> None:
    first = "<ul>\n  <li>It&#39;s &amp; so on</li>\n</ul>"
    second = "<ul><li>It&#x27;s &amp; so on</li></ul>\n"
    other = "<ul><li>It is &amp; so on</li></ul>\n"
    said = [content("page", answered(text, media="text/html")) for text in (first, second, other)]
    assert difference(said[0], said[1]) == ""
    assert difference(said[0], said[2])


def test_the_wrong_kind_of_answer_is_none() -> None:
    with pytest.raises(Unequal, match="text/plain"):
        content("hello", answered("{}", media="text/plain"))
    with pytest.raises(Unequal, match="application/json"):
        content("page", answered({}))


def test_what_pocketbase_says_is_put_into_shape() -> None:
    about = {"collectionId": "pbc_1", "collectionName": "x"}
    record = {**about, "id": KEY, "published_at": "2026-01-31 12:00:00.000Z", "author": "a", "tags": ["t"]}
    record["expand"] = {"author": {**about, "id": "a", "name": "Ada"}, "tags": [{**about, "id": "t", "name": "wood"}]}
    plain = {"id": KEY, "published_at": "2026-01-31T12:00:00Z", "author": {"id": "a", "name": "Ada"}}
    plain["tags"] = [{"id": "t", "name": "wood"}]
    assert content("sqlite_list", answered({"items": [record], "page": 1})) == content(
        "sqlite_list", answered({"items": [plain]})
    )
