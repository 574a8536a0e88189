"""Requests that take too long, too many of them, bodies that do not come: each is ended, and told why."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing, suppress
from pathlib import Path

import pytest

from kingpost import App, Limits, Resource, action, anyone
from kingpost.testing import Client
from tests.faults.client import Asked, add, add_two, open_two, opened, refused, tags, told, until
from tests.services.postgres import PostgresServer
from tests.services.proxy import Proxy, proxy

SHORT = Limits(deadline=0.5)
SOON = 5
"""Seconds that nothing here may take, though what is asked for takes longer or never ends."""


@pytest.fixture
async def between(postgres_server: PostgresServer) -> AsyncIterator[Proxy]:
    """A proxy before PostgreSQL."""
    async with proxy(postgres_server.port) as made:
        yield made


@asynccontextmanager
async def soon() -> AsyncIterator[None]:
    """What is inside does not wait for what is late."""
    async with asyncio.timeout(SOON):
        yield


# ---------------------------------------------------------------------------------------------------------- too late


@pytest.mark.parametrize("fault", ["late", "silent"])
async def test_a_database_that_does_not_answer_holds_up_nobody_past_the_deadline(
    between: Proxy, postgres_url: str, fault: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with opened(between.before(postgres_url), limits=SHORT) as (_, client):
        assert (await add_two(client, "a", key="1")).status_code == 201
        assert (await client.get("/health/ready")).json() == {"status": "pass", "stores": {"main": "pass"}}
        between.delay, between.silent = (10, False) if fault == "late" else (0, True)
        async with soon():
            asked = client.get("/api/lines"), add(client, "b"), add_two(client, "c", key="2"), open_two(client, "d")
            answers = asyncio.gather(*asked)
            assert (await client.get("/health/live")).json() == {"status": "pass"}
            read, *writes = await answers
            problem = refused(read, 504, "KP506")
            assert "0.5 s" in problem["detail"]
            for write in writes:
                problem = refused(write, 503, "KP505")
                assert "Idempotency-Key" in problem["detail"]
            await until(lambda: is_ready(client, ready=False))
        assert "while the store main was asked" in caplog.text
        between.delay, between.silent = 0, False
        assert (await add_two(client, "c", key="2")).status_code == 201
        found = await tags(client)
        assert found == sorted(set(found))
        assert {"a.0", "a.1", "c.0", "c.1"} <= set(found)
        await until(lambda: is_ready(client))
        # Those that were left are closed, here and in the server.
        await until(lambda: at_most(between, 4))


async def is_ready(client: Client, ready: bool = True) -> bool:
    answer = await client.get("/health/ready")
    assert answer.json()["stores"] == {"main": answer.json()["status"]}
    assert answer.status_code == (200 if answer.json()["status"] == "pass" else 503)
    return (answer.status_code == 200) is ready


async def at_most(between: Proxy, number: int) -> bool:
    return between.connections <= number


async def test_a_lock_that_stays_beyond_the_deadline(tmp_path: Path) -> None:
    file = tmp_path / "ledger.db"
    async with opened(f"sqlite:///{file}?wait=20", limits=SHORT) as (_, client):
        with closing(sqlite3.connect(file, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            async with soon():
                refused(await add_two(client, "a", key="1"), 503, "KP505")
                assert await tags(client) == []
            other.execute("ROLLBACK")
        for _ in range(2):
            assert (await add_two(client, "a", key="1")).status_code == 201
        assert await tags(client) == ["a.0", "a.1"]


class Slow(Resource, read=anyone, write=anyone, dawdle=anyone):
    name: str

    @action
    @classmethod
    async def dawdle(cls, name: str) -> None:
        await cls(name=name).save()
        await asyncio.sleep(3600)


async def test_code_of_the_applications_own_is_given_up_and_told_so() -> None:
    app = App("slow", resources=[Slow], stores={"main": "sqlite://"}, limits=SHORT)

    @app.get("/sleep")
    async def sleep() -> None:
        await asyncio.sleep(3600)

    @app.get("/sleep/{seconds}")
    async def sleep_for(seconds: int) -> None:
        await asyncio.sleep(seconds)

    async with Client(app, raise_errors=False) as client, soon():
        await app.sync()
        for path in ("/sleep", "/sleep/3600"):
            told(await client.get(path), 504, "KP506")
        told(await client.post("/api/slows/-/dawdle", json={"name": "alone"}), 503, "KP505")
        kept = {"idempotency-key": '"1"'}
        told(await client.post("/api/slows/-/dawdle", json={"name": "with its record"}, headers=kept), 503, "KP505")
        # Under a key what the action writes is one transaction, and that was rolled back.
        assert [slow["name"] for slow in (await client.get("/api/slows")).json()["items"]] == ["alone"]
        assert (await client.get("/sleep/0")).status_code == 200


async def test_who_waits_for_code_that_can_not_be_stopped_is_told_all_the_same() -> None:
    async with opened("sqlite://", limits=SHORT) as (app, client), soon():
        thread, tidied = threading.Event(), asyncio.Event()

        @app.get("/block")
        def block() -> str:
            thread.wait(2 * SOON)  # where the test has failed, too, the thread is to end
            return "done"

        @app.get("/block/{name}")
        def block_by_name(name: str) -> str:
            thread.wait(2 * SOON)
            return name

        @app.get("/tidy")
        async def tidy() -> str:
            with suppress(asyncio.CancelledError):
                await asyncio.sleep(3600)
            await tidied.wait()
            return "too late"

        for path in ("/block", "/block/x"):
            told(await client.get(path), 504, "KP506")
        asked = Asked(app, "/tidy")
        await until(asked.is_told)
        assert asked.status == 504
        assert not asked.task.done()
        tidied.set()
        await asked.task
        assert [message["type"] for message in asked.sent] == ["http.response.start", "http.response.body"]
        thread.set()
        assert (await client.get("/block")).json() == "done"
        assert (await client.get("/block/x")).json() == "x"


# ---------------------------------------------------------------------------------------------------------- too many


class Gate:
    """Requests for `/gate` wait at it: so many of them have come."""

    def __init__(self, app: App) -> None:
        self.opened = asyncio.Event()
        self.waiting = 0

        @app.get("/gate")
        async def gate() -> None:
            self.waiting += 1
            await self.opened.wait()

    async def holds(self, number: int) -> bool:
        return self.waiting == number


async def test_one_more_than_can_be_answered_is_refused_at_once(caplog: pytest.LogCaptureFixture) -> None:
    async with opened("sqlite://", limits=Limits(in_flight=3)) as (app, client), soon():
        gate = Gate(app)
        held = [asyncio.create_task(client.get("/gate")) for _ in range(3)]
        await until(lambda: gate.holds(3))
        for path in ("/api/lines", "/gate", "/no/such"):
            told(await client.get(path), 503, "KP508")
        told(await add(client, "no"), 503, "KP508")
        for path in ("/health/live", "/health/ready"):
            assert (await client.get(path)).status_code == 200
        gate.opened.set()
        assert {answer.status_code for answer in await asyncio.gather(*held)} == {200}
        assert await tags(client) == []
        assert (await add(client, "1")).status_code == 201
        assert caplog.text.count("a request was refused: 3 are answered at once and no more") == 1  # of four


async def test_who_is_given_up_by_the_server_takes_no_place() -> None:
    async with opened("sqlite://", limits=Limits(in_flight=1)) as (app, client), soon():
        gate = Gate(app)
        asked = Asked(app, "/gate")
        await until(lambda: gate.holds(1))
        told(await client.get("/api/lines"), 503, "KP508")
        asked.task.cancel()
        await asyncio.wait([asked.task])
        assert asked.task.cancelled()
        assert await tags(client) == []


class Body:
    """The body of a request, which comes when it is let go."""

    def __init__(self, content: bytes) -> None:
        self._content = content
        self.begun = self.ended = False
        self.rest = asyncio.Event()

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield self._content[:5]
        self.begun = True
        try:
            await self.rest.wait()
        finally:
            self.ended = True
        yield self._content[5:]

    async def has_begun(self) -> bool:
        return self.begun


JSON = {"content-type": "application/json"}


async def test_bodies_that_are_coming_in_take_no_places() -> None:
    async with opened("sqlite://", limits=Limits(in_flight=2)) as (app, client), soon():
        bodies = [Body(b'{"tag": "%d"}' % number) for number in range(5)]
        asked = [asyncio.create_task(client.post("/api/lines", content=body, headers=JSON)) for body in bodies]
        for body in bodies:
            await until(body.has_begun)
        assert await tags(client) == []

        gate = Gate(app)
        held = [asyncio.create_task(client.get("/gate")) for _ in range(2)]
        await until(lambda: gate.holds(2))
        bodies[0].rest.set()  # now that it is here there is no place for it
        told(await asked[0], 503, "KP508")
        gate.opened.set()
        await asyncio.gather(*held)
        for body, task in zip(bodies[1:], asked[1:], strict=True):
            body.rest.set()
            assert (await task).status_code == 201
        assert await tags(client) == ["1", "2", "3", "4"]


# ------------------------------------------------------------------------------------------------------------- too slow


async def test_a_body_that_does_not_come_is_given_up() -> None:
    async with opened("sqlite://", limits=Limits(slow=0.3)) as (app, client), soon():

        @app.post("/own")
        async def own(tag: dict[str, str]) -> dict[str, str]:
            return tag

        for path in ("/api/lines", "/own"):
            body = Body(b'{"tag": "never"}')
            answer = await client.post(path, content=body, headers=JSON)
            told(answer, 408, "KP174")
            assert answer.headers["connection"] == "close"
        assert await tags(client) == []


async def test_a_body_that_comes_at_a_good_rate_may_take_its_time() -> None:
    async def megabyte() -> AsyncIterator[bytes]:
        for _ in range(10):
            yield b" " * 100_000
            await asyncio.sleep(0.1)
        yield b'{"tag": "1"}'

    async with opened("sqlite://", limits=Limits(slow=0.3, deadline=0.5)) as (app, client):

        @app.post("/own")
        async def own(tag: dict[str, str]) -> dict[str, str]:
            await asyncio.sleep(0.2)  # the deadline counts from when the body is here
            return tag

        for path, status in (("/api/lines", 201), ("/own", 200)):
            answer = await client.post(path, content=megabyte(), headers=JSON)
            assert answer.status_code == status


@pytest.mark.parametrize("name", ["deadline", "in_flight", "slow"])
@pytest.mark.parametrize("value", [0, -1, float("inf"), float("nan")])
def test_limits_are_greater_than_nothing_and_there(name: str, value: float) -> None:
    with pytest.raises(ValueError, match=f"Limits.{name}"):
        Limits(**{name: value})
