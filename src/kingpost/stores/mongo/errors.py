"""What the driver reports, in the terms of the contract. Values of documents never get into the words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, cast

from bson.errors import InvalidBSON, InvalidDocument
from pymongo.errors import (
    AutoReconnect,
    BulkWriteError,
    ConnectionFailure,
    DocumentTooLarge,
    ExecutionTimeout,
    OperationFailure,
    PyMongoError,
    ServerSelectionTimeoutError,
    WaitQueueTimeoutError,
)

from kingpost.stores.contract import (
    OutcomeUnknown,
    OutOfRange,
    RowRefused,
    StoreDown,
    StoreError,
    StoreFull,
    TooComplex,
    TooSlow,
    UniqueViolation,
)
from kingpost.stores.mongo.layout import Layout

FAILURES: Final = (PyMongoError, InvalidBSON, InvalidDocument, OSError)
"""What the driver raises."""

ALONE: Final = "MongoDB keeps several writes together only in a replica set: mongod --replSet, and rs.initiate()"
DUPLICATE: Final = frozenset({11000, 11001})
SLOW: Final = frozenset({50, 262})
REFUSED: Final = frozenset({13, 18, 8000})
LARGE: Final = frozenset({10334, 17419, 17420})
FULL: Final = frozenset({14031})
COMPLEX: Final = frozenset({15, 168, 292, 16389, 17280, 5054801})


class Again(Exception):
    """Nothing has taken effect: the whole may be tried again."""


def is_conflict(error: BaseException) -> bool:
    """Whether others wrote at the same time, or the transaction is gone, and nothing of it is left."""
    if not isinstance(error, PyMongoError):
        return False
    return error.has_error_label("TransientTransactionError") or getattr(error, "code", None) in (112, 251)


def explain(
    error: BaseException, layout: Layout | None = None, index: int | None = None, *, wrote: bool = False
) -> StoreError:
    """The error of the contract. `wrote`: a lost connection leaves open what became of it."""
    match error:
        case BulkWriteError():
            details = cast("Mapping[str, Any]", error.details or {})
            said: Mapping[str, Any] = next(iter(details.get("writeErrors", ())), dict[str, Any]())
            return _refused(said.get("code"), str(said.get("errmsg", "")), said, layout, index)
        case ExecutionTimeout():
            return TooSlow("The statement ran longer than it may and was stopped", index)
        case TimeoutError():
            words = "MongoDB did not answer in time"
            return (
                OutcomeUnknown(f"{words}; what became of the write is unknown", index)
                if wrote
                else TooSlow(words, index)
            )
        case ServerSelectionTimeoutError():
            return StoreDown("MongoDB can't be reached: no server took the connection in time", index)
        case WaitQueueTimeoutError():
            return StoreDown("All connections to MongoDB are in use", index)
        case AutoReconnect() | ConnectionFailure():
            if wrote:
                return OutcomeUnknown("The connection was lost during a write; its outcome is unknown", index)
            return StoreDown(f"The connection to MongoDB was lost: {type(error).__name__}", index)
        case OperationFailure():
            details = error.details or {}
            return _refused(error.code, str(details.get("errmsg", "")), details, layout, index)
        case DocumentTooLarge():
            return OutOfRange("A document is larger than the 16 MB that MongoDB holds", index)
        case InvalidBSON() | InvalidDocument():
            return StoreError("A document can't be read or written as BSON", index)
        case _:
            return StoreDown(f"The connection to MongoDB was lost: {type(error).__name__}", index)


def _refused(
    code: int | None, message: str, details: Mapping[str, Any], layout: Layout | None, index: int | None
) -> StoreError:
    if code in DUPLICATE:
        pattern = list(details.get("keyPattern") or {})
        resource = layout.resource.name if layout else ""
        members = layout.members(pattern) if layout else ()
        words = f"Another {resource} has the same {' and '.join(members) or 'values'}"
        return UniqueViolation(words, resource, members, index)
    if code in SLOW:
        return TooSlow("The statement ran longer than it may and was stopped", index)
    if code in REFUSED:
        what = "refuses the user or the password" if code != 13 else "does not let this user do this"
        return StoreDown(f"MongoDB {what}", index)
    if code == 121:
        kind = RowRefused if layout is not None and layout.resource.adopted else StoreError
        name = layout.resource.name if layout else "document"
        return kind(f"The store's validator refuses this {name}", index)
    if code in LARGE or "BSONObj size" in message:
        return OutOfRange("A document is larger than the 16 MB that MongoDB holds", index)
    if "by zero" in message or code == 241:
        return OutOfRange("A computation left what the store can hold", index)
    if code in FULL:
        return StoreFull("MongoDB's disk is full", index)
    if code in COMPLEX:
        return TooComplex("The statement is larger than MongoDB reads", index)
    if code in (20, 263):
        return StoreError(ALONE, index)
    return StoreError(f"MongoDB refused ({code} {details.get('codeName', '')}): {_cleaned(message)}", index)


def _cleaned(message: str) -> str:
    """The server's words, up to where it quotes documents."""
    for mark in ("dup key", "{", "[", '"'):
        message = message.partition(mark)[0]
    return message.strip(" :,")
