"""The command as users run it: a process in a folder."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

import msgspec

from tests.services.ports import free_port

COMMAND = Path(sys.executable).with_name("kingpost")


def environment(**more: str) -> dict[str, str]:
    """Ours, without what would change the answers."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("KINGPOST_")}
    return {**kept, "TERM": "dumb", "PYTHONDONTWRITEBYTECODE": "1", **more}


def kingpost(
    *arguments: str, folder: Path, status: int | None = 0, stdin: str = "", **env: str
) -> subprocess.CompletedProcess[str]:
    """Run a command to its end, and check its exit status."""
    done = subprocess.run(
        [COMMAND, *arguments], cwd=folder, input=stdin, capture_output=True, text=True, timeout=60,
        env=environment(**env), check=False,
    )  # fmt: skip
    assert status is None or done.returncode == status, f"{arguments}: {done.returncode}\n{done.stdout}\n{done.stderr}"
    assert "Traceback" not in done.stdout + done.stderr, done.stderr
    return done


@dataclass
class Served:
    """A server process, and what it has printed."""

    process: subprocess.Popen[bytes]
    url: str
    log: Path

    @property
    def printed(self) -> str:
        return self.log.read_text()

    def wait_for(self, text: str, seconds: float = 20) -> None:
        """Return when the server has printed a text."""
        deadline = time.monotonic() + seconds
        while text not in self.printed:
            assert time.monotonic() < deadline, f"no {text!r} in:\n{self.printed}"
            time.sleep(0.05)

    def wait(self, path: str = "/api/openapi.json", seconds: float = 20) -> None:
        """Return when the server answers."""
        deadline = time.monotonic() + seconds
        while True:
            try:
                self.ask(path)
                return
            except (URLError, ConnectionError):
                assert self.process.poll() is None, self.printed
                assert time.monotonic() < deadline, self.printed
                time.sleep(0.05)

    def ask(self, path: str, method: str = "GET", body: Any = None) -> tuple[int, Any]:
        """Status and JSON of one request on a connection of its own, so that any worker may answer."""
        data = None if body is None else msgspec.json.encode(body)
        request = Request(
            self.url + path, data, {"Content-Type": "application/json", "Connection": "close"}, method=method
        )
        try:
            with urlopen(request, timeout=10) as answer:
                return answer.status, msgspec.json.decode(answer.read() or b"null")
        except HTTPError as refused:
            with refused:
                return refused.code, msgspec.json.decode(refused.read())

    def interrupt(self) -> int:
        """What Ctrl-C does: the signal goes to all processes of the group. Answers the exit status."""
        os.killpg(self.process.pid, signal.SIGINT)
        return self.process.wait(15)


@contextmanager
def serving(folder: Path, *arguments: str, **env: str) -> Iterator[Served]:
    """`kingpost serve` on a free port."""
    port = free_port()
    log = folder / "served.log"
    with log.open("wb") as written:
        process = subprocess.Popen(
            [COMMAND, "serve", *arguments, "--port", str(port)], cwd=folder, stdout=written, stderr=written,
            env=environment(**env), start_new_session=True,
        )  # fmt: skip
    served = Served(process, f"http://127.0.0.1:{port}", log)
    try:
        yield served
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
