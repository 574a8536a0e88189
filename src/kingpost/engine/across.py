"""A select over several stores: what each is asked, in which order, and what is done with the answers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import aclosing
from typing import Any, TypeAlias

from msgspec import Struct

from kingpost.engine.asking import Asked
from kingpost.engine.gathered import (
    KEY,
    Cells,
    Folding,
    Gathered,
    Loading,
    Take,
    made_known,
    reading,
    taking,
    together,
    unbounded,
)
from kingpost.language.evaluate import UNKNOWN, Compiled, Frame, compile_expression
from kingpost.language.render import render
from kingpost.language.tree import Expression
from kingpost.language.types import Type
from kingpost.model.model import Model
from kingpost.plan.loads import Fold, Load
from kingpost.plan.lookups import MAX_KEYS
from kingpost.plan.select import Select
from kingpost.plan.split import MAX_ROWS, Split, split
from kingpost.stores.contract import Convert, Rows, Store
from kingpost.stores.memory.select import prepare
from kingpost.stores.sql.forms import PYTHON

REMEMBERED = 60
"""For so many seconds a condition that too many keys fulfil is not looked up again."""
Prepare: TypeAlias = Callable[[Select, int], Asked]
"""Prepares a select that is part of so many others."""


class _LookUp(Struct):
    """A `Lookup`, prepared."""

    name: str
    about: Expression
    asked: Asked
    take: Take
    needed: Compiled | None


class _Variant(Struct):
    """One way to take a select apart, prepared."""

    split: Split
    home: Asked
    cells: Cells
    givens: list[tuple[str, Expression, Compiled, list[Loading]]]
    lookups: list[_LookUp]
    loadings: list[Loading]
    folds: list[Folding]
    rest: Any = None


class Across:
    """A select over several stores; its own prepared form, and what answers it."""

    def __init__(
        self,
        prepare: Prepare,
        model: Model,
        select: Select,
        says: Callable[[Expression], bool] | None,
        depth: int,
        whole: bool,
    ) -> None:
        self._prepare = prepare
        self._model = model
        self._select = select
        self._says = says
        self._depth = depth
        self._whole = whole
        self._variants: dict[tuple[frozenset[Expression], frozenset[Expression]], _Variant] = {}
        self._broad: dict[Expression, float] = {}

    @property
    def text(self) -> str:
        """What is done, step by step."""
        return "\n".join(_told(next(iter(self._variants.values()))))

    def json_form(self, type: Type) -> Convert | None:
        return PYTHON.json_form(type)

    def python_form(self, type: Type) -> Convert | None:
        return PYTHON.python_form(type)

    def variant(self, made: Split, broad: frozenset[Expression], unknown: frozenset[Expression]) -> _Variant:
        """Prepare one way to take the select apart."""
        found = self._variants[broad, unknown] = self._prepared(made)
        return found

    async def fetch(self, prepared: Any, params: Mapping[str, object]) -> Rows:
        """The rows of the whole select."""
        variant, given = await self._found(params)
        rows = await variant.home.fetch(given)
        if variant.rest is None:
            return rows
        if variant.split.whole and len(rows) > MAX_ROWS:
            raise unbounded(self._select.resource, f"more than {MAX_ROWS} rows")
        return await self._finished(variant, rows, given)

    async def stream(
        self, prepared: Any, params: Mapping[str, object], *, chunk: int = 1000
    ) -> AsyncGenerator[Rows, None]:
        """The same in chunks; what has to be looked at as a whole is bounded."""
        variant, given = await self._found(params)
        if variant.split.whole:
            rows = await self.fetch(prepared, params)
            for start in range(0, len(rows), chunk):
                yield rows[start : start + chunk]
            return
        async with aclosing(variant.home.stream(given, chunk)) as chunks:
            async for rows in chunks:
                yield rows if variant.rest is None else await self._finished(variant, rows, given)

    async def _finished(self, variant: _Variant, found: Rows, params: Mapping[str, Any]) -> Rows:
        rows = variant.cells.rows(found)
        world = Gathered(self._model)
        below = [loading.run(world, rows, params) for loading in variant.loadings]
        await together([*below, *(fold.run(rows, params) for fold in variant.folds)])
        answer: Rows = variant.rest.run(world, rows, params)
        return answer

    async def _found(self, params: Mapping[str, object]) -> tuple[_Variant, dict[str, Any]]:
        """What has to be known before the store is asked, and the way to ask it that this leads to."""
        loop = asyncio.get_running_loop()
        unknown: frozenset[Expression] = frozenset()
        while True:
            broad = frozenset(one for one, since in self._broad.items() if loop.time() - since < REMEMBERED)
            variant = self._variants.get((broad, unknown))
            if variant is None:
                made = split(
                    self._select,
                    self._model,
                    self._says,
                    depth=self._depth,
                    broad=broad,
                    unknown=unknown,
                    whole=self._whole,
                )
                assert made is not None  # noqa: S101  # as the first one
                variant = self.variant(made, broad, unknown)
            given: dict[str, Any] = {**params, "none": None}
            missing = await self._give(variant, given)
            if missing:
                unknown |= missing
                continue
            many = await self._look_up(variant, given)
            if not many:
                return variant, given
            self._broad.update(dict.fromkeys(many, loop.time()))

    async def _give(self, variant: _Variant, params: dict[str, Any]) -> frozenset[Expression]:
        """Bind what the actor's row decides; answers what of it is unknown."""
        missing: set[Expression] = set()
        for name, expression, ask, loadings in variant.givens:
            world = Gathered(self._model)
            await together([loading.run(world, (), params) for loading in loadings])
            value = ask(Frame(None, params, world))
            if value is UNKNOWN:
                missing.add(expression)
            params[name] = value
        return frozenset(missing)

    async def _look_up(self, variant: _Variant, params: dict[str, Any]) -> set[Expression]:
        """Bind the keys that conditions of other stores lead to; answers those that too many fulfil."""
        frame = Frame(None, params, Gathered(self._model))
        needed = [one for one in variant.lookups if one.needed is None or one.needed(frame) is True]
        params.update((one.name, []) for one in variant.lookups)
        found = await together([one.asked.fetch(params) for one in needed])
        many: set[Expression] = set()
        for one, rows in zip(needed, found, strict=True):
            if len(rows) > MAX_KEYS:
                many.add(one.about)
            params[one.name] = list(dict.fromkeys(value for row in rows if (value := one.take(row)) is not None))
        return many

    # Preparing

    def _prepared(self, made: Split) -> _Variant:
        depth = self._depth + 1
        home = self._prepare(made.home, depth)
        givens = [
            (
                one.name,
                one.expression,
                compile_expression(one.folded),
                [self._loading(load, "") for load in one.loads],
            )
            for one in made.givens
        ]
        lookups: list[_LookUp] = []
        for one in made.lookups:
            asked = self._prepare(one.select, depth)
            take, _ = taking(self._model, asked.source.python_form, one.select.columns[0].type, 0)
            needed = None if one.when is None else compile_expression(one.when)
            lookups.append(_LookUp(one.name, one.about, asked, take, needed))
        if made.rest is None:
            return _Variant(made, home, Cells((), ()), givens, lookups, [], [])
        names = (KEY, *made.members, *(one.name for one in made.made))
        takes = reading(self._model, home.source.python_form, made.types)
        read = made_known(Cells(names, tuple(takes)), made.made)
        loadings = [self._loading(load, made.home.resource) for load in (*made.below, *made.keyed)]
        folds = list(map(self._folding, made.folds))
        return _Variant(made, home, read, givens, lookups, loadings, folds, prepare(made.rest, self._model))

    def _loading(self, load: Load, above: str) -> Loading:
        assert load.select is not None  # noqa: S101  # the root is not loaded by this
        asked = self._prepare(load.select, self._depth + 1)
        key, *takes = reading(self._model, asked.source.python_form, load.types)
        owner = takes.pop(0) if load.way in ("many", "linked") else None
        end = takes.pop(0) if load.way == "linked" else None
        read = Cells((KEY, *load.members), (key, *takes))
        below = [self._loading(one, load.resource) for one in load.below]
        far = None if load.far is None else self._loading(load.far, load.resource)
        return Loading(load, above, asked, read, owner, end, below, far, list(map(self._folding, load.folds)))

    def _folding(self, fold: Fold) -> Folding:
        asked = self._prepare(fold.select, self._depth + 1)
        forms, columns = asked.source.python_form, fold.select.columns
        owner, width = taking(self._model, forms, columns[0].type, 0)
        nothing: object = UNKNOWN
        if fold.nothing is not None:
            nothing = compile_expression(fold.nothing)(Frame(None, {}, Gathered(self._model)))
        if fold.type is None:
            return Folding(fold, asked, owner, lambda _: fold.found, nothing)
        value, _ = taking(self._model, forms, fold.type, width)
        return Folding(fold, asked, owner, value, nothing)


class Led:
    """A select whose rows its own store answers, once others have said by which keys."""

    def __init__(self, across: Across, store: Store) -> None:
        self._across = across
        self._store = store

    def json_form(self, type: Type) -> Convert | None:
        return self._store.json_form(type)

    def python_form(self, type: Type) -> Convert | None:
        return self._store.python_form(type)

    async def fetch(self, prepared: Any, params: Mapping[str, object]) -> Rows:
        return await self._across.fetch(prepared, params)

    def stream(self, prepared: Any, params: Mapping[str, object], *, chunk: int = 1000) -> AsyncGenerator[Rows, None]:
        return self._across.stream(prepared, params, chunk=chunk)


# -------------------------------------------------------------------------------------------------------- in words


def _told(variant: _Variant) -> list[str]:
    lines: list[str] = []
    for name, expression, _, loadings in variant.givens:
        lines.append(f"{name}: {render(expression)}, of the actor's row")
        lines += _loads(loadings, "  ")
    for look in variant.lookups:
        lines.append(f"{look.name}: the keys for {render(look.about)}, at most {MAX_KEYS}, from {look.asked.where}")
        lines += _indented(look.asked.text)
    lines += variant.home.text.splitlines()
    rest = variant.split.rest
    if rest is None:
        return lines
    bounds = f" at most {MAX_ROWS} rows," if variant.split.whole else ""
    done = ["filtered"] if rest.where is not None else []
    done += ["sorted"] if rest.order else []
    done += ["grouped"] if rest.group is not None else []
    lines.append(f"in memory:{bounds} {' and '.join(done) or 'completed'}")
    return lines + _folds(variant.folds, "  ") + _loads(variant.loadings, "  ")


def _loads(loadings: Sequence[Loading], margin: str) -> list[str]:
    lines: list[str] = []
    for one in loadings:
        named = f" by {one.load.name}" if one.load.name else ""
        lines.append(f"{margin}{one.load.resource}{named}, for the distinct keys found, from {one.asked.where}")
        lines += [f"{margin}{line}" for line in _indented(one.asked.text)]
        lines += _folds(one.folds, f"{margin}  ")
        lines += _loads([*one.below, *([one.far] if one.far is not None else [])], f"{margin}  ")
    return lines


def _folds(folds: Sequence[Folding], margin: str) -> list[str]:
    lines: list[str] = []
    for one in folds:
        lines.append(f"{margin}one value for each, from {one.asked.where}")
        lines += [f"{margin}{line}" for line in _indented(one.asked.text)]
    return lines


def _indented(text: str) -> list[str]:
    return [f"    {line}" for line in text.splitlines()]
