"""Console blocks of a page, carried out in order in a folder of their own: what they print is what the page shows.

Blocks marked `<!-- file: app.py -->` are written before what follows them; with `, after: text` they go behind the one
line of the file that holds the text, with `, instead of: text` in its place. `kingpost serve` stays in the background
and starts again when a file changes, as it does for the reader. `…` on the page stands for anything.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from tests.docs.pages import Block
from tests.services.ports import free_port

SHOWN_PORT: Final = "8000"
_UUID: Final = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_VARIES: Final = (
    (_UUID, "<uuid>"),
    (re.compile(r"\d+\.\d+ ?s\b"), "<time>"),
    (re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?Z?"), "<instant>"),
    (re.compile(r"Kingpost \d+\.\d+\S*"), "Kingpost <version>"),
    (re.compile(r'\\"|"'), '"'),
)


@dataclass
class Console:
    """A terminal: the folder it is in, and the server in the other one."""

    folder: Path
    port: int = field(default_factory=free_port)
    server: subprocess.Popen[bytes] | None = None
    log: Path = field(init=False)
    _staged: dict[Path, str] = field(default_factory=dict[Path, str], init=False)

    def __post_init__(self) -> None:
        self.top = self.folder
        self.log = self.folder / "served.log"

    def play(self, block: Block) -> str | None:
        """Carry out a block; answers it with what was really printed, None where it is no console."""
        if "file" in block.marks:
            self._stage(block)
            return None
        if block.language != "console" or block.marks.get("runs", "").startswith("no"):
            return None
        self._save()
        played: list[str] = []
        for command in commands(block):
            played.append(f"$ {command}")
            played += self._run(command).splitlines()
        return "".join(f"{line}\n" for line in played)

    def _run(self, command: str) -> str:
        if command.startswith("cd "):
            self.folder = self.folder / command.removeprefix("cd ")
            return ""
        if command.startswith("kingpost serve"):
            return self._serve(command)
        done = subprocess.run(
            ["bash", "-c", command.replace(SHOWN_PORT, str(self.port))], cwd=self.folder, env=_environment(),
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=120, check=False,
        )  # fmt: skip
        assert "Traceback" not in done.stdout, f"$ {command}\n{done.stdout}"
        text = done.stdout.replace(str(self.port), SHOWN_PORT).replace(f"{self.folder}/", "")
        return _clean(text)

    def _serve(self, command: str) -> str:
        assert self.server is None, "one server is running already"
        with self.log.open("wb") as written:
            self.server = subprocess.Popen(
                ["bash", "-c", f"exec {command} --port {self.port}"], cwd=self.folder, stdout=written, stderr=written,
                env=_environment(), start_new_session=True,
            )  # fmt: skip
        self._answers()
        # Up to the first request, which is ours.
        shown = re.split(r"^\d{4}-\d\d-\d\d ", self._log(), maxsplit=1, flags=re.MULTILINE)[0]
        return _clean(shown.replace(str(self.port), SHOWN_PORT))

    def _stage(self, block: Block) -> None:
        """Take down an edit; files are written when all edits before a command are done, as an editor saves them."""
        name, _, where = block.marks["file"].partition(", ")
        path = self.folder / name
        text = block.text
        if where:
            how, _, line = where.partition(": ")
            before = self._staged.get(path) or path.read_text(encoding="utf-8")
            lines = before.splitlines(keepends=True)
            found = [number for number, one in enumerate(lines) if line in one]
            assert len(found) == 1, f"{block.place}: {line!r} is in {len(found)} lines of {name}"
            at = found[0]
            lines[at + (how == "after") : at + 1] = [text]
            text = "".join(lines)
        self._staged[path] = text

    def _save(self) -> None:
        reloads = self._log().count("Reloaded") if self.server else 0
        watched = False
        for path, text in self._staged.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
            watched = watched or path.parent == self.folder
        self._staged.clear()
        if self.server is not None and watched:
            self._until(lambda: self._log().count("Reloaded") > reloads, "Reloaded.")
            self._answers()

    def _answers(self) -> None:
        def there() -> bool:
            asked = subprocess.run(
                [
                    "curl",
                    "--silent",
                    "--fail",
                    "--output",
                    os.devnull,
                    f"http://127.0.0.1:{self.port}/api/openapi.json",
                ],
                check=False,
            )
            return asked.returncode == 0

        self._until(there, "an answer")

    def _until(self, holds: Callable[[], bool], what: str) -> None:
        deadline = time.monotonic() + 30
        while not holds():
            assert time.monotonic() < deadline, f"no {what} in\n{self._log()}"
            assert self.server is None or self.server.poll() is None, self._log()
            time.sleep(0.1)

    def _log(self) -> str:
        return self.log.read_text(encoding="utf-8") if self.log.exists() else ""

    def stop(self) -> None:
        if self.server is not None and self.server.poll() is None:
            os.killpg(self.server.pid, signal.SIGINT)
            try:
                self.server.wait(15)
            except subprocess.TimeoutExpired:
                os.killpg(self.server.pid, signal.SIGKILL)
                self.server.wait()


@contextmanager
def console(folder: Path) -> Iterator[Console]:
    """A terminal in an empty folder."""
    made = Console(folder)
    try:
        yield made
    finally:
        made.stop()


def commands(block: Block) -> list[str]:
    """What is typed: the lines behind `$`, with those that a backslash continues."""
    found: list[str] = []
    going_on = False
    for line in block.text.splitlines():
        if going_on:
            found[-1] += f"\n{line}"
        elif line.startswith("$ "):
            found.append(line.removeprefix("$ "))
        else:
            continue
        going_on = found[-1].endswith("\\")
    return found


def same(shown: str, played: str) -> bool:
    """Whether a page shows what was printed, but for keys, instants and times; `…` stands for anything."""
    one, other = shown, played
    for pattern, name in _VARIES:
        one, other = pattern.sub(name, one), pattern.sub(name, other)
    expected = ".*".join(re.escape(part) for part in one.split("…"))
    return re.fullmatch(expected, other, re.DOTALL) is not None


def _clean(text: str) -> str:
    return re.sub(r"[ \t]+$", "", text, flags=re.MULTILINE).rstrip("\n")


def _environment() -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("KINGPOST_", "PYTEST_"))}
    # The commands of this very environment, whether or not it has been activated.
    path = f"{Path(sys.executable).parent}{os.pathsep}{kept.get('PATH', '')}"
    return {
        **kept,
        "PATH": path,
        "TERM": "dumb",
        "NO_COLOR": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONWARNINGS": "ignore",
    }
