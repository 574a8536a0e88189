"""The rows of `data.py` into Kingpost's tables: declared by Kingpost, filled in whatever way is fast."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from uuid import UUID

import asyncpg

from bench.data import COLUMNS, Data
from bench.kingpost_app import RESOURCES, Article, Author, Tag
from kingpost import App, as_system


async def postgres(url: str, rows: Data) -> None:
    """Make the tables in PostgreSQL and fill them."""
    app = _app(url)
    await app.start()
    await app.sync()
    await app.stop()
    tables = {"author": rows.authors, "tag": rows.tags, "article": rows.articles, "article_tags": rows.links}
    connection = await asyncpg.connect(url)
    try:
        for table, columns in COLUMNS.items():
            await connection.copy_records_to_table(table, records=tables[table], columns=columns)
        # Kingpost makes its keys itself; the others may leave it to the database.
        await connection.execute("ALTER TABLE article ALTER id SET DEFAULT uuidv7()")
        await connection.execute("VACUUM ANALYZE")
    finally:
        await connection.close()


def sqlite(url: str, rows: Data) -> None:
    """Make the tables in an SQLite file and fill them."""
    asyncio.run(_sqlite(url, rows))


async def _sqlite(url: str, rows: Data) -> None:
    app = _app(url)
    await app.start()
    await app.sync()
    with as_system("rows to measure with"):
        async with app.transaction():
            await _save(rows)
        await app.execute("ANALYZE")
    await app.stop()


async def _save(rows: Data) -> None:
    authors = {row[0]: Author(**dict(zip(COLUMNS["author"], row))) for row in rows.authors}
    tags = {row[0]: Tag(**dict(zip(COLUMNS["tag"], row))) for row in rows.tags}
    of_article: defaultdict[UUID, list[Tag]] = defaultdict(list)
    for article, tag in rows.links:
        of_article[article].append(tags[tag])
    for named in (*authors.values(), *tags.values()):
        await named.save()
    for id, title, summary, body, words, published_at, author in rows.articles:
        words_of = {"title": title, "summary": summary, "body": body, "words": words}
        article = Article(id=id, **words_of, published_at=published_at, author=authors[author], tags=of_article[id])
        await article.save()


def _app(url: str) -> App:
    return App("bench", resources=RESOURCES, stores={"main": url})
