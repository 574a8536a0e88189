"""`kingpost serve --production` as a process that can be killed at any moment."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.request import urlopen

from tests.cli.running import COMMAND, environment, kingpost
from tests.services.ports import free_port

WITH_FEW_FILES = ("sh", "-c", 'ulimit -Sn 256; exec "$@"', "sh")
"""On some systems what is started in a shell may have no more open files, unless it asks for more."""


class Server:
    """An application of one module, served from a folder of its own. `options` are those of `kingpost serve`."""

    def __init__(self, module: Path, folder: Path, **env: str) -> None:
        shutil.copy(module, folder / "app.py")
        self.folder = folder
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = folder / "served.log"
        self.env = env
        self.process: subprocess.Popen[bytes] | None = None
        kingpost("db", "sync", folder=folder, **env)

    @property
    def printed(self) -> str:
        """What the server has printed so far."""
        return self.log.read_text(errors="replace")

    def start(self, *options: str, within: float = 30) -> float:
        """Start, and return when it is ready: after how many seconds."""
        began = time.monotonic()
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [*WITH_FEW_FILES, COMMAND, "serve", "--production", "--port", str(self.port), *options],
                cwd=self.folder, stdout=log, stderr=log, env=environment(**self.env), start_new_session=True,
            )  # fmt: skip
        while not self.is_ready():
            assert self.process.poll() is None, self.printed
            assert time.monotonic() - began < within, self.printed
            time.sleep(0.02)
        return time.monotonic() - began

    def is_ready(self) -> bool:
        """Whether it answers."""
        try:
            with urlopen(f"{self.url}/api/openapi.json", timeout=5) as answer:
                return bool(answer.status == 200)
        except HTTPError as error:
            error.close()
            return False
        except (URLError, OSError):
            return False

    def workers(self) -> list[int]:
        """The processes that answer."""
        if self.process is None:
            return []
        told = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text()
        return [int(pid) for pid in told.split()]

    def sockets(self) -> int:
        """How many sockets the workers hold: those of clients among them."""
        return sum(name.startswith("socket:") for pid in self.workers() for name in _files(pid))

    def kill_worker(self, pid: int, within: float = 30) -> None:
        """`kill -9` for one of them; return when another has taken its place."""
        os.kill(pid, signal.SIGKILL)
        count, began = len(self.workers()), time.monotonic()
        while pid in self.workers() or len(self.workers()) < count:
            assert time.monotonic() - began < within, self.printed
            time.sleep(0.02)

    def kill(self) -> None:
        """`kill -9`, all processes of it."""
        if self.process is not None:
            workers = self.workers()
            with suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
            self.process = None
            while any(map(_runs, workers)):  # until then they hold their files
                time.sleep(0.02)

    def terminate(self, within: float = 30) -> int:
        """What an operator's stop does. Answers the exit status."""
        assert self.process is not None
        self.process.terminate()
        status = self.process.wait(within)
        self.process = None
        return status


def _runs(pid: int) -> bool:
    """Whether any thread of a process has not ended yet; the first of them may have, before the others."""
    for task in Path(f"/proc/{pid}/task").glob("*/stat"):
        with suppress(FileNotFoundError, ProcessLookupError):
            if task.read_text().rpartition(")")[2].split()[0] not in "ZX":
                return True
    return False


def _files(pid: int) -> Iterator[str]:
    """What a process has open."""
    for file in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(FileNotFoundError):  # closed meanwhile
            yield os.readlink(file)
