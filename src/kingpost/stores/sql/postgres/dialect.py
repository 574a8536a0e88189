"""PostgreSQL's words (18 and later for `lower`, `upper`, `casefold`)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql
from sqlalchemy.dialects.postgresql.asyncpg import PGDialect_asyncpg

from kingpost.base.errors import Unsupported
from kingpost.language.types import Kind, Type
from kingpost.language.unknown import LONGEST, SHORTEST
from kingpost.model.columns import Column
from kingpost.stores.sql.dialect import DAY, FIRST, LAST, Dialect, ListForm, Storing
from kingpost.stores.sql.forms import PostgresForms
from kingpost.stores.sql.phrases import Condition, Phrase, Term
from kingpost.stores.sql.postgres import stored
from kingpost.stores.sql.stored import Stored

NUMERIC, BIGINT, TEXT = sa.Numeric(), sa.BigInteger(), sa.Text()
REAL: sa.Double[float] = sa.Double()
BOOLEAN, INSTANT, DATE = sa.Boolean(), sa.DateTime(timezone=True), sa.Date()
LARGEST = 2**63 - 1


class PostgreSQL(Dialect):
    """Integers are computed as numeric, which has no end; instants in UTC, whatever the session's zone."""

    name = "postgresql"
    references_hold = True
    engine = PGDialect_asyncpg()  # type: ignore[no-untyped-call]
    forms = PostgresForms()

    def __init__(self) -> None:
        self.sorts_by_code_point = False
        """Whether the database is known to compare text so where a column does not say how."""

    def _stored(self, type: Type, word: str) -> Stored | None:
        return stored.stored(type, word, by_code_point=self.sorts_by_code_point)

    def fits(self, column: Column, real: str) -> bool:
        return stored.fits(column.type, real, self.stored(column))

    def row_version(self, table: str, columns: Sequence[str]) -> str:
        # Of all columns, also of those that nobody declared: others write them.
        return f"(hashtextextended(CAST(ROW({table}.*) AS TEXT), 0) & {LARGEST})"

    def null(self, type: Type) -> Term:
        return sa.cast(sa.null(), self.forms.plain(type))  # alone, NULL is of type text

    # ---------------------------------------------------------------------------------------------------------- numbers

    def integer(self, term: Term) -> Term:
        if isinstance(term.type, sa.Boolean):
            return sa.cast(term, sa.Integer())
        return term if _is_numeric(term) else sa.cast(term, NUMERIC)

    def exact(self, term: Term) -> Term:
        return term

    def real(self, term: Term, places: int = 0) -> Term:
        if isinstance(term.type, sa.Boolean):
            term = sa.cast(term, sa.Integer())
        return sa.cast(term, REAL)

    def rescale(self, term: Term, places: int, wanted: int) -> Term:
        return term

    def floor_divide(self, a: Term, b: Term) -> Term:
        return Phrase("div({0} - {1}, NULLIF({2}, 0))", NUMERIC, a, self.modulo(a, b), b)

    def modulo(self, a: Term, b: Term) -> Term:
        # NULLIF, because neither AND nor CASE keeps a division by zero from being computed.
        return Phrase("mod(mod({0}, NULLIF({1}, 0)) + {1}, NULLIF({1}, 0))", NUMERIC, a, b)

    def divide(self, a: Term, b: Term) -> Term:
        return Phrase("{0} / NULLIF({1}, 0)", REAL, a, b)

    def round_decimal(self, term: Term, places: int) -> Term:
        # round(numeric) takes halves away from zero; twice the rounded half of a half is the even one.
        even = "CASE WHEN abs({0} - trunc({0})) = 0.5 THEN 2 * round({0} / 2) ELSE round({0}) END"
        return Phrase(even, NUMERIC, term)

    def round_float(self, term: Term) -> Term:
        # A float as numeric has 15 digits; as bigint it has all of them, or is out of range.
        return Phrase("CAST(CAST(round({0}) AS BIGINT) AS NUMERIC)", NUMERIC, term)

    def output(self, term: Term, type: Type) -> Term:
        whole = type.kind in (Kind.INT, Kind.DURATION) and not isinstance(term, sa.ColumnClause | sa.BindParameter)
        return sa.cast(term, BIGINT) if whole else term

    # ------------------------------------------------------------------------------------------------------------- text

    def casing(self, function: str, term: Term) -> Term:
        return Phrase(f'{function}({{0}} COLLATE "pg_unicode_fast") COLLATE "C"', TEXT, term)

    def strip(self, term: Term, spaces: Term) -> Term:
        return sa.Function("btrim", term, spaces, type_=TEXT)

    def contains(self, text: Term, part: Term) -> Condition:
        return Phrase("strpos({0}, {1}) > 0", BOOLEAN, text, part)

    def starts(self, text: Term, prefix: Term) -> Condition:
        return sa.Function("starts_with", text, prefix, type_=BOOLEAN)

    def ends(self, text: Term, suffix: Term) -> Condition:
        return Phrase("right({0}, length({1})) = {1}", BOOLEAN, text, suffix)

    def at_least_zero(self, term: Term) -> Term:
        return Phrase("greatest({0}, 0)", BIGINT, term)

    def byte_length(self, term: Term) -> Term:
        return sa.Function("octet_length", term, type_=BIGINT)

    def by_code_point(self, term: Term) -> Term:
        return Phrase('{0} COLLATE "C"', TEXT, term)

    # ------------------------------------------------------------------------------------------------------------- time

    def shift(self, instant: Term, duration: Term, op: str) -> Term:
        # In UTC, where a day is 24 hours. Whole days apart: a float of microseconds is exact within one day only.
        # The range is looked at in numbers first, since a sum far outside is an error.
        interval = (
            f"make_interval(0, 0, 0, div({{1}}, {DAY})::int) + mod({{1}}, {DAY})::float8 * interval '1 microsecond'"
        )
        moved = f"(({{0}} AT TIME ZONE 'UTC') {op} ({interval})) AT TIME ZONE 'UTC'"
        after = f"extract(epoch FROM {{0}}) * 1000000 {op} {{1}}"
        guarded = f"CASE WHEN {after} BETWEEN {FIRST} AND {LAST} THEN {moved} END"
        return Phrase(guarded, INSTANT, instant, self.integer(duration))

    def elapsed(self, a: Term, b: Term) -> Term:
        return Phrase("(extract(epoch FROM {0}) - extract(epoch FROM {1})) * 1000000", NUMERIC, a, b)

    def shift_date(self, day: Term, duration: Term, op: str) -> Term:
        days = Phrase(f"floor({{0}} / {DAY})", NUMERIC, self.integer(duration))
        inside = f"({{0}} - date '0001-01-01') {op} {{1}} BETWEEN 0 AND date '9999-12-31' - date '0001-01-01'"
        return Phrase(f"CASE WHEN {inside} THEN {{0}} {op} {{1}}::int END", DATE, day, days)

    def elapsed_dates(self, a: Term, b: Term) -> Term:
        return Phrase(f"({{0}} - {{1}})::numeric * {DAY}", NUMERIC, a, b)

    def duration(self, term: Term) -> Term:
        return Phrase(f"CASE WHEN {{0}} BETWEEN -{SHORTEST} AND {LONGEST} THEN {{0}} END", NUMERIC, term)

    def far_shift(self, term: Term) -> Term:
        return self.duration(term)

    # ------------------------------------------------------------------------------------------------------ collections

    def list_form(self, types: tuple[Type, ...], forms: Storing | None = None) -> list[ListForm]:
        stored = forms or (None,) * len(types)
        return [self._column_of_list(place, type, stored[place]) for place, type in enumerate(types)]

    def _column_of_list(self, place: int, type: Type, form: Stored | None) -> ListForm:
        convert = self.forms.to_driver(type) if form is None else form.bind

        def column(rows: list[Any]) -> list[Any]:
            return [row[place] if convert is None else convert(row[place]) for row in rows]

        return column, postgresql.ARRAY(self.forms.plain(type) if form is None else form.column)

    def among(
        self, terms: tuple[Term, ...], types: tuple[Type, ...], lists: list[Term], forms: Storing | None = None
    ) -> Condition:
        if len(terms) == 1:
            return Phrase("{0} = ANY ({1})", BOOLEAN, terms[0], lists[0])
        holes = [f"{{{place}}}" for place in range(2 * len(terms))]
        left, right = ", ".join(holes[: len(terms)]), ", ".join(holes[len(terms) :])
        return Phrase(f"({left}) IN (SELECT * FROM unnest({right}))", BOOLEAN, *terms, *lists)

    def member(self, document: Term, path: tuple[str, ...], type: Type) -> Term:
        if type.kind in (Kind.DURATION, Kind.BYTES, Kind.REFERENCE):
            raise Unsupported("KP304", f"{'.'.join(path)}: PostgreSQL reads no {type} out of an embedded value")
        *steps, last = ["'" + name.replace("'", "''") + "'" for name in path]
        found = Phrase("".join(["{0}", *(f" -> {step}" for step in steps), f" ->> {last}"]), TEXT, document)
        if type.kind is Kind.TEXT or isinstance(self.forms.plain(type), sa.Text):
            return self.by_code_point(found)
        return sa.cast(found, self.forms.plain(type))

    def extreme(self, kind: str, term: Term, type: Type) -> Term:
        match type.kind:
            case Kind.BOOL:
                return sa.Function("bool_and" if kind == "min" else "bool_or", term, type_=BOOLEAN)
            case Kind.UUID:  # has no min and max; its text sorts alike
                return Phrase(f'{kind}({{0}}::text COLLATE "C")::uuid', sa.Uuid(), term)
            case _:
                return super().extreme(kind, term, type)

    def total(self, term: Term, type: Type) -> Term:
        # The sum of bigints is a numeric.
        return sa.Function("sum", term, type_=term.type if type.kind is Kind.FLOAT else NUMERIC)

    def order(self, term: Term, type: Type, descending: bool, may_be_null: bool) -> Term:
        # Where NULL can't be, nothing is said of it: an index in the plain order serves too.
        if descending:
            return term.desc().nulls_last() if may_be_null else term.desc()
        return term.asc().nulls_first() if may_be_null else term


def _is_numeric(term: Term) -> bool:
    return type(term.type) is sa.Numeric
