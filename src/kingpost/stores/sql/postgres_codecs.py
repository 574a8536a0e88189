"""Instants and dates as they are.

asyncpg takes the first and the last moment of Python's calendar for PostgreSQL's -infinity and infinity, which are
other values: they compare unequal to the same moment written by anyone else, and an instant comes back without its
zone. The last one is a common word for "for ever".
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

from kingpost.stores.contract import OutOfRange

EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
EPOCH_DAY = EPOCH.toordinal()
MICROSECOND = timedelta(microseconds=1)


async def install(connection: Any) -> None:
    """Teach them to a new connection; asks the server nothing."""
    for name, encoder, decoder in (("timestamptz", _from_instant, _to_instant), ("date", _from_day, _to_day)):
        await connection.set_type_codec(name, schema="pg_catalog", encoder=encoder, decoder=decoder, format="tuple")


def _from_instant(value: datetime) -> tuple[int]:
    return ((value - EPOCH) // MICROSECOND,)


def _to_instant(value: tuple[int]) -> datetime:
    try:
        return EPOCH + timedelta(microseconds=value[0])
    except OverflowError:
        raise OutOfRange("The store holds an instant outside years 1 to 9999, or infinity") from None


def _from_day(value: date) -> tuple[int]:
    return (value.toordinal() - EPOCH_DAY,)


def _to_day(value: tuple[int]) -> date:
    try:
        return date.fromordinal(value[0] + EPOCH_DAY)
    except (ValueError, OverflowError):
        raise OutOfRange("The store holds a date outside years 1 to 9999, or infinity") from None
