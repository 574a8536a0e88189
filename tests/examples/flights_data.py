"""A part of the flights' data: the first days of the year, in the files' own form."""

from __future__ import annotations

import os
import subprocess
import sys
from itertools import islice
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile

from examples.flights.load import folder

ROOT = Path(__file__).parents[2]
FLIGHTS = 2700
WHOLE = ("airlines.csv", "airports.csv", "planes.csv")


def cut(into: Path, flights: int = FLIGHTS) -> Path:
    """The files with so many flights, and the weather of their days."""
    source = folder()
    for name in WHOLE:
        (into / name).write_bytes((source / name).read_bytes())
    header, *hours = (source / "weather.csv").read_text().splitlines()
    near = [hour for hour in hours if hour.split(",")[1:3] == ["2013", "1"] and int(hour.split(",")[3]) <= 4]
    (into / "weather.csv").write_text("\n".join([header, *near]) + "\n")
    with ZipFile(source / "flights.csv.zip") as archive, archive.open(archive.namelist()[0]) as file:
        rows = b"".join(islice(file, flights + 1))
    with ZipFile(into / "flights.csv.zip", "w", ZIP_DEFLATED) as archive:
        archive.writestr("flights.csv", rows)
    return into


def environment(data: Path | None, database: str) -> dict[str, str]:
    """What the load is told by."""
    stated = {} if data is None else {"FLIGHTS_DATA": str(data)}
    return {**os.environ, **stated, "FLIGHTS_DATABASE": database, "TERM": "dumb"}


def load(data: Path | None, database: str) -> subprocess.CompletedProcess[str]:
    """Run the load to its end, as make does."""
    return subprocess.run(
        [sys.executable, "-m", "examples.flights.load"],
        cwd=ROOT, env=environment(data, database), capture_output=True, text=True, check=False,
    )  # fmt: skip
