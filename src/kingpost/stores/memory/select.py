"""Selects over a state, compiled once to closures."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Context, Decimal
from typing import Any

from kingpost.base.errors import Unsupported
from kingpost.language.evaluate import UNKNOWN, Compiled, Frame, World, compile_expression, surely_true
from kingpost.language.tree import (
    Expression,
    Item,
    Keyed,
    Node,
    Param,
    Root,
    Step,
    Summary,
    all_of,
    transform,
    walk,
)
from kingpost.language.types import Kind
from kingpost.model.columns import key_columns
from kingpost.model.model import Model
from kingpost.plan.crossing import Reach
from kingpost.plan.orders import behind
from kingpost.plan.select import Select
from kingpost.stores.contract import OutOfRange
from kingpost.stores.memory.values import bound

EXACT = Context(prec=200)


@dataclass(frozen=True, slots=True)
class Prepared:
    """A compiled select."""

    text: str
    run: Callable[[World, Iterable[Any], Mapping[str, object]], list[tuple[Any, ...]]]
    """Answers of these rows of the resource, in a world where others are found."""


def require_one_store(select: Select, model: Model, store: str) -> None:
    """Raises `Unsupported` where a row of another store is asked for."""
    reach = Reach(model, store)
    for expression in select.expressions():
        if reach.crosses(expression):
            rows = (part.resource for part in walk(expression) if isinstance(part, Root | Item | Step | Keyed))
            away = next((resource for resource in rows if model[resource].store != store), "a row between")
            raise Unsupported("KP304", f"{away} is in another store than {select.resource}")


def prepare(select: Select, model: Model) -> Prepared:
    """Compile a select."""
    parts = [part for expression in select.expressions() for part in walk(expression)]
    converts = {part.name: _bound(part) for part in parts if isinstance(part, Param)}
    answer = _grouped(select, model) if select.group is not None else _plain(select, model)

    def run(world: World, rows: Iterable[Any], params: Mapping[str, object]) -> list[tuple[Any, ...]]:
        given: dict[str, Any] = dict(params)
        for name, convert in converts.items():
            given[name] = convert(params[name])
        found = answer(world, rows, given)
        start = _number(select.offset, given) or 0
        length = _number(select.limit, given)
        return found[start:] if length is None else found[start : start + length]

    return Prepared(repr(select), run)


def _bound(param: Param) -> Callable[[Any], Any]:
    """A parameter in the form that values are kept in; long lists as sets, to be found in."""
    if param.type.kind is not Kind.LIST or param.type.element is None:
        return bound(param.type)
    item = bound(param.type.element)

    def convert(values: Iterable[Any]) -> Any:
        kept = [item(value) for value in values]
        try:
            return frozenset(kept)
        except TypeError:
            return kept

    return convert


def _number(value: int | Param | None, params: Mapping[str, Any]) -> int | None:
    return params[value.name] if isinstance(value, Param) else value


# ---------------------------------------------------------------------------------------------------------------- plain


def _plain(select: Select, model: Model) -> Callable[[World, Iterable[Any], Mapping[str, Any]], list[tuple[Any, ...]]]:
    columns = [_column(column, model) for column in select.columns]
    order = _order(select)
    where = all_of(select.where, behind(select))
    passes = None if where is None else surely_true(where)

    def answer(world: World, rows: Iterable[Any], params: Mapping[str, Any]) -> list[tuple[Any, ...]]:
        frames = [Frame(row, params, world) for row in rows]
        if passes is not None:
            frames = [frame for frame in frames if passes(frame)]
        return [tuple(_flat(columns, frame)) for frame in order(frames)]

    return answer


def _column(expression: Expression, model: Model) -> tuple[Compiled, int]:
    """A column, and how many columns of the answer it makes."""
    kind = expression.type.kind
    parts = len(key_columns(model, model[expression.type.name])) if kind is Kind.REFERENCE else 1
    return compile_expression(expression), parts


def _flat(columns: Sequence[tuple[Compiled, int]], frame: Frame) -> Iterator[Any]:
    for ask, parts in columns:
        value = ask(frame)
        if value is UNKNOWN:
            value = None
        if parts == 1:
            yield value
        else:
            yield from (None,) * parts if value is None else value


def _order(select: Select) -> Callable[[list[Frame]], list[Frame]]:
    """Sorts by the last key first: Python's sort keeps the order of equals."""
    keys = [(compile_expression(order.expression), order.descending) for order in reversed(select.order)]

    def sort(frames: list[Frame]) -> list[Frame]:
        for ask, descending in keys:
            frames = sorted(frames, key=lambda frame: _rank(ask(frame)), reverse=descending)
        return frames

    return sort


def _rank(value: Any) -> tuple[bool, Any]:
    """None, and what is unknown, lowest."""
    return (False, 0) if value is None or value is UNKNOWN else (True, value)


# -------------------------------------------------------------------------------------------------------------- grouped


def _grouped(
    select: Select, model: Model
) -> Callable[[World, Iterable[Any], Mapping[str, Any]], list[tuple[Any, ...]]]:
    summaries: dict[Summary, str] = {}

    def computed(node: Node) -> Node | None:
        """A summary is computed per group and then bound like a parameter."""
        if isinstance(node, Summary):
            return Param(summaries.setdefault(node, f" summary {len(summaries)}"), node.type)
        return None

    columns = [_column(_changed(column, computed), model) for column in select.columns]
    having = None if select.having is None else surely_true(_changed(select.having, computed))
    keys = [(_changed(key.expression, computed), key.descending) for key in reversed(select.order)]
    order = [(compile_expression(expression), descending) for expression, descending in keys]
    totals = [(name, _summary(summary)) for summary, name in summaries.items()]
    group = [compile_expression(expression) for expression in select.group or ()]
    passes = None if select.where is None else surely_true(select.where)

    def answer(world: World, rows: Iterable[Any], params: Mapping[str, Any]) -> list[tuple[Any, ...]]:
        groups: dict[tuple[Any, ...], list[Frame]] = {} if group else {(): []}
        for row in rows:
            frame = Frame(row, params, world)
            if passes is None or passes(frame):
                key = tuple(None if (value := ask(frame)) is UNKNOWN else value for ask in group)
                groups.setdefault(key, []).append(frame)
        frames: list[Frame] = []
        for members in groups.values():
            first = members[0].root if members else None
            frames.append(Frame(first, {**params, **{name: total(members) for name, total in totals}}, world))
        kept = [frame for frame in frames if having is None or having(frame)]
        for ask, descending in order:
            kept = sorted(kept, key=lambda frame: _rank(ask(frame)), reverse=descending)
        return [tuple(_flat(columns, frame)) for frame in kept]

    return answer


def _changed(expression: Expression, change: Callable[[Node], Node | None]) -> Expression:
    changed: Any = transform(expression, change)
    return changed  # type: ignore[no-any-return]  # an expression becomes an expression


def _summary(summary: Summary) -> Callable[[Sequence[Frame]], Any]:
    if summary.operand is None:
        return len
    ask = compile_expression(summary.operand)

    def values(frames: Sequence[Frame]) -> list[Any]:
        found = [ask(frame) for frame in frames]
        return [value for value in found if value is not None and value is not UNKNOWN]

    match summary.kind:
        case "count":
            return lambda frames: len(values(frames))
        case "sum":
            nothing = None if summary.type.nullable else 0
            return lambda frames: _total(found) if (found := values(frames)) else nothing
        case "avg":
            return lambda frames: _average(found) if (found := values(frames)) else None
        case "min":
            return lambda frames: min(values(frames), default=None)
        case "max":
            return lambda frames: max(values(frames), default=None)


def _average(values: Sequence[Any]) -> float:
    try:
        return float(_total(values)) / len(values)
    except OverflowError:
        raise OutOfRange("An average is larger than a float can be") from None


def _total(values: Sequence[Any]) -> Any:
    total = values[0]
    for value in values[1:]:
        total = EXACT.add(total, value) if isinstance(value, Decimal) else total + value
    return total + 0 if isinstance(total, bool) else total
