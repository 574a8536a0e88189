"""The command line itself: help, version, exit statuses, and how applications are named."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.running import environment, kingpost

BROKEN = """
from kingpost import App, Resource, allow

class Topic(Resource):
    name: str

    @allow("read")
    def long(self) -> bool:
        return self.nam == 1

    @allow("raed")
    def other(self) -> bool:
        return True

app = App("broken", resources=[Topic])
"""


def test_version(tmp_path: Path) -> None:
    assert kingpost("--version", folder=tmp_path).stdout.startswith("kingpost 0.")


def test_help_names_every_command(tmp_path: Path) -> None:
    text = kingpost("--help", folder=tmp_path).stdout
    for name in ("new", "serve", "check", "routes", "explain", "db", "shell"):
        assert f"│ {name} " in text


@pytest.mark.parametrize("command", ["new", "serve", "check", "routes", "explain", "db", "shell", "explain access"])
def test_every_command_has_help(command: str, tmp_path: Path) -> None:
    assert "Usage: kingpost" in kingpost(*command.split(), "--help", folder=tmp_path).stdout


def test_a_wrong_command_line_is_2(tmp_path: Path) -> None:
    assert "serve" in kingpost("srve", folder=tmp_path, status=2).stderr
    kingpost("serve", "--workers", "none", folder=tmp_path, status=2)
    kingpost("serve", "--production", "--reload", folder=tmp_path, status=2)


def test_help_imports_no_framework() -> None:
    program = (
        "import sys; from kingpost.cli import main; main(['--help']);"
        "print([name for name in ('fastapi', 'sqlalchemy', 'pydantic', 'granian') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip().endswith("[]")


def test_an_application_is_found_by_default_by_name_by_path_and_by_environment(project: Path) -> None:
    (project / "app.py").rename(project / "main.py")
    assert "main:app: 3 resources" in kingpost("check", folder=project).stdout
    (project / "main.py").rename(project / "web.py")
    for name in ("web", "web:app", "web.py", "./web.py:app"):
        assert "web:app: 3 resources" in kingpost("check", name, folder=project).stdout
    assert "web:app: 3 resources" in kingpost("check", folder=project, KINGPOST_APP="web:app").stdout
    told = kingpost("check", folder=project, status=1).stderr
    assert "KC004" in told
    assert "kingpost serve web:app" in told


def test_mistaken_names_are_met_with_what_was_meant(project: Path) -> None:
    assert "did you mean 'app'?" in kingpost("check", "ap:app", folder=project, status=1).stderr
    assert "did you mean 'app'?" in kingpost("check", "app:apq", folder=project, status=1).stderr
    told = kingpost("check", "app:Article", folder=project, status=1).stderr
    assert "KC003 app:Article is a type, not a kingpost.App" in told
    assert "Next: app:app" in told
    assert "KC001" in kingpost("check", "no/such-thing", folder=project, status=1).stderr


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("import nosuchpackage\n", ["KC005", "app.py:1", "pip install nosuchpackage"]),
        ("x = 1\ny = x.z + 1\n", ["KC005", "app.py:2", "AttributeError", "y = x.z + 1", "    ^^^"]),
        ("def f(:\n", ["KC005", "app.py:1", "not Python"]),
        ("raise SystemExit(3)\n", ["KC005", "SystemExit"]),
    ],
)
def test_a_module_that_fails_is_told_with_its_place(tmp_path: Path, code: str, words: list[str]) -> None:
    (tmp_path / "app.py").write_text(code)
    told = kingpost("routes", folder=tmp_path, status=1).stderr
    for word in words:
        assert word in told


def test_every_declaration_problem_is_told_with_a_caret(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text(BROKEN)
    for command, stream in (("check", "stdout"), ("routes", "stderr"), ("serve", "stderr")):
        told = getattr(kingpost(command, folder=tmp_path, status=1), stream)
        assert "app.py:9" in told
        assert "did you mean 'name'?" in told
        assert "^^^" in told
        assert "did you mean 'read'?" in told
    assert "2 problems in app:app" in kingpost("check", folder=tmp_path, status=1).stdout


def test_the_command_is_a_module_too(project: Path) -> None:
    command = [sys.executable, "-m", "kingpost", "db", "diff"]
    told = subprocess.run(command, cwd=project, env=environment(), capture_output=True, text=True, check=False)
    assert told.returncode == 1, told.stderr
    assert told.stdout == kingpost("db", "diff", folder=project, status=1).stdout
