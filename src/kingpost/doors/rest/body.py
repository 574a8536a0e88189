"""The body of a request: bounded while it comes in, and decoded as strictly as JSON can be."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any, Final

import msgspec

from kingpost.base.errors import Detail, Invalid
from kingpost.doors.rest.answer import Receive
from kingpost.doors.rest.guards import is_array, is_object
from kingpost.doors.rest.headers import media_type
from kingpost.doors.rest.problem import Refused

MERGE_PATCH: Final = "application/merge-patch+json"
_STRING: Final = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"')


class ClientGone(Exception):
    """The client closed the connection while its body was being read."""


async def receive_body(receive: Receive, headers: dict[bytes, bytes], limit: int) -> bytes:
    """The whole body; 413 as soon as it is known to be longer than `limit` bytes."""
    told = headers.get(b"content-length", b"")
    if told.isdigit() and int(told[:20]) > limit:
        raise _too_large(limit)
    chunks: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientGone
        chunk = message.get("body", b"")
        size += len(chunk)
        if size > limit:
            raise _too_large(limit)
        chunks.append(chunk)
        if not message.get("more_body", False):
            return b"".join(chunks)


def _too_large(limit: int) -> Refused:
    # The rest of the body is not read: the connection can't be used again.
    return Refused(413, "KP160", f"a body has at most {limit} bytes", headers=[(b"connection", b"close")])


def check_type(headers: dict[bytes, bytes], accepted: tuple[str, ...]) -> None:
    """415 unless the body is JSON of an accepted type, in UTF-8, uncompressed."""
    # With the accepted types, as RFC 9110 (section 15.5.16) and RFC 5789 (section 2.2) ask.
    told = ", ".join(accepted).encode("ascii")
    extra = [(b"accept", told), *([(b"accept-patch", told)] if MERGE_PATCH in accepted else [])]
    if headers.get(b"content-encoding", b"identity").strip().lower() not in (b"identity", b""):
        raise Refused(415, "KP161", "a compressed body is not accepted", headers=[(b"accept-encoding", b"identity")])
    media, charset = media_type(headers.get(b"content-type", b""))
    if media not in accepted:
        message = f"the body must be {' or '.join(accepted)}, said so in Content-Type"
        raise Refused(415, "KP161", message, headers=extra)
    if charset not in ("", "utf-8", "utf8"):
        raise Refused(415, "KP161", "the body must be in UTF-8", headers=extra)


def decode(body: bytes, max_depth: int) -> Any:
    """The value of a JSON text (RFC 8259) that also has no member twice and is not nested deeper than `max_depth`.

    msgspec refuses NaN, infinities, numbers out of range, lone surrogates and bytes that are not UTF-8. It keeps the
    last of two equal members, so the members in the text are counted against those in the value.
    """
    try:
        value = msgspec.json.decode(body)
    except RecursionError:
        raise _too_deep(max_depth) from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        words = "it is not UTF-8" if isinstance(error, UnicodeDecodeError) else str(error).removeprefix("JSON is ")
        raise Invalid("KP162", f"the body is not JSON: {words}") from None
    if is_object(value) or is_array(value):
        members = _count(value, max_depth)
        # Nearly always the first look is enough: no text in the body holds a colon.
        if members != body.count(b":") and members != _STRING.sub(b"", body).count(b":"):
            raise _twice(body)
    return value


def _count(value: Any, max_depth: int) -> int:
    """How many members the objects in a value have."""
    members, depth, level = 0, 0, [value]
    while level:
        depth += 1
        if depth > max_depth:
            raise _too_deep(max_depth)
        below: list[Any] = []
        for found in level:
            if is_object(found):
                members += len(found)
                inner: Iterable[Any] = found.values()
            else:
                inner = found
            below += [each for each in inner if isinstance(each, dict | list)]
        level = below
    return members


def _too_deep(max_depth: int) -> Invalid:
    return Invalid("KP164", f"arrays and objects are nested at most {max_depth} deep")


def _twice(body: bytes) -> Invalid:
    """The error for a repeated member: only now is it worth while to find out which."""
    found: list[str] = []

    def look(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        made = dict(pairs)
        if len(made) != len(pairs):
            names = [name for name, _ in pairs]
            found.extend(name for name in made if names.count(name) > 1)
        return made

    json.loads(body, object_pairs_hook=look)
    message = f"the member {found[0][:100]!r} is given twice in one object" if found else "a member is given twice"
    return Invalid("KP163", message, [Detail("", "KP163", message)])
