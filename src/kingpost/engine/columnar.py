"""Rows by column, for computing over very many of them: read as any door reads, but never made into objects.

What the actor may not see is left out by the store; nothing is held but one chunk.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

from kingpost.engine.asking import Asked
from kingpost.engine.context import Context
from kingpost.engine.engine import Engine
from kingpost.language.tree import FALSE, Expression, Field, Root, Step, identity
from kingpost.language.types import Kind, Type
from kingpost.model.columns import columns, relation_columns
from kingpost.model.model import Model
from kingpost.plan.intent import Read
from kingpost.plan.plan import Leaf, ReadPlan, Reference
from kingpost.plan.read import Planned, ReadPlanner
from kingpost.plan.select import Select
from kingpost.plan.standing import Standing

DOCUMENTS = (Kind.JSON, Kind.EMBEDDED, Kind.LIST)
Column: TypeAlias = Sequence[Any]


@dataclass(frozen=True, slots=True)
class Known:
    """A column that the actor may read on some row: its name, its type, and the member of the resource it is of."""

    name: str
    type: Type
    member: str


@dataclass(frozen=True, slots=True)
class Chunk:
    """Values of some rows by the name of their column; documents are in the form that becomes JSON."""

    rows: int
    columns: dict[str, Column]


@dataclass(frozen=True, slots=True)
class _Reading:
    planned: Planned
    asked: Asked
    places: dict[str, tuple[int, Callable[[Any], Any] | None]]


class Columnar:
    """Reads resources of one engine by column."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def columns(self, resource: str, context: Context) -> tuple[Known, ...]:
        """What the actor may name: fields, the keys that relations to one hold (`author_id`), computed fields."""
        found, standing = self._engine.model[resource], self._engine.plans.standing(context)
        known: dict[str, Known] = {}
        for name in found.names:
            if name.startswith("_") or standing.member(resource, name) == FALSE:
                continue
            relation = found.relations.get(name)
            if relation is not None:
                for column in relation_columns(self._engine.model, relation):
                    known.setdefault(column.label, Known(column.label, column.type, name))
                continue
            owner = found.computed.get(name) or found.fields[name]
            known[name] = Known(name, owner.type, name)
        return tuple(known.values())

    async def stream(
        self, resource: str, wanted: Sequence[Known], context: Context, *, chunk: int
    ) -> AsyncGenerator[Chunk, None]:
        """All rows that the actor sees, in chunks, in no order. Raises what a list of the resource would."""
        members = tuple(dict.fromkeys((column.member,) for column in wanted))
        read = Read(resource, fields=members, limit=None)
        engine = self._engine

        def make(standing: Standing) -> _Reading:
            return self._reading(read, standing)

        reading = engine.plans.find(("columns", read.shape), context, make)
        plan = reading.planned.plan
        if plan.empty:
            return
        params = engine.structs.values(reading.planned, read, context, context.now)
        taken = [(column.name, *reading.places[column.name]) for column in wanted]
        async with aclosing(reading.asked.stream(params, chunk)) as found:
            async for rows in found:
                yield Chunk(len(rows), {name: _column(rows, place, form) for name, place, form in taken})

    async def stored(self, resource: str, *, chunk: int) -> AsyncGenerator[Chunk, None]:
        """All rows as they are stored, by the names of the store's columns, deleted ones too: for operators."""
        model = self._engine.model
        found, root = model[resource], Root(resource)
        names = [column.name for column in columns(model, found)]
        asked_for: list[Expression] = [
            Field(root, one.name, one.type) for one in found.fields.values() if not one.hashed
        ]
        for one in found.relations.values():
            if one.kind == "one" and not one.borrowed:
                asked_for.append(identity(Step(root, one.name, one.target, one.nullable)))
        asked = self._engine.federation.prepare(Select(resource, tuple(asked_for)))
        source = asked.source
        forms = [
            (source.json_form if column.type.kind in DOCUMENTS else source.python_form)(column.type)
            for column in columns(model, found)
        ]
        async with aclosing(asked.stream({}, chunk)) as rows_of:
            async for rows in rows_of:
                values = {name: _column(rows, place, form) for place, (name, form) in enumerate(zip(names, forms))}
                yield Chunk(len(rows), values)

    def _reading(self, read: Read, standing: Standing) -> _Reading:
        planned = ReadPlanner(read, standing, self._engine.schema, None, onward=False).plan()
        select = replace(planned.plan.fetch.select, order=())  # nobody sees the order, and it costs a sort
        asked = self._engine.federation.prepare(select)
        return _Reading(planned, asked, _places(self._engine.model, planned.plan, asked))


def _places(model: Model, plan: ReadPlan, asked: Asked) -> dict[str, tuple[int, Callable[[Any], Any] | None]]:
    """Where each column stands in a row of the store, and how its values become what is wanted."""
    found: dict[str, tuple[int, Callable[[Any], Any] | None]] = {}
    for entry in plan.fetch.shape.entries:
        if isinstance(entry, Leaf):
            source = asked.source
            form = source.json_form if entry.type.kind in DOCUMENTS else source.python_form
            found[entry.name] = entry.column, form(entry.type)
        elif isinstance(entry, Reference):
            columns = relation_columns(model, model[plan.fetch.shape.resource].relations[entry.name])
            for place, column in zip(entry.columns, columns, strict=True):
                found[column.label] = place, asked.source.python_form(column.type.maybe(False))
    return found


def _column(rows: Sequence[Sequence[Any]], place: int, form: Callable[[Any], Any] | None) -> Column:
    if form is None:
        return [row[place] for row in rows]
    return [None if (value := row[place]) is None else form(value) for row in rows]
