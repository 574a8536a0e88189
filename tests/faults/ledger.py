"""The application that faults are tried on: rows that show whether a write was done never, once or twice.

The crash loop serves it by itself: the store is then named by LEDGER_STORE.
"""

from __future__ import annotations

import os
from typing import Any

from kingpost import App, Json, Resource, action, anyone, field


class Line(Resource, read=anyone, write=anyone, open=anyone):
    """Nothing about it is unique: what was written twice is there twice."""

    tag: str = field(max_length=80, index=True)

    @action
    @classmethod
    async def open(cls, tag: str) -> None:
        """Two rows in one transaction, written by the application's own code."""
        for part in range(2):
            await cls(tag=f"{tag}.{part}").save()


class Account(Resource, read=anyone, write=anyone, book=anyone):
    note: str = field(default="", max_length=80)
    tags: Json = field(default_factory=list)

    @action
    def book(self, tag: str) -> Account:
        self.tags = [*self.tags, tag]
        return self


def ledger(store: str, **options: Any) -> App:
    """The application on a store of any kind."""
    return App("ledger", resources=[Line, Account], stores={"main": store}, secret=b"ledger", **options)


app = ledger(os.environ.get("LEDGER_STORE", "memory:"))
