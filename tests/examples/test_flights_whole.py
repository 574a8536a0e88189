"""Many flights, all of them under `make soak`: the load, Ctrl-C in it and going on, what dangles, a page far down."""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import sys
from pathlib import Path
from time import process_time, sleep

import pytest
from starlette.testclient import TestClient

from examples.flights.models import Flight
from tests.examples.flights_data import ROOT, cut, environment, load
from tests.soak import SOAKING, count

ROWS = count(30_000, 336_776)
DEPTH = count(25_000, 300_000)


def stored(database: Path) -> int:
    """How many flights are committed."""
    try:
        with sqlite3.connect(f"file:{database}?mode=ro", uri=True) as connection:
            return int(connection.execute("SELECT count(*) FROM flight").fetchone()[0])
    except sqlite3.OperationalError:
        return 0


@pytest.mark.soak
def test_all_flights(tmp_path: Path) -> None:
    data = None if SOAKING else cut(tmp_path, ROWS)
    database = tmp_path / "flights.db"
    process = subprocess.Popen(
        [sys.executable, "-m", "examples.flights.load"], cwd=ROOT, env=environment(data, str(database))
    )
    while stored(database) < 5_000:
        assert process.poll() is None
        sleep(0.1)
    process.send_signal(signal.SIGINT)
    assert process.wait(60) == 130
    assert 0 < stored(database) < ROWS

    done = load(data, str(database))
    assert done.returncode == 0, done.stderr
    assert stored(database) == ROWS
    assert load(data, str(database)).stdout == ""

    from examples.flights.app import create

    with TestClient(create(str(database))) as site:
        home = site.get("/").text
        for dangling in () if not SOAKING else ("50,094", "2,512", "7,602", "1,556"):
            assert f">{dangling}<" in home
        print("ms of CPU for 50 rows:", _paced(site))


def _paced(site: TestClient) -> dict[str, float]:
    async def paced() -> dict[str, float]:
        query = Flight.all().limit(50)
        far = (await query.offset(DEPTH).page()).next
        assert far is not None
        found: dict[str, float] = {}
        for name, asked in (("first page", query), (f"behind row {DEPTH:,}", query.after(far))):
            await asked.page()
            began = process_time()
            for _ in range(100):
                await asked.page()
            found[name] = (process_time() - began) * 10
        return found

    assert site.portal is not None
    return site.portal.call(paced)
