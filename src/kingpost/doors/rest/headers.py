"""Reading request headers by their standards: Accept, entity tags, Prefer, Idempotency-Key, Content-Type."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Final

from kingpost.base.errors import Invalid
from kingpost.doors.rest.answer import Header

_TAG: Final = re.compile(r'(W/)?"([\x21\x23-\x7e\x80-\xff]*)"(?:[ \t]*,[ \t,]*|\Z)')
_BETWEEN: Final = " \t,"
"""Empty elements of a list are passed over (RFC 9110, section 5.6.1.2)."""
_VERSION: Final = re.compile(r"[1-9][0-9]{0,18}\Z", re.ASCII)
_QUALITY: Final = re.compile(r"(?:0(?:\.\d{0,3})?|1(?:\.0{0,3})?)\Z")
_IDEMPOTENCY: Final = re.compile(r'"((?:[\x20\x21\x23-\x5b\x5d-\x7e]|\\["\\]){1,255})"\Z|([\x21\x23-\x7e]{1,255})\Z')


def collect(headers: Sequence[Header]) -> dict[bytes, bytes]:
    """Headers by name; lines of one name are joined by a comma (RFC 9110, section 5.3)."""
    found = dict(headers)
    if len(found) != len(headers):
        found = {}
        for name, value in headers:
            found[name] = found[name] + b", " + value if name in found else value
    return found


# ------------------------------------------------------------------------------------------------------------- formats


@lru_cache(maxsize=256)
def negotiate(accept: bytes, offered: tuple[str, ...]) -> str | None:
    """The media type to answer with (RFC 9110, section 12.5.1); None: none of those offered is acceptable.

    `offered` is in the server's order of preference, which decides between equals. An empty Accept admits everything.
    """
    ranges = [found for part in accept[:4096].decode("latin-1").split(",") if (found := _media_range(part)) is not None]
    if not ranges:
        return offered[0] if not accept.strip() else None
    best, chosen = 0.0, None
    for media in offered:
        kind = media.partition("/")[0]
        matching = [(rank, quality) for range, rank, quality in ranges if range in (media, f"{kind}/*", "*/*")]
        quality = max(matching)[1] if matching else 0.0
        if quality > best:
            best, chosen = quality, media
    return chosen


def _media_range(text: str) -> tuple[str, int, float] | None:
    """A range, how specific it is, and its weight."""
    range, *parameters = (part.strip().lower() for part in text.split(";"))
    if "/" not in range:
        return None
    quality = 1.0
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "q":
            if not _QUALITY.match(value.strip()):
                return None
            quality = float(value)
    return range, 0 if range == "*/*" else 1 if range.endswith("/*") else 2, quality


def media_type(content_type: bytes) -> tuple[str, str]:
    """The media type and the charset of a Content-Type, both in lower case; "" where not said."""
    media, *parameters = (part.strip().lower() for part in content_type[:1024].decode("latin-1").split(";"))
    values = {name.strip(): value.strip(' "') for name, _, value in (p.partition("=") for p in parameters)}
    return media, values.get("charset", "")


# ---------------------------------------------------------------------------------------------------------- conditions


def tags(header: str, value: bytes) -> list[tuple[bool, str]] | None:
    """Entity tags (RFC 9110, section 8.8.3) as (weak, text); None for `*`. Raises `Invalid` (KP170)."""
    text = value.decode("latin-1").strip(_BETWEEN)
    if text == "*":
        return None
    found: list[tuple[bool, str]] = []
    at = 0
    while at < len(text):
        match = _TAG.match(text, at)
        if match is None:
            raise Invalid("KP170", f'{header} takes * or entity tags in quotes, like "3-1f2e"')
        found.append((match[1] is not None, match[2]))
        at = match.end()
    if not found:
        raise Invalid("KP170", f'{header} takes * or entity tags in quotes, like "3-1f2e"')
    return found


def known(if_none_match: bytes, tag: bytes) -> bool:
    """Whether the client has this answer already (weak comparison). A header that is no list of tags says nothing."""
    if if_none_match == tag:
        return True
    try:
        found = tags("If-None-Match", if_none_match)
    except Invalid:
        return False
    return found is None or tag.removeprefix(b"W/").strip(b'"').decode("latin-1") in {text for _, text in found}


def versions(if_match: bytes) -> set[int] | None:
    """The row versions that If-Match admits; None for `*`. Weak and foreign tags admit nothing (strong comparison)."""
    found = tags("If-Match", if_match)
    if found is None:
        return None
    parts = (text.partition("-")[0] for weak, text in found if not weak)
    return {int(part) for part in parts if _VERSION.match(part)}


# ------------------------------------------------------------------------------------------------------------- wishes


def wants_minimal(prefer: bytes) -> bool:
    """Whether Prefer (RFC 7240) asks for `return=minimal`; the first `return` counts."""
    for part in prefer.decode("latin-1").lower().split(","):
        name, _, value = part.partition(";")[0].partition("=")
        if name.strip() == "return":
            return value.strip(' "') == "minimal"
    return False


def idempotency_key(value: bytes) -> str:
    """The key in Idempotency-Key: a quoted string (draft-ietf-httpapi-idempotency-key-header) or a bare token."""
    match = _IDEMPOTENCY.match(value.decode("latin-1").strip())
    if match is None:
        raise Invalid("KP170", "Idempotency-Key takes 1 to 255 visible ASCII characters, best in double quotes")
    return match[1].replace('\\"', '"').replace("\\\\", "\\") if match[1] is not None else match[2]


def allow(methods: Iterable[str]) -> Header:
    """The header Allow."""
    return b"allow", ", ".join(methods).encode("ascii")
