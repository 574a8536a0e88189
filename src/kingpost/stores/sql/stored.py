"""Columns of tables that others made: how they hold values, where it is not as tables of our own do.

What is computed with is always the value in our own form (`forms`), so every meaning stays what it is. Where equal
values are equal as stored, or sort alike, a condition is about the column itself, and uses its index.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from kingpost.stores.contract import Convert
from kingpost.stores.sql.phrases import Phrase, Term
from kingpost.stores.sql.statement import Bound


@dataclass(frozen=True, slots=True)
class Stored:
    """One way to hold values of a type.

    Args:
        name: Tells it apart from others.
        read: SQL around the column, `{0}`, that gives the value in our own form.
        bind: How a Python value becomes what the driver takes to compare the column with.
        column: The type that a column is declared with, and a parameter bound as that is compared with one.
        fits: Whether a column of a type, as the catalogue words it, holds values so.
        exact: Equal values are equal as stored.
        ordered: Values sort as stored.
        listed: A list of them can be bound as stored.
        shown: What the driver answers for the column is what it answers for the value.
        write: SQL around the place of a value, `{0}`, that is stored.
        stored: How a Python value becomes what is stored, where that is less.
    """

    name: str
    read: str
    bind: Convert | None
    column: sa.types.TypeEngine[Any]
    fits: Callable[[str], bool]
    exact: bool = False
    ordered: bool = False
    listed: bool = False
    shown: bool = False
    write: str = "{0}"
    stored: Convert | None = None


class Read(Phrase):
    """The value of a column in our own form. `raw` is the column itself."""

    inherit_cache = False
    leaf = True

    def __init__(self, form: Stored, raw: Term, type: sa.types.TypeEngine[Any]) -> None:
        super().__init__(form.read, type, raw)
        self.form, self.raw = form, raw


def bare(term: Term) -> Term:
    """What is NULL where the value is."""
    return term.raw if isinstance(term, Read) else term


def output(term: Term) -> Term:
    """The value as a column of an answer, where it is not one of a group."""
    return term.raw if isinstance(term, Read) and term.form.shown else term


def sorting(term: Term) -> Term:
    """The value as something to sort by."""
    return term.raw if isinstance(term, Read) and term.form.ordered else term


def alike(a: Term, b: Term, *, ordered: bool = False) -> tuple[Term, Term]:
    """Two values to be compared, both as they are stored where that says the same."""
    for one, other in ((a, b), (b, a)):
        if not isinstance(one, Read) or not (one.form.ordered if ordered else one.form.exact):
            continue
        if isinstance(other, Read) and other.form.name == one.form.name:
            return bare(a), bare(b)
        if isinstance(other, Bound) and other.python is not None:
            bound = other.again(one.form.name, one.form.bind, one.form.column)
            return (one.raw, bound) if one is a else (bound, one.raw)
    return a, b
