# fmt: off
# The example of the design, word for word; below it, what a user may write over it.
from datetime import datetime
from typing import Literal

from kingpost import App, Markdown, Resource, action, allow, anyone, computed, field, now


class User(Resource, read=anyone):                    # shorthand for the commonest rule
    name: str = field(max_length=80)
    email: str = field(unique=True, personal=True, read="self == me")
    role: Literal["reader", "author", "editor"] = "reader"

class Topic(Resource, read=anyone):
    name: str = field(unique=True, max_length=120)
    hours: int = field(ge=0)

class Article(Resource):
    title: str = field(max_length=200, search=True)
    body: Markdown
    author: User                                  # to-one relation
    topics: list[Topic] = []                      # many-to-many
    comments: list["Comment"] = field(inverse="article")
    views: list["View"] = field(inverse="article")        # View lives in another store: same word
    published_at: datetime | None = None

    @computed
    def is_public(self) -> bool:
        return self.published_at is not None and self.published_at <= now()

    @computed
    def popularity(self) -> int:
        return len(self.views) + 5 * sum(1 for c in self.comments if c.approved)

    @allow("read")
    def public_or_mine(self, me: User | None) -> bool:
        return self.is_public or (me is not None and self.author == me)

    @allow("create", "update", "publish")
    def mine(self, me: User | None) -> bool:
        return me is not None and (self.author == me or me.role == "editor")

    @action
    async def publish(self, at: datetime | None = None) -> "Article":
        self.published_at = at or now()
        return self

class Comment(Resource, read=anyone):
    article: Article
    author: User
    text: str = field(max_length=5000)
    approved: bool = False

class View(Resource, store="events"):                 # no rule: nobody reads single views, popularity still counts them
    article: Article
    at: datetime

app = App("learn", resources=[User, Topic, Article, Comment, View],
          stores={"main": "sqlite:///learn.db", "events": "mongodb://127.0.0.1/learn"})


async def use(me: User, key: str) -> list[Article]:
    popular = await Article.where(lambda a: a.is_public and a.popularity > 10).sort("-published_at").include("author").limit(20)
    mine    = await Article.where(author=me)
    one     = await Article.get(key)
    async for row in Article.where(lambda a: a.is_public).stream():
        print(row.title)
    return [*popular, *mine, one]
