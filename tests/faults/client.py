"""What the tests of faults ask of the ledger, and what an answer has to be that says no."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import httpx2

from kingpost import App
from kingpost.testing import Client
from tests.faults.ledger import ledger


@asynccontextmanager
async def opened(store: str, **options: Any) -> AsyncIterator[tuple[App, Client]]:
    """The ledger in this process, with its tables."""
    app = ledger(store, **options)
    async with Client(app, raise_errors=False) as client:
        await app.sync()
        yield app, client


class Asked:
    """A GET request as a server hands it to an application, and what has been sent of the answer."""

    def __init__(self, app: App, path: str) -> None:
        self.sent: list[Any] = []
        self.gone = asyncio.Event()
        """Set when the client goes away."""
        scope = {
            "type": "http", "method": "GET", "path": path, "raw_path": path.encode(), "query_string": b"",
            "headers": [], "http_version": "1.1", "scheme": "http", "root_path": "", "server": ("x", 80),
        }  # fmt: skip
        self.task = asyncio.create_task(app(scope, self._receive, self._send))

    @property
    def status(self) -> int:
        """0 as long as nothing has been sent."""
        status: int = self.sent[0]["status"] if self.sent else 0
        return status

    async def is_told(self) -> bool:
        """Whether something has been sent."""
        return self.status > 0

    async def _receive(self) -> dict[str, Any]:
        await self.gone.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: Any) -> None:
        self.sent.append(message)


async def add(client: httpx2.AsyncClient, tag: str, key: str = "") -> httpx2.Response:
    """One row: a single statement, unless a key is kept with it."""
    return await client.post("/api/lines", json={"tag": tag}, headers=keyed(key))


async def add_two(client: httpx2.AsyncClient, tag: str, key: str = "") -> httpx2.Response:
    """Two rows in one batch."""
    many = [{"tag": f"{tag}.0"}, {"tag": f"{tag}.1"}]
    return await client.post("/api/lines", json=many, headers=keyed(key))


async def open_two(client: httpx2.AsyncClient, tag: str, key: str = "") -> httpx2.Response:
    """Two rows, written by an action."""
    return await client.post("/api/lines/-/open", json={"tag": tag}, headers=keyed(key))


def keyed(key: str) -> dict[str, str]:
    return {"idempotency-key": f'"{key}"'} if key else {}


async def tags(client: httpx2.AsyncClient) -> list[str]:
    answer = await client.get("/api/lines?limit=1000&sort=tag&fields=tag")
    assert answer.status_code == 200, answer.text
    return [item["tag"] for item in answer.json()["items"]]


async def until(good: Callable[[], Awaitable[bool]], seconds: float = 20) -> None:
    """Ask again and again until it is so."""
    async with asyncio.timeout(seconds):
        while not await good():  # noqa: ASYNC110
            await asyncio.sleep(0.02)


def told(answer: httpx2.Response, status: int, code: str) -> dict[str, Any]:
    """The problem; a 503 says when to come again."""
    problem: dict[str, Any] = answer.json()
    assert (answer.status_code, problem["type"]) == (status, f"/problems/{code}"), answer.text
    if status == 503:
        assert int(answer.headers["retry-after"]) >= 1
    return problem


def refused(answer: httpx2.Response, status: int, code: str) -> dict[str, Any]:
    """The problem with a store, which is named, and nothing of where it is."""
    problem = told(answer, status, code)
    assert "main" in problem["detail"]
    assert "/" not in problem["detail"]
    assert "127.0.0.1" not in answer.text
    return problem
