"""The MongoDB store passes the suite."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from kingpost.model.model import Model
from kingpost.stores.mongo.store import MongoStore
from kingpost.testing.conformance import TableStoreConformance
from tests.services.mongo import TOLD


class TestMongo(TableStoreConformance):
    many_keys = 10_000 if TOLD else 300  # SecantusDB compares every document with every key

    @pytest.fixture
    def open_store(self, mongo_url: str) -> Callable[[Model], MongoStore]:
        return lambda model: MongoStore(mongo_url, model, "main")
