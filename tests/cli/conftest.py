"""Projects to run the command in."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.cli.running import kingpost


@pytest.fixture(scope="session")
def made_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `kingpost new blog` makes."""
    folder = tmp_path_factory.mktemp("new")
    kingpost("new", "blog", folder=folder)
    return folder / "blog"


@pytest.fixture
def project(made_once: Path, tmp_path: Path) -> Path:
    """A new project, for this test alone."""
    return Path(shutil.copytree(made_once, tmp_path / "blog"))
