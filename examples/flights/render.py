"""How the pages look: the site, and the filters of its templates."""

import re
from datetime import UTC, date
from pathlib import Path
from typing import Any
from urllib.parse import quote

from examples.flights.models import Airline, Airport, Flight
from examples.site import Site
from kingpost import NotLoaded

SITE = "flights"
_LEGAL = re.compile(r" (Inc\.|Co\.|Corporation)$")


def address(flight: Flight) -> str:
    """Where a flight is shown: its key, as in the API."""
    hour = flight.time_hour.astimezone(UTC).isoformat().replace("+00:00", "Z")
    return f"/flights/{quote(hour, safe=':')},{flight.airline.carrier},{flight.number}"


def known(row: Any, member: str) -> bool:
    """Whether there is such a row: where a reference dangles, nothing is known but the key."""
    try:
        getattr(row, member)
    except NotLoaded:
        return False
    return row is not None


def carrier_name(airline: Airline) -> str:
    """What people call an airline."""
    return _LEGAL.sub("", airline.name)


def _clock(time: int | None) -> str:
    return "–" if time is None else f"{time // 100:02}:{time % 100:02}"


def _delay(minutes: float | None) -> str:
    if minutes is None:
        return "–"
    whole = round(minutes)
    hours, rest = divmod(abs(whole), 60)
    sign = "−" if whole < 0 else "+" if whole > 0 else ""
    return sign + (f"{hours} h {rest:02}" if hours else f"{rest} min")


def _day(flight: Flight) -> str:
    day = date(flight.year, flight.month, flight.day)
    return f"{day.day} {day:%B %Y}"


def _short_day(flight: Flight) -> str:
    """The year is always the same."""
    day = date(flight.year, flight.month, flight.day)
    return f"{day.day} {day:%b}"


def _place(airport: Airport) -> str:
    lat, lon = airport.lat, airport.lon
    return f"{abs(lat):.1f}° {'N' if lat >= 0 else 'S'}, {abs(lon):.1f}° {'E' if lon >= 0 else 'W'}"


_site = Site(
    Path(__file__).parent,
    SITE,
    {
        "address": address,
        "carrier": carrier_name,
        "clock": _clock,
        "day": _day,
        "delay": _delay,
        "isoday": lambda flight: f"{flight.year}-{flight.month:02}-{flight.day:02}",
        "known": known,
        "number": lambda value: "–" if value is None else f"{value:,.0f}",
        "one": lambda value: "–" if value is None else f"{value:.1f}",
        "percent": lambda share: f"{share * 100:.1f} %",
        "place": _place,
        "short_day": _short_day,
    },
    address="FLIGHTS_ORIGIN",
)
page, answer, static, origin = _site.page, _site.answer, _site.static, _site.origin
