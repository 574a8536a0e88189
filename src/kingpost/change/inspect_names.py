"""Names for what others have named: classes of tables, members of columns, none of them taken twice or by Python."""

from __future__ import annotations

import keyword
import re
import unicodedata
from collections.abc import Iterable
from itertools import chain, count
from typing import Final

from kingpost.model.build_fields import TAKEN
from kingpost.model.names import path_name, plural, singular, snake

CLASSES: Final = frozenset({"App", "Decimal", "Json", "Literal", "Resource", "UUID"})
"""What a module imports, in the manner of classes."""

MEMBERS: Final = TAKEN | {
    "anyone", "app", "authenticated", "bool", "bytes", "constraints", "dt", "field", "float", "generated", "index",
    "int", "list", "me", "nobody", "os", "self", "str", "unique",
}  # fmt: skip
"""What a member of that name would hide where another one needs it, or is no name of a member."""

PATHS: Final = ("docs",)
"""What is served at `/api/` besides resources."""


class Names:
    """Gives names, each once."""

    def __init__(self, taken: Iterable[str] = ()) -> None:
        self._taken = set(taken)

    def give(self, *wanted: str, joint: str = "_") -> str:
        """The first name that is free, else the last one with a number behind the joint."""
        numbered = (f"{wanted[-1]}{joint}{number}" for number in count(2))
        found = next(name for name in chain(wanted, numbered) if name not in self._taken)
        self._taken.add(found)
        return found


def class_name(table: str) -> str:
    """`order_details` becomes `OrderDetail`."""
    parts = snake(_plain(table)).split("_")
    found = camel("_".join([*parts[:-1], singular(parts[-1])]))
    found = found if found[:1].isalpha() else f"Table{found}"
    return f"{found}Row" if keyword.iskeyword(found) or found in CLASSES else found


def camel(name: str) -> str:
    """`order_detail` becomes `OrderDetail`."""
    return "".join(part[:1].upper() + part[1:] for part in name.split("_"))


def member_name(column: str) -> str:
    """`ArtistId` becomes `artist_id`, `class` `class_`."""
    found = re.sub(r"_+", "_", snake(_plain(column))).strip("_")
    found = found if found[:1].isalpha() else f"column_{found}".rstrip("_")
    return f"{found}_" if keyword.iskeyword(found) or found in MEMBERS else found


def relation_names(columns: tuple[str, ...], target: str, *, natural: bool) -> list[str]:
    """What a relation over these columns to that class may be called, the best name first.

    `natural`: they are called as in the class itself, `carrier` of an airline; then the class says more.
    """
    by_class = member_name(target)
    if len(columns) > 1:
        return [by_class, f"{by_class}_row"]
    column = member_name("".join(columns))
    stripped = re.sub(r"_(id|key|code|no|fk)$", "", column)
    if natural and stripped == column:
        return [by_class, column, f"{column}_row"]
    near = [] if stripped == column else [member_name(stripped)]
    return [*near, column, by_class, f"{column}_row"]


def many_names(child: str, relation: str, *, several: bool) -> list[str]:
    """What the rows of a class that point here by a relation may be called."""
    base = member_name(plural(snake(child)))
    return [f"{base}_by_{relation}"] if several else [base, f"{base}_by_{relation}"]


def free_path(name: str, taken: Names) -> str:
    """The path of a class, where the one made by rule is taken; else ""."""
    path = path_name(name)
    found = taken.give(path, f"{path}-rows").replace("_", "-")
    return "" if found == path else found


def _plain(name: str) -> str:
    """Letters, digits and underscores, as Python reads them."""
    text = re.sub(r"\W+", "_", unicodedata.normalize("NFKC", name))
    return "".join(letter for letter in text if f"a{letter}".isidentifier()).strip("_")
