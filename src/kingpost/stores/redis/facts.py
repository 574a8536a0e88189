"""What is known of the keys in Redis while a question is asked: facts that were loaded, and what is not known yet.

What is asked and not known is noted, and taken to be absent for now; then it is loaded and all is asked again. So a
question is answered after as many rounds as its path has relations, whatever the number of rows.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeAlias

from kingpost.stores.memory.state import Row

RowPlace: TypeAlias = tuple[str, str]
"""A resource, and the key of a row as text."""


@dataclass(slots=True)
class Missing:
    """What has to be loaded before the answer is right."""

    rows: set[RowPlace] = field(default_factory=set[RowPlace])
    values: set[str] = field(default_factory=set[str])
    sets: set[str] = field(default_factory=set[str])
    tables: set[str] = field(default_factory=set[str])
    numbers: dict[tuple[str, str], int] = field(default_factory=dict[tuple[str, str], int])

    def __bool__(self) -> bool:
        return bool(self.rows or self.values or self.sets or self.tables or self.numbers)


@dataclass(slots=True)
class Facts:
    """What was loaded. `whole`: resources of which all rows are here; `numbers`: made for this batch."""

    rows: dict[str, dict[str, Row | None]]
    values: dict[str, str | None] = field(default_factory=dict[str, str | None])
    sets: dict[str, frozenset[str]] = field(default_factory=dict[str, frozenset[str]])
    whole: set[str] = field(default_factory=set[str])
    numbers: dict[tuple[str, str], list[int]] = field(default_factory=dict[tuple[str, str], list[int]])
    missing: Missing = field(default_factory=Missing)

    def row(self, resource: str, text: str) -> Row | None:
        """A row by its key."""
        known = self.rows[resource]
        if text in known:
            return known[text]
        if resource not in self.whole:
            self.missing.rows.add((resource, text))
        return None

    def value(self, key: str) -> str | None:
        """The text that is kept under a key."""
        if key not in self.values:
            self.missing.values.add(key)
        return self.values.get(key)

    def members(self, key: str) -> frozenset[str]:
        """The members of a set."""
        if key not in self.sets:
            self.missing.sets.add(key)
        return self.sets.get(key, frozenset())

    def all(self, resource: str) -> dict[str, Row | None]:
        """All rows of a resource."""
        if resource not in self.whole:
            self.missing.tables.add(resource)
        return self.rows[resource]

    def made(self, resource: str, column: str, index: int) -> int:
        """The number at a place among those made for this batch."""
        made = self.numbers.get((resource, column), ())
        if index < len(made):
            return made[index]
        self.missing.numbers[resource, column] = index + 1 - len(made)
        return -1 - index  # no other row has it, and nothing is written of a round in which something is missing
