"""A Chromium of the system's, driven by Playwright, that can reach this machine only.

`python -m tests.services.browser` prints where it is, and fails if it is nowhere.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.async_api import Browser

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
MAC = Path("/Applications/Google Chrome.app/Contents/MacOS/Google Chrome")
FLAGS = (
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-sync",
    "--no-default-browser-check",
    "--no-first-run",
    # A page that needs anything from the internet shall look broken here.
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",
)


def find_chromium() -> str | None:
    """The path of a Chromium or Chrome, if there is one."""
    return next(filter(None, map(shutil.which, NAMES)), None) or (str(MAC) if MAC.exists() else None)


@asynccontextmanager
async def browser() -> AsyncIterator[Browser]:
    """A running headless browser for the length of the block."""
    from playwright.async_api import async_playwright

    executable = find_chromium()
    if executable is None:
        raise RuntimeError("no Chromium found; on Debian: apt-get install chromium")
    # Chromium's sandbox refuses to be started by root.
    flags = [*FLAGS, "--no-sandbox"] if os.geteuid() == 0 else list(FLAGS)
    async with async_playwright() as playwright:
        chromium = await playwright.chromium.launch(executable_path=executable, args=flags)
        try:
            yield chromium
        finally:
            await chromium.close()


if __name__ == "__main__":
    print(find_chromium() or sys.exit(1))
