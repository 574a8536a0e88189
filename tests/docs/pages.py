"""Markdown pages as what tests look at: fenced blocks with their marks, headings, links, generated parts.

A mark is an HTML comment right above a fence, such as `<!-- runs: no, because it needs PostgreSQL -->`. Several marks
are several comments, each on a line of its own.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
PAGES: Final = (ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")))

_FENCE: Final = re.compile(r"(?P<indent> *)(?P<ticks>`{3,})(?P<language>[\w-]*)\s*\Z")
_MARK: Final = re.compile(r"\s*<!-- (?P<name>[a-z]+): (?P<value>.+) -->\s*\Z")
_LINK: Final = re.compile(r"!?\[(?:[^\]`]|`[^`]*`)*\]\((?P<target>[^)\s]+)\)")
_GENERATED: Final = re.compile(
    r"(?P<begin><!-- generated: (?P<name>[\w .-]+) -->\n)(?P<text>.*?)(?P<end><!-- end -->)", re.DOTALL
)


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block. `first` and `last`: line numbers of its text, from 1; an empty one has last = first - 1."""

    page: Path
    language: str
    text: str
    first: int
    last: int
    marks: dict[str, str]

    @property
    def place(self) -> str:
        return f"{name_of(self.page)}:{self.first}"


def name_of(page: Path) -> str:
    """How a page is called in messages."""
    return str(page.relative_to(ROOT))


def blocks(page: Path, *languages: str) -> list[Block]:
    """All fenced blocks of a page, or those in some languages."""
    return [block for block in _blocks(page) if not languages or block.language in languages]


def _blocks(page: Path) -> Iterator[Block]:
    lines = page.read_text(encoding="utf-8").splitlines()
    number = 0
    while number < len(lines):
        fence = _FENCE.match(lines[number])
        if fence is None:
            number += 1
            continue
        end = next((n for n in range(number + 1, len(lines)) if lines[n].strip() == fence["ticks"]), None)
        assert end is not None, f"{name_of(page)}:{number + 1}: the block is never closed"
        indent = len(fence["indent"])
        text = "".join(f"{line[indent:]}\n" for line in lines[number + 1 : end])
        yield Block(page, fence["language"], text, number + 2, end, _marks(lines[:number]))
        number = end + 1


def _marks(above: list[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for line in reversed(above):
        mark = _MARK.match(line)
        if mark is None:
            break
        found[mark["name"]] = mark["value"]
    return found


def prose(page: Path) -> str:
    """The text without its fenced blocks."""
    lines = page.read_text(encoding="utf-8").splitlines()
    for block in blocks(page):
        for number in range(block.first - 1, block.last):
            lines[number] = ""
    return "\n".join(lines)


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    found: set[str] = set()
    for heading in re.findall(r"^#+ (.+)$", prose(page), re.MULTILINE):
        words = re.sub(r"[^\w\- ]", "", heading.replace("`", "").lower()).strip().replace(" ", "-")
        number, anchor = 0, words
        while anchor in found:
            number += 1
            anchor = f"{words}-{number}"
        found.add(anchor)
    found.update(re.findall(r'<a id="([^"]+)">', page.read_text(encoding="utf-8")))
    return found


def links(page: Path) -> list[str]:
    """The targets of all links and images."""
    return [match["target"] for match in _LINK.finditer(prose(page))]


def generated(page: Path) -> dict[str, str]:
    """The generated parts of a page, by name."""
    return {match["name"]: match["text"] for match in _GENERATED.finditer(page.read_text(encoding="utf-8"))}


def with_generated(page: Path, parts: dict[str, str]) -> str:
    """The page with these texts in its generated parts."""

    def put(match: re.Match[str]) -> str:
        return match["begin"] + parts.get(match["name"], match["text"]) + match["end"]

    return _GENERATED.sub(put, page.read_text(encoding="utf-8"))


def with_blocks(page: Path, texts: dict[int, str]) -> str:
    """The page with other texts in some of its blocks, known by their first line."""
    lines = page.read_text(encoding="utf-8").splitlines()
    for block in reversed(blocks(page)):
        if block.first in texts:
            lines[block.first - 1 : block.last] = texts[block.first].splitlines()
    return "\n".join(lines) + "\n"
