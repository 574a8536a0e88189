"""What the rules say of rows that a store did not take because a value of theirs is taken.

Who may not write a row must not learn that the value is taken. Rules that the row's own values decide have been asked
before. The others are asked here, with the row's values put in. Where they look at the row's own lists, they are asked
in a transaction that is taken back, in which a row without the values that are taken has these lists.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final
from uuid import uuid4

from kingpost.engine.asking import Asked, asked
from kingpost.engine.checks import After, Checks, Key
from kingpost.engine.context import Context, open_transaction
from kingpost.engine.federation import Federation
from kingpost.engine.plans import parameters
from kingpost.engine.rows import Rows, Values
from kingpost.language.types import Kind
from kingpost.model.columns import member_columns, relation_columns
from kingpost.model.model import Model, ResourceModel
from kingpost.plan.made import filled_in, is_open
from kingpost.plan.select import Check, Insert, Made, Operation, Update
from kingpost.plan.values import bound_key
from kingpost.plan.write import plan_unwritten
from kingpost.stores.contract import StoreError, Transaction, UniqueViolation

ROUNDS: Final = 8
"""So many values may be taken at once."""

_FRESH: Final[Mapping[Kind, Callable[[], object]]] = {
    Kind.TEXT: lambda: uuid4().hex,
    Kind.UUID: uuid4,
    Kind.INT: lambda: secrets.randbits(62),
    Kind.BYTES: lambda: secrets.token_bytes(16),
}


@dataclass(frozen=True, slots=True)
class Undecided:
    """A row of which only the store can say whether the rules hold; `pointer` is its place in the input."""

    pointer: str
    after: After
    found: ResourceModel
    values: Values
    verb: str


class _TakenBack(Exception):
    """Ends a transaction of which nothing is to be kept."""

    def __init__(self, held: bool) -> None:
        self.held = held


class Unwritten:
    """Asks the rules of one model about rows that are not there."""

    def __init__(self, checks: Checks, federation: Federation, rows: Rows) -> None:
        self._checks = checks
        self._federation = federation
        self._rows = rows
        self._model: Model = rows.model

    async def refuse(self, row: Undecided, operations: Sequence[Operation], context: Context) -> None:
        """Raises what the rules say where they don't surely let the row be; `operations` are those that failed."""
        if row.after.test is not None:
            return
        found, plan = row.found, plan_unwritten(row.after.plan, row.found.name)
        select, params = self._federation.prepare(plan.select), self.params(row, context)
        if plan.lists:
            held = await self._with_stand_in(row, operations, select, params)
        else:  # there is a row to ask beside, as this one collided with it
            held = bool(await select.fetch(params))
        if not held:
            raise self._checks.refused(row.after, found, context, row.verb)

    def params(self, row: Undecided, context: Context) -> dict[str, Any]:
        """What the condition is asked with of a row that is known by its values."""
        found = row.found
        key = self._rows.key(found, row.values)
        params: dict[str, Any] = {"row": None if is_open(key) else bound_key(key)}
        for name, value in row.values.items():
            if is_open(value):
                params[f"row.{name}"] = None
            elif name in found.relations:
                params[f"row.{name}"] = None if value is None else bound_key(value)
            else:
                params[f"row.{name}"] = self._rows.stored(found.name, name, value)
        return {**params, **parameters(context, row.after.plan.captures)}

    async def _with_stand_in(
        self, row: Undecided, operations: Sequence[Operation], select: Asked, params: Mapping[str, Any]
    ) -> bool:
        """False also where no row can stand in: who is not surely allowed is told no more."""
        if open_transaction(row.found.store) is not None:
            return False  # it can't be taken back in part
        trial = _Trial(self._model, operations)
        try:
            with asked(row.found.store):
                async with self._federation.transaction(row.found.store) as transaction:
                    made = await trial.write(transaction, self._rows)
                    if made is None:
                        raise _TakenBack(False)
                    key = filled_in(trial.key(row.found.name, self._rows.key(row.found, row.values)), made)
                    raise _TakenBack(bool(await select.fetch({**params, "keys": [bound_key(key)]})))
        except _TakenBack as done:
            return done.held


class _Trial:
    """The operations of a batch, with values that are not taken in place of those that are."""

    def __init__(self, model: Model, operations: Sequence[Operation]) -> None:
        self._model = model
        self._operations: list[Operation] = [
            one for one in operations if not isinstance(one, Check) and not self._internal(one)
        ]
        self._keys: dict[tuple[str, Key], Key] = {}

    def _internal(self, operation: Operation) -> bool:
        return isinstance(operation, Insert) and operation.resource.startswith("_repeats.")

    def key(self, resource: str, key: Key) -> Key:
        """The key of the row that stands in for the one of this key."""
        return self._keys.get((resource, key), key)

    async def write(self, transaction: Transaction, rows: Rows) -> dict[Made, Any] | None:
        """What the store has made where all of it could be written in the end; else None."""
        for _ in range(ROUNDS):
            try:
                answers = await transaction.write(self._operations)
            except UniqueViolation as error:
                if not self._give_way(error):
                    return None
            except StoreError:
                return None
            else:
                return rows.made(self._operations, answers)
        return None

    def _give_way(self, error: UniqueViolation) -> bool:
        """Take another value for a member that collided; whether there is one."""
        if error.operation is None:
            return False
        operation = self._operations[error.operation]
        resource = self._model[error.resource]
        if isinstance(operation, Update):
            taken = {column.name for name in error.members for column in member_columns(self._model, resource, name)}
            left = {name: value for name, value in operation.values.items() if name not in taken}
            self._operations[error.operation] = replace(operation, values=left)
            return len(left) < len(operation.values)
        if not isinstance(operation, Insert) or len(operation.rows) != 1 or operation.makes.keys() & self._of(error):
            return False
        for name in error.members:
            fresh = _fresh(resource, name)
            if fresh is not _NONE_SUCH:
                self._put(error.operation, operation, resource, name, fresh)
                return True
        return False

    def _of(self, error: UniqueViolation) -> set[str]:
        """The columns of what collided, and of the key."""
        resource = self._model[error.resource]
        members = (*error.members, *resource.key)
        return {column.name for name in members for column in member_columns(self._model, resource, name)}

    def _put(self, index: int, operation: Insert, resource: ResourceModel, name: str, fresh: object) -> None:
        before = dict(zip(operation.columns, operation.rows[0], strict=True))
        after = {**before, **{column.name: fresh for column in member_columns(self._model, resource, name)}}
        self._operations[index] = replace(operation, rows=[tuple(after.values())])
        if name in resource.key:
            names = [column.name for member in resource.key for column in member_columns(self._model, resource, member)]
            old, new = tuple(before[one] for one in names), tuple(after[one] for one in names)
            self._keys[resource.name, old] = new
            self._operations = [self._led(one, resource.name, old, new) for one in self._operations]

    def _led(self, operation: Operation, target: str, old: Key, new: Key) -> Operation:
        """The same, what it says of the row of one key said of another's."""
        if not isinstance(operation, Insert):
            return operation
        places = [
            [operation.columns.index(column.name) for column in relation_columns(self._model, relation)]
            for relation in self._model[operation.resource].relations.values()
            if relation.kind == "one" and relation.target == target
        ]
        rows = [list(row) for row in operation.rows]
        for row in rows:
            for place in places:
                if tuple(row[one] for one in place) == old:
                    for one, value in zip(place, new, strict=True):
                        row[one] = value
        return replace(operation, rows=rows)


_NONE_SUCH: Final = object()


def _fresh(resource: ResourceModel, name: str) -> object:
    """A value that nobody has: None where it may be, else one by chance."""
    relation, field = resource.relations.get(name), resource.fields.get(name)
    if relation is not None:
        return None if relation.nullable else _NONE_SUCH
    if field is None or field.type.nullable:
        return None
    make = None if field.type.choices else _FRESH.get(field.type.kind)
    return _NONE_SUCH if make is None else make()
