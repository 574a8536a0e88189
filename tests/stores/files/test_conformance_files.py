"""Stores in files pass what the suite asks of reads; what it writes is written by the standard library.

Once read all kinds of files are the same tables: pages and questions are asked of one.
"""

from __future__ import annotations

import base64
import re
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from kingpost.model.model import Model
from kingpost.plan.select import Order
from kingpost.stores.contract import Store, StoreError
from kingpost.testing.conformance_model import MODEL, TYPES, get
from kingpost.testing.conformance_pages import Pages
from kingpost.testing.conformance_reads import Reads
from kingpost.testing.conformance_tools import ask, select
from kingpost.testing.conformance_values import NASTY, Values, thing
from tests.stores.files.harness import Written, adopted


class FilesConformance(Values):
    kind = ""

    @pytest.fixture
    def open_store(self, tmp_path: Path) -> Callable[[Model], Written]:
        def opened(model: Model) -> Written:
            known = adopted(model)
            folder = tmp_path / "data"
            folder.mkdir(exist_ok=True)
            store = Written(f"{self.kind}:///{folder}?cache={tmp_path}/cache", known, "main")
            return store.begin(self.kind, folder, known)

        return opened

    @pytest.fixture
    async def store(self, open_store: Callable[[Model], Written]) -> AsyncIterator[Written]:
        store = open_store(MODEL)
        await store.start()
        yield store
        await store.stop()

    @pytest.mark.parametrize("name", TYPES)
    async def test_none_is_refused_where_it_is_not_declared(self, store: Store, name: str) -> None:
        if self.kind in ("csv", "xlsx") and name in ("text", "raw"):
            return  # empty ones are what an empty cell is
        with pytest.raises(StoreError, match=rf"(line|element|row) \d+: {name} is (empty|none of)"):
            await store.write([thing(1, **{name: None})])
        assert await ask(store, select("Thing")) == []


class CellsConformance(FilesConformance):
    def can_be(self, value: str | bytes) -> bool:
        """Whether a cell can hold it."""
        return True

    @pytest.mark.parametrize("name", TYPES)
    async def test_values_come_back_as_they_went_in(self, store: Store, name: str) -> None:
        if name not in ("text", "raw"):
            await super().test_values_come_back_as_they_went_in(store, name)
            return
        # An empty cell is None where that may be.
        values = list(filter(self.can_be, NASTY[name]))
        await store.write([thing(at, **{name: value, f"maybe_{name}": value}) for at, value in enumerate(values)])
        asked = select("Thing", name, f"maybe_{name}", order=(Order(get("Thing", "id")),))
        assert await ask(store, asked) == [(value, value or None) for value in values]


class TestCsv(CellsConformance, Reads, Pages):
    kind = "csv"


class TestXlsx(CellsConformance):
    kind = "xlsx"

    def can_be(self, value: str | bytes) -> bool:
        """A cell holds 32,767 characters, and no control characters."""
        text = base64.b64encode(value).decode() if isinstance(value, bytes) else value
        return len(text) < 32_768 and not re.search("[\0-\x1f]", text)


class TestNdjson(FilesConformance):
    kind = "ndjson"
