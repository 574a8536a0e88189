"""From a `Select` to one SQL statement."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from kingpost.base.errors import Unsupported
from kingpost.language.tree import Expression, Item, Keyed, Param, Root, Summary, walk
from kingpost.language.types import INT
from kingpost.language.unknown import can_be_unknown
from kingpost.model.model import Model
from kingpost.plan.select import Order, Select
from kingpost.stores.sql.dialect import Dialect
from kingpost.stores.sql.forms import DOCUMENTS
from kingpost.stores.sql.phrases import Condition, Term, is_constant
from kingpost.stores.sql.statement import Statement
from kingpost.stores.sql.stored import output, sorting
from kingpost.stores.sql.translation import pages
from kingpost.stores.sql.translation.rows import Place, Scope
from kingpost.stores.sql.translation.translator import Shared, Translator, too_large

LONGEST = 100_000
"""How many characters of SQL one statement may have."""

ROOT = "self"


def translate(select: Select, model: Model, dialect: Dialect) -> Statement:
    """Say a select in SQL; raises `Unsupported` that names what can't be said."""
    resource = model[select.resource]
    scope = Scope(sa.table(resource.table).alias(ROOT))
    shared = Shared(model, dialect, scope, grouped=select.group is not None)
    t = Translator(shared, Place(shared, scope, resource, lambda: ROOT))
    try:
        query = _select(t, select, scope)
        statement = shared.binds.statement(query, dialect.engine)
    except RecursionError:
        raise too_large(resource.name) from None
    if len(statement.text) > LONGEST:
        raise too_large(resource.name)
    return statement


def condition_on(model: Model, resource: str, condition: Expression, dialect: Dialect) -> Condition:
    """A condition about one row of a table, for DDL: bare columns, and constants in the text."""
    scope = Scope(sa.table(model[resource].table))
    shared = Shared(model, dialect, scope, literal=True)
    return Translator(shared, Place(shared, scope, model[resource], lambda: "")).true(condition)


def _select(t: Translator, select: Select, scope: Scope) -> sa.SelectBase:
    group = [term for expression in select.group or () for term in _grouped(t, expression)]
    for key in select.order:
        if isinstance(key.expression, Summary):  # a column too: computed once
            t.keep(key.expression)
    columns = [term for column in select.columns for term in _output(t, column)]
    where = [] if select.where is None else [t.true(select.where)]
    having = None if select.having is None else t.true(select.having)
    order = [term for key in select.order for term in order_terms(t, key)]
    runs = pages.runs(t, select)
    limit = None if select.limit is None else _number(t, select.limit)
    offset = None if select.offset is None else _number(t, select.offset)
    # The joins are complete only now.
    query = sa.select(*columns).select_from(scope.source).where(*where).group_by(*group)
    if having is not None:
        query = query.having(having)
    if len(runs) < 2:
        return _cut(query.where(*runs).order_by(*order), limit, offset)
    return pages.one_after_another(query, columns, runs, order, limit, offset)


def _grouped(t: Translator, expression: Expression) -> list[Term]:
    varies = _varies(expression)
    terms = t.keep(expression).terms
    return [term if varies and not is_constant(term) else t.dialect.constant(term) for term in terms]


def _varies(expression: Expression) -> bool:
    """Whether its value may be another for another row."""
    return any(isinstance(part, Root | Item | Keyed | Summary) for part in walk(expression))


def _cut(query: sa.Select[Any], limit: Any, offset: Any) -> sa.Select[Any]:
    query = query if limit is None else query.limit(limit)
    return query if offset is None else query.offset(offset)


def _output(t: Translator, column: Expression) -> list[Term]:
    value = t.value(column)
    # In a group the column has to be what the rows are grouped by.
    terms = value.terms if t.shared.grouped else [output(term) for term in value.terms]
    return [t.dialect.output(term, value.type) for term in terms]


def order_terms(t: Translator, key: Order) -> list[Term]:
    """A sort key as SQL: None lowest, and what is unknown with it."""
    if key.expression.type.kind in DOCUMENTS:
        raise Unsupported("KP304", f"{key.expression.type} has no order")
    if not _varies(key.expression):
        return []  # it sorts nothing, and a number there would be the place of a column
    may_be_null = key.expression.type.nullable or can_be_unknown(key.expression)
    value = t.value(key.expression)
    terms = [term if t.shared.grouped else sorting(term) for term in value.terms if not is_constant(term)]
    return [t.dialect.order(term, value.type, key.descending, may_be_null) for term in terms]


def _number(t: Translator, value: int | Param) -> Any:
    if isinstance(value, Param):
        return t.param_value(value, INT)
    # Written out: PostgreSQL takes a parameter for a tenth of all rows, and then plans anew every time.
    return sa.literal_column(str(value), sa.BigInteger())
