"""What is in a database that others made, and as what each of its columns can be declared."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Iterable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from importlib import import_module
from importlib.util import find_spec
from typing import Final, Protocol, TypeAlias

from kingpost.base.problems import DeclarationError, Problem
from kingpost.language.types import Type
from kingpost.model.columns import Column
from kingpost.stores.sql import checks
from kingpost.stores.sql.catalog import RealColumn, RealTable
from kingpost.stores.sql.checks import Condition
from kingpost.stores.sql.dialect import Dialect
from kingpost.stores.sql.dialects import SQLITE

SAMPLE = 10_000
"""How many rows are looked at, where a column's type does not tell what is in it."""

Watch: TypeAlias = Callable[[str], None]
"""Is told the name of the table that is being looked at."""


@dataclass(frozen=True, slots=True)
class Held:
    """As what a column can be declared.

    `stored` and `bounds` (numbers as they are written) as in `field`, `length` of the longest text; `note`: a guess.
    """

    type: Type
    stored: str = ""
    length: int | None = None
    bounds: tuple[tuple[str, str], ...] = ()
    note: str = ""


@dataclass(slots=True)
class Existing:
    """What there is.

    Args:
        held: By table and column.
        keys: Of tables and views that have none: the column by which their rows could be told apart so far.
    """

    dialect: Dialect
    tables: dict[str, RealTable]
    held: dict[str, dict[str, Held]] = field(default_factory=dict[str, dict[str, Held]])
    keys: dict[str, str] = field(default_factory=dict[str, str])

    @property
    def brackets(self) -> bool:
        """Whether they are quotes of names."""
        return self.dialect is SQLITE

    def fits(self, held: Held, column: RealColumn) -> bool:
        """Whether the column can be declared so."""
        return can_hold(self.dialect, held, column)

    def conditions(self, table: RealTable) -> dict[str, Condition]:
        """What the CHECKs of a table say of single columns."""
        found: dict[str, Condition] = {}
        for text in table.checks.values():
            for column, condition in checks.read(text, brackets=self.brackets).items():
                if column in table.columns:
                    found[column] = found.get(column, Condition()).and_also(condition)
        return found


class Examiner(Protocol):
    """An open database."""

    async def names(self, schema: str | None, *, views: bool) -> list[str]:
        """All tables, and views if they are wanted, in the order of their making."""
        ...

    async def examine(self, names: Iterable[str], watch: Watch) -> Existing:
        """What there is of these tables and views."""
        ...


Opened: TypeAlias = Callable[[str, str | None], AbstractAsyncContextManager[Examiner]]
FILES: Final = ("csv", "ndjson", "json", "parquet", "xlsx")
KINDS: Final = {
    "sqlite": "sql.sqlite", "postgres": "sql.postgres", "postgresql": "sql.postgres", **dict.fromkeys(FILES, "files"),
}  # fmt: skip
_NEEDED: Final = {
    "sql.postgres": (("asyncpg", "postgres"),), "files": (("duckdb", "duckdb"), ("python_calamine", "xlsx")),
}  # fmt: skip


@asynccontextmanager
async def examiner(url: str, schema: str | None = None) -> AsyncGenerator[Examiner]:
    """Opens a database to look at; nothing in it is changed. Raises `DeclarationError` or `StoreDown`.

    `schema`: the one that names without a schema lead to.
    """
    scheme = url.partition(":")[0].lower()
    if scheme not in KINDS:
        message = f"{scheme}: is no kind of database that can be inspected" if ":" in url else "that is no address"
        raise DeclarationError([Problem("KP310", message, "sqlite:///shop.db or postgresql://user:password@host/shop")])
    for package, extra in _NEEDED.get(KINDS[scheme], ()):
        if (package != "python_calamine" or scheme == "xlsx") and find_spec(package) is None:
            message = f"{scheme}: needs the package {package}, which is not installed"
            raise DeclarationError([Problem("KP312", message, f"pip install {package}, or the extra {extra}")])
    opened: Opened = import_module(f"kingpost.stores.{KINDS[scheme]}.existing").opened
    async with opened(url, schema) as found:
        yield found


def can_hold(dialect: Dialect, held: Held, column: RealColumn) -> bool:
    """Whether the column can be declared so."""
    return dialect.fits(Column(column.name, held.type, column.name, stored=held.stored, adopted=True), column.type)


def quoted(name: str) -> str:
    """A name as both dialects write it."""
    return '"' + name.replace('"', '""') + '"'


def likely_keys(table: RealTable) -> list[str]:
    """Columns that may tell rows apart, the likeliest ones first."""

    def likelihood(name: str) -> int:
        low = name.lower()
        return 0 if low in ("id", f"{table.name.lower()}_id", f"{table.name.lower()}id") else 1 if "id" in low else 2

    return sorted(table.columns, key=likelihood)[:8]
