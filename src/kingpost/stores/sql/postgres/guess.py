"""As what a column of a PostgreSQL database can be declared, by its type, its CHECKs and a few values."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

from kingpost.language.types import Kind, Type
from kingpost.stores.sql.catalog import RealColumn
from kingpost.stores.sql.checks import Condition
from kingpost.stores.sql.existing import Held, can_hold
from kingpost.stores.sql.postgres.dialect import PostgreSQL
from kingpost.stores.sql.postgres.stored import plain

DIGITS: Final = 38
"""How many a Decimal may be declared with."""
LARGEST: Final = 18
"""Digits of which every whole number fits into 64 bits."""

_PLAIN: Final[dict[str, tuple[Kind, str]]] = {
    "boolean": (Kind.BOOL, ""),
    "smallint": (Kind.INT, ""),
    "integer": (Kind.INT, ""),
    "bigint": (Kind.INT, ""),
    "real": (Kind.FLOAT, "real"),
    "double precision": (Kind.FLOAT, ""),
    "bytea": (Kind.BYTES, ""),
    "uuid": (Kind.UUID, ""),
    "timestamp with time zone": (Kind.DATETIME, ""),
    "timestamp without time zone": (Kind.DATETIME, "timestamp"),
    "date": (Kind.DATE, ""),
    "time without time zone": (Kind.TIME, ""),
    "json": (Kind.JSON, ""),
    "jsonb": (Kind.JSON, ""),
}
_ELEMENTS: Final = {
    "text": Kind.TEXT, "character varying": Kind.TEXT, "smallint": Kind.INT, "integer": Kind.INT, "bigint": Kind.INT,
    "double precision": Kind.FLOAT, "boolean": Kind.BOOL, "uuid": Kind.UUID,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Seen:
    """What values tell. `places`: the most decimal places; `odd`: there are some that the usual type can't hold."""

    places: int | None = None
    odd: bool = False


def guess(dialect: PostgreSQL, column: RealColumn, check: Condition, seen: Seen, unequal: frozenset[str]) -> Held:
    """The first declaration that fits. `unequal`: the collations in which different texts are equal."""
    for held in _guesses(column, check, seen, unequal):
        if can_hold(dialect, held, column):
            return held
    kind = column.type.partition(" COLLATE ")[0]
    return Held(Type(Kind.TEXT), kind, note=f"Of the type {kind}, which is read and written as text")


def _guesses(column: RealColumn, check: Condition, seen: Seen, unequal: frozenset[str]) -> Iterator[Held]:
    real, _, collation = column.type.partition(" COLLATE ")
    word, sizes = plain(real), tuple(int(size) for size in re.findall(r"-?\d+", real.partition("(")[2]))
    if column.choices:
        yield Held(Type(Kind.TEXT, choices=column.choices), real)
    if word in ("text", "character varying", "character"):
        yield from _texts(word, sizes, collation, check, unequal)
    elif check.choices and isinstance(check.choices[0], int):
        yield Held(Type(Kind.INT, choices=check.choices))
    elif word == "numeric":
        yield from (replace(held, bounds=check.bounds) for held in _numerics(sizes, seen))
    elif word == "money":
        yield Held(Type(Kind.DECIMAL, digits=19, places=2), "money", bounds=check.bounds)
    elif word == "interval" and not seen.odd:
        yield Held(Type(Kind.DURATION), "interval")
    elif word.endswith("[]") and word.removesuffix("[]") in _ELEMENTS:
        element = Type(_ELEMENTS[word.removesuffix("[]")], nullable=True)
        yield Held(Type(Kind.LIST, element=element), word)
    if word in _PLAIN:
        kind, form = _PLAIN[word]
        yield Held(Type(kind), form, bounds=check.bounds)


def _texts(
    word: str, sizes: tuple[int, ...], collation: str, check: Condition, unequal: frozenset[str]
) -> Iterator[Held]:
    bounds = [*sizes[:1], *([] if check.longest is None else [check.longest])]
    longest = min(bounds) if bounds else None
    texts = check.choices if check.choices and isinstance(check.choices[0], str) else ()
    type = Type(Kind.TEXT, choices=texts)
    length = None if texts else longest
    if word == "character":
        yield Held(type, f"character({sizes[0] if sizes else 1})", length)
        return
    if collation.strip('"') not in unequal:
        yield Held(type, "", length)
    yield Held(type, f"{word} COLLATE {collation}", length)


def _numerics(sizes: tuple[int, ...], seen: Seen) -> Iterator[Held]:
    if sizes:
        digits, places = sizes[0], sizes[1] if len(sizes) > 1 else 0
        if places <= 0 and digits - places <= LARGEST:
            yield Held(Type(Kind.INT), "numeric")
        places = max(places, 0)
        digits = max(digits, places)
        if digits <= DIGITS:
            yield Held(Type(Kind.DECIMAL, digits=digits, places=places))
            yield Held(Type(Kind.DECIMAL, digits=digits, places=places), "numeric")
    elif not seen.odd and (seen.places or 0) <= DIGITS - LARGEST:
        places = max(seen.places or 0, 2)
        note = "The column takes any number of decimal_places: they are guessed, and reading more of them is an error"
        yield Held(Type(Kind.DECIMAL, digits=DIGITS, places=places), "numeric", note=note)
