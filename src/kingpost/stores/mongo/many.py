"""Questions about the rows at the end of a to-many relation: a `$lookup` whose own pipeline sums them up."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from bson import Decimal128, Int64

from kingpost.base.errors import Unsupported
from kingpost.language.tree import Aggregate, Keyed, Many, Quantify
from kingpost.language.types import Kind
from kingpost.model.columns import Column, relation_columns
from kingpost.stores.mongo import numbers
from kingpost.stores.mongo.layout import Layout
from kingpost.stores.mongo.scope import Place, Scope, joined, key_bounds
from kingpost.stores.mongo.value import Condition, Term, Value, both, either, negated
from kingpost.stores.sql.forms import DOCUMENTS

if TYPE_CHECKING:
    from kingpost.stores.mongo.translator import Translator

SUMMED = 24
"""Digits of Decimals that are summed up: ten thousand million of them make no more than 34."""


def quantify(t: Translator, node: Quantify, wanted: bool) -> Condition:
    """`any` or `all`: as kingpost.language.evaluate has it, row by row, and then over all rows."""
    decides = node.kind == "any"
    name, reached = _asked(t, node, partial(_outcomes, node=node, decides=decides))
    decided = {"$eq": [_part(t, name, "yes"), True]}
    if wanted is decides:
        return both(*reached, decided)
    return both(*reached, negated(decided), {"$ne": [_part(t, name, "open"), True]})


def _outcomes(t: Translator, node: Quantify, decides: bool) -> dict[str, Any]:
    """Whether a row decides it, and whether one leaves it open."""
    counts: Condition = True
    if node.condition is not None:
        counts = t.true(node.condition)
        t.scope.stages.append({"$match": {"$expr": negated(t.false(node.condition))}})
    yes = both(counts, t.rail(node.element, decides))
    open_ = both(negated(t.rail(node.element, not decides)), negated(yes))
    return {"yes": {"$max": yes}, "open": {"$max": open_}}


def aggregate(t: Translator, node: Aggregate) -> Value:
    """`len`, `sum`, `min`, `max`."""
    name, reached = _asked(t, node, partial(_totals, node=node))
    known = (*reached, {"$ne": [_part(t, name, "open"), True]})
    found = _part(t, name, "of")
    match node.kind:
        case "count":
            return Value((_if_known(known, {"$ifNull": [found, Int64(0)]}),), node.type, known, True)
        case "sum":
            zero = Decimal128("0") if node.type.kind is Kind.DECIMAL else Int64(0)
            term: Term = {"$ifNull": [found, zero]}
            if node.type.kind is Kind.INT:
                term = numbers.whole(t, term)
            return Value((_if_known(known, term),), node.type, known, True)
        case _:
            pass
    something = {"$gt": [found, None]}
    if node.default is None:
        return Value((_if_known((*known, something), found),), node.type, (*known, something), True)
    default = t.value(node.default)
    term = _if_known(known, {"$ifNull": [found, default.term]})
    known = (*known, either(something, both(*default.known)))
    return Value((term,), node.type, known, True)


def _if_known(known: tuple[Condition, ...], term: Term) -> Term:
    return {"$cond": [both(*known), term, None]}


def _totals(t: Translator, node: Aggregate) -> dict[str, Any]:
    open_: Condition = False
    if node.condition is not None:
        open_ = negated(t.true(node.condition))
        t.scope.stages.append({"$match": {"$expr": negated(t.false(node.condition))}})
    if node.element is None:
        return {"of": {"$sum": Int64(1)}, "open": {"$max": open_}}
    kind = node.element.type.kind
    if kind in (Kind.REFERENCE, Kind.BYTES, *DOCUMENTS):
        raise Unsupported("KP304", f"{node.kind} of {node.element.type} is not computed by MongoDB")
    if node.kind == "sum" and not (
        kind is Kind.INT or (kind is Kind.DECIMAL and (node.element.type.digits or 99) <= SUMMED)
    ):
        raise Unsupported("KP304", f"a sum of {node.element.type} is not computed by MongoDB as Python does")
    element = t.value(node.element)
    open_ = either(open_, negated(element.not_null()))
    return {"of": {f"${node.kind}": element.term}, "open": {"$max": open_}}


def _part(t: Translator, name: str, part: str) -> Term:
    """A total of the one group that there is, or none."""
    return f"${name}.{part}"


# ----------------------------------------------------------------------------------------------------------------- rows


def _asked(
    t: Translator, node: Quantify | Aggregate, ask: Callable[[Translator], dict[str, Any]]
) -> tuple[str, tuple[Condition, ...]]:
    """Where the totals of the rows are in the documents of this scope, and whether they were reached."""
    known = t.scope.made.get((id(t.root), node))
    base = None if isinstance(node.many.base, Keyed) else t.place(node.many.base)
    reached = () if base is None else t.reached(base)
    if isinstance(node.many.base, Keyed):
        key = t.key(node.many.base.key)
        reached = (key.not_null(),) if key.null else ()
    if known is not None:
        return known, reached
    inner = Scope(t.shared, t.scope)
    lookup = _rows(t, node.many, base, inner)
    totals = ask(t.inside(inner))
    inner.stages.append({"$group": {"_id": None, **totals}})
    name = t.scope.fresh("m")
    let = {**lookup.pop("let", {}), **inner.let}
    before = lookup.pop("pipeline", [])
    t.scope.stages.append({
        "$lookup": {**lookup, **({"let": let} if let else {}), "pipeline": [*before, *inner.stages], "as": name}
    })  # fmt: skip
    t.scope.stages.append({"$set": {name: {"$first": f"${name}"}}})
    t.scope.made[id(t.root), node] = name
    return name, reached


def _rows(t: Translator, many: Many, base: Place | None, inner: Scope) -> dict[str, Any]:
    """The parts of a `$lookup` for the rows; they are placed as `Item(var)` in the scope inside."""
    resource = many.base.resource
    owner = t.shared.layout(resource, t.root.layout.resource.name)
    relation = owner.resource.relations[many.relation]
    target = t.shared.layout(relation.target, resource)
    if relation.kind == "linked":
        link = t.shared.layout(relation.link, resource)
        near = relation_columns(link.model, link.resource.relations[relation.near])
        lookup = _held(t, many, base, inner, link, near)
        if many.link is not None:
            t.at(Place(inner, link)).match(many.link)
        far = relation_columns(link.model, link.resource.relations[relation.far])
        name = inner.fresh("t")
        found = joined([link.paths[column.name] for column in far], target.key, target)
        inner.stages += [
            {"$lookup": {**found, "as": name}},
            {"$unwind": f"${name}"},
            {"$replaceRoot": {"newRoot": f"${name}"}},
        ]
        inner.places.clear()  # they were of the link
    else:
        back = relation_columns(target.model, target.resource.relations[relation.inverse or ""])
        lookup = _held(t, many, base, inner, target, back)
    item = t.items[many.var] = Place(inner, target)
    if many.guard is not None:
        t.at(item).match(many.guard)
    return lookup


def _held(
    t: Translator, many: Many, base: Place | None, inner: Scope, of: Layout, columns: tuple[Column, ...]
) -> dict[str, Any]:
    """The documents whose `columns` hold the key of the row that the relation starts from."""
    if isinstance(many.base, Keyed):
        owner = t.shared.layout(many.base.resource, t.root.layout.resource.name)
        bounds = zip(columns, key_bounds(owner.key, many.base.key))
        inner.stages.append({"$match": {of.paths[column.name]: bound for column, bound in bounds}})
        return {"from": of.collection}
    assert base is not None  # noqa: S101  # only what is keyed has no place
    if base.scope is t.scope:
        return joined([base.path(column) for column in base.layout.key], columns, of)
    keys = [inner.reach(base.scope, f"${base.path(column)}") for column in base.layout.key]
    same = [{"$eq": [f"${of.paths[column.name]}", key]} for column, key in zip(columns, keys)]
    inner.stages.append({"$match": {"$expr": both(*same)}})
    return {"from": of.collection}
