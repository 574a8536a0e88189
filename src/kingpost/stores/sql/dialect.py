"""What SQL dialects differ in: how each thing is said. Everything else is the same for all of them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, ClassVar, TypeAlias

import sqlalchemy as sa

from kingpost.language.types import Type
from kingpost.model.columns import Column
from kingpost.stores.contract import Convert
from kingpost.stores.sql.forms import Forms, maybe, to_microseconds
from kingpost.stores.sql.phrases import Condition, Term
from kingpost.stores.sql.stored import Read, Stored

Storing: TypeAlias = tuple[Stored | None, ...]
ListForm: TypeAlias = tuple[Callable[[list[Any]], Any], sa.types.TypeEngine[Any]]

DAY = 86_400_000_000
"""Microseconds of a day in UTC."""

FIRST = to_microseconds(datetime(1, 1, 1, tzinfo=UTC))
LAST = to_microseconds(datetime(9999, 12, 31, 23, 59, 59, 999999, tzinfo=UTC))
"""The instants that there are, as microseconds."""


class Dialect(ABC):
    """One database's words. Operands that are NULL give NULL, throughout.

    Arguments are translated values in the dialect's storage form; `forms` says which.
    """

    name: ClassVar[str]
    engine: ClassVar[sa.Dialect]
    forms: ClassVar[Forms]
    functions: ClassVar[Mapping[tuple[str, int], Callable[..., Any]]] = {}
    """Functions to register on every connection, by name and number of arguments."""
    references_hold: ClassVar[bool] = False
    """Whether a row that a constrained reference points at is there, whoever wrote it."""
    enters_indexes: ClassVar[bool] = True
    """Whether a page is found in an index, so that it pays to say the rows behind a place as ranges of one."""
    conditional_indexes: ClassVar[bool] = True
    """Whether an index may be about a part of the rows only."""
    watches_references: ClassVar[bool] = True
    """Whether references are the database's to hold; else the store does it."""
    adds_required: ClassVar[bool] = True
    """Whether a column can be added that may not be NULL."""
    identities: ClassVar[bool] = True
    """Whether the database numbers rows by itself."""
    computed_columns: ClassVar[bool] = False
    """Whether a column that is computed says which rows a unique combination is about, where no index has a
    condition."""
    correlates_sources: ClassVar[bool] = True
    """Whether a sub-select in FROM may name columns of the outer row."""
    updates_return: ClassVar[bool] = True
    """Whether an UPDATE can answer columns of the row that it wrote."""
    no_values: ClassVar[str] = "DEFAULT VALUES"
    """What stands in an INSERT that names no column."""

    def quote(self, name: str) -> str:
        """An identifier as it is written."""
        return str(self.engine.identifier_preparer.quote(name))

    def column(self, alias: str, column: Column) -> Term:
        """The value of a column of an alias (of the table itself if that is empty).

        As text, so that SQLAlchemy sees no table behind it: FROM clauses are our own work, sub-selects refer to
        outer rows without it guessing at correlation.
        """
        text = (f"{self.quote(alias)}." if alias else "") + self.quote(column.name)
        form, plain = self.stored(column), self.forms.plain(column.type)
        if form is None:
            return sa.literal_column(text, plain)
        return Read(form, sa.literal_column(text, form.column), plain)

    def stored(self, column: Column) -> Stored | None:
        """How a column of a table that others made holds its values; None: as in tables of our own."""
        return self._stored(column.type.maybe(False), column.stored) if column.adopted or column.stored else None

    @abstractmethod
    def _stored(self, type: Type, word: str) -> Stored | None:
        """The form that a declaration calls `word`; "": none in particular."""

    @abstractmethod
    def fits(self, column: Column, real: str) -> bool:
        """Whether a column that others made can be declared so; `real` is its type in the catalogue's words."""

    def bound(self, column: Column) -> tuple[Convert | None, str]:
        """How a value is bound that is stored in a column, and the SQL around its place, `{0}`."""
        form = self.stored(column)
        if form is None:
            return self.forms.to_driver(column.type), "{0}"
        return maybe(form.stored or form.bind), form.write

    def answered(self, column: Column) -> str:
        """The SQL that answers a column of the table itself, for a clause that returns."""
        form, name = self.stored(column), self.quote(column.name)
        return name if form is None or form.shown else form.read.replace("{0}", name)

    def fit(self, table: sa.Table, longest: Mapping[str, int | None]) -> None:
        """Make a table's columns such that its keys and indexes can hold them; `longest`: declared lengths."""
        return

    @abstractmethod
    def row_version(self, table: str, columns: Sequence[str]) -> str:
        """The row version where no column counts it: a hash of the row, 0 or above. `table` is a quoted name."""

    def null(self, type: Type) -> Term:
        """None as a value of a type."""
        return sa.null()

    # ---------------------------------------------------------------------------------------------------------- numbers

    @abstractmethod
    def integer(self, term: Term) -> Term:
        """A bool, int or duration as an operand of exact arithmetic."""

    @abstractmethod
    def exact(self, term: Term) -> Term:
        """The result of integer arithmetic, for which an overflow must be an error."""

    @abstractmethod
    def real(self, term: Term, places: int = 0) -> Term:
        """A number as a float; `places` of a decimal."""

    def floated(self, term: Term) -> Term:
        """The result of float arithmetic: NULL where it is no number."""
        return term

    @abstractmethod
    def rescale(self, term: Term, places: int, wanted: int) -> Term:
        """A decimal (or int: 0 places) with `places`, in the form of one with more, `wanted`."""

    def limit(self, op: str, places: int) -> Callable[[Any], Any] | None:
        """How a number becomes one that decimals of `places` can be compared with; None: any number can as it is."""
        return None

    @abstractmethod
    def floor_divide(self, a: Term, b: Term) -> Term:
        """`a // b`, NULL for b = 0."""

    @abstractmethod
    def modulo(self, a: Term, b: Term) -> Term:
        """`a % b` with the sign of b, NULL for b = 0."""

    @abstractmethod
    def divide(self, a: Term, b: Term) -> Term:
        """`a / b` of floats, NULL for b = 0."""

    @abstractmethod
    def round_decimal(self, term: Term, places: int) -> Term:
        """A decimal as the nearest int, a half to the even one."""

    @abstractmethod
    def round_float(self, term: Term) -> Term:
        """A float as the nearest int, a half to the even one."""

    def output(self, term: Term, type: Type) -> Term:
        """A value as a column of the answer."""
        return term

    # ------------------------------------------------------------------------------------------------------------- text

    @abstractmethod
    def casing(self, function: str, term: Term) -> Term:
        """`lower`, `upper` or `casefold` as Python does it."""

    @abstractmethod
    def strip(self, term: Term, spaces: Term) -> Term: ...

    @abstractmethod
    def contains(self, text: Term, part: Term) -> Condition: ...

    @abstractmethod
    def starts(self, text: Term, prefix: Term) -> Condition: ...

    @abstractmethod
    def ends(self, text: Term, suffix: Term) -> Condition: ...

    def length(self, term: Term) -> Term:
        """The number of characters of a text."""
        return sa.Function("length", term, type_=sa.Integer())

    @abstractmethod
    def at_least_zero(self, term: Term) -> Term:
        """The larger of an int and 0."""

    @abstractmethod
    def byte_length(self, term: Term) -> Term: ...

    def by_code_point(self, term: Term) -> Term:
        """A text that is to be compared with another where neither is a column, which would say how."""
        return term

    # ------------------------------------------------------------------------------------------------------------- time

    @abstractmethod
    def shift(self, instant: Term, duration: Term, op: str) -> Term:
        """`instant + duration` (`op` is `+`) or `instant - duration`, NULL outside years 1 to 9999."""

    @abstractmethod
    def elapsed(self, a: Term, b: Term) -> Term:
        """`a - b` of instants, in microseconds."""

    @abstractmethod
    def shift_date(self, day: Term, duration: Term, op: str) -> Term:
        """`day + duration` or `day - duration`, of which whole days count; NULL outside years 1 to 9999."""

    @abstractmethod
    def elapsed_dates(self, a: Term, b: Term) -> Term:
        """`a - b` of dates, in microseconds."""

    @abstractmethod
    def duration(self, term: Term) -> Term:
        """A computed duration: NULL beyond those of `timedelta`, an error where it would be rounded."""

    @abstractmethod
    def far_shift(self, term: Term) -> Term:
        """A computed duration by which an instant or a date is moved: NULL where that leads beyond all years."""

    # ------------------------------------------------------------------------------------------------------ collections

    @abstractmethod
    def list_form(self, types: tuple[Type, ...], forms: Storing | None = None) -> list[ListForm]:
        """How a list of rows of values (Nones left out) is bound: one or several parameters, each with its maker.

        `forms`: how each part is stored in the column that is looked at as it is.
        """

    @abstractmethod
    def among(
        self, terms: tuple[Term, ...], types: tuple[Type, ...], lists: list[Term], forms: Storing | None = None
    ) -> Condition:
        """Whether the value is in a list bound by `list_form`. NULL for NULL, except that some answer false."""

    @abstractmethod
    def member(self, document: Term, path: tuple[str, ...], type: Type) -> Term:
        """A member of a stored JSON document; raises `Unsupported` for types that JSON holds in another form."""

    def extreme(self, kind: str, term: Term, type: Type) -> Term:
        """The aggregate `min` or `max`."""
        return sa.Function(kind, term, type_=term.type)

    def total(self, term: Term, type: Type) -> Term:
        """The aggregate `sum`, exact or an error but for floats."""
        return sa.Function("sum", term, type_=term.type)

    def constant(self, term: Term) -> Term:
        """What to group by where that is one value for all rows."""
        return term

    def order(self, term: Term, type: Type, descending: bool, may_be_null: bool) -> Term:
        """A sort key: None lowest."""
        return term.desc() if descending else term
