"""The memory store passes the suite."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from kingpost.model.model import Model
from kingpost.stores.memory.store import MemoryStore
from kingpost.testing.conformance import StoreConformance


class TestMemory(StoreConformance):
    @pytest.fixture
    def open_store(self) -> Callable[[Model], MemoryStore]:
        return lambda model: MemoryStore("memory:", model, "main")
