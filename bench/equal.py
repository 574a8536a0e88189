"""Before anything is measured: every implementation answers the same."""

from __future__ import annotations

import html
import json
import re
import urllib.error
import urllib.request
from datetime import datetime
from typing import Any

from bench.endpoints import Request

INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")
UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


class Unequal(Exception):
    """Where two answers differ."""


def ask(port: int, request: Request) -> tuple[int, str, str]:
    """Status, media type and body of one answer."""
    body = request.body.encode() or None
    headers = {"Content-Type": "application/json"} if body else {}
    address = f"http://127.0.0.1:{port}{request.path}"
    asked = urllib.request.Request(address, data=body, headers=headers, method=request.method)
    try:
        with urllib.request.urlopen(asked, timeout=30) as answer:
            return answer.status, answer.headers.get_content_type(), answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            raise Unequal(f"{request.method} {request.path} is answered {error.code}: {error.read()[:500]!r}") from None


def content(endpoint: str, answer: tuple[int, str, str]) -> Any:
    """What an answer says, whichever way it is written."""
    status, media, body = answer
    wanted = (201, "application/json") if endpoint == "create" else (200, "application/json")
    if endpoint == "page":
        wanted = 200, "text/html"
    if (status, media) != wanted:
        raise Unequal(f"{endpoint} is answered {status} {media}, not {wanted[0]} {wanted[1]}: {body[:500]}")
    if endpoint == "page":
        return re.sub(r"\s*(<[^>]+>)\s*", r"\1", html.unescape(body)).strip()
    said = _plain(json.loads(body))
    if endpoint == "create":
        # Each makes a row of its own, with a key of its own.
        if not UUID.fullmatch(said.get("id", "")):
            raise Unequal(f"create is answered without the key of the new row: {body[:500]}")
        said["id"] = "its own"
    elif isinstance(said, dict) and "items" in said:
        said = {"items": said["items"]}  # Kingpost says besides where the next page is
    return said


def difference(first: Any, second: Any, where: str = "") -> str:
    """The first place where two contents differ, in words; nothing where they don't."""
    if isinstance(first, dict) and isinstance(second, dict):
        if first.keys() != second.keys():
            return f"{where or '/'} has {sorted(first)} in one and {sorted(second)} in the other"
        steps = [(first[name], second[name], f"{where}/{name}") for name in first]
    elif isinstance(first, list) and isinstance(second, list):
        if len(first) != len(second):
            return f"{where or '/'} has {len(first)} members in one and {len(second)} in the other"
        steps = [(one, other, f"{where}/{index}") for index, (one, other) in enumerate(zip(first, second))]
    else:
        same = type(first) is type(second) and first == second
        return "" if same else f"{where or '/'} is {_short(first)} in one and {_short(second)} in the other"
    return next((found for step in steps if (found := difference(*step))), "")


def _plain(value: Any) -> Any:
    """Instants as instants (JavaScript always writes milliseconds); tags are a set."""
    if isinstance(value, dict):
        return {name: _tags(each) if name == "tags" else _plain(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_plain(each) for each in value]
    if isinstance(value, str) and INSTANT.fullmatch(value):
        return datetime.fromisoformat(value)
    return value


def _tags(value: Any) -> Any:
    return sorted(value, key=lambda tag: tag["id"]) if isinstance(value, list) else value


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 200 else f"{text[:200]}…"
