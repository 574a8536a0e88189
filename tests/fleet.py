"""A domain of odd shapes: natural and composite keys, links with data, dangling references, tenants, mixins."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from typing import Any
from uuid import UUID

from kingpost import App, FrozenClock, Resource, action, actor, anyone, authenticated, computed, field, index, unique

AT = datetime(2026, 5, 1, 12, tzinfo=UTC)


class Grade(Enum):
    captain = "c"
    first_officer = "f"


class Dated:
    """A mixin."""

    entered: date = field(default=date(2026, 1, 1))


class Organisation(Resource, read=anyone):
    name: str = field(max_length=80)


class Person(Resource, read=anyone):
    name: str = field(max_length=80)
    organisation: Organisation | None = None


class Note(Resource, Dated, tenant="organisation", read=authenticated, write=authenticated):
    text: str = field(max_length=80)
    organisation: Organisation
    author: Person | None = field(default=actor, readonly=True)
    secret: str = field(default="", max_length=20, writeonly=True)
    once: int = field(default=0, once=True)

    @action
    @classmethod
    async def create(cls, new: Note) -> Note:
        new.text = new.text.strip()
        await new.save()
        return new

    @action
    async def update(self) -> None:
        self.text = self.text.strip()

    @action
    def shout(self, mark: str = "!") -> str:
        self.text = self.text.upper() + mark
        return self.text

    @action
    @classmethod
    async def total(cls, least: int = 0) -> int:
        return await cls.where(lambda n: len(n.text) >= least).count()


class Airport(Resource, read=anyone, write=anyone):
    code: str = field(key=True, max_length=3)
    name: str = field(max_length=80)
    height: int | None = None


class Plane(Resource, read=anyone, write=anyone):
    number: int = field(key=True)
    seats: int


class Flight(Resource, key=("carrier", "number"), read=anyone, write=anyone):
    carrier: str = field(max_length=2)
    number: int
    origin: Airport
    plane: Plane | None = field(default=None, constrained=False)
    delay: timedelta | None = None
    leaves: time = time(8, 30)
    seats: list[Seat] = field(inverse="flight")

    constraints = [index("origin", where=lambda f: f.delay is not None)]

    @computed
    def sold(self) -> int:
        return sum(1 for s in self.seats if s.sold)

    @computed
    def income(self) -> Decimal:
        return sum(s.price for s in self.seats)


class Seat(Resource, key=("flight", "row"), read=anyone, write=anyone):
    flight: Flight = field(on_delete="cascade")
    row: int
    sold: bool = False
    price: Decimal = field(default=Decimal("10"), max_digits=6, decimal_places=2)


class Pilot(Resource, read=anyone, write=anyone):
    name: str = field(max_length=80)
    grade: Grade = Grade.captain
    badge: UUID | None = None
    photo: bytes = b""
    flights: list[Flight] = field(through="Duty")
    friends: list[Pilot] = field(default_factory=list)


class Duty(Resource, read=anyone, write=anyone):
    pilot: Pilot
    flight: Flight
    hours: int = 1

    constraints = [unique("pilot", "flight")]


class Part(Resource, read=anyone, write=anyone):
    name: str = field(max_length=80)
    parent: Part | None = None
    parts: list[Part] = field(inverse="parent")
    weight: float | None = None


RESOURCES = (Organisation, Person, Note, Airport, Plane, Flight, Seat, Pilot, Duty, Part)


def fleet(url: str, **options: Any) -> App:
    """The domain on one store."""
    stores = {"main": url}
    return App("fleet", resources=RESOURCES, stores=stores, actor=Person, clock=FrozenClock(AT), secret=b"t", **options)
