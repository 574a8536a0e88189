"""A client that speaks ASGI and nothing else, so that a test sees every byte that a door sends."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

App = Callable[[Any, Any, Any], Awaitable[None]]


@dataclass
class Reply:
    status: int
    headers: dict[str, str]
    body: bytes
    chunks: list[bytes]

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def pointers(self) -> list[str]:
        return [each["pointer"] for each in self.json.get("errors", [])]


class Client:
    """Sends one request at a time, as `actor`."""

    def __init__(self, app: App, actor: Any = None) -> None:
        self.app = app
        self.actor = actor

    def acting(self, actor: Any) -> Client:
        return Client(self.app, actor)

    async def __call__(
        self,
        method: str,
        target: str,
        data: Any = None,
        *,
        body: bytes | list[bytes] = b"",
        type: str | None = None,
        **headers: str,
    ) -> Reply:
        """`data` goes as JSON; `body` as it is, a list in several chunks. `if_match="x"` is the header If-Match."""
        raw, _, query = target.partition("?")
        if data is not None:
            body = json.dumps(data).encode()
        if type is None and body:
            type = "application/json"
        lines = [(name.replace("_", "-").encode(), value.encode("latin-1")) for name, value in headers.items()]
        if type:
            lines.append((b"content-type", type.encode()))
        pieces = list(body) if isinstance(body, list) else [body]
        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "scheme": "http",
            "server": ("test", 80),
            "client": ("127.0.0.1", 1),
            "method": method,
            "path": unquote(raw),
            "raw_path": raw.encode("latin-1"),
            "root_path": "",
            "query_string": query.encode("latin-1"),
            "headers": lines,
            "kingpost.actor": self.actor,
        }
        sent: list[MutableMapping[str, Any]] = []

        async def receive() -> dict[str, Any]:
            if not pieces:
                await asyncio.Event().wait()
            piece = pieces.pop(0)
            return {"type": "http.request", "body": piece, "more_body": bool(pieces)}

        async def send(message: MutableMapping[str, Any]) -> None:
            sent.append(message)

        await self.app(scope, receive, send)
        start, *rest = sent
        chunks = [message.get("body", b"") for message in rest]
        told = {name.decode(): value.decode("latin-1") for name, value in start["headers"]}
        assert len(told) == len(start["headers"]), "a header was sent twice"
        assert all(name == name.lower() for name in told)
        return Reply(start["status"], told, b"".join(chunks), chunks)
