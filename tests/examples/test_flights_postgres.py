"""The flights over PostgreSQL: loaded by changing an address, and with the same pages to the byte."""

from __future__ import annotations

import re
from pathlib import Path

from starlette.testclient import TestClient

from tests.examples.flights_data import FLIGHTS, load
from tests.examples.test_flights import PAGES, data, database, flights

__all__ = ["data", "database", "flights"]  # fixtures


def test_postgresql_gives_the_same_pages(flights: TestClient, data: Path, postgres_url: str) -> None:
    from examples.flights.app import create

    done = load(data, postgres_url)
    assert done.returncode == 0, done.stderr
    assert f"{FLIGHTS:,} rows of Flight: {FLIGHTS:,} created" in done.stdout
    assert load(data, postgres_url).stdout == ""
    places = [
        *PAGES,
        "/api/flights?include=airline,destination,plane,weather&limit=100&fields=number,speed,airline.name",
    ]
    with TestClient(create(postgres_url)) as other:
        for place in places:
            expected, found = flights.get(place), other.get(place)
            assert found.status_code == expected.status_code == 200, place
            # A cursor holds the instant at which it was made.
            assert _apart(found.text) == _apart(expected.text), place


def _apart(text: str) -> str:
    return re.sub(r'(after=|"next":")[\w-]+', r"\1", text)
