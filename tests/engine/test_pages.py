"""Walking through lists by cursor, whatever the key and the order: every row once, in one order, on every store."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from typing import Any

import pytest

from kingpost import App, Invalid, as_system
from kingpost.testing import Client
from tests.fleet import Airport, Duty, Flight, Part, Pilot, Plane, Seat, fleet


@pytest.fixture
async def airline(store_url: str) -> AsyncIterator[App]:
    """Some of everything: keys made of relations, references that dangle, and rows that lead nowhere."""
    app = fleet(store_url)
    await app.start()
    await app.sync()
    with as_system("test"):
        edi, syy = Airport(code="EDI", name="Edinburgh"), Airport(code="SYY", name="Stornoway", height=9)
        planes = [Plane(number=number, seats=number * 10) for number in (1, 2)]
        pilots = [Pilot(name=name) for name in "ab"]
        for row in (edi, syy, *planes, *pilots):
            await row.save()
        for number in range(7):
            origin = syy if number % 3 else edi
            flight = Flight(carrier="KP" if number % 2 else "QQ", number=number, origin=origin)
            flight.plane = (None, *planes, Plane(number=9, seats=1))[number % 4]
            await flight.save()
            for place in range(number % 4):
                await Seat(flight=flight, row=place, sold=place % 2 == 0).save()
            await Duty(pilot=pilots[number % 2], flight=flight, hours=number % 3).save()
        parts = [Part(name=f"part {number}", weight=None if number % 3 else float(number % 2)) for number in range(9)]
        for number, part in enumerate(parts):
            part.parent = parts[number // 3] if number > 2 else None
            await part.save()
    yield app
    await app.stop()


async def walk(client: Client, path: str, limit: int, **params: str) -> list[dict[str, Any]]:
    """All rows, page after page."""
    found: list[dict[str, Any]] = []
    while True:
        answer = await client.get(path, params={"limit": str(limit), **params})
        assert answer.status_code == 200, answer.text
        page = answer.json()
        assert len(page["items"]) <= limit
        found += page["items"]
        if page["next"] is None:
            return found
        params["after"] = page["next"]


@pytest.mark.parametrize(("path", "sort"), [
    ("seats", ""), ("seats", "-flight"), ("seats", "sold,-flight,row"), ("seats", "flight.origin,row"),
    ("flights", ""), ("flights", "plane"), ("flights", "-plane"), ("flights", "-plane,origin"),
    ("flights", "plane.seats"), ("flights", "-origin.height,-number"),
    ("duties", "flight"), ("duties", "-pilot,flight"), ("duties", "flight.plane"),
    ("duties", "-flight.plane,hours"), ("parts", "parent"), ("parts", "-parent,weight"), ("parts", "-weight"),
    ("parts", "weight,-name"), ("parts", "parent.parent,-weight"),
])  # fmt: skip
async def test_a_walk_meets_every_row_once_and_in_order(airline: App, path: str, sort: str) -> None:
    client = Client(airline)
    params = {"sort": sort} if sort else {}
    (whole,) = [(await client.get(f"/api/{path}", params={"limit": "1000", **params})).json()["items"]]
    assert len(whole) > 6
    for limit in (1, 2, 3, len(whole)):
        assert await walk(client, f"/api/{path}", limit, **params) == whole, limit


async def test_code_walks_through_pages_too(airline: App) -> None:
    query = Seat.where(lambda s: s.sold).sort("-row").limit(2)
    page = await query.page()
    found = page.items
    while page.next is not None:
        page = await query.after(page.next).page()
        found += page.items
    assert found == await Seat.where(lambda s: s.sold).sort("-row")
    assert len(found) == 6


async def test_a_page_behind_a_cursor_is_explained_as_it_is_answered(airline: App) -> None:
    query = Seat.all().sort("-row").limit(2)
    page = await query.page()
    assert page.next is not None
    first, behind = await query.explain(), await query.after(page.next).explain()
    assert len(behind) > len(first)  # in the words of any store: the condition that it goes on by
    assert first == await query.explain()
    with pytest.raises(Invalid):
        await Seat.all().sort("row").after(page.next).explain()


async def test_rows_alone_are_asked_for_without_one_more(airline: App) -> None:
    """Only a page has to know whether more rows follow."""
    with as_system("test"):
        query = Seat.all().sort("row").limit(2)
        rows, page = await query, await query.page()
        behind = await query.after(page.next or "")
    assert rows == page.items
    assert len(behind) == 2
    assert not any(row in rows for row in behind)
    assert re.search(r"limit\W+2\b", (await query.explain()).lower())
