"""SQLite's words (3.38 and later, STRICT tables)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from hashlib import blake2b
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.dialects.sqlite.base import SQLiteDialect

from kingpost.base.errors import Unsupported
from kingpost.language.types import Kind, Type
from kingpost.language.unknown import LONGEST
from kingpost.model.columns import Column
from kingpost.stores.contract import OutOfRange
from kingpost.stores.sql.dialect import DAY, FIRST, LAST, Dialect, ListForm, Storing
from kingpost.stores.sql.forms import DOCUMENTS, EPOCH_DAY, SQLiteForms, limit
from kingpost.stores.sql.phrases import Condition, Phrase, Term
from kingpost.stores.sql.sqlite import stored
from kingpost.stores.sql.stored import Stored

FIRST_DAY, LAST_DAY = 1 - EPOCH_DAY, datetime.max.toordinal() - EPOCH_DAY
INTEGER, TEXT, BOOLEAN = sa.Integer(), sa.Text(), sa.Boolean()
REAL: sa.REAL[float] = sa.REAL()
ARGUMENTS = 100
"""How many a function may have, in every SQLite there is."""


def kp_exact(value: Any) -> Any:
    """An integer, or an error where SQLite went over to floating point because 64 bits were not enough."""
    if isinstance(value, float):
        raise ArithmeticError("integer overflow")  # an OverflowError would be told as "string or blob too big"
    return value


def kp_duration(value: Any) -> Any:
    """The same of a duration; None past all that `timedelta` has."""
    return None if isinstance(value, float) and abs(value) > LONGEST else kp_exact(value)


def kp_version(*values: Any) -> int:
    """A hash of a row."""
    # By type too: 1, 1.0 and '1' are different values.
    return int.from_bytes(blake2b(repr(values).encode("utf-8", "surrogatepass"), digest_size=8).digest()) >> 1


class SQLite(Dialect):
    """Integers silently become REAL past 64 bits, `lower` knows ASCII only, `/` and `%` round towards zero."""

    name = "sqlite"
    engine = SQLiteDialect(paramstyle="qmark")
    forms = SQLiteForms()
    # Python's own functions, called without a frame of the interpreter; these are never given NULL.
    functions = {
        ("kp_lower", 1): str.lower,
        ("kp_upper", 1): str.upper,
        ("kp_casefold", 1): str.casefold,
        ("kp_real", 1): float,
        ("kp_exact", 1): kp_exact,
        ("kp_duration", 1): kp_duration,
        ("kp_version", -1): kp_version,
        **stored.FUNCTIONS,
    }

    def _stored(self, type: Type, word: str) -> Stored | None:
        return stored.stored(type, word)

    def fits(self, column: Column, real: str) -> bool:
        return stored.fits(column.type, real, self.stored(column))

    def row_version(self, table: str, columns: Sequence[str]) -> str:
        parts = [f"{table}.{self.quote(name)}" for name in columns]
        while len(parts) > ARGUMENTS:
            parts = [self._hashed(parts[at : at + ARGUMENTS]) for at in range(0, len(parts), ARGUMENTS)]
        return self._hashed(parts)

    @staticmethod
    def _hashed(parts: Sequence[str]) -> str:
        return f"kp_version({', '.join(parts)})"

    # ---------------------------------------------------------------------------------------------------------- numbers

    def integer(self, term: Term) -> Term:
        return term

    def exact(self, term: Term) -> Term:
        return sa.Function("kp_exact", term, type_=INTEGER)

    def real(self, term: Term, places: int = 0) -> Term:
        # CAST first: an INTEGER divided by a REAL would do, but a bound integer is to stay an INTEGER.
        return Phrase(f"(CAST({{0}} AS REAL) / {10**places}.0)" if places else "CAST({0} AS REAL)", REAL, term)

    def rescale(self, term: Term, places: int, wanted: int) -> Term:
        return term if places == wanted else self.exact(Phrase(f"{{0}} * {10 ** (wanted - places)}", INTEGER, term))

    def limit(self, op: str, places: int) -> Callable[[Any], Any] | None:
        return limit(places, up=None if op == "==" else op in ("<", ">="))

    def floor_divide(self, a: Term, b: Term) -> Term:
        # The remainder has the sign of a; where it is not that of b, truncation was one too high.
        truncated = self.exact(Phrase("{0} / {1}", INTEGER, a, b))
        return Phrase("{2} - ({0} % {1} <> 0 AND ({0} % {1} < 0) <> ({1} < 0))", INTEGER, a, b, truncated)

    def modulo(self, a: Term, b: Term) -> Term:
        correct = "CASE WHEN {0} % {1} <> 0 AND ({0} % {1} < 0) <> ({1} < 0) THEN {1} ELSE 0 END"
        return Phrase(f"{{0}} % {{1}} + {correct}", INTEGER, a, b)

    def divide(self, a: Term, b: Term) -> Term:
        return Phrase("{0} / {1}", REAL, a, b)  # by zero it is NULL

    def round_decimal(self, term: Term, places: int) -> Term:
        if places == 0:
            return term
        one = sa.literal_column(str(10**places), INTEGER)
        whole, rest = self.floor_divide(term, one), self.modulo(term, one)
        half = 10**places // 2
        return Phrase(f"{{0}} + ({{1}} > {half} OR ({{1}} = {half} AND {{0}} % 2 <> 0))", INTEGER, whole, rest)

    def round_float(self, term: Term) -> Term:
        raise Unsupported("KP304", "round() of a float: SQLite rounds halves away from zero; use a Decimal field")

    # ------------------------------------------------------------------------------------------------------------- text

    def casing(self, function: str, term: Term) -> Term:
        return Phrase(f"CASE WHEN {{0}} IS NOT NULL THEN kp_{function}({{0}}) END", TEXT, term)

    def strip(self, term: Term, spaces: Term) -> Term:
        return sa.Function("trim", term, spaces, type_=TEXT)

    def contains(self, text: Term, part: Term) -> Condition:
        return Phrase("instr({0}, {1}) > 0", BOOLEAN, text, part)

    def starts(self, text: Term, prefix: Term) -> Condition:
        return Phrase("substr({0}, 1, length({1})) = {1}", BOOLEAN, text, prefix)

    def ends(self, text: Term, suffix: Term) -> Condition:
        # Counted from the front: substr(x, -0) is the whole of x.
        end = "substr({0}, length({0}) - length({1}) + 1) = {1}"
        return Phrase(f"length({{0}}) >= length({{1}}) AND {end}", BOOLEAN, text, suffix)

    def at_least_zero(self, term: Term) -> Term:
        return Phrase("max({0}, 0)", INTEGER, term)

    def byte_length(self, term: Term) -> Term:
        return sa.Function("length", term, type_=INTEGER)

    # ------------------------------------------------------------------------------------------------------------- time

    def shift(self, instant: Term, duration: Term, op: str) -> Term:
        # A sum past 64 bits is a REAL, which is out of the range as well.
        moved = f"{{0}} {op} {{1}}"
        return Phrase(f"CASE WHEN {moved} BETWEEN {FIRST} AND {LAST} THEN {moved} END", INTEGER, instant, duration)

    def elapsed(self, a: Term, b: Term) -> Term:
        return Phrase("{0} - {1}", INTEGER, a, b)

    def shift_date(self, day: Term, duration: Term, op: str) -> Term:
        days = self.floor_divide(duration, sa.literal_column(str(DAY), INTEGER))
        moved = Phrase(f"{{0}} {op} {{1}}", INTEGER, day, days)
        return Phrase(f"CASE WHEN {{0}} BETWEEN {FIRST_DAY} AND {LAST_DAY} THEN {{0}} END", INTEGER, moved)

    def elapsed_dates(self, a: Term, b: Term) -> Term:
        return Phrase(f"({{0}} - {{1}}) * {DAY}", INTEGER, a, b)

    def duration(self, term: Term) -> Term:
        return sa.Function("kp_duration", term, type_=INTEGER)

    def far_shift(self, term: Term) -> Term:
        # Past 64 bits it is a REAL, and 292,000 years.
        return Phrase("CASE typeof({0}) WHEN 'integer' THEN {0} END", INTEGER, term)

    # ------------------------------------------------------------------------------------------------------ collections

    def list_form(self, types: tuple[Type, ...], forms: Storing | None = None) -> list[ListForm]:
        # One parameter for the whole list keeps the text, and so the prepared statement, the same for any length.
        stored = forms or (None,) * len(types)
        converts = [_json_item(type) if one is None else one.bind or _same for type, one in zip(types, stored)]
        if len(types) == 1:
            (convert,) = converts
            return [(lambda rows: _json([convert(row[0]) for row in rows]), TEXT)]
        return [(lambda rows: _json([[f(v) for f, v in zip(converts, row, strict=True)] for row in rows]), TEXT)]

    def among(
        self, terms: tuple[Term, ...], types: tuple[Type, ...], lists: list[Term], forms: Storing | None = None
    ) -> Condition:
        if len(terms) == 1:
            left, item = _json_sides(types[0], "{0}", "value") if forms is None else ("{0}", "value")
            return Phrase(f"{left} IN (SELECT {item} FROM json_each({{1}}))", BOOLEAN, terms[0], lists[0])
        stored = forms or (None,) * len(types)
        holes = [(f"{{{place}}}", f"json_extract(value, '$[{place}]')") for place in range(len(types))]
        sides = [hole if one else _json_sides(type, *hole) for type, one, hole in zip(types, stored, holes)]
        left, items = (", ".join(side) for side in zip(*sides, strict=True))
        return Phrase(f"({left}) IN (SELECT {items} FROM json_each({{{len(terms)}}}))", BOOLEAN, *terms, lists[0])

    def member(self, document: Term, path: tuple[str, ...], type: Type) -> Term:
        if type.kind not in (Kind.TEXT, Kind.INT, Kind.FLOAT, Kind.BOOL, Kind.UUID, Kind.ENUM, *DOCUMENTS):
            raise Unsupported("KP304", f"{'.'.join(path)}: SQLite reads no {type} out of an embedded value")
        steps = "".join(f'."{name}"' for name in path)
        found = Phrase(f"json_extract({{0}}, '${_quoted(steps)}')", self.forms.plain(type), document)
        return self.real(found) if type.kind is Kind.FLOAT else found


def _quoted(text: str) -> str:
    return text.replace("'", "''")


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()


def _json_item(type: Type) -> Callable[[Any], Any]:
    """A value in a JSON list, from which SQLite reads the storage form."""
    match type.kind:
        case Kind.BYTES:
            return lambda value: value.hex().upper()
        case Kind.FLOAT:  # as text: SQLite's own reading of numbers is off by a bit now and then
            return lambda value: repr(float(value))
        case Kind.BOOL:
            return int
        case Kind.DECIMAL if type.places is not None:  # finer than the column: found in no row
            return _in_range(limit(type.places, up=None))
        case _:
            return _in_range(SQLite.forms.to_driver(type) or _same)


def _same(value: Any) -> Any:
    return value


def _in_range(convert: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def converted(value: Any) -> Any:
        found = convert(value)
        if isinstance(found, int) and not -(1 << 63) <= found < 1 << 63:
            raise OutOfRange("A number in a list does not fit into 64 bits")
        return found

    return converted


def _json_sides(type: Type, term: str, item: str) -> tuple[str, str]:
    """Both sides of a look-up in a JSON list, of which bytes and floats are not themselves."""
    match type.kind:
        case Kind.BYTES:
            return f"hex({term})", item
        case Kind.FLOAT:
            return term, f"kp_real({item})"
        case _:
            return term, item
