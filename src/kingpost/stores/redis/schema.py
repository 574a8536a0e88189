"""What is kept beside the rows, compared with the declaration: who has unique values, who points where."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import WatchError

from kingpost.model.model import Model
from kingpost.stores.contract import SchemaChange, StoreError
from kingpost.stores.memory.state import Row
from kingpost.stores.redis.facts import Facts
from kingpost.stores.redis.layout import Place
from kingpost.stores.redis.view import Changes, View

CHUNK = 1000


async def compare(client: Redis, places: Mapping[str, Place]) -> list[SchemaChange]:
    """What is missing, by table. A new table needs no command: it is noted what is kept for it from now on."""
    found: list[SchemaChange] = []
    for name, place in places.items():
        asked: Any = client
        kinds = [(await asked.type(key)).decode() for key in (place.keys, place.indexed)]
        if not set(kinds) <= {"set", "none"}:
            words = f"{place.base}: its keys hold something else in Redis; give the store a prefix of its own"
            found.append(SchemaChange("refuse", words))
            continue
        rows = int(await asked.scard(place.keys))
        known = {one.decode() for one in await asked.smembers(place.indexed)}
        wanted = {"rows", *place.indexes}
        if wanted <= known:
            continue
        missing = ", ".join(sorted(wanted - known - {"rows"})) or "its rows"
        if rows:
            text = f"{place.base}: note {missing} of {rows} rows"
            found.append(SchemaChange("add", text, (name,)))
        else:
            found.append(SchemaChange("create", f"{place.base}: keep {missing}", (name,)))
    return found


async def apply(client: Redis, model: Model, places: Mapping[str, Place], changes: Sequence[SchemaChange]) -> None:
    """Note what was missing. Raises `StoreError` where two rows have values that have to be unique."""
    for change in changes:
        for name in change.statements:
            await _index(client, model, places, name)


async def _index(client: Redis, model: Model, places: Mapping[str, Place], name: str) -> None:
    place = places[name]
    asked: Any
    async with client.pipeline(transaction=True) as asked:
        await asked.watch(place.changes)
        texts = [one.decode() for one in await asked.smembers(place.keys)]
        rows: dict[str, Row] = {}
        for start in range(0, len(texts), CHUNK):
            part = texts[start : start + CHUNK]
            kept = await asked.mget(map(place.row_key, part))
            rows.update((text, place.decode(one)) for text, one in zip(part, kept, strict=True) if one is not None)
        holders, pointing = _of_rows(model, places, place, rows)
        asked.multi()
        if holders:
            asked.mset(holders)
        for key, members in pointing.items():
            asked.sadd(key, *members)
        asked.sadd(place.indexed, "rows", *place.indexes)
        try:
            await asked.execute()
        except WatchError as error:
            raise StoreError(f"{place.base} was written meanwhile: run it again while nobody writes") from error


def _of_rows(
    model: Model, places: Mapping[str, Place], place: Place, rows: Mapping[str, Row]
) -> tuple[dict[str, str], dict[str, list[str]]]:
    holders: dict[str, str] = {}
    pointing: dict[str, list[str]] = {}
    known = Facts({other: {} for other in places}, whole=set(places))
    known.rows[place.layout.resource.name].update(rows)
    view = View(model, places, known, Changes({other: {} for other in places}))
    for text, row in rows.items():
        for unique in place.uniques:
            values = view.unique_values(place.layout, unique, row)
            if values is not None and holders.setdefault(place.unique_key(unique, values), text) != text:
                what = " and ".join(unique.members)
                raise StoreError(f"Two rows of {place.base} have the same {what}: make them differ first")
        for key in place.held(row):
            pointing.setdefault(key, []).append(text)
    return holders, pointing
