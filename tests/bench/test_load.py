"""wrk: what it is told, and what it tells."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from bench import load
from bench.endpoints import Request
from tests.services.wrk import require_wrk

REPORT = """Running 1s test @ http://127.0.0.1:8000
  1 threads and 32 connections
Requests/sec:   1000.00
bench: {"requests": 2000, "microseconds": 2000000, "p50": 1500, "p99": 9500, "errors": 0}
"""


def test_the_report_is_found_among_what_wrk_prints() -> None:
    found = load.parse(REPORT)
    assert found == load.Load(requests=2000, seconds=2.0, p50_ms=1.5, p99_ms=9.5, errors=0)
    assert found.rps == 1000


def test_without_a_report_what_wrk_said_is_told() -> None:
    with pytest.raises(load.LoadError, match="unable to connect"):
        load.parse("", "unable to connect to 127.0.0.1:1 Connection refused\n")


def test_no_answer_is_no_measurement() -> None:
    with pytest.raises(load.LoadError, match="nothing was answered"):
        load.parse('bench: {"requests": 0, "microseconds": 1, "p50": 0, "p99": 0, "errors": 0}')


@asynccontextmanager
async def server(answer: Callable[[str, str, str], int]) -> AsyncIterator[int]:
    """A bare HTTP server that tells each request to `answer`, which says the status."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode()
                method, path, _ = head.split(" ", 2)
                length = next((int(x.split(":")[1]) for x in head.splitlines() if x.startswith("Content-Length")), 0)
                status = answer(method, path, (await reader.readexactly(length)).decode())
                writer.write(b"HTTP/1.1 %d Said\r\nContent-Length: 2\r\n\r\nok" % status)
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    listening = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with listening:
        yield listening.sockets[0].getsockname()[1]


async def _run(port: int, requests: list[Request]) -> load.Load:
    running: Awaitable[load.Load] = asyncio.to_thread(load.run, port, requests, 1, 2)
    return await running


async def test_the_prepared_requests_are_sent_one_after_another() -> None:
    require_wrk()
    seen: set[tuple[str, str, str]] = set()

    def answer(method: str, path: str, body: str) -> int:
        seen.add((method, path, body))
        return 201 if method == "POST" else 200

    body = json.dumps({"title": 'A "quoted" & ünicode title\n', "path": "a\\b"})
    requests = [Request(f"/rows/{number}?x=%5B") for number in range(20)] + [Request("/rows", "POST", body)]
    async with server(answer) as port:
        found = await _run(port, requests)
    assert seen == {(each.method, each.path, each.body) for each in requests}
    assert found.requests >= len(requests)
    assert 0.9 < found.seconds < 5
    assert 0 < found.p50_ms <= found.p99_ms


async def test_errors_make_a_measurement_void() -> None:
    require_wrk()
    async with server(lambda _method, path, _body: 500 if path == "/bad" else 200) as port:
        with pytest.raises(load.LoadError, match="were errors"):
            await _run(port, [Request("/good"), Request("/bad")])
