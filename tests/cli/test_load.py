"""`kingpost load`: files, the standard input, what is told, and what Ctrl-C does."""

from __future__ import annotations

import os
import pty
import re
import signal
import subprocess
import time
from pathlib import Path

import pytest

from tests.cli.running import COMMAND, environment, kingpost

APP = """
from kingpost import App, Resource, allow, anyone, authenticated, computed, field

class User(Resource, read=anyone):
    name: str = field(key=True, max_length=20)

class Town(Resource, read=anyone):
    code: str = field(key=True, max_length=5)
    name: str = field(max_length=40)
    people: int | None = field(default=None, ge=0)
    mayor: User | None = None

    @computed
    def is_large(self) -> bool:
        return self.people is not None and self.people > 100_000

    @allow("create", "update")
    def mayors(self, me: User) -> bool:
        return self.mayor == me

app = App("towns", resources=[User, Town], actor=User)
"""
TOWNS = "code;name;inhabitants;is_large\nEDI;Edinburgh;506000;true\nOBN;Oban;NA;false\n"
SYSTEM = ("--system", "first load")
READ = "for one in await Town.all():\n    print(one.code, one.name, one.people)\n\n"


@pytest.fixture(scope="module")
def made_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the application, its tables, and one user."""
    folder = tmp_path_factory.mktemp("towns")
    (folder / "app.py").write_text(APP)
    kingpost("db", "sync", folder=folder)
    kingpost("load", "-", "--into", "User", *SYSTEM, folder=folder, stdin="name\nada\n")
    return folder


@pytest.fixture
def folder(made_once: Path, tmp_path: Path) -> Path:
    """A copy for this test alone."""
    for path in made_once.iterdir():
        if path.is_file():
            (tmp_path / path.name).write_bytes(path.read_bytes())
    return tmp_path


def towns(folder: Path) -> list[str]:
    return kingpost("shell", folder=folder, stdin=READ).stdout.splitlines()


def test_a_file_is_loaded_and_told_of(folder: Path) -> None:
    (folder / "towns.csv").write_text(TOWNS)
    options = ("--map", "inhabitants=people", "--null", "NA")
    done = kingpost("load", "towns.csv", "--into", "Town", *options, *SYSTEM, folder=folder)
    assert "towns.csv: 2 rows of Town: 2 created\n" in done.stdout
    assert "left out, as it is computed: is_large" in done.stdout
    assert "INFO kingpost.access: as system: first load" in done.stderr
    assert towns(folder) == ["EDI Edinburgh 506000", "OBN Oban None"]
    again = kingpost("load", "towns.csv", "--into", "Town", *options, *SYSTEM, folder=folder)
    assert "2 unchanged" in again.stdout
    assert not list(folder.glob("*rejected*"))


def test_rejected_rows_are_written_beside_the_file_and_give_the_exit_status(folder: Path) -> None:
    (folder / "towns.csv").write_text("code,name,people\nEDI,Edinburgh,1\nTOOLONG,x,\nOBN,Oban,many\n")
    done = kingpost("load", "towns.csv", "--into", "Town", *SYSTEM, folder=folder, status=1)
    assert "3 rows of Town: 1 created, 2 rejected" in done.stdout
    assert "1  people: must be a whole number" in done.stdout
    assert "Rejected rows with their reasons: towns.rejected.csv" in done.stdout
    assert (folder / "towns.rejected.csv").read_text().splitlines() == [
        "rejected_line,rejected_reasons,code,name,people",
        "3,code: must have at most 5 characters,TOOLONG,x,",
        "4,people: must be a whole number,OBN,Oban,many",
    ]
    assert towns(folder) == ["EDI Edinburgh 1"]


def test_all_or_nothing_and_dry_runs_keep_nothing(folder: Path) -> None:
    (folder / "towns.csv").write_text("code,name\nEDI,Edinburgh\nTOOLONG,x\n")
    load = ("load", "towns.csv", "--into", "Town", *SYSTEM)
    assert "Nothing was kept" in kingpost(*load, "--all-or-nothing", folder=folder, status=1).stdout
    assert "as --dry-run wanted" in kingpost(*load, "--dry-run", folder=folder, status=1).stdout
    assert towns(folder) == []


def test_an_actor_loads_by_the_rules(folder: Path) -> None:
    lines = '{"code": "EDI", "name": "Edinburgh", "mayor": "ada"}\n{"code": "OBN", "name": "Oban"}\n'
    done = kingpost("load", "-", "--into", "Town", "--as", "ada", folder=folder, stdin=lines, status=1)
    assert "2 rows of Town: 1 created, 1 rejected" in done.stdout
    assert "the rules of Town do not let you create a row like this" in done.stdout
    assert (folder / "stdin.rejected.ndjson").exists()
    assert "KC013" in kingpost("load", "-", "--into", "Town", "--as", "bob", folder=folder, status=1).stderr


@pytest.mark.parametrize(("arguments", "code", "status", "words"), [
    (["--into", "Town", *SYSTEM], "KC017", 2, "no file is named"),
    (["a.csv", "--into", "Town", "--sytem", "x"], "KC017", 2, "no option --sytem"),
    (["a.csv", "--into", "Town"], "KC018", 2, "--system"),
    (["a.csv", "--into", "Town", *SYSTEM, "--as", "ada"], "KC015", 2, "--as"),
    (["a.csv", "--into", "Toun", *SYSTEM], "KC012", 1, "did you mean 'Town'?"),
    (["a.csv", "--into", "Town", *SYSTEM], "KC020", 1, "there is no file a.csv"),
    (["b.csv", "--into", "Town", *SYSTEM], "KC019", 1, "Town has no 'nam'; did you mean 'name'?"),
    (["b.csv", "--into", "Town", *SYSTEM, "--map", "nam"], "KC017", 2, "--map carrier=airline"),
    (["b.csv", "--into", "Town", *SYSTEM, "--zone", "Narnia"], "KC017", 2, "no zone 'Narnia'"),
    (["b.csv", "--into", "Town", *SYSTEM, "--delimiter", "::"], "KC017", 2, "no single character"),
    (["b.csv", "--into", "Town", *SYSTEM, "--batch", "0"], "KC017", 2, "1 to 10,000"),
    (["b.csv", "c.csv", "--into", "Town", *SYSTEM, "--rejects", "r.csv"], "KC015", 2, "one file"),
    (["c.csv", "--into", "Town", *SYSTEM], "KC020", 1, "not utf-8"),
])  # fmt: skip
def test_what_stands_in_the_way_is_told(folder: Path, arguments: list[str], code: str, status: int, words: str) -> None:
    (folder / "b.csv").write_text("code,nam\n")
    (folder / "c.csv").write_bytes("code,name\nKÖL,Köln\n".encode("latin-1"))
    told = kingpost("load", *arguments, folder=folder, status=status).stderr
    assert code in told
    assert words in told
    assert "Next: " in told


def test_missing_tables_are_told(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text(APP)
    (tmp_path / "towns.csv").write_text("code,name\nEDI,Edinburgh\n")
    told = kingpost("load", "towns.csv", "--into", "Town", *SYSTEM, folder=tmp_path, status=1).stderr
    assert "KC008" in told
    assert "kingpost db sync" in told


def test_ctrl_c_ends_the_load_behind_a_batch_and_loading_again_goes_on(folder: Path) -> None:
    (folder / "towns.csv").write_text("code,name\n" + "".join(f"{number},x\n" for number in range(30_000)))
    load = ["load", "towns.csv", "--into", "Town", "--batch", "100", *SYSTEM]
    leader, follower = pty.openpty()
    process = subprocess.Popen(
        [COMMAND, *load], cwd=folder, env=environment(TERM="xterm"), stdout=subprocess.PIPE, stderr=follower, text=True
    )  # fmt: skip
    os.close(follower)
    shown = _until(leader, rb"[1-9][0-9,]* rows")
    process.send_signal(signal.SIGINT)
    shown += _until(leader, rb"Stopping")
    assert process.stdout is not None
    told = process.stdout.read()
    process.stdout.close()
    assert process.wait(30) == 130
    os.close(leader)
    assert b"towns.csv" in shown
    assert "what is loaded stays" in told
    assert "the same command goes on" in told
    done = int(told.split("towns.csv: ")[1].split(" rows")[0].replace(",", ""))
    assert 0 < done < 30_000
    assert done % 100 == 0
    rest = kingpost(*load, folder=folder).stdout
    assert f"{30_000 - done:,} created, {done:,} unchanged" in rest


def _until(terminal: int, pattern: bytes) -> bytes:
    """What a terminal shows, up to where a pattern is found."""
    shown, deadline = b"", time.monotonic() + 60
    while not re.search(pattern, shown):
        assert time.monotonic() < deadline, shown
        shown += os.read(terminal, 4096)
    return shown
