"""Two domains on every store that there is, to load files into."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from kingpost import App
from tests.blog import People, blog, populate
from tests.fleet import fleet


@pytest.fixture(params=["memory", "sqlite", "postgres"])
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A fresh store of each kind."""
    if request.param == "postgres":
        return str(request.getfixturevalue("postgres_url"))
    return "memory:" if request.param == "memory" else f"sqlite:///{tmp_path}/load.db"


@pytest.fixture
async def app(store_url: str) -> AsyncIterator[App]:
    """The blog, started, its tables made."""
    app = blog(store_url)
    await app.start()
    await app.sync()
    yield app
    await app.stop()


@pytest.fixture
async def people(app: App) -> People:
    """Its usual rows."""
    return await populate()


@pytest.fixture
async def airline(store_url: str) -> AsyncIterator[App]:
    """The fleet, started, its tables made."""
    app = fleet(store_url)
    await app.start()
    await app.sync()
    yield app
    await app.stop()
