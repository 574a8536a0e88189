"""Questions about the rows at the end of a to-many relation, and summaries of groups."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from kingpost.base.errors import Unsupported
from kingpost.language.tree import Aggregate, Expression, Item, Keyed, Quantify, Root, Summary, walk
from kingpost.language.types import INT, Kind, Type
from kingpost.language.unknown import can_be_unknown, condition_unknown
from kingpost.stores.sql.forms import DOCUMENTS
from kingpost.stores.sql.phrases import Condition, Phrase, Term, both, either, negated
from kingpost.stores.sql.translation import numbers, rows
from kingpost.stores.sql.value import Value

if TYPE_CHECKING:
    from kingpost.stores.sql.translation.rows import Scope
    from kingpost.stores.sql.translation.translator import Translator


# ------------------------------------------------------------------------------------------------------------- any, all


def quantify(t: Translator, node: Quantify, wanted: bool) -> Condition:
    """`any` is true where one element is surely true, false where all are surely false; `all` the other way round."""
    scope, links, reached = rows.many(t, node.many)
    looked_for = node.kind == "any"  # the truth of the element that decides
    if wanted is looked_for:
        found = [] if node.condition is None else [t.true(node.condition)]
        return _exists(scope, [*links, *found, t.rail(node.element, looked_for)])
    counts = [*links, *_may_decide(t, node, looked_for)]
    return both(negated(_exists(scope, counts)), *reached)


def _may_decide(t: Translator, node: Quantify, looked_for: bool) -> list[Condition]:
    """The element may decide: it is not surely left out by the condition and not surely of the other truth."""
    found: list[Condition] = []
    if node.condition is not None:
        found.append(_perhaps(t, node.condition, True))
    found.append(_perhaps(t, node.element, looked_for))
    return found


def _perhaps(t: Translator, condition: Expression, wanted: bool) -> Condition:
    """True, false or unknown, but not surely the opposite."""
    if condition_unknown(condition):
        return t.rail(condition, not wanted).is_not(sa.true())
    return t.rail(condition, wanted)


def _exists(scope: Scope, conditions: list[Condition]) -> Condition:
    one: Term = sa.literal_column("1", sa.Integer())
    return sa.select(one).select_from(scope.source).where(*conditions).exists()


# ----------------------------------------------------------------------------------------------------------- aggregates


def aggregate(t: Translator, node: Aggregate) -> Value:
    """`len`, `sum`, `min`, `max`."""
    scope, links, reached = rows.many(t, node.many)
    condition, element = node.condition, node.element
    item = None if element is None else _element(t, element, node.type)
    default = None if node.default is None else t.value(node.default, node.type)
    unknown = (condition is not None and condition_unknown(condition)) or (
        element is not None and condition_unknown(element)
    )
    if unknown or (element is not None and not _is_of_item(element, node.many.var)):
        term, answered = _careful(t, node, scope, links, item, default)
    else:
        chosen = [] if condition is None else [t.true(condition)]
        counted = sa.func.count() if item is None else _summarised(t, node, item)
        empty = sa.func.count() == sa.literal_column("0")
        term = sa.select(_with_default(node, counted, empty, default)).select_from(scope.source).where(*links, *chosen)
        answered = None
    result: Term = term.scalar_subquery()
    if reached:
        # A row that is not there has no rows; that is nothing to be counted.
        result = sa.case((sa.and_(*reached), result))
    if node.type.nullable and default is not None:
        extra = () if answered is None else (answered.scalar_subquery() == sa.true(),)
        return Value((result,), node.type, (*reached, *extra, *_default_defined(node, result, default)))
    known = not can_be_unknown(node) and (default is None or not default.defined)
    return Value((result,), node.type, () if known else (result.is_not(sa.null()),))


def _is_of_item(element: Expression, var: int) -> bool:
    """Whether the element names columns of no rows but those that are aggregated.

    An aggregate of outer columns alone is, by the SQL standard, one of the outer query; and of a part of the element
    that is known, such as whether the item is None, nothing is left in SQL.
    """
    parts = list(walk(element))
    nested = any(isinstance(part, Quantify | Aggregate) for part in parts)
    rows = [part for part in parts if isinstance(part, Root | Item | Keyed)]
    return not nested and bool(rows) and all(isinstance(row, Item) and row.var == var for row in rows)


def _default_defined(node: Aggregate, result: Term, default: Value) -> tuple[Condition, ...]:
    return (either(result.is_not(sa.null()), both(*default.defined)),) if default.defined else ()


def _element(t: Translator, element: Expression, type: Type) -> Term:
    if element.type.kind in (Kind.REFERENCE, *DOCUMENTS):
        raise Unsupported("KP304", f"no store has a smallest or a sum of {element.type}")
    return t.value(element, type).term


def _with_default(node: Aggregate, term: Term, empty: Condition, default: Value | None) -> Term:
    return term if default is None or node.kind in ("count", "sum") else sa.case((empty, default.term), else_=term)


def _careful(
    t: Translator, node: Aggregate, scope: Scope, links: list[Condition], item: Term | None, default: Value | None
) -> tuple[sa.Select[Any], sa.Select[Any]]:
    """The aggregate where rows may be unknown, and whether none was.

    Rows surely left out are not looked at; where the element of another is NULL, the whole is unknown.
    """
    value: Term = sa.literal_column("1", sa.Integer()) if item is None else item
    if node.condition is not None:
        links = [*links, _perhaps(t, node.condition, True)]
        if condition_unknown(node.condition):
            value = sa.case((t.true(node.condition), value))
    if not t.dialect.correlates_sources:
        # Of outer columns alone it would be an aggregate of the outer query, so one of this row has to be in it.
        value = sa.case((t.items[node.many.var].key[0].is_not(sa.null()), value))
        known = _known(t, node, value, default)
        counted_rows = sa.select(known).select_from(scope.source).where(*links)
        return counted_rows, sa.select(_all_known(value)).select_from(scope.source).where(*links)
    inner = sa.select(value.label("x")).select_from(scope.source).where(*links).subquery(name := t.shared.alias("rows"))
    x = sa.literal_column(f"{name}.x", value.type)
    return sa.select(_known(t, node, x, default)).select_from(inner), sa.select(_all_known(x)).select_from(inner)


def _known(t: Translator, node: Aggregate, x: Term, default: Value | None) -> Term:
    """The aggregate, NULL where an `x` is."""
    counted = sa.func.count() if node.element is None else _summarised(t, node, x)
    known = _with_default(node, counted, sa.func.count() == sa.literal_column("0"), default)
    return sa.case((sa.func.count() == sa.func.count(x), known))


def _all_known(x: Term) -> Term:
    return sa.type_coerce(sa.func.count() == sa.func.count(x), sa.Boolean())


def _summarised(t: Translator, node: Aggregate | Summary, term: Term) -> Term:
    if node.kind == "sum" and node.type.kind is Kind.FLOAT:
        # SQLite's sum of infinities of both signs is NULL, which is not 0.
        nothing = sa.literal_column("0", term.type)
        return sa.case((sa.func.count(term) == 0, nothing), else_=_sum(t, term, node.type))
    if node.kind == "sum":
        return sa.func.coalesce(_sum(t, term, node.type), sa.literal_column("0", term.type))
    return t.dialect.extreme(node.kind, term, node.type)


def _sum(t: Translator, term: Term, type: Type) -> Term:
    if isinstance(term.type, sa.Boolean):
        term = t.dialect.integer(term)
    return t.dialect.total(term, type)


# -------------------------------------------------------------------------------------------------------------- summary


def summary(t: Translator, node: Summary) -> Term:
    """One value for a group of rows; Nones and what is unknown are passed over."""
    if not t.shared.grouped:
        raise Unsupported("KP304", f"{node.kind} of a group is only for grouped selects")
    if node.operand is None:
        return sa.func.count()
    if node.kind == "count":
        value = t.value(node.operand)
        return sa.func.count(value.terms[0])
    if node.operand.type.kind in (Kind.REFERENCE, *DOCUMENTS):
        raise Unsupported("KP304", f"no store has a {node.kind} of {node.operand.type}")
    if node.kind == "avg":
        return _average(t, node.operand)
    term = t.value(node.operand, node.type.maybe(False)).term
    if node.kind == "sum" and node.type.nullable:
        return _sum(t, term, node.type)
    return _summarised(t, node, term)


def _average(t: Translator, operand: Expression) -> Term:
    """The sum, rounded once to a float, by the count: alike everywhere, which a store's own avg is not."""
    wanted = operand.type if operand.type.kind is not Kind.BOOL else INT
    places = numbers.places(operand)
    term = t.value(operand, wanted).term
    total = t.dialect.real(_sum(t, term, wanted), places)
    return Phrase("{0} / {1}", total.type, total, t.dialect.real(sa.func.count(term)))
