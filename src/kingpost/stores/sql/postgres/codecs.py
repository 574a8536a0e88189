"""Instants and dates as the numbers that PostgreSQL keeps: microseconds and days since the year 2000.

asyncpg takes the first and the last moment of Python's calendar for PostgreSQL's -infinity and infinity, which are
other values: they compare unequal to the same moment written by anyone else, and an instant comes back without its
zone. The last one is a common word for "for ever". As numbers they pass the driver without a call per value.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from kingpost.stores.contract import Inline, OutOfRange

if TYPE_CHECKING:
    from asyncpg.prepared_stmt import PreparedStatement

EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
EPOCH_DAY = EPOCH.toordinal()
MICROSECOND = timedelta(microseconds=1)


async def install(connection: Any) -> None:
    """Teach a new connection to leave them as numbers; asks the server nothing."""
    for name, number in (("timestamptz", "int8"), ("date", "int4")):
        await connection.set_builtin_type_codec(name, schema="pg_catalog", codec_name=number, format="binary")


def from_instant(value: datetime) -> int:
    """Microseconds since 2000."""
    return (value - EPOCH) // MICROSECOND


def from_day(value: date) -> int:
    """Days since 2000."""
    return value.toordinal() - EPOCH_DAY


def _to_instant(value: int) -> datetime:
    try:
        return EPOCH + timedelta(0, 0, value)
    except OverflowError:
        raise OutOfRange("The store holds an instant outside years 1 to 9999, or infinity") from None


def _to_day(value: int) -> date:
    try:
        return date.fromordinal(value + EPOCH_DAY)
    except (ValueError, OverflowError):
        raise OutOfRange("The store holds a date outside years 1 to 9999, or infinity") from None


to_instant = Inline(_to_instant, "{epoch} + {delta}(0, 0, v)", {"epoch": EPOCH, "delta": timedelta})
to_day = Inline(_to_day, "{day}(v + {first})", {"day": date.fromordinal, "first": EPOCH_DAY})

_IN: dict[str, Callable[[Any], Any]] = {"timestamptz": from_instant, "date": from_day}
_OUT: dict[str, Callable[[Any], Any]] = {"timestamptz": to_instant, "date": to_day}


def arguments(statement: PreparedStatement[Any], values: Sequence[object]) -> list[object]:
    """The values of an application's own statement, as the driver takes them here."""
    forms = [_form(_IN, one.name) for one in statement.get_parameters()]
    if len(forms) != len(values):
        return list(values)  # the driver says what is wrong
    return [value if form is None else form(value) for form, value in zip(forms, values, strict=True)]


def rows(statement: PreparedStatement[Any], found: Sequence[Sequence[Any]]) -> Sequence[Sequence[Any]]:
    """The rows of an application's own statement, as Python has their values."""
    forms = [_form(_OUT, one.type.name) for one in statement.get_attributes()]
    if not any(forms):
        return found
    return [tuple(value if form is None else form(value) for form, value in zip(forms, row)) for row in found]


def _form(forms: dict[str, Callable[[Any], Any]], name: str) -> Callable[[Any], Any] | None:
    each = forms.get(name.removesuffix("[]"))
    if each is None:
        return None
    if name.endswith("[]"):
        return lambda values: None if values is None else [None if value is None else each(value) for value in values]
    return lambda value: None if value is None else each(value)
