"""Locks on rows that others refer to: MongoDB's transactions collide in what they write, and not in what they read.

One transaction finds the row that a new reference leads to; another, at the same time, finds no reference and removes
the row: on their snapshots both are right. So both write to documents kept for the purpose: who refers to a row writes
to one of a few, taken by chance, so that those who refer to the same row mostly do not meet; who removes it writes to
all of them. Rows share these documents by a hash of their key: there are never many.
"""

from __future__ import annotations

import random
from collections.abc import Iterable
from typing import Any, Final

import bson
import xxhash
from pymongo import UpdateOne
from pymongo.asynchronous.client_session import AsyncClientSession
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import BulkWriteError

from kingpost.stores.mongo.errors import Again
from kingpost.stores.mongo.forms import CODEC

LOCKS: Final = "kingpost_locks"
"""The collection of these documents."""
ROWS: Final = 64
"""How many sets of them a collection has."""
SHARES: Final = 8
"""How many a set has: of so many who refer to one row at once, few meet."""


async def share(
    database: AsyncDatabase[dict[str, Any]],
    collection: str,
    keys: Iterable[tuple[Any, ...]],
    session: AsyncClientSession | None,
) -> None:
    """Rows of a collection that must not go while this transaction is under way."""
    names = {f"{_set(collection, key)}.{random.randrange(SHARES)}" for key in keys}  # noqa: S311  # not for secrets
    await _write(database, names, session)


async def take(
    database: AsyncDatabase[dict[str, Any]], collection: str, key: tuple[Any, ...], session: AsyncClientSession | None
) -> None:
    """A row that nobody may begin to refer to while this transaction is under way."""
    await _write(database, {f"{_set(collection, key)}.{number}" for number in range(SHARES)}, session)


def _set(collection: str, key: tuple[Any, ...]) -> str:
    number = xxhash.xxh3_64_intdigest(bson.encode({"key": list(key)}, codec_options=CODEC)) % ROWS
    return f"{collection}.{number}"


async def _write(
    database: AsyncDatabase[dict[str, Any]], names: Iterable[str], session: AsyncClientSession | None
) -> None:
    if session is None:  # a single operation: nothing is held together
        return
    writes = [UpdateOne({"_id": name}, {"$inc": {"n": 1}}, upsert=True) for name in sorted(names)]
    try:
        await database[LOCKS].bulk_write(writes, session=session)
    except BulkWriteError as error:  # two who made the document at once
        raise Again from error
