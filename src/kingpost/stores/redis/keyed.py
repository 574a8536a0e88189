"""Which rows a select names by their keys."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias, cast

from kingpost.language.tree import And, Compare, Const, Expression, Field, Identity, In, Param, Root
from kingpost.language.types import BOOL, Kind
from kingpost.plan.select import Select
from kingpost.stores.memory.values import bound
from kingpost.stores.redis.layout import Place

Texts: TypeAlias = Callable[[Mapping[str, object]], list[str]]
"""The keys, as texts, of the rows that are named."""


def keyed(select: Select, place: Place) -> Texts | None:
    """How a select names rows; None where any row may be in its answer."""
    where = select.where
    parts = where.operands if isinstance(where, And) and where.type == BOOL else () if where is None else (where,)
    for part in parts:
        match part:
            case Compare(op="==", left=left, right=right) if _is_key(left, right, place):
                return _texts(place, _Values((right,)))
            case Compare(op="==", left=right, right=left) if _is_key(left, right, place):
                return _texts(place, _Values((right,)))
            case In(item=item, options=Param(type=type) as options) if type.element is not None and _is_root_key(
                item, place, type.element.kind
            ):
                return _texts(place, _Values(options))
            case In(item=item, options=tuple(options)) if all(_is_key(item, one, place) for one in options):
                return _texts(place, _Values(options))
            case _:
                continue
    return None


@dataclass(frozen=True, slots=True)
class _Values:
    """Values that are told, or the list that a parameter is."""

    options: tuple[Expression, ...] | Param

    def __call__(self, params: Mapping[str, object]) -> Iterable[object]:
        if isinstance(self.options, Param):
            return cast("Iterable[object]", params[self.options.name])
        return [_value(one, params) for one in self.options]


def _is_key(left: Expression, right: Expression, place: Place) -> bool:
    return isinstance(right, Param | Const) and _is_root_key(left, place, right.type.kind)


def _is_root_key(expression: Expression, place: Place, kind: Kind) -> bool:
    match expression:
        case Identity(row=Root()):
            return kind is Kind.REFERENCE
        case Field(row=Root(), name=name, type=type):
            return place.layout.resource.key == (name,) and type.kind is kind
        case _:
            return False


def _value(value: Expression, params: Mapping[str, object]) -> object:
    return params[value.name] if isinstance(value, Param) else value.value if isinstance(value, Const) else None


def _texts(place: Place, values: _Values) -> Texts:
    types = {column.name: column.type for column in place.layout.columns}
    converts = [bound(types[name]) for name in place.layout.key]

    def texts(params: Mapping[str, object]) -> list[str]:
        found: dict[str, None] = {}
        for value in values(params):
            parts = cast("Sequence[object]", value) if isinstance(value, tuple | list) else (value,)
            key = [convert(part) for convert, part in zip(converts, parts, strict=True)]
            if None not in key:
                found[place.text(key)] = None
        return list(found)

    return texts
