"""Values that code gives: of keywords, of factories, of instances. Each is checked; what is wrong is said in words."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from typing import Any
from uuid import UUID

import pytest

from kingpost import (
    App,
    Conflict,
    DeclarationError,
    Invalid,
    NotFound,
    Rejected,
    Resource,
    anyone,
    as_system,
    field,
    now,
)
from kingpost.language.refusals import LanguageError
from kingpost.testing import Client

NAIVE = datetime(2026, 1, 1)
AWARE = datetime(2026, 1, 1, tzinfo=UTC)
CODE = "JFK"


class State(Enum):
    PLANNED = "planned"
    GONE = "gone"


class Mood(Enum):
    PLANNED = "planned"


class Airport(Resource, read=anyone, write=anyone):
    faa: str = field(key=True, max_length=3)


class Leg(Resource, read=anyone, write=anyone):
    origin: Airport = field(key=True)
    number: int = field(key=True)


class Stop(Resource, read=anyone, write=anyone):
    leg: Leg | None = None


class Flight(Resource, read=anyone, write=anyone):
    destination: Airport
    at: datetime
    seats: int = 100
    price: Decimal = field(default=Decimal("1.00"), max_digits=8, decimal_places=2)
    weight: float = 1.5
    late: bool = False
    day: date = date(2026, 1, 1)
    gate: time = time(12, 30)
    taken: timedelta = timedelta(hours=1)
    state: State = State.PLANNED
    note: str = "it's"


MADE: dict[str, Callable[[], Any]] = {}


class Draft(Resource, read=anyone, write=anyone):
    due: datetime = field(default_factory=lambda: MADE["due"]())
    size: int = field(default_factory=lambda: MADE["size"](), ge=1)
    airport: Airport = field(default_factory=lambda: MADE["airport"]())
    seen_by: list[Airport] = field(default_factory=list, through="Sight")


class Sight(Resource, read=anyone, write=anyone):
    draft: Draft
    airport: Airport


@pytest.fixture
async def client(store_url: str) -> AsyncIterator[Client]:
    MADE.update(due=now, size=lambda: 3, airport=lambda: Airport(faa="JFK"))
    resources = [Airport, Leg, Stop, Flight, Draft, Sight]
    app = App("values", resources=resources, stores={"main": store_url}, secret=b"t")
    async with Client(app) as client:
        await app.sync()
        with as_system("rows to ask about"):
            airport = Airport(faa="JFK")
            await airport.save()
            leg = Leg(origin=airport, number=7)
            await leg.save()
            await Stop(leg=leg).save()
            await Flight(destination=airport, at=AWARE).save()
        yield client


REFUSED: dict[str, tuple[str, object, str]] = {
    "KL307 at=datetime(2026, 1, 1, tzinfo=UTC)": ("at", NAIVE, "what Flight.at was given can't be used: it has no"),
    "KL301 at=datetime(2026, 1, 1, tzinfo=UTC)": (
        "at",
        "2026-01-01T00:00:00Z",
        "Flight.at is datetime and was given str",
    ),
    "KL301 day=date(2026, 1, 1)": ("day", NAIVE, "Flight.day is date and was given datetime: never equal"),
    "KL301 gate=time(12, 30)": ("gate", timedelta(hours=1), "Flight.gate is time and was given timedelta"),
    "KL301 taken=timedelta(hours=1)": ("taken", 3600, "Flight.taken is timedelta and was given int"),
    "KL301 seats=3": ("seats", "100", "Flight.seats is int and was given str: never equal"),
    "KL309 seats=3": ("seats", 2.5, "Flight.seats is int and was given a float"),
    "KL309 price=Decimal('12.50')": ("price", 1.0, "Flight.price is Decimal(8, 2) and was given a float"),
    "KL301 late=True": ("late", 2, "Flight.late is bool and was given int"),
    "KL308 state=State.…": ("state", "lost", "not one of 'planned', 'gone'"),
    "KL301 state=State.…": ("state", Mood.PLANNED, "Flight.state is State and was given Mood"),
    "KL301 destination='…'": ("destination", 3, "Flight.destination is Airport and was given int"),
    "KL301 lambda row: row.destination in values": ("destination", ["JFK"], "was given a list"),
}


@pytest.mark.parametrize("written", REFUSED)
async def test_a_keyword_is_given_what_the_member_can_never_be(client: Client, written: str) -> None:
    name, value, words = REFUSED[written]
    code, _, remedy = written.partition(" ")
    with pytest.raises(LanguageError) as caught:
        await Flight.where(**{name: value})
    assert f"{code} " in str(caught.value)
    assert words in str(caught.value)
    assert f"Write: Flight.where({remedy})" in str(caught.value)


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("seats", 2**70, "its value is beyond 64 bits"),
        ("note", "\0", "its value holds NUL"),
        ("destination", "\ud800", "its value holds NUL or a lone surrogate"),
        ("weight", float("nan"), "its value is nan"),
        ("id", "x", "Flight.id is UUID and was given text that is no UUID"),
    ],
)
async def test_a_value_from_outside_that_no_row_can_hold_is_the_fault_of_the_request(
    client: Client, name: str, value: object, words: str
) -> None:
    with pytest.raises(Invalid) as caught:
        await Flight.where(**{name: value})
    assert caught.value.code == "KP112"
    assert words in caught.value.message


async def test_a_row_is_named_by_a_row_of_the_relation_or_its_key(client: Client) -> None:
    leg = await Leg.where(number=7).one()
    assert len(await Stop.where(leg=leg)) == len(await Stop.where(leg=("JFK", 7))) == 1
    for value, words in ((("JFK",), "2 members, and was given 1"), (("JFK", "7"), "Stop.leg is Leg and was given str")):
        with pytest.raises(LanguageError) as caught:
            await Stop.where(leg=value)
        assert words in str(caught.value)
        assert "Write: Stop.where(leg=('…', 3))" in str(caught.value)
    with pytest.raises(LanguageError, match=r"Stop.leg is Leg and was given Airport: never equal"):
        await Stop.where(leg=Airport(faa="JFK"))


async def test_what_is_equal_in_python_is_equal_in_the_store(client: Client) -> None:
    flight = await Flight.where(at=AWARE).one()
    equal: dict[str, tuple[object, ...]] = {
        "id": (flight.id, str(flight.id), UUID(str(flight.id))),
        "at": (AWARE, AWARE.astimezone()),
        "seats": (100, Decimal(100)),
        "price": (Decimal("1.00"), Decimal("1.000"), 1),
        "weight": (1.5,),
        "late": (False, 0),
        "state": (State.PLANNED, "planned"),
        "destination": ("JFK", flight.destination),
    }
    for name, values in equal.items():
        for value in values:
            assert await Flight.where(**{name: value}).count() == 1, (name, value)
    for name, other in {"price": Decimal("1.001"), "weight": 2, "state": State.GONE, "destination": "LAX"}.items():
        assert await Flight.where(**{name: other}).count() == 0, name


async def test_the_key_of_a_row_is_named_as_it_is_called(client: Client) -> None:
    for condition, written in (
        (lambda f: f.destination == "JFK", "f.destination.faa == 'JFK'"),
        (lambda f: f.destination == CODE, "f.destination.faa == CODE"),
        (lambda f: f.destination == 3, "f.destination.faa == '3'"),
        (lambda f: f.destination in ("JFK", "LAX"), "f.destination.faa == 'JFK'"),
        ("destination == 'JFK'", "destination.faa == 'JFK'"),
    ):
        with pytest.raises(Exception, match="KL301") as caught:
            await Flight.where(condition)
        assert str(caught.value).endswith(f"Write: {written}")
    with pytest.raises(LanguageError) as refused:
        await Stop.where(lambda s: s.leg == 7)  # type: ignore[comparison-overlap]  # pyright: ignore
    assert str(refused.value).endswith("Write: s.leg.origin.faa == … and s.leg.number == …")


WRONG: dict[str, tuple[Callable[[], Any], str, str]] = {
    "due": (lambda: NAIVE, "made datetime.datetime(2026, 1, 1, 0, 0), and the value must have a time zone", "=now)"),
    "size": (lambda: "3", "made '3', and the value must be a whole number", "what the member admits"),
    "airport": (lambda: 3, "made 3, and the value must be text", "what the member admits"),
}


@pytest.mark.parametrize("name", WRONG)
async def test_what_a_factory_makes_is_checked(client: Client, name: str) -> None:
    made = await client.post("/api/drafts", json={})
    assert made.status_code == 201
    assert made.json()["airport"] == {"faa": "JFK"}
    MADE[name], words, remedy = WRONG[name]
    with pytest.raises(DeclarationError) as caught:
        await client.post("/api/drafts", json={})
    assert f"KM209 Draft.{name}: the default_factory {words}" in str(caught.value)
    assert f"{name}: " in str(caught.value).split("KM209")[1].splitlines()[1]  # the line of the declaration
    assert remedy in str(caught.value)
    assert await Draft.where().count() == 1


async def test_bounds_hold_for_factories(client: Client) -> None:
    MADE["size"] = lambda: 0
    with pytest.raises(DeclarationError, match="made 0, and the value must be at least 1"):
        await client.post("/api/drafts", json={})


async def test_an_instance_is_checked_when_it_is_saved(client: Client) -> None:
    MADE["due"] = lambda: NAIVE
    for instance, words in (
        (Draft(), "This Draft is not accepted: /due must have a time zone"),
        (Flight(destination="JFK", at=NAIVE, seats="3"), "/at must have a time zone; /seats must be a whole number"),  # type: ignore[arg-type]  # pyright: ignore
    ):
        with pytest.raises(Rejected) as caught:
            await instance.save()
        assert words in str(caught.value)


async def test_the_first_and_the_only_row_are_of_the_rows_that_are_asked_for(client: Client) -> None:
    await Airport(faa="LAX").save()
    assert await Airport.all().limit(0).first() is None
    assert await Airport.all().sort("-faa").limit(1).one() == Airport(faa="LAX")
    with pytest.raises(NotFound):
        await Airport.all().limit(0).one()
    with pytest.raises(Conflict):
        await Airport.all().limit(5).one()
