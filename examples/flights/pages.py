"""The pages: ordinary FastAPI routes that ask the declarations, with the rights of whoever visits."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, date, datetime, time, timedelta
from functools import partial
from typing import Annotated, Any, TypeVar
from urllib.parse import quote, urlencode

from fastapi import APIRouter, Query, Request, Response
from fastapi.exception_handlers import http_exception_handler
from starlette.exceptions import HTTPException

from examples.flights.figures import gaps, routes, year
from examples.flights.models import Airline, Airport, Flight, Plane
from examples.flights.render import SITE, carrier_name, page, static
from kingpost import Invalid
from kingpost import Query as Asked

router = APIRouter(include_in_schema=False)
get = partial(router.api_route, methods=["GET", "HEAD"], response_class=Response)
T = TypeVar("T")
Text = Annotated[str, Query(max_length=200)]
Cursor = Annotated[str, Query(max_length=500)]

ROWS = 50
WORST = 25
ORDERS = {"": "earliest first", "-time_hour": "latest first", "-dep_delay": "most delayed"}
OUTCOMES = {"": "on time or not", "late": "late on arrival", "cancelled": "cancelled"}
ORIGINS = {"EWR": "Newark", "JFK": "Kennedy", "LGA": "La Guardia"}


@get("/")
async def home(request: Request) -> Response:
    told = await _kept(request, year)
    return page(
        request,
        "home.html",
        SITE,
        "Every flight that was to leave New York City in 2013: when it was planned, when it left, and in what weather.",
        year=told,
        carriers=(await _kept(request, routes)).by("airline"),
        destinations=(await _kept(request, routes)).by("destination"),
        gaps=await _kept(request, gaps),
        planes=await Plane.all().count(),
        origins=ORIGINS,
        airlines=await Airline.all().sort("name"),
    )


async def _kept(request: Request, make: Callable[[], Awaitable[T]]) -> T:
    """What is made of all flights, kept for as long as their number stays the same: they are history."""
    number = await Flight.all().count()
    kept: dict[Any, tuple[int, T]] = request.app.state.__dict__.setdefault("kept", {})
    if make not in kept or kept[make][0] != number:
        kept[make] = (number, await make())
    return kept[make][1]


# ------------------------------------------------------------------------------------------------------------- flights


@get("/flights")
async def flights(
    request: Request,
    origin: Text = "",
    destination: Text = "",
    airline: Text = "",
    day: Text = "",
    outcome: Text = "",
    sort: Text = "",
    after: Cursor = "",
) -> Response:
    asked = {"origin": origin, "destination": destination.strip().upper(), "airline": airline, "day": day}
    asked |= {"outcome": outcome, "sort": sort}
    query = _on(_asked(asked), day)
    if query is None or outcome not in OUTCOMES or sort not in ORDERS:
        return await missing(request)
    said = {name: value for name, value in asked.items() if value}
    listed = await _listed(query.sort(sort) if sort else query, after, "/flights", said)
    if listed is None:
        return await missing(request)
    return page(
        request,
        "flights.html",
        "Flights",
        "Find flights by where they went, who flew them, and what became of them.",
        **listed,
        asked=asked,
        count=None if after else await query.count(),
        destinations=(await _kept(request, routes)).by("destination"),
        origins=ORIGINS,
        orders=ORDERS,
        outcomes=OUTCOMES,
        airlines=await Airline.all().sort("name"),
    )


def _asked(asked: Mapping[str, str]) -> Asked[Flight]:
    query = Flight.all()
    for name in ("origin", "destination", "airline"):
        if asked[name]:
            query = query.where(**{name: asked[name]})
    if asked["outcome"] == "late":
        query = query.where(lambda flight: flight.delayed)
    if asked["outcome"] == "cancelled":
        query = query.where(lambda flight: flight.cancelled)
    return query


def _on(query: Asked[Flight], text: str) -> Asked[Flight] | None:
    """The flights of a day, None where the text names none."""
    if not text:
        return query
    try:
        day = date.fromisoformat(text)
        start = datetime.combine(day, time(), UTC)
        end = start + timedelta(days=2)
    except (ValueError, OverflowError):
        return None
    # A day in New York begins and ends within two of UTC: the index is entered there, and the rest is left out.
    near = query.where(lambda flight: flight.time_hour >= start and flight.time_hour < end)
    return near.where(year=day.year, month=day.month, day=day.day)


async def _listed(query: Asked[Flight], after: str, place: str, asked: Mapping[str, str]) -> dict[str, Any] | None:
    """A page of flights with the ways on; None where the cursor is of another question."""
    try:
        found = await (query.after(after) if after else query).limit(ROWS).include("airline").page()
    except Invalid:
        return None
    return {
        "found": found.items,
        "first": _link(place, asked) if after else None,
        "next": _link(place, {**asked, "after": found.next}) if found.next else None,
    }


def _link(place: str, asked: Mapping[str, str]) -> str:
    return f"{place}?{urlencode(asked)}" if asked else place


@get("/flights/{key}")
async def flight(request: Request, key: str) -> Response:
    named = _key(key)
    if named is None:
        return await missing(request)
    whole = ("airline", "origin", "destination", "plane", "weather")
    found = await Flight.where(**named).include(*whole).fields(*SHOWN).first()
    if found is None:
        return await missing(request)
    title = f"{carrier_name(found.airline)} {found.number}"
    words = f"From {found.origin.faa} to {found.destination.faa}: what was planned, what became of it, and the weather."
    return page(request, "flight.html", title, words, flight=found)


SHOWN = (
    "year", "month", "day", "sched_dep_time", "dep_time", "dep_delay", "sched_arr_time", "arr_time", "arr_delay",
    "air_time", "distance", "cancelled", "delayed", "made_up_time", "speed",
)  # fmt: skip


def _key(text: str) -> dict[str, Any] | None:
    """The members of a flight's key, None where the text is none."""
    parts = text.split(",")
    if len(parts) != 3 or not (parts[2].isascii() and parts[2].isdigit() and len(parts[2]) < 10):
        return None
    try:
        hour = datetime.fromisoformat(parts[0]).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return {"time_hour": hour, "airline": parts[1], "number": int(parts[2])}


@get("/delays")
async def delays(request: Request) -> Response:
    worst = Flight.all().sort("-dep_delay").limit(WORST)
    return page(
        request,
        "delays.html",
        "Worst delays",
        f"The {WORST} flights that left New York latest against their plan, and the weather of the hour.",
        found=await worst.include("airline", "destination", "weather"),
    )


# ------------------------------------------------------------------------------------------------------------ airports


@get("/airports")
async def airports(request: Request) -> Response:
    found = (await _kept(request, routes)).by("destination")
    return page(
        request,
        "airports.html",
        "Destinations",
        f"{len(found)} airports that flights from New York went to, the busiest first.",
        found=found,
    )


@get("/airports/{faa}")
async def airport(request: Request, faa: str, after: Cursor = "") -> Response:
    there = await Airport.where(faa=faa).first()
    told = await _kept(request, routes)
    departures, arrivals = told.by("airline", origin=faa), told.by("airline", destination=faa)
    board = await _listed(Flight.where(origin=faa), after, f"/airports/{quote(faa)}", {}) if departures else {}
    if board is None or (there is None and not arrivals):
        return await missing(request)
    worst = Flight.where(destination=faa).where(lambda flight: flight.dep_delay is not None).sort("-dep_delay")
    return page(
        request,
        "airport.html",
        there.name if there else faa,
        f"Flights between New York and {there.name if there else faa} in 2013.",
        faa=faa,
        airport=there,
        departures=departures,
        arrivals=arrivals,
        board=board,
        worst=await worst.limit(10).include("airline") if arrivals else [],
    )


# ---------------------------------------------------------------------------------------------------- airlines, planes


@get("/airlines")
async def airlines(request: Request) -> Response:
    found = (await _kept(request, routes)).by("airline")
    return page(
        request,
        "airlines.html",
        "Airlines",
        f"{len(found)} airlines that flew from New York in 2013, the busiest first.",
        found=found,
    )


@get("/airlines/{carrier}")
async def airline(request: Request, carrier: str) -> Response:
    told = await _kept(request, routes)
    there = next((one for one in told.by("airline") if one.key == carrier), None)
    if there is None:
        return await missing(request)
    return page(
        request,
        "airline.html",
        there.name,
        f"The flights of {there.name} from New York in 2013.",
        airline=there,
        origins=told.by("origin", airline=carrier),
        destinations=told.by("destination", airline=carrier),
    )


@get("/planes/{tailnum}")
async def plane(request: Request, tailnum: str, after: Cursor = "") -> Response:
    of = Flight.where(plane=tailnum)
    listed = await _listed(of, after, f"/planes/{quote(tailnum)}", {})
    if listed is None:
        return await missing(request)
    there = await Plane.where(tailnum=tailnum).first()
    if there is None and not listed["found"]:
        return await missing(request)
    return page(
        request,
        "plane.html",
        f"Plane {tailnum}",
        f"What is known of the plane {tailnum}, and its flights from New York in 2013.",
        tailnum=tailnum,
        plane=there,
        **listed,
        count=await of.count(),
    )


# --------------------------------------------------------------------------------------------------------------- other


@get("/static/{name}")
async def asset(request: Request, name: str) -> Response:
    return static(request, name) or await missing(request)


async def missing(request: Request, error: Exception | None = None) -> Response:
    """What is not there; also what unknown addresses get, but for those of programs."""
    if isinstance(error, HTTPException) and request.url.path.startswith("/api/"):
        return await http_exception_handler(request, error)
    return page(request, "missing.html", "There is no such page", "Nothing is found at this address.", status=404)
