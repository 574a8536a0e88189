"""Reading the source of functions from files of every sort, edited or gone, and however Python was started."""

from __future__ import annotations

import importlib.util
import linecache
import subprocess
import sys
import textwrap
import threading
import zipfile
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from kingpost.language import read_source as read_source_module
from kingpost.language.read_source import read_source
from tests.language.written import body, refusal, returned

READ = """\
import ast
from kingpost.language.read_source import read_source
from kingpost.language.source import SourceError
"""
SHOW = textwrap.dedent("""
    def show(function):
        try:
            print(ast.unparse(read_source(function).node))
        except SourceError as error:
            print(error.code, error.message, '|', error.remedy)
""")
RULES = """\
rule = lambda a: a.x > 1

def other(a):
    return a.y == 'b' and a.n + 1 < 3 and any(v.ok for v in a.views)
"""


def load(path: Path, text: str, name: str = "rules") -> ModuleType:
    path.write_text(text, encoding="utf-8")
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def run(arguments: list[str], stdin: str | None = None, cwd: Path | None = None) -> str:
    done = subprocess.run(
        [sys.executable, *arguments], input=stdin, capture_output=True, text=True, cwd=cwd, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


# ---------------------------------------------------------------------------------------------------------------- files


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("> 1", "> 2"),
        ("> 1", "< 1"),
        ("a.x", "a.z"),
        ("rule =", "rules ="),
        ("rule", "\nrule"),
        ("> 1", "> 1.0"),
        ("a.x > 1", "("),
    ],
)
def test_a_lambda_edited_since_import_is_refused(tmp_path: Path, old: str, new: str) -> None:
    path = tmp_path / "rules.py"
    module = load(path, RULES)
    path.write_text(RULES.replace(old, new, 1), encoding="utf-8")
    error = refusal(module.rule)
    assert error.code == "KL005"
    assert "since it was imported" in error.message
    assert "restart" in error.remedy


@pytest.mark.parametrize(
    ("old", "new"), [("'b'", "'c'"), ("a.n + 1", "a.n - 1"), ("v.ok", "v.no"), ("other", "another")]
)
def test_a_function_edited_since_import_is_refused(tmp_path: Path, old: str, new: str) -> None:
    path = tmp_path / "rules.py"
    module = load(path, RULES)
    path.write_text(RULES.replace(old, new, 1), encoding="utf-8")
    assert refusal(module.other).code == "KL005"


def test_swapped_on_one_line_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "rules.py"
    module = load(path, "one, two = (lambda a: a.x), (lambda a: a.yyy)\n")
    path.write_text("one, two = (lambda a: a.yyy), (lambda a: a.x)\n", encoding="utf-8")
    assert refusal(module.one).code == refusal(module.two).code == "KL005"


def test_a_reloaded_module_is_read_again(tmp_path: Path) -> None:
    path = tmp_path / "rules.py"
    assert body(load(path, RULES).rule) == "a.x > 1"
    assert body(load(path, RULES.replace("> 1", "> 1234")).rule) == "a.x > 1234"


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "rules.py"
    module = load(path, RULES)
    path.unlink()
    assert refusal(module.rule).code == "KL004"


def test_future_annotations_encodings_and_line_ends(tmp_path: Path) -> None:
    text = (
        "from __future__ import annotations\r\n"
        "x = 'é'; rule = lambda a: a.x > 'é'\r\n"
        "def other(a: int) -> str:\r\n    return a.é\r\n"
    )
    path = tmp_path / "rules.py"
    path.write_bytes(b"# -*- coding: latin-1 -*-\r\n" + text.encode("latin-1"))
    spec = importlib.util.spec_from_file_location("rules", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    source = read_source(module.rule)
    place = source.place(source.node)
    assert place.text[place.column : place.end_column] == "lambda a: a.x > 'é'"
    assert returned(read_source(module.other)) == "a.é"


def test_built_text_is_refused_unless_registered() -> None:
    text = "rule = lambda a: a.x > 1"
    scope: dict[str, Any] = {}
    exec(compile(text, "<built rules>", "exec"), scope)
    error = refusal(scope["rule"])
    assert error.code == "KL003"
    assert "linecache" in error.remedy
    linecache.cache["<built rules>"] = (len(text), None, [text], "<built rules>")
    try:
        assert body(scope["rule"]) == "a.x > 1"
    finally:
        del linecache.cache["<built rules>"]


def test_a_zip_file(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "rules.zip", "w") as archive:
        archive.writestr("zipped.py", RULES)
    program = f"{READ}{SHOW}\nimport sys; sys.path.insert(0, 'rules.zip')\nimport zipped\nshow(zipped.rule)\n"
    assert run(["-c", program], cwd=tmp_path) == "lambda a: a.x > 1\n"


def test_a_file_is_parsed_once_also_by_many_threads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    many = load(tmp_path / "many.py", "".join(f"def rule{n}(a):\n    return a.x > {n}\n" for n in range(200)))
    parsed: list[str] = []
    parse = read_source_module._parse

    def counted(filename: str, *rest: Any) -> Any:
        parsed.append(filename)
        return parse(filename, *rest)

    monkeypatch.setattr(read_source_module, "_parse", counted)
    answers: list[str] = []

    def work() -> None:
        answers.extend(returned(read_source(getattr(many, f"rule{n}"))) for n in range(200))

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(parsed) == 1
    assert sorted(answers) == sorted([f"a.x > {n}" for n in range(200)] * 8)


# ----------------------------------------------------------------------------------------------- how Python was started


@pytest.mark.parametrize("options", [["-c"], ["-Bc"], ["-X", "utf8", "-W", "default", "-c"], ["-OO", "-c"]])
def test_the_command_line(options: list[str]) -> None:
    program = f"{READ}{SHOW}\nshow(lambda a: a.x > 1); exec('show(lambda a: a.y)')\n"
    read, built = run([*options, program, "-c", "no"]).splitlines()
    assert read == "lambda a: a.x > 1"
    assert built.startswith("KL003")


def test_stdin() -> None:
    answer = run(["-"], f"{READ}{SHOW}\nshow(lambda a: a.x > 1)\n")
    assert answer.startswith("KL002")
    assert 'where("n > 1")' in answer
    assert "kingpost shell" in answer


def test_without_columns(tmp_path: Path) -> None:
    program = (
        READ
        + SHOW
        + textwrap.dedent("""
        one = lambda a: a.x > 1
        two, three = (lambda a: a.x), (lambda a: a.y)
        def four(a):
            return (a.x
                    and a.y)
        for function in (one, two, four):
            show(function)
    """)
    )
    (tmp_path / "rules.py").write_text(program, encoding="utf-8")
    one, two, *four = run(["-X", "no_debug_ranges", "rules.py"], cwd=tmp_path).splitlines()
    assert one == "lambda a: a.x > 1"
    assert two.startswith("KL006")
    assert "one lambda per line" in two
    assert four == ["def four(a):", "    return a.x and a.y"]


@pytest.mark.parametrize("options", [["-O"], ["-OO"]])
def test_optimised(options: list[str], tmp_path: Path) -> None:
    rule = 'def rule(a):\n    """Words."""\n    assert a.x\n    return a.y\n'
    text = f"{READ}{SHOW}\n{rule}show(rule)\nshow(lambda a: a.x)\n"
    (tmp_path / "rules.py").write_text(text, encoding="utf-8")
    assert run([*options, "rules.py"], cwd=tmp_path).endswith("return a.y\nlambda a: a.x\n")


def test_only_compiled(tmp_path: Path) -> None:
    (tmp_path / "rules.py").write_text(RULES, encoding="utf-8")
    program = (
        f"import py_compile, os; py_compile.compile('rules.py', 'rules.pyc'); os.remove('rules.py')\n{READ}{SHOW}\n"
    )
    assert run(["-c", f"{program}import rules; show(rules.rule)"], cwd=tmp_path).startswith("KL004")


def test_coverage(tmp_path: Path) -> None:
    text = f"{READ}{SHOW}\nshow(lambda a: a.x)\ndef rule(a):\n    return a.x\nshow(rule)\n"
    (tmp_path / "rules.py").write_text(text, encoding="utf-8")
    answer = run(["-m", "coverage", "run", "--branch", "rules.py"], cwd=tmp_path)
    assert answer == "lambda a: a.x\ndef rule(a):\n    return a.x\n"
