"""A database's tables as they really are, in the same terms for every dialect."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class RealColumn:
    """`type` is as the dialect's catalogue words it, with the collation where it matters."""

    name: str
    type: str
    nullable: bool
    default: bool


@dataclass(frozen=True, slots=True)
class RealReference:
    """A foreign key. `on_delete` is in capital letters: NO ACTION, RESTRICT, CASCADE, SET NULL."""

    columns: tuple[str, ...]
    table: str
    targets: tuple[str, ...]
    on_delete: str


@dataclass(slots=True)
class RealTable:
    """`uniques` are the column sets of unique constraints and of unique indexes without a condition."""

    name: str
    empty: bool = True
    columns: dict[str, RealColumn] = field(default_factory=dict[str, RealColumn])
    primary: tuple[str, ...] = ()
    uniques: set[frozenset[str]] = field(default_factory=set[frozenset[str]])
    indexes: set[str] = field(default_factory=set[str])
    references: list[RealReference] = field(default_factory=list[RealReference])
    checks: set[str] = field(default_factory=set[str])
