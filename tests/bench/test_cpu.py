"""CPU time and memory of a process and its descendants, from /proc."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from bench import cpu

BURN = "import time\nwhile time.process_time() < {}: pass\n"


@contextmanager
def python(code: str) -> Iterator[subprocess.Popen[str]]:
    """A child that says something and then waits to be let go."""
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as child:
        assert child.stdout is not None
        child.stdout.readline()
        yield child
        child.communicate("\n")


def test_a_busy_process_is_charged_what_it_used() -> None:
    with python(BURN.format(0.3) + "print(flush=True)\ninput()") as child:
        assert 0.25 <= cpu.seconds(child.pid) < 2


def test_a_waiting_process_uses_nothing() -> None:
    with python("print(flush=True)\ninput()") as child:
        before = cpu.seconds(child.pid)
        subprocess.run([sys.executable, "-c", BURN.format(0.1)], check=True)
        assert cpu.seconds(child.pid) - before < 0.05


def test_children_count_while_they_live_and_when_they_have_ended() -> None:
    living = (
        "import subprocess, sys\n"
        f"code = {BURN.format(0.3)!r} + 'print(flush=True)\\ninput()'\n"
        "child = subprocess.Popen([sys.executable, '-c', code], stdin=subprocess.PIPE, stdout=subprocess.PIPE)\n"
        "child.stdout.readline()\nprint(flush=True)\ninput()\nchild.communicate(b'\\n')\nprint(flush=True)\ninput()\n"
    )
    with python(living) as child:
        assert len(cpu.tree(child.pid)) == 2
        assert cpu.seconds(child.pid) >= 0.25
        assert child.stdin is not None
        assert child.stdout is not None
        child.stdin.write("\n")
        child.stdin.flush()
        child.stdout.readline()
        assert cpu.tree(child.pid) == [child.pid]
        assert cpu.seconds(child.pid) >= 0.25


def test_memory_is_that_of_the_tree() -> None:
    with python("held = bytearray(64 * 1024 * 1024)\nheld[::4096] = b'1' * 16384\nprint(flush=True)\ninput()") as child:
        assert 64 < cpu.megabytes(child.pid) < 512


def test_what_is_gone_has_used_nothing() -> None:
    with python("print(flush=True)\ninput()") as child:
        pass
    assert cpu.tree(child.pid) == []
    assert cpu.seconds(child.pid) == 0
    assert cpu.megabytes(child.pid) == 0


def test_a_name_with_parentheses_is_no_field() -> None:
    rename = "open('/proc/self/comm', 'w').write('odd) name (1')\nprint(flush=True)\ninput()"
    with python(rename) as child:
        assert cpu.tree(child.pid) == [child.pid]
