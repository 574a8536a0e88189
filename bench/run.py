"""A run: servers up, answers compared, rounds measured, everything taken down again."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from bench import cpu, data, equal
from bench.endpoints import ENDPOINTS, SAME_AS, Request, requests
from bench.grounds import Ground, on_postgres, on_sqlite
from bench.implementations import Implementation
from bench.load import LoadError
from bench.measure import Figures, measure
from bench.servers import Server, start

COMPARED = 5
"""Requests of each endpoint whose answers are compared."""

IDLE_SECONDS, IDLE_SHARE = 1.0, 0.02


@dataclass(frozen=True, slots=True)
class Wish:
    """What to measure, and for how long."""

    implementations: Sequence[Implementation]
    endpoints: Sequence[str] = tuple(ENDPOINTS)
    seconds: int = 4
    rounds: int = 5
    connections: int = 32
    workers: int = 1


@dataclass(frozen=True, slots=True)
class Step:
    """What has just been measured."""

    round: int
    endpoint: str
    implementation: str
    figures: Figures


@dataclass(frozen=True, slots=True)
class Place:
    """An endpoint of a server, with what is asked there."""

    server: Server
    ground: Ground
    requests: Sequence[Request]


class Bench:
    """Running servers over the same rows."""

    def __init__(self, wish: Wish, running: Sequence[Server], rows: data.Data, grounds: Mapping[str, Ground]) -> None:
        self._wish, self._running, self._grounds = wish, running, grounds
        self._places: dict[str, dict[str, Place]] = {}
        for endpoint in wish.endpoints:
            served = [server for server in running if endpoint in server.implementation.endpoints]
            self._places[endpoint] = {
                server.implementation.name: Place(
                    server,
                    grounds[server.implementation.store],
                    requests(endpoint, server.implementation.addresses, rows),
                )
                for server in served
            }

    @property
    def size(self) -> int:
        """How many measurements one round has."""
        return sum(len(places) for places in self._places.values())

    def compare(self) -> Iterator[str]:
        """Answers of all against the first; says what was compared. Raises `Unequal`."""
        for endpoint, places in self._places.items():
            for index in range(COMPARED):
                contents = {name: _content(endpoint, name, place, index) for name, place in places.items()}
                first = next(iter(contents))
                for name, content in contents.items():
                    if found := equal.difference(contents[first], content):
                        raise equal.Unequal(f"{endpoint}: {first} and {name} do not answer the same: {found}")
            for place in places.values():
                self._tidy(endpoint, place)
            yield f"{endpoint}: {', '.join(places)}"

    def warm_up(self) -> Iterator[str]:
        """A second of everything."""
        for endpoint, places in self._places.items():
            for name in places:
                self._measure(endpoint, name, seconds=1)
                yield f"{endpoint} {name}"

    def busy(self) -> dict[str, float]:
        """Who does something while nobody asks, and what share of a core it takes."""
        roots = {
            f"{server.implementation.title} ({server.implementation.store})": server.pid for server in self._running
        }
        roots |= {f"the database ({store})": ground.pid for store, ground in self._grounds.items() if ground.pid}
        before = {name: cpu.seconds(pid) for name, pid in roots.items()}
        time.sleep(IDLE_SECONDS)
        shares = {name: (cpu.seconds(pid) - before[name]) / IDLE_SECONDS for name, pid in roots.items()}
        return {name: share for name, share in shares.items() if share > IDLE_SHARE}

    def rounds(self) -> Iterator[Step]:
        """All measurements: in every round, for each endpoint, all implementations in turn, beginning with another."""
        for number in range(1, self._wish.rounds + 1):
            for endpoint, places in self._places.items():
                names = list(places)
                first = number % len(names) if names else 0
                for name in (*names[first:], *names[:first]):
                    yield Step(number, endpoint, name, self._measure(endpoint, name, self._wish.seconds))

    def _measure(self, endpoint: str, name: str, seconds: int) -> Figures:
        place = self._places[endpoint][name]
        try:
            return measure(place.server, place.requests, seconds, self._wish.connections, place.ground.pid)
        except LoadError as error:
            raise LoadError(f"{endpoint} of {name}: {error}") from None
        finally:
            self._tidy(endpoint, place)

    def _tidy(self, endpoint: str, place: Place) -> None:
        if SAME_AS.get(endpoint, endpoint) == "create":
            place.ground.tidy()


def _content(endpoint: str, name: str, place: Place, index: int) -> object:
    try:
        return equal.content(endpoint, equal.ask(place.server.port, place.requests[index]))
    except equal.Unequal as error:
        raise equal.Unequal(f"{name}: {error}") from None


@contextmanager
def bench(wish: Wish) -> Iterator[Bench]:
    """Everything up for the length of the block."""
    with ExitStack() as stack:
        rows = data.make()
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="bench-")))
        needed = {each.store for each in wish.implementations}
        grounds: dict[str, Ground] = {}
        if "postgres" in needed:
            grounds["postgres"] = stack.enter_context(on_postgres(rows))
        if "sqlite" in needed:
            beside = any(each.name == "pocketbase" for each in wish.implementations)
            grounds["sqlite"] = on_sqlite(rows, folder, beside_pocketbase=beside)
        running: list[Server] = []
        for each in wish.implementations:
            running.append(start(each, folder, grounds[each.store].environment, wish.workers))
            stack.callback(running[-1].stop)
        yield Bench(wish, running, rows, grounds)


def collected(steps: Iterable[Step]) -> dict[str, dict[str, list[Figures]]]:
    """By endpoint and implementation, the rounds."""
    found: defaultdict[str, dict[str, list[Figures]]] = defaultdict(dict)
    for step in steps:
        found[step.endpoint].setdefault(step.implementation, []).append(step.figures)
    return dict(found)
