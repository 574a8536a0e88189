"""The operations of a batch, carried out on what is known."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from kingpost.plan.made import is_open, makes, settled
from kingpost.plan.select import Check, Clear, Delete, Insert, Made, Operation, Select, Update
from kingpost.stores.contract import CheckFailed, Rows, StoreError
from kingpost.stores.memory.values import keep
from kingpost.stores.redis.facts import Facts
from kingpost.stores.redis.layout import Place
from kingpost.stores.redis.view import View

if TYPE_CHECKING:
    from kingpost.stores.redis.store import Selecting


def carry_out(view: View, operations: Sequence[Operation], prepare: Callable[[Select], Selecting]) -> list[Rows]:
    """One after the other. Raises a `StoreError` with the number of the operation."""
    answers: list[Rows] = []
    making, made = makes(operations), dict[Made, object]()
    for index, operation in enumerate(operations):
        try:
            answers.append(_carry_out(view, settled(operation, made) if making else operation, prepare))
        except StoreError as error:
            error.operation = index
            raise
        if isinstance(operation, Insert) and operation.makes:
            made.update(zip(operation.makes.values(), answers[-1][0][len(operation.returning) :], strict=True))
    return answers


def _carry_out(view: View, operation: Operation, prepare: Callable[[Select], Selecting]) -> Rows:
    match operation:
        case Insert():
            return view.insert(operation)
        case Update():
            return view.update(operation)
        case Delete():
            view.delete(operation)
        case Clear():
            view.clear(operation)
        case Check():
            found = prepare(operation.select).run(view, operation.params)
            if len(found) != operation.rows:
                words = f"A check on {operation.select.resource} found {len(found)} rows, not {operation.rows}"
                raise CheckFailed(f"{words}: {operation.reason}", operation.reason)
            return found if operation.answers else []
    return []


def foreseen(view: View, facts: Facts, operations: Sequence[Operation]) -> None:
    """Note the rows that operations need for sure, so that all are loaded together; the rest is found on the way."""
    for operation in operations:
        match operation:
            case Insert(resource=name, columns=columns, rows=rows):
                place = view.places[name]
                for values in rows:
                    given = dict(zip(columns, values, strict=True))
                    _note(place, name, [given.get(part) for part in place.layout.key], facts)
                    for relation in place.references:
                        held = [given.get(part) for part in place.layout.places[relation.name]]
                        _note(view.places[relation.target], relation.target, held, facts)
            case Update(resource=name, key=key) | Delete(resource=name, key=key):
                _note(view.places[name], name, key, facts)
            case _:
                continue


def _note(place: Place, name: str, key: Sequence[object], facts: Facts) -> None:
    if None in key or is_open(tuple(key)):
        return
    types = {column.name: column.type for column in place.layout.columns}
    facts.row(name, place.text([keep(types[part])(value) for part, value in zip(place.layout.key, key, strict=True)]))
