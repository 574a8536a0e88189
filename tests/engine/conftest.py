"""The blog on every store that there is."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from kingpost import App
from tests.blog import People, blog, populate


@pytest.fixture(params=["memory", "sqlite", "postgres", "mariadb"])
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A fresh store of each kind."""
    if request.param in ("postgres", "mariadb"):
        return str(request.getfixturevalue(f"{request.param}_url"))
    return "memory:" if request.param == "memory" else f"sqlite:///{tmp_path}/blog.db"


@pytest.fixture
async def app(store_url: str) -> AsyncIterator[App]:
    """The application, started, its tables made."""
    app = blog(store_url)
    await app.start()
    await app.sync()
    yield app
    await app.stop()


@pytest.fixture
async def people(app: App) -> People:
    """Its usual rows."""
    return await populate()
