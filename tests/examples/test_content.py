"""The content as written, and how it is read and rendered."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from examples.learn import content
from examples.learn.markdown import render
from tests.examples.markup import read as read_page

CONTENT = content.read()


def test_there_is_enough_to_read_and_to_plan_with() -> None:
    assert len(CONTENT.articles) >= 12
    assert len(CONTENT.topics) >= 60
    assert len(CONTENT.paths) >= 4
    assert len(CONTENT.programs) >= 3
    assert {"lead-engineer", "architect"} <= {path["slug"] for path in CONTENT.paths}
    assert all(len(path["step"]) >= 4 for path in CONTENT.paths)


@pytest.mark.parametrize("article", CONTENT.articles, ids=lambda article: article["slug"])
def test_articles_say_something(article: content.Record) -> None:
    words = len(re.findall(r"[\w'’]+", article["body"]))
    assert words >= 400
    assert not re.search(r"lorem|ipsum|TODO|TBD", article["body"], re.IGNORECASE)
    assert abs(article["minutes"] - words / 220) < 2


def test_references_lead_somewhere() -> None:
    known = {name: {row["slug"] for row in getattr(CONTENT, name)} for name in ("topics", "skills", "qualifications")}
    for topic in CONTENT.topics:
        assert set(topic["requires"]) <= known["topics"]
        assert set(topic["skills"]) <= known["skills"]
        assert all(link["url"].startswith("https://") for link in topic["links"])
    for program in CONTENT.programs:
        assert set(program["topics"]) | set(program["assumes"]) <= known["topics"]
    for path in CONTENT.paths:
        for step in path["step"]:
            assert all(set(step[name]) <= known[name] for name in known)


def test_the_digest_follows_the_files(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text("one = 1\n")
    before = content.digest(tmp_path)
    assert content.digest(tmp_path) == before
    (tmp_path / "a.toml").write_text("one = 2\n")
    changed = content.digest(tmp_path)
    (tmp_path / "a.toml").rename(tmp_path / "b.toml")
    assert len({before, changed, content.digest(tmp_path)}) == 3


def test_a_broken_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "authors.toml").write_text("[[author]\n")
    with pytest.raises(ValueError, match=r"authors\.toml"):
        content.read(tmp_path)


@pytest.mark.parametrize(
    "hostile",
    [
        "<script>alert(1)</script>",
        "Text <img src=x onerror=alert(1)> text",
        "[click](javascript:alert(1))",
        "[click](data:text/html;base64,PHNjcmlwdD4=)",
        "```html\n<script>alert(1)</script>\n```",
        '```"><script>alert(1)</script>\ncode\n```',
        "## <svg onload=alert(1)>",
        '<a href="javascript:alert(1)">x</a>',
        "![](x){onload=alert(1)}",
    ],
)
def test_nothing_in_a_text_becomes_active(hostile: str) -> None:
    page = read_page(f"<!doctype html><html lang=en><head></head><body>{render(hostile).html}</body></html>")
    assert not page.all("script", "img", "svg", "iframe", "style")
    for element in page.elements:
        assert not any(name.startswith("on") or name == "style" for name in element.attributes)
        assert not (element.attributes.get("href") or "").lower().startswith(("javascript:", "data:"))


def test_headings_get_anchors_and_a_table_of_contents() -> None:
    text = render("# One\n\ntext\n\n## Two & *three*\n\n## Two & three\n\n### Deeper\n\n## Überlauf\n\n## ???\n")
    assert [(each.anchor, each.text) for each in text.contents] == [
        ("one", "One"),
        ("two-three", "Two & three"),
        ("two-three-2", "Two & three"),
        ("uberlauf", "Überlauf"),
        ("part", "???"),
    ]
    assert '<h2 id="one">' in text.html
    assert "<h1" not in text.html


def test_code_is_marked_and_can_be_reached_by_keyboard() -> None:
    html = render("```python\nreturn 'a < b'\n```\n\n```unheard-of\n<b>\n```\n").html
    assert '<pre tabindex="0"><code><span class="k">return</span>' in html
    assert "a &lt; b" in html
    assert "&lt;b&gt;" in html


def test_tables_scroll_by_themselves() -> None:
    html = render("| a | b |\n|---|---|\n| 1 | <b>2</b> |\n").html
    assert html.startswith('<div class="wide" role="group" aria-label="Table" tabindex="0"><table>')
    assert html.count('<th scope="col">') == 2
    assert "<td>&lt;b&gt;2&lt;/b&gt;</td>" in html
