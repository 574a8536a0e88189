"""One request on its way through the stages."""

from __future__ import annotations

from time import perf_counter
from typing import Any

from kingpost.doors.rest.answer import Header, Receive, Scope, Send
from kingpost.doors.rest.headers import collect
from kingpost.engine.context import Context
from kingpost.model.model import Model


class Request:
    """What the stages need of an ASGI scope, read once. `context` comes from the identity stage."""

    __slots__ = ("began", "context", "headers", "identified", "method", "query", "receive", "scope", "send", "started")

    def __init__(self, scope: Scope, receive: Receive, send: Send, context: Context) -> None:
        self.began = perf_counter()
        self.scope = scope
        self.receive = receive
        self.send = send
        self.method: str = scope["method"]
        self.query: bytes = scope.get("query_string", b"")
        self.headers: dict[bytes, bytes] = collect(scope["headers"])
        self.context = context
        self.identified = perf_counter()
        self.started = False

    @property
    def accept(self) -> bytes:
        """The header Accept, empty if there is none."""
        return self.headers.get(b"accept", b"")


def asker(scope: Scope, model: Model) -> Any:
    """Who asks: whom a test has named, whatever middleware finds; else whom middleware has found, or None.

    Raises TypeError where that can't be who acts: middleware is at fault, and nobody is let in.
    """
    who = scope["kingpost.named"] if "kingpost.named" in scope else scope.get("kingpost.actor")
    model.require_actor(who)
    return who


def raw_path(scope: Scope) -> str:
    """The path as it was sent, still percent-encoded, without what the application is mounted under."""
    raw: Any = scope.get("raw_path")
    path = scope["path"] if raw is None else raw.partition(b"?")[0].decode("latin-1")
    root = scope.get("root_path")
    if root and path.startswith(root):
        path = path[len(root) :]
    return str(path)


def server_timing(request: Request, rendering: float) -> Header:
    """The header Server-Timing (W3C), in milliseconds: who asks, the plan, the stores, the body."""
    timings = request.context.timings
    stages = (
        ("identity", request.identified - request.began),
        ("plan", timings.plan),
        ("run", timings.run),
        ("render", rendering),
    )
    return b"server-timing", ", ".join(f"{name};dur={seconds * 1000:.3f}" for name, seconds in stages).encode("ascii")
