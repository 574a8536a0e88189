"""The load: wrk, one thread, with a script that goes through prepared requests and reports in JSON."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.endpoints import Request

SCRIPT = Path(__file__).with_name("load.lua")
MARK = "bench: "


class LoadError(Exception):
    """Why a measurement does not count."""


@dataclass(frozen=True, slots=True)
class Load:
    """What the clients saw. Latencies are in milliseconds, of a server kept busy: see README.md."""

    requests: int
    seconds: float
    p50_ms: float
    p99_ms: float
    errors: int

    @property
    def rps(self) -> float:
        """Answers per second."""
        return self.requests / self.seconds


def run(port: int, requests: Sequence[Request], seconds: int, connections: int) -> Load:
    """Keep `connections` busy for some seconds. Raises `LoadError` where an answer was not 2xx, or wrk is missing."""
    program = shutil.which("wrk")
    if program is None:
        raise LoadError("wrk is not installed; on Debian: apt-get install wrk")
    with TemporaryDirectory(prefix="bench-") as folder:
        script = Path(folder, "requests.lua")
        script.write_text(lua(requests))
        command = [program, "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "20s"]
        done = subprocess.run(
            [*command, "-s", script, f"http://127.0.0.1:{port}"], capture_output=True, text=True, check=False
        )
    load = parse(done.stdout, done.stderr)
    if load.errors:
        raise LoadError(f"{load.errors} of {load.requests} answers were errors or did not come")
    return load


def lua(requests: Sequence[Request]) -> str:
    """The script with these requests in it."""
    rows = ",\n".join(f"{{{_quoted(each.method)}, {_quoted(each.path)}, {_quoted(each.body)}}}" for each in requests)
    return f"prepared = {{\n{rows}\n}}\n{SCRIPT.read_text()}"


def parse(output: str, errors: str = "") -> Load:
    """The report of the script, from among what wrk prints."""
    for line in output.splitlines():
        if line.startswith(MARK):
            told = json.loads(line.removeprefix(MARK))
            if not told["requests"]:
                raise LoadError("nothing was answered")
            return Load(
                requests=told["requests"],
                seconds=told["microseconds"] / 1e6,
                p50_ms=told["p50"] / 1000,
                p99_ms=told["p99"] / 1000,
                errors=told["errors"],
            )
    raise LoadError(f"wrk ended without a report: {(errors or output).strip()}")


def _quoted(text: str) -> str:
    """A string of Lua: JSON's form, but that Lua knows no Unicode escapes."""
    return json.dumps(text, ensure_ascii=False)
