"""Whether the stores answer: each is asked the least there is to ask."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kingpost.language.tree import TRUE
from kingpost.model.model import Model
from kingpost.plan.select import Select
from kingpost.stores.contract import Store


class Pulse:
    """Asks for any row of any resource of a store: so it is there, lets us in, and has tables."""

    def __init__(self, model: Model, stores: Mapping[str, Store]) -> None:
        self.stores = stores
        declared = sorted(model.resources.values(), key=lambda one: one.internal)
        self._resources = {one.store: one.name for one in reversed(declared)}
        self._prepared: dict[str, Any] = {}

    async def take(self, name: str) -> None:
        """Returns when the store has answered. Raises `StoreError`."""
        store = self.stores[name]
        prepared = self._prepared.get(name)
        if prepared is None:
            prepared = self._prepared[name] = store.prepare(Select(self._resources[name], (TRUE,), limit=1))
        await store.fetch(prepared, {})
