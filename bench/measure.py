"""One measurement: load on one endpoint of one server, and what it cost."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, fields
from statistics import median

from bench import cpu, load
from bench.endpoints import Request
from bench.servers import Server


@dataclass(frozen=True, slots=True)
class Figures:
    """Of one endpoint of one implementation. CPU is in microseconds per request, memory in megabytes."""

    rps: float
    p50_ms: float
    p99_ms: float
    server_us: float
    db_us: float
    rss_mb: float

    @property
    def total_us(self) -> float:
        """CPU of server and database together: what the bars are about."""
        return self.server_us + self.db_us

    def rounded(self) -> dict[str, float]:
        """To be written down."""
        return {name: round(value, 2 if name.endswith("ms") else 1) for name, value in asdict(self).items()}


def measure(
    server: Server, requests: Sequence[Request], seconds: int, connections: int, database: int | None
) -> Figures:
    """Put load on a server for some seconds; `database` is the process that the database's others descend from."""
    roots = [server.pid] + ([database] if database else [])
    before = [cpu.seconds(root) for root in roots]
    seen = load.run(server.port, requests, seconds, connections)
    used = [(cpu.seconds(root) - start) * 1e6 / seen.requests for root, start in zip(roots, before)]
    return Figures(
        rps=seen.rps,
        p50_ms=seen.p50_ms,
        p99_ms=seen.p99_ms,
        server_us=used[0],
        db_us=used[1] if database else 0.0,
        rss_mb=cpu.megabytes(server.pid),
    )


def medians(rounds: Iterable[Figures]) -> Figures:
    """The median of every figure by itself."""
    found = list(rounds)
    return Figures(**{each.name: median(getattr(figures, each.name) for figures in found) for each in fields(Figures)})
