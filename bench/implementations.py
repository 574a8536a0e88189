"""What is measured, and the command that serves it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

from bench.endpoints import KINGPOST, ON_POSTGRES, ON_SQLITE, PEER, POCKETBASE, Addresses

NODE = Path(__file__).parent / "peers" / "node"
POOL = 10
"""Connections to the database of each process that answers."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where an implementation is to be served: `folder` holds what is in files."""

    port: int
    workers: int
    folder: Path


Command: TypeAlias = Callable[[Place], Sequence[str | Path]]


@dataclass(frozen=True, slots=True)
class Implementation:
    """One of those that are measured. `needs`: a program without which it is left out."""

    name: str
    title: str
    command: Command
    addresses: Addresses = PEER
    store: Literal["postgres", "sqlite"] = "postgres"
    needs: str = ""
    ready: str = "/hello"

    @property
    def endpoints(self) -> Sequence[str]:
        """What it has."""
        return tuple(ON_POSTGRES if self.store == "postgres" else ON_SQLITE)


def _tool(name: str) -> Path:
    """A program of this environment."""
    return Path(sys.executable).with_name(name)


def _kingpost(place: Place) -> list[str | Path]:
    command = [sys.executable, _tool("kingpost"), "serve", "bench.kingpost_app:app", "--production"]
    return [*command, "--port", str(place.port), "--workers", str(place.workers)]


def _granian(app: str) -> Command:
    def command(place: Place) -> list[str | Path]:
        server = [sys.executable, "-m", "granian", "--interface", "asgi", "--loop", "uvloop", "--log-level", "error"]
        return [*server, "--host", "127.0.0.1", "--port", str(place.port), "--workers", str(place.workers), app]

    return command


def _uvicorn(app: str) -> Command:
    def command(place: Place) -> list[str | Path]:
        server = [sys.executable, "-m", "uvicorn", "--no-access-log", "--log-level", "warning"]
        return [*server, "--host", "127.0.0.1", "--port", str(place.port), "--workers", str(place.workers), app]

    return command


def _gunicorn(app: str) -> Command:
    def command(place: Place) -> list[str | Path]:
        server = [
            sys.executable,
            "-m",
            "gunicorn",
            "--worker-class",
            "gthread",
            "--threads",
            str(POOL),
            "--log-level",
            "warning",
        ]
        return [*server, "--bind", f"127.0.0.1:{place.port}", "--workers", str(place.workers), app]

    return command


def _node(file: str) -> Command:
    def command(place: Place) -> list[str | Path]:
        settings = [f"PORT={place.port}", f"WORKERS={place.workers}", "NODE_ENV=production"]
        return ["env", *settings, "node", NODE / file]

    return command


def pocketbase(place: Place) -> list[str | Path]:
    """PocketBase, which always uses all cores."""
    home = place.folder / "pocketbase"
    folders = [f"--dir={home / 'data'}", f"--migrationsDir={home / 'migrations'}", "--automigrate=false"]
    return [_tool("pocketbase"), "serve", f"--http=127.0.0.1:{place.port}", *folders]


CONTROL = "control"
ALL = (
    Implementation(CONTROL, "control (no framework)", _granian("bench.peers.control.app:app")),
    Implementation("kingpost", "Kingpost", _kingpost, KINGPOST),
    Implementation("fastapi_sqlalchemy", "FastAPI + SQLAlchemy", _uvicorn("bench.peers.fastapi_sqlalchemy.app:app")),
    Implementation("fastapi_asyncpg", "FastAPI + asyncpg", _uvicorn("bench.peers.fastapi_asyncpg.app:app")),
    Implementation("litestar", "Litestar + msgspec", _uvicorn("bench.peers.litestar_msgspec.app:app")),
    Implementation("django", "Django + django-ninja", _gunicorn("bench.peers.django_ninja.wsgi:app")),
    Implementation("express", "Express 5 + pg", _node("express.js"), needs="node"),
    Implementation("fastify", "Fastify, tuned by hand", _node("fastify.js"), needs="node"),
    Implementation("kingpost", "Kingpost", _kingpost, KINGPOST, "sqlite"),
    Implementation("pocketbase", "PocketBase", pocketbase, POCKETBASE, "sqlite", ready="/api/health"),
)
TITLES = {each.name: each.title for each in ALL}
"""By name, in the order in which they are shown."""
