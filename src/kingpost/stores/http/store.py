"""An HTTP API as a store: what is asked is read from it, within bounds, and answered in memory."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping, MutableMapping, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote

from kingpost.base.errors import Detail, Rejected, Unsupported
from kingpost.language.types import Type
from kingpost.model.api import Api
from kingpost.model.columns import Column, key_columns, member_columns
from kingpost.model.model import Model
from kingpost.plan.select import Check, Operation, Select
from kingpost.plan.split import MAX_ROWS
from kingpost.stores.contract import (
    Abilities,
    CheckFailed,
    Convert,
    Rows,
    SchemaChange,
    StoreDamaged,
    StoreDown,
    Transaction,
)
from kingpost.stores.http.address import locate
from kingpost.stores.http.asked import ONES, Wanted, value_of, wanted
from kingpost.stores.http.client import Client, shown
from kingpost.stores.http.fitting import check
from kingpost.stores.http.pages import pages, with_query
from kingpost.stores.http.rows import Reading, reading, text_of
from kingpost.stores.memory.select import Prepared, prepare, require_one_store
from kingpost.stores.memory.state import Key, Row, State, layouts
from kingpost.stores.settings import StoreSettings, settings_in
from kingpost.stores.sql.forms import PYTHON

LACKS: Final = {
    "create": "rows of an API are only read: keep them in a database",
    "update": "rows of an API are only read: keep them in a database",
    "delete": "rows of an API are only read: keep them in a database",
}
AT_ONCE: Final = 8
"""Requests of one question that are under way together."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A compiled select, and what has to be read for it."""

    resource: str
    prepared: Prepared
    wanted: tuple[Wanted, ...]
    text: str


@dataclass(frozen=True, slots=True)
class Place:
    """One resource: where its rows are, how they are read, its key, and the column of each member of `where`."""

    name: str
    source: Api
    reading: Reading
    key: tuple[Column, ...]
    where: Mapping[str, Column]


class HttpStore:
    """A store that is read over HTTP. Every question asks the API, but for what the API says may be kept."""

    def __init__(self, url: str, model: Model, name: str, settings: StoreSettings | None = None) -> None:
        self.url = url
        plain, self._settings = settings_in(url, settings)
        self._address = locate(plain)
        self._model, self._name = model, name
        self._layouts = layouts(model, name)
        held = [one.resource for one in self._layouts.values() if not one.resource.name.startswith("_")]
        check(model, held)
        self._places: dict[str, Place] = {}
        for one in held:
            source = one.source or Api()
            columns = {member: member_columns(model, one, member)[0] for member in source.where}
            self._places[one.name] = Place(
                one.name, source, reading(model, one, source), key_columns(model, one), columns
            )
        self._client = Client(self._address, self._settings)
        self._abilities = Abilities(LACKS, transactions=False, returning=False, changes=False)

    @property
    def abilities(self) -> Abilities:
        return self._abilities

    async def start(self) -> None:
        """See that the secret is there. The API is not asked."""
        await self._client.start()

    async def stop(self) -> None:
        await self._client.stop()

    def prepare(self, select: Select) -> Asked:
        require_one_store(select, self._model, self._name)
        needed = tuple(wanted(select, self._model))
        for one in needed:
            place = self._places.get(one.resource)
            if place is not None and not place.source.list and one.key is None and one.keys is None:
                raise Unsupported(
                    "KP304", f"the API gives single rows of {one.resource} only: ask for them by key, or add list= to "
                    "its source",
                )  # fmt: skip
        text = "\n".join(line for one in needed for line in self._told(one))
        return Asked(select.resource, prepare(select, self._model), needed, text)

    async def fetch(self, prepared: Asked, params: Mapping[str, object]) -> Rows:
        try:
            async with asyncio.timeout(self._settings.statement):
                state = await self._read(prepared, params)
        except TimeoutError:
            raise StoreDown(
                f"{shown(self._address.base)} did not answer all within {self._settings.statement:g} s; "
                "?statement= in the address of the store allows for more"
            ) from None
        return prepared.prepared.run(state, state.rows[prepared.resource].values(), params)

    async def stream(
        self, prepared: Asked, params: Mapping[str, object], *, chunk: int = 1000
    ) -> AsyncGenerator[Rows, None]:
        rows = await self.fetch(prepared, params)
        for start in range(0, len(rows), chunk):
            yield rows[start : start + chunk]

    async def write(self, operations: Sequence[Operation]) -> list[Rows]:
        """Raises `Unsupported` for all but checks."""
        answers: list[Rows] = []
        for one in operations:
            if not isinstance(one, Check):
                words = (
                    "an API keeps no Idempotency-Key"
                    if one.resource.startswith("_")
                    else "rows of an API are only read"
                )
                raise Unsupported("KP304", f"{one.resource}: {words}")
            answers.append(await self._checked(one))
        return answers

    @asynccontextmanager
    async def transaction(self, *, limit: float | None = None) -> AsyncGenerator[Transaction, None]:
        """Raises `Unsupported`."""
        raise Unsupported("KP304", "an API has no transactions, and its rows are only read")
        yield  # pragma: no cover

    def json_form(self, type: Type) -> Convert | None:
        return PYTHON.json_form(type)

    def python_form(self, type: Type) -> Convert | None:
        return PYTHON.python_form(type)

    async def compare(self) -> list[SchemaChange]:
        """Reads the first page of each list; what does not fit is told."""
        found: list[SchemaChange] = []
        for place in self._places.values():
            if not place.source.list:
                continue
            try:
                async with asyncio.timeout(self._settings.statement):
                    await self._listed(place, {}, 1)
            except StoreDown as error:
                found.append(SchemaChange("refuse", f"{place.name}: {error}"))
            except TimeoutError:
                found.append(SchemaChange("refuse", f"{place.name}: {self._address.base} did not answer in time"))
        return found

    async def apply(self, changes: Sequence[SchemaChange]) -> None:
        """An API is not changed."""

    # Reading

    async def _checked(self, check: Check) -> Rows:
        found = await self.fetch(self.prepare(check.select), check.params)
        if len(found) != check.rows:
            raise CheckFailed(f"A check on {check.select.resource} found {len(found)} rows", check.reason)
        return found if check.answers else []

    async def _read(self, asked: Asked, params: Mapping[str, Any]) -> State:
        rows: dict[str, MutableMapping[Key, Row]] = {name: {} for name in self._layouts}
        found = await _together([self._wanted(one, params) for one in asked.wanted])
        for one, table in zip(asked.wanted, found, strict=True):
            rows[one.resource].update(table)
        return State(self._model, self._layouts, rows)

    async def _wanted(self, one: Wanted, params: Mapping[str, Any]) -> dict[Key, Row]:
        place = self._places.get(one.resource)
        if place is None:  # records of Kingpost's own, of which there are none
            return {}
        source = place.source
        keys: list[Any] | None = None
        if one.key is not None:
            keys = [value_of(one.key, params)]
        elif one.keys is not None:
            keys = list(dict.fromkeys(params[one.keys.name]))
        if keys is not None:
            keys = [key for key in keys if key is not None]
            if source.one and (len(keys) <= ONES or not source.list) and all(self._paths(place, key) for key in keys):
                return await self._singly(place, keys)
            if not source.list:
                raise Unsupported("KP304", f"a key of {place.name} can't stand in an address of the API")
        query = dict[str, str]()
        for member, parameter in source.where.items():
            value = value_of(one.equal[member], params) if one.equal and member in one.equal else None
            if value is not None:
                query[parameter] = text_of(value, place.where[member].type)
        return await self._listed(place, query, one.enough)

    async def _listed(self, place: Place, query: Mapping[str, str], enough: int | None) -> dict[Key, Row]:
        """All rows of a list, or so many of them. Raises `Rejected` where they are more than may be looked at."""
        url = self._address.base + place.source.list
        layout = self._layouts[place.name]
        table: dict[Key, Row] = {}
        async with aclosing(
            pages(self._client, place.source, place.reading, url, {**place.source.query, **query})
        ) as found:
            number = 0
            async for rows in found:
                number += 1
                known = len(table)
                here = set[Key]()
                for row in rows:
                    key = layout.key_of(row)
                    if key in here or (key in table and table[key] != row):
                        self._twice(place, url, number)
                    here.add(key)
                    table[key] = row
                if rows and len(table) == known:
                    raise StoreDamaged(
                        f"{shown(url)} gives page {number} as it gave one before: see that page= of the source of "
                        f"{place.name} names the right parameter"
                    )
                if enough is not None and len(table) >= enough:
                    break
                if len(table) > MAX_ROWS:
                    raise _unbounded(place)
        return table

    def _twice(self, place: Place, url: str, number: int) -> None:
        key = ", ".join(column.name for column in place.key)
        raise StoreDamaged(f"{shown(url)} has two rows of the same {key} (page {number}); of each there may be one")

    async def _singly(self, place: Place, keys: Sequence[Any]) -> dict[Key, Row]:
        gate = asyncio.Semaphore(AT_ONCE)
        layout = self._layouts[place.name]

        async def one(key: Any) -> Row | None:
            url = with_query(self._address.base + (self._paths(place, key) or ""), place.source.query)
            async with gate:
                answer = await self._client.get(url)
            if answer is None:
                return None
            row = place.reading.one(answer)
            wanted_key = _whole(key)
            return row if layout.key_of(row) == wanted_key else None

        found = await _together([one(key) for key in keys])
        return {layout.key_of(row): row for row in found if row is not None}

    def _paths(self, place: Place, key: Any) -> str | None:
        """The path of one row; None where the key can't stand in one."""
        values = _whole(key)
        path = place.source.one
        for column, value in zip(place.key, values, strict=True):
            text = text_of(value, column.type)
            if text in ("", ".", ".."):  # they would lead elsewhere
                return None
            shown_text = quote(text, safe="")
            path = path.replace(f"{{{column.name}}}", shown_text).replace(f"{{{column.member}}}", shown_text)
        return path

    def _told(self, one: Wanted) -> list[str]:
        place = self._places.get(one.resource)
        if place is None:
            return []
        if (one.key or one.keys) and place.source.one:
            return [f"GET {self._address.base}{place.source.one}"]
        taken = [place.source.where[name] for name in place.source.where if one.equal and name in one.equal]
        query = "&".join([*place.source.query, *taken])
        paged = "" if place.source.page is None else f", by {type(place.source.page).__name__}"
        return [
            f"GET {self._address.base}{place.source.list}{f'?{query}' if query else ''}, at most {MAX_ROWS} rows{paged}"
        ]


def _whole(key: Any) -> Key:
    whole: Key = key if isinstance(key, tuple) else (key,)  # pyright: ignore[reportUnknownVariableType]
    return whole


async def _together(tasks: Sequence[Any]) -> list[Any]:
    """The answers of questions that are asked at once; the first error ends the others."""
    if len(tasks) < 2:
        return [await task for task in tasks]
    try:
        async with asyncio.TaskGroup() as group:
            begun = [group.create_task(task) for task in tasks]
    except ExceptionGroup as errors:
        raise errors.exceptions[0] from errors
    return [task.result() for task in begun]


def _unbounded(place: Place) -> Rejected:
    """The error where more rows would have to be looked at in memory than may be."""
    narrower = f"filter by {' or '.join(place.source.where)}" if place.source.where else "where= in its source lets it"
    message = (
        f"more than {MAX_ROWS} rows of {place.name} would have to be looked at one by one to answer this, as its API "
        f"can't do it alone: {narrower}"
    )
    return Rejected("KP125", message, [Detail("", "KP125", message)])
