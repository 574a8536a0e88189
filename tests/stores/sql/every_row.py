"""All that a database says about an expression of every row, by one statement: both rails, the value, and the order."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from kingpost.language.tree import Expression, Root, identity
from kingpost.language.types import BOOL
from kingpost.plan.select import Order
from kingpost.stores.sql.dialects import Dialect
from kingpost.stores.sql.statement import Statement
from kingpost.stores.sql.translation.rows import Place, Scope
from kingpost.stores.sql.translation.translate import LONGEST, ROOT, order_terms
from kingpost.stores.sql.translation.translator import Shared, Translator, too_large
from tests.stores.sql.databases import MODEL, Database

ROW = identity(Root("Person"))


@dataclass(frozen=True)
class Answered:
    """By key: for whom a condition is surely true and surely false, what the value is, and in which order it sorts."""

    true: set[Any]
    false: set[Any]
    values: dict[Any, Any]
    order: list[Any]


def ask_every_row(
    database: Database, expression: Expression, params: Mapping[str, object], *, descending: bool
) -> Answered:
    """Ask about every person; raises `Unsupported` and `StoreRefused`."""
    try:
        statement = _statement(expression, database.dialect, descending)
    except RecursionError:
        raise too_large("Person") from None
    rows = database.rows(statement.text, statement.arguments(params))
    form = database.dialect.forms.python_form(expression.type) or (lambda value: value)
    values = {key: None if value is None else form(value) for key, value, _, _ in rows}
    true, false = {row[0] for row in rows if row[2]}, {row[0] for row in rows if row[3]}
    return Answered(true, false, values, [row[0] for row in rows])


def _statement(expression: Expression, dialect: Dialect, descending: bool) -> Statement:
    resource = MODEL["Person"]
    scope = Scope(sa.table(resource.table).alias(ROOT))
    shared = Shared(MODEL, dialect, scope)
    t = Translator(shared, Place(shared, scope, resource, lambda: ROOT))
    nothing = sa.literal_column("NULL")
    one = sa.literal_column("1")
    true, false = nothing, nothing
    if expression.type == BOOL:
        true, false = sa.case((t.true(expression), one)), sa.case((t.false(expression), one))
    value = dialect.output(t.value(expression).term, expression.type)
    order = [term for key in (Order(expression, descending), Order(ROW)) for term in order_terms(t, key)]
    columns = [t.value(ROW).term, value, true, false]
    labelled = [column.label(f"c{place}") for place, column in enumerate(columns)]
    statement = shared.binds.statement(sa.select(*labelled).select_from(scope.source).order_by(*order), dialect.engine)
    if len(statement.text) > LONGEST:
        raise too_large("Person")
    return statement
