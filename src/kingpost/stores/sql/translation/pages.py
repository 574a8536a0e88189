"""The rows behind a place in an order, as ranges that an index can be entered at.

`a, b` behind `(1, 2)` is not said as `a > 1 OR (a = 1 AND b > 2)`, of which an index serves the first key at best: a
page inside of many equal values would look at all of them before it. It is said as the runs of which the rest of the
order is made, nearest first, each one range of an index in the order that is wanted: keys of one direction are compared
as rows, `(a, b) > (1, 2)`; a change of direction, or None, begins a run of its own. Runs are asked one after another,
and a database stops where the page is full: what a page costs does not depend on how far down it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from kingpost.language.tree import Expression, Field, Identity, Part, Root, Step
from kingpost.plan.orders import behind
from kingpost.plan.select import Select
from kingpost.stores.sql.phrases import Condition, Term, both

if TYPE_CHECKING:
    from kingpost.stores.sql.translation.translator import Translator


@dataclass(frozen=True, slots=True)
class _Key:
    """One key of the order. `value` is the one to go on behind, None where that is None."""

    term: Term
    value: Term | None
    descending: bool
    nullable: bool

    def same(self) -> Condition:
        return self.term.is_(sa.null()) if self.value is None else self.term == self.value


def runs(t: Translator, select: Select) -> list[Condition]:
    """The conditions of the runs, in order; none where the select names no place."""
    condition = behind(select)
    if condition is None:
        return []
    if not (t.dialect.enters_indexes and all(_is_column(order.expression) for order in select.order)):
        return [t.true(condition)]  # it is computed for every row, whatever is said
    keys: list[_Key] = []
    for order, param in zip(select.order, select.after):
        value = t.value(order.expression)
        place = None if param is None else t.param_value(param, value.type.maybe(False))
        keys.append(_Key(value.term, place, order.descending, value.type.nullable))
    return [both(*parts) for parts in _runs(keys)] or [sa.false()]


def _is_column(expression: Expression) -> bool:
    """Whether the row itself holds it."""
    match expression:
        case Field(row=Root()) | Part(operand=Identity(row=Root() | Step(base=Root()))):
            return True
        case _:
            return False


def _runs(keys: Sequence[_Key]) -> list[list[Condition]]:
    if not keys:
        return []
    first = keys[0]
    if first.value is None:
        near = [[first.same(), *run] for run in _runs(keys[1:])]
        return near if first.descending else [*near, [first.term.is_not(sa.null())]]
    together = _alike(keys)
    near = [[*(key.same() for key in together), *run] for run in _runs(keys[len(together) :])]
    far: list[list[Condition]] = [[first.term.is_(sa.null())]] if first.descending and first.nullable else []
    return [*near, [_beyond(together)], *far]


def _alike(keys: Sequence[_Key]) -> Sequence[_Key]:
    """The first keys that can be compared as one row: of one direction, and with no None that would come between.

    Going up, None lies behind us, and a comparison with it holds for no row. Going down, the Nones of any but the first
    key would have to come in the middle.
    """
    first = keys[0]
    for place, key in enumerate(keys[1:], 1):
        if key.descending != first.descending or key.value is None or (key.descending and key.nullable):
            return keys[:place]
    return keys


def _beyond(keys: Sequence[_Key]) -> Condition:
    left, right = [key.term for key in keys], [key.value for key in keys]
    rows: tuple[Any, Any] = (left[0], right[0]) if len(keys) == 1 else (sa.tuple_(*left), sa.tuple_(*right))
    found: Condition = rows[0] < rows[1] if keys[0].descending else rows[0] > rows[1]
    return found


def one_after_another(
    query: sa.Select[Any],
    columns: Sequence[Term],
    conditions: Sequence[Condition],
    order: Sequence[Term],
    limit: Any,
    offset: Any,
) -> sa.CompoundSelect[Any]:
    """The rows of each condition in order, and those of the next behind them, up to the limit."""
    named = [column.label(f"c{place}") for place, column in enumerate(columns)]
    most = limit if limit is None or offset is None else limit + offset
    parts: list[sa.Select[Any]] = []
    for place, condition in enumerate(conditions):
        part = query.with_only_columns(*named, maintain_column_froms=True).where(condition).order_by(*order)
        part = part if most is None else part.limit(most)
        parts.append(sa.select(part.subquery(f"run_{place}")))
    whole = sa.union_all(*parts)
    whole = whole if limit is None else whole.limit(limit)
    return whole if offset is None else whole.offset(offset)
