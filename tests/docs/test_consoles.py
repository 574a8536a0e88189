"""What is typed into a console prints what the page shows."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.docs import consoles
from tests.docs.pages import PAGES, blocks, name_of

played = [
    page for page in PAGES if any(not block.marks.get("runs", "").startswith("no") for block in blocks(page, "console"))
]


@pytest.mark.skipif(shutil.which("curl") is None, reason="the pages use curl")
@pytest.mark.parametrize("page", played, ids=name_of)
def test_commands_print_what_is_shown(page: Path, tmp_path: Path) -> None:
    with consoles.console(tmp_path) as terminal:
        for block in blocks(page):
            printed = terminal.play(block)
            if printed is not None:
                assert consoles.same(block.text, printed), f"{block.place}: it now prints\n{printed}"
