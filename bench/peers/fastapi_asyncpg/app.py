"""FastAPI without an ORM: SQL by hand over asyncpg's pool, Pydantic models in and out."""

import os
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any
from uuid import UUID

import asyncpg
from fastapi import Depends, FastAPI, HTTPException, Request
from fastapi.responses import HTMLResponse
from fastapi.templating import Jinja2Templates
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

SIZE = int(os.environ.get("BENCH_POOL", "10"))
templates = Jinja2Templates(Path(__file__).parents[1] / "templates")


class Key(BaseModel):
    id: UUID


class Author(BaseModel):
    id: UUID
    name: str
    email: str


class Tag(BaseModel):
    id: UUID
    name: str


class FlatArticle(BaseModel):
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


class NewArticle(BaseModel):
    model_config = ConfigDict(extra="forbid")

    title: str = Field(max_length=200)
    summary: str = Field(max_length=500)
    body: str = Field(max_length=20_000)
    words: int = Field(ge=0)
    published_at: AwareDatetime
    author: UUID


class Flat(BaseModel):
    items: list[FlatArticle]


class Tagged(BaseModel):
    items: list[TaggedArticle]


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncGenerator[None]:
    async with asyncpg.create_pool(os.environ["BENCH_DATABASE"], min_size=SIZE, max_size=SIZE) as pool:
        app.state.pool = pool
        yield


async def get_connection(request: Request) -> AsyncGenerator[Any]:
    async with request.app.state.pool.acquire() as connection:
        yield connection


Connection = Annotated[Any, Depends(get_connection)]
app = FastAPI(lifespan=lifespan)

SELECT = """SELECT a.id, a.title, a.summary, a.body, a.words, a.published_at, u.id AS author_id, u.name, u.email
    FROM article a JOIN author u ON u.id = a.author_id"""
NEWEST = "ORDER BY a.published_at DESC, a.id"
TAGS = """SELECT l.article_id, t.id, t.name FROM article_tags l JOIN tag t ON t.id = l.tag_id
    WHERE l.article_id = any($1)"""


def filled(row: Any) -> dict[str, Any]:
    values = dict(row)
    author = {"id": values.pop("author_id"), "name": values.pop("name"), "email": values.pop("email")}
    return {**values, "author": author}


async def tagged(connection: Any, rows: list[Any]) -> Tagged:
    articles = {row["id"]: {**filled(row), "tags": []} for row in rows}
    for tag in await connection.fetch(TAGS, list(articles)):
        articles[tag["article_id"]]["tags"].append({"id": tag["id"], "name": tag["name"]})
    return Tagged.model_validate({"items": list(articles.values())})


@app.get("/articles/{key}")
async def one(key: UUID, connection: Connection) -> Article:
    row = await connection.fetchrow(f"{SELECT} WHERE a.id = $1", key)
    if row is None:
        raise HTTPException(404)
    return Article(**filled(row))


@app.get("/authors/{key}/articles")
async def list_author(key: UUID, connection: Connection) -> Tagged:
    return await tagged(connection, await connection.fetch(f"{SELECT} WHERE a.author_id = $1 {NEWEST} LIMIT 20", key))


@app.get("/tags/{key}/articles")
async def list_tag(key: UUID, connection: Connection) -> Tagged:
    has_tag = "EXISTS (SELECT FROM article_tags l WHERE l.article_id = a.id AND l.tag_id = $1)"
    return await tagged(connection, await connection.fetch(f"{SELECT} WHERE {has_tag} {NEWEST} LIMIT 20", key))


@app.get("/articles")
async def flat(before: AwareDatetime, connection: Connection) -> Flat:
    columns = "a.id, a.title, a.summary, a.words, a.published_at"
    query = f"SELECT {columns} FROM article a WHERE a.published_at < $1 {NEWEST} LIMIT 100"
    return Flat(items=[FlatArticle(**row) for row in await connection.fetch(query, before)])


@app.post("/articles", status_code=201)
async def create(given: NewArticle, connection: Connection) -> CreatedArticle:
    key = await connection.fetchval(
        """INSERT INTO article (title, summary, body, words, published_at, author_id)
        VALUES ($1, $2, $3, $4, $5, $6) RETURNING id""",
        *(given.title, given.summary, given.body, given.words, given.published_at, given.author),
    )
    return CreatedArticle(id=key, **given.model_dump(exclude={"author"}), author=Key(id=given.author))


@app.get("/page")
async def page(request: Request, before: AwareDatetime, connection: Connection) -> HTMLResponse:
    query = f"""SELECT a.title, a.summary, u.name FROM article a JOIN author u ON u.id = a.author_id
        WHERE a.published_at < $1 {NEWEST} LIMIT 12"""
    rows = await connection.fetch(query, before)
    articles = [{"title": row["title"], "summary": row["summary"], "author": {"name": row["name"]}} for row in rows]
    return templates.TemplateResponse(request, "page.html", {"articles": articles})


@app.get("/hello")
async def hello() -> dict[str, str]:
    return {"hello": "world"}
