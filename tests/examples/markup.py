"""Reads a page the way a careful reader would: is it well formed, what is it called, where do its links lead?"""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser
from itertools import pairwise

VOID = {"br", "hr", "img", "input", "link", "meta"}
DRAWN = {"circle", "path", "rect"}


@dataclass
class Element:
    """One element: its attributes and the text inside."""

    tag: str
    attributes: dict[str, str | None]
    text: str = ""


@dataclass
class Document:
    """A parsed page, and all that is wrong with its form."""

    elements: list[Element] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    def all(self, *tags: str) -> list[Element]:
        return [element for element in self.elements if element.tag in tags]

    @property
    def title(self) -> str:
        return self.all("title")[0].text

    @property
    def ids(self) -> set[str]:
        return {name for element in self.elements if (name := element.attributes.get("id"))}

    @property
    def links(self) -> set[str]:
        """Addresses of this site that the page names."""
        named = {element.attributes.get("href") or "" for element in self.all("a", "link")}
        return {address for address in named if address.startswith(("/", "#"))}


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.document = Document()
        self.open: list[Element] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = [name for name, _ in attrs]
        if len(names) != len(set(names)):
            self.document.problems.append(f"<{tag}> repeats an attribute")
        element = Element(tag, dict(attrs))
        self.document.elements.append(element)
        if tag not in VOID:
            self.open.append(element)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag in DRAWN:
            self.open.pop()
        elif tag not in VOID:
            self.document.problems.append(f"<{tag}/> does not close in HTML")

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open[-1].tag != tag:
            self.document.problems.append(f"</{tag}> at {self.getpos()} closes nothing that is open")
        else:
            self.open.pop()

    def handle_data(self, data: str) -> None:
        for element in self.open:
            element.text += data


def read(html: str) -> Document:
    """Parse a page and note what is wrong with it."""
    reader = _Reader()
    reader.feed(html)
    reader.close()
    document = reader.document
    document.problems += [f"<{element.tag}> stays open" for element in reader.open]
    document.problems += _judge(document)
    return document


def _judge(document: Document) -> list[str]:
    found: list[str] = []
    ids = [element.attributes["id"] for element in document.elements if "id" in element.attributes]
    found += [f"id {name!r} is given twice" for name in {name for name in ids if ids.count(name) > 1}]
    for one in ("html", "head", "title", "body", "main", "h1"):
        if len(document.all(one)) != 1:
            found.append(f"{len(document.all(one))} <{one}>")
    if not document.all("html")[0].attributes.get("lang"):
        found.append("the language is not said")
    if not any(element.attributes.get("name") == "description" for element in document.all("meta")):
        found.append("there is no description")
    levels = [int(element.tag[1]) for element in document.all("h1", "h2", "h3", "h4", "h5", "h6")]
    found += [f"h{after} follows h{before}" for before, after in pairwise(levels) if after > before + 1]
    labelled = {element.attributes.get("for") for element in document.all("label")}
    found += ["an input has no label" for each in document.all("input") if each.attributes.get("id") not in labelled]
    found += ["an image has no text" for each in document.all("img") if each.attributes.get("alt") is None]
    for element in document.all("a", "button", "h1", "h2", "h3", "th", "summary"):
        if not element.text.strip():
            found.append(f"an empty <{element.tag}>")
    for element in document.elements:
        refers = (element.attributes.get("aria-labelledby") or "").split()
        found += [f"{name!r} names nothing" for name in refers if name not in ids]
    return found
