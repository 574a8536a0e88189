"""As what a column of an SQLite database can be declared, by its type, its name, its CHECKs and the values in it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any, Final, TypeAlias, cast
from uuid import UUID

import msgspec

from kingpost.language.types import Kind, Type
from kingpost.stores.sql.catalog import RealColumn
from kingpost.stores.sql.checks import Condition
from kingpost.stores.sql.dialects import SQLITE
from kingpost.stores.sql.existing import Held, can_hold
from kingpost.stores.sql.patterns import pattern
from kingpost.stores.sql.sqlite.stored import affinity

Guess: TypeAlias = tuple[Held, Callable[[Any], bool]]
"""A declaration, and whether a value is of it."""

DATES: Final = ("%Y-%m-%d", "%Y%m%d")
INSTANTS: Final = (
    # Texts without a fraction may have one all the same: so none is cut off. Before a zone it would disturb the order.
    *(f"%Y-%m-%d{between}%H:%M:%S{fraction}" for between in " T" for fraction in ("[.%f]", ".%f", ".%3f")),
    *(
        f"%Y-%m-%d{between}%H:%M:%S{fraction}{zone}"
        for between in " T"
        for fraction in ("", "[.%f]", ".%f", ".%3f")
        for zone in ("Z", "+00:00")
    ),
)
USUAL: Final = "%Y-%m-%d %H:%M:%S[.%f]"
"""How instants are written where no value tells."""
DECIMALS: Final = ("DECIMAL", "NUMERIC", "MONEY", "NUMBER", "SMALLMONEY", "CURRENCY")
DIGITS: Final = 15
"""How many a double holds of any decimal."""
PLACES: Final = 6
"""With more of them a number is one that was computed."""
UNITS: Final = (("", 10**14), ("milliseconds", 10**11), ("seconds", 10**8))
"""In what whole numbers count instants, and from where on: in the unit below they would be of the year 5138."""


def guess(column: RealColumn, values: Sequence[Any], check: Condition) -> Held:
    """The first declaration that fits the column and all values that were seen."""
    for held, holds in _guesses(_Column(column, values), values, check):
        if can_hold(SQLITE, held, column) and all(map(holds, values)):
            return held
    note = "Its values are not all of one form, and are read as text" if values else "Nothing tells what is in it"
    return Held(Type(Kind.TEXT), "text", note=note)


class _Column:
    """What is known of a column. `word` and `sizes`: `DECIMAL(8, 2) COLLATE X` is `DECIMAL` and (8, 2)."""

    def __init__(self, column: RealColumn, values: Sequence[Any]) -> None:
        plain, _, collation = column.type.partition(" COLLATE ")
        match = re.fullmatch(r"(?P<word>[^(]*?)\s*\((?P<sizes>[\d\s,]+)\)\s*", plain)
        self.name = column.name.lower()
        self.word = (match["word"] if match else plain).strip()
        self.sizes = tuple(int(size) for size in re.findall(r"\d+", match["sizes"])) if match else ()
        self.collation = collation.lower() if collation in ("NOCASE", "RTRIM") else ""
        self.affinity = affinity(plain)
        self.texts = bool(values) and isinstance(values[0], str)


def _guesses(column: _Column, values: Sequence[Any], check: Condition) -> Iterator[Guess]:
    if check.choices:
        kind = Kind.TEXT if isinstance(check.choices[0], str) else Kind.INT
        word = column.collation if kind is Kind.TEXT else ""
        yield Held(Type(kind, choices=check.choices), word), frozenset(check.choices).__contains__
    if check.json or column.word in ("JSON", "JSONB"):
        yield Held(Type(Kind.JSON)), _is_json
    if "BOOL" in column.word or column.word == "BIT" or (column.word, column.sizes) == ("TINYINT", (1,)):
        yield Held(Type(Kind.BOOL)), lambda value: isinstance(value, int) and value in (0, 1)
    yield from _uuids(column, values)
    if column.word.startswith(("DATE", "TIMESTAMP", "SMALLDATETIME")):
        yield from _times(column, values)
    elif column.word.startswith("TIME"):
        yield Held(Type(Kind.TIME)), _is_time
    elif column.texts:
        yield from _texts_of_times(INSTANTS, DATES[:1])
    for held, holds in _numbers(column, values):
        yield replace(held, bounds=check.bounds), holds
    length = column.sizes[0] if column.sizes and column.affinity == "TEXT" else None
    length = min((one for one in (length, check.longest) if one is not None), default=None)
    if column.word == "BLOB" and not values:
        yield Held(Type(Kind.BYTES)), bool
    yield Held(Type(Kind.TEXT), column.collation, length), lambda value: isinstance(value, str)
    if values:
        yield Held(Type(Kind.BYTES)), lambda value: isinstance(value, bytes)


def _is_json(value: Any) -> bool:
    try:
        msgspec.json.decode(value, type=msgspec.Raw)
    except (msgspec.DecodeError, TypeError):
        return False
    return isinstance(value, str)


# -------------------------------------------------------------------------------------------------------------- numbers


def _numbers(column: _Column, values: Sequence[Any]) -> Iterator[Guess]:
    if column.word in DECIMALS:
        yield from _decimals(column, values)
    if column.affinity == "INTEGER" or (column.affinity != "TEXT" and values) or column.word in DECIMALS:
        yield Held(Type(Kind.INT)), lambda value: isinstance(value, int)
    if column.affinity == "REAL" or values:
        for form in ("", "number"):
            yield Held(Type(Kind.FLOAT), form), _is_number


def _decimals(column: _Column, values: Sequence[Any]) -> Iterator[Guess]:
    if len(column.sizes) == 2 and column.sizes[1] and column.sizes[0] <= DIGITS:
        digits, places = max(column.sizes), column.sizes[1]
        yield Held(Type(Kind.DECIMAL, digits=digits, places=places), "number"), lambda value: _places(value) <= places
    elif not column.sizes and (not values or any(isinstance(value, float) for value in values)):
        most = max([2, *map(_places, values)])
        note = "The column does not say max_digits and decimal_places: they are guessed"
        held = Held(Type(Kind.DECIMAL, digits=DIGITS, places=min(most, PLACES)), "number", note=note)
        yield held, lambda value: _places(value) <= PLACES and abs(value) < 10 ** (DIGITS - PLACES)


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float))


def _places(value: Any) -> int:
    """The decimal places of a number; of what is none, more than there may be."""
    if isinstance(value, int):
        return 0
    if not isinstance(value, float) or value in (float("inf"), float("-inf")):
        return 99
    # 0.1 + 0.2 stands for 0.3: what a computation left behind the 15th digit is none of the number's.
    exponent = Decimal(f"{value:.{DIGITS}g}").normalize().as_tuple().exponent
    return max(0, -int(exponent))


# ------------------------------------------------------------------------------------------------------ dates and times


def _times(column: _Column, values: Sequence[Any]) -> Iterator[Guess]:
    """Of a column that is declared as one of dates or instants."""
    day = column.word == "DATE"
    if not values:
        yield (Held(Type(Kind.DATE), DATES[0]) if day else Held(Type(Kind.DATETIME), USUAL)), bool
    yield from _texts_of_times(INSTANTS, DATES)
    for unit, least in UNITS:
        yield Held(Type(Kind.DATETIME), unit), _counts_from(least, (int, float) if unit == "seconds" else (int,))
    kind = Kind.DATE if day and all(value % 1 == 0.5 for value in values if isinstance(value, float)) else Kind.DATETIME
    yield Held(Type(kind), "julian"), lambda value: isinstance(value, float) and 1_000_000 < value < 6_000_000


def _texts_of_times(instants: Sequence[str], dates: Sequence[str]) -> Iterator[Guess]:
    for word in dates:
        yield Held(Type(Kind.DATE), word), _written_as(word, date)
    for word in instants:
        yield Held(Type(Kind.DATETIME), word), _written_as(word, datetime)


def _written_as(word: str, kind: type[date]) -> Callable[[Any], bool]:
    form = pattern(word, time=kind is datetime)

    def holds(value: Any) -> bool:
        try:
            moment = kind.fromisoformat(value)
        except (ValueError, TypeError):
            return False
        if isinstance(moment, datetime) and moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        return form is not None and form.write(moment) == value

    return holds


def _counts_from(least: int, kinds: tuple[type, ...]) -> Callable[[Any], bool]:
    def holds(value: Any) -> bool:
        return isinstance(value, kinds) and (not value or bool(abs(cast("float", value)) >= least))

    return holds


def _is_time(value: Any) -> bool:
    try:
        return bool(time.fromisoformat(value).isoformat() == value)
    except (ValueError, TypeError):
        return False


# ---------------------------------------------------------------------------------------------------------------- UUIDs


def _uuids(column: _Column, values: Sequence[Any]) -> Iterator[Guess]:
    named = column.word in ("UUID", "GUID", "UNIQUEIDENTIFIER") or "uuid" in column.name or "guid" in column.name
    # A fixed size is a strong hint, and 32 digits can be of other things too.
    sized = (column.word, column.sizes) in (("CHAR", (32,)), ("CHAR", (36,)), ("CHARACTER", (36,)))
    if not named and not (sized and (values or column.name.endswith("id"))):
        return
    if column.sizes != (32,):
        yield Held(Type(Kind.UUID)), _is_uuid(str, known=named)
    yield Held(Type(Kind.UUID), "hex"), _is_uuid(lambda value: value.hex, known=named)
    if named:
        yield Held(Type(Kind.UUID), "bytes"), lambda value: isinstance(value, bytes) and len(value) == 16


def _is_uuid(written: Callable[[UUID], str], *, known: bool) -> Callable[[Any], bool]:
    """`known`: the column says that it holds UUIDs; else they have to be of a version that there is (RFC 9562)."""

    def holds(value: Any) -> bool:
        try:
            found = UUID(value)
        except (ValueError, TypeError, AttributeError):
            return False
        return written(found) == value and (known or found.version in range(1, 9))

    return holds
