"""MariaDB's words (10.11 and later), in the `sql_mode` that `connection` sets."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects.mysql.base import MySQLDDLCompiler, MySQLDialect, MySQLIdentifierPreparer, MySQLTypeCompiler

from kingpost.base.errors import Unsupported
from kingpost.language.types import Kind, Type
from kingpost.language.unknown import LONGEST, SHORTEST
from kingpost.model.columns import Column
from kingpost.stores.contract import Convert, OutOfRange
from kingpost.stores.sql.dialect import DAY, FIRST, LAST, Dialect, ListForm, Storing
from kingpost.stores.sql.forms import DOCUMENTS
from kingpost.stores.sql.mariadb import casing, forms, sizes
from kingpost.stores.sql.mariadb.forms import BIGINT, BOOLEAN, DOUBLE, DURATION, TEXT, Duration, MariaDBForms
from kingpost.stores.sql.mariadb.literals import COLLATION, Listed
from kingpost.stores.sql.phrases import Condition, Phrase, Term, is_leaf
from kingpost.stores.sql.sqlite.dialect import FIRST_DAY, LAST_DAY
from kingpost.stores.sql.stored import Stored
from kingpost.stores.sql.translation.text import SPACES

ENDS: Final = 10**60
"""Beyond every number that is stored; decimals have 65 digits, of which some are behind the point."""


class _Names(MySQLIdentifierPreparer):
    """Reserved words differ from version to version."""

    def _requires_quotes(self, value: str) -> bool:
        return True


class _Types(MySQLTypeCompiler):
    """The names that the catalogue has for types."""

    def visit_BINARY(self, type_: Any, **kw: Any) -> str:
        return f"BINARY({type_.length})"


class _Definitions(MySQLDDLCompiler):
    """Computed columns are the store's own business, which others need not see."""

    def visit_computed_column(self, generated: Any, **kw: Any) -> str:
        said = super().visit_computed_column(generated, **kw)  # type: ignore[no-untyped-call]
        return f"{said} INVISIBLE"


class _Words(MySQLDialect):
    """How SQLAlchemy writes: `\\` is a character like any other."""

    supports_statement_cache = True
    preparer = _Names
    type_compiler_cls = _Types
    ddl_compiler = _Definitions
    _backslash_escapes = False


class MariaDB(Dialect):
    """Integers are computed in 64 bits, which overflow as an error, decimals in 65 digits; text is compared by code
    point. There are no sub-selects in FROM that know the outer row, so operands may be said more than once."""

    name = "mariadb"
    references_hold = True
    engine = _Words(paramstyle="qmark")
    forms = MariaDBForms()
    enters_indexes = False  # of conditions on rows of columns; said with OR they are ranges of an index
    conditional_indexes = False
    computed_columns = True
    correlates_sources = False
    updates_return = False
    no_values = "() VALUES ()"

    def stored(self, column: Column) -> Stored | None:
        return self._stored(column.type.maybe(False), column.stored)

    def _stored(self, type: Type, word: str) -> Stored | None:
        if word:
            raise Unsupported("KP303", f"MariaDB has no other form of {type} than its own, so none is called {word!r}")
        return forms.stored(type)

    def fits(self, column: Column, real: str) -> bool:
        form = self.stored(column)
        if form is not None:
            return form.fits(real)
        declared = str(self.forms.column(column.type).compile(dialect=self.engine))
        return real.lower() == declared.lower()

    def bound(self, column: Column) -> tuple[Convert | None, str]:
        if column.type.kind is Kind.DECIMAL:
            places = column.type.places or 0
            return (lambda value: None if value is None else _unrounded(value, places)), "{0}"
        return super().bound(column)

    def fit(self, table: sa.Table, longest: Mapping[str, int | None]) -> None:
        sizes.fit(table, longest)

    def row_version(self, table: str, columns: Sequence[str]) -> str:
        parts = ", ".join(f"quote({table}.{self.quote(name)})" for name in columns)
        return f"CAST(conv(left(sha1(concat_ws(',', {parts})), 15), 16, 10) AS SIGNED)"

    # ---------------------------------------------------------------------------------------------------------- numbers

    def integer(self, term: Term) -> Term:
        if isinstance(term.type, Duration):
            return Phrase("CAST({0} AS DECIMAL(30, 0))", sa.Numeric(), term)
        return term if isinstance(term.type, sa.Numeric | sa.BigInteger) else sa.type_coerce(term, BIGINT)

    def exact(self, term: Term) -> Term:
        return term

    def real(self, term: Term, places: int = 0) -> Term:
        return Phrase("CAST({0} AS DOUBLE)", DOUBLE, term)

    def rescale(self, term: Term, places: int, wanted: int) -> Term:
        return term

    def limit(self, op: str, places: int) -> Callable[[Any], Any] | None:
        return _limit(places, up=None if op == "==" else op in ("<", ">="))

    def floor_divide(self, a: Term, b: Term) -> Term:
        # With 30 places behind the point (`div_precision_increment`) no quotient is rounded up to a whole number.
        return Phrase("floor({0} / {1})", a.type, a, b)

    def modulo(self, a: Term, b: Term) -> Term:
        return Phrase("mod(mod({0}, {1}) + {1}, {1})", a.type, a, b)

    def divide(self, a: Term, b: Term) -> Term:
        return Phrase("{0} / {1}", DOUBLE, a, b)

    def round_decimal(self, term: Term, places: int) -> Term:
        if places == 0:
            return term
        # round() takes halves away from zero; twice the rounded half of a half is the even one.
        even = "CASE WHEN abs({0} - truncate({0}, 0)) = 0.5 THEN 2 * round({0} / 2) ELSE round({0}) END"
        return Phrase(even, sa.Numeric(), term)

    def round_float(self, term: Term) -> Term:
        # Of a float a half goes to the even one. Past 64 bits it is an error, not the largest integer.
        beyond = "9223372036854775807 + abs(sign({0}))"
        within = f"CASE WHEN abs({{0}}) < 9.2e18 THEN CAST(round({{0}}) AS SIGNED) WHEN {{0}} <> 0 THEN {beyond} END"
        return Phrase(within, BIGINT, term)

    # ------------------------------------------------------------------------------------------------------------- text

    def casing(self, function: str, term: Term) -> Term:
        return Phrase(casing.template(function, guarded=is_leaf(term)), TEXT, term)

    def strip(self, term: Term, spaces: Term) -> Term:
        # `spaces` are those of Python; a class of them is said in the pattern.
        return Phrase(f"regexp_replace({{0}}, '^[{_SPACES}]+|[{_SPACES}]+\\z', '')", TEXT, term)

    def contains(self, text: Term, part: Term) -> Condition:
        return Phrase("locate({1}, {0}) > 0", BOOLEAN, text, part)

    def starts(self, text: Term, prefix: Term) -> Condition:
        return Phrase("left({0}, char_length({1})) = {1}", BOOLEAN, text, prefix)

    def ends(self, text: Term, suffix: Term) -> Condition:
        return Phrase("right({0}, char_length({1})) = {1}", BOOLEAN, text, suffix)

    def length(self, term: Term) -> Term:
        return sa.Function("char_length", term, type_=BIGINT)

    def at_least_zero(self, term: Term) -> Term:
        return Phrase("greatest({0}, 0)", BIGINT, term)

    def byte_length(self, term: Term) -> Term:
        return sa.Function("octet_length", term, type_=BIGINT)

    # ------------------------------------------------------------------------------------------------------------- time

    def shift(self, instant: Term, duration: Term, op: str) -> Term:
        return _within(Phrase(f"{{0}} {op} {{1}}", DURATION, instant, self.integer(duration)), FIRST, LAST, BIGINT)

    def elapsed(self, a: Term, b: Term) -> Term:
        return Phrase("{0} - {1}", BIGINT, a, b)

    def shift_date(self, day: Term, duration: Term, op: str) -> Term:
        days = self.floor_divide(self.integer(duration), sa.literal_column(str(DAY), BIGINT))
        return _within(Phrase(f"{{0}} {op} {{1}}", BIGINT, day, days), FIRST_DAY, LAST_DAY, BIGINT)

    def elapsed_dates(self, a: Term, b: Term) -> Term:
        return Phrase(f"({{0}} - {{1}}) * {DAY}", BIGINT, a, b)

    def duration(self, term: Term) -> Term:
        return _within(term, -SHORTEST, LONGEST, DURATION)

    def far_shift(self, term: Term) -> Term:
        return self.duration(term)

    # ------------------------------------------------------------------------------------------------------ collections

    def list_form(self, types: tuple[Type, ...], forms: Storing | None = None) -> list[ListForm]:
        stored = forms or (None,) * len(types)
        converts = [self.forms.to_driver(type) if form is None else form.bind for type, form in zip(types, stored)]

        def listed(rows: list[Any]) -> Listed:
            pairs = [[f(v) if f else v for f, v in zip(converts, row, strict=True)] for row in rows]
            return Listed(pairs)

        return [(listed, TEXT)]

    def among(
        self, terms: tuple[Term, ...], types: tuple[Type, ...], lists: list[Term], forms: Storing | None = None
    ) -> Condition:
        left = ", ".join(f"{{{place}}}" for place in range(len(terms)))
        left = left if len(terms) == 1 else f"({left})"
        return Phrase(f"{left} IN {{{len(terms)}}}", BOOLEAN, *terms, lists[0])

    def constant(self, term: Term) -> Term:
        return Phrase("{0} IS NULL", BOOLEAN, term)  # a number there would be the place of a column

    def member(self, document: Term, path: tuple[str, ...], type: Type) -> Term:
        if type.kind not in (Kind.TEXT, Kind.INT, Kind.FLOAT, Kind.BOOL, Kind.UUID, Kind.ENUM, *DOCUMENTS):
            raise Unsupported("KP304", f"{'.'.join(path)}: MariaDB reads no {type} out of an embedded value")
        steps = "".join(f'."{name}"' for name in path).replace("'", "''")
        found = f"json_extract({{0}}, '${steps}')"
        # concat(): compared by itself with a text, the JSON text "null" would be null.
        held = f"nullif(concat('', {found}), 'null')"
        plain = self.forms.plain(type)
        match type.kind:
            case Kind.FLOAT:
                return Phrase(f"CAST({held} AS DOUBLE)", DOUBLE, document)
            case Kind.BOOL:
                return Phrase(f"({held} = 'true')", BOOLEAN, document)
            case Kind.INT:
                return Phrase(f"CAST({held} AS SIGNED)", BIGINT, document)
            case Kind.ENUM if plain is BIGINT:
                return Phrase(f"CAST({held} AS SIGNED)", BIGINT, document)
            case Kind.UUID:
                return Phrase(f"unhex(replace(json_unquote({held}), '-', ''))", plain, document)
            case kind if kind in DOCUMENTS:
                return Phrase(f"({held} COLLATE {COLLATION})", TEXT, document)
            case _:
                return Phrase(f"(json_unquote({held}) COLLATE {COLLATION})", TEXT, document)


_SPACES: Final = "".join(f"\\x{{{ord(char):02x}}}" for char in SPACES)  # two digits: one would be a hole of a `Phrase`


def _within(term: Term, first: int, last: int, type: sa.types.TypeEngine[Any]) -> Term:
    """The number, NULL outside of these bounds; said once, as there is no other way to compute an operand once."""
    low, high = first - 1, last + 1
    return Phrase(f"nullif(nullif(least(greatest({{0}}, {low}), {high}), {low}), {high})", type, term)


def _unrounded(value: Any, places: int) -> Any:
    """A decimal that a column holds as it is."""
    numerator, denominator = value.as_integer_ratio()
    if numerator * 10**places % denominator:
        raise OutOfRange(f"A decimal does not fit into {places} places")
    return value


def _limit(places: int, *, up: bool | None) -> Callable[[Any], Any]:
    """A number from outside as one that compares alike with all decimals of `places`, however fine or large.

    `up` as in `forms.limit`; what equals no such decimal becomes one beyond all of them.
    """

    def compared(value: Any) -> Decimal:
        if isinstance(value, float) and value in (float("inf"), float("-inf")):
            return Decimal(ENDS if value > 0 else -ENDS)
        numerator, denominator = value.as_integer_ratio()
        whole, rest = divmod(numerator * 10**places, denominator)
        if rest and up is None:
            return Decimal(ENDS)
        whole = max(-ENDS * 10**places, min(ENDS * 10**places, whole + bool(rest and up)))
        return Decimal((whole < 0, tuple(map(int, str(abs(whole)))), -places))

    return compared
