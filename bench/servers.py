"""The implementations, and how each of them is served."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from http.client import HTTPException
from pathlib import Path

from bench.endpoints import ENDPOINTS, KINGPOST, PEER, Addresses
from tests.services.ports import free_port

ROOT = Path(__file__).parents[1]
HERE = Path(__file__).parent
POOL = 10
"""Connections to the database of each worker process."""


@dataclass(frozen=True)
class Implementation:
    """What is measured."""

    name: str
    title: str
    command: Callable[[int, int], Sequence[str | Path]]
    """From port and number of workers to a command line."""
    addresses: Addresses = PEER
    endpoints: Sequence[str] = tuple(ENDPOINTS)
    environment: Mapping[str, str] = field(default_factory=dict)
    needs: str = ""
    """A program it can't do without."""


def _kingpost(port: int, workers: int) -> list[str | Path]:
    command = [Path(sys.executable).with_name("kingpost"), "serve", "bench.kingpost_app:app", "--production"]
    return [*command, "--port", str(port), "--workers", str(workers)]


def _granian(app: str) -> Callable[[int, int], list[str | Path]]:
    def command(port: int, workers: int) -> list[str | Path]:
        server = [sys.executable, "-m", "granian", "--interface", "asgi", "--loop", "uvloop", "--log-level", "error"]
        return [*server, "--host", "127.0.0.1", "--port", str(port), "--workers", str(workers), app]

    return command


def _uvicorn(app: str) -> Callable[[int, int], list[str | Path]]:
    def command(port: int, workers: int) -> list[str | Path]:
        server = [sys.executable, "-m", "uvicorn", "--no-access-log", "--log-level", "warning"]
        return [*server, "--host", "127.0.0.1", "--port", str(port), "--workers", str(workers), app]

    return command


def _gunicorn(app: str) -> Callable[[int, int], list[str | Path]]:
    def command(port: int, workers: int) -> list[str | Path]:
        server = [sys.executable, "-m", "gunicorn", "--worker-class", "gthread", "--threads", str(POOL)]
        return [*server, "--log-level", "warning", "--bind", f"127.0.0.1:{port}", "--workers", str(workers), app]

    return command


def _node(file: str) -> Callable[[int, int], list[str | Path]]:
    def command(port: int, workers: int) -> list[str | Path]:
        settings = [f"PORT={port}", f"WORKERS={workers}", "NODE_ENV=production"]
        return ["env", *settings, "node", HERE / "peers" / "node" / file]

    return command


CONTROL = "control"
ALL = {
    each.name: each
    for each in (
        Implementation(CONTROL, "control (no framework)", _granian("bench.peers.control.app:app")),
        Implementation("kingpost", "Kingpost", _kingpost, KINGPOST),
        Implementation(
            "fastapi_sqlalchemy", "FastAPI + SQLAlchemy", _uvicorn("bench.peers.fastapi_sqlalchemy.app:app")
        ),
        Implementation("fastapi_asyncpg", "FastAPI + asyncpg", _uvicorn("bench.peers.fastapi_asyncpg.app:app")),
        Implementation("litestar", "Litestar + msgspec", _uvicorn("bench.peers.litestar_msgspec.app:app")),
        Implementation("django", "Django + django-ninja", _gunicorn("bench.peers.django_ninja.wsgi:app")),
        Implementation("express", "Express 5 + pg", _node("express.js"), needs="node"),
        Implementation("fastify", "Fastify, tuned by hand", _node("fastify.js"), needs="node"),
    )
}


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


def start(implementation: Implementation, log: Path, environment: Mapping[str, str], workers: int = 1) -> Server:
    """Serve an implementation and return when it answers. Raises RuntimeError, with what it printed, if it does not."""
    port = free_port()
    variables = {**os.environ, **environment, **implementation.environment, "BENCH_POOL": str(POOL)}
    variables["PYTHONPATH"] = os.pathsep.join([str(ROOT), str(ROOT / "src")])
    variables.pop("KINGPOST_DEVELOPMENT", None)
    with log.open("wb") as output:
        process = subprocess.Popen(
            implementation.command(port, workers),
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
            with urllib.request.urlopen(f"http://127.0.0.1:{server.port}/hello", timeout=5):
                return
        except (OSError, HTTPException):
            time.sleep(0.05)
    raise TimeoutError
