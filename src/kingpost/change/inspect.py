"""From a database that others made to classes for it, as the text of a module."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import PurePath
from typing import TypeAlias
from urllib.parse import quote, unquote, urlsplit

from kingpost.change.faults import InspectFault
from kingpost.change.inspect_classes import Classes
from kingpost.change.inspect_values import quoted
from kingpost.change.inspect_write import written
from kingpost.model.names import meant
from kingpost.stores.sql.existing import FILES, SAMPLE, Existing, examiner

OWN = "kingpost_*"
"""Tables that Kingpost keeps for itself."""

NOBODY = [
    "",
    "Nobody may read or write a row yet. Say who may, class by class: read=anyone beside",
    "adopted=True, or a method with @allow.",
]

Watch: TypeAlias = Callable[[str, int, int], None]
"""Is told which table is looked at: its name, its number, and how many there are."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What is to be written.

    Args:
        url: The database.
        schema: Of PostgreSQL; "": what names without a schema lead to.
        tables: Names and patterns (`auth_*`) of the tables that are wanted; none: all.
        without: Names and patterns of those that are not.
        views: Views, too.
        public: Everybody may read everything.
    """

    url: str
    schema: str = ""
    tables: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    views: bool = False
    public: bool = False


@dataclass(frozen=True, slots=True)
class Inspected:
    """What came of it. `left` are tables without a class; `remarks`: so many things are said in comments."""

    text: str
    tables: int
    classes: int
    left: tuple[str, ...]
    remarks: int


async def inspect(asked: Asked, watch: Watch = lambda name, number, of: None) -> Inspected:
    """Look at a database, which is not changed, and write classes for it.

    Raises `InspectFault` where a name leads nowhere, `DeclarationError` for an address that can't be used, and
    `StoreError` for a database that can't.
    """
    async with examiner(asked.url, asked.schema or None) as database:
        names = await database.names(asked.schema or None, views=True)
        there = names if asked.views else await database.names(asked.schema or None, views=False)
        chosen = _chosen(asked, names, there)
        number = 0

        def looked_at(name: str) -> None:
            nonlocal number
            number += 1
            watch(name, number, len(chosen))

        existing = await database.examine(chosen, looked_at)
    return _inspected(asked, existing)


def _inspected(asked: Asked, existing: Existing) -> Inspected:
    classes = Classes(existing)
    found = list(classes.by_table.values())
    text = written(classes, _name(asked.url), _in_python(_address(asked)), _head(asked), public=asked.public)
    remarks = sum(len(one.remarks) + bool(one.note) + sum(bool(m.note) for m in one.members) for one in found)
    left = tuple(classes.without)
    return Inspected(text, len(existing.tables), len(found), left, remarks + len(left))


def _chosen(asked: Asked, names: Sequence[str], there: Sequence[str]) -> list[str]:
    """The tables that are wanted, in the order of the database."""
    for pattern in (*asked.tables, *asked.without):
        if not any(fnmatchcase(name, pattern) for name in names):
            raise InspectFault(f"there is no table {pattern!r}", meant(pattern, names) or "the database has no tables")
    own = (*asked.without, OWN)
    wanted = [name for name in names if any(fnmatchcase(name, one) for one in asked.tables)] or list(there)
    chosen = [name for name in wanted if not any(fnmatchcase(name, one) for one in own)]
    if not chosen:
        remedy = "--schema names another part of a PostgreSQL database, --views takes views too"
        raise InspectFault("there is no table to write a class for", remedy)
    return chosen


def _name(url: str) -> str:
    """What the application is called: as the database is."""
    path = unquote(urlsplit(url).path)
    stem = PurePath(path).stem if url.startswith("sqlite:") or _in_files(url) else PurePath(path).name
    return re.sub(r"[^\w-]+", "-", stem).strip("-").lower() or "existing"


def _in_files(url: str) -> bool:
    return url.partition(":")[0].lower() in FILES


def _address(asked: Asked) -> str:
    """The address that leads to the same tables."""
    if not asked.schema or asked.url.startswith("sqlite:"):
        return asked.url
    path = quote('"' + asked.schema.replace('"', '""') + '"')
    return f"{asked.url}{'&' if '?' in asked.url else '?'}search_path={path}"


def _in_python(url: str) -> str:
    """The address in the module: from the environment where it has a password."""
    return quoted(url) if urlsplit(url).password is None else 'os.environ["DATABASE_URL"]'


def _head(asked: Asked) -> str:
    if _in_files(asked.url):
        lines = [
            f"The files of {_name(asked.url)}, as `kingpost inspect` found them.",
            "",
            f"Types are those as which the first {SAMPLE:,} rows of each file are read.",
            "`kingpost db diff` reads all of them, and tells what does not fit.",
        ]
        return "\n".join(lines + ([] if asked.public else NOBODY)) + "\n"
    where = f"the schema {asked.schema} of {_name(asked.url)}" if asked.schema else _name(asked.url)
    lines = [
        f"The tables of {where}, as `kingpost inspect` found them.",
        "",
        "They stay as they are (adopted=True), and others may go on writing to them. What is in the",
        "database and can't be declared is said in comments.",
        "",
        "`kingpost db diff` compares: it names one table that is missing, kingpost_repeats, in which",
        "requests with an Idempotency-Key are kept; `kingpost db sync` makes it.",
    ]
    lines += [] if asked.public else NOBODY
    password = urlsplit(asked.url).password
    if password is not None:
        url = _address(asked).replace(f":{password}@", ":***@")
        lines += ["", "The address has a password, so it is taken from the environment:", f"DATABASE_URL={url}"]
    return "\n".join(lines) + "\n"
