"""Errors become RFC 9457 problems, and each kind has a page."""

from __future__ import annotations

import json
import logging
import re
from pathlib import Path

import pytest

import kingpost
from kingpost.base import errors
from kingpost.doors.rest.codes import CODES
from kingpost.doors.rest.problem import Refused, crash, explanation, explanations, problem

SOURCE = Path(kingpost.__file__).parent


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        (errors.Invalid, 400),
        (errors.Unauthenticated, 401),
        (errors.Forbidden, 403),
        (errors.NotFound, 404),
        (errors.Conflict, 409),
        (errors.Stale, 412),
        (errors.Rejected, 422),
        (errors.Unsupported, 422),
        (errors.Unavailable, 503),
    ],
)
def test_each_error_has_its_status(kind: type[errors.KingpostError], status: int) -> None:
    answer = problem(kind("KP157", "words", [errors.Detail("/a", "KP157", "more")]))
    assert answer.status == status
    assert json.loads(answer.body or b"") == {
        "type": "/problems/KP157",
        "title": kind.title,
        "status": status,
        "detail": "words",
        "errors": [{"pointer": "/a", "code": "KP157", "message": "more"}],
    }
    told = dict(answer.headers)
    assert told[b"content-type"] == b"application/problem+json"
    assert (b"www-authenticate" in told) == (status == 401)
    assert (b"retry-after" in told) == (status == 503)


def test_errors_of_http_alone() -> None:
    answer = problem(Refused(405, "KP151", "no", headers=[(b"allow", b"GET")]))
    assert answer.status == 405
    assert (b"allow", b"GET") in answer.headers
    assert json.loads(answer.body or b"")["title"] == "Method not allowed"


def test_a_name_that_is_no_text_does_not_break_the_problem() -> None:
    assert json.loads(problem(errors.Invalid("KP157", "bad \ud800")).body or b"")["status"] == 400


def test_an_unforeseen_error_tells_an_id_and_nothing_else(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR):
        answer = crash(RuntimeError("the password is 1234"), "GET /x")
    body = json.loads(answer.body or b"")
    assert b"1234" not in (answer.body or b"")
    assert body["status"] == 500
    id = body["instance"].removeprefix("urn:uuid:")
    assert id in caplog.text
    assert "1234" in caplog.text
    assert dict(answer.headers)[b"x-request-id"].decode() == id


def test_every_code_that_can_be_answered_is_explained() -> None:
    """The rooms behind this door raise these; people look up what they mean."""
    used = set()
    for room in ("doors", "engine", "plan", "model"):
        for path in (SOURCE / room).rglob("*.py"):
            if room == "model" and path.name not in ("inputs.py", "faults.py"):
                continue  # what is wrong in a declaration never reaches a client
            # A `Problem` is what an application is refused for, before there are clients.
            used |= set(re.findall(r'(?<!Problem\()"(KP[1-9]\d\d)"', path.read_text()))
    for path in (SOURCE / "stores").rglob("*.py"):
        used |= set(re.findall(r'Unsupported\(\s*"(KP\d{3})"', path.read_text()))
    assert sorted(used - CODES.keys()) == []
    assert all(code.title and code.text for code in CODES.values())


def test_pages() -> None:
    page = (explanation(CODES["KP171"]).body or b"").decode()
    assert CODES["KP171"].title in page
    every = (explanations().body or b"").decode()
    assert all(f'href="/problems/{code}"' in every for code in CODES)
