"""The render stage: objects as bytes, in each media type that this door speaks.

JSON values are written one way, whatever the store: instants in RFC 3339 with `Z`, decimals as text, bytes in base64.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

import msgspec

from kingpost.doors.rest.answer import Header
from kingpost.doors.rest.csv import CsvForm
from kingpost.engine.running import One, Page
from kingpost.model.model import Model, ResourceModel
from kingpost.plan.intent import Read

JSON: Final = "application/json"
NDJSON: Final = "application/x-ndjson"
CSV: Final = "text/csv"
HTML: Final = "text/html"
OFFERED: Final = (JSON, NDJSON, CSV)
"""In order of preference: what `Accept: */*` gets comes first."""
WITH_PAGES: Final = (*OFFERED, HTML)

CONTENT_TYPES: Final[dict[str, Header]] = {
    JSON: (b"content-type", b"application/json"),
    NDJSON: (b"content-type", b"application/x-ndjson"),
    CSV: (b"content-type", b"text/csv; charset=utf-8; header=present"),
}

_encoder: Final = msgspec.json.Encoder(decimal_format="string", uuid_format="canonical")
encode: Final[Callable[[Any], bytes]] = _encoder.encode
encode_lines: Final[Callable[[Sequence[Any]], bytes]] = _encoder.encode_lines


def encode_page(page: Page) -> bytes:
    """The body of a list: `{"items": [...], "next": "..." or null, "total": n, "warnings": [...]}`.

    The total is there when counted, warnings when something was left out.
    """
    end = b"null" if page.next is None else encode(page.next)
    count = b"" if page.total is None else b',"total":%d' % page.total
    told = b',"warnings":%b' % encode(page.warnings) if page.warnings else b""
    return b'{"items":%b,"next":%b%b%b}' % (encode(page.items), end, count, told)


def encode_row(one: One) -> bytes:
    """The body of a row. `_warnings` say what was left out: no member of a row begins with an underscore."""
    body = encode(one.item)
    return b'%b,"_warnings":%b}' % (body[:-1], encode(one.warnings)) if one.warnings else body


def line_writer(
    media: str, model: Model, resource: ResourceModel, read: Read, *, guard: bool
) -> Callable[[Sequence[Any]], bytes]:
    """A function that turns one chunk of rows after another into NDJSON or CSV."""
    if media == NDJSON:
        return encode_lines
    return CsvForm(model, resource, read, guard=guard).rows
