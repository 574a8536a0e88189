"""The floor: what a good engineer would write by hand for these endpoints, and nothing besides.

Bare ASGI, a list of idle connections, one statement for the page with its to-one, one for the to-many, structs made by
position, one encode. No router, no middleware, no entity tags, no limits, no rules.
"""

from __future__ import annotations

import asyncio
import os
from collections import defaultdict, deque
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any
from uuid import UUID

import asyncpg
import minijinja
import msgspec

SIZE = int(os.environ.get("BENCH_POOL", "10"))
JSON, HTML = [(b"content-type", b"application/json")], [(b"content-type", b"text/html; charset=utf-8")]
PAGES = minijinja.Environment(templates={"page.html": (Path(__file__).parents[1] / "templates/page.html").read_text()})
encode = msgspec.json.Encoder().encode


class Author(msgspec.Struct):
    id: UUID
    name: str
    email: str


class Key(msgspec.Struct):
    id: UUID


class Tag(msgspec.Struct):
    id: UUID
    name: str


class Flat(msgspec.Struct):
    id: UUID
    title: str
    summary: str
    words: int
    published_at: datetime


class Article(msgspec.Struct):
    id: UUID
    title: str
    summary: str
    body: str
    words: int
    published_at: datetime
    author: Author | Key | None


class Tagged(Article):
    tags: list[Tag]


class New(msgspec.Struct, forbid_unknown_fields=True):
    title: Annotated[str, msgspec.Meta(max_length=200)]
    summary: Annotated[str, msgspec.Meta(max_length=500)]
    body: Annotated[str, msgspec.Meta(max_length=20_000)]
    words: Annotated[int, msgspec.Meta(ge=0)]
    published_at: Annotated[datetime, msgspec.Meta(tz=True)]
    author: UUID


decode = msgspec.json.Decoder(New).decode

ARTICLE = "a.id, a.title, a.summary, a.body, a.words, a.published_at"
ONE = f"SELECT {ARTICLE}, u.id, u.name, u.email FROM article a JOIN author u ON u.id = a.author_id WHERE a.id = $1"
BY_AUTHOR = f"""SELECT {ARTICLE}, u.id, u.name, u.email FROM article a JOIN author u ON u.id = a.author_id
    WHERE a.author_id = $1 ORDER BY a.published_at DESC, a.id LIMIT 20"""
BY_TAG = f"""SELECT {ARTICLE}, u.id, u.name, u.email FROM article a JOIN author u ON u.id = a.author_id
    WHERE EXISTS (SELECT FROM article_tags l WHERE l.article_id = a.id AND l.tag_id = $1)
    ORDER BY a.published_at DESC, a.id LIMIT 20"""
TAGS = """SELECT l.article_id, t.id, t.name FROM article_tags l JOIN tag t ON t.id = l.tag_id
    WHERE l.article_id = any($1) ORDER BY t.id"""
FLAT = """SELECT id, title, summary, words, published_at FROM article
    WHERE published_at < $1 ORDER BY published_at DESC, id LIMIT 100"""
PAGE = """SELECT a.title, u.name, a.summary FROM article a JOIN author u ON u.id = a.author_id
    WHERE a.published_at < $1 ORDER BY a.published_at DESC, a.id LIMIT 12"""
CREATE = """INSERT INTO article (title, summary, body, words, published_at, author_id)
    VALUES ($1, $2, $3, $4, $5, $6) RETURNING id"""


class Pool:
    """Last in, first out; nothing is sent when a connection comes back."""

    def __init__(self) -> None:
        self.idle: list[Any] = []
        self.waiting: deque[asyncio.Future[Any]] = deque()

    async def open(self) -> None:
        url = os.environ["BENCH_DATABASE"]
        self.idle = [await asyncpg.connect(url, max_cached_statement_lifetime=0) for _ in range(SIZE)]

    async def close(self) -> None:
        for connection in self.idle:
            await connection.close()

    async def fetch(self, sql: str, *values: object) -> list[Any]:
        if self.idle:
            connection = self.idle.pop()
        else:
            future = asyncio.get_running_loop().create_future()
            self.waiting.append(future)
            connection = await future
        try:
            return await connection.fetch(sql, *values)
        finally:
            if self.waiting:
                self.waiting.popleft().set_result(connection)
            else:
                self.idle.append(connection)


pool = Pool()


async def one(key: str) -> tuple[int, bytes]:
    rows = await pool.fetch(ONE, UUID(key))
    if not rows:
        return 404, b'{"detail":"Not found"}'
    row = rows[0]
    return 200, encode(Article(*row[:6], Author(*row[6:])))


async def tagged(sql: str, key: str) -> bytes:
    rows = await pool.fetch(sql, UUID(key))
    tags: defaultdict[UUID, list[Tag]] = defaultdict(list)
    for article, id, name in await pool.fetch(TAGS, [row[0] for row in rows]):
        tags[article].append(Tag(id, name))
    return encode({"items": [Tagged(*row[:6], Author(*row[6:]), tags[row[0]]) for row in rows]})


async def flat(before: str) -> bytes:
    return encode({"items": [Flat(*row) for row in await pool.fetch(FLAT, datetime.fromisoformat(before))]})


async def page(before: str) -> bytes:
    rows = await pool.fetch(PAGE, datetime.fromisoformat(before))
    articles = [{"title": title, "author": {"name": author}, "summary": summary} for title, author, summary in rows]
    return PAGES.render_template("page.html", articles=articles).encode()


async def create(receive: Any) -> tuple[int, bytes]:
    body = b""
    while True:
        message = await receive()
        body += message["body"]
        if not message.get("more_body"):
            break
    try:
        new = decode(body)
    except msgspec.ValidationError as error:
        return 422, encode({"detail": str(error)})
    values = new.title, new.summary, new.body, new.words, new.published_at
    rows = await pool.fetch(CREATE, *values, new.author)
    return 201, encode(Article(rows[0][0], *values, Key(new.author)))


async def app(scope: Any, receive: Any, send: Any) -> None:
    if scope["type"] == "lifespan":
        await lifespan(receive, send)
        return
    path, status, headers = scope["path"], 200, JSON
    if path.startswith("/articles/"):
        status, body = await one(path[10:])
    elif path == "/articles":
        if scope["method"] == "POST":
            status, body = await create(receive)
        else:
            body = await flat(scope["query_string"][7:].decode())  # before=
    elif path.startswith("/authors/"):
        body = await tagged(BY_AUTHOR, path[9:-9])  # /authors/{id}/articles
    elif path.startswith("/tags/"):
        body = await tagged(BY_TAG, path[6:-9])
    elif path == "/page":
        headers, body = HTML, await page(scope["query_string"][7:].decode())
    elif path == "/hello":
        body = encode({"hello": "world"})
    else:
        status, body = 404, b'{"detail":"Not found"}'
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def lifespan(receive: Any, send: Any) -> None:
    await receive()
    await pool.open()
    await send({"type": "lifespan.startup.complete"})
    await receive()
    await pool.close()
    await send({"type": "lifespan.shutdown.complete"})
