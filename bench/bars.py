"""What Kingpost has promised of its CPU per request, server and database together, and whether a run keeps it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from bench.endpoints import ON_POSTGRES
from bench.measure import Figures

KINGPOST = "kingpost"


@dataclass(frozen=True, slots=True)
class Bar:
    """Of the two, who is measured against whom: `most` times the control's CPU, or `least` times less than a peer's."""

    endpoint: str
    against: str
    most: float | None = None
    least: float | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """A bar beside what was measured: Kingpost's share of the control's, or how many times less than the peer."""

    bar: Bar
    ratio: float

    @property
    def kept(self) -> bool:
        """Whether the promise holds."""
        if self.bar.most is not None:
            return self.ratio <= self.bar.most
        return self.bar.least is not None and self.ratio >= self.bar.least


BARS = (
    *(Bar(endpoint, "control", most=1.4) for endpoint in ON_POSTGRES),
    Bar("one", "fastapi_sqlalchemy", least=8),
    Bar("list_author", "fastapi_sqlalchemy", least=5),
    *(Bar(endpoint, "fastapi_sqlalchemy", least=4) for endpoint in ("list_tag", "flat", "create")),
    Bar("one", "express", least=2),
    *(Bar(endpoint, "express", least=1.5) for endpoint in ("list_author", "flat")),
    *(Bar(endpoint, "pocketbase", least=3) for endpoint in ("sqlite_one", "sqlite_list")),
)


def judge(results: Mapping[str, Mapping[str, Figures]]) -> Iterator[Outcome]:
    """The bars whose two sides were measured. `results`: endpoint, then implementation."""
    for bar in BARS:
        measured = results.get(bar.endpoint, {})
        if KINGPOST in measured and bar.against in measured:
            own, other = measured[KINGPOST].total_us, measured[bar.against].total_us
            yield Outcome(bar, own / other if bar.most is not None else other / own)
