"""`kingpost shell`, fed through a pipe."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.cli.running import COMMAND, environment, kingpost


@pytest.fixture
def filled(project: Path) -> Path:
    """A project with two authors."""
    kingpost("db", "sync", folder=project)
    kingpost(
        "shell",
        "--system",
        "test data",
        folder=project,
        stdin='for name in ("Ada", "Bob"):\n    await Author(name=name).save()\n\n',
    )
    return project


def said(project: Path, script: str, *options: str, status: int = 0) -> str:
    return kingpost("shell", *options, folder=project, stdin=script, status=status).stdout


def test_await_works_and_values_are_shown(filled: Path) -> None:
    script = "found = await Author.all().sort('name')\n[one.name for one in found]\napp.name\n"
    assert said(filled, script) == "['Ada', 'Bob']\n'blog'\n"


def test_lambdas_that_are_typed_can_be_read(filled: Path) -> None:
    script = """
letter = "B"
[a.name for a in await Author.where(lambda a: a.name.startswith(letter))]
async def longer(than):
    found = await Author.where(
        lambda a: len(a.name) > than
    ).count()
    return found

await longer(2), await longer(3)
"""
    assert said(filled, script) == "['Bob']\n(2, 0)\n"


def test_rules_hold_unless_the_system_is_asked_for_in_words(filled: Path) -> None:
    save = "a = (await Author.where(name='Ada'))[0]\nawait Article(title='T', body='', author=a).save()\n"
    said(filled, save, "--system", "test data")
    count = "await Article.all().count()\n"
    ada = said(filled, "print((await Author.where(name='Ada').one()).id)\n").strip()
    assert said(filled, count) == "0\n"
    assert said(filled, count, "--as", ada) == "1\n"
    assert said(filled, count, "--system", "looking") == "1\n"
    assert said(filled, "with as_system('x'):\n    print(await Article.all().count())\n\n") == "1\n"


def test_options_that_make_no_sense(filled: Path) -> None:
    assert "KC015" in kingpost("shell", "--as", "x", "--system", "y", folder=filled, status=2).stderr
    assert "is no key of Author" in kingpost("shell", "--as", "x", folder=filled, status=1).stderr


def test_errors_end_a_script_with_status_1(filled: Path) -> None:
    done = subprocess.run(
        [COMMAND, "shell"], cwd=filled, input="1 / 0\nprint('after')\n", capture_output=True, text=True,
        env=environment(), check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert "ZeroDivisionError" in done.stderr
    assert "<kingpost-shell-0>" in done.stderr
    assert "repl.py" not in done.stderr
    assert "after" not in done.stdout
    refused = kingpost("shell", folder=filled, stdin="await Author.where(lambda a: a.nam == 'x')\n", status=1)
    assert "did you mean 'name'?" in refused.stderr
    assert (
        "NotFound: KP404 no such Author"
        in kingpost(
            "shell", folder=filled, stdin="await Author.get('01a20a9b-ae51-7000-95f7-a6a932230553')\n", status=1
        ).stderr
    )
    kingpost("shell", folder=filled, stdin="raise SystemExit(1)\n", status=1)


def test_what_is_piped_in_runs_like_a_file(filled: Path) -> None:
    """Blocks end where the next statement begins, and the exit status is the script's own."""
    script = """from __future__ import annotations
names = []
for author in await Author.all().sort("name"):
    names.append(author.name)
print(names)
async def shouted(least: NoSuchType) -> list[str]:
    return [a.name.upper() for a in await Author.where(lambda a: len(a.name) > least)]
if await shouted(9):
    raise SystemExit("too many")
else:
    print(await shouted(2))
raise SystemExit(7)
print("after")"""
    assert said(filled, script, status=7) == "['Ada', 'Bob']\n['ADA', 'BOB']\n"
    assert said(filled, "print(1)") == "1\n"
    assert said(filled, "") == ""
    told = kingpost("shell", folder=filled, stdin="raise SystemExit('not today')\n", status=1)
    assert told.stderr == "not today\n"
    told = kingpost("shell", folder=filled, stdin="print(1)\nprint(2\n", status=1)
    assert told.stdout == ""
    assert "SyntaxError" in told.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="there are no pseudo-terminals")
def test_ctrl_c_ends_what_runs_and_not_the_console(filled: Path) -> None:
    import pty

    console, terminal = pty.openpty()
    running = subprocess.Popen(
        [COMMAND, "shell"], cwd=filled, stdin=terminal, stdout=terminal, stderr=terminal, env=environment(),
        start_new_session=True, close_fds=True,
    )  # fmt: skip
    os.close(terminal)
    said = b""

    def wait_for(text: bytes) -> None:
        nonlocal said
        deadline = time.monotonic() + 20
        while text not in said:
            assert time.monotonic() < deadline, said
            if select.select([console], [], [], 0.1)[0]:
                said += os.read(console, 4096)
        said = said.partition(text)[2]

    try:
        wait_for(b">>> ")
        for endless in (
            b"print('wai' + 'ting'); await asyncio.sleep(60)\n",
            b"print('wai' + 'ting')\nwhile True: pass\n\n",
        ):
            os.write(console, endless)
            wait_for(b"waiting")
            time.sleep(0.5)
            os.killpg(running.pid, signal.SIGINT)
            wait_for(b"KeyboardInterrupt")
            wait_for(b">>> ")
        os.write(console, b"print('ali' + 've')\n")
        wait_for(b"alive")
        os.write(console, b"exit()\n")
        assert running.wait(10) == 0
    finally:
        if running.poll() is None:
            running.kill()
        os.close(console)
