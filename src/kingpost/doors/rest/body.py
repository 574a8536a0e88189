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
from kingpost.model.faults import pointer

MERGE_PATCH: Final = "application/merge-patch+json"
PIECES: Final = 10_000
"""A body sent byte by byte costs thousands of times what it costs in one piece."""
_MEMBER: Final = re.compile(rb'"[ \t\r\n]*:')
_STRING: Final = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"')


async def receive_body(receive: Receive, headers: dict[bytes, bytes], limit: int) -> bytes:
    """The whole body; 413 as soon as it is known to be longer than `limit` bytes, 400 if it breaks off."""
    told = headers.get(b"content-length", b"")
    if told.isdigit() and int(told[:20]) > limit:
        raise _too_large(limit)
    body = bytearray()
    for _ in range(PIECES):
        message = await receive()
        if message["type"] == "http.disconnect":
            # Gone, or there still with something that is no body: a wrong length, chunks that are none.
            raise Refused(400, "KP167", "the body broke off before its end", headers=[(b"connection", b"close")])
        body += message.get("body", b"")
        if len(body) > limit:
            raise _too_large(limit)
        if not message.get("more_body", False):
            return bytes(body)
    raise Refused(413, "KP160", f"a body comes in at most {PIECES} pieces", headers=[(b"connection", b"close")])


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
        words = words if body.strip() else "it is empty"
        raise Invalid("KP162", f"the body is not JSON: {words}") from None
    if is_object(value) or is_array(value):
        members = _count(value, max_depth)
        # Neither counts too few, and nearly always the first look is enough: no text holds a quote before a colon.
        if members != len(_MEMBER.findall(body)) and members != _STRING.sub(b"", body).count(b":"):
            raise _twice(body, max_depth)
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


class _Object(dict[str, Any]):
    """An object, and the member that its text has twice."""

    twice: str | None = None


def _twice(body: bytes, max_depth: int) -> Invalid:
    """The error for a repeated member: only now is it worth while to find out which."""

    def look(pairs: list[tuple[str, Any]]) -> _Object:
        made = _Object(pairs)
        seen: set[str] = set()
        for name, _ in pairs if len(made) != len(pairs) else ():
            if name in seen:
                made.twice = name
                break
            seen.add(name)
        return made

    try:
        name, where = _repeated(json.loads(body, object_pairs_hook=look))
    except RecursionError:
        return _too_deep(max_depth)
    message = f"the member {name[:100]!r} is given twice in one object"
    return Invalid("KP163", message, [Detail(where, "KP163", message)])


def _repeated(value: Any) -> tuple[str, str]:
    """A member that is repeated, and the pointer to it."""
    waiting: list[tuple[Any, tuple[str | int, ...]]] = [(value, ())]
    while waiting:
        each, path = waiting.pop()
        if isinstance(each, _Object) and each.twice is not None:
            return each.twice, pointer((*path, each.twice))
        if is_object(each):
            waiting += [(below, (*path, name)) for name, below in each.items()]
        elif is_array(each):
            waiting += [(below, (*path, index)) for index, below in enumerate(each)]
    return "", ""
