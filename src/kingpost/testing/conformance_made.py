"""Conformance: keys that the store makes, and row versions of tables that others made."""

from __future__ import annotations

from typing import Any

import pytest

from kingpost.language.tree import In
from kingpost.language.types import INT
from kingpost.plan.select import Check, Delete, Insert, Made, Operation, Update
from kingpost.stores.contract import CheckFailed, StaleRow, Store, UniqueViolation
from kingpost.testing.conformance_model import const, get, is_, keys, param
from kingpost.testing.conformance_tools import ask, ids, key, select


def order(text: str, made: Made) -> Insert:
    """One order, whose key the store makes."""
    return Insert("Order", ("text",), [(text,)], makes={"id": made})


def line(text: str, of: object) -> Insert:
    """One line of an order."""
    return Insert("Line", ("text", "order_id"), [(text, of)], makes={"id": Made()})


def guest(number: int, name: str, age: int | None = None) -> Insert:
    """One guest; its row version is asked for."""
    return Insert("Guest", ("id", "name", "age"), [(number, name, age)], ("_version",))


class MadeByStore:
    """What nobody outside of the store can know before the row is written."""

    # ---------------------------------------------------------------------------------------------------- keys

    async def test_a_key_is_made_and_answered(self, store: Store) -> None:
        answers = await store.write([order("a", Made()), order("b", Made())])
        (first,), (second,) = (rows[0] for rows in answers)
        assert 0 < first < second
        assert await ask(store, select("Order", "id", "text", where=is_(get("Order", "id"), const(second)))) == [
            (second, "b")
        ]

    async def test_what_is_asked_to_be_returned_comes_before(self, store: Store) -> None:
        wanted = Insert("Order", ("text",), [("a",)], ("text", "_version"), {"id": Made()})
        ((text, version, number),) = (await store.write([wanted]))[0]
        assert (text, version) == ("a", 1)
        assert await ids(store, "Order") == [number]

    async def test_later_operations_of_the_batch_know_it(self, store: Store) -> None:
        first, second = Made(), Made()
        there = select("Order", where=In(key("Order"), keys("wanted", "Order")))
        operations: list[Operation] = [
            order("a", first), line("x", first), order("b", second), line("y", second), line("z", first),
            Check(there, {"wanted": [first, second]}, 2),
            Update("Order", (second,), {"text": "c"}, version=1),
        ]  # fmt: skip
        await store.write(operations)
        found = await ask(store, select("Line", "text", "order.text"))
        assert sorted(found) == [("x", "a"), ("y", "c"), ("z", "a")]

    async def test_it_is_a_batch_like_any_other(self, store: Store) -> None:
        made = Made()
        with pytest.raises(UniqueViolation) as caught:
            await store.write([order("a", made), line("x", made), order("a", Made())])
        assert (caught.value.operation, caught.value.members) == (2, ("text",))
        nobody = select("Order", where=is_(get("Order", "id"), param("wanted", INT)))
        with pytest.raises(CheckFailed) as failed:
            await store.write([order("a", made), Check(nobody, {"wanted": made}, 0, "none")])
        assert failed.value.operation == 1
        assert await ids(store, "Order") == await ids(store, "Line") == []

    async def test_in_a_transaction(self, store: Store) -> None:
        made = Made()
        async with store.transaction() as transaction:
            ((number,),) = (await transaction.write([order("a", made), line("x", made)]))[0]
            await transaction.write([line("y", number)])
        assert await ask(store, select("Line", "order.id")) == [number, number]

    async def test_a_key_may_be_given_all_the_same(self, store: Store) -> None:
        await store.write([Insert("Order", ("id", "text"), [(70, "a")])])
        assert await ids(store, "Order") == [70]

    async def test_no_number_is_made_twice(self, store: Store) -> None:
        ((first,),) = (await store.write([order("a", Made())]))[0]
        await store.write([Delete("Order", (first,))])
        ((second,),) = (await store.write([order("a", Made())]))[0]
        assert second > first

    # ------------------------------------------------------------------------------------- versions in no column

    async def test_a_version_is_answered_and_guards(self, store: Store) -> None:
        ((first,),) = (await store.write([guest(1, "ada", 36)]))[0]
        assert 0 <= first < 1 << 63
        assert await ask(store, select("Guest", "_version")) == [first]
        rename = Update("Guest", (1,), {"name": "eve"}, version=first, returning=("_version",))
        ((second,),) = (await store.write([rename]))[0]
        assert second != first
        with pytest.raises(StaleRow):
            await store.write([rename])
        with pytest.raises(StaleRow):
            await store.write([Delete("Guest", (1,), version=first)])
        assert await ask(store, select("Guest", "name", "_version")) == [("eve", second)]
        await store.write([Delete("Guest", (1,), version=second)])
        assert await ids(store, "Guest") == []

    @pytest.mark.parametrize("change", [{"age": 0}, {"age": None}, {"name": ""}, {"name": "36", "age": None}])
    async def test_every_column_counts(self, store: Store, change: dict[str, Any]) -> None:
        await store.write([guest(1, "", 36), guest(2, "ada", 36)])
        asked = select("Guest", "_version", where=is_(get("Guest", "id"), const(2)))
        (before,) = await ask(store, asked)
        await store.write([Update("Guest", (2,), change)])
        (after,) = await ask(store, asked)
        assert before != after

    async def test_a_row_that_is_gone_has_no_version(self, store: Store) -> None:
        wanted = Update("Guest", (1,), {"name": "eve"}, returning=("_version",))
        with pytest.raises(StaleRow) as caught:
            await store.write([guest(2, "ada"), wanted])
        assert caught.value.operation == 1
        assert await ids(store, "Guest") == []
