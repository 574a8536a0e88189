"""Before anything is measured: every implementation answers the same."""

from __future__ import annotations

import html
import json
import re
import urllib.error
import urllib.request
from datetime import datetime
from typing import Any

from bench import pocketbase
from bench.endpoints import SAME_AS, Request

INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")
KEY = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|[0-9a-z]{15}")


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
    """What an answer says, whichever way it is written. Raises `Unequal` where it is none at all."""
    status, media, body = answer
    if endpoint == "page":
        if media != "text/html":
            raise Unequal(f"page is answered as {media}")
        return re.sub(r"\s*(<[^>]+>)\s*", r"\1", html.unescape(body)).strip()
    if media != "application/json":
        raise Unequal(f"{endpoint} is answered as {media}")
    said = json.loads(body)
    if "items" in said:  # some say besides where the next page is, or how many there are
        return {"items": [_plain(_shaped(item)) for item in said["items"]]}
    said = _plain(_shaped(said))
    if SAME_AS.get(endpoint, endpoint) == "create":
        # Each makes a row of its own, with a key of its own. PocketBase knows no 201.
        if status not in (200, 201) or not KEY.fullmatch(str(said.get("id"))):
            raise Unequal(f"{endpoint} is answered {status} without the key of a new row: {body[:500]}")
        said["id"] = "its own"
    return said


def _shaped(record: dict[str, Any]) -> dict[str, Any]:
    return pocketbase.plain(record) if "collectionId" in record else record


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
