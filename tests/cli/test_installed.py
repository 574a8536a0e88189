"""The package as it is installed from a wheel, outside of the repository."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

from tests.cli.running import environment
from tests.docs.pages import ROOT


def test_a_wheel_has_all_that_a_new_project_needs(tmp_path: Path) -> None:
    built = tmp_path / "dist"
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(built)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = built.glob("kingpost-*.whl")
    installed, project = tmp_path / "site", tmp_path / "elsewhere"
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(installed)
    project.mkdir()
    own = {**environment(), "PYTHONPATH": str(installed)}

    def run(*arguments: str, folder: Path) -> str:
        command = [sys.executable, *arguments]
        done = subprocess.run(command, cwd=folder, env=own, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    assert str(installed) in run("-c", "import kingpost; print(kingpost.__file__)", folder=project)
    run("-m", "kingpost", "new", "shelf", folder=project)
    assert "no problems" in run("-m", "kingpost", "check", "--no-stores", folder=project / "shelf")
    assert (installed / "kingpost" / "py.typed").is_file()
