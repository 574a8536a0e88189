"""wrk, which makes the load of the bench: a program of the system."""

from __future__ import annotations

import os
import shutil

import pytest


def require_wrk() -> None:
    """`make test` installs it where it can; on CI it must be there."""
    if shutil.which("wrk") is None:
        (pytest.fail if os.environ.get("CI") else pytest.skip)("there is no wrk on this machine")
