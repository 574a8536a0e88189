"""What pages say of all flights together: two questions to the database, added up here in several ways."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from examples.flights.models import Airline, Airport, Flight

MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
)  # fmt: skip
FATES = ("cancelled", "delayed")


@dataclass
class Figure:
    """Some flights: how many there were, were cancelled and arrived late, and by how many minutes they left late."""

    name: str
    key: Any = None
    flights: int = 0
    cancelled: int = 0
    late: int = 0
    minutes: int = 0

    @property
    def delay(self) -> float | None:
        """At departure, on average of those that left."""
        left = self.flights - self.cancelled
        return self.minutes / left if left else None

    @property
    def late_share(self) -> float:
        return self.late / self.flights if self.flights else 0.0

    @property
    def cancelled_share(self) -> float:
        return self.cancelled / self.flights if self.flights else 0.0

    def add(self, group: Mapping[str, Any]) -> None:
        """Count a group of an answer in."""
        self.flights += group["count"]
        self.minutes += group["sum_dep_delay"] or 0
        self.cancelled += group["count"] if group["cancelled"] else 0
        self.late += group["count"] if group["delayed"] else 0


@dataclass
class Year:
    """All flights, and by month and by hour of the planned departure."""

    all: Figure
    months: list[Figure]
    hours: list[Figure]


async def year() -> Year:
    """Ask for the flights of each month and hour, and what became of them."""
    groups = await Flight.all().group("month", "hour", *FATES, count=True, sum="dep_delay")
    whole = Figure("All flights")
    for group in groups:
        whole.add(group)
    return Year(
        whole,
        _added(groups, "month", lambda key: MONTHS[key - 1]),
        _added(groups, "hour", lambda key: f"{key}:00"),
    )


class Routes:
    """Who flies from where to where, most flights first."""

    def __init__(self, groups: list[dict[str, Any]], airlines: Mapping[str, str], airports: Mapping[str, str]) -> None:
        self._groups = groups
        self._names = {"airline": airlines, "origin": airports, "destination": airports}

    def by(self, member: str, **equal: str) -> list[Figure]:
        """`by("airline", origin="JFK")`: the figures of each airline, of its flights from there."""
        wanted = (group for group in self._groups if all(group[name] == value for name, value in equal.items()))
        names = self._names[member]
        # What dangles is called by its key.
        return sorted(_added(wanted, member, lambda key: names.get(key, key)), key=lambda one: -one.flights)


async def routes() -> Routes:
    """Ask for the flights of each airline on each way, and what became of them."""
    groups = await Flight.all().group("airline", "origin", "destination", *FATES, count=True, sum="dep_delay")
    airlines = {one.carrier: one.name for one in await Airline.all()}
    airports = {one.faa: one.name for one in await Airport.all()}
    return Routes(groups, airlines, airports)


@dataclass(frozen=True)
class Gap:
    """Flights that refer to something of which the data say nothing."""

    what: str
    flights: int


async def gaps() -> list[Gap]:
    """Count the flights whose references dangle: they name a row, and no value of it is found."""
    every = Flight.all()
    named = Flight.where(lambda flight: flight.plane is not None)
    plane = Flight.where(lambda flight: flight.plane is not None and flight.plane.engines >= 0)
    place = Flight.where(lambda flight: flight.destination.name >= "")
    hour = Flight.where(lambda flight: flight.weather is not None and flight.weather.visib >= 0)
    flights = await every.count()
    with_number = await named.count()
    return [
        Gap("Flights whose plane is known by its number only", with_number - await plane.count()),
        Gap("Flights with no number of a plane", flights - with_number),
        Gap("Flights to an airport that is known by its letters only", flights - await place.count()),
        Gap("Flights that left in an hour whose weather nobody recorded", flights - await hour.count()),
    ]


def _added(groups: Iterable[Mapping[str, Any]], by: str, name: Callable[[Any], str]) -> list[Figure]:
    found: dict[Any, Figure] = {}
    for group in groups:
        key = group[by]
        if key not in found:
            found[key] = Figure(name(key), key)
        found[key].add(group)
    return [found[key] for key in sorted(found)]
