"""The blog that is measured, as Kingpost's users write it.

BENCH_STORE is the address of its store.
"""

import os
from datetime import datetime
from pathlib import Path

import minijinja
from fastapi.responses import HTMLResponse

from kingpost import App, Resource, anyone, field


class Author(Resource, read=anyone):
    name: str = field(max_length=80)
    email: str = field(max_length=120)


class Tag(Resource, read=anyone):
    name: str = field(max_length=40)


class Article(Resource, read=anyone, create=anyone):
    title: str = field(max_length=200)
    summary: str = field(max_length=500)
    body: str = field(max_length=20_000)
    words: int = field(ge=0)
    published_at: datetime = field(index=True)
    author: Author
    tags: list[Tag] = []


RESOURCES = [Author, Tag, Article]
app = App("bench", resources=RESOURCES, stores={"main": os.environ.get("BENCH_STORE", "sqlite:///bench.db")})
newest = Article.all().sort("-published_at").fields("title", "summary", "author.name").limit(12)
pages = minijinja.Environment(
    templates={"page.html": (Path(__file__).parent / "peers/templates/page.html").read_text()}
)


@app.get("/page")
async def page(before: datetime) -> HTMLResponse:
    articles = await newest.where(lambda article: article.published_at < before)
    return HTMLResponse(pages.render_template("page.html", articles=articles))


@app.get("/hello")
async def hello() -> dict[str, str]:
    return {"hello": "world"}
