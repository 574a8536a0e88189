"""How PostgreSQL databases of others hold values: in collations, types without a zone, enumerations, arrays."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final

import sqlalchemy as sa

from kingpost.language.types import Kind, Type
from kingpost.stores.contract import Convert
from kingpost.stores.sql.forms import DOCUMENTS, PostgresForms
from kingpost.stores.sql.stored import Stored

TEXT, NUMERIC, INSTANT, INTERVAL = sa.Text(), sa.Numeric(), sa.DateTime(timezone=False), sa.Interval()
REAL: sa.REAL[float] = sa.REAL()
_FORMS = PostgresForms()

_OWN: Final[dict[Kind, tuple[str, ...]]] = {
    Kind.BOOL: ("boolean",),
    Kind.INT: ("smallint", "integer", "bigint"),
    Kind.FLOAT: ("double precision",),
    Kind.DECIMAL: ("numeric",),
    Kind.TEXT: ("text", "character varying"),
    Kind.BYTES: ("bytea",),
    Kind.UUID: ("uuid",),
    Kind.DATETIME: ("timestamp with time zone",),
    Kind.DATE: ("date",),
    Kind.TIME: ("time without time zone",),
    Kind.DURATION: ("bigint",),
    **dict.fromkeys(DOCUMENTS, ("json", "jsonb")),
}


class Named(sa.types.UserDefinedType[Any]):
    """A type by its name."""

    cache_ok = True

    def __init__(self, name: str, *, cast: bool = False) -> None:
        self.name = name
        self.render_bind_cast = cast

    def get_col_spec(self, **options: Any) -> str:
        return self.name


BPCHAR = Named("BPCHAR", cast=True)  # CHAR is of one character, and would cut the value


def plain(real: str) -> str:
    """A type without sizes and collation: `character varying(80) COLLATE "C"` is `character varying`."""
    return re.sub(r"\([-\d, ]*\)", "", real.partition(" COLLATE ")[0]).lower()


def fits(type: Type, real: str, form: Stored | None) -> bool:
    """Whether a column of others can hold values of a type."""
    if form is not None:
        return form.fits(real)
    wanted = _OWN.get(type.kind) or (_OWN[Kind.INT] if _is_number(type) else _OWN[Kind.TEXT])
    if wanted == _OWN[Kind.TEXT] and ' COLLATE "C"' not in real:
        return False
    if type.kind is Kind.DECIMAL:
        size = re.fullmatch(r"numeric\((\d+)(?:,(\d+))?\)", real)
        return size is not None and int(size[2] or 0) <= (type.places or 0)
    return plain(real) in wanted


def stored(type: Type, word: str, *, by_code_point: bool) -> Stored | None:
    """The form that a word means for a type. `by_code_point`: so the database compares text where nobody says how."""
    own = _FORMS.to_driver(type)
    match type.kind:
        case Kind.TEXT | Kind.ENUM if not _is_number(type):
            return _text(word, own, by_code_point=by_code_point)
        case Kind.INT if word == "numeric":
            return Stored(
                word, "CAST({0} AS BIGINT)", Decimal, NUMERIC, _like("numeric"), exact=True, ordered=True, listed=True
            )
        case Kind.INT if word:
            return Stored(word, "CAST({0} AS BIGINT)", own, sa.BigInteger(), _like(word))
        case Kind.FLOAT if word == "real":
            return Stored(word, "CAST({0} AS DOUBLE PRECISION)", own, REAL, _like("real"))
        case Kind.DECIMAL if word == "numeric":
            return Stored(word, _exactly(type.places or 0), own, NUMERIC, _like("numeric"))
        case Kind.DECIMAL if word:
            write = f"CAST(CAST({{0}} AS NUMERIC) AS {word})"
            return Stored(word, "CAST({0} AS NUMERIC)", own, Named(word), _like(word), write=write)
        case Kind.DATETIME if word == "timestamp":
            read = "({0} AT TIME ZONE 'UTC')"
            wanted = _like("timestamp without time zone")
            return Stored(word, read, _naive, INSTANT, wanted, exact=True, ordered=True, listed=True)
        case Kind.DURATION if word == "interval":
            read = "CAST(extract(epoch FROM {0}) * 1000000 AS BIGINT)"
            return Stored(word, read, None, INTERVAL, _like("interval"))
        case Kind.LIST if word.endswith("[]"):
            return Stored(word, "to_json({0})", None, Named(word), lambda real: plain(real) == plain(word))
        case _:
            return None


def _text(word: str, own: Convert | None, *, by_code_point: bool) -> Stored | None:
    if not word:
        if by_code_point:
            return None
        # Equal texts are equal in every collation but those that say otherwise; only their order differs.
        fit = _like("text", "character varying")
        return Stored("text", '({0} COLLATE "C")', own, TEXT, fit, exact=True, listed=True, shown=True)
    if plain(word) in ("text", "character varying"):  # with a collation of its own
        return Stored(word, '({0} COLLATE "C")', own, TEXT, _like("text", "character varying"), shown=True)
    if plain(word) == "character":  # blanks at the end are not part of the value
        read = '(CAST({0} AS TEXT) COLLATE "C")'
        return Stored("character", read, own, BPCHAR, _like("character"), exact=True, listed=True)
    # Any other type by its text: enumerations, network addresses, citext, XML, ranges.
    read = "abbrev({0})" if plain(word) in ("inet", "cidr") else "CAST({0} AS TEXT)"
    write = f"CAST(CAST({{0}} AS TEXT) AS {word})"
    return Stored(word, f'({read} COLLATE "C")', own, Named(word), _like(word), write=write)


def _like(*names: str) -> Callable[[str], bool]:
    wanted = {plain(name) for name in names}
    return lambda real: plain(real) in wanted


def _exactly(places: int) -> str:
    """The number, or an error where it has more places than are declared: it would have to be rounded."""
    return f"CASE WHEN {{0}} IS NULL OR scale(trim_scale({{0}})) <= {places} THEN {{0}} ELSE 1 / (scale({{0}}) * 0) END"


def _naive(value: datetime) -> datetime:
    return value.astimezone(UTC).replace(tzinfo=None)


def _is_number(type: Type) -> bool:
    return bool(type.choices) and isinstance(type.choices[0], int)
