"""`http` blocks of a page: requests to its `app`, each followed by a block with the answer.

A request is `METHOD /path?query`, headers, an empty line and a JSON body, as they are written on the wire but for the
query, which is shown before it is percent-encoded. `<!-- as: ada -->` says who asks. An answer is the status, the
headers that the mark `<!-- shows: etag, link -->` of the request names, and the body; JSON is indented for people.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote

from starlette.types import ASGIApp

from kingpost.testing import Client
from tests.docs.code import Namespace
from tests.docs.pages import Block

METHODS: Final = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
_WIDTH: Final = 116


@dataclass(frozen=True, slots=True)
class Exchange:
    """A request and the answer that the page shows."""

    request: Block
    answer: Block


def is_request(block: Block) -> bool:
    """Whether an `http` block is a request rather than an answer."""
    return block.text.partition(" ")[0] in METHODS


def exchanges(blocks: list[Block]) -> list[Exchange]:
    """Requests with their answers."""
    found: list[Exchange] = []
    for index, block in enumerate(blocks):
        if block.language == "http" and is_request(block):
            answer = blocks[index + 1] if index + 1 < len(blocks) else None
            answered = answer is not None and answer.language == "http" and not is_request(answer)
            assert answered, f"{block.place}: no answer follows the request"
            assert answer is not None
            found.append(Exchange(block, answer))
    return found


def ask(namespace: Namespace, block: Block) -> str:
    """The answer to a request as the page should show it."""
    return str(namespace.wait(_ask, namespace.names, block))


async def _ask(names: dict[str, Any], block: Block) -> str:
    head, _, body = block.text.partition("\n\n")
    line, *headers = head.splitlines()
    method, _, target = line.partition(" ")
    told = dict(header.split(": ", 1) for header in headers)
    content = body.strip().encode() if body.strip() else None
    if content is not None:
        told.setdefault("Content-Type", "application/json")
    app: ASGIApp = names["app"]
    who = {"actor": names[block.marks["as"]]} if "as" in block.marks else {}
    # Not entered: the page has started its application itself.
    client = Client(app, raise_errors=False, **who)
    answer = await client.request(method, encoded(target), headers=told, content=content)
    shown = [f"{answer.status_code} {answer.reason_phrase}"]
    for name in filter(None, re.split(r",\s*", block.marks.get("shows", ""))):
        shown += [f"{name}: {value}" for value in [answer.headers.get(name)] if value is not None]
    text = _body(answer.headers.get("content-type", ""), answer.text)
    return "\n".join([*shown, "", text] if text else shown) + "\n"


def encoded(target: str) -> str:
    """A target as it is sent: all that a URL can't hold, percent-encoded."""
    path, mark, query = target.partition("?")
    return quote(path, safe="/-,%:") + mark + quote(query, safe="=&,.*[]-_~:%")


def _body(content_type: str, text: str) -> str:
    if "json" not in content_type or "ndjson" in content_type:
        return text.replace("\r\n", "\n").rstrip("\n")
    return indented(json.loads(text))


def indented(value: Any, depth: int = 0) -> str:
    """JSON with each value on one line where it fits."""
    flat = json.dumps(value, ensure_ascii=False)
    if len(flat) + depth <= _WIDTH - 30 or not isinstance(value, dict | list) or not value:
        return flat
    inner, outer = " " * (depth + 2), " " * depth
    if isinstance(value, list):
        return "[\n" + ",\n".join(f"{inner}{indented(each, depth + 2)}" for each in value) + f"\n{outer}]"
    members = (f"{inner}{json.dumps(name)}: {indented(each, depth + 2)}" for name, each in value.items())
    return "{\n" + ",\n".join(members) + f"\n{outer}}}"


def same(one: str, other: str) -> bool:
    """Whether two answers are equal; `…` on the page stands for anything."""
    pattern = ".*".join(re.escape(part) for part in one.split("…"))
    return re.fullmatch(pattern, other, re.DOTALL) is not None
