"""The order of rows: by values, of which each is one column, so that a page can go on behind any row."""

from __future__ import annotations

from kingpost.language.tree import (
    FALSE,
    TRUE,
    Compare,
    Expression,
    Field,
    Identity,
    IsNone,
    Not,
    Or,
    Part,
    Root,
    Shown,
    Step,
    all_of,
    any_of,
    identity,
)
from kingpost.language.types import Kind
from kingpost.model.columns import key_columns
from kingpost.model.model import Model
from kingpost.plan.select import Order, Select


def by_columns(model: Model, value: Expression, descending: bool = False) -> tuple[Order, ...]:
    """By a value; where it is a row, by the columns of its key, one after another."""
    if value.type.kind is not Kind.REFERENCE:
        return (Order(_placed(value, value), descending),)
    keys = key_columns(model, model[value.type.name])
    parts = [Part(value, index, column.type.maybe(value.type.nullable)) for index, column in enumerate(keys)]
    return tuple(Order(_placed(part, value), descending) for part in parts)


def key_order(model: Model, resource: str, descending: bool = False) -> tuple[Order, ...]:
    """By key, column by column: the order of rows where nothing else decides."""
    found, root = model[resource], Root(resource)
    orders: list[Order] = []
    for name in found.key:
        if name in found.fields:
            orders.append(Order(Field(root, name, found.fields[name].type), descending))
        else:
            orders.extend(
                by_columns(model, identity(Step(root, name, found.relations[name].target, False)), descending)
            )
    return tuple(orders)


def _placed(column: Expression, value: Expression) -> Expression:
    """Rows behind which a value is unknown have their place in an order: that of None."""
    known = isinstance(value, Field) and not isinstance(value.row, Step)
    held = isinstance(value, Identity) and not (isinstance(value.row, Step) and isinstance(value.row.base, Step))
    return column if known or held else Shown(column, column.type.maybe())


def behind(select: Select) -> Expression | None:
    """The rows that come after the place that a select names, as a condition on them; None where it names none."""
    ends: list[Expression] = []
    ties: list[Expression] = []
    for order, param in zip(select.order, select.after):
        value = order.expression
        if param is None:
            after: Expression = FALSE if order.descending else Not(IsNone(value))
            tie: Expression = IsNone(value)
        else:
            after = Compare("<" if order.descending else ">", value, param)
            if order.descending and value.type.nullable:
                after = Or((after, IsNone(value)))
            tie = Compare("==", value, param)
        ends.append(all_of(*ties, after) or TRUE)
        ties.append(tie)
    return any_of(*ends) if ends else None
