"""How MariaDB stores values, and what is computed with them.

Columns are of MariaDB's own types, so that other tools read them as what they are; instants are computed with in
microseconds and dates in days, which are exact whatever the session's zone.

    type          column                          value
    bool          BOOL                            BOOL
    int           BIGINT                          BIGINT
    float         DOUBLE                          DOUBLE
    Decimal       DECIMAL(digits, places)         DECIMAL
    str           LONGTEXT or VARCHAR (`sizes`),  the same
                  COLLATE utf8mb4_nopad_bin
    bytes         LONGBLOB or VARBINARY           the same
    UUID          BINARY(16)                      BINARY(16): MariaDB sorts its own UUID in another order
    datetime      DATETIME(6), in UTC             BIGINT, microseconds since 1970 UTC
    date          DATE                            BIGINT, days since 1970
    time          TIME(6)                         TIME(6)
    timedelta     BIGINT, microseconds            the same
    Enum          by value                        the same
    JSON and so on  LONGTEXT, with sorted keys    the same bytes
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects import mysql

from kingpost.base.errors import Unsupported
from kingpost.language.types import Kind, Type
from kingpost.stores.contract import Convert
from kingpost.stores.sql.forms import SQLiteForms
from kingpost.stores.sql.mariadb.literals import COLLATION
from kingpost.stores.sql.mariadb.sizes import SHORT
from kingpost.stores.sql.stored import Stored

BIGINT: Final = sa.BigInteger()
DOUBLE: Final[sa.types.TypeEngine[Any]] = mysql.DOUBLE()
BOOLEAN, DECIMAL = sa.Boolean(), mysql.DECIMAL()
TEXT: Final = mysql.LONGTEXT(collation=COLLATION)
BLOB: Final = mysql.LONGBLOB()
INSTANT, DAY, CLOCK = mysql.DATETIME(fsp=6), sa.Date(), mysql.TIME(fsp=6)
KEY: Final = sa.BINARY(16)
DIGITS, PLACES = 65, 38
"""What a DECIMAL holds."""


class Duration(sa.BigInteger):
    """Microseconds that may be computed past 64 bits on the way to an instant."""

    cache_ok = True


DURATION: Final = Duration()


class MariaDBForms(SQLiteForms):
    """Values are those of SQLite, but for the types that MariaDB has itself."""

    def column(self, type: Type) -> sa.types.TypeEngine[Any]:
        match type.kind:
            case Kind.DECIMAL:
                places = type.places
                digits = type.digits or DIGITS
                if places is None or places > PLACES or digits > DIGITS:
                    remedy = f"declare decimal_places ({PLACES} at most), and max_digits of {DIGITS} at most"
                    raise Unsupported("KP303", f"MariaDB holds decimals of a declared size: {remedy}")
                return mysql.DECIMAL(digits, places)
            case Kind.DATETIME:
                return INSTANT
            case Kind.DATE:
                return DAY
            case Kind.DURATION:
                return BIGINT
            case Kind.TEXT | Kind.ENUM if _are_short(type.choices):
                return sa.VARCHAR(SHORT, collation=COLLATION)
            case _:
                return self.plain(type)

    def plain(self, type: Type) -> sa.types.TypeEngine[Any]:
        match type.kind:
            case Kind.BOOL:
                return BOOLEAN
            case Kind.INT | Kind.DATETIME | Kind.DATE:
                return BIGINT
            case Kind.DURATION:
                return DURATION
            case Kind.ENUM if type.choices and isinstance(type.choices[0], int):
                return BIGINT
            case Kind.DECIMAL:
                return DECIMAL
            case Kind.FLOAT:
                return DOUBLE
            case Kind.BYTES:
                return BLOB
            case Kind.UUID:
                return KEY
            case Kind.TIME:
                return CLOCK
            case _:
                return TEXT

    def to_driver(self, type: Type) -> Convert | None:
        match type.kind:
            case Kind.TIME | Kind.DECIMAL:
                return None
            case Kind.UUID:
                return lambda value: None if value is None else value.bytes
            case Kind.FLOAT:
                return lambda value: None if value is None else float(value)
            case _:
                return super().to_driver(type)

    def json_form(self, type: Type) -> Convert | None:
        match type.kind:
            case Kind.DECIMAL:
                decimal, form = self.python_form(type), "f" if type.places is None else f".{type.places}f"
                return lambda value: format(decimal(value) if decimal else value, form)
            case Kind.UUID:
                return lambda value: str(UUID(bytes=value))
            case _:
                return super().json_form(type)

    def python_form(self, type: Type) -> Convert | None:
        match type.kind:
            case Kind.DECIMAL:
                return Decimal
            case Kind.UUID:
                return lambda value: UUID(bytes=value)
            case Kind.TIME:
                return None
            case _:
                return super().python_form(type)


def _are_short(choices: Sequence[object]) -> bool:
    return bool(choices) and all(isinstance(one, str) and len(one) <= SHORT for one in choices)


def stored(type: Type) -> Stored | None:
    """How a column of our own holds values where they are not what is computed with."""
    match type.kind:
        case Kind.DATETIME:
            read = "TIMESTAMPDIFF(MICROSECOND, TIMESTAMP'1970-01-01 00:00:00', {0})"
            return Stored(
                "instant", read, None, INSTANT, lambda real: real == "datetime(6)",
                exact=True, ordered=True, listed=True,
            )  # fmt: skip
        case Kind.DATE:
            return Stored(
                "date", "(TO_DAYS({0}) - 719528)", None, DAY, lambda real: real == "date",
                exact=True, ordered=True, listed=True,
            )  # fmt: skip
        case _:
            return None
