"""DuckDB's words (1.5)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from kingpost.base.errors import Unsupported
from kingpost.language.types import Kind, Type
from kingpost.language.unknown import LONGEST, SHORTEST
from kingpost.model.columns import Column
from kingpost.stores.sql.dialect import DAY, FIRST, LAST, Dialect, ListForm, Storing
from kingpost.stores.sql.duckdb import forms
from kingpost.stores.sql.duckdb.forms import BIGINT, DOUBLE, HUGEINT, TEXT, DuckDBForms, limit
from kingpost.stores.sql.duckdb.words import WORDS, HugeInt
from kingpost.stores.sql.forms import DOCUMENTS
from kingpost.stores.sql.phrases import Condition, Phrase, Term
from kingpost.stores.sql.sqlite.dialect import FIRST_DAY, LAST_DAY
from kingpost.stores.sql.stored import Stored

BOOLEAN = sa.Boolean()
NUMBER = "lambda v: NOT isnan(v)"
"""What is left of a list of floats. NULLIF is a macro that repeats its operand, and grows exponentially with depth."""


class DuckDB(Dialect):
    """Whole numbers are computed in 128 bits, which overflow as an error; text is compared by its bytes in UTF-8.

    `memory.main.kp_lower` and its like are macros that every database gets when it is opened (`duckdb_casing`).
    """

    name = "duckdb"
    engine = WORDS
    forms = DuckDBForms()
    enters_indexes = False
    conditional_indexes = False
    watches_references = False
    adds_required = False
    identities = False

    def stored(self, column: Column) -> Stored | None:
        return self._stored(column.type.maybe(False), column.stored)

    def _stored(self, type: Type, word: str) -> Stored | None:
        if word:
            raise Unsupported("KP303", f"DuckDB has no other form of {type} than its own, so none is called {word!r}")
        return forms.stored(type, self.forms.column(type))

    def fits(self, column: Column, real: str) -> bool:
        form = self.stored(column)
        if form is not None:
            return form.fits(real)
        declared = str(self.forms.column(column.type).compile(dialect=self.engine))
        return real == declared or (column.type.kind in DOCUMENTS and real == "VARCHAR")

    def row_version(self, table: str, columns: Sequence[str]) -> str:
        parts = ", ".join(f"{table}.{self.quote(name)}" for name in columns)
        return f"CAST(hash({parts}) >> 1 AS BIGINT)"

    # ---------------------------------------------------------------------------------------------------------- numbers

    def integer(self, term: Term) -> Term:
        return term if isinstance(term.type, HugeInt) else sa.cast(term, HUGEINT)

    def exact(self, term: Term) -> Term:
        return term

    def real(self, term: Term, places: int = 0) -> Term:
        found: Term = sa.cast(term, DOUBLE)
        return Phrase(f"({{0}} / {10**places}::DOUBLE)", DOUBLE, found) if places else found

    def floated(self, term: Term) -> Term:
        return Phrase(f"list_filter([{{0}}], {NUMBER})[1]", DOUBLE, term)

    def rescale(self, term: Term, places: int, wanted: int) -> Term:
        whole = self.integer(term)
        return whole if places == wanted else Phrase(f"{{0}} * {10 ** (wanted - places)}", HUGEINT, whole)

    def limit(self, op: str, places: int) -> Callable[[Any], Any] | None:
        return limit(places, up=None if op == "==" else op in ("<", ">="))

    def floor_divide(self, a: Term, b: Term) -> Term:
        # By zero it is NULL.
        return Phrase("({0} // {1}) - CAST({0} % {1} <> 0 AND ({0} % {1} < 0) <> ({1} < 0) AS HUGEINT)", HUGEINT, a, b)

    def modulo(self, a: Term, b: Term) -> Term:
        return Phrase("(({0} % {1}) + {1}) % {1}", HUGEINT, a, b)

    def divide(self, a: Term, b: Term) -> Term:
        return self.floated(Phrase("{0} / {1}", DOUBLE, a, b))  # by zero it is NULL, as the instance is told

    def round_decimal(self, term: Term, places: int) -> Term:
        if places == 0:
            return term
        one = sa.literal_column(str(10**places), HUGEINT)
        whole, rest = self.floor_divide(term, one), self.modulo(term, one)
        half = 10**places // 2
        even = f"{{0}} + CAST({{1}} > {half} OR ({{1}} = {half} AND {{0}} % 2 <> 0) AS HUGEINT)"
        return Phrase(even, HUGEINT, whole, rest)

    def round_float(self, term: Term) -> Term:
        return Phrase("CAST(round_even({0}, 0) AS HUGEINT)", HUGEINT, term)

    def output(self, term: Term, type: Type) -> Term:
        whole = type.kind in (Kind.INT, Kind.DURATION) and not isinstance(term, sa.ColumnClause | sa.BindParameter)
        return sa.cast(term, BIGINT) if whole else term

    # ------------------------------------------------------------------------------------------------------------- text

    def casing(self, function: str, term: Term) -> Term:
        return Phrase(f"memory.main.kp_{function}({{0}})", TEXT, term)

    def strip(self, term: Term, spaces: Term) -> Term:
        return sa.Function("trim", term, spaces, type_=TEXT)

    def contains(self, text: Term, part: Term) -> Condition:
        return sa.Function("contains", text, part, type_=BOOLEAN)

    def starts(self, text: Term, prefix: Term) -> Condition:
        return sa.Function("starts_with", text, prefix, type_=BOOLEAN)

    def ends(self, text: Term, suffix: Term) -> Condition:
        return sa.Function("suffix", text, suffix, type_=BOOLEAN)

    def at_least_zero(self, term: Term) -> Term:
        return Phrase("greatest({0}, 0)", BIGINT, term)

    def byte_length(self, term: Term) -> Term:
        return sa.Function("octet_length", term, type_=BIGINT)

    # ------------------------------------------------------------------------------------------------------------- time

    def shift(self, instant: Term, duration: Term, op: str) -> Term:
        moved = f"{{0}} {op} {{1}}"
        within = f"CASE WHEN {moved} BETWEEN {FIRST} AND {LAST} THEN {moved} END"
        return Phrase(within, HUGEINT, self.integer(instant), self.integer(duration))

    def elapsed(self, a: Term, b: Term) -> Term:
        return Phrase("{0} - {1}", HUGEINT, self.integer(a), self.integer(b))

    def shift_date(self, day: Term, duration: Term, op: str) -> Term:
        days = self.floor_divide(self.integer(duration), sa.literal_column(str(DAY), HUGEINT))
        moved = Phrase(f"{{0}} {op} {{1}}", HUGEINT, self.integer(day), days)
        return Phrase(f"CASE WHEN {{0}} BETWEEN {FIRST_DAY} AND {LAST_DAY} THEN {{0}} END", HUGEINT, moved)

    def elapsed_dates(self, a: Term, b: Term) -> Term:
        return Phrase(f"({{0}} - {{1}}) * {DAY}", HUGEINT, self.integer(a), self.integer(b))

    def duration(self, term: Term) -> Term:
        return Phrase(f"CASE WHEN {{0}} BETWEEN -{SHORTEST} AND {LONGEST} THEN {{0}} END", HUGEINT, term)

    def far_shift(self, term: Term) -> Term:
        return self.duration(term)

    # ------------------------------------------------------------------------------------------------------ collections

    def list_form(self, types: tuple[Type, ...], forms: Storing | None = None) -> list[ListForm]:
        stored = forms or (None,) * len(types)
        return [self._column_of_list(place, type, stored[place]) for place, type in enumerate(types)]

    def _column_of_list(self, place: int, type: Type, form: Stored | None) -> ListForm:
        if type.kind is Kind.DECIMAL:  # finer than the column: found in no row
            convert: Callable[[Any], Any] | None = limit(type.places or 0, up=None)
        else:
            convert = self.forms.to_driver(type) if form is None else form.bind

        def column(rows: list[Any]) -> list[Any]:
            return [row[place] if convert is None else convert(row[place]) for row in rows]

        return column, postgresql.ARRAY(self.forms.plain(type) if form is None else form.column)

    def among(
        self, terms: tuple[Term, ...], types: tuple[Type, ...], lists: list[Term], forms: Storing | None = None
    ) -> Condition:
        # A list is unnested into a table that is hashed: 10,000 keys are looked up at once.
        size = len(terms)
        left = ", ".join(f"{{{place}}}" for place in range(size))
        right = ", ".join(f"unnest({{{place}}})" for place in range(size, 2 * size))
        left = left if size == 1 else f"({left})"
        return Phrase(f"{left} IN (SELECT {right})", BOOLEAN, *terms, *lists)

    def member(self, document: Term, path: tuple[str, ...], type: Type) -> Term:
        if type.kind not in (Kind.TEXT, Kind.INT, Kind.FLOAT, Kind.BOOL, Kind.UUID, Kind.ENUM, *DOCUMENTS):
            raise Unsupported("KP304", f"{'.'.join(path)}: DuckDB reads no {type} out of an embedded value")
        steps = "".join(f'."{name}"' for name in path).replace("'", "''")
        found = Phrase(f"json_extract_string({{0}}, '${steps}')", TEXT, document)
        plain = self.forms.plain(type)
        return found if isinstance(plain, sa.Text | sa.JSON) else sa.cast(found, plain)

    def total(self, term: Term, type: Type) -> Term:
        if type.kind is Kind.FLOAT:
            return self.floated(sa.Function("sum", term, type_=DOUBLE))
        return sa.Function("sum", self.integer(term), type_=HUGEINT)

    def order(self, term: Term, type: Type, descending: bool, may_be_null: bool) -> Term:
        if descending:
            return term.desc().nulls_last() if may_be_null else term.desc()
        return term.asc().nulls_first() if may_be_null else term
