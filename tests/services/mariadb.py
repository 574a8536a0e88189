"""A MariaDB server of one's own, from the system's package `mariadb-server`."""

from __future__ import annotations

import os
import secrets
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from .process import ServerProcess

PROGRAMS = ("mariadbd", "mariadb-install-db", "mariadb")
ROOM = 1 << 30
COLLATION = "CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci"
"""What most servers have: that text is compared by code point is the store's own doing."""


def _find(program: str) -> str | None:
    return shutil.which(program, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")


def _program(name: str) -> str:
    return _find(name) or name


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


class MariaDBServer(ServerProcess):
    """One server and its data, in a directory that goes away with it. Times are in seconds.

    Args:
        fsync: Make commits durable. Off, nothing survives a power cut, but `kill` still loses nothing acknowledged.
        options: Further settings, such as `max_connections="20"`.
    """

    kind = "MariaDB"

    def __init__(self, *, fsync: bool = False, **options: str) -> None:
        require_mariadb()
        super().__init__(within=None if fsync else _in_memory())
        self.password = secrets.token_hex(16)
        self._socket = self._home / "socket"
        self._databases = 0
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
                [_program("mariadb-install-db"), "--no-defaults", f"--datadir={self._home / 'data'}",
                 "--auth-root-authentication-method=normal", "--skip-test-db", "--skip-name-resolve"]
            )  # fmt: skip
        except BaseException:
            self.remove()
            raise

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
        client = [
            _find("mariadb") or "mariadb",
            "--no-defaults",
            f"--socket={self._socket}",
            "-uroot",
            "-N",
            "-B",
            "-e",
            statement,
        ]
        return self._run([*client, *database]).strip()

    def _command(self) -> Sequence[str]:
        return [_program("mariadbd"), "--no-defaults", *self._settings]

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


@contextmanager
def mariadb(*, fsync: bool = False, **options: str) -> Iterator[MariaDBServer]:
    """A running server for the length of the block."""
    server = MariaDBServer(fsync=fsync, **options)
    try:
        server.start()
        yield server
    finally:
        server.remove()
