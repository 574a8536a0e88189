"""Litestar, SQL by hand over asyncpg's pool, msgspec structs in and out."""

import os
from collections import defaultdict
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any
from uuid import UUID

import asyncpg
import msgspec
from litestar import Litestar, get, post
from litestar.contrib.jinja import JinjaTemplateEngine
from litestar.datastructures import State
from litestar.exceptions import NotFoundException
from litestar.response import Template
from litestar.template.config import TemplateConfig

SIZE = int(os.environ.get("BENCH_POOL", "10"))


class Key(msgspec.Struct):
    id: UUID


class Author(msgspec.Struct):
    id: UUID
    name: str
    email: str


class Tag(msgspec.Struct):
    id: UUID
    name: str


class FlatArticle(msgspec.Struct):
    id: UUID
    title: str
    summary: str
    words: int
    published_at: datetime


class Article(FlatArticle):
    body: str
    author: Author


class TaggedArticle(Article):
    tags: list[Tag]


class CreatedArticle(FlatArticle):
    body: str
    author: Key


class NewArticle(msgspec.Struct, forbid_unknown_fields=True):
    title: Annotated[str, msgspec.Meta(max_length=200)]
    summary: Annotated[str, msgspec.Meta(max_length=500)]
    body: Annotated[str, msgspec.Meta(max_length=20_000)]
    words: Annotated[int, msgspec.Meta(ge=0)]
    published_at: Annotated[datetime, msgspec.Meta(tz=True)]
    author: UUID


class Flat(msgspec.Struct):
    items: list[FlatArticle]


class Tagged(msgspec.Struct):
    items: list[TaggedArticle]


SELECT = """SELECT a.id, a.title, a.summary, a.words, a.published_at, a.body, u.id, u.name, u.email
    FROM article a JOIN author u ON u.id = a.author_id"""
NEWEST = "ORDER BY a.published_at DESC, a.id"
TAGS = """SELECT l.article_id, t.id, t.name FROM article_tags l JOIN tag t ON t.id = l.tag_id
    WHERE l.article_id = any($1)"""


@asynccontextmanager
async def lifespan(app: Litestar) -> AsyncGenerator[None]:
    async with asyncpg.create_pool(os.environ["BENCH_DATABASE"], min_size=SIZE, max_size=SIZE) as pool:
        app.state.pool = pool
        yield


async def tagged(state: State, query: str, key: UUID) -> Tagged:
    async with state.pool.acquire() as connection:
        rows = await connection.fetch(query, key)
        tags: defaultdict[UUID, list[Tag]] = defaultdict(list)
        for article, id, name in await connection.fetch(TAGS, [row[0] for row in rows]):
            tags[article].append(Tag(id, name))
    return Tagged([TaggedArticle(*row[:6], Author(*row[6:]), tags[row[0]]) for row in rows])


@get("/articles/{key:uuid}")
async def one(state: State, key: UUID) -> Article:
    row = await state.pool.fetchrow(f"{SELECT} WHERE a.id = $1", key)
    if row is None:
        raise NotFoundException
    return Article(*row[:6], Author(*row[6:]))


@get("/authors/{key:uuid}/articles")
async def list_author(state: State, key: UUID) -> Tagged:
    return await tagged(state, f"{SELECT} WHERE a.author_id = $1 {NEWEST} LIMIT 20", key)


@get("/tags/{key:uuid}/articles")
async def list_tag(state: State, key: UUID) -> Tagged:
    has_tag = "EXISTS (SELECT FROM article_tags l WHERE l.article_id = a.id AND l.tag_id = $1)"
    return await tagged(state, f"{SELECT} WHERE {has_tag} {NEWEST} LIMIT 20", key)


@get("/articles")
async def flat(state: State, before: datetime) -> Flat:
    columns = "a.id, a.title, a.summary, a.words, a.published_at"
    query = f"SELECT {columns} FROM article a WHERE a.published_at < $1 {NEWEST} LIMIT 100"
    return Flat([FlatArticle(*row) for row in await state.pool.fetch(query, before)])


@post("/articles")
async def create(state: State, data: NewArticle) -> CreatedArticle:
    key = await state.pool.fetchval(
        """INSERT INTO article (title, summary, body, words, published_at, author_id)
        VALUES ($1, $2, $3, $4, $5, $6) RETURNING id""",
        *(data.title, data.summary, data.body, data.words, data.published_at, data.author),
    )
    return CreatedArticle(key, data.title, data.summary, data.words, data.published_at, data.body, Key(data.author))


@get("/page")
async def page(state: State, before: datetime) -> Template:
    query = f"""SELECT a.title, a.summary, u.name FROM article a JOIN author u ON u.id = a.author_id
        WHERE a.published_at < $1 {NEWEST} LIMIT 12"""
    rows = await state.pool.fetch(query, before)
    articles: list[dict[str, Any]] = [
        {"title": title, "summary": summary, "author": {"name": name}} for title, summary, name in rows
    ]
    return Template("page.html", context={"articles": articles})


@get("/hello")
async def hello() -> dict[str, str]:
    return {"hello": "world"}


app = Litestar(
    [one, list_author, list_tag, flat, create, page, hello],
    lifespan=[lifespan],
    template_config=TemplateConfig(directory=Path(__file__).parents[1] / "templates", engine=JinjaTemplateEngine),
    openapi_config=None,
)
