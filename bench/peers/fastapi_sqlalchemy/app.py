"""FastAPI, SQLAlchemy 2 with asyncio, Pydantic: as their own documentation puts them together."""

import os
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import Annotated
from uuid import UUID

from fastapi import Depends, FastAPI, HTTPException, Request
from fastapi.responses import HTMLResponse
from fastapi.templating import Jinja2Templates
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field
from sqlalchemy import BigInteger, Column, DateTime, ForeignKey, Table, select, text
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, joinedload, load_only, mapped_column, relationship, selectinload

SIZE = int(os.environ.get("BENCH_POOL", "10"))
engine = create_async_engine(
    os.environ["BENCH_DATABASE"].replace("postgresql://", "postgresql+asyncpg://"), pool_size=SIZE, max_overflow=0
)
Sessions = async_sessionmaker(engine, expire_on_commit=False)
templates = Jinja2Templates(Path(__file__).parents[1] / "templates")


class Base(DeclarativeBase):
    pass


article_tags = Table(
    "article_tags",
    Base.metadata,
    Column("article_id", ForeignKey("article.id"), primary_key=True),
    Column("tag_id", ForeignKey("tag.id"), primary_key=True),
)


class Author(Base):
    __tablename__ = "author"
    id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str]
    email: Mapped[str]


class Tag(Base):
    __tablename__ = "tag"
    id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str]


class Article(Base):
    __tablename__ = "article"
    id: Mapped[UUID] = mapped_column(primary_key=True, server_default=text("uuidv7()"))
    title: Mapped[str]
    summary: Mapped[str]
    body: Mapped[str]
    words: Mapped[int] = mapped_column(BigInteger)
    published_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    author_id: Mapped[UUID] = mapped_column(ForeignKey("author.id"))
    author: Mapped[Author] = relationship()
    tags: Mapped[list[Tag]] = relationship(secondary=article_tags)


class FromRow(BaseModel):
    model_config = ConfigDict(from_attributes=True)


class Key(BaseModel):
    id: UUID


class AuthorOut(FromRow):
    id: UUID
    name: str
    email: str


class TagOut(FromRow):
    id: UUID
    name: str


class FlatOut(FromRow):
    id: UUID
    title: str
    summary: str
    words: int
    published_at: datetime


class ArticleOut(FlatOut):
    body: str
    author: AuthorOut


class TaggedOut(ArticleOut):
    tags: list[TagOut]


class CreatedOut(FlatOut):
    body: str
    author: Key


class ArticleIn(BaseModel):
    model_config = ConfigDict(extra="forbid")

    title: str = Field(max_length=200)
    summary: str = Field(max_length=500)
    body: str = Field(max_length=20_000)
    words: int = Field(ge=0)
    published_at: AwareDatetime
    author: UUID


class Tagged(BaseModel):
    items: list[TaggedOut]


class Flat(BaseModel):
    items: list[FlatOut]


async def get_session() -> AsyncGenerator[AsyncSession]:
    async with Sessions() as session:
        yield session


Session = Annotated[AsyncSession, Depends(get_session)]


@asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncGenerator[None]:
    yield
    await engine.dispose()


app = FastAPI(lifespan=lifespan)


@app.get("/articles/{key}", response_model=ArticleOut)
async def one(key: UUID, session: Session) -> Article:
    article = await session.scalar(select(Article).where(Article.id == key).options(joinedload(Article.author)))
    if article is None:
        raise HTTPException(404)
    return article


FILLED = (joinedload(Article.author), selectinload(Article.tags))
NEWEST = (Article.published_at.desc(), Article.id)


@app.get("/authors/{key}/articles", response_model=Tagged)
async def list_author(key: UUID, session: Session) -> dict[str, object]:
    query = select(Article).where(Article.author_id == key).order_by(*NEWEST).limit(20).options(*FILLED)
    return {"items": (await session.scalars(query)).all()}


@app.get("/tags/{key}/articles", response_model=Tagged)
async def list_tag(key: UUID, session: Session) -> dict[str, object]:
    query = select(Article).where(Article.tags.any(Tag.id == key)).order_by(*NEWEST).limit(20).options(*FILLED)
    return {"items": (await session.scalars(query)).all()}


@app.get("/articles", response_model=Flat)
async def flat(before: AwareDatetime, session: Session) -> dict[str, object]:
    columns = load_only(Article.title, Article.summary, Article.words, Article.published_at)
    query = select(Article).where(Article.published_at < before).order_by(*NEWEST).limit(100).options(columns)
    return {"items": (await session.scalars(query)).all()}


@app.post("/articles", status_code=201)
async def create(given: ArticleIn, session: Session) -> CreatedOut:
    article = Article(**given.model_dump(exclude={"author"}), author_id=given.author)
    session.add(article)
    await session.commit()
    values = {name: getattr(article, name) for name in FlatOut.model_fields}
    return CreatedOut(**values, body=article.body, author=Key(id=article.author_id))


@app.get("/page")
async def page(request: Request, before: AwareDatetime, session: Session) -> HTMLResponse:
    query = select(Article).where(Article.published_at < before).order_by(*NEWEST).limit(12)
    columns = load_only(Article.title, Article.summary), joinedload(Article.author)
    articles = (await session.scalars(query.options(*columns))).all()
    return templates.TemplateResponse(request, "page.html", {"articles": articles})


@app.get("/hello")
async def hello() -> dict[str, str]:
    return {"hello": "world"}
