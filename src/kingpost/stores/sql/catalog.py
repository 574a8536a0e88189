"""A database's tables as they really are, in the same terms for every dialect."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True, slots=True)
class RealColumn:
    """`type` is as the dialect's catalogue words it, with the collation where it matters; of a domain that beneath it.

    `default`: rows may be added without a value; `says` is the default as the catalogue words it. `made`: the database
    makes the value, of `identity` unless one is given, `always`, or `computed` from others. `choices`: the labels of an
    enumeration. `domain`: the name of one, if it is.
    """

    name: str
    type: str
    nullable: bool
    default: bool
    says: str = ""
    made: Literal["", "identity", "always", "computed"] = ""
    choices: tuple[str, ...] = ()
    domain: str = ""
    comment: str = ""


@dataclass(frozen=True, slots=True)
class RealReference:
    """A foreign key. `on_delete` is in capital letters: NO ACTION, RESTRICT, CASCADE, SET NULL, SET DEFAULT.

    `loose`: rows that were there before need not lead anywhere.
    """

    columns: tuple[str, ...]
    table: str
    targets: tuple[str, ...]
    on_delete: str
    loose: bool = False


@dataclass(frozen=True, slots=True)
class RealIndex:
    """An index. `columns` has "" in place of an expression, `descending` names columns; `where` is its condition."""

    name: str
    columns: tuple[str, ...]
    unique: bool = False
    where: str = ""
    descending: frozenset[str] = frozenset()
    text: str = ""


@dataclass(slots=True)
class RealTable:
    """`uniques` are the column sets of unique constraints and of unique indexes without a condition.

    `checks` are conditions by name, in the database's words; `more` is what else decides about rows: triggers, and
    rows that exclude each other.
    """

    name: str
    kind: Literal["table", "view"] = "table"
    empty: bool = True
    columns: dict[str, RealColumn] = field(default_factory=dict[str, RealColumn])
    primary: tuple[str, ...] = ()
    uniques: set[frozenset[str]] = field(default_factory=set[frozenset[str]])
    indexes: dict[str, RealIndex] = field(default_factory=dict[str, RealIndex])
    references: list[RealReference] = field(default_factory=list[RealReference])
    checks: dict[str, str] = field(default_factory=dict[str, str])
    more: list[str] = field(default_factory=list[str])
    comment: str = ""

    def add(self, index: RealIndex) -> None:
        """Note an index."""
        self.indexes[index.name] = index
        if index.unique and not index.where and "" not in index.columns:
            self.uniques.add(frozenset(index.columns))
