"""Rows of several stores, gathered in memory so that expressions can be answered over them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Protocol, TypeAlias

from msgspec import Struct, field

from kingpost.base.errors import Detail, Rejected
from kingpost.language.types import Kind, Type
from kingpost.language.world import UNKNOWN
from kingpost.model.columns import key_columns
from kingpost.model.model import Model
from kingpost.plan.loads import Fold, Load
from kingpost.plan.lookups import MAX_KEYS
from kingpost.plan.shapes import MAX_BATCH_ROWS
from kingpost.plan.split import Made
from kingpost.stores.contract import Convert, Rows
from kingpost.stores.memory.values import keep

Row: TypeAlias = dict[str, Any]
"""Members by name, in the form that memory keeps; under `KEY` the row's own key."""
Take: TypeAlias = Callable[[Sequence[Any]], Any]
"""Reads one value off the cells of an answer."""
KEY = ""


class Gathered:
    """The world of an evaluation: what has been loaded for it, and no more."""

    def __init__(self, model: Model) -> None:
        self._model = model
        self.rows: dict[str, dict[Any, Row]] = {}
        self.lists: dict[tuple[str, str], dict[Any, dict[Any, Row]]] = {}
        """The rows of a `many`, or the links of a `linked` relation, by resource and relation and the key above."""
        self.ends: dict[tuple[str, str], dict[Any, Any]] = {}
        """The key at the far end of each link, by resource and relation and the key of the link."""

    def value(self, row: Any, resource: str, field: str) -> object:
        return row[field]

    def reference(self, row: Any, resource: str, relation: str) -> object:
        return row[relation]

    def one(self, row: Any, resource: str, relation: str) -> Any:
        target = self._model[resource].relations[relation].target
        return self.keyed(target, row[relation])

    def many(self, row: Any, resource: str, relation: str) -> Iterable[Any]:
        if self._model[resource].relations[relation].kind == "linked":
            return [found for _, found in self.linked(row, resource, relation)]
        return self.lists[resource, relation].get(row[KEY], {}).values()

    def linked(self, row: Any, resource: str, relation: str) -> Iterable[tuple[Any, Any]]:
        target = self._model[resource].relations[relation].target
        links, ends = self.lists[resource, relation].get(row[KEY], {}), self.ends[resource, relation]
        pairs = ((link, self.keyed(target, ends[key])) for key, link in links.items())
        return [(link, found) for link, found in pairs if found is not None]

    def keyed(self, resource: str, key: Any) -> Any:
        return self.rows.get(resource, {}).get(key)

    def key_of(self, row: Any, resource: str) -> object:
        return row[KEY]


class Cells(Struct):
    """How the cells of one answer become rows: the name and the reader of each value."""

    names: tuple[str, ...]
    takes: tuple[Take, ...]

    def rows(self, found: Iterable[Sequence[Any]]) -> list[Row]:
        """Rows of an answer."""
        return [{name: take(cells) for name, take in zip(self.names, self.takes)} for cells in found]


def reading(model: Model, forms: Callable[[Type], Convert | None], types: Sequence[Type]) -> list[Take]:
    """What reads values of these types off an answer, one after another; `forms`: as `Store.python_form`."""
    takes: list[Take] = []
    place = 0
    for type in types:
        take, width = taking(model, forms, type, place)
        takes.append(take)
        place += width
    return takes


def taking(model: Model, forms: Callable[[Type], Convert | None], type: Type, place: int) -> tuple[Take, int]:
    """What reads a value of a type that begins at a place of the cells, and how many of them it takes."""
    if type.kind is not Kind.REFERENCE:
        return _taking_one(forms, type, place), 1
    parts = [column.type for column in key_columns(model, model[type.name])]
    if len(parts) == 1:
        return _taking_one(forms, parts[0], place), 1
    singles = [_taking_one(forms, part, place + index) for index, part in enumerate(parts)]

    def take(cells: Sequence[Any]) -> Any:
        key = tuple(single(cells) for single in singles)
        return None if None in key else key

    return take, len(parts)


def _taking_one(forms: Callable[[Type], Convert | None], type: Type, place: int) -> Take:
    convert, kept = forms(type.maybe(False)), keep(type)
    if convert is None:
        return lambda cells: kept(cells[place])

    def take(cells: Sequence[Any]) -> Any:
        value = cells[place]
        return None if value is None else kept(convert(value))

    return take


def known(take: Take) -> Take:
    """The same where None stands for what is unknown."""
    return lambda cells: UNKNOWN if (value := take(cells)) is None else value


def made_known(found: Cells, made: Sequence[Made]) -> Cells:
    """The same cells, the last of which the store made, as it was told to."""
    first = len(found.names) - len(made)
    takes = [*found.takes[:first]]
    takes += [known(take) if one.strict else take for take, one in zip(found.takes[first:], made, strict=True)]
    return Cells(found.names, tuple(takes))


class Asking(Protocol):
    """A select, ready to be asked."""

    @property
    def text(self) -> str: ...
    @property
    def where(self) -> str: ...
    async def fetch(self, params: Mapping[str, Any]) -> Rows: ...


class Folding(Struct):
    """A `Fold`, prepared: `value` reads what was found, and `nothing` stands for what was not."""

    fold: Fold
    asked: Asking
    owner: Take
    value: Take
    nothing: object

    async def run(self, rows: Sequence[Row], params: Mapping[str, Any]) -> None:
        """Ask for all rows together, and keep the answers in them."""
        keys = list(dict.fromkeys(row[KEY] for row in rows))
        if len(keys) > MAX_KEYS:
            raise unbounded(self.fold.select.resource, f"rows for {len(keys)} others")
        found = await self.asked.fetch({**params, "keys": keys}) if keys else ()
        values = {self.owner(cells): self.value(cells) for cells in found}
        for row in rows:
            row[self.fold.name] = values.get(row[KEY], self.nothing)


class Loading(Struct):
    """A `Load`, prepared. `above`: the resource of the rows above; `owner`, `end`: read the keys that links hold."""

    load: Load
    above: str
    asked: Asking
    cells: Cells
    owner: Take | None = None
    end: Take | None = None
    below: list[Loading] = field(default_factory=list["Loading"])
    far: Loading | None = None
    folds: list[Folding] = field(default_factory=list[Folding])

    async def run(self, world: Gathered, above: Sequence[Row], params: Mapping[str, Any]) -> None:
        """Load the rows that those above lead to, and what these lead to."""
        load = self.load
        if load.way == "keyed":
            keys = [] if params[load.name] is None else [params[load.name]]
        else:
            named = load.name if load.way == "one" else KEY
            keys = [key for key in dict.fromkeys(row[named] for row in above) if key is not None]
        await self._load(world, keys, params)

    async def _load(self, world: Gathered, keys: Sequence[Any], params: Mapping[str, Any]) -> None:
        load = self.load
        table = world.rows.setdefault(load.resource, {})
        lists = world.lists.setdefault((self.above, load.name), {})
        ends = world.ends.setdefault((self.above, load.name), {})
        if not keys:
            return
        if len(keys) > MAX_KEYS:
            raise unbounded(load.resource, f"{len(keys)} different keys")
        found = await self.asked.fetch({**params, "keys": list(keys)})
        if len(found) > MAX_BATCH_ROWS:
            raise unbounded(load.resource, f"more than {MAX_BATCH_ROWS} rows")
        rows: list[Row] = []
        for cells, row in zip(found, self.cells.rows(found), strict=True):
            key = row[KEY]
            known = table.setdefault(key, row)
            if known is not row:  # reached in another way before, and other members needed of it
                known.update(row)
            rows.append(known)
            if self.owner is not None:
                lists.setdefault(self.owner(cells), {})[key] = known
            if self.end is not None:
                ends[key] = self.end(cells)
        below = [one.run(world, rows, params) for one in self.below]
        await together([*below, *(fold.run(rows, params) for fold in self.folds)])
        if self.far is not None:
            far = dict.fromkeys(ends[row[KEY]] for row in rows)
            await self.far._load(world, [key for key in far if key is not None], params)


async def together(tasks: Sequence[Any]) -> list[Any]:
    """The answers of several questions that are asked at once; the first error ends the others."""
    if len(tasks) < 2:
        return [await task for task in tasks]
    try:
        async with asyncio.TaskGroup() as group:
            begun = [group.create_task(task) for task in tasks]
    except ExceptionGroup as errors:
        raise errors.exceptions[0] from errors
    return [task.result() for task in begun]


def unbounded(resource: str, what: str) -> Rejected:
    """The error where more rows would have to be looked at in memory than may be."""
    message = (
        f"{what} of {resource} would have to be looked at one by one to answer this, as its store can't do it alone: "
        "filter by more that this store knows by itself"
    )
    return Rejected("KP125", message, [Detail("", "KP125", message)])
