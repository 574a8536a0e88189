"""The domain most tests are about: readers, topics, articles and comments, all in one store."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Literal

from kingpost import (
    App,
    FrozenClock,
    Json,
    Markdown,
    Resource,
    action,
    actor,
    allow,
    anyone,
    as_system,
    computed,
    deny,
    field,
    index,
    now,
    unique,
    validate,
)

AT = datetime(2026, 5, 1, 12, tzinfo=UTC)


@dataclass
class Address:
    """Embedded in a user."""

    city: str
    code: str | None = None


class User(Resource, read=anyone):
    name: str = field(max_length=80)
    email: str = field(unique=True, personal=True, read="self == me", max_length=200)
    role: Literal["reader", "author", "editor", "banned"] = "reader"
    salary: int = field(default=0, read="me is not None and me.role == 'editor'")
    address: Address | None = None
    articles: list[Article] = field(inverse="author")


class Topic(Resource, read=anyone, create="me is not None and me.role == 'editor'"):
    name: str = field(unique=True, max_length=120, search=True)
    hours: int = field(ge=0, default=1)
    price: Decimal = field(default=Decimal("0"), max_digits=8, decimal_places=2)
    parent: Topic | None = None


class Article(Resource):
    title: str = field(max_length=200, search=True)
    body: Markdown = ""
    author: User = field(default=actor)
    topics: list[Topic] = field(default_factory=list, ordered=True)
    comments: list[Comment] = field(inverse="article", nested=True)
    published_at: datetime | None = None
    score: float | None = None
    meta: Json = field(default_factory=dict)

    constraints = [unique("author", "title"), index("-published_at")]

    @computed
    def is_public(self) -> bool:
        return self.published_at is not None and self.published_at <= now()

    @computed
    def popularity(self) -> int:
        return 5 * sum(1 for c in self.comments if c.approved) + len(self.topics)

    @computed(stored=True)
    def slug(self) -> str:
        return self.title.strip().lower()

    @allow("read")
    def public_or_mine(self, me: User | None) -> bool:
        return self.is_public or (me is not None and self.author == me)

    @allow("create", "update", "delete", "publish")
    def mine(self, me: User | None) -> bool:
        return me is not None and (self.author == me or me.role == "editor")

    @deny("create", "update", "publish")
    def banned(self, me: User | None) -> bool:
        return me is not None and me.role == "banned"

    @validate("title")
    def no_shouting(self) -> None:
        if self.title.isupper():
            raise ValueError("do not shout")

    @action
    async def publish(self, at: datetime | None = None) -> Article:
        self.published_at = at or now()
        return self


class Comment(Resource, read=anyone, soft_delete=True):
    article: Article
    author: User = field(default=actor)
    text: str = field(max_length=5000)
    approved: bool = False

    @allow("create", "delete")
    def mine(self, me: User | None) -> bool:
        return me is not None and self.author == me


RESOURCES = (User, Topic, Article, Comment)


def blog(url: str, **options: Any) -> App:
    """The domain on one store, its clock frozen."""
    return App("blog", resources=RESOURCES, stores={"main": url}, clock=FrozenClock(AT), secret=b"test", **options)


@dataclass
class People:
    """Who acts in the tests, and what they have written."""

    ada: User
    bob: User
    eve: User
    data: Topic
    web: Topic
    public: Article
    draft: Article


async def populate() -> People:
    """A few rows with everything: public and not, with comments approved and not."""
    with as_system("test data"):
        ada = User(name="Ada", email="ada@example.org", role="author", address=Address("London"))
        bob = User(name="Bob", email="bob@example.org")
        eve = User(name="Eve", email="eve@example.org", role="editor", salary=7)
        for user in (ada, bob, eve):
            await user.save()
        data = Topic(name="Data", hours=40, price=Decimal("12.50"))
        web = Topic(name="Web", hours=20, parent=data)
        await data.save()
        await web.save()
        public = Article(title="Joins", author=ada, topics=[web, data], published_at=AT - timedelta(days=1), score=1.5)
        draft = Article(title="Draft", author=ada, topics=[data])
        await public.save()
        await draft.save()
        for text, by, approved in (("good", bob, True), ("bad", eve, False), ("more", eve, True)):
            await Comment(article=public, author=by, text=text, approved=approved).save()
    return People(ada, bob, eve, data, web, public, draft)
