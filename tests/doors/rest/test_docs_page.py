"""The page of the API: readable without scripts, on a phone and on a desk, and for everybody."""

from __future__ import annotations

import html.parser
from typing import Any

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser

from kingpost.doors.rest.docs import render
from kingpost.doors.rest.openapi import Document
from kingpost.doors.rest.route import Routes
from kingpost.doors.rest.settings import RestSettings
from kingpost.model.build import build
from tests.doors.rest.domain import RESOURCES, User


@pytest.fixture(scope="module")
def page_html() -> str:
    model = build(RESOURCES, {"main"}, User)
    return render(Document(model, Routes(model, "/api"), RestSettings(title="Learn <1>")).make(), "/api/openapi.json")


class Links(html.parser.HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.links: list[str] = []
        self.tags: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        told = dict(attrs)
        self.tags.add(tag)
        if told.get("id"):
            self.ids.append(str(told["id"]))
        if told.get("href"):
            self.links.append(str(told["href"]))


def test_links_lead_somewhere_and_nothing_comes_from_afar(page_html: str) -> None:
    found = Links()
    found.feed(page_html)
    assert len(found.ids) == len(set(found.ids))
    assert {link[1:] for link in found.links if link.startswith("#")} <= set(found.ids)
    assert {link for link in found.links if not link.startswith("#")} == {"/api/openapi.json", "/problems/"}
    assert not {"script", "img", "link", "iframe"} & found.tags
    assert "Learn &lt;1&gt;" in page_html


def test_it_tells_what_there_is(page_html: str) -> None:
    for words in ("/api<wbr>/articles", "As people see it", "Say the title loudly", "curl -X PATCH", "hours[ge]"):
        assert words in page_html, words


@pytest.mark.parametrize(("width", "scheme"), [(360, "light"), (1280, "dark")])
async def test_it_is_accessible(browser: Browser, page_html: str, width: int, scheme: Any) -> None:
    context = await browser.new_context(viewport={"width": width, "height": 800}, color_scheme=scheme)
    page = await context.new_page()
    await page.set_content(page_html)
    # One of each kind: axe takes a minute for all of them.
    for id in ("article-list", "article-create", "schema-article"):
        await page.evaluate(f"document.getElementById({id!r}).open = true")
    assert await page.evaluate("document.documentElement.scrollWidth") <= width
    results = await Axe().run(page)
    assert results.violations_count == 0, results.generate_report()
    await context.close()
