"""The reference site over its declarations: every page, its rules, its planning, and what it never does."""

from __future__ import annotations

import gzip
from collections.abc import Awaitable, Callable
from datetime import timedelta
from functools import cache
from html import unescape
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urljoin, urlsplit

import pytest
from starlette.testclient import TestClient

from examples.learn import content
from tests.examples.markup import Document, read

if TYPE_CHECKING:
    from kingpost import App

T = TypeVar("T")

FIXED = {
    "/": "learn",
    "/articles": "The guide",
    "/topics": "Topic map",
    "/programs": "Learning programs",
    "/paths": "Career paths",
    "/skills": "Skills",
    "/qualifications": "Qualifications",
    "/glossary": "Glossary",
    "/search": "Search",
    "/search?q=index": "Search",
    "/search?q=zzzzzz": "Search",
}
WRITTEN = content.read()


@cache
def addresses() -> dict[str, str]:
    """Every page there should be, with its title."""
    found = dict(FIXED)
    for place, records in (("topics", WRITTEN.topics), ("programs", WRITTEN.programs), ("paths", WRITTEN.paths)):
        found |= {f"/{place}/{record['slug']}": record["name"] for record in records}
    return found | {f"/articles/{record['slug']}": record["title"] for record in WRITTEN.articles}


@pytest.fixture(scope="module")
def pages(site: TestClient) -> dict[str, Document]:
    """Every page, read."""
    found: dict[str, Document] = {}
    for address in addresses():
        answer = site.get(address)
        assert answer.status_code == 200, address
        assert answer.headers["content-type"] == "text/html; charset=utf-8"
        found[address] = read(answer.text)
    return found


def run(site: TestClient, work: Callable[[], Awaitable[T]]) -> T:
    """Await something where the site runs, with the rights of the system."""
    from kingpost import as_system

    async def whole() -> T:
        with as_system("test"):
            return await work()

    assert site.portal is not None
    return site.portal.call(whole)


# --------------------------------------------------------------------------------------------------------------- pages


def test_every_page_bears_its_title(pages: dict[str, Document]) -> None:
    for address, title in addresses().items():
        assert pages[address].title == (title if address == "/" else f"{title} – learn")
        if address != "/":
            assert pages[address].all("h1")[0].text == title


def test_every_page_is_well_formed(pages: dict[str, Document]) -> None:
    assert {address: page.problems for address, page in pages.items() if page.problems} == {}


def test_no_page_needs_scripts(pages: dict[str, Document]) -> None:
    for page in pages.values():
        assert not page.all("script", "iframe", "object", "embed", "style")
        assert not [name for element in page.elements for name in element.attributes if name.startswith("on")]


def test_the_site_map_lists_every_page(site: TestClient) -> None:
    listed = {row.split("</loc>")[0] for row in site.get("/sitemap.xml").text.split("<loc>")[1:]}
    expected = {f"http://testserver{address}" for address in addresses() if not address.startswith("/search")}
    assert listed == expected
    assert "Sitemap: http://testserver/sitemap.xml" in site.get("/robots.txt").text


def test_every_link_leads_somewhere(site: TestClient, pages: dict[str, Document]) -> None:
    other: dict[str, int] = {}
    broken: set[str] = set()
    for address, page in pages.items():
        for link in page.links:
            target = urlsplit(urljoin(address, link))
            whole = target.path + (f"?{target.query}" if target.query else "")
            if whole in pages:
                if target.fragment and target.fragment not in pages[whole].ids:
                    broken.add(f"{address}: {link}")
            elif other.setdefault(whole, site.get(whole).status_code) != 200:
                broken.add(f"{address}: {link}")
    assert broken == set()


@pytest.mark.parametrize("place", ["/nowhere", "/articles/x", "/topics/x", "/programs/x", "/paths/x", "/static/x"])
def test_what_is_not_there_is_said_on_a_page(site: TestClient, place: str) -> None:
    answer = site.get(place)
    assert answer.status_code == 404
    page = read(answer.text)
    assert page.all("h1")[0].text == "There is no such page"
    assert page.problems == []
    assert any(element.attributes.get("content") == "noindex" for element in page.all("meta"))


def test_an_unknown_api_address_is_no_page(site: TestClient) -> None:
    answer = site.get("/api/nowhere")
    assert answer.status_code == 404
    assert answer.headers["content-type"].startswith("application/")


def test_pages_may_be_kept_and_asked_for_again(site: TestClient) -> None:
    first = site.get("/topics")
    assert first.headers["cache-control"].startswith("public, max-age=")
    again = site.get("/topics", headers={"If-None-Match": f'"other", {first.headers["etag"]}'})
    assert (again.status_code, again.content) == (304, b"")
    assert site.head("/topics").status_code == 200
    style = next(link for link in read(first.text).links if link.startswith("/static/site.css"))
    assert "immutable" in site.get(style).headers["cache-control"]
    assert "immutable" not in site.get("/static/site.css?v=other").headers["cache-control"]


def test_the_first_view_is_light(site: TestClient) -> None:
    parts = ["/", "/static/site.css", "/static/favicon.svg"]
    assert sum(len(site.get(part, headers={"Accept-Encoding": "identity"}).content) for part in parts) <= 60_000
    # The largest page, as it travels.
    assert len(gzip.compress(site.get("/topics").content)) + len(gzip.compress(site.get(parts[1]).content)) <= 30_000


def test_pages_allow_nothing_from_elsewhere(site: TestClient) -> None:
    policy = site.get("/").headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script-src" not in policy


# ------------------------------------------------------------------------------------------------------------ planning


def test_hours_are_computed_by_the_store(site: TestClient) -> None:
    hours = {topic["slug"]: topic["hours"] for topic in WRITTEN.topics}
    answer = site.get("/api/programs", params={"fields": "slug,hours", "sort": "-hours"}).json()["items"]
    expected = {program["slug"]: sum(hours[slug] for slug in program["topics"]) for program in WRITTEN.programs}
    assert {row["slug"]: row["hours"] for row in answer} == expected
    assert [row["hours"] for row in answer] == sorted(expected.values(), reverse=True)


def test_topics_of_a_program_keep_their_order(pages: dict[str, Document]) -> None:
    names = {topic["slug"]: topic["name"] for topic in WRITTEN.topics}
    for program in WRITTEN.programs:
        cells = pages[f"/programs/{program['slug']}"].all("th")
        rows = [cell.text for cell in cells if cell.attributes["scope"] == "row"]
        assert rows == [names[slug] for slug in program["topics"]]


def test_every_program_of_the_site_is_in_order(site: TestClient) -> None:
    for program in WRITTEN.programs:
        answer = site.post(f"/api/programs/{program['slug']}/check")
        assert (answer.status_code, answer.json()) == (200, []), program["slug"]


def test_a_wrong_program_is_found_out(site: TestClient) -> None:
    from examples.learn.models import Program, Topic

    async def make() -> Program:
        topics = [await Topic.get(slug) for slug in ("transactions", "sql", "http")]
        wrong = Program(
            slug="wrong", name="Wrong way round", summary="For this test.", audience="Nobody", rank=99,
            topics=topics, assumes=[await Topic.get("how-the-web-works")],
        )  # fmt: skip
        await wrong.save()
        return wrong

    wrong = run(site, make)
    try:
        found = site.post("/api/programs/wrong/check").json()
        assert {(gap["topic"], gap["needs"], gap["problem"]) for gap in found} == {
            (topic["slug"], needed, "late" if needed in ("sql", "http") else "missing")
            for topic in WRITTEN.topics
            if topic["slug"] in ("transactions", "sql", "http")
            for needed in topic["requires"]
            if needed != "how-the-web-works"
        }
        page = site.get("/programs/wrong").text
        assert "which comes later" in page
        assert "is not in the program and not assumed" in page
    finally:
        run(site, wrong.delete)


@pytest.mark.parametrize(("asked", "pace"), [("10", 10), ("0", 1), ("500", 60), ("six", 6), ("", 6), ("١٢", 6)])
def test_weeks_follow_from_the_pace(site: TestClient, asked: str, pace: int) -> None:
    hours = {topic["slug"]: topic["hours"] for topic in WRITTEN.topics}
    program = WRITTEN.programs[0]
    weeks = -(-sum(hours[slug] for slug in program["topics"]) // pace)
    page = site.get(f"/programs/{program['slug']}", params={"hours": asked})
    assert page.status_code == 200
    assert f"<strong>{weeks} weeks</strong>" in page.text


def test_a_topic_says_what_it_opens(pages: dict[str, Document]) -> None:
    for topic in WRITTEN.topics:
        links = pages[f"/topics/{topic['slug']}"].links
        opened = {f"/topics/{each['slug']}" for each in WRITTEN.topics if topic["slug"] in each["requires"]}
        assert opened | {f"/topics/{slug}" for slug in topic["requires"]} <= links


# --------------------------------------------------------------------------------------------------- search and safety


def test_search_finds_in_names_and_texts_whatever_the_case(site: TestClient) -> None:
    assert "/topics/sql" in read(site.get("/search", params={"q": " sQl "}).text).links
    assert "/glossary#acid" in read(site.get("/search", params={"q": "ACID"}).text).links
    assert "Nothing found for “100%_”." in unescape(site.get("/search", params={"q": "100%_"}).text)
    assert site.get("/search", params={"q": "x" * 81}).status_code == 422


HOSTILE = "<script>alert('1')</script>\"&"


def test_what_people_write_stays_text(site: TestClient) -> None:
    from examples.learn.models import Article, User
    from kingpost import now

    page = read(site.get("/search", params={"q": HOSTILE}).text)
    assert page.problems == []
    assert page.all("input")[0].attributes["value"] == HOSTILE

    async def write() -> Article:
        author = await User.get(WRITTEN.authors[0]["slug"])
        article = Article(
            slug="hostile", title=HOSTILE, summary=HOSTILE, section="craft", minutes=1, author=author,
            body=f"# {HOSTILE}\n\n{HOSTILE}\n\n```\n{HOSTILE}\n```\n\n[x](javascript:alert(1))",
            published_at=now() - timedelta(days=1),
        )  # fmt: skip
        await article.save()
        return article

    article = run(site, write)
    try:
        for address in ("/", "/articles", "/articles/hostile"):
            page = read(site.get(address).text)
            assert page.problems == []
            assert not page.all("script")
            assert HOSTILE in "".join(element.text for element in page.all("body"))
    finally:
        run(site, article.delete)


def test_drafts_and_articles_to_come_are_shown_to_nobody(site: TestClient) -> None:
    from examples.learn.models import Article, User
    from kingpost import now

    async def write() -> list[Article]:
        author = await User.get(WRITTEN.authors[0]["slug"])
        drafts = []
        for number, day in enumerate((None, now() + timedelta(days=1))):
            values: dict[str, Any] = dict(title="Unseen words", summary="Unseen.", section="craft", minutes=1)
            draft = Article(slug=f"draft-{number}", author=author, body="Unseen words.", published_at=day, **values)
            await draft.save()
            drafts.append(draft)
        return drafts

    drafts = run(site, write)
    try:
        for draft in drafts:
            assert site.get(f"/articles/{draft.slug}").status_code == 404
            assert site.get(f"/api/articles/{draft.slug}").status_code == 404
        for address in ("/", "/articles", "/sitemap.xml", "/search?q=unseen", "/api/articles?limit=1000"):
            assert "Unseen words" not in site.get(address).text
            assert "draft-" not in site.get(address).text
    finally:
        for draft in drafts:
            run(site, draft.delete)


def test_nobody_changes_the_guide_from_outside(site: TestClient) -> None:
    slug = WRITTEN.topics[0]["slug"]
    assert site.patch(f"/api/topics/{slug}", json={"hours": 1}).status_code in (401, 403)
    assert site.delete(f"/api/topics/{slug}").status_code in (401, 403)
    assert site.post(f"/api/articles/{WRITTEN.articles[0]['slug']}/publish", json={}).status_code in (401, 403)
    assert site.get("/api/editions").json().get("items", []) == []
    assert {user["email"] for user in site.get("/api/users").json()["items"]} == {None}


# ------------------------------------------------------------------------------------------------------------- loading


def test_loading_again_changes_nothing(site: TestClient, learn: App) -> None:
    from examples.learn.load import load

    before = site.get("/api/topics", params={"limit": 1000}).text
    assert run(site, lambda: load(learn)) is False
    assert site.get("/api/topics", params={"limit": 1000}).text == before


def test_loading_mends_what_differs_and_removes_what_is_gone(site: TestClient, learn: App) -> None:
    from examples.learn.load import load
    from examples.learn.models import Edition, Term, Topic

    async def disturb() -> None:
        topic = await Topic.get("sql")
        topic.hours = 399
        topic.prerequisites = []
        await topic.save()
        await Term(slug="left-over", term="Left over", meaning="Of no file.").save()
        edition = await Edition.get("content")
        edition.digest = "old"
        await edition.save()

    run(site, disturb)
    assert run(site, lambda: load(learn)) is True
    written = next(topic for topic in WRITTEN.topics if topic["slug"] == "sql")
    found = site.get("/api/topics/sql", params={"include": "prerequisites"}).json()
    assert found["hours"] == written["hours"]
    assert [each["slug"] for each in found["prerequisites"]] == written["requires"]
    assert site.get("/api/terms/left-over").status_code == 404
