"""A query whose rows are counted and summed by group."""

from __future__ import annotations

from collections.abc import Awaitable, Generator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from kingpost.model.names import meant
from kingpost.model.query_names import check_path, natural
from kingpost.model.query_parts import By, Kind, Path, Summary, Text
from kingpost.model.query_runner import find_runner

if TYPE_CHECKING:
    from kingpost.model.query import Query


@dataclass(frozen=True, slots=True)
class Grouped(Awaitable["list[dict[str, Any]]"]):
    """Groups, as asked for so far. Every method answers a new one; `await` answers a dict for each group."""

    query: Query[Any]
    by: tuple[Path, ...]
    summaries: tuple[Summary, ...]
    order: tuple[By, ...] = ()
    most: int | None = None

    @property
    def members(self) -> list[str]:
        """The names in each answer."""
        return [".".join(path) for path in self.by] + [summary.name for summary in self.summaries]

    def sort(self, *by: Text) -> Grouped:
        """In this order, after any order named before: members of the answer, with `-` before them for descending.

        Groups that are equal in it come by what they are grouped by, as all do where no order is named. Raises
        ValueError for a name that the answer has no member of.
        """
        order = list(self.order)
        for each in by:
            name = each.removeprefix("-")
            if name not in self.members:
                raise ValueError(f"the groups have no {name!r} to sort by: {meant(name, self.members)}")
            order.append(By(tuple(name.split(".")), each.startswith("-")))
        return replace(self, order=tuple(order))

    def limit(self, groups: int, /) -> Grouped:
        """At most so many groups, the first ones in the order. Raises TypeError and ValueError as `Query.limit`."""
        return replace(self, most=natural(groups, "limit"))

    def __await__(self) -> Generator[Any, None, list[dict[str, Any]]]:
        return find_runner(self.query.resource).groups(self).__await__()


def grouped(query: Query[Any], by: Sequence[Text], count: bool, kinds: Mapping[Kind, Text | Sequence[Text]]) -> Grouped:
    """The groups of a query. Raises ValueError for unknown names, no names, and a member that would be there twice."""
    paths = tuple(check_path(query.resource, path) for path in by)
    summaries = [Summary("count", (), "count")] if count else []
    for kind, given in kinds.items():
        for text in (given,) if isinstance(given, str) else given:
            path = check_path(query.resource, text)
            summaries.append(Summary(kind, path, "_".join((kind, *path))))
    found = Grouped(query, paths, tuple(summaries))
    if not found.members:
        raise ValueError("groups need a path to group by, or something to say of all rows: count=True, sum=…")
    for name in found.members:
        if found.members.count(name) > 1:
            raise ValueError(f"two members of a group would be called {name!r}: leave one of them out")
    return found
