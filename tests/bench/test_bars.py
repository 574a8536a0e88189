"""Promises held against figures, and how they are reported."""

from __future__ import annotations

from io import StringIO
from pathlib import Path

from rich.console import Console

from bench import page, report
from bench.bars import BARS, judge
from bench.endpoints import ENDPOINTS, ON_POSTGRES
from bench.implementations import ALL, CONTROL, TITLES
from bench.machine import PACKAGES
from bench.measure import Figures, medians


def used(server: float, database: float = 0) -> Figures:
    return Figures(rps=1000, p50_ms=1.234, p99_ms=9, server_us=server, db_us=database, rss_mb=100)


def test_bars_speak_of_what_is_measured() -> None:
    served = {(each.name, endpoint) for each in ALL for endpoint in each.endpoints}
    for bar in BARS:
        assert (bar.against, bar.endpoint) in served
        assert ("kingpost", bar.endpoint) in served
        assert (bar.most is None) != (bar.least is None)
    assert {bar.endpoint for bar in BARS if bar.against == CONTROL} == set(ON_POSTGRES)


def test_both_sides_of_a_bar_count_server_and_database() -> None:
    results = {"one": {"control": used(60, 40), "kingpost": used(90, 50), "fastapi_sqlalchemy": used(1000, 120)}}
    found = {outcome.bar.against: outcome for outcome in judge(results)}
    assert found["control"].ratio == 1.4
    assert found["control"].kept
    assert found["fastapi_sqlalchemy"].ratio == 8
    assert found["fastapi_sqlalchemy"].kept


def test_a_little_more_is_missed() -> None:
    results = {"one": {"control": used(100), "kingpost": used(141), "fastapi_sqlalchemy": used(8 * 141 - 1)}}
    assert [outcome.kept for outcome in judge(results)] == [False, False]


def test_what_was_not_measured_is_not_judged() -> None:
    assert list(judge({"one": {"control": used(1)}, "flat": {"kingpost": used(1)}})) == []


def test_medians_are_taken_of_each_figure_by_itself() -> None:
    rounds = [used(10, 30), used(20, 10), used(90, 20)]
    assert medians(rounds).server_us == 20
    assert medians(rounds).db_us == 20


def results() -> dict[str, dict[str, Figures]]:
    return {
        endpoint: {
            each.name: used(100 * (1 + number), 50)
            for number, each in enumerate(ALL)
            if endpoint in each.endpoints and (endpoint, each.name) != ("page", "express")
        }
        for endpoint in ENDPOINTS
    }


TOLD = {
    "date": "2026-01-01",
    "cpu": "a processor",
    "cores": 2,
    "memory_gb": 8,
    "load_before": 0.1,
    "python": "3.11.7",
    "node": "",
}
TOLD |= {"load_before": 0.1, "seconds": 4, "rounds": 5, "connections": 32, "workers": 1}


def test_results_come_back_from_their_file(tmp_path: Path) -> None:
    file = tmp_path / "results" / "latest.json"
    report.write(file, TOLD, results())
    machine, found = report.read(file)
    assert machine == TOLD
    assert found["one"]["kingpost"] == Figures(1000, 1.23, 9, 200, 50, 100)
    assert found.keys() == results().keys()


def test_the_screen_shows_ratios_and_verdicts() -> None:
    console = Console(width=140, file=StringIO())
    console.print(report.table("one", results()["one"]))
    console.print(report.bars(judge(results())))
    text = console.file.getvalue()  # type: ignore[attr-defined]
    assert "1.67" in text  # (200 + 50) / (100 + 50)
    assert "missed" in text
    assert TITLES["fastify"] in text


def test_the_page_has_every_implementation_and_says_where_others_are_better(tmp_path: Path) -> None:
    file = tmp_path / "latest.json"
    found = results()
    found["flat"]["litestar"] = used(50, 50)
    versions = dict.fromkeys(PACKAGES, "1.0")
    report.write(file, {**TOLD, "versions": versions}, found)
    parts = {name: make(file) for name, make in page.PARTS.items()}
    assert "| **Kingpost** | 1.67 | 1.67 |" in parts["ratios"]
    assert "| Express 5 + pg | 700 + 50 |" in parts["cpu"]
    assert "2026-01-01, 2 cores (a processor), 8 GB, the load average before it 0.1." in " ".join(parts["run"].split())
    assert "Litestar + msgspec (2.50 ×)" in parts["losses"]
    assert "control" not in parts["losses"]
    assert "| PocketBase |" in parts["sqlite"]
    assert "**missed**" in parts["bars"]
    for title in TITLES.values():
        assert title in parts["throughput"] + parts["sqlite"]
    assert all(name in parts["endpoints"] for name in ENDPOINTS)
