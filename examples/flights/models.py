"""What the data is about: flights, the airlines, airports and planes they name, and the weather at departure.

Names are those of the data set, so that its files load as they are; where a member is called otherwise, `column` says
what the file calls it. References that the data leaves dangling are declared with `constrained=False`.
"""

from datetime import datetime

from kingpost import Resource, anyone, computed, field, index

LATE = 15
"""Minutes from which the Federal Aviation Administration calls a flight delayed."""


class Airline(Resource, read=anyone):
    """Who flies."""

    carrier: str = field(key=True, max_length=2, help="Two letters, by IATA")
    name: str = field(max_length=80, search=True)
    flights: list["Flight"] = field(inverse="airline")

    @computed
    def departures(self) -> int:
        """Flights that were scheduled."""
        return len(self.flights)

    @computed
    def average_delay(self) -> float | None:
        """At departure, in minutes, of the flights that left."""
        left = sum(1 for flight in self.flights if flight.dep_delay is not None)
        total = sum(flight.dep_delay for flight in self.flights if flight.dep_delay is not None)
        return total / left if left > 0 else None


class Airport(Resource, read=anyone):
    """Where flights begin and end. Four destinations in the Caribbean are not among them."""

    faa: str = field(key=True, max_length=3, help="Three letters, by the Federal Aviation Administration")
    name: str = field(max_length=80, search=True)
    lat: float = field(title="Latitude")
    lon: float = field(title="Longitude")
    alt: int = field(title="Altitude", help="Feet")
    tz: int = field(title="Offset from UTC", help="Hours")
    dst: str = field(max_length=1, title="Daylight saving", help="A: as in the United States, N: none, U: not known")
    tzone: str | None = field(default=None, max_length=40, title="Time zone")
    departures: list["Flight"] = field(inverse="origin")
    arrivals: list["Flight"] = field(inverse="destination")

    @computed
    def departing(self) -> int:
        """Flights from here."""
        return len(self.departures)

    @computed
    def arriving(self) -> int:
        """Flights to here."""
        return len(self.arrivals)


class Plane(Resource, read=anyone):
    """What is known of a plane by its number on the tail."""

    tailnum: str = field(key=True, max_length=6)
    year: int | None = field(default=None, help="Of manufacture")
    type: str = field(max_length=40)
    manufacturer: str = field(max_length=40, search=True)
    model: str = field(max_length=30, search=True)
    engines: int
    seats: int
    speed: int | None = field(default=None, help="Average cruising speed, in miles an hour")
    engine: str = field(max_length=20)
    flights: list["Flight"] = field(inverse="plane")


class Weather(Resource, key=("origin", "time_hour"), path="weather", read=anyone):
    """One hour at one of the three airports. Some hours are missing."""

    origin: Airport = field(column="origin")
    time_hour: datetime
    year: int
    month: int
    day: int
    hour: int
    temp: float | None = field(default=None, title="Temperature", help="Fahrenheit")
    dewp: float | None = field(default=None, title="Dew point", help="Fahrenheit")
    humid: float | None = field(default=None, title="Humidity", help="Per cent")
    wind_dir: int | None = field(default=None, help="Degrees")
    wind_speed: float | None = field(default=None, help="Miles an hour")
    wind_gust: float | None = field(default=None, help="Miles an hour")
    precip: float = field(title="Precipitation", help="Inches")
    pressure: float | None = field(default=None, help="Millibars at sea level")
    visib: float = field(title="Visibility", help="Miles")
    flights: list["Flight"] = field(inverse="weather")


class Flight(Resource, key=("time_hour", "airline", "number"), read=anyone):
    """One flight as it was scheduled, and what became of it. Delays are minutes, early ones negative."""

    time_hour: datetime = field(title="Hour", help="The hour for which the departure was scheduled")
    airline: Airline = field(column="carrier")
    number: int = field(column="flight")
    year: int
    month: int
    day: int
    hour: int = field(help="Of the scheduled departure, in New York")
    minute: int
    sched_dep_time: int = field(title="Scheduled departure", help="As HHMM in New York")
    dep_time: int | None = field(default=None, title="Departure", help="As HHMM; None: cancelled")
    dep_delay: int | None = field(default=None, title="Departure delay")
    sched_arr_time: int = field(title="Scheduled arrival", help="As HHMM at the destination")
    arr_time: int | None = field(default=None, title="Arrival", help="As HHMM")
    arr_delay: int | None = field(default=None, title="Arrival delay")
    origin: Airport = field(column="origin")
    destination: Airport = field(column="dest", constrained=False)
    plane: Plane | None = field(default=None, column="tailnum", constrained=False)
    weather: Weather | None = field(default=None, constrained=False)
    air_time: int | None = field(default=None, help="Minutes in the air")
    distance: int = field(help="Miles")

    # With the key in them, so that a page of any of these lists costs the same wherever it is.
    ordered = [
        index("airline", "time_hour", "number", "dep_delay"),
        index("destination", "time_hour", "airline", "number"),
        index("plane", "time_hour", "airline", "number"),
        index("origin", "time_hour", "airline", "number"),
        index("origin", "-dep_delay", "-time_hour", "-airline", "-number"),
        index("dep_delay", "time_hour", "airline", "number"),
    ]

    @computed
    def cancelled(self) -> bool:
        """Whether it never left."""
        return self.dep_time is None

    @computed
    def delayed(self) -> bool:
        """Whether it arrived late, as the Federal Aviation Administration counts."""
        return self.arr_delay is not None and self.arr_delay >= LATE

    @computed
    def made_up_time(self) -> int | None:
        """Minutes that were won back on the way."""
        return self.dep_delay - self.arr_delay if self.dep_delay is not None and self.arr_delay is not None else None

    @computed
    def speed(self) -> float | None:
        """Miles an hour in the air."""
        return self.distance * 60 / self.air_time if self.air_time is not None and self.air_time > 0 else None


RESOURCES = [Airline, Airport, Plane, Weather, Flight]
