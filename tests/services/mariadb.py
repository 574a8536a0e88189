"""A MariaDB server of one's own, from the system's package `mariadb-server`."""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from .ports import free_port

PROGRAMS = ("mariadbd", "mariadb-install-db", "mariadb")
ROOM = 1 << 30
COLLATION = "CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci"
"""What most servers have: that text is compared by code point is the store's own doing."""


def _find(program: str) -> str | None:
    return shutil.which(program, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")


def _in_memory() -> str | None:
    """A directory that no disk is behind, if there is one with room: making tables syncs files, whatever is set."""
    shared = Path("/dev/shm")
    if not shared.is_dir() or shutil.disk_usage(shared).free < ROOM:
        return None
    return str(shared)


def require_mariadb() -> None:
    """`make test` installs it where it can; on CI it must be there."""
    if not all(map(_find, PROGRAMS)):
        (pytest.fail if os.environ.get("CI") else pytest.skip)("there is no MariaDB server on this machine")


class MariaDBServer:
    """One server and its data, in a directory that goes away with it. Times are in seconds.

    Args:
        fsync: Make commits durable. Off, nothing survives a power cut, but `kill` still loses nothing acknowledged.
        options: Further settings, such as `max_connections="20"`.
    """

    def __init__(self, *, fsync: bool = False, **options: str) -> None:
        require_mariadb()
        self.port = free_port()
        self.password = secrets.token_hex(16)
        self._home = Path(tempfile.mkdtemp(prefix="kingpost-mariadb-", dir=None if fsync else _in_memory()))
        self._socket, self._log = self._home / "socket", self._home / "log"
        self._process: subprocess.Popen[bytes] | None = None
        self._databases = 0
        self._as: dict[str, Any] = {}
        if os.geteuid() == 0:
            self._step_down()
        settings = {
            "datadir": str(self._home / "data"),
            "socket": str(self._socket),
            "pid-file": str(self._home / "pid"),
            "bind-address": "127.0.0.1",
            "port": str(self.port),
            "max-connections": "200",
            "innodb-buffer-pool-size": "64M",
            "innodb-log-file-size": "32M",
            "innodb-flush-method": "O_DIRECT" if fsync else "nosync",
            "default-time-zone": "+02:00",  # a store has to say which one it means
            **{name.replace("_", "-"): value for name, value in options.items()},
        }
        self._settings = [f"--{name}={value}" for name, value in settings.items()]
        try:
            self._run(
                ["mariadb-install-db", "--no-defaults", f"--datadir={self._home / 'data'}",
                 "--auth-root-authentication-method=normal", "--skip-test-db", "--skip-name-resolve"]
            )  # fmt: skip
        except BaseException:
            self.remove()
            raise

    @property
    def pid(self) -> int | None:
        """The process id while the server runs."""
        return self._process.pid if self._process else None

    @property
    def log(self) -> str:
        """What the server has written so far."""
        return self._log.read_text(errors="replace") if self._log.exists() else ""

    def start(self, timeout: float = 60) -> None:
        """Start the server and return when it accepts connections."""
        if self._process:
            return
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [_find("mariadbd") or "mariadbd", "--no-defaults", *self._settings],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # Ctrl-C is for the tests; they stop the server when they are done
                **self._as,
            )
        deadline = time.monotonic() + timeout
        while not self._is_ready():
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.kill()
                raise RuntimeError(f"MariaDB did not start:\n{self.log}")
            time.sleep(0.05)

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

    def restart(self) -> None:
        """Stop and start on the same port, with the same data."""
        self.stop()
        self.start()

    def remove(self) -> None:
        """Stop the server and delete all it had."""
        self.stop()
        shutil.rmtree(self._home, ignore_errors=True)

    def create_database(self) -> str:
        """The URL of a new, empty database."""
        self._databases += 1
        name = f"test_{self._databases}"
        self.sql(f"CREATE DATABASE {name} {COLLATION}")
        return f"mysql://kingpost:{self.password}@127.0.0.1:{self.port}/{name}"

    def drop_database(self, url: str) -> None:
        """Drop a database made by `create_database`."""
        self.sql(f"DROP DATABASE IF EXISTS {urlsplit(url).path[1:]}")

    def sql(self, statement: str, url: str | None = None) -> str:
        """Run SQL as root and return its bare output; an SQL error is a CalledProcessError with the message."""
        database = [urlsplit(url).path[1:]] if url else []
        client = ["mariadb", "--no-defaults", f"--socket={self._socket}", "-uroot", "-N", "-B", "-e", statement]
        return self._run([*client, *database]).strip()

    def _step_down(self) -> None:
        """MariaDB does not like to run as root: run as `nobody`, who must be able to reach the data."""
        import pwd

        nobody = pwd.getpwnam("nobody")
        self._as = {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
        os.chown(self._home, nobody.pw_uid, nobody.pw_gid)

    def _is_ready(self) -> bool:
        if not self._socket.exists():
            return False
        try:
            made = f"IDENTIFIED BY '{self.password}'"
            self.sql(
                f"CREATE USER IF NOT EXISTS kingpost@localhost {made}; CREATE USER IF NOT EXISTS kingpost@'127.0.0.1' "
                f"{made}; GRANT ALL ON *.* TO kingpost@localhost; GRANT ALL ON *.* TO kingpost@'127.0.0.1'"
            )
        except subprocess.CalledProcessError:
            return False
        return True

    def _run(self, command: Sequence[str]) -> str:
        done: subprocess.CompletedProcess[str]
        program = _find(command[0]) or command[0]
        done = subprocess.run(
            [program, *command[1:]], cwd=self._home, capture_output=True, text=True, check=False, **self._as
        )
        if done.returncode:
            failure = subprocess.CalledProcessError(done.returncode, command[0], done.stdout, done.stderr)
            failure.add_note(done.stderr.strip())
            raise failure
        return done.stdout


@contextmanager
def mariadb(*, fsync: bool = False, **options: str) -> Iterator[MariaDBServer]:
    """A running server for the length of the block."""
    server = MariaDBServer(fsync=fsync, **options)
    try:
        server.start()
        yield server
    finally:
        server.remove()
