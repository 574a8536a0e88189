"""Conformance: a store's tables beside the declaration."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest

from kingpost.language.types import INT, TEXT, Kind, Type
from kingpost.model.model import FieldModel, IndexModel, Model, UniqueModel
from kingpost.plan.select import Insert
from kingpost.stores.contract import SchemaChange, Store
from kingpost.testing.conformance_model import LOG, MODEL, TAG, with_field
from kingpost.testing.conformance_tools import ask, select

NOTE = FieldModel("note", TEXT.maybe(), "note", str)


def kinds(changes: list[SchemaChange]) -> list[str]:
    """What sorts of change there are."""
    return [change.kind for change in changes]


class SchemaChanges:
    """What is missing is added, what is different is refused in words."""

    @pytest.fixture
    def changed(self, open_store: Callable[[Model], Store], store: Store) -> Any:
        """Opens the place that `store` has made with another model."""

        @asynccontextmanager
        async def reopen(model: Model) -> AsyncGenerator[Store, None]:
            other = open_store(model)
            await other.start()
            try:
                yield other
            finally:
                await other.stop()

        return reopen

    async def test_what_was_made_fits(self, store: Store) -> None:
        assert await store.compare() == []

    async def test_everything_is_missing_from_an_empty_store(self, open_store: Callable[[Model], Store]) -> None:
        empty = open_store(MODEL)
        await empty.start()
        changes = await empty.compare()
        assert set(kinds(changes)) <= {"create", "add"}
        assert len([change for change in changes if change.kind == "create"]) == len(MODEL.resources)
        await empty.apply(changes)
        await empty.apply(changes)  # another process may have been first
        assert await empty.compare() == []
        await empty.stop()

    async def test_several_make_the_tables_at_once(self, open_store: Callable[[Model], Store]) -> None:
        stores = [open_store(MODEL) for _ in range(4)]
        for one in stores:
            await one.start()
        missing = [await one.compare() for one in stores]
        await asyncio.gather(*(one.apply(changes) for one, changes in zip(stores, missing, strict=True)))
        for one in stores:
            assert await one.compare() == []
            await one.stop()

    async def test_a_nullable_column_is_added_to_rows_that_are_there(self, store: Store, changed: Any) -> None:
        await store.write([Insert("Log", ("id", "text"), [(1, "x")])])
        async with changed(with_field(LOG, NOTE)) as other:
            changes = await other.compare()
            assert kinds(changes) == ["add"]
            await other.apply(changes)
            await other.apply(changes)
            assert await other.compare() == []
            await other.write([Insert("Log", ("id", "text", "note"), [(2, "y", "z")])])
        assert sorted(await ask(store, select("Log", "text"))) == ["x", "y"]

    async def test_statements_prepared_before_a_change_go_on(self, store: Store, changed: Any) -> None:
        await store.write([Insert("Log", ("id", "text"), [(1, "x")])])
        assert await ask(store, select("Log", "text")) == ["x"]
        async with changed(with_field(LOG, NOTE)) as other:
            await other.apply(await other.compare())
        assert await ask(store, select("Log", "text")) == ["x"]
        await store.write([Insert("Log", ("id", "text"), [(2, "y")])])

    async def test_an_index_is_added(self, store: Store, changed: Any) -> None:
        async with changed(with_field(LOG, replace(LOG.fields["text"], index=True))) as other:
            changes = await other.compare()
            assert kinds(changes) == ["add"]
            await other.apply(changes)
            assert await other.compare() == []

    async def test_a_required_column_for_rows_that_are_there_is_refused(self, store: Store, changed: Any) -> None:
        await store.write([Insert("Log", ("id", "text"), [(1, "x")])])
        async with changed(with_field(LOG, replace(NOTE, type=TEXT))) as other:
            (change,) = await other.compare()
            assert change.kind == "refuse"
            assert "log" in change.text
            assert "note" in change.text
            await other.apply([change])
            assert kinds(await other.compare()) == ["refuse"]

    async def test_what_is_about_a_refused_column_waits_for_it(self, store: Store, changed: Any) -> None:
        await store.write([Insert("Log", ("id", "text"), [(1, "x")])])
        required = replace(NOTE, type=TEXT, unique=True)
        both = UniqueModel(("text", "note")), IndexModel(("text", "-note"))
        log = replace(with_field(LOG, required)["Log"], uniques=both[:1], indexes=both[1:])
        async with changed(Model({**MODEL.resources, "Log": log}, actor="Author")) as other:
            (change,) = await other.compare()
            assert change.kind == "refuse"
            await other.apply([change])
        log = replace(log, fields={**log.fields, "note": replace(required, type=TEXT.maybe())})
        async with changed(Model({**MODEL.resources, "Log": log}, actor="Author")) as other:
            changes = await other.compare()
            assert set(kinds(changes)) == {"add"}
            assert len(changes) > 3
            await other.apply(changes)
            assert await other.compare() == []

    @pytest.mark.parametrize("wanted", [INT, Type(Kind.BYTES), TEXT.maybe()])
    async def test_another_type_is_refused(self, store: Store, changed: Any, wanted: Type) -> None:
        async with changed(with_field(LOG, replace(LOG.fields["text"], type=wanted))) as other:
            (change,) = await other.compare()
            assert change.kind == "refuse"
            assert "text" in change.text

    async def test_a_uniqueness_that_nothing_holds_is_refused(self, store: Store, changed: Any) -> None:
        await store.write([Insert("Log", ("id", "text"), [(1, "x"), (2, "x")])])
        async with changed(with_field(LOG, replace(LOG.fields["text"], unique=True))) as other:
            (change,) = await other.compare()
            assert change.kind == "refuse"
            assert "unique" in change.text

    async def test_a_required_column_that_nobody_declares_is_refused(self, store: Store, changed: Any) -> None:
        fewer = replace(TAG, fields={name: one for name, one in TAG.fields.items() if name != "name"})
        model = Model({**MODEL.resources, "Tag": fewer}, actor="Author")
        async with changed(model) as other:
            (change,) = await other.compare()
            assert change.kind == "refuse"
            assert "name" in change.text
