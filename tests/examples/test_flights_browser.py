"""The pages of flights as people meet them: axe finds nothing, in light and dark, and nothing overflows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import pytest
from axe_playwright_python.async_playwright import Axe
from starlette.testclient import TestClient

from tests.examples.test_flights import PAGES, data, database, flights
from tests.examples.test_learn_browser import ORIGIN, RULES, visit

if TYPE_CHECKING:
    from playwright.async_api import Browser

__all__ = ["data", "database", "flights"]  # fixtures
MAIN = [*PAGES, "/flights?day=2013-07-01", "/nowhere"]


@pytest.mark.parametrize("width", [1280, 360])
@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_axe_finds_nothing(
    browser: Browser, flights: TestClient, width: int, scheme: Literal["light", "dark"]
) -> None:
    page = await visit(browser, flights, width, scheme)
    found: dict[str, list[str]] = {}
    for address in MAIN:
        await page.goto(ORIGIN + address)
        assert await page.evaluate("document.documentElement.scrollWidth") <= width, address
        result = await Axe().run(page, options=RULES)
        for violation in result.response["violations"]:
            targets = [str(node["target"]) for node in violation["nodes"][:3]]
            found.setdefault(address, []).append(f"{violation['id']}: {', '.join(targets)}")
    await page.context.close()
    assert found == {}


async def test_flights_are_found_without_scripts(browser: Browser, flights: TestClient) -> None:
    page = await visit(browser, flights, 360)
    await page.goto(ORIGIN + "/")
    await page.get_by_label("From").select_option("JFK")
    await page.get_by_label("To", exact=True).fill("lax")
    await page.get_by_label("On", exact=True).fill("2013-01-02")
    await page.get_by_role("button", name="Show flights").click()
    await page.wait_for_url("**/flights?*")
    rows = page.locator("table.board tbody tr")
    assert await rows.count() > 10
    assert {text.split()[0] for text in await rows.locator("td:nth-child(4)").all_inner_texts()} == {"JFK"}
    await page.context.close()
