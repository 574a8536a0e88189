"""`kingpost new`."""

from __future__ import annotations

import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.running import environment, kingpost, serving


def test_a_new_project_holds_what_it_should_and_says_what_comes_next(tmp_path: Path) -> None:
    told = kingpost("new", "my-shop", folder=tmp_path).stdout
    made = {str(path.relative_to(tmp_path / "my-shop")) for path in (tmp_path / "my-shop").rglob("*") if path.is_file()}
    assert made == {"app.py", "README.md", ".gitignore", "tests/test_app.py"}
    assert "cd my-shop" in told
    assert "kingpost serve" in told
    assert "{{" not in "".join((tmp_path / "my-shop" / name).read_text() for name in made)
    assert 'App("my-shop"' in (tmp_path / "my-shop" / "app.py").read_text()


def test_its_tests_pass_and_nothing_is_left_behind(project: Path) -> None:
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-W", "error", "-p", "no:asyncio"]
    done = subprocess.run(command, cwd=project, capture_output=True, text=True, env=environment(), check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "2 passed" in done.stdout
    assert not list(project.glob("*.db*"))


def test_it_is_without_warnings(project: Path) -> None:
    assert "3 resources, no problems, 0 warnings" in kingpost("check", "--strict", "--no-stores", folder=project).stdout


def test_it_serves_at_once(project: Path) -> None:
    with serving(project) as served:
        served.wait()
        assert served.ask("/api/authors", "POST", {"name": "Ada"})[0] == 201
        assert [one["name"] for one in served.ask("/api/authors")[1]["items"]] == ["Ada"]
        key = served.ask("/api/authors")[1]["items"][0]["id"]
        draft = {"title": "Draft", "body": "", "author": key}
        assert served.ask("/api/articles", "POST", draft)[0] == 201
        assert served.ask("/api/articles")[1]["items"] == []
        assert served.ask("/api/articles", "POST", {**draft, "published_at": "2026-01-01T00:00:00Z"})[0] == 201
        assert [
            one["is_public"]
            for one in served.ask("/api/articles?where=discussion == 0".replace(" ", "%20"))[1]["items"]
        ] == [True]
        assert "created 4 tables: author" in served.printed


@pytest.mark.parametrize("name", ["9lives", "a b", "../up", "", "-x", "app.py", "ä"])
def test_bad_names_are_refused(name: str, tmp_path: Path) -> None:
    done = kingpost("new", "--", name, folder=tmp_path, status=None)
    assert done.returncode in (1, 2)
    assert not list(tmp_path.iterdir())


def test_nothing_that_exists_is_touched(tmp_path: Path) -> None:
    (tmp_path / "blog").mkdir()
    kingpost("new", "blog", folder=tmp_path)  # an empty folder will do
    assert "KC011" in kingpost("new", "blog", folder=tmp_path, status=1).stderr
    (tmp_path / "file").write_text("mine")
    assert "is a file" in kingpost("new", "file", folder=tmp_path, status=1).stderr
    assert (tmp_path / "file").read_text() == "mine"


def test_the_requests_of_its_readme_are_answered(project: Path) -> None:
    curl = shutil.which("curl")
    lines = [line for line in (project / "README.md").read_text().splitlines() if line.startswith("curl")]
    assert len(lines) >= 3
    with serving(project) as served:
        served.wait()
        for line in lines:
            words = shlex.split(line.replace("http://127.0.0.1:8000", served.url))
            if curl is None:  # what curl refuses in an address can still be seen
                assert not any(word.startswith("http") and " " in word for word in words)
                continue
            done = subprocess.run([curl, "-fsS", *words[1:]], capture_output=True, text=True, check=False)
            assert done.returncode == 0, f"{line}\n{done.stderr}"
