"""Queries that differ in values only share one shape; what one means does not depend on what was asked before it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kingpost.base.errors import KingpostError
from kingpost.doors.rest.query import Questions
from kingpost.doors.rest.settings import RestSettings

NAMES = [
    *("title", "author.name", "hours[ge]", "hours%5Bge%5D", "hours[none]", "hours[non%65]", "hours%5bnone%5d"),
    *("%68ours", "include", "%69nclude", "include%73", "sort", "limit", "after", "offset", "q", "where", "count"),
    *("hours[in]", "title[", "a+b", ""),
]
VALUES = ["1", "2", "true", "author", "title", "-title", "a%20b", "a+b", "%ff", "%00", "hours>1", "exact", "*", ""]
names, values = st.sampled_from(NAMES), st.sampled_from(VALUES)
queries = st.lists(st.tuples(names, values, st.booleans()), max_size=4).map(
    lambda parts: "&".join(f"{name}={value}" if equal else name for name, value, equal in parts).encode()
)


def meaning(questions: Questions, query: bytes, *, many: bool) -> object:
    try:
        question = questions.ask("Topic", query, many=many)
    except KingpostError as error:
        return type(error), error.code, [detail.pointer for detail in error.details]
    read = question.read
    conditions = [(type(one), getattr(one, "path", None), getattr(one, "value", None)) for one in read.conditions]
    rest = {name: value for name, value in vars(read).items() if name not in ("conditions", "lifted", "asked")}
    return conditions, rest, question.kind, dict(question.given), question.onward, question.limited


@given(st.lists(st.tuples(queries, st.booleans()), min_size=2, max_size=6))
def test_a_question_means_what_it_means_when_asked_first(asked: list[tuple[bytes, bool]]) -> None:
    warm = Questions(RestSettings())
    for query, many in asked:
        assert meaning(warm, query, many=many) == meaning(Questions(RestSettings()), query, many=many)


@pytest.mark.parametrize(
    ("one", "other"),
    [(b"title=a", b"title=b"), (b"hours[ge]=1&sort=title", b"hours[ge]=2&sort=title"), (b"after=x", b"after=y")],
)
def test_values_are_no_part_of_the_shape(one: bytes, other: bytes) -> None:
    questions = Questions(RestSettings())
    first, second = (questions.ask("Topic", query, many=True) for query in (one, other))
    assert first.read.shape is second.read.shape
    assert first.onward != second.onward or one.startswith(b"after")
