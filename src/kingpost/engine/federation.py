"""All stores of a model as one: a select is asked of its own store, or taken apart and put together again."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from types import MappingProxyType
from typing import cast

from kingpost.base.errors import Unsupported
from kingpost.engine.across import Across, Led
from kingpost.engine.asking import Answerer, Asked, write_batch
from kingpost.engine.context import Opened, open_transaction, open_transactions
from kingpost.language.tree import TRUE, Expression, Summary
from kingpost.language.types import BOOL
from kingpost.model.model import Model
from kingpost.plan.select import Check, Operation, Select
from kingpost.plan.split import split
from kingpost.stores.contract import CheckFailed, Rows, Store, StoreError

DEEPEST = 40
"""Selects within selects; each relation on a path from store to store is one."""


class Federation:
    """Prepares selects. `stores`: by name, as they are when a select is prepared."""

    def __init__(self, model: Model, stores: Mapping[str, Store]) -> None:
        self._model = model
        self._stores = stores
        self._crossing: dict[int, tuple[Select, bool]] = {}

    async def write(self, name: str, operations: Sequence[Operation]) -> Sequence[Rows]:
        """One batch of a store: in the transaction that is open for it, else in one of its own. Raises `StoreError`.

        Checks in which other stores have a part are asked between the operations, in the same transaction.
        """
        apart = [index for index, one in enumerate(operations) if isinstance(one, Check) and self._crosses(one.select)]
        if not apart:
            return await write_batch(self._stores[name], name, operations)
        opened = open_transaction(name)
        if opened is None:
            async with self.transaction(name) as transaction:
                return await self._write(transaction, operations, apart)
        try:
            return await self._write(opened, operations, apart)
        except Exception as error:
            opened.failed = error
            raise

    async def _write(self, transaction: Opened, operations: Sequence[Operation], apart: Sequence[int]) -> list[Rows]:
        answers: list[Rows] = []
        for index in (*apart, len(operations)):
            part = operations[len(answers) : index]
            try:
                answers += await transaction.write(part) if part else []
            except StoreError as error:
                error.operation = None if error.operation is None else error.operation + len(answers)
                raise
            if index < len(operations):
                check = cast(Check, operations[index])
                rows = await self.prepare(check.select).fetch(check.params)
                if len(rows) != check.rows:
                    words = f"A check on {check.select.resource} found {len(rows)} rows, not {check.rows}"
                    raise CheckFailed(words, check.reason, index)
                answers.append(rows if check.answers else [])
        return answers

    @asynccontextmanager
    async def transaction(self, store: str, limit: float | None = None) -> AsyncGenerator[Opened]:
        """A transaction of this task. Raises what the store reports as it is; `limit` as in `Store.transaction`."""
        async with self._stores[store].transaction(limit=limit) as transaction:
            opened = Opened(transaction)
            token = open_transactions.set(MappingProxyType({**open_transactions.get(), store: opened}))
            try:
                yield opened
            finally:
                open_transactions.reset(token)
                await opened.end()
            if opened.failed is not None:
                raise opened.failed

    def _crosses(self, select: Select) -> bool:
        """Whether other stores have a part in a select; those of one plan come again and again."""
        if len(self._stores) == 1:
            return False
        known = self._crossing.get(id(select))
        if known is None or known[0] is not select:
            if len(self._crossing) > 1000:
                self._crossing.clear()
            known = self._crossing[id(select)] = select, split(select, self._model) is not None
        return known[1]

    def prepare(self, select: Select, depth: int = 0) -> Asked:
        """Raises `Unsupported` where it can't be said at all. `depth`: how many selects this one is a part of."""
        if depth > DEEPEST:  # its parts lead back to what a store has no words for
            raise Unsupported("KP304", f"the store of {select.resource} can't answer this, nor its parts")
        name = self._model[select.resource].store
        store = self._stores[name]
        made = split(select, self._model, depth=depth)
        says: Callable[[Expression], bool] | None = None
        whole = False
        if made is None:
            try:
                return Asked(store, name, store.prepare(select), select, store.abilities.returning)
            except Unsupported as error:
                says = _says(store, select.resource)
                made = split(select, self._model, says, depth=depth)
                if made is None:
                    whole = True
                    made = split(select, self._model, says, depth=depth, whole=True)
                if made is None or made.home == select:
                    raise error
        across = Across(self.prepare, self._model, select, says, depth, whole)
        variant = across.variant(made, frozenset(), frozenset())
        source: Answerer = across if variant.rest is not None else Led(across, store)
        return Asked(source, "", across, select)


def _says(store: Store, resource: str) -> Callable[[Expression], bool]:
    """Whether a store has words for an expression, found out by asking."""

    def says(expression: Expression) -> bool:
        if isinstance(expression, Summary):
            asked = Select(resource, (expression,), group=())
        elif expression.type == BOOL:
            asked = Select(resource, (TRUE,), expression)
        else:
            asked = Select(resource, (expression,))
        try:
            store.prepare(asked)
        except Unsupported:
            return False
        return True

    return says
