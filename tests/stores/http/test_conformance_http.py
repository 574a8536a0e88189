"""APIs pass what the suite asks of reads; what it writes is put into the server behind them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable

import pytest

from kingpost.model.api import Cursor, Link, Offset, Page, Paging
from kingpost.model.model import Model
from kingpost.stores.contract import Store, StoreError
from kingpost.testing.conformance_model import MODEL, TYPES
from kingpost.testing.conformance_pages import Pages
from kingpost.testing.conformance_reads import Reads
from kingpost.testing.conformance_tools import ask, select
from kingpost.testing.conformance_values import Values, thing
from tests.services.api import Api, serving, told
from tests.stores.http.harness import Served, Tables, in_api


class HttpConformance(Reads):
    page: Paging | None = None
    many_keys = 6000  # one and a half times as many rows: 10,000 are the most that are looked at in memory

    @pytest.fixture
    async def api(self) -> AsyncIterator[Api]:
        async with serving(lambda asked: told({}, 404)) as api:
            yield api

    @pytest.fixture
    def open_store(self, api: Api) -> Callable[[Model], Served]:
        def opened(model: Model) -> Served:
            known = in_api(model, self.page)
            store = Served(api.url, known, "main")
            store.tables = Tables(known, self.page)
            api.answer = store.tables.answer
            return store

        return opened

    @pytest.fixture
    async def store(self, open_store: Callable[[Model], Served]) -> AsyncIterator[Served]:
        store = open_store(MODEL)
        await store.start()
        yield store
        await store.stop()


class TestAllAtOnce(HttpConformance, Values, Pages):
    @pytest.mark.parametrize("name", TYPES)
    async def test_none_is_refused_where_it_is_not_declared(self, store: Store, name: str) -> None:
        with pytest.raises(StoreError, match=rf"row 0, /data/items/0/{name}: {name} is (empty|none of)"):
            await store.write([thing(1, **{name: None})])
        assert await ask(store, select("Thing")) == []


class TestByNumber(HttpConformance):
    page = Page()


class TestByOffset(HttpConformance):
    page = Offset(total="meta.total")


class TestByCursor(HttpConformance):
    page = Cursor(parameter="after")


class TestByLink(HttpConformance):
    page = Link()
