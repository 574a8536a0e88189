"""The reference site over PostgreSQL: by changing an address, and with the same answers to the byte."""

from __future__ import annotations

from starlette.testclient import TestClient

from examples.learn import content
from tests.examples.test_learn import FIXED

WRITTEN = content.read()


def test_postgresql_gives_the_same_pages(site: TestClient, postgres_url: str) -> None:
    from examples.learn.app import create

    places = [*FIXED, "/search?q=%25", "/sitemap.xml", "/api/programs?include=topics&sort=-hours"]
    places += [f"/topics/{topic['slug']}" for topic in WRITTEN.topics[::5]]
    places += [f"/articles/{article['slug']}" for article in WRITTEN.articles[::4]]
    places += [f"/{name}/{getattr(WRITTEN, name)[0]['slug']}" for name in ("programs", "paths")]
    with TestClient(create(postgres_url)) as other:
        for place in places:
            expected, found = site.get(place), other.get(place)
            assert (found.status_code, found.text) == (expected.status_code, expected.text), place
