"""The castle on each database, once for a module that only reads, anew for a test that writes."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from kingpost.testing import seed_ids
from tests.hostile.castle import Castle, Treasure, castle, furnish
from tests.hostile.sentry import Sentry, everything
from tests.hostile.wire import Wire, served_castle
from tests.services.postgres import PostgresServer


@dataclass
class Siege:
    """A castle with all that is in it, in this process."""

    app: Castle
    treasure: Treasure

    @property
    def ben(self) -> Sentry:
        """As Ben, who may write much and read nothing hidden."""
        return self.as_(self.treasure.held.ben)

    @property
    def nobody(self) -> Sentry:
        return self.as_(None)

    def as_(self, actor: Any) -> Sentry:
        return Sentry(self.app, actor)

    async def everything(self) -> dict[str, list[str]]:
        return await everything(self.app)


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def databases(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[str]]:
    """Addresses of two new databases of one kind."""
    if request.param == "sqlite":
        folder = tmp_path_factory.mktemp("castle")
        yield [f"sqlite:///{folder}/{name}.db" for name in ("main", "side")]
        return
    server: PostgresServer = request.getfixturevalue("postgres_server")
    made = [server.create_database() for _ in range(2)]
    yield made
    for url in made:
        server.drop_database(url)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def siege(databases: list[str]) -> AsyncIterator[Siege]:
    """The castle for all tests of a module; who asks for it takes the module's event loop."""
    async with besieged(*databases) as made:
        yield made


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def oracle() -> AsyncIterator[Siege]:
    """The same rows in memory, where plain Python decides what fulfils a condition."""
    async with besieged("memory:", "memory:") as made:
        yield made


@asynccontextmanager
async def besieged(main: str, side: str) -> AsyncIterator[Siege]:
    """A castle on two stores, with the same keys each time."""
    app = castle(main, side)
    await app.start()
    await app.sync()
    with seed_ids(app):
        treasure = await furnish()
    yield Siege(app, treasure)
    await app.stop()


@pytest.fixture(scope="module")
def wire(databases: list[str], siege: Siege, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Wire]:
    """A server process on the same databases."""
    folder: Path = tmp_path_factory.mktemp("served")
    with served_castle(folder, *databases) as made:
        yield made
