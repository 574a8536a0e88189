"""HTTP itself, on the wire: lines, lengths, chunks and addresses that no client library sends."""

from __future__ import annotations

import os
import resource
import socket
import subprocess
from collections.abc import Iterator

import pytest

from tests.hostile.sentry import look
from tests.hostile.wire import Heard, Wire, read_answer, request

pytestmark = pytest.mark.asyncio(loop_scope="module")

POST = b"POST /api/relics HTTP/1.1\r\nhost: x\r\nx-actor: Ben\r\ncontent-type: application/json\r\n"
MEGABYTE = 1 << 20


def line(text: bytes, *headers: bytes, body: bytes = b"") -> bytes:
    return b"\r\n".join([text, b"host: x", *headers, b"", body])


def fine(heard: Heard | None, asked: bytes) -> Heard:
    """An answer of the application is a good one; what is no HTTP may be refused by the server, in few words."""
    assert heard is not None, asked[:200]
    assert heard.status < 500, (asked[:200], heard)
    if heard.headers.get("content-type", "").startswith("application/problem"):
        look(heard.status, heard.headers, heard.body, asked.decode("latin-1"))
    return heard


async def alive(wire: Wire) -> None:
    assert wire.ask("GET", "/api/teams?limit=1").status == 200


@pytest.mark.parametrize(
    ("raw", "status"),
    [
        (b"GET /api/teams HTTP/1.0\r\n\r\n", 200),
        (b"\r\n\r\n" + line(b"GET /api/teams HTTP/1.1"), 200),
        (b"GET /api/teams HTTP/1.1\nhost: x\n\n", 200),
        (line(b"GET http://evil.example/api/teams HTTP/1.1"), 200),
        (line(b"GET http://evil.example/api/teams?limit=0 HTTP/1.1"), 400),
        (line(b"GET http://evil.example:99999/api/teams HTTP/1.1"), 200),
        (b"GET /api/teams\r\n\r\n", 400),
        (line(b"GET /api/teams HTTP/2.0"), 400),
        (line(b"GET /api/teams HTTP/9.9"), 400),
        (line(b"GET api/teams HTTP/1.1"), 400),
        (line(b"GET * HTTP/1.1"), 404),
        (line(b"OPTIONS * HTTP/1.1"), 404),
        (line(b"CONNECT evil.example:80 HTTP/1.1"), 404),
        (line(b"GET /api/x/../teams HTTP/1.1"), 404),
        (line(b"GET /api/%2e%2e/api/teams HTTP/1.1"), 404),
        (line(b"GET /../../etc/passwd HTTP/1.1"), 404),
        (line(b"GET //api/teams HTTP/1.1"), 404),
        (line(b"GET /api/teams/%00 HTTP/1.1"), 404),
        (line(b"GET /api/te\0ams HTTP/1.1"), 400),
        (line(b"GET /api/teams/\xff HTTP/1.1"), 400),
        (line("GET /api/teams/é HTTP/1.1".encode()), 404),
        (line(b"GET /api/teams/%ff HTTP/1.1"), 404),
        (line(b"GET /%ff%fe HTTP/1.1"), 404),
        (line(b"GET /api/runes/%c0%ae%c0%ae HTTP/1.1"), 404),
        (line(b"GET /api/runes/%0d%0aset-cookie:%20a=b HTTP/1.1"), 404),
        (line(b"GET /api/ teams HTTP/1.1"), 400),
        (line(b"GET\t/api/teams\tHTTP/1.1"), 400),
        (line(b"GE\x01T /api/teams HTTP/1.1"), 400),
        (line(b"get /api/teams HTTP/1.1"), 405),
        (line(b"TRACE /api/teams HTTP/1.1", b"cookie: secret"), 405),
        (line(b"BREW /api/teams HTTP/1.1"), 405),
        (line(b"A" * 2_000 + b" /api/teams HTTP/1.1"), 405),
        (line(b"GET /api/teams?name=\xff HTTP/1.1"), 400),
        (line("GET /api/teams?name=é HTTP/1.1".encode()), 200),
        (line(b"GET /api/teams?name=%ff HTTP/1.1"), 400),
        (line(b"GET /api/teams?name=%00 HTTP/1.1"), 400),
        (line(b"GET /api/teams?name=x#&limit=0 HTTP/1.1"), 200),
        (line(b"GET /api/teams?name=x?limit=0 HTTP/1.1"), 200),
        (line(b"GET /api/teams?limit=1;limit=2 HTTP/1.1"), 400),
        (line(b"GET /api/teams?name[ge]=x HTTP/1.1"), 200),
        (line(b"GET /api/teams?" + b"name=" + b"a" * 65_000 + b" HTTP/1.1"), 200),
        (line(b"GET /api/teams?" + b"name=" + b"a" * 66_000 + b" HTTP/1.1"), 414),
        (line(b"GET /api/teams/" + b"a" * 60_000 + b" HTTP/1.1"), 404),
        (line(b"GET /api/teams/" + b"a" * 600_000 + b" HTTP/1.1"), 431),
        (line(b"GET /api/teams HTTP/1.1", b"x: " + b"a" * 100_000), 200),
        (line(b"GET /api/teams HTTP/1.1", b"x: " + b"a" * 1_000_000), 431),
        (line(b"GET /api/teams HTTP/1.1", *[b"x%d: a" % number for number in range(1_000)]), 431),
        (line(b"GET /api/teams HTTP/1.1", *[b'if-none-match: "x"'] * 90), 200),
        (line(b"GET /api/teams HTTP/1.1", b"accept: \xff\xfe"), 406),
        (line(b"GET /api/teams HTTP/1.1", b"x: a\0b"), 400),
        (line(b"GET /api/teams HTTP/1.1", b"x: a\x01b"), 400),
        (line(b"GET /api/teams HTTP/1.1", b"x y: a"), 400),
        (line(b"GET /api/teams HTTP/1.1", b"x: a", b" folded"), 400),
        (line(b"GET /api/teams HTTP/1.1", b"no colon"), 400),
        (line(b"GET /api/teams HTTP/1.1", b"x: a\rset-cookie: a=b"), 400),
        (line(b"GET /api/teams HTTP/1.1", b"connection: upgrade", b"upgrade: websocket"), 400),
        (line(b"GET /api/teams HTTP/1.1", b"connection: upgrade, http2-settings", b"upgrade: h2c"), 200),
        (line(b"GET /api/teams HTTP/1.1", b"content-length: 2", body=b"{}"), 200),
        (POST + b"content-length: -1\r\n\r\n{}", 400),
        (POST + b"content-length: two\r\n\r\n{}", 400),
        (POST + b"content-length: +2\r\n\r\n{}", 400),
        (POST + b"content-length: 2, 2\r\n\r\n{}", 400),
        (POST + b"content-length: 2\r\ncontent-length: 3\r\n\r\n{}", 400),
        (POST + b"content-length: 18446744073709551616\r\n\r\n{}", 400),
        (POST + b"content-length: 104857600\r\n\r\n", 413),
        (POST + b"content-length: 2\r\nexpect: 100-continue\r\n\r\n{}", 422),
        (POST + b"content-length: 2\r\nexpect: 200-ok\r\n\r\n{}", 422),
        (POST + b"content-length: 4\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n", 400),
        (POST + b"transfer-encoding: gzip\r\n\r\n{}", 400),
        (POST + b"transfer-encoding: chunked, gzip\r\n\r\n{}", 400),
        (POST + b"transfer-encoding: xchunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n", 400),
        (POST + b"transfer-encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n", 422),
        (POST + b"transfer-encoding: chunked\r\n\r\n2;a=b\r\n{}\r\n0\r\nx: y\r\n\r\n", 422),
        (POST + b"transfer-encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n", 400),
        (POST + b"transfer-encoding: chunked\r\n\r\n-2\r\n{}\r\n0\r\n\r\n", 400),
        (POST + b"transfer-encoding: chunked\r\n\r\n0x2\r\n{}\r\n0\r\n\r\n", 400),
        (POST + b"transfer-encoding: chunked\r\n\r\nffffffffffffffffff\r\n{}\r\n0\r\n\r\n", 400),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(range(256)) + b"\r\n\r\n", 400),
    ],
    ids=lambda value: value[:60].decode("latin-1") if isinstance(value, bytes) else str(value),
)  # fmt: skip
async def test_lines_that_nobody_sends(wire: Wire, raw: bytes, status: int) -> None:
    heard = fine(wire.send(raw), raw)
    assert heard.status == status, heard
    assert "set-cookie" not in heard.headers


async def test_a_body_shorter_than_it_said(wire: Wire) -> None:
    with wire.connection() as made:
        made.sendall(POST + b'content-length: 100\r\n\r\n{"name":"short"}')
        made.shutdown(socket.SHUT_WR)
        heard = fine(read_answer(made.makefile("rb")), POST)
    assert (heard.status, heard.json["type"]) == (400, "/problems/KP167")
    with wire.connection() as made:  # and one who does not wait for the answer
        made.sendall(POST + b'content-length: 100\r\n\r\n{"name":"short"}')
        made.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    assert wire.ask("GET", "/api/relics?name=short").json["items"] == []
    assert "Traceback" not in wire.served.printed


async def test_a_body_longer_than_it_said_is_the_next_request(wire: Wire) -> None:
    raw = POST + b"content-length: 2\r\n\r\n{}" + request("GET", "/api/teams?limit=1")
    assert [heard and heard.status for heard in wire.pipelined(raw, 2)] == [422, 200]
    raw = POST + b"content-length: 2\r\n\r\n{}garbage\r\n\r\n"
    assert [heard and heard.status for heard in wire.pipelined(raw, 2)] == [422, 400]


async def test_two_ways_to_say_where_a_body_ends_smuggle_nothing(wire: Wire) -> None:
    hidden = request("DELETE", "/api/coins/0", actor="Ben")
    for headers in (
        b"content-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
        b"transfer-encoding: chunked\r\ncontent-length: 5\r\n\r\n0\r\n\r\n",
        b"content-length: 5\r\ntransfer-encoding : chunked\r\n\r\n0\r\n\r\n",
        b"content-length: 5\r\ntransfer-encoding: \x0bchunked\r\n\r\n0\r\n\r\n",
    ):
        answers = wire.pipelined(POST + headers + hidden, 2)
        assert answers[0] is not None
        assert answers[0].status == 400
    assert wire.ask("GET", "/api/coins/0").status == 200


async def test_many_requests_at_once_are_answered_in_order(wire: Wire) -> None:
    raw = b"".join(line(b"GET /api/teams?limit=%d HTTP/1.1" % (number % 3)) for number in range(60))
    assert [heard and heard.status for heard in wire.pipelined(raw, 60)] == [
        400 if number % 3 == 0 else 200 for number in range(60)
    ]


def memory_of(wire: Wire) -> int:
    """Bytes that the processes of the server hold."""
    told = subprocess.run(["ps", "-eo", "pid,ppid,rss"], capture_output=True, text=True, check=True).stdout
    pid = wire.served.process.pid
    rows = (map(int, each.split()) for each in told.splitlines()[1:])
    return sum(kilobytes << 10 for own, parent, kilobytes in rows if pid in (own, parent))


def pieces(size: int, piece: bytes) -> Iterator[bytes]:
    for _ in range(size // len(piece)):
        yield piece


BLOCK = b"a" * 65_536
ENDLESS = {
    "announced": (b"content-length: 104857600\r\n\r\n", BLOCK, 413),
    "one chunk": (b"transfer-encoding: chunked\r\n\r\n6400000\r\n", BLOCK, 413),
    "chunks": (b"transfer-encoding: chunked\r\n\r\n", b"10000\r\n" + BLOCK + b"\r\n", 413),
    "small chunks": (b"transfer-encoding: chunked\r\n\r\n", b"1\r\n \r\n" * 10_000, 413),
    "words about chunks": (b"transfer-encoding: chunked\r\n\r\n", b"1;" + b"a" * 60_000 + b"\r\n \r\n", 400),
}


@pytest.mark.parametrize("kind", ENDLESS)
async def test_a_hundred_megabytes_are_refused_early(wire: Wire, kind: str) -> None:
    """By what was announced, else by counting; what has been read by then is all that it cost."""
    headers, piece, status = ENDLESS[kind]
    before = memory_of(wire)
    sent = 0

    def counted() -> Iterator[bytes]:
        nonlocal sent
        yield POST + headers
        for each in pieces(100 * MEGABYTE, piece):
            yield each
            sent += len(each)

    heard = fine(wire.pour(counted()), headers)
    assert heard.status == status
    assert sent < 50 * MEGABYTE, "all of it was taken"
    assert memory_of(wire) - before < 40 * MEGABYTE
    assert wire.ask("GET", "/api/relics?name=a").json["items"] == []


async def test_connections_that_say_nothing_hold_up_nobody(wire: Wire) -> None:
    wanted = 200
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    assert soft > wanted
    held = [socket.create_connection(("127.0.0.1", wire.port)) for _ in range(wanted)]
    try:
        for number, each in enumerate(held):
            each.sendall([b"", b"GET /api/te", POST + b"content-length: 10\r\n\r\n{", b"\x16\x03"][number % 4])
        await alive(wire)
    finally:
        for each in held:
            each.close()
    await alive(wire)


async def test_noise(wire: Wire) -> None:
    for size in (1, 10, 1_000, 100_000):
        for _ in range(5):
            heard = wire.send(os.urandom(size) + b"\r\n\r\n")
            assert heard is None or heard.status == 400
    await alive(wire)
    assert "Traceback" not in wire.served.printed
