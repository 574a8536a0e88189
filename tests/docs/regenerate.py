"""`python -m tests.docs.regenerate [page ...]`: write anew what the pages get from the code, and what commands answer.

That is the tables between `<!-- generated: name -->` and `<!-- end -->`, the answers to `http` requests, and what
console blocks print. Read the difference before you commit it: here the page follows the code, right or wrong.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from tests.docs import code, consoles, requests
from tests.docs.pages import PAGES, ROOT, Block, blocks, name_of, with_blocks, with_generated
from tests.docs.tables import PARTS


def parts(page: Path) -> dict[str, str]:
    """The generated parts of a page as they should be."""
    makers = PARTS.get(name_of(page), {})
    if "language" not in makers:
        return {name: make() for name, make in makers.items()}
    with code.namespace(page) as names:
        names.run(blocks(page, "python")[0])
        return {name: make(names.names["app"]) if name == "language" else make() for name, make in makers.items()}


def answers(page: Path) -> dict[int, str]:
    """The answers to the requests of a page, by the first line of the block that shows them."""
    everything = blocks(page)
    answer_to = {exchange.request.first: exchange.answer for exchange in requests.exchanges(everything)}
    found: dict[int, str] = {}
    if not answer_to:
        return found
    with code.namespace(page) as names:
        for block in everything:
            if block.language == "python" and code.runs(block):
                names.run(block)
            elif block.first in answer_to:
                found[answer_to[block.first].first] = requests.ask(names, block)
    return found


def consoles_of(page: Path, folder: Path) -> list[tuple[Block, str]]:
    """The console blocks of a page, each with what it should show."""
    with consoles.console(folder) as terminal:
        return [(block, played) for block in blocks(page) if (played := terminal.play(block)) is not None]


def main(chosen: list[str]) -> None:
    """Write the pages that differ."""
    for page in PAGES:
        if chosen and not any(name in name_of(page) for name in chosen):
            continue
        before = page.read_text(encoding="utf-8")
        page.write_text(with_generated(page, parts(page)), encoding="utf-8")
        page.write_text(with_blocks(page, answers(page)), encoding="utf-8")
        with tempfile.TemporaryDirectory() as folder:
            shown = {
                block.first: text
                for block, text in consoles_of(page, Path(folder))
                if not consoles.same(block.text, text)
            }
        page.write_text(with_blocks(page, shown), encoding="utf-8")
        if page.read_text(encoding="utf-8") != before:
            print(page.relative_to(ROOT))


if __name__ == "__main__":
    main(sys.argv[1:])
