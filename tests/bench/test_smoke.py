"""The bench itself, for a moment: equal answers, figures, and nothing left behind."""

from __future__ import annotations

import os
import secrets
import signal
import subprocess
import sys
from pathlib import Path

from bench.endpoints import ENDPOINTS
from bench.implementations import ALL
from bench.run import Wish, bench, collected
from tests.services.wrk import require_wrk

ROOT = Path(__file__).parents[2]


def marked(token: str) -> list[int]:
    """Processes in whose environment a word stands."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if token.encode() in (entry / "environ").read_bytes():
                found.append(int(entry.name))
        except OSError:
            continue
    return found


def test_kingpost_beside_the_control_on_every_endpoint() -> None:
    require_wrk()
    chosen = [each for each in ALL if each.name in ("control", "kingpost")]
    with bench(Wish(chosen, seconds=1, rounds=1)) as running:
        compared = list(running.compare())
        found = collected(running.rounds())
    assert [line.split(":")[0] for line in compared] == list(ENDPOINTS)
    for endpoint in ENDPOINTS:
        names = {"kingpost"} if endpoint.startswith("sqlite") else {"control", "kingpost"}
        assert found[endpoint].keys() == names, endpoint
        for (figures,) in found[endpoint].values():
            assert figures.rps > 0
            assert figures.server_us > 0
            assert figures.rss_mb > 10
            assert figures.p99_ms >= figures.p50_ms > 0
            if endpoint.startswith("sqlite"):
                assert figures.db_us == 0  # there is no process to charge
            elif endpoint != "hello":  # where it is not asked, it may still do something of its own
                assert figures.db_us > 0, endpoint


def test_an_interrupt_leaves_nothing_behind() -> None:
    require_wrk()
    token = secrets.token_hex(16)
    command = [sys.executable, "-m", "bench", "--only", "kingpost", "--endpoints", "hello", "--seconds", "60"]
    environment = {**os.environ, "BENCH_TEST": token}
    with subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout is not None
        assert running.stdout.readline().startswith("equal")
        assert len(marked(token)) > 4  # the bench, PostgreSQL, two servers with their workers
        running.send_signal(signal.SIGINT)
        running.send_signal(signal.SIGINT)  # whoever is impatient
        rest, _ = running.communicate(timeout=60)
    assert running.returncode == 130
    assert "Stopped" in rest
    assert marked(token) == []


def test_what_is_not_known_is_refused_with_what_there_is() -> None:
    command = [sys.executable, "-m", "bench", "--endpoints", "one,tow"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "There is no endpoint tow" in done.stdout
    assert "list_author" in done.stdout
