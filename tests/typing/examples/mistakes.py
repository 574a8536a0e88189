"""Mistakes that a type checker must find: on exactly the marked lines, by the named checkers."""

from __future__ import annotations

from datetime import datetime

from kingpost import Resource, action, allow, computed, field

from .domain import Article, Comment, Topic, User


async def queries(user: User, topic: Topic) -> None:
    Article.where(lambda a: a.titel == "x")  # expect: mypy pyright
    Article.where(lambda a: any(c.aproved for c in a.comments))  # expect: mypy pyright
    Article.where(lambda a: a.author.nmae == "Ada")  # expect: mypy pyright
    Article.where(lambda a: a.title == 3)  # expect: mypy pyright
    Article.where(lambda a: a.is_public == "yes")  # expect: mypy pyright
    Article.where(lambda a: a.author == topic)  # expect: pyright
    Article.where(lambda a: a.title)  # expect: mypy pyright
    User.where(lambda u: u.age < 18)  # expect: mypy pyright
    Article.all().sort(lambda a: a.titel)  # expect: mypy pyright
    Article.all().include(lambda a: a.title)  # expect: mypy pyright


def constructors(user: User) -> None:
    User(name="Ada", email="a@b.c", nickname="A")  # expect: mypy pyright
    User(email="a@b.c")  # expect: mypy pyright
    User(name=3, email="a@b.c")  # expect: mypy pyright
    Article(id=1, title="t", body="b", author=user, comments=[])  # expect: mypy pyright
    User("Ada", "a@b.c")  # expect: mypy pyright


async def actions(article: Article) -> None:
    await article.publish(when=None)  # expect: mypy pyright
    await article.publish(at="today")  # expect: mypy pyright
    article.rename(3)  # expect: mypy pyright


def assignments(article: Article) -> None:
    article.title = 3  # expect: mypy pyright
    article.author = None  # expect: mypy pyright
    article.is_public = True  # expect: mypy pyright
    article.titel = "x"  # expect: mypy pyright


class Defaults(Resource):
    hours: int = field(default="many")  # expect: mypy pyright
    names: list[str] = field(default_factory=dict)  # expect: mypy pyright
    bounds: int = field(maximum=3)  # expect: mypy pyright


class Rules(Resource):
    title: str
    author: User
    at: datetime | None = None

    @allow("read")  # expect: mypy pyright
    def text(self, me: User | None) -> str:
        return self.title

    @allow("update")
    def and_of_text(self, me: User | None) -> bool:
        return self.title and me is not None  # expect: mypy pyright

    @allow("delete")
    def of_nobody(self, me: User | None) -> bool:
        return me.role == "editor"  # expect: mypy pyright

    @computed
    def length(self) -> int:
        return self.title  # expect: mypy pyright

    @action
    async def comment(self) -> Comment:
        return self.title  # expect: mypy pyright


# What no checker can see, as names are text here; Kingpost refuses it on the call.
def unseen() -> None:
    Article.all().sort("misspelt")
    Article.all().include("title")
    Article.where(misspelt=1)
