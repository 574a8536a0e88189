"""The example of a learning site, and a few resources of unusual shape."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, Literal

from pydantic import BaseModel

from kingpost import Json, Markdown, Resource, action, allow, anyone, computed, field, now


class User(Resource, read=anyone):
    name: str = field(max_length=80)
    email: str = field(unique=True, personal=True, read="self == me")
    role: Literal["reader", "author", "editor"] = "reader"


class Topic(Resource, read=anyone, write=anyone):
    """What can be learnt."""

    name: str = field(unique=True, max_length=120)
    hours: int = field(ge=0, le=1000)


class Article(Resource):
    """A text about some topics."""

    title: str = field(max_length=200, search=True, help="As people see it")
    body: Markdown
    author: User
    topics: list[Topic] = []
    comments: list[Comment] = field(inverse="article")
    published_at: datetime | None = None
    notes: str = field(default="", read="self.author == me")

    @computed
    def is_public(self) -> bool:
        return self.published_at is not None and self.published_at <= now()

    @computed
    def popularity(self) -> int:
        return 5 * sum(1 for c in self.comments if c.approved)

    @allow("read")
    def public_or_mine(self, me: User | None) -> bool:
        return self.is_public or (me is not None and self.author == me)

    @allow("create", "update", "delete", "publish", "shout")
    def mine(self, me: User | None) -> bool:
        return me is not None and (self.author == me or me.role == "editor")

    @action
    async def publish(self, at: datetime | None = None) -> Article:
        self.published_at = at or now()
        return self

    @action
    def shout(self, times: int) -> dict[str, Any]:
        """Say the title loudly."""
        return {"said": self.title.upper() * times, "cost": Decimal("1.50")}

    @allow("count_all")
    def somebody(self, me: User | None) -> bool:
        return me is not None

    @action
    @classmethod
    async def count_all(cls) -> int:
        return await cls.all().count()


class Comment(Resource, read=anyone, write=anyone):
    article: Article
    author: User | None = None
    text: str = field(max_length=5000)
    approved: bool = False


class Seat(Resource, read=anyone, write=anyone):
    room: str = field(key=True)
    number: int = field(key=True)
    taken: bool = False


class Size(BaseModel):
    width: int
    height: int


class Thing(Resource, read=anyone, write=anyone, path="odd-things"):
    price: Decimal = field(max_digits=10, decimal_places=2)
    weight: float = 1.0
    made: date | None = None
    opens: time | None = None
    lasts: timedelta | None = None
    raw: bytes = b""
    size: Size | None = None
    data: Json = None
    level: Literal[1, 2, 3] = 1
    limit: str = ""
    once: str = field(default="", once=True)
    secret: str = field(default="", writeonly=True)
    fixed: str = field(default="x", readonly=True)


RESOURCES: list[type[Resource]] = [User, Topic, Article, Comment, Seat, Thing]
