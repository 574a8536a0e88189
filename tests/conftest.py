"""What every test may ask for. A server starts with the first test that wants it and is gone when the last is done."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterator
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio
from hypothesis import settings

from tests.services import browser as chromium
from tests.services.mariadb import MariaDBServer, mariadb
from tests.services.mongo import MongoServer, mongo
from tests.services.postgres import PostgresServer, postgres
from tests.services.redis import RedisServer, redis

if TYPE_CHECKING:
    from playwright.async_api import Browser, Page

# Time says nothing on a busy machine; a failure must say how to see it again.
settings.register_profile("kingpost", deadline=None, print_blob=True)
settings.load_profile("kingpost")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    # Playwright's objects live on the event loop that made them, so tests with a browser share one loop.
    for item in items:
        if "browser" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """One PostgreSQL 18 for all tests."""
    with postgres() as server:
        yield server


@pytest.fixture(scope="session")
def mongo_server() -> Iterator[MongoServer]:
    """One MongoDB server for all tests."""
    with mongo() as server:
        yield server


@pytest.fixture
def mongo_url(mongo_server: MongoServer) -> Iterator[str]:
    """A new, empty database, dropped after the test."""
    url = mongo_server.create_database()
    yield url
    mongo_server.drop_database(url)


@pytest.fixture(scope="session")
def redis_server() -> Iterator[RedisServer]:
    """One Redis server for all tests."""
    with redis() as server:
        yield server


@pytest.fixture
def redis_url(redis_server: RedisServer) -> str:
    """A place on the server that nobody has written to."""
    return redis_server.url()


@pytest.fixture
def postgres_url(postgres_server: PostgresServer) -> Iterator[str]:
    """A new, empty database, dropped after the test."""
    url = postgres_server.create_database()
    yield url
    postgres_server.drop_database(url)


@pytest.fixture(scope="session")
def mariadb_server() -> Iterator[MariaDBServer]:
    """One MariaDB for all tests."""
    with mariadb() as server:
        yield server


@pytest.fixture
def mariadb_url(mariadb_server: MariaDBServer) -> Iterator[str]:
    """A new, empty database, dropped after the test."""
    url = mariadb_server.create_database()
    yield url
    mariadb_server.drop_database(url)


@pytest.fixture(scope="session")
async def browser() -> AsyncIterator[Browser]:
    """One Chromium for all tests (Playwright's async API)."""
    if chromium.find_chromium() is None:
        # On CI a missing browser must not pass for a tested site.
        (pytest.fail if os.environ.get("CI") else pytest.skip)("there is no Chromium on this machine")
    async with chromium.browser() as running:
        yield running


@pytest_asyncio.fixture(loop_scope="session")
async def page(browser: Browser) -> AsyncIterator[Page]:
    """A page in a context of its own: no cookies, no cache, nothing from other tests."""
    context = await browser.new_context()
    yield await context.new_page()
    await context.close()
