"""Pipelines with places for values: made once, filled in for every run."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias, cast

from kingpost.stores.contract import Convert

Params: TypeAlias = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Bound:
    """The place of a parameter's value."""

    name: str
    convert: Convert


def literal(value: Any) -> Any:
    """A value where an expression stands: `$` in front of a text would make it a path."""
    return value if value is None or isinstance(value, bool) else {"$literal": value}


def compiled(template: Any) -> Callable[[Params], Any]:
    """What fills the places in."""
    fill = _fill(template)
    return fill if fill is not None else lambda params: template


def _fill(template: Any) -> Callable[[Params], Any] | None:
    """The same; None where there is no place."""
    match template:
        case Bound(name=name, convert=convert):
            return lambda params: convert(params[name])
        case dict():
            members = [(name, one, _fill(one)) for name, one in cast("dict[str, Any]", template).items()]
            if all(fill is None for _, _, fill in members):
                return None
            return lambda params: {name: one if fill is None else fill(params) for name, one, fill in members}
        case list():
            items = [(one, _fill(one)) for one in cast("Sequence[Any]", template)]
            if all(fill is None for _, fill in items):
                return None
            return lambda params: [one if fill is None else fill(params) for one, fill in items]
        case _:
            return None


def shown(template: Any) -> Any:
    """The template with the names of parameters in their places, for people; no values but the declaration's own."""
    match template:
        case Bound(name=name):
            return f":{name}"
        case dict():
            return {name: shown(one) for name, one in cast("dict[str, Any]", template).items()}
        case list():
            return [shown(one) for one in cast("Sequence[Any]", template)]
        case _:
            return template


def depth(template: Any) -> int:
    """How deeply it is nested."""
    match template:
        case dict():
            return 1 + max(map(depth, cast("dict[str, Any]", template).values()), default=0)
        case list():
            return 1 + max(map(depth, cast("Sequence[Any]", template)), default=0)
        case _:
            return 0
