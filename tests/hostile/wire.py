"""HTTP as bytes: what no client library would send, to a server that runs as users run it."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.cli.running import Served, serving

APP = """
from tests.hostile.castle import castle

app = castle({main!r}, {side!r})
"""
PATIENCE = 30.0
"""Seconds after which a server that says nothing has failed a test."""


@dataclass
class Heard:
    """One answer off the wire."""

    status: int
    headers: dict[str, str]
    body: bytes
    reason: str = ""

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Wire:
    """A server, and raw connections to it."""

    served: Served
    said: list[bytes] = field(default_factory=list)

    @property
    def port(self) -> int:
        return int(self.served.url.rpartition(":")[2])

    @contextmanager
    def connection(self) -> Iterator[socket.socket]:
        with socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE) as made:
            yield made

    def send(self, *pieces: bytes, head: bool = False) -> Heard | None:
        """Send bytes on a connection of their own; the first answer, or None where the server just hangs up."""
        return self.pour(pieces, head=head)

    def pour(self, pieces: Iterable[bytes], *, head: bool = False) -> Heard | None:
        """The same, for as long as the server takes it."""
        with self.connection() as made:
            _give(made, pieces)
            return read_answer(made.makefile("rb"), head=head)

    def pipelined(self, raw: bytes, count: int) -> list[Heard | None]:
        """The answers to several requests sent at once."""
        with self.connection() as made:
            _give(made, [raw])
            stream = made.makefile("rb")
            return [read_answer(stream) for _ in range(count)]

    def ask(
        self, method: str, target: str | bytes, body: bytes | None = None, actor: str = "", **headers: str
    ) -> Heard:
        """An ordinary request; `if_match` is the header If-Match."""
        heard = self.send(request(method, target, body, actor, **headers), head=method == "HEAD")
        assert heard is not None, f"no answer to {method} {target!r}"
        return heard


def request(method: str, target: str | bytes, body: bytes | None = None, actor: str = "", **headers: str) -> bytes:
    """The bytes of a request."""
    path = target if isinstance(target, bytes) else target.encode()
    lines = [method.encode() + b" " + path + b" HTTP/1.1", b"host: 127.0.0.1", b"connection: close"]
    if actor:
        lines.append(b"x-actor: " + actor.encode())
    if body is not None:
        lines.append(b"content-length: %d" % len(body))
        headers = {"content_type": "application/json", **headers}
    lines += [name.replace("_", "-").encode() + b": " + value.encode("latin-1") for name, value in headers.items()]
    return b"\r\n".join(lines) + b"\r\n\r\n" + (body or b"")


def _give(made: socket.socket, pieces: Iterable[bytes]) -> None:
    """Send until the server will not have more."""
    try:
        for piece in pieces:
            made.sendall(piece)
    except (BrokenPipeError, ConnectionResetError):
        pass


def read_answer(stream: Any, *, head: bool = False) -> Heard | None:
    """One answer; None where the connection ends before one. Interim answers (1xx) are passed over."""
    while True:
        try:
            line = stream.readline(65_536)
        except ConnectionResetError:
            return None
        if not line:
            return None
        _, status, *reason = line.decode("latin-1").rstrip("\r\n").split(" ", 2)
        headers: dict[str, str] = {}
        while (line := stream.readline(65_536)) not in (b"\r\n", b""):
            name, _, value = line.decode("latin-1").partition(":")
            headers[name.lower()] = value.strip()
        if not status.startswith("1"):
            break
    body = b""
    if head or status in ("204", "304"):
        pass
    elif headers.get("transfer-encoding") == "chunked":
        while size := int(stream.readline().strip() or b"0", 16):
            body += stream.read(size)
            stream.readline()
        stream.readline()
    elif "content-length" in headers:
        body = stream.read(int(headers["content-length"]))
    else:
        body = stream.read()
    return Heard(int(status), headers, body, "".join(reason))


@contextmanager
def served_castle(folder: Path, main: str, side: str) -> Iterator[Wire]:
    """`kingpost serve --production` around the castle, whose tables and rows are there already."""
    (folder / "castle_app.py").write_text(APP.format(main=main, side=side))
    root = Path(__file__).parents[2]
    with serving(folder, "castle_app:app", "--production", PYTHONPATH=f"{root / 'src'}:{root}") as served:
        served.wait()
        yield Wire(served)
