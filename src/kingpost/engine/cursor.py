"""Where a page goes on: signed, bound to the actor and the question, with its instant frozen.

A cursor is base64url of a MAC (keyed BLAKE2b, RFC 7693, 16 bytes) and MessagePack `[instant, values]`. The MAC is also
over the question and the actor, so that a cursor of another one does not pass.
"""

from __future__ import annotations

import hashlib
import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import msgspec

from kingpost.base.errors import Detail, Invalid
from kingpost.language.types import Kind, Type
from kingpost.plan.intent import Condition, Expressed, Read

_MAC = 16
_PYTHON: dict[Kind, Any] = {
    Kind.DATETIME: datetime,
    Kind.DATE: date,
    Kind.TIME: time,
    Kind.DURATION: timedelta,
    Kind.UUID: UUID,
    Kind.DECIMAL: Decimal,
    Kind.BYTES: bytes,
}


class Cursors:
    """Makes and reads the cursors of one application; `secret` must be the same in all its processes."""

    def __init__(self, secret: bytes) -> None:
        self._secret = hashlib.blake2b(secret, digest_size=32, person=b"kingpost-cursor").digest()

    def write(self, read: Read, asker: object, now: datetime, values: Sequence[Any]) -> str:
        """The cursor behind a row with these sort values (Python objects)."""
        body = msgspec.msgpack.encode([now.isoformat(), [_plain(value) for value in values]])
        return urlsafe_b64encode(self._mac(body, read, asker) + body).rstrip(b"=").decode()

    def read(self, text: str, read: Read, asker: object) -> tuple[datetime, list[Any]]:
        """The instant and the plain values in a cursor; `Invalid` (KP117) if it is not ours for this question."""
        try:
            raw = urlsafe_b64decode(text.encode("ascii") + b"=" * (-len(text) % 4))
            if urlsafe_b64encode(raw).rstrip(b"=") != text.encode():  # it passes over what is not of its alphabet
                raise ValueError("form")
            mac, body = raw[:_MAC], raw[_MAC:]
            if not hmac.compare_digest(mac, self._mac(body, read, asker)):
                raise ValueError("mac")
            instant, values = msgspec.msgpack.decode(body)
        except (ValueError, msgspec.MsgspecError):
            message = "after is not a cursor of this list, filter, order and actor: start from the first page"
            raise Invalid("KP117", message, [Detail("?after", "KP117", message)]) from None
        return datetime.fromisoformat(instant).astimezone(UTC), values

    def _mac(self, body: bytes, read: Read, asker: object) -> bytes:
        given = repr((asker, read.key, read.search, [_values(condition) for condition in read.conditions]))
        asked = b"%b\0%b" % (_asked(read), given.encode("utf-8", "surrogatepass"))
        # The length in front: where one part ends and the other begins can't be moved.
        return hashlib.blake2b(b"%d\0%b%b" % (len(body), body, asked), key=self._secret, digest_size=_MAC).digest()


def typed(values: Sequence[Any], types: Sequence[Type]) -> list[Any]:
    """Plain JSON values as Python objects of their types."""
    return [
        value if value is None or type.kind not in _PYTHON else msgspec.convert(value, _PYTHON[type.kind], strict=False)
        for value, type in zip(values, types, strict=True)
    ]


def _plain(value: Any) -> Any:
    return msgspec.to_builtins(value)


def _asked(read: Read) -> bytes:
    """All of the question but its values; kept with the read, which doors keep by query."""
    known: bytes | None = read.memo.get("asked")
    if known is None:
        conditions = [(c.path, c.operator) if isinstance(c, Condition) else repr(c.shape) for c in read.conditions]
        sort = [(key.path, key.descending, key.source and key.source.first_line) for key in read.sort]
        said = repr((read.resource, read.relation, conditions, sort))
        known = read.memo["asked"] = hashlib.blake2b(said.encode("utf-8", "surrogatepass"), digest_size=16).digest()
    return known


def _values(condition: Condition | Expressed) -> object:
    return condition.value if isinstance(condition, Condition) else sorted(condition.values.items())
