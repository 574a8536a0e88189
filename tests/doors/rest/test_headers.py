"""Request headers are read as their standards say."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kingpost.base.errors import Invalid
from kingpost.doors.rest.formats import CSV, HTML, JSON, NDJSON, OFFERED, WITH_PAGES
from kingpost.doors.rest.headers import (
    collect,
    idempotency_key,
    known,
    media_type,
    negotiate,
    tags,
    versions,
    wants_minimal,
)

BROWSER = b"text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"


@pytest.mark.parametrize(
    ("accept", "media"),
    [
        (b"", JSON),
        (b"*/*", JSON),
        (b"application/json", JSON),
        (b"APPLICATION/JSON; charset=utf-8", JSON),
        (b"application/*", JSON),
        (b"text/*", CSV),
        (b"text/csv", CSV),
        (b"application/x-ndjson", NDJSON),
        (b"application/json;q=0.5, text/csv", CSV),
        (b"application/json;q=0.5, text/csv;q=0.4", JSON),
        (b"*/*, application/json;q=0", NDJSON),
        (b"application/*;q=0.1, application/json;q=0, */*", CSV),
        (b"text/html, application/json;q=0.1", JSON),
        (BROWSER, JSON),
        (b"text/html", None),
        (b"image/png", None),
        (b"application/json;q=0", None),
        (b"nonsense", None),
        (b"application/json;q=abc", None),
        (b"text/csv;q=1.000;header=absent", CSV),
    ],
)
def test_accept_chooses(accept: bytes, media: str | None) -> None:
    assert negotiate(accept, OFFERED) == media


def test_pages_are_chosen_where_there_are_any() -> None:
    assert negotiate(BROWSER, WITH_PAGES) == HTML
    assert negotiate(b"*/*", WITH_PAGES) == JSON
    assert negotiate(b"text/html, application/json", WITH_PAGES) == JSON


@given(st.binary(max_size=60))
def test_no_header_breaks_the_reader(value: bytes) -> None:
    assert negotiate(value, OFFERED) in (*OFFERED, None)
    media_type(value)
    wants_minimal(value)
    known(value, b'"x"')
    for read in (lambda: versions(value), lambda: idempotency_key(value)):
        with contextlib.suppress(Invalid):
            read()


def test_entity_tags() -> None:
    assert tags("If-Match", b'"a", W/"b" ,"c,d"') == [(False, "a"), (True, "b"), (False, "c,d")]
    assert tags("If-Match", b" * ") is None
    for bad in (b"", b"a", b'"a" "b"', b'"a', b"*, *"):
        with pytest.raises(Invalid):
            tags("If-Match", bad)


def test_if_match_compares_versions_strongly() -> None:
    assert versions(b'"3-abc"') == {3}
    assert versions(b'"3-abc", "4-d"') == {3, 4}
    assert versions(b"*") is None
    assert versions(b'W/"3-abc"') == set()
    assert versions(b'"foreign"') == set()
    assert versions('"³-a"'.encode("latin-1")) == set()


def test_if_none_match_compares_weakly() -> None:
    assert known(b'"3-abc"', b'"3-abc"')
    assert known(b'W/"3-abc", "x"', b'"3-abc"')
    assert known(b'"d"', b'W/"d"')
    assert known(b"*", b'"3-abc"')
    assert not known(b'"4-abc"', b'"3-abc"')
    assert not known(b"nonsense", b'"3-abc"')


def test_prefer() -> None:
    assert wants_minimal(b"return=minimal")
    assert wants_minimal(b'respond-async, Return="minimal"; foo=bar')
    assert not wants_minimal(b"return=representation, return=minimal")
    assert not wants_minimal(b"")


def test_idempotency_keys() -> None:
    assert idempotency_key(b'"8e03978e-40d5"') == "8e03978e-40d5"
    assert idempotency_key(b"8e03978e-40d5") == "8e03978e-40d5"
    assert idempotency_key(rb'"a\"b\\c"') == 'a"b\\c'
    for bad in (b"", b'""', b"a b", b'"' + b"x" * 256 + b'"', b'"a', b"\xff"):
        with pytest.raises(Invalid):
            idempotency_key(bad)


def test_lines_of_one_name_are_joined() -> None:
    assert collect([(b"accept", b"a"), (b"x", b"1"), (b"accept", b"b")]) == {b"accept": b"a, b", b"x": b"1"}
