"""Clients that are too many, and a server that is told to stop."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from statistics import median

import pytest

from tests.faults.client import add, until
from tests.faults.served import Watcher, connect, served
from tests.faults.server import Server
from tests.soak import count

# ---------------------------------------------------------------------------------------------------- they are too many


SECONDS = count(4, 60)
PLACES = 20


@pytest.mark.soak
async def test_four_times_more_than_can_be_done(tmp_path: Path, postgres_url: str) -> None:
    """What is too much is refused at once, so that what can be done is done as fast as ever.

    What is asked for takes a tenth of a second in the database, on ten connections: how much can be done does not
    depend on how busy this machine is with other things.
    """
    async with served(tmp_path, f"{postgres_url}?pool=20", IN_FLIGHT=f"{PLACES}") as (server, _):
        peak = await offered(server, PLACES, SECONDS)
        over = await offered(server, PLACES, SECONDS, every=1 / (4 * peak.rate))
        print(f"\npeak: {peak}\nfour times as many: {over}")
        assert set(peak.answers) == {200}
        assert over.sent / over.sending >= 3.5 * peak.rate  # so that it was too much
        assert set(over.answers) == {200, 503}
        assert over.codes == {"KP508"}
        assert over.rate >= 0.8 * peak.rate
        # Who gets an answer waits for those who have a place before him, and not for all who ask.
        assert median(over.took[200]) <= 2 * median(peak.took[200])
        # Who gets none is told so without waiting.
        assert median(over.took[503]) < median(over.took[200]) / 2
        # And when it is over, it is over.
        after = await offered(server, PLACES, 1)
        assert set(after.answers) == {200}
        assert server.printed.count("a request was refused") < 5 + SECONDS  # and not once for each


REQUEST = b"GET /work HTTP/1.1\r\nhost: x\r\n\r\n"


class Load:
    """Requests, and what came of them. It took `sending` seconds until the last was sent, `seconds` to the end."""

    def __init__(self) -> None:
        self.sent = 0
        self.codes: set[str] = set()
        self.took: dict[int, list[float]] = {}
        self.seconds = 0.0
        self.sending = 0.0

    @property
    def answers(self) -> dict[int, int]:
        """How many there were of each status."""
        return {status: len(took) for status, took in self.took.items()}

    @property
    def rate(self) -> float:
        """Good answers a second."""
        return self.answers[200] / self.seconds

    def __str__(self) -> str:
        medians = ", ".join(f"{status} in {median(took) * 1000:.0f} ms" for status, took in sorted(self.took.items()))
        return f"{self.sent / self.sending:.0f} requests/s, {self.rate:.1f} good answers/s, {self.answers} ({medians})"


async def offered(server: Server, clients: int, seconds: float, every: float = 0) -> Load:
    """Load by so many clients that each wait for their answer; or a request `every` so many seconds, come what may."""
    loop = asyncio.get_running_loop()
    load, began = Load(), loop.time()
    idle: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []

    async def ask() -> None:
        reader, writer = idle.pop() if idle else await connect(server)
        at = loop.time()
        load.sent += 1
        writer.write(REQUEST)
        try:
            head = await reader.readuntil(b"\r\n\r\n")
        except (asyncio.IncompleteReadError, ConnectionError):  # it was idle for too long, and is closed
            writer.close()
            reader, writer = await connect(server, REQUEST)
            head = await reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0])
        body = await reader.readexactly(length)
        status = int(head[9:12])
        load.took.setdefault(status, []).append(loop.time() - at)
        if status != 200:
            assert b"\r\nretry-after: " in head
            load.codes.add(json.loads(body)["type"].rpartition("/")[2])
        idle.append((reader, writer))

    async def client() -> None:
        while loop.time() < began + seconds:
            await ask()

    asking: set[asyncio.Task[None]] = set()
    if not every:
        await asyncio.gather(*(client() for _ in range(clients)))
    for number in range(round(seconds / every) if every else 0):
        await asyncio.sleep(max(began + number * every - loop.time(), 0))
        asking.add(asyncio.create_task(ask()))
    load.sending = loop.time() - began
    await asyncio.gather(*asking)
    load.seconds = loop.time() - began
    for _, writer in idle:
        writer.close()
    return load


# ----------------------------------------------------------------------------------------------------- the server stops


LONG = 3
"""Seconds that requests take which have begun: less than the ten that a server waits for them."""


async def test_a_server_that_is_told_to_stop_answers_what_it_has_begun(tmp_path: Path, postgres_url: str) -> None:
    async with served(tmp_path, postgres_url) as (server, client), Watcher(postgres_url) as watcher:
        await watcher.lock()
        asked = [asyncio.create_task(add(client, f"{number}")) for number in range(3)]

        async def begun() -> bool:
            return await watcher.at_work("write") == 3

        await until(begun)
        stopped = asyncio.create_task(asyncio.to_thread(server.terminate))
        await until(lambda: refuses(server))
        await asyncio.sleep(LONG)
        assert not stopped.done()
        await watcher.unlock()
        assert {answer.status_code for answer in await asyncio.gather(*asked)} == {201}
        assert await stopped == 0
        assert await watcher.lines() == 3
        assert "Traceback" not in server.printed


async def refuses(server: Server) -> bool:
    """Whether it takes no connections any more."""
    try:
        (await connect(server))[1].close()
    except ConnectionRefusedError:
        return True
    return False
