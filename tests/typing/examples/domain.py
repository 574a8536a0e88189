"""The resources that the mistakes are made with; nothing here is one."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Literal

from kingpost import (
    Markdown,
    Resource,
    action,
    actor,
    allow,
    anyone,
    authenticated,
    computed,
    deny,
    field,
    index,
    nobody,
    now,
    unique,
    validate,
)


class User(Resource, read=anyone, update="self == me", delete=nobody):
    name: str = field(max_length=80)
    email: str = field(unique=True, personal=True, read="self == me")
    role: Literal["reader", "author", "editor"] = "reader"
    age: int | None = None


class Topic(Resource, read=authenticated):
    name: str = field(unique=True, max_length=120)
    hours: int = field(ge=0)
    price: Decimal = field(default=Decimal(0), max_digits=8, decimal_places=2)
    parent: Topic | None = None


class Article(Resource, path="articles", soft_delete=True):
    id: int = field(key=True)
    title: str = field(max_length=200, search=True)
    body: Markdown
    author: User = field(default=actor)
    topics: list[Topic] = []
    comments: list[Comment] = field(inverse="article")
    published_at: datetime | None = None
    opened_at: datetime = field(default_factory=now, readonly=True)
    once_each = unique("author", "title")
    newest = index("-published_at", where=lambda a: a.title != "")

    @computed
    def is_public(self) -> bool:
        return self.published_at is not None and self.published_at <= now()

    @computed(stored=True)
    def length(self) -> int:
        return len(self.body)

    @allow("read")
    def public_or_mine(self, me: User | None) -> bool:
        return self.is_public or (me is not None and self.author == me)

    @deny("delete")
    def public(self) -> bool:
        return self.is_public

    @action
    async def publish(self, at: datetime | None = None) -> Article:
        self.published_at = at or now()
        return self

    @action
    async def take_over(self, *, me: User = actor) -> Article:
        self.author = me
        return await self.publish()

    @action(check="both")
    def rename(self, title: str) -> None:
        self.title = title

    @action
    @classmethod
    async def draft(cls, title: str, author: User) -> Article:
        return cls(id=1, title=title, body="", author=author)

    @validate("title")
    def not_shouting(self) -> None:
        if self.title.isupper():
            raise ValueError("must not be all capitals")


class Comment(Resource, read=anyone):
    article: Article
    author: User
    text: str = field(max_length=5000)
    approved: bool = False


async def fine(user: User, article: Article) -> None:
    """What must pass."""
    one = Article(id=1, title="t", body="b", author=user, topics=[Topic(name="n", hours=1)])
    Article(id=2, title="t", body="b")
    found: list[Article] = await Article.where(lambda a: a.is_public and a.author == user, title="t").sort("-title")
    await Article.where("published_at is None").sort(lambda a: a.title, descending=True).include(lambda a: a.author)
    await (
        Article.all()
        .include(lambda a: a.comments, where=lambda c: c.approved, sort="-text")
        .include("author", "topics")
    )
    latest: datetime | None = await Article.where().max(lambda a: a.opened_at)
    rows = (
        await Article.all().group("author.name", count=True, sum="length").sort("-sum_length", "author.name").limit(3)
    )
    print(rows[0]["count"], latest, found, await Article.where(author=user).first(), await Article.all().count())
    async for row in Article.where(lambda a: any(c.approved for c in a.comments)).stream():
        print(row.length + 1, row.author.name)
    published: Article = await article.publish(at=datetime(2026, 1, 1, tzinfo=UTC))
    article.rename(title="new")
    await article.take_over()
    drafted: Article = await Article.draft("t", author=user)
    await one.save()
    await one.load("author", "comments")
    if await one.allows("publish"):
        await one.delete()
    print(published.id, drafted.author.id, (await Article.get(1)).title)
