"""The store over a state that is replaced as a whole by every write."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from kingpost.language.types import Type
from kingpost.model.model import Model
from kingpost.plan.made import makes, settled
from kingpost.plan.select import Check, Clear, Delete, Insert, Made, Operation, Select, Update
from kingpost.stores.contract import (
    Abilities,
    CheckFailed,
    Convert,
    Rows,
    SchemaChange,
    StoreDown,
    StoreError,
)
from kingpost.stores.memory.draft import Draft
from kingpost.stores.memory.select import Prepared, prepare, require_one_store
from kingpost.stores.memory.state import State, layouts
from kingpost.stores.settings import StoreSettings
from kingpost.stores.sql.forms import PYTHON


@dataclass(frozen=True, slots=True)
class Selecting:
    """A compiled select of the rows of one resource."""

    resource: str
    prepared: Prepared

    @property
    def text(self) -> str:
        return self.prepared.text

    def run(self, state: State, params: Mapping[str, object]) -> list[tuple[Any, ...]]:
        """The answer of a state."""
        return self.prepared.run(state, state.rows[self.resource].values(), params)


class MemoryStore:
    """Rows in this process (`memory:`), for tests and as the measure of other stores. Nothing survives it."""

    def __init__(self, url: str, model: Model, name: str, settings: StoreSettings | None = None) -> None:
        self.url = url
        self._model, self._name = model, name
        self._settings = settings or StoreSettings()
        places = layouts(model, name)
        self._state = State(model, places, {resource: {} for resource in places})
        self._turn = asyncio.Lock()

    @property
    def abilities(self) -> Abilities:
        return Abilities()

    async def start(self) -> None:
        """Nothing to open."""

    async def stop(self) -> None:
        """Nothing to close; the rows stay as long as the store does."""

    def prepare(self, select: Select) -> Selecting:
        require_one_store(select, self._model, self._name)
        return Selecting(select.resource, prepare(select, self._model))

    async def fetch(self, prepared: Selecting, params: Mapping[str, object]) -> Rows:
        return prepared.run(self._state, params)

    async def stream(
        self, prepared: Selecting, params: Mapping[str, object], *, chunk: int = 1000
    ) -> AsyncGenerator[Rows, None]:
        rows = prepared.run(self._state, params)
        for start in range(0, len(rows), chunk):
            yield rows[start : start + chunk]

    async def write(self, operations: Sequence[Operation]) -> list[Rows]:
        async with self._writing():
            self._state, answers = self._carried_out(self._state, operations)
            return answers

    @asynccontextmanager
    async def transaction(self, *, limit: float | None = None) -> AsyncGenerator[MemoryTransaction, None]:
        """Nobody else writes until it ends."""
        async with self._writing():
            transaction = MemoryTransaction(self._carried_out, self._state)
            yield transaction
            self._state = transaction.state

    def json_form(self, type: Type) -> Convert | None:
        return PYTHON.json_form(type)

    def python_form(self, type: Type) -> Convert | None:
        return PYTHON.python_form(type)

    async def compare(self) -> list[SchemaChange]:
        """Rows have the shape of the declaration by construction."""
        return []

    async def apply(self, changes: Sequence[SchemaChange]) -> None:
        """Nothing to do."""

    @asynccontextmanager
    async def _writing(self) -> AsyncGenerator[None, None]:
        try:
            async with asyncio.timeout(self._settings.wait):
                await self._turn.acquire()
        except TimeoutError as late:
            raise StoreDown(f"Another transaction was open for more than {self._settings.wait:g} s") from late
        try:
            yield
        finally:
            self._turn.release()

    def _carried_out(self, state: State, operations: Sequence[Operation]) -> tuple[State, list[Rows]]:
        """The state after all operations; the one before is left as it was."""
        draft = Draft(state)
        answers: list[Rows] = []
        making, made = makes(operations), dict[Made, object]()
        for index, operation in enumerate(operations):
            try:
                answers.append(self._carry_out(draft, settled(operation, made) if making else operation))
            except StoreError as error:
                error.operation = index
                raise
            if isinstance(operation, Insert) and operation.makes:
                made.update(zip(operation.makes.values(), answers[-1][0][len(operation.returning) :], strict=True))
        return draft, answers

    def _carry_out(self, draft: Draft, operation: Operation) -> Rows:
        match operation:
            case Insert():
                return draft.insert(operation)
            case Update():
                return draft.update(operation)
            case Delete():
                draft.delete(operation)
            case Clear():
                draft.clear(operation)
            case Check():
                found = self.prepare(operation.select).run(draft, operation.params)
                if len(found) != operation.rows:
                    words = f"A check on {operation.select.resource} found {len(found)} rows, not {operation.rows}"
                    raise CheckFailed(f"{words}: {operation.reason}", operation.reason)
                return found if operation.answers else []
        return []


class MemoryTransaction:
    """Reads and writes on a state of its own."""

    def __init__(self, carry_out: Any, state: State) -> None:
        self._carry_out = carry_out
        self.state = state

    async def fetch(self, prepared: Selecting, params: Mapping[str, object]) -> Rows:
        """Rows as this transaction sees them."""
        return prepared.run(self.state, params)

    async def write(self, operations: Sequence[Operation]) -> list[Rows]:
        """All of the operations or, when one fails, none; the transaction goes on."""
        answers: list[Rows]
        self.state, answers = self._carry_out(self.state, operations)
        return answers
