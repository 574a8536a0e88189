"""Selects as aggregation pipelines, translated once per shape, and their answers as Python values."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from kingpost.base.errors import Unsupported
from kingpost.language.tree import And, Expression, Field, Identity, Param, Root, Summary, all_of, walk
from kingpost.language.types import BOOL, INT, Kind, Type
from kingpost.model.columns import field_column
from kingpost.plan.orders import behind
from kingpost.plan.select import Order, Select
from kingpost.stores.contract import Convert, Rows, StoreError
from kingpost.stores.mongo import numbers
from kingpost.stores.mongo.bind import Bound, Params, compiled, depth, shown
from kingpost.stores.mongo.forms import Mistyped, from_bson, integer
from kingpost.stores.mongo.layout import Layout
from kingpost.stores.mongo.scope import Place, Scope, Shared
from kingpost.stores.mongo.translator import Translator
from kingpost.stores.mongo.value import Value
from kingpost.stores.mongo.versions import version_of
from kingpost.stores.sql.forms import DOCUMENTS

DEEPEST = 90
"""Levels that a pipeline may be nested: servers read no more than 100 levels of expressions."""
SUMMED = 24
"""Digits of Decimals that are summed up: ten thousand million of them make no more than 34."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One column of the answer: which member of the documents, what makes it a Python value, its name in words."""

    name: str
    convert: Convert
    told: str


@dataclass(frozen=True, slots=True)
class Prepared:
    """A pipeline with places for values."""

    collection: str
    text: str
    pipeline: Callable[[Params], list[dict[str, Any]]]
    cells: tuple[Cell, ...]
    nothing: Callable[[Params], bool]

    def rows(self, documents: Sequence[Mapping[str, Any]]) -> Rows:
        """The answer. Raises `StoreError` naming the document and the member that is not as declared."""
        cells = [(cell.name, cell.convert) for cell in self.cells]
        try:
            return [
                tuple([None if (v := document.get(name)) is None else convert(v) for name, convert in cells])
                for document in documents
            ]
        except Mistyped:
            raise self._told(documents) from None

    def _told(self, documents: Sequence[Mapping[str, Any]]) -> StoreError:
        for document in documents:
            for cell in self.cells:
                value = document.get(cell.name)
                try:
                    if value is not None:
                        cell.convert(value)
                except Mistyped as error:
                    return StoreError(f"In {self.collection}, document {document.get('_id')!s}: {cell.told} {error}")
        raise AssertionError("one of them is mistyped")


def prepare(select: Select, layouts: Mapping[str, Layout]) -> Prepared:
    """Translate. Raises `Unsupported` naming the part that can't be said exactly."""
    layout = layouts[select.resource]
    scope = Scope(Shared(layouts))
    t = Translator(scope, Place(scope, layout))
    where = all_of(select.where, behind(select))
    for condition in _simplest_first(t, where):
        t.match(condition)
    cells = _grouped(t, select) if select.group is not None else _plain(t, select)
    if depth(scope.stages) > DEEPEST:
        raise Unsupported("KP304", f"what is asked of {select.resource} is nested deeper than MongoDB reads")
    text = f"{layout.collection}.aggregate({json.dumps(shown(scope.stages), default=str, ensure_ascii=False)})"
    return Prepared(layout.collection, text, compiled(scope.stages), tuple(cells), _nothing(select.limit))


def _nothing(limit: int | Param | None) -> Callable[[Params], bool]:
    """Whether no rows are wanted: MongoDB knows no limit of 0."""
    if isinstance(limit, Param):
        name = limit.name
        return lambda params: params[name] == 0
    return lambda params: limit == 0


def _simplest_first(t: Translator, where: Expression | None) -> list[Expression]:
    """The parts of a condition; first what needs nothing joined, so that an index may find the documents."""
    if where is None:
        return []
    parts = where.operands if isinstance(where, And) and where.type == BOOL else (where,)

    def joins(part: Expression) -> bool:
        return any(not isinstance(one, Root) for one in walk(part) if hasattr(one, "resource"))

    return sorted(parts, key=joins)


def _plain(t: Translator, select: Select) -> list[Cell]:
    _sorted(t, select.order)
    _cut(t, select)
    cells: list[Cell] = []
    members: dict[str, Any] = {}
    for column in select.columns:
        cells.extend(_column(t, column, members, len(cells)))
    t.scope.stages.append({"$project": {"_id": 1, **members}})
    return cells


def _column(t: Translator, column: Expression, members: dict[str, Any], place: int) -> list[Cell]:
    if isinstance(column, Field):
        found = t.place(column.row)
        stored = found.layout.resource.fields[column.name]
        told = f"{found.layout.resource.name}.{stored.name}"
        if stored.hashed:
            members[f"c{place}"] = f"${found.prefix[:-1]}" if found.prefix else "$$ROOT"
            return [Cell(f"c{place}", lambda document: version_of(found.layout, document), told)]
        path = f"{found.layout.collection}.{found.layout.paths[field_column(found.layout.resource, stored).name]}"
        members[f"c{place}"] = f"${found.path(field_column(found.layout.resource, stored))}"
        return [Cell(f"c{place}", from_bson(column.type), path)]
    value = t.value(column)
    cells: list[Cell] = []
    for term, type in zip(value.terms, _types(t, column.type), strict=True):
        name = f"c{place + len(cells)}"
        members[name] = {"$ifNull": [term, None]} if isinstance(term, str) else term
        if term is None or isinstance(term, bool | int):
            members[name] = {"$literal": term}
        cells.append(Cell(name, from_bson(type), "a value of its"))
    return cells


def _types(t: Translator, type: Type) -> list[Type]:
    """The types of the columns that a value makes."""
    if type.kind is not Kind.REFERENCE:
        return [type]
    return [column.type for column in t.shared.key(type.name)]


def _sorted(t: Translator, order: Sequence[Order]) -> None:
    """None sorts lowest in MongoDB, too, and text by its bytes, which is by code point."""
    keys: dict[str, int] = {}
    made: dict[str, Any] = {}
    for one in order:
        value = t.value(one.expression)
        if value.type.kind in (Kind.BYTES, *DOCUMENTS):
            raise Unsupported("KP304", f"MongoDB does not sort {value.type} as Python does")
        for term in value.terms:
            path = _member(term)
            if path is None:
                path = t.scope.fresh("s")
                made[path] = {"$literal": term} if term is None or isinstance(term, bool) else term
            keys.setdefault(path, -1 if one.descending else 1)
    if made:
        t.scope.stages.append({"$set": made})
    if keys:
        t.scope.stages.append({"$sort": keys})


def _member(term: Any) -> str | None:
    """The path of a term that is a member of the documents; one that is missing sorts as null does."""
    match term:
        case {"$ifNull": [str() as path, None]}:
            return _member(path)
        case str() if term.startswith("$") and not term.startswith("$$"):
            return term[1:]
        case _:
            return None


def _cut(t: Translator, select: Select) -> None:
    for name, number in (("$skip", select.offset), ("$limit", select.limit)):
        if isinstance(number, Param):
            least = 1 if name == "$limit" else 0
            bound = Bound(number.name, lambda value, least=least: integer(max(value, least)))  # type: ignore[misc]
            t.scope.stages.append({name: bound})
        elif number is not None:
            t.scope.stages.append({name: max(number, 1) if name == "$limit" else number})


# --------------------------------------------------------------------------------------------------------------- groups


def _grouped(t: Translator, select: Select) -> list[Cell]:
    group, given = select.group or (), dict[Any, Value]()
    keys: dict[str, Any] = {}
    for expression in group:
        value = t.value(expression)
        if value.type.kind in DOCUMENTS:
            raise Unsupported("KP304", f"MongoDB does not group by {value.type} as Python does")
        names = [f"g{len(keys) + place}" for place in range(len(value.terms))]
        keys.update(zip(names, value.terms))
        terms = tuple(f"$_id.{name}" if group else None for name in names)
        given[expression] = Value(terms, value.type.maybe(), (), True)
    totals: dict[str, Any] = {}
    asked = [*select.columns, *(one.expression for one in select.order)]
    asked += [] if select.having is None else [select.having]
    for summary in dict.fromkeys(part for one in asked for part in walk(one) if isinstance(part, Summary)):
        given[summary] = _summary(t, summary, totals)
    t.scope.stages.append({"$group": {"_id": keys or None, **totals}})
    if not group:  # there is a row of nothing, too
        nothing = {"_id": None, **{name: 0 if "$sum" in total else None for name, total in totals.items()}}
        t.scope.stages += [
            {"$facet": {"r": [{"$match": {}}]}},
            {"$replaceRoot": {"newRoot": {"$ifNull": [{"$first": "$r"}, {"$literal": nothing}]}}},
        ]
    after = Translator(t.scope, t.root, given=given)
    t.scope.places.clear()
    if select.having is not None:
        after.match(select.having)
    _sorted(after, select.order)
    _cut(after, select)
    members: dict[str, Any] = {}
    cells: list[Cell] = []
    for column in select.columns:
        found = _of_group(after, column, given)
        for term, type in zip(found.terms, _types(t, column.type), strict=True):
            name = f"c{len(cells)}"
            members[name] = {"$literal": None} if term is None else term
            cells.append(Cell(name, from_bson(type), "a value of a group"))
    t.scope.stages.append({"$project": {"_id": 0, **members}})
    return cells


def _of_group(t: Translator, column: Expression, given: Mapping[Any, Value]) -> Value:
    beside = any(isinstance(part, Field | Identity) for part in walk(column) if column not in given)
    if beside and not any(isinstance(part, Summary) for part in walk(column)):
        raise Unsupported("KP304", "a column of a group is one of its expressions, or made of summaries")
    return t.value(column)


def _summary(t: Translator, summary: Summary, totals: dict[str, Any]) -> Value:
    """One value for a group; Nones, and what is unknown, are passed over."""
    name = f"a{len(totals)}"
    if summary.operand is None:
        totals[name] = {"$sum": 1}
        return Value((f"${name}",), INT)
    operand = t.value(summary.operand)
    kind = operand.type.kind
    totals[f"{name}n"] = {"$sum": {"$cond": [operand.not_null(), 1, 0]}}
    count = f"${name}n"
    if summary.kind == "count":
        return Value((count,), INT)
    if summary.kind in ("min", "max"):
        if kind in (Kind.BYTES, Kind.REFERENCE, *DOCUMENTS):
            raise Unsupported("KP304", f"{summary.kind} of {operand.type} is not computed by MongoDB")
        totals[name] = {f"${summary.kind}": operand.term}
        return Value(({"$ifNull": [f"${name}", None]},), summary.type, (), True)
    term = operand.term
    if kind is Kind.BOOL:
        term = {"$cond": [operand.not_null(), {"$cond": [term, 1, 0]}, None]}
    elif kind not in (Kind.INT, Kind.FLOAT, Kind.DECIMAL, Kind.DURATION):
        raise Unsupported("KP304", f"{summary.kind} of {operand.type} is not computed by MongoDB")
    if kind is Kind.DECIMAL and (operand.type.digits or 99) > SUMMED:
        raise Unsupported("KP304", f"a sum of {operand.type} may have more digits than MongoDB computes with")
    totals[name] = {"$sum": term}
    total = f"${name}" if kind in (Kind.FLOAT, Kind.DECIMAL) else numbers.whole(t, f"${name}")
    if summary.kind == "avg":
        total = {"$divide": [{"$toDouble": total}, count]}
    nothing = None if summary.type.nullable or summary.kind == "avg" else 0
    return Value(({"$cond": [{"$gt": [count, 0]}, total, nothing]},), summary.type, (), nothing is None)
