"""A run: servers up, answers compared, rounds measured, everything taken down again."""

from __future__ import annotations

import os
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from bench import cpu, data, equal
from bench.endpoints import ENDPOINTS, Request, requests
from bench.load import LoadError
from bench.measure import Figures, measure
from bench.servers import ALL, CONTROL, POOL, Server, start
from tests.services.postgres import PostgresServer, postgres

SETTINGS = {
    "shared_buffers": "256MB",
    "max_connections": "300",
    "max_wal_size": "8GB",
    "checkpoint_timeout": "1h",
    "autovacuum": "off",
}
"""Durable as by default. Work in the background is put off: it would hit one implementation by chance."""

COMPARED = 5
"""Requests of each endpoint whose answers are compared."""

IDLE_SECONDS, IDLE_SHARE = 1.0, 0.02


@dataclass(frozen=True, slots=True)
class Wish:
    """What to measure, and for how long."""

    implementations: Sequence[str]
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


class Bench:
    """Running servers over the same rows."""

    def __init__(self, wish: Wish, servers: Mapping[str, Server], rows: data.Data, database: PostgresServer) -> None:
        self._wish, self._servers, self._database = wish, servers, database
        self._url = database_url(database)
        self._requests: dict[tuple[str, str], list[Request]] = {
            (endpoint, name): requests(endpoint, server.implementation.addresses, rows)
            for endpoint in wish.endpoints
            for name, server in servers.items()
            if endpoint in server.implementation.endpoints
        }

    def compare(self) -> Iterator[str]:
        """Answers of all against the first; says what was compared. Raises `Unequal`."""
        for endpoint in self._wish.endpoints:
            names = self._who(endpoint)
            for index in range(COMPARED):
                contents = {name: self._content(endpoint, name, index) for name in names}
                for name in names[1:]:
                    if found := equal.difference(contents[names[0]], contents[name]):
                        where = f"{endpoint}: {names[0]} and {name} do not answer the same"
                        raise equal.Unequal(f"{where}: {found}")
            self._tidy(endpoint)
            yield f"{endpoint}: {', '.join(names)}"

    def warm_up(self) -> Iterator[str]:
        """A second of everything."""
        for endpoint in self._wish.endpoints:
            for name in self._who(endpoint):
                self._measure(endpoint, name, seconds=1)
                yield f"{endpoint} {name}"

    def busy(self) -> dict[str, float]:
        """Who does something while nobody asks, and what share of a core it takes."""
        roots = {name: server.pid for name, server in self._servers.items()} | {"database": self._database.pid or 0}
        before = {name: cpu.seconds(pid) for name, pid in roots.items()}
        time.sleep(IDLE_SECONDS)
        shares = {name: (cpu.seconds(pid) - before[name]) / IDLE_SECONDS for name, pid in roots.items()}
        return {name: share for name, share in shares.items() if share > IDLE_SHARE}

    def plan(self) -> Iterator[tuple[str, str]]:
        """What one round measures."""
        yield from self._requests

    def rounds(self) -> Iterator[Step]:
        """All measurements: in every round, for each endpoint, all implementations in turn, beginning with another."""
        for number in range(1, self._wish.rounds + 1):
            for endpoint in self._wish.endpoints:
                names = self._who(endpoint)
                first = number % len(names)
                for name in (*names[first:], *names[:first]):
                    yield Step(number, endpoint, name, self._measure(endpoint, name, self._wish.seconds))

    def _measure(self, endpoint: str, name: str, seconds: int) -> Figures:
        asked = self._requests[endpoint, name]
        try:
            return measure(self._servers[name], asked, seconds, self._wish.connections, self._database.pid)
        except LoadError as error:
            raise LoadError(f"{endpoint} of {name}: {error}") from None
        finally:
            self._tidy(endpoint)

    def _content(self, endpoint: str, name: str, index: int) -> object:
        try:
            return equal.content(endpoint, equal.ask(self._servers[name].port, self._requests[endpoint, name][index]))
        except equal.Unequal as error:
            raise equal.Unequal(f"{name}: {error}") from None

    def _tidy(self, endpoint: str) -> None:
        if endpoint.endswith("create"):
            data.tidy(self._url)

    def _who(self, endpoint: str) -> list[str]:
        return [name for name in self._servers if (endpoint, name) in self._requests]


def database_url(database: PostgresServer) -> str:
    """The database with the rows: the first that was made."""
    return database.url.rsplit("/", 1)[0] + "/test_1"


@contextmanager
def bench(wish: Wish) -> Iterator[Bench]:
    """Everything up for the length of the block."""
    with ExitStack() as stack:
        database = stack.enter_context(postgres(fsync=True, **SETTINGS))
        url = database.create_database()
        rows = data.make()
        data.load_postgres(url, rows)
        logs = Path(stack.enter_context(TemporaryDirectory(prefix="bench-")))
        environment = {"BENCH_STORE": f"{url}?pool={POOL}", "BENCH_DATABASE": url}
        servers: dict[str, Server] = {}
        for name in _control_first(wish.implementations):
            servers[name] = start(ALL[name], logs / f"{name}.log", environment, wish.workers)
            stack.callback(servers[name].stop)
        yield Bench(wish, servers, rows, database)


def _control_first(names: Iterable[str]) -> list[str]:
    return [CONTROL, *(name for name in ALL if name in names and name != CONTROL)]


def collected(steps: Iterable[Step]) -> dict[str, dict[str, list[Figures]]]:
    """By endpoint and implementation, the rounds."""
    found: defaultdict[str, dict[str, list[Figures]]] = defaultdict(dict)
    for step in steps:
        found[step.endpoint].setdefault(step.implementation, []).append(step.figures)
    return dict(found)


def machine() -> dict[str, object]:
    """What this was measured on."""
    model = next((line.split(":")[1].strip() for line in _lines("/proc/cpuinfo") if line.startswith("model name")), "")
    memory = next((int(line.split()[1]) for line in _lines("/proc/meminfo") if line.startswith("MemTotal")), 0)
    return {"cpu": model, "cores": os.cpu_count(), "memory_gb": round(memory / 1024**2), "load_1m": os.getloadavg()[0]}


def _lines(file: str) -> list[str]:
    return Path(file).read_text().splitlines()
