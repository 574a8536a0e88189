"""The flights of the first days of 2013: how they are loaded, and what pages and the API say of them."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urljoin, urlsplit

import pytest
from starlette.testclient import TestClient

from examples.flights.models import Flight
from kingpost import Query
from tests.examples.flights_data import FLIGHTS, cut, load
from tests.examples.markup import read

PAGES = [
    "/", "/flights", "/flights?origin=JFK&outcome=late&sort=-dep_delay", "/flights?day=2013-01-02&airline=UA",
    "/flights/2013-01-01T10:00:00Z,UA,1545", "/flights/2013-01-01T11:00:00Z,AA,413", "/delays", "/airports",
    "/airports/JFK", "/airports/LAX", "/airports/SJU", "/airlines", "/airlines/UA", "/planes/N14228", "/planes/N3BAAA",
]  # fmt: skip
NOWHERE = [
    "/nowhere", "/flights?after=x", "/flights?sort=number", "/flights?outcome=x", "/flights?day=2013-02-30",
    "/flights?day=9999-12-31", "/flights/x", "/flights/2013-01-01T10:00:00Z,UA,1", "/flights/0001-01-01T00:00:00,UA,1",
    "/flights/2013-01-01T10:00:00Z,UA," + "9" * 30, "/airports/XXX", "/airlines/XX", "/planes/%00",
]  # fmt: skip


LISTS: list[tuple[dict[str, str], str]] = [
    ({}, "time_hour"), ({}, "-time_hour"), ({}, "-dep_delay"), ({"airline": "UA"}, "time_hour"),
    ({"destination": "LAX"}, "time_hour"), ({"plane": "N730MQ"}, "time_hour"), ({"origin": "JFK"}, "time_hour"),
    ({"origin": "JFK"}, "-dep_delay"),
]  # fmt: skip
"""What the pages list, and in which order."""


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return cut(tmp_path_factory.mktemp("data"))


@pytest.fixture(scope="module")
def database(data: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A file into which the data have been loaded."""
    path = str(tmp_path_factory.mktemp("flights") / "flights.db")
    done = load(data, path)
    assert done.returncode == 0, done.stderr
    assert f"{FLIGHTS:,} rows of Flight: {FLIGHTS:,} created" in done.stdout
    return path


@pytest.fixture(scope="module")
def flights(database: str) -> Iterator[TestClient]:
    from examples.flights.app import create

    with TestClient(create(database)) as client:
        yield client


def test_what_is_loaded_is_not_loaded_again(data: Path, database: str) -> None:
    done = load(data, database)
    assert (done.returncode, done.stdout) == (0, "")


def test_pages_are_sound_and_lead_somewhere(flights: TestClient) -> None:
    places: set[str] = set()
    for address in PAGES:
        answer = flights.get(address)
        assert answer.status_code == 200, address
        document = read(answer.text)
        assert document.problems == [], address
        assert not document.all("script"), address
        places |= {urljoin(address, link) for link in document.links if not link.startswith("#")}
    known = {place for place in places if urlsplit(place).path.count("/") == 1 or "after=" in place}
    for place in sorted(known | set(sorted(places)[::9])):
        assert flights.get(place).status_code == 200, place


@pytest.mark.parametrize("address", NOWHERE)
def test_what_is_not_there_is_told_by_a_page(flights: TestClient, address: str) -> None:
    answer = flights.get(address)
    assert answer.status_code == 404
    assert read(answer.text).problems == []


def test_a_day_is_one_of_new_york(flights: TestClient) -> None:
    page = flights.get("/flights?day=2013-01-02").text
    assert "943 flights" in page
    assert "2 Jan" in page
    assert "1 Jan<" not in page


def test_references_that_dangle_are_their_keys(flights: TestClient) -> None:
    asked = {"destination": "SJU", "include": "destination,plane", "limit": "1"}
    (found,) = flights.get("/api/flights", params=asked).json()["items"]
    assert (found["destination"], found["plane"]) == ({"faa": "SJU"}, {"tailnum": "N3BAAA"})
    assert "nothing of the airport" in flights.get("/airports/SJU").text
    assert "nothing else is known of it" in flights.get("/planes/N3BAAA").text
    assert "known by its number only" in flights.get("/").text


def test_nobody_writes(flights: TestClient) -> None:
    for method, place in (("DELETE", "airlines/UA"), ("PATCH", "airlines/UA"), ("DELETE", "planes/N14228")):
        assert flights.request(method, f"/api/{place}", json={"name": "x"}).status_code == 401
    airline = {"carrier": "ZZ", "name": "New"}
    assert flights.post("/api/airlines", json=airline).status_code == 401


def test_the_summary_by_airline_is_what_the_rows_say(flights: TestClient) -> None:
    groups = flights.get("/api/flights", params={"group": "airline", "count": "*"}).json()["items"]
    assert sum(group["count"] for group in groups) == FLIGHTS
    united = flights.get("/api/airlines/UA", params={"fields": "departures,average_delay"}).json()
    params = {"airline": "UA", "fields": "dep_delay", "limit": "1000"}
    delays = [row["dep_delay"] for row in flights.get("/api/flights", params=params).json()["items"]]
    left = [delay for delay in delays if delay is not None]
    assert united["departures"] == len(delays)
    assert united["average_delay"] == pytest.approx(sum(left) / len(left))


@pytest.mark.parametrize(("equal", "sort"), LISTS)
def test_a_page_far_down_enters_an_index_at_its_place(
    flights: TestClient, database: str, equal: dict[str, str], sort: str
) -> None:
    async def behind() -> tuple[list[Flight], str]:
        query: Query[Flight] = Flight.where(**equal).sort(sort).limit(3)
        before = await query.offset(3).page()
        assert before.next is not None
        return before.items, await query.after(before.next).explain()

    assert flights.portal is not None
    items, told = flights.portal.call(behind)
    assert len(items) == 3
    sql = "\n".join(told.splitlines()[1:])
    with sqlite3.connect(database) as connection:
        connection.create_function("kp_exact", 1, lambda value: value, deterministic=True)
        plan = [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {sql}", [1] * sql.count("?"))]
    steps = [step for step in plan if step.startswith(("SEARCH self", "SCAN self", "USE TEMP"))]
    assert steps
    assert all(step.startswith("SEARCH self USING INDEX") for step in steps), plan
    assert any(">" in step or "<" in step for step in steps), plan
