"""One question or batch on one Redis connection: what it has seen is watched, and written is all or nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from redis.exceptions import WatchError

from kingpost.base.errors import Detail, Rejected
from kingpost.stores.redis.facts import Facts, Missing
from kingpost.stores.redis.layout import Place
from kingpost.stores.redis.view import Changes

MAX_ROWS: Final = 10_000
"""Rows of one resource that are loaded to answer one question."""
ROUNDS: Final = 1000

LOAD: Final = """
local values, sets, tables = {}, {}, {}
for index, key in ipairs(KEYS) do values[index] = redis.call('GET', key) end
local at = 3
for index = 1, tonumber(ARGV[2]) do
  sets[index] = redis.call('SMEMBERS', ARGV[at])
  at = at + 1
end
while at < #ARGV do
  local count = redis.call('SCARD', ARGV[at])
  local found = {count}
  if count <= tonumber(ARGV[1]) then
    for _, text in ipairs(redis.call('SMEMBERS', ARGV[at])) do
      found[#found + 1] = text
      found[#found + 1] = redis.call('GET', ARGV[at + 1] .. text)
    end
  end
  tables[#tables + 1] = found
  at = at + 2
end
return {values, sets, tables}
"""
"""All that is missing in one go, from one moment: a script is not interrupted."""

RAISE = """
if tonumber(redis.call('GET', KEYS[1]) or '0') < tonumber(ARGV[1]) then redis.call('SET', KEYS[1], ARGV[1]) end
"""


class Conflict(Exception):
    """Others wrote what this one has seen: nothing of it has taken effect."""


class Session:
    """Loads facts. `pipeline`: what watches; None: for a question that one round answers.

    The driver leaves much of its clients and pipelines without types.
    """

    def __init__(self, client: Any, places: Mapping[str, Place], pipeline: Any = None) -> None:
        self._places = places
        self._pipeline = pipeline
        self._asked = client if pipeline is None else pipeline
        self._watched: set[str] = set()
        self.facts = Facts({name: {} for name in places})

    async def load(self) -> None:
        """Load what is missing. Raises `Rejected` where that is more than may be looked at."""
        missing, self.facts.missing = self.facts.missing, Missing()
        rows = sorted(missing.rows)
        keys = [*(self._places[name].row_key(text) for name, text in rows), *(values := sorted(missing.values))]
        sets, tables = sorted(missing.sets), sorted(missing.tables)
        if self._pipeline is not None:
            await self._watch([*keys, *sets, *(self._places[name].changes for name in tables)])
        if keys or sets or tables:
            of_tables = [part for name in tables for part in (self._places[name].keys, self._places[name].row_key(""))]
            found = await self._asked.eval(LOAD, len(keys), *keys, MAX_ROWS, len(sets), *sets, *of_tables)
            self._take(rows, values, sets, tables, found)
        for (name, column), count in missing.numbers.items():
            last = int(await self._asked.incrby(self._places[name].number(column), count))
            self.facts.numbers.setdefault((name, column), []).extend(range(last - count + 1, last + 1))

    def _take(
        self, rows: Sequence[tuple[str, str]], values: Sequence[str], sets: Sequence[str], tables: Sequence[str],
        found: Any,
    ) -> None:  # fmt: skip
        facts = self.facts
        texts, members, wholes = found
        for (name, text), kept in zip(rows, texts, strict=False):
            facts.rows[name][text] = None if kept is None else self._places[name].decode(kept)
        for key, kept in zip(values, texts[len(rows) :], strict=True):
            facts.values[key] = None if kept is None else kept.decode()
        for key, kept in zip(sets, members, strict=True):
            facts.sets[key] = frozenset(one.decode() for one in kept)
        for name, (count, *pairs) in zip(tables, wholes, strict=True):
            if count > MAX_ROWS:
                raise _too_many(name)
            decode = self._places[name].decode
            facts.rows[name] = {
                text.decode(): decode(kept)
                for text, kept in zip(pairs[::2], pairs[1::2], strict=True)
                if kept is not None
            }
            facts.whole.add(name)

    async def _watch(self, keys: Sequence[str]) -> None:
        new = [key for key in keys if key not in self._watched]
        if new and self._pipeline is not None:
            await self._pipeline.watch(*new)
            self._watched.update(new)

    async def commit(self, changes: Changes | None) -> None:
        """Write; without changes, see that all was of one moment. Raises `Conflict`."""
        pipeline = self._pipeline
        if pipeline is None or not self._watched:
            return
        pipeline.multi()
        if changes:
            self._write(pipeline, changes)
        else:
            pipeline.ping()
        try:
            await pipeline.execute()
        except WatchError as error:
            raise Conflict from error

    def _write(self, pipeline: Any, changes: Changes) -> None:
        texts: dict[str, str | bytes] = {}
        gone: list[str] = []
        for name, rows in changes.rows.items():
            place = self._places[name]
            there = [text for text, row in rows.items() if row is not None]
            away = [text for text, row in rows.items() if row is None]
            texts.update((place.row_key(text), place.encode(row)) for text, row in rows.items() if row is not None)
            gone += map(place.row_key, away)
            if there:
                pipeline.sadd(place.keys, *there)
            if away:
                pipeline.srem(place.keys, *away)
            if rows:
                pipeline.incr(place.changes)
        for key, holder in changes.values.items():
            if holder is None:
                gone.append(key)
            else:
                texts[key] = holder
        if texts:
            pipeline.mset(texts)
        if gone:
            pipeline.delete(*gone)
        for key, members in changes.sets.items():
            added = [text for text, there in members.items() if there]
            removed = [text for text, there in members.items() if not there]
            if added:
                pipeline.sadd(key, *added)
            if removed:
                pipeline.srem(key, *removed)
        for key, number in changes.numbers.items():
            pipeline.eval(RAISE, 1, key, str(number))


def _too_many(resource: str) -> Rejected:
    message = (
        f"More than {MAX_ROWS:,} rows of {resource} would have to be looked at one by one to answer this, as "
        "Redis finds rows by their keys only: ask for rows by key, or keep these in a database that filters"
    )
    return Rejected("KP125", message, [Detail("", "KP125", message)])
