"""What goes back to the client, and how it is sent."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Final, TypeAlias

from msgspec import Struct, field
from xxhash import xxh3_128_hexdigest

Scope: TypeAlias = MutableMapping[str, Any]
Message: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]
Header: TypeAlias = tuple[bytes, bytes]

NOSNIFF: Final[Header] = (b"x-content-type-options", b"nosniff")
NO_STORE: Final[Header] = (b"cache-control", b"no-store")
HTML: Final[Header] = (b"content-type", b"text/html; charset=utf-8")
JSON: Final[Header] = (b"content-type", b"application/json")
PROBLEM: Final[Header] = (b"content-type", b"application/problem+json")

# An answer depends on the format asked for; what is not for everyone also on who asks, however that is told.
PRIVATE: Final[tuple[Header, ...]] = (
    (b"cache-control", b"private, no-cache"),
    (b"vary", b"Accept, Authorization, Cookie"),
    NOSNIFF,
)
PUBLIC: Final[tuple[Header, ...]] = ((b"cache-control", b"public, no-cache"), (b"vary", b"Accept"), NOSNIFF)


class Answer(Struct):
    """A whole answer; `body` None where the status has none (204, 304)."""

    status: int
    headers: list[Header] = field(default_factory=list["Header"])
    body: bytes | None = None


async def send_answer(send: Send, answer: Answer, *, head: bool = False) -> None:
    """Send it in one piece; for HEAD the headers only, with the length that the body would have."""
    body = answer.body
    if body is not None:
        answer.headers.append((b"content-length", b"%d" % len(body)))
    await send({"type": "http.response.start", "status": answer.status, "headers": answer.headers})
    await send({"type": "http.response.body", "body": b"" if head or body is None else body})


def digest(body: bytes) -> bytes:
    """A short name for these bytes (XXH3, 128 bits): to see that they have changed, not to prove who made them."""
    return xxh3_128_hexdigest(body).encode("ascii")
