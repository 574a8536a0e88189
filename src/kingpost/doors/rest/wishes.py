"""What a write is told by its headers, whether it is about one row or many."""

from __future__ import annotations

from hashlib import blake2b
from typing import Final

from kingpost.doors.rest.answer import Header
from kingpost.doors.rest.body import MERGE_PATCH
from kingpost.doors.rest.formats import JSON
from kingpost.doors.rest.headers import idempotency_key, negotiate
from kingpost.doors.rest.problem import Refused
from kingpost.doors.rest.request import Request, raw_path
from kingpost.engine.repeats import Idempotency

BODY: Final = (JSON,)
PATCH_BODY: Final = (MERGE_PATCH, JSON)
MINIMAL: Final[Header] = (b"preference-applied", b"return=minimal")


def require_acceptable(request: Request) -> None:
    """406 before anything is written, where the answer would not be accepted."""
    accept = request.headers.get(b"accept")
    if accept is not None and negotiate(accept, BODY) is None:
        raise Refused(406, "KP152", f"the answer to a write is {JSON}")


def repeat_of(request: Request, body: bytes) -> Idempotency | None:
    """The attempt that Idempotency-Key names; the same key on another method or path is another one."""
    value = request.headers.get(b"idempotency-key")
    if value is None:
        return None
    said = blake2b(request.headers.get(b"if-match", b"") + b"\n" + body, digest_size=16).digest()
    return Idempotency(f"{request.method} {raw_path(request.scope)} {idempotency_key(value)}", said)


def replayed(repeat: Idempotency | None) -> list[Header]:
    """The header that tells of an answer to a request that had been done before."""
    return [(b"idempotency-replayed", b"true")] if repeat is not None and repeat.replayed else []
