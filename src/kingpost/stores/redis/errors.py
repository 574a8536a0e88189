"""What the driver reports, in the terms of the contract. Values of rows never get into the words."""

from __future__ import annotations

from typing import Final

from redis.exceptions import (
    AuthenticationError,
    AuthorizationError,
    BusyLoadingError,
    ConnectionError,
    NoPermissionError,
    OutOfMemoryError,
    ReadOnlyError,
    RedisError,
    ResponseError,
)
from redis.exceptions import TimeoutError as NoReply

from kingpost.stores.contract import OutcomeUnknown, StoreDamaged, StoreDown, StoreError, StoreFull, TooSlow

FAILURES: Final = (RedisError, OSError)
"""What the driver raises; an `asyncio.timeout` is an `OSError` too."""


def explain(error: BaseException, *, wrote: bool = False) -> StoreError:
    """The error of the contract. `wrote`: a lost connection leaves open what became of it."""
    words = str(error)
    match error:
        case AuthenticationError() | AuthorizationError():
            return StoreDown("Redis refuses the user or the password: see the address of the store")
        case NoPermissionError():
            return StoreDown("Redis does not let this user do this: its ACL has to allow reading, writing, EVAL, WATCH")
        case OutOfMemoryError():
            return StoreFull("Redis has no memory left: raise its maxmemory, or delete rows")
        case BusyLoadingError():
            return StoreDown("Redis is still loading its data")
        case ReadOnlyError():
            return StoreDown("This Redis is a replica and takes no writes: the address has to name the primary")
        case ResponseError() if "NOAUTH" in words or "WRONGPASS" in words or "without any password" in words:
            return StoreDown("Redis refuses the user or the password: see the address of the store")
        case ResponseError() if "WRONGTYPE" in words:
            return StoreDamaged(
                "A key of this store holds something else in Redis (WRONGTYPE): others write under the same prefix; "
                "give the store one of its own, ?prefix=shop"
            )
        case ResponseError() if "OOM" in words:
            return StoreFull("Redis has no memory left: raise its maxmemory, or delete rows")
        case ResponseError() if "MISCONF" in words:
            return StoreFull("Redis can't save to its disk and takes no writes")
        case ResponseError() if "DB index" in words:
            return StoreDown("Redis has no database of the number in the store's address")
        case ResponseError() if "READONLY" in words:
            return StoreDown("This Redis is a replica and takes no writes: the address has to name the primary")
        case ResponseError():
            return StoreError(f"Redis refuses what it was told: {words.partition(' ')[0]}")
        case TimeoutError() | NoReply() if wrote:
            return OutcomeUnknown("Redis did not answer in time; what became of the write is unknown")
        case ConnectionError() if "No connection available" in words:
            return StoreDown("All connections to Redis are in use")
        case _ if wrote:
            return OutcomeUnknown("The connection was lost during a write; its outcome is unknown")
        case TimeoutError() | NoReply():
            return TooSlow("Redis did not answer in time")
        case _:
            return StoreDown(f"Redis can't be reached: {type(error).__name__}")
