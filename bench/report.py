"""What a run found: as a file, and as tables."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from rich.table import Table

from bench.bars import Outcome
from bench.implementations import CONTROL, TITLES
from bench.measure import Figures

LATEST = Path(__file__).parent / "results" / "latest.json"


def write(file: Path, machine: Mapping[str, object], results: Mapping[str, Mapping[str, Figures]]) -> None:
    """Write what was measured."""
    endpoints = {
        endpoint: {name: figures.rounded() for name, figures in found.items()} for endpoint, found in results.items()
    }
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps({"machine": machine, "endpoints": endpoints}, indent=2) + "\n")


def read(file: Path) -> tuple[dict[str, Any], dict[str, dict[str, Figures]]]:
    """What `write` has written: the machine, and the figures."""
    told = json.loads(file.read_text())
    endpoints = told["endpoints"].items()
    return told["machine"], {
        endpoint: {name: Figures(**figures) for name, figures in found.items()} for endpoint, found in endpoints
    }


def table(endpoint: str, found: Mapping[str, Figures]) -> Table:
    """All implementations of one endpoint; ratios of CPU against the control."""
    shown = Table(title=endpoint, title_justify="left", title_style="bold")
    shown.add_column("")
    for heading in ("req/s", "p50 ms", "p99 ms", "server µs", "db µs", "sum µs", "× control", "MB"):
        shown.add_column(heading, justify="right")
    floor = found[CONTROL].total_us if CONTROL in found else 0
    for name, each in found.items():
        ratio = f"{each.total_us / floor:.2f}" if floor else ""
        cells = (each.server_us, each.db_us, each.total_us)
        shown.add_row(
            TITLES[name],
            f"{each.rps:,.0f}",
            f"{each.p50_ms:.1f}",
            f"{each.p99_ms:.1f}",
            *(f"{cell:,.0f}" for cell in cells),
            ratio,
            f"{each.rss_mb:.0f}",
        )
    return shown


def bars(outcomes: Iterable[Outcome]) -> Table:
    """The promises and whether they are kept."""
    shown = Table(title="Bars: CPU of server + database per request", title_justify="left", title_style="bold")
    for heading in ("endpoint", "against", "bar", "measured", ""):
        shown.add_column(heading)
    for each in outcomes:
        bar = each.bar
        wanted = f"at most {bar.most:g} ×" if bar.most is not None else f"{bar.least:g} × less"
        verdict = "[green]kept" if each.kept else "[red]missed"
        shown.add_row(bar.endpoint, TITLES[bar.against], wanted, f"{each.ratio:.2f} ×", verdict)
    return shown
