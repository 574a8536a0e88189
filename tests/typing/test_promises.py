"""mypy --strict and pyright (strict) understand what users write, and find what they get wrong."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
EXAMPLES = Path(__file__).parent / "examples"
Line = tuple[str, int]


def run(*command: str) -> str:
    """The output of a checker; that it finds something is no failure."""
    done = subprocess.run([sys.executable, "-m", *command], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode in (0, 1), done.stdout + done.stderr
    return done.stdout


def mypy_lines(files: list[str]) -> set[Line]:
    found = run("mypy", "--strict", "--no-incremental", "--no-error-summary", *files)
    lines = re.findall(r"^(.+?):(\d+): error: ", found, re.MULTILINE)
    return {(Path(file).name, int(line)) for file, line in lines}


def pyright_lines(files: list[str]) -> set[Line]:
    found = json.loads(run("pyright", "--outputjson", *files))["generalDiagnostics"]
    errors = [each for each in found if each["severity"] == "error"]
    return {(Path(each["file"]).name, each["range"]["start"]["line"] + 1) for each in errors}


def expected(checker: str) -> set[Line]:
    """The lines marked for a checker."""
    return {
        (file.name, number)
        for file in EXAMPLES.glob("*.py")
        for number, line in enumerate(file.read_text().splitlines(), start=1)
        if (mark := re.search(r"# expect: (.+)$", line)) and checker in mark[1].split()
    }


@pytest.mark.parametrize(("checker", "lines"), [("mypy", mypy_lines), ("pyright", pyright_lines)])
def test_a_checker_flags_exactly_the_planted_mistakes(checker, lines):
    files = [str(file.relative_to(ROOT)) for file in sorted(EXAMPLES.glob("*.py"))]
    found, planted = lines(files), expected(checker)
    assert len(planted) >= 24
    assert found == planted, f"missed: {sorted(planted - found)}, too many: {sorted(found - planted)}"


def test_the_example_of_the_design_is_there_word_for_word():
    text = (EXAMPLES / "design.py").read_text()
    assert 'class View(Resource, store="events"):' in text
    assert 'stores={"main": "sqlite:///learn.db", "events": "mongodb://127.0.0.1/learn"}' in text
