"""Paths lead to targets by one look-up; keys are read by their types."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kingpost.base.errors import NotFound
from kingpost.doors.rest.keys import key_text
from kingpost.doors.rest.route import Routes, Target
from kingpost.model.build import build
from tests.doors.rest.domain import RESOURCES, User

ID = "01936f2e-8a4b-7c1d-9e2f-3a4b5c6d7e8f"


@pytest.fixture(scope="module")
def routes() -> Routes:
    return Routes(build(RESOURCES, {"main"}, User), "/api")


def target(routes: Routes, path: str, method: str = "GET") -> Target:
    found = routes.entry(path)
    assert found is not None
    return routes.target(*found, method)


def test_places(routes: Routes) -> None:
    assert target(routes, "/api/articles").place == "collection"
    assert target(routes, f"/api/articles/{ID}").key == (UUID(ID),)
    assert target(routes, f"/api/articles/{ID}/comments").place == "relation"
    assert target(routes, f"/api/articles/{ID}/publish", "POST").place == "row action"
    assert target(routes, "/api/articles/-/count_all", "POST").place == "collection action"
    assert target(routes, "/api/odd-things").entry.resource.name == "Thing"


@pytest.mark.parametrize(
    "path", ["/", "/api", "/apiarticles", "/api/nothing", "/api/Articles", "/api/article", "/x/articles"]
)
def test_other_paths_are_not_ours(routes: Routes, path: str) -> None:
    assert routes.entry(path) is None


@pytest.mark.parametrize(
    "rest",
    [
        "",
        "x",
        "3",
        f"{ID}x",
        f"{ID}/nothing",
        f"{ID}/_version",
        f"{ID}/comments/x",
        f"{ID}/",
        "-/publish",
        "-/nothing",
        f"{ID}/count_all",
        "%00",
        "%FF",
        "-",
    ],
)
def test_nothing_is_there(routes: Routes, rest: str) -> None:
    with pytest.raises(NotFound):
        target(routes, f"/api/articles/{rest}", "POST")


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("blue,3", ("blue", 3)),
        ("a%2Cb,3", ("a,b", 3)),
        ("blue%2C3", ("blue", 3)),
        ("a%2Fb,-3", ("a/b", -3)),
        ("%C3%BC,0", ("ü", 0)),
        ("blue", None),
        ("blue,x", None),
        ("a,b,3", None),
        ("blue,", None),
        (",3", None),
        ("a%00,3", None),
        ("blue,99999999999999999999", None),
        ("blue,1_0", None),
    ],
)
def test_composite_keys(routes: Routes, text: str, key: Any) -> None:
    entry, _ = routes.entry("/api/seats") or pytest.fail("no seats")
    assert entry.keys.read(text) == key


@given(
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1),
    st.integers(-(2**63), 2**63 - 1),
)
def test_a_written_key_is_read_back(room: str, number: int) -> None:
    routes = Routes(build(RESOURCES, {"main"}, User), "/api")
    keys = routes.table["seats"].keys
    text = keys.write((room, number))
    assert "/" not in text
    assert text.isascii()
    assert keys.read(text) == (room, number)


def test_members_of_keys_as_text() -> None:
    assert key_text(datetime(2026, 1, 2, 3, tzinfo=UTC)) == "2026-01-02T03:00:00Z"
    assert key_text(True) == "true"
    assert key_text(UUID(ID)) == ID
    assert key_text(b"\xff") == "/w=="


def test_allowed_methods(routes: Routes) -> None:
    every = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
    assert routes.allowed(target(routes, "/api/seats")) == every
    single = Routes(build(RESOURCES, {"main"}, User), "/api", bulk=False)
    assert single.allowed(target(single, "/api/seats")) == ("GET", "HEAD", "POST", "OPTIONS")
    assert routes.allowed(target(routes, f"/api/articles/{ID}/comments")) == ("GET", "HEAD", "OPTIONS")
    assert routes.allowed(target(routes, f"/api/articles/{ID}/publish")) == ("POST", "OPTIONS")


def test_the_list_of_routes(routes: Routes) -> None:
    found = {(method, path) for method, path, _ in routes.list()}
    assert ("POST", "/api/articles/{id}/publish") in found
    assert ("POST", "/api/articles/-/count_all") in found
    assert ("GET", "/api/articles/{id}/topics") in found
    assert ("DELETE", "/api/seats/{key}") in found
    assert ("PATCH", "/api/seats") in found
