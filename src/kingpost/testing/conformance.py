"""The suite that every store passes. Run it on a store of your own:

    from collections.abc import Callable

    import pytest
    from kingpost.testing.conformance import StoreConformance

    class TestMyStore(StoreConformance):
        @pytest.fixture
        def open_store(self, tmp_path) -> Callable[[Model], Store]:
            return lambda model: MyStore(f"my:{tmp_path}", model, "main")

`open_store` answers a function that makes a store, not started, of a model; all stores that it makes in one test are of
the same place, which is empty when the test begins. It needs pytest-asyncio, with `asyncio_mode = "auto"`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable

import pytest

from kingpost.model.model import Model
from kingpost.stores.contract import Store
from kingpost.testing.conformance_made import MadeByStore
from kingpost.testing.conformance_model import MODEL
from kingpost.testing.conformance_pages import Pages
from kingpost.testing.conformance_reads import Reads
from kingpost.testing.conformance_schema import SchemaChanges
from kingpost.testing.conformance_values import Values
from kingpost.testing.conformance_writes import Together, Writes


class StoreConformance(Values, Reads, Pages, Writes, Together, MadeByStore):
    """Override `open_store`."""

    @pytest.fixture
    def open_store(self) -> Callable[[Model], Store]:
        """Makes stores of the place under test."""
        raise NotImplementedError("override the fixture open_store")

    @pytest.fixture
    async def store(self, open_store: Callable[[Model], Store]) -> AsyncIterator[Store]:
        """A running, empty store of the conformance model."""
        store = open_store(MODEL)
        await store.start()
        await store.apply(await store.compare())
        yield store
        await store.stop()


class TableStoreConformance(StoreConformance, SchemaChanges):
    """The same for stores that keep a schema of their own, to be compared with the declaration."""
