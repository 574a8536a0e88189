"""Where rows are: in the documents of a pipeline, or joined to them.

A pipeline is a scope: its documents are rows of one resource, and what is joined to them. `$lookup` opens a scope of
its own for rows at the end of a to-many relation; what it needs of the rows outside is handed in by `let`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from kingpost.base.errors import Unsupported
from kingpost.language.tree import Param
from kingpost.model.columns import Column, key_columns
from kingpost.stores.contract import Convert
from kingpost.stores.mongo.bind import Bound
from kingpost.stores.mongo.forms import to_bson
from kingpost.stores.mongo.layout import Layout
from kingpost.stores.mongo.value import Condition, Term, both


@dataclass
class Shared:
    """What all parts of one translation have in common."""

    layouts: Mapping[str, Layout]
    numbers: Any = field(default_factory=count)

    def layout(self, resource: str, of: str) -> Layout:
        """Where rows of a resource are. Raises `Unsupported` where that is another store."""
        if resource not in self.layouts:
            raise Unsupported("KP304", f"{resource} is in another store than {of}")
        return self.layouts[resource]

    def key(self, resource: str) -> tuple[Column, ...]:
        """What the keys of a resource consist of, wherever its rows are."""
        model = next(iter(self.layouts.values())).model
        return key_columns(model, model[resource])


@dataclass
class Place:
    """A row: where its document is in those of a scope. `reached`: whether it is there; True: always."""

    scope: Scope
    layout: Layout
    prefix: str = ""
    reached: Condition = True
    before: Place | None = None

    def path(self, column: Column) -> str:
        """Where a column is, as queries name it."""
        return self.prefix + self.layout.paths[column.name]


@dataclass
class Scope:
    """A pipeline in the making. `let`: what it is handed in, by the names of its variables."""

    shared: Shared
    outer: Scope | None = None
    stages: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    let: dict[str, Term] = field(default_factory=dict[str, Term])
    places: dict[Any, Place] = field(default_factory=dict[Any, Place])
    made: dict[Any, str] = field(default_factory=dict[Any, str])

    def reach(self, of: Scope, term: Term) -> Term:
        """A term of an outer scope as one of this."""
        if of is self:
            return term
        if self.outer is None:
            raise Unsupported("KP304", "a row is not within reach of this pipeline")
        found = self.outer.reach(of, term)
        for name, known in self.let.items():
            if known == found:
                return f"$${name}"
        name = f"o{next(self.shared.numbers)}"
        self.let[name] = found
        return f"$${name}"

    def fresh(self, kind: str) -> str:
        """A name for a member that no document has."""
        return f"{kind}~{next(self.shared.numbers)}"


def joined(local: Sequence[str], columns: Sequence[Column], target: Layout) -> dict[str, Any]:
    """The parts of a `$lookup` for the documents whose `columns` are what the documents here hold at `local`."""
    foreign = [target.paths[column.name] for column in columns]
    lookup: dict[str, Any] = {"from": target.collection, "localField": local[0], "foreignField": foreign[0]}
    if len(local) > 1:
        rest = list(enumerate(zip(local, foreign)))[1:]
        lookup["let"] = {f"k{number}": f"${held}" for number, (held, _) in rest}
        same = [{"$eq": [f"${path}", f"$$k{number}"]} for number, (_, path) in rest]
        lookup["pipeline"] = [{"$match": {"$expr": both(*same)}}]
    return lookup


def key_bounds(key: Sequence[Column], param: Param) -> list[Bound]:
    """The columns of a key that is a parameter: a scalar, or a tuple."""
    single = len(key) == 1
    return [Bound(param.name, _part(None if single else place, column)) for place, column in enumerate(key)]


def _part(place: int | None, column: Column) -> Convert:
    convert = to_bson(column.type)
    if place is None:
        return convert
    return lambda key: None if key is None else convert(key[place])
