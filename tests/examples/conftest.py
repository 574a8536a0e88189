"""The reference site, served from a database of its own."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from starlette.testclient import TestClient

if TYPE_CHECKING:
    from kingpost import App


@pytest.fixture(scope="session")
def learn(tmp_path_factory: pytest.TempPathFactory) -> App:
    """The application over a new SQLite file."""
    from examples.learn.app import create

    return create(str(tmp_path_factory.mktemp("learn") / "learn.db"))


@pytest.fixture(scope="session")
def site(learn: App) -> Iterator[TestClient]:
    """The site with its content, started as a server would."""
    with TestClient(learn) as client:
        yield client
