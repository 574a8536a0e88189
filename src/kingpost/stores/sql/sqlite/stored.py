"""How SQLite databases of others hold values: in columns without a strict type, by the habits of other tools."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any, Final

import sqlalchemy as sa

from kingpost.language.types import Kind, Type
from kingpost.stores.contract import Convert
from kingpost.stores.sql.forms import DOCUMENTS, EPOCH_DAY, SQLiteForms, to_microseconds
from kingpost.stores.sql.patterns import pattern
from kingpost.stores.sql.stored import Stored

INTEGER, TEXT, BLOB = sa.Integer(), sa.Text(), sa.LargeBinary()
REAL: sa.REAL[float] = sa.REAL()
JULIAN_EPOCH: Final = 2440587.5
"""1970-01-01 as a Julian day."""

_FORMS = SQLiteForms()


def affinity(declared: str) -> str:
    """What SQLite makes of a declared type (its documentation, "Datatypes", section 3.1)."""
    for part, found in (
        ("INT", "INTEGER"), ("CHAR", "TEXT"), ("CLOB", "TEXT"), ("TEXT", "TEXT"), ("BLOB", "BLOB"),
        ("REAL", "REAL"), ("FLOA", "REAL"), ("DOUB", "REAL"),
    ):  # fmt: skip
        if part in declared.upper():
            return found
    return "NUMERIC" if declared else "BLOB"


def kp_instant(text: str | None) -> int | None:
    """An instant written as text, as microseconds since 1970; without a zone it is taken for UTC."""
    if text is None:
        return None
    moment = datetime.fromisoformat(text)
    return to_microseconds(moment if moment.tzinfo else moment.replace(tzinfo=UTC))


def kp_day(text: str | None) -> int | None:
    """A date written as text, as days since 1970."""
    return None if text is None else date.fromisoformat(text).toordinal() - EPOCH_DAY


FUNCTIONS: Final = {("kp_instant", 1): kp_instant, ("kp_day", 1): kp_day}


def fits(type: Type, real: str, form: Stored | None) -> bool:
    """Whether a column of others can hold values of a type."""
    if form is not None:
        return form.fits(real)
    declared = real.partition(" COLLATE ")[0]
    if not declared and type.kind is not Kind.FLOAT:  # such a column keeps what it is given, as the columns of views do
        return True
    return affinity(declared) in _OWN.get(type.kind, ("TEXT", "BLOB"))


_OWN: Final[dict[Kind, tuple[str, ...]]] = {
    **dict.fromkeys(
        (Kind.BOOL, Kind.INT, Kind.DATETIME, Kind.DATE, Kind.DURATION, Kind.DECIMAL), ("INTEGER", "NUMERIC")
    ),
    Kind.FLOAT: ("REAL",),
    # Texts that no number looks like stay texts.
    **dict.fromkeys((Kind.TIME, Kind.UUID), ("TEXT", "BLOB", "NUMERIC")),
    Kind.BYTES: ("BLOB", "TEXT", "NUMERIC", "INTEGER", "REAL"),
}


def _of(*affinities: str) -> Callable[[str], bool]:
    def fits(real: str) -> bool:
        declared = real.partition(" COLLATE ")[0]
        return not declared or affinity(declared) in affinities

    return fits


_TEXTS, _NUMBERS = _of("TEXT", "NUMERIC", "BLOB"), _of("INTEGER", "REAL", "NUMERIC")


def stored(type: Type, word: str) -> Stored | None:
    """The form that a word means for a type."""
    match type.kind:
        case Kind.DATETIME:
            return _instant(word)
        case Kind.DATE:
            return _date(word)
        case Kind.DECIMAL if word == "number":
            # What a binary fraction stands for is the decimal nearest to it with the declared places.
            read = f"CAST(round({{0}} * {10 ** (type.places or 0)}) AS INTEGER)"
            return Stored("number", read, _number, REAL, _NUMBERS)
        case Kind.FLOAT if word == "number":
            return Stored("number", "CAST({0} AS REAL)", None, REAL, _NUMBERS, exact=True, ordered=True)
        case Kind.UUID:
            return _uuid(word)
        case Kind.TEXT | Kind.ENUM if word in ("nocase", "rtrim"):
            return Stored(word, "({0} COLLATE BINARY)", _FORMS.to_driver(type), TEXT, _of("TEXT"), shown=True)
        case Kind.TEXT | Kind.ENUM if word == "text":
            return Stored(word, "CAST({0} AS TEXT)", _FORMS.to_driver(type), TEXT, lambda real: True)
        case kind if kind in DOCUMENTS and not word:
            return Stored("json", "json({0})", _FORMS.to_driver(type), TEXT, _TEXTS)
        case _:
            return None


def _instant(word: str) -> Stored | None:
    match word:
        case "seconds":
            read = "CAST(round({0} * 1000000) AS INTEGER)"
            return Stored(word, read, _per(1_000_000), REAL, _NUMBERS, exact=True, ordered=True)
        case "milliseconds":
            read = "CAST(round({0} * 1000) AS INTEGER)"
            return Stored(word, read, _per(1000), REAL, _NUMBERS, exact=True, ordered=True)
        case "julian":  # a double holds a Julian day to some 40 microseconds
            read = f"CAST(round(({{0}} - {JULIAN_EPOCH}) * 86400000.0) AS INTEGER) * 1000"
            return Stored(word, read, _julian, REAL, _NUMBERS)
        case _:
            found = pattern(word, time=True)
            if found is None:
                return None
            return Stored(
                word, "kp_instant({0})", found.look_for, TEXT, _TEXTS, exact=True, ordered=found.ordered, listed=True,
                stored=found.write,
            )  # fmt: skip


def _date(word: str) -> Stored | None:
    if word == "julian":
        read = f"CAST(round({{0}} - {JULIAN_EPOCH}) AS INTEGER)"
        return Stored(word, read, lambda day: day.toordinal() - EPOCH_DAY + JULIAN_EPOCH, REAL, _NUMBERS)
    found = pattern(word, time=False)
    if found is None:
        return None
    return Stored(word, "kp_day({0})", found.write, TEXT, _TEXTS, exact=True, ordered=True, listed=True)


def _uuid(word: str) -> Stored | None:
    def dashed(text: str) -> str:
        parts = ((1, 8), (9, 4), (13, 4), (17, 4), (21, 12))
        return "lower(" + " || '-' || ".join(f"substr({text}, {at}, {size})" for at, size in parts) + ")"

    match word:
        case "hex":
            bind: Convert = lambda value: value.hex  # noqa: E731
            return Stored(word, dashed("{0}"), bind, TEXT, _of("TEXT"), exact=True, ordered=True, listed=True)
        case "bytes":
            read = f"CASE WHEN {{0}} IS NOT NULL THEN {dashed('hex({0})')} END"  # hex(NULL) is ''
            return Stored(word, read, _bytes, BLOB, lambda real: True, exact=True, ordered=True)
        case _:
            return None


def _bytes(value: Any) -> Any:
    return value.bytes


def _number(value: Any) -> Any:
    return int(value) if value == int(value) and abs(value) < 1 << 53 else float(value)


def _per(unit: int) -> Convert:
    """An instant as a number of units of so many microseconds."""

    def number(value: Any) -> Any:
        whole, rest = divmod(to_microseconds(value), unit)
        return whole if not rest else to_microseconds(value) / unit

    return number


def _julian(value: Any) -> Any:
    return to_microseconds(value) / 86_400_000_000 + JULIAN_EPOCH
