"""A TCP proxy that stands before a server, so that answers come late, get lost, or break off at a chosen moment."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from urllib.parse import urlsplit, urlunsplit

SIZE = 1 << 16


@dataclass(eq=False)
class _Link:
    """One connection of a client, and the one to the server that was made for it."""

    client: asyncio.StreamWriter
    server: asyncio.StreamWriter
    answered: asyncio.Event = field(default_factory=asyncio.Event)
    muted: bool = False

    def cut(self) -> None:
        """As a network breaks: at once, and whatever is under way is gone."""
        for writer in (self.client, self.server):
            writer.transport.abort()


class Proxy:
    """Passes on what comes in, until it is told otherwise.

    `delay`: by how many seconds answers come later. `silent`: whether everything is lost, in both directions, on
    connections that stay open.
    """

    def __init__(self, port: int) -> None:
        self._target = port
        self._server: asyncio.Server | None = None
        self._links: set[_Link] = set()
        self._cut_at: tuple[bytes, bool] | None = None
        self.port = 0
        self.delay = 0.0
        self.silent = False

    @property
    def connections(self) -> int:
        """How many there are now."""
        return len(self._links)

    def before(self, url: str) -> str:
        """The same address, by way of the proxy."""
        parts = urlsplit(url)
        return urlunsplit(parts._replace(netloc=parts.netloc.replace(f":{parts.port}", f":{self.port}")))

    def cut_at(self, text: bytes, *, carried_out: bool) -> None:
        """Cut the connection that sends `text` next: before the server has it, or when it has answered it."""
        self._cut_at = text, carried_out

    def cut(self) -> None:
        """Cut all connections."""
        for link in tuple(self._links):
            link.cut()

    async def open(self) -> None:
        """Take connections, on the same port if there was one before."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        """Take no more connections, and cut those that there are."""
        if self._server is not None:
            self._server.close()
            self.cut()
            await self._server.wait_closed()
            self._server = None

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            answers, server = await asyncio.open_connection("127.0.0.1", self._target)
        except OSError:
            writer.transport.abort()
            return
        link = _Link(writer, server)
        self._links.add(link)
        pumps = [asyncio.create_task(self._up(reader, link)), asyncio.create_task(self._down(answers, link))]
        try:
            await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
        finally:
            link.cut()
            for pump in pumps:
                pump.cancel()
            self._links.discard(link)

    async def _up(self, reader: asyncio.StreamReader, link: _Link) -> None:
        with suppress(ConnectionError):
            while data := await reader.read(SIZE):
                if self.silent:
                    continue
                if self._cut_at is not None and self._cut_at[0] in data:
                    carried_out = self._cut_at[1]
                    self._cut_at = None
                    if carried_out:
                        link.muted = True
                        link.server.write(data)
                        await link.answered.wait()
                    return
                link.server.write(data)
                await link.server.drain()

    async def _down(self, reader: asyncio.StreamReader, link: _Link) -> None:
        with suppress(ConnectionError):
            while data := await reader.read(SIZE):
                if self.delay:
                    await asyncio.sleep(self.delay)
                if link.muted:
                    link.answered.set()
                elif not self.silent:
                    link.client.write(data)
                    await link.client.drain()


@asynccontextmanager
async def proxy(port: int) -> AsyncIterator[Proxy]:
    """A proxy before the server at a port of this machine, for the length of the block."""
    made = Proxy(port)
    await made.open()
    try:
        yield made
    finally:
        await made.close()
