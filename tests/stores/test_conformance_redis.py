from __future__ import annotations

from collections.abc import Callable

import pytest

from kingpost.model.model import Model
from kingpost.stores.redis.store import RedisStore
from kingpost.testing.conformance import StoreConformance


class TestRedisStore(StoreConformance):
    @pytest.fixture
    def open_store(self, redis_url: str) -> Callable[[Model], RedisStore]:
        return lambda model: RedisStore(redis_url, model, "main")
