"""Every Python block of README and docs runs, and every request gets the answer that the page shows."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.docs import code, requests
from tests.docs.pages import PAGES, blocks, name_of

with_code = pytest.mark.parametrize("page", [page for page in PAGES if blocks(page, "python", "http")], ids=name_of)


@with_code
def test_code_runs_and_requests_are_answered_so(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    everything = blocks(page)
    answer_to = {exchange.request.first: exchange.answer for exchange in requests.exchanges(everything)}
    with code.namespace(page) as names:
        for block in everything:
            if block.language == "python" and code.runs(block):
                names.run(block)
            elif block.first in answer_to:
                shown = answer_to[block.first]
                answer = requests.ask(names, block)
                assert requests.same(shown.text, answer), f"{shown.place}: the answer is now\n{answer}"


def test_what_is_not_run_says_why() -> None:
    for page in PAGES:
        for block in blocks(page):
            mark = block.marks.get("runs", "no, because of something or other")
            assert re.fullmatch(r"no, because .{10,}", mark), block.place
            assert set(block.marks) <= {"runs", "file", "as", "shows", "refused"}, block.place
