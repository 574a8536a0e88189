"""Conformance: the rows behind a place in an order."""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest

from kingpost.language.tree import Expression, Param, Part, Root, Shown, identity
from kingpost.language.types import INT
from kingpost.plan.select import Order, Select
from kingpost.stores.contract import Store
from kingpost.testing.conformance_model import get, step
from kingpost.testing.conformance_tools import LIBRARY, ask, select, types

ID = get("Article", "id")
EDITOR = Part(identity(step(Root("Article"), "editor")), 0, get("Author", "id").type.maybe())

KEYS: dict[str, tuple[Expression, ...]] = {
    "key": (ID,),
    "nullable": (get("Article", "score"), ID),
    "several": (get("Article", "price"), get("Article", "at"), ID),
    "instant": (get("Article", "at"), get("Article", "score"), ID),
    "reference": (EDITOR, ID),
    "another row": (Shown(get("Article", "editor.age"), INT.maybe()), ID),
}


class Pages:
    """A list goes on behind any of its rows, whatever it is ordered by."""

    @pytest.mark.parametrize("keys", KEYS.values(), ids=KEYS)
    async def test_a_select_goes_on_behind_any_row(self, store: Store, keys: tuple[Expression, ...]) -> None:
        await store.write(LIBRARY)
        for descending in product((False, True), repeat=len(keys)):
            order = tuple(map(Order, keys, descending))
            rows = await ask(store, ordered(order))
            assert len(rows) == 5
            for place, row in enumerate(rows):
                asked, params = behind(order, row)
                assert await ask(store, asked, params) == rows[place + 1 :], (descending, row)

    async def test_pages_have_a_limit_and_an_offset_as_lists_have(self, store: Store) -> None:
        await store.write(LIBRARY)
        order = (Order(get("Article", "score"), descending=True), Order(ID))
        rows = await ask(store, ordered(order))
        for limit, offset, place in product((1, 2, 9), (0, 1, 3), range(5)):
            asked, params = behind(order, rows[place], limit=Param("limit", INT), offset=Param("offset", INT))
            found = await ask(store, asked, {**params, "limit": limit, "offset": offset})
            assert found == rows[place + 1 :][offset : offset + limit]


def ordered(order: tuple[Order, ...], **more: Any) -> Select:
    """Titles, and in front of them what they are ordered by."""
    return select("Article", *(one.expression for one in order), "title", order=order, **more)


def behind(order: tuple[Order, ...], row: tuple[Any, ...], **more: Any) -> tuple[Select, dict[str, Any]]:
    """What comes behind a row of `ordered`, and the parameters to ask with."""
    kinds = types(tuple(one.expression for one in order))
    place = list(zip(kinds, row))
    after = tuple(
        None if value is None else Param(f"after{index}", kind.maybe(False))
        for index, (kind, value) in enumerate(place)
    )
    params = {f"after{index}": value for index, (_, value) in enumerate(place) if value is not None}
    return ordered(order, after=after, **more), params
