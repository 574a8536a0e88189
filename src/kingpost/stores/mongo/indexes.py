"""The indexes that a declaration leads to."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from kingpost.base.errors import Unsupported
from kingpost.language.tree import Expression
from kingpost.model.columns import Column
from kingpost.stores.mongo.forms import lowest
from kingpost.stores.mongo.layout import Layout
from kingpost.stores.mongo.queries import query
from kingpost.stores.mongo.scope import Place, Scope, Shared
from kingpost.stores.mongo.translator import Translator

PARTIAL = frozenset({"$eq", "$gt", "$gte", "$lt", "$lte", "$in", "$and", "$or", "$exists", "$type"})
"""What MongoDB knows in the filter of an index."""


@dataclass(frozen=True)
class Index:
    """One index. `members`: whose it is, for people. `filter`: of which documents."""

    keys: tuple[tuple[str, int], ...]
    members: tuple[str, ...]
    unique: bool = False
    filter: Mapping[str, Any] = dataclasses.field(default_factory=dict[str, Any])
    columns: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The same for the same index, whoever makes it."""
        parts = (f"{path}{'' if way == 1 else '_down'}" for path, way in self.keys)
        return f"kingpost_{'unique_' if self.unique else ''}{'_'.join(parts)}"[:120]

    def said(self) -> dict[str, Any]:
        """As MongoDB takes it."""
        words: dict[str, Any] = {"key": dict(self.keys), "name": self.name}
        if self.unique:
            words["unique"] = True
        if self.filter:
            words["partialFilterExpression"] = dict(self.filter)
        return words


def wanted(layout: Layout, layouts: Mapping[str, Layout]) -> Iterator[Index]:
    """All indexes of a collection, each once. Raises `Unsupported` for a uniqueness that MongoDB can't hold."""
    seen: set[tuple[Any, ...]] = set()
    for index in _wanted(layout, layouts):
        known = (index.keys, index.unique)
        if known not in seen:
            seen.add(known)
            yield index


def _wanted(layout: Layout, layouts: Mapping[str, Layout]) -> Iterator[Index]:
    resource = layout.resource
    if layout.nested:
        yield _index(layout, resource.key)
    alone = [one.name for one in resource.fields.values() if one.unique]
    alone += [one.name for one in resource.relations.values() if one.unique]
    for name in alone:
        yield unique(layout, (name,), None, layouts)
    for one in resource.uniques:
        yield unique(layout, one.members, one.where, layouts)
    for name, field in resource.fields.items():
        if field.index and not field.unique:
            yield _index(layout, (name,))
    for name, relation in resource.relations.items():
        if relation.kind == "one" and not relation.borrowed and not relation.unique:
            yield _index(layout, (name,))
    for index in resource.indexes:
        yield _index(layout, index.members)


def _index(layout: Layout, members: tuple[str, ...]) -> Index:
    found = [(column, -1 if name.startswith("-") else 1) for name in members for column in _columns(layout, name)]
    keys = tuple((layout.paths[column.name], way) for column, way in found)
    return Index(keys, members, columns=tuple(column.name for column, _ in found))


def _columns(layout: Layout, member: str) -> tuple[Column, ...]:
    return layout.of_member(member.lstrip("-"))


def unique(layout: Layout, members: tuple[str, ...], where: Expression | None, layouts: Mapping[str, Layout]) -> Index:
    """Documents in which one of the members is None are no matter of it.

    The filter that says so names the lowest value of the type: a query for a value finds the index by it.
    """
    index = _index(layout, members)
    columns = [column for name in members for column in _columns(layout, name)]
    parts = [{layout.paths[one.name]: {"$gte": lowest(one.type)}} for one in columns if one.type.nullable]
    if where is not None:
        scope = Scope(Shared(layouts))
        found = query(Translator(scope, Place(scope, layout)), where)
        if found is None or not _partial(found):
            raise Unsupported("KP304", f"{' and '.join(members)} unique among some rows is more than MongoDB can hold")
        parts.append(found)
    filter: dict[str, Any] = {} if not parts else parts[0] if len(parts) == 1 else {"$and": parts}
    return Index(index.keys, members, True, filter, index.columns)


def _partial(found: Any) -> bool:
    match found:
        case dict():
            members = cast("dict[str, Any]", found)
            return all((name[0] != "$" or name in PARTIAL) and _partial(one) for name, one in members.items())
        case list():
            return all(map(_partial, cast("Sequence[Any]", found)))
        case _:
            return True
