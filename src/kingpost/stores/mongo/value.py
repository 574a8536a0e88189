"""Expressions of an aggregation pipeline, and conditions put together of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

from kingpost.language.types import Type

Term: TypeAlias = Any
"""An expression of a pipeline."""
Condition: TypeAlias = Any
"""An expression that is true or false, and never null."""


@dataclass(frozen=True, slots=True)
class Value:
    """A translated value: one term, or one per column of a reference's key.

    A term is null where the value is None, and where it is unknown. `known` tells these apart: conditions that hold
    together where the value is not unknown. `null`: whether a term can be null at all.
    """

    terms: tuple[Term, ...]
    type: Type
    known: tuple[Condition, ...] = ()
    null: bool = False

    @property
    def term(self) -> Term:
        """The only one."""
        (term,) = self.terms
        return term

    def is_null(self) -> Condition:
        """A reference is None where any of its parts is."""
        return either(*({"$lte": [term, None]} for term in self.terms)) if self.null else False

    def not_null(self) -> Condition:
        """Neither None nor unknown."""
        return both(*({"$gt": [term, None]} for term in self.terms)) if self.null else True


def both(*conditions: Condition) -> Condition:
    """All of them."""
    flat: list[Condition] = []
    for one in conditions:
        if one is False:
            return False
        if one is not True and one not in flat:
            flat.append(one)
    return True if not flat else flat[0] if len(flat) == 1 else {"$and": flat}


def either(*conditions: Condition) -> Condition:
    """Any of them."""
    flat: list[Condition] = []
    for one in conditions:
        if one is True:
            return True
        if one is not False and one not in flat:
            flat.append(one)
    return False if not flat else flat[0] if len(flat) == 1 else {"$or": flat}


def negated(condition: Condition) -> Condition:
    """The opposite."""
    return not condition if isinstance(condition, bool) else {"$not": [condition]}


def choice(condition: Condition, then: Term, otherwise: Term) -> Term:
    """One of two."""
    return then if condition is True else otherwise if condition is False else {"$cond": [condition, then, otherwise]}
