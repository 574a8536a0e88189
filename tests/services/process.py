"""What all servers of the tests have in common: a process with a directory of its own, ended by its id."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

from .ports import free_port


class ServerProcess(ABC):
    """One server and its data, in a directory that goes away with it. Times are in seconds.

    Args:
        within: The directory that this one is made in; None: the usual one.
    """

    kind: ClassVar[str]
    """What messages call it."""
    ending: ClassVar[signal.Signals] = signal.SIGTERM
    """What breaks off open connections and ends it."""

    def __init__(self, within: str | None = None) -> None:
        self.port = free_port()
        self._home = Path(tempfile.mkdtemp(prefix=f"kingpost-{self.kind.lower()}-", dir=within))
        self._log = self._home / "log"
        self._process: subprocess.Popen[bytes] | None = None
        self._as: dict[str, Any] = {}

    @property
    def pid(self) -> int | None:
        """The process id while the server runs."""
        return self._process.pid if self._process else None

    @property
    def log(self) -> str:
        """What the server has written so far."""
        return self._log.read_text(errors="replace") if self._log.exists() else ""

    def start(self, timeout: float = 60) -> None:
        """Start the server and return when it answers."""
        if not self._process:
            self._launch(self._command(), timeout)

    def stop(self, timeout: float = 30) -> None:
        """Stop the server, breaking off open connections; its data stay for the next `start`."""
        if self._process:
            self._process.send_signal(self.ending)
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

    @abstractmethod
    def _command(self) -> Sequence[str | Path]:
        """What is run."""

    @abstractmethod
    def _is_ready(self) -> bool:
        """Whether it answers."""

    def _launch(self, command: Sequence[str | Path], timeout: float) -> None:
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                command,
                cwd=self._home,
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
                raise RuntimeError(f"{self.kind} did not start:\n{self.log}")
            time.sleep(0.02)

    def _run(self, command: Sequence[str | Path]) -> str:
        """The output of a program of the server's; where it fails a CalledProcessError with its message."""
        done: subprocess.CompletedProcess[str]
        done = subprocess.run(command, cwd=self._home, capture_output=True, text=True, check=False, **self._as)
        if done.returncode:
            failure = subprocess.CalledProcessError(done.returncode, command[0], done.stdout, done.stderr)
            failure.add_note(done.stderr.strip())
            raise failure
        return done.stdout

    def _step_down(self) -> None:
        """Where the tests are root, run as `nobody`, who must be able to reach the data."""
        nobody = pwd.getpwnam("nobody")
        self._as = {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
        os.chown(self._home, nobody.pw_uid, nobody.pw_gid)
