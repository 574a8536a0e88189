"""Markdown as a page shows it: clean HTML, highlighted code, headings with anchors, and a table of contents."""

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from html import escape
from itertools import pairwise

import nh3
from markdown_it import MarkdownIt
from markdown_it.token import Token
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import get_lexer_by_name
from pygments.util import ClassNotFound


@dataclass(frozen=True)
class Heading:
    """One entry of the table of contents."""

    anchor: str
    text: str


@dataclass(frozen=True)
class Rendered:
    """A text as HTML that is safe to insert."""

    html: str
    contents: tuple[Heading, ...]


_FORMAT: HtmlFormatter[str] = HtmlFormatter(nowrap=True)
_ATTRIBUTES = {
    "a": {"href", "title"}, "div": {"aria-label", "class", "role", "tabindex"}, "h2": {"id"}, "ol": {"start"},
    "pre": {"tabindex"}, "span": {"class"}, "th": {"scope"},
}  # fmt: skip
_TAGS = {
    "a", "blockquote", "br", "code", "div", "em", "h2", "h3", "h4", "hr", "li", "ol", "p", "pre", "s", "span", "strong",
    "table", "tbody", "td", "th", "thead", "tr", "ul",
}  # fmt: skip


@lru_cache(maxsize=256)
def render(text: str) -> Rendered:
    """The HTML of a text. HTML written in the text stays text; a second wall, nh3, takes out whatever is not known."""
    tokens = _parser.parse(text)
    contents: list[Heading] = []
    for opening, inline in pairwise(tokens):
        if opening.type == "heading_open":
            _place(opening, tokens, contents, inline)
    html = _parser.renderer.render(tokens, _parser.options, {})
    clean = nh3.clean(html, tags=_TAGS, attributes=_ATTRIBUTES, url_schemes={"http", "https", "mailto"})
    return Rendered(clean, tuple(contents))


def _place(opening: Token, tokens: list[Token], contents: list[Heading], inline: Token) -> None:
    """The page's title is its only h1: headings of a text begin at h2. Those of the first level get an anchor."""
    closing = next(token for token in tokens[tokens.index(opening) :] if token.type == "heading_close")
    opening.tag = closing.tag = {"h1": "h2"}.get(opening.tag, opening.tag)
    if opening.tag == "h2":
        words = "".join(child.content for child in inline.children or [])
        taken = {heading.anchor for heading in contents}
        anchor = base = _anchor(words)
        while anchor in taken:
            anchor = f"{base}-{len(taken)}"
        opening.attrSet("id", anchor)
        contents.append(Heading(anchor, words))


def _anchor(words: str) -> str:
    plain = unicodedata.normalize("NFKD", words).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-") or "part"


def _code(code: str, language: str, _attributes: str) -> str:
    try:
        marked = highlight(code, get_lexer_by_name(language), _FORMAT) if language else escape(code)
    except ClassNotFound:
        marked = escape(code)
    return f'<pre tabindex="0"><code>{marked}</code></pre>\n'


def _always(html: str) -> Callable[..., str]:
    def rule(*_arguments: object) -> str:
        return html

    return rule


_parser = MarkdownIt("commonmark", {"html": False, "highlight": _code}).enable(["table", "strikethrough"])
# Wide code and wide tables scroll by themselves, so the keyboard must be able to get there.
_WIDE = '<div class="wide" role="group" aria-label="Table" tabindex="0"><table>\n'
_parser.add_render_rule("table_open", _always(_WIDE))
_parser.add_render_rule("table_close", _always("</table></div>\n"))
_parser.add_render_rule("th_open", _always('<th scope="col">'))
