"""The reference site as people meet it: axe finds nothing, in light and dark, and nothing overflows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal
from urllib.parse import urlsplit

import pytest
from axe_playwright_python.async_playwright import Axe
from starlette.testclient import TestClient

if TYPE_CHECKING:
    from playwright.async_api import Browser, Page, Route

ORIGIN = "http://learn.test"
MAIN = [
    "/",
    "/articles",
    "/articles/authentication-and-authorization",
    "/articles/nosql-stores",
    "/topics",
    "/topics/rest-api-design",
    "/programs",
    "/programs/sound-data",
    "/paths",
    "/paths/architect",
    "/skills",
    "/qualifications",
    "/glossary",
    "/search?q=cache",
    "/nowhere",
]
RULES = {
    "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
    "resultTypes": ["violations"],
}


async def visit(browser: Browser, site: TestClient, width: int, scheme: Literal["light", "dark"] = "light") -> Page:
    """A page whose requests the site answers, without a server in between."""
    context = await browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)

    async def answer(route: Route) -> None:
        target = urlsplit(route.request.url)
        found = site.get(f"{target.path}?{target.query}", headers={"Accept-Encoding": "identity"})
        await route.fulfill(status=found.status_code, headers=dict(found.headers), body=found.content)

    await context.route(f"{ORIGIN}/**", answer)
    return await context.new_page()


@pytest.mark.parametrize("width", [1280, 360])
@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_axe_finds_nothing(
    browser: Browser, site: TestClient, width: int, scheme: Literal["light", "dark"]
) -> None:
    page = await visit(browser, site, width, scheme)
    found: dict[str, list[str]] = {}
    for address in MAIN:
        await page.goto(ORIGIN + address)
        result = await Axe().run(page, options=RULES)
        for violation in result.response["violations"]:
            targets = [str(node["target"]) for node in violation["nodes"][:3]]
            found.setdefault(address, []).append(f"{violation['id']}: {', '.join(targets)}")
    await page.context.close()
    assert found == {}


@pytest.mark.parametrize("width", [320, 768, 1440])
async def test_nothing_is_wider_than_the_window(browser: Browser, site: TestClient, width: int) -> None:
    page = await visit(browser, site, width)
    for address in MAIN:
        await page.goto(ORIGIN + address)
        assert await page.evaluate("document.documentElement.scrollWidth") <= width, address
    await page.context.close()


async def test_the_keyboard_reaches_the_content_first(browser: Browser, site: TestClient) -> None:
    page = await visit(browser, site, 1280)
    await page.goto(ORIGIN + "/articles")
    await page.keyboard.press("Tab")
    assert await page.evaluate("document.activeElement.textContent") == "Skip to the content"
    await page.keyboard.press("Enter")
    assert await page.evaluate("document.activeElement.id") == "content"
    await page.context.close()


async def test_a_plan_is_made_without_scripts(browser: Browser, site: TestClient) -> None:
    page = await visit(browser, site, 360)
    await page.goto(ORIGIN + "/programs/sound-data")
    before = await page.locator(".outcome strong").inner_text()
    await page.get_by_label("Hours a week").fill("12")
    await page.get_by_role("button", name="Plan").click()
    await page.wait_for_url("**/programs/sound-data?hours=12")
    assert await page.locator(".outcome strong").inner_text() != before
    await page.context.close()


async def test_styles_apply_and_nothing_is_refused(browser: Browser, site: TestClient) -> None:
    page = await visit(browser, site, 1280)
    refused: list[str] = []
    page.on("console", lambda message: refused.append(message.text))
    await page.goto(ORIGIN + "/topics")
    assert await page.evaluate("getComputedStyle(document.querySelector('h1')).fontSize") == "30px"
    assert refused == []
    await page.context.close()
