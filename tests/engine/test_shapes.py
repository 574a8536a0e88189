"""Odd shapes of domains, the same on every store."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import date, time, timedelta
from decimal import Decimal
from uuid import UUID

import pytest
from msgspec.structs import replace

from kingpost import App, Forbidden, Invalid, NotFound, Rejected, Resource, Unauthenticated, anyone, as_system, field
from kingpost.engine.context import Context
from kingpost.engine.repeats import Idempotency
from kingpost.plan.intent import Read, SortKey
from kingpost.testing import Client
from tests.fleet import AT, Airport, Duty, Flight, Grade, Note, Organisation, Part, Person, Pilot, Plane, Seat, fleet

NOBODY = Context(None, AT)


@pytest.fixture
async def app(store_url: str) -> AsyncIterator[App]:
    """The fleet, started, its tables made."""
    app = fleet(store_url)
    await app.start()
    await app.sync()
    yield app
    await app.stop()


async def _flights() -> tuple[Flight, Flight]:
    jfk, lhr = Airport(code="JFK", name="Kennedy"), Airport(code="LHR", name="Heathrow", height=25)
    plane = Plane(number=1, seats=3)
    for row in (jfk, lhr, plane):
        await row.save()
    first = Flight(carrier="BA", number=1, origin=lhr, plane=plane, delay=timedelta(minutes=5))
    second = Flight(carrier="BA", number=2, origin=jfk, plane=Plane(number=99, seats=0), leaves=time(9, 0, 0, 5))
    for flight in (first, second):
        await flight.save()
    for number in range(3):
        await Seat(flight=first, row=number, sold=number < 2, price=Decimal("19.99")).save()
    return first, second


async def test_composite_keys(app: App) -> None:
    first, second = await _flights()
    found = await Flight.get(("BA", 1))
    assert found == first
    assert (found.delay, found.leaves) == (timedelta(minutes=5), time(8, 30))
    assert (await Flight.get(("BA", 2))).leaves == time(9, 0, 0, 5)
    full = await Flight.where(number=1).include("seats", "origin").fields("sold", "income").one()
    assert [seat.row for seat in full.seats] == [0, 1, 2]
    assert (full.sold, full.income, full.origin.name) == (2, Decimal("59.97"), "Heathrow")
    assert await Seat.where(flight=second).count() == 0
    assert await Seat.where(flight=first).count() == 3
    seat = await Seat.get(("BA", 1, 2))
    assert seat.flight == first
    seats = await Seat.where(lambda s: s.flight.origin.code == "LHR").include("flight.origin").sort("row")
    assert [s.flight.origin.name for s in seats] == ["Heathrow"] * 3


async def test_the_key_at_the_end_of_a_relation_is_a_value_too(app: App) -> None:
    await _flights()
    client = Client(app)
    for asked, numbers in {
        "origin.code=JFK": [2],
        "origin.code[ne]=JFK": [1],
        "origin.code[in]=JFK,LHR": [1, 2],
        "origin.code[startswith]=L": [1],
        "origin.code[contains]=F": [2],
        "origin.code[endswith]=R": [1],
        "origin.code[ge]=K": [1],
        "origin.code[lt]=K": [2],
        "plane.number[ge]=1": [1],
        "seats.flight.origin.code[startswith]=L": [1],
    }.items():
        answer = await client.get(f"/api/flights?{asked}&sort=number")
        assert answer.status_code == 200, (asked, answer.json())
        assert [one["number"] for one in answer.json()["items"]] == numbers, asked


async def test_deleting_cascades_where_declared(app: App) -> None:
    first, _ = await _flights()
    await first.delete()
    assert await Seat.all().count() == 0
    with pytest.raises(NotFound):
        await Flight.get(("BA", 1))


async def test_references_may_dangle_where_declared(app: App) -> None:
    await _flights()
    flights = await Flight.all().sort("number").include("plane")
    assert flights[0].plane is not None
    assert flights[0].plane.seats == 3
    assert flights[1].plane is not None  # its key is known, the row is not
    assert flights[1].plane.number == 99
    assert [f.number for f in await Flight.where("plane.seats > 0")] == [1]
    assert [f.number for f in await Flight.where("not plane.seats > 0")] == []


async def test_links_with_data_of_their_own(app: App) -> None:
    first, second = await _flights()
    ann, ben = Pilot(name="Ann", badge=UUID(int=5), photo=b"\0\xff"), Pilot(name="Ben", grade=Grade.first_officer)
    await ann.save()
    ben.friends = [ann]
    await ben.save()
    await Duty(pilot=ann, flight=first, hours=7).save()
    await Duty(pilot=ann, flight=second).save()
    pilots = await Pilot.all().sort("name").include("flights", "friends")
    assert [[f.number for f in p.flights] for p in pilots] == [[1, 2], []]
    assert [p.friends for p in pilots] == [[], [ann]]
    assert (pilots[0].grade, pilots[0].badge, pilots[0].photo) == (Grade.captain, UUID(int=5), b"\0\xff")
    assert [p.name for p in await Pilot.where("any(f.number == 2 for f in flights)")] == ["Ann"]
    assert await Pilot.where(grade=Grade.first_officer).count() == 1


async def test_trees(app: App) -> None:
    engine = Part(name="engine")
    await engine.save()
    for name in ("blade", "shaft"):
        await Part(name=name, parent=engine).save()
    whole = await Part.where(lambda p: p.parent is None).include("parts.parent").one()
    assert [(p.name, p.parent and p.parent.name) for p in whole.parts] == [("blade", "engine"), ("shaft", "engine")]
    assert [p.name for p in await Part.where(lambda p: len(p.parts) == 0).sort("-name")] == ["shaft", "blade"]


async def test_tenants_are_apart(app: App) -> None:
    with as_system("test"):
        one, two = Organisation(name="One"), Organisation(name="Two")
        ann, ben = Person(name="Ann", organisation=one), Person(name="Ben", organisation=two)
        for row in (one, two, ann, ben):
            await row.save()
    with app.acting(ann):
        note = Note(text="mine", organisation=one)
        await note.save()
        with pytest.raises(Forbidden):
            await Note(text="theirs", organisation=two).save()
        assert note.author == ann
    with app.acting(ben):
        assert await Note.all().count() == 0
        with pytest.raises(NotFound):
            await Note.get(note.id)
    assert await Note.all().count() == 0
    with pytest.raises(Unauthenticated):
        await Note(text="x", organisation=one).save()
    with as_system("look"):
        assert (await Note.all().one()).entered == date(2026, 1, 1)


async def test_operations_can_be_replaced_and_actions_called(app: App) -> None:
    with as_system("test"):
        one = Organisation(name="One")
        ann = Person(name="Ann", organisation=one)
        await one.save()
        await ann.save()
    with app.acting(ann):
        engine, context = app.engine, app.engine.context()
        repeat = Idempotency("POST /notes a", b"1")
        data = {"text": " spaced ", "organisation": (one.id,)}
        (key,) = await engine.create("Note", data, context, idempotency=repeat)
        again = Idempotency("POST /notes a", b"1")
        assert list(await engine.create("Note", data, context, idempotency=again)) == [key]
        assert [n.text for n in await Note.all()] == ["spaced"]
        await engine.update("Note", key, {"text": " other "}, context)
        assert [n.text for n in await Note.all()] == ["other"]
        with pytest.raises(Forbidden):  # no rule speaks of it
            await engine.act("Note", key, "shout", {}, context)
        with pytest.raises(Forbidden):
            await engine.act("Note", None, "total", {"least": 3}, context)
    with as_system("test"):
        context = app.engine.context()
        assert await app.engine.act("Note", key, "shout", {"mark": "?"}, context) == "OTHER?"
        assert await app.engine.act("Note", None, "total", {"least": 3}, context) == 1


async def test_pages_are_right_with_ties_and_none(app: App) -> None:
    weights = [None, 1.0, 2.0, None, 1.0, 2.0, 1.0, None, 3.0, 0.0, 1.0]
    for number, weight in enumerate(weights):
        await Part(name=f"p{number:02}", weight=weight).save()
    for sort in ((), ("weight",), ("-weight",), ("weight", "-name"), ("-weight", "name"), ("name",)):
        keys = tuple(SortKey((name.lstrip("-"),), name.startswith("-")) for name in sort)
        read = Read("Part", sort=keys, limit=None)
        whole = [item.m0 for item in (await app.engine.page(read, NOBODY)).items]
        assert len(whole) == len(weights)
        for size in (1, 2, 3, 11):
            seen, after = [], None
            while True:
                page = await app.engine.page(replace(read, limit=size, after=after), NOBODY)
                seen += [item.m0 for item in page.items]
                after = page.next
                if after is None:
                    break
            assert seen == whole, (sort, size)
    lowest = [item.m3 if hasattr(item, "m3") else None for item in (await app.engine.page(read, NOBODY)).items]
    assert len(lowest) == len(weights)


async def test_a_cursor_is_bound_to_its_question(app: App) -> None:
    for number in range(3):
        await Part(name=f"p{number}").save()
    read = Read("Part", limit=1)
    cursor = (await app.engine.page(read, NOBODY)).next
    assert cursor is not None
    for other in (replace(read, sort=(SortKey(("name",)),)), Read("Airport", limit=1)):
        with pytest.raises(Invalid, match="cursor"):
            await app.engine.page(replace(other, after=cursor), NOBODY)
    for broken in (cursor[:-2], "A" + cursor[1:], "", "é", cursor + "A"):
        with pytest.raises(Invalid, match="cursor"):
            await app.engine.page(replace(read, after=broken), NOBODY)


async def test_includes_are_bounded(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    await _flights()
    monkeypatch.setattr("kingpost.engine.reader.MAX_BATCH_ROWS", 2)
    with pytest.raises(Rejected, match="more than 2 rows"):
        await Flight.all().include("seats")
    with pytest.raises(Rejected, match="deeper"):
        await app.engine.page(Read("Part", include=(("parent",) * 20,)), NOBODY)


async def test_a_reference_can_be_sent_back_as_it_was_answered(app: App) -> None:
    class Book(Resource, read=anyone, write=anyone):
        isbn: str = field(key=True, max_length=9)

    class Copy(Resource, key=("book", "number"), read=anyone, write=anyone):
        book: Book
        number: int

    class Loan(Resource, read=anyone, write=anyone):
        copy_: Copy

    library = App("library", resources=[Book, Copy, Loan], stores={"main": "sqlite://"}, secret=b"t")
    async with Client(library) as client:
        await library.sync()
        await client.post("/api/books", json={"isbn": "97"})
        await client.post("/api/copies", json={"book": "97", "number": 1})
        made = await client.post("/api/loans", json={"copy_": {"book": {"isbn": "97"}, "number": 1}})
        assert made.status_code == 201, made.text
        row = made.json()
        again = await client.put(made.headers["location"], json={"copy_": row["copy_"]})
        assert again.status_code == 200, again.text
        assert again.json() == row
