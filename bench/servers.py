"""Servers of implementations: started, awaited, stopped with all that descends from them."""

from __future__ import annotations

import os
import signal
import subprocess
import time
import urllib.request
from collections.abc import Mapping
from contextlib import suppress
from http.client import HTTPException
from pathlib import Path

from bench.implementations import POOL, Implementation, Place
from tests.services.ports import free_port

ROOT = Path(__file__).parents[1]


class Server:
    """A running implementation."""

    def __init__(self, implementation: Implementation, process: subprocess.Popen[bytes], port: int) -> None:
        self.implementation, self.port = implementation, port
        self._process = process

    @property
    def pid(self) -> int:
        """Of the process that all others of it descend from."""
        return self._process.pid

    def stop(self) -> None:
        """Ask it to end, then make it."""
        for number, patience in ((signal.SIGTERM, 15), (signal.SIGKILL, 5)):
            try:
                os.killpg(self._process.pid, number)
                self._process.wait(patience)
            except subprocess.TimeoutExpired:
                continue
            except ProcessLookupError:
                break
            break
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)  # whoever of the group has outlived its leader


def start(implementation: Implementation, folder: Path, environment: Mapping[str, str], workers: int = 1) -> Server:
    """Serve an implementation and return when it answers. Raises RuntimeError, with what it printed, if it does not."""
    port = free_port()
    log = folder / f"{implementation.name}.{port}.log"
    variables = {**os.environ, **environment, "BENCH_POOL": str(POOL)}
    variables["PYTHONPATH"] = os.pathsep.join([str(ROOT), str(ROOT / "src")])
    variables.pop("KINGPOST_DEVELOPMENT", None)
    with log.open("wb") as output:
        process = subprocess.Popen(
            implementation.command(Place(port, workers, folder)),
            cwd=ROOT,
            env=variables,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,  # Ctrl-C is for the bench, which stops its servers itself
        )
    server = Server(implementation, process, port)
    try:
        _await(server, process)
    except BaseException as failure:
        server.stop()
        if isinstance(failure, TimeoutError):
            raise RuntimeError(f"{implementation.title} does not answer:\n{log.read_text(errors='replace')}") from None
        raise
    return server


def _await(server: Server, process: subprocess.Popen[bytes], patience: float = 60) -> None:
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{server.port}{server.implementation.ready}", timeout=5):
                return
        except (OSError, HTTPException):
            time.sleep(0.05)
    raise TimeoutError
