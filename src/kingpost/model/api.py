"""How a resource is read from an HTTP API: `class Airline(Resource, store="rates", source=Api(list="/airlines"))`.

Paths of an API begin with a slash and are appended to the address of the store. Paths inside of an answer are names
with dots between them, `data.items`; a name that has a dot itself is given in a tuple, `("data", "a.b")`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final, TypeAlias

Inside: TypeAlias = str | tuple[str, ...]
"""A path inside of an answer."""

HOLES: Final = re.compile(r"\{([^{}]*)\}")


def parts(path: Inside) -> tuple[str, ...]:
    """The names on a path inside of an answer."""
    if isinstance(path, tuple):
        return path
    return tuple(path.split(".")) if path else ()


@dataclass(frozen=True, slots=True)
class Page:
    """Pages by number: `parameter` is the number, the first of which is `start`.

    Args:
        size: The parameter that says how many rows a page has, if the API has one; `rows` is its value.
        total: Where an answer says how many rows there are in all; without it the end is a page without rows.
    """

    parameter: str = "page"
    start: int = 1
    size: str = ""
    rows: int = 100
    total: Inside = ()


@dataclass(frozen=True, slots=True)
class Offset:
    """Pages by the number of rows before them, in `parameter`; the rest as in `Page`."""

    parameter: str = "offset"
    size: str = "limit"
    rows: int = 100
    total: Inside = ()


@dataclass(frozen=True, slots=True)
class Cursor:
    """Pages by what the one before says: at the path `next` of its body is the value of `parameter` for the next one.

    Without a `parameter` it is the address of the next page. The last page has none there, or null, or "".
    """

    next: Inside = "next"
    parameter: str = ""


@dataclass(frozen=True, slots=True)
class Link:
    """Pages by the header Link of each answer, which names the address of the next one (RFC 8288, `rel="next"`)."""


Paging: TypeAlias = Page | Offset | Cursor | Link


@dataclass(frozen=True, slots=True)
class Api:
    """Where the rows of a resource are in an API, and what of them is called how.

    Args:
        list: The path that all rows are read from.
        one: The path of one row, with the members of the key in braces: `/airlines/{code}`. An answer of 404 or 410
            says that there is none.
        rows: Where the array of rows is in the answer to `list`; the answer itself, unless told.
        row: Where the row is in the answer to `one`.
        names: Where a member is in a row, if not under the name of its column.
        where: Parameters of `list` by member: rows that have another value there may be left out. What the API
            answers is looked at once more, so that it need not leave out all of them.
        query: Parameters that every request has.
        page: How `list` goes on, if not all rows come at once.
    """

    list: str = ""
    one: str = ""
    rows: Inside = ()
    row: Inside = ()
    names: Mapping[str, Inside] = field(default_factory=dict[str, Inside])
    where: Mapping[str, str] = field(default_factory=dict[str, str])
    query: Mapping[str, str] = field(default_factory=dict[str, str])
    page: Paging | None = None

    def faults(self) -> Iterator[str]:
        """What can't be right whatever the resource."""
        if not self.list and not self.one:
            yield "it has neither list nor one"
        for name, path in (("list", self.list), ("one", self.one)):
            if path and (not path.startswith("/") or path.startswith("//") or re.search(r"[?#\s\\]|/\.\.?(/|$)", path)):
                yield f"{name}={path!r} is no path such as /airlines"
        if HOLES.search(self.list):
            yield "list has no members in braces: rows are left out by where"
        if self.page is not None and not self.list:
            yield "page is of list, which it has not"
        if isinstance(self.page, Page | Offset) and not (self.page.parameter and self.page.rows > 0):
            yield "page has no parameter, or no rows"

    def holes(self) -> tuple[str, ...]:
        """The members in `one`."""
        return tuple(HOLES.findall(self.one))
