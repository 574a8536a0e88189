"""The Redis store passes the suite."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from kingpost.model.model import Model
from kingpost.stores.redis.store import RedisStore
from kingpost.testing.conformance import StoreConformance


class TestRedisStore(StoreConformance):
    cancelled_rows = 700  # a question looks at no more than 10,000 rows

    @pytest.fixture
    def open_store(self, redis_url: str) -> Callable[[Model], RedisStore]:
        return lambda model: RedisStore(redis_url, model, "main")
