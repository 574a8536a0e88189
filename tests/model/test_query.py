"""Queries are immutable values; names are checked, and captured values read, on the call."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import pytest

from kingpost.model.build import build, set_runner
from kingpost.model.declare import computed, field
from kingpost.model.query import Query
from kingpost.model.query_parts import By, Equal, Include, Spoken, Summary
from kingpost.model.query_runner import current_runner
from kingpost.model.resource import Resource


class User(Resource):
    name: str


class Article(Resource):
    title: str
    author: User
    comments: list[Comment] = field(inverse="article")

    @computed
    def loud(self) -> bool:
        return self.title == self.title.upper()


class Comment(Resource):
    article: Article
    text: str


MODEL = build([User, Article, Comment])


class Echo:
    """Answers what it is asked with the question."""

    def new_key(self) -> UUID:
        return UUID(int=1)

    async def all(self, query: Query[Any]) -> list[Any]:
        return [query]

    async def first(self, query: Query[Any]) -> Any:
        return None

    async def count(self, query: Query[Any]) -> int:
        return 7

    async def aggregate(self, query: Query[Any], kind: str, of: Any) -> Any:
        return kind, of

    async def groups(self, query: Any) -> Any:
        return [query]

    async def stream(self, query: Query[Any]) -> AsyncIterator[Any]:
        yield query

    async def load(self, instance: Resource, names: Any) -> None:
        instance.__dict__["asked"] = names


@pytest.fixture(autouse=True)
def echo():
    token = current_runner.set(Echo())  # type: ignore[arg-type]
    yield
    current_runner.reset(token)


def test_every_step_is_a_new_query():
    base = Article.all()
    more = base.where(title="x").sort("-title", "author.name").limit(3).offset(2).after("c").fields("title", "loud")
    assert base.asked.conditions == ()
    assert more.asked.conditions == (Equal("title", "x"),)
    assert more.asked.sort == (By(("title",), True), By(("author", "name"), False))
    assert (more.asked.limit, more.asked.offset, more.asked.after) == (3, 2, "c")
    assert more.asked.fields == (("title",), ("loud",))


def test_includes_by_name_by_lambda_and_narrowed():
    query = Article.all().include("author", "comments.article").include(lambda a: a.author)
    assert [each.path for each in query.asked.include] == [("author",), ("comments", "article"), ("author",)]
    (narrow,) = Article.all().include("comments", where=lambda c: c.text != "", sort="-text").asked.include
    assert isinstance(narrow, Include)
    assert len(narrow.where) == 1
    assert narrow.sort == (By(("text",), True),)


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: Article.where(titel="x"), TypeError, "Article has no 'titel': did you mean 'title'?"),
        (lambda: Article.all().sort("-titel"), ValueError, "did you mean 'title'?"),
        (lambda: Article.all().sort("author.nmae"), ValueError, "User has no 'nmae': did you mean 'name'?"),
        (lambda: Article.all().include("title"), ValueError, "Article.title is no relation"),
        (lambda: Article.all().include(lambda a: a.authr), ValueError, "did you mean 'author'?"),
        (lambda: Article.all().fields("x"), ValueError, "there are: author, comments, id, loud, title"),
        (lambda: Article.all().limit(-1), ValueError, "not below 0"),
        (lambda: Article.all().limit("3"), TypeError, "a whole number of rows, and a str was given"),
        (lambda: Article.all().offset(2.5), TypeError, "offset is a whole number of rows, and a float was given"),
        (lambda: Article.all().group(), ValueError, "a path to group by, or something to say of all rows"),
        (lambda: Article.all().include("author", "comments", sort="x"), TypeError, "exactly one relation"),
        (lambda: Article.all().group(sum="titel"), ValueError, "did you mean 'title'?"),
        (lambda: Article.all().group("title", count=True).sort("-cuont"), ValueError, "did you mean 'count'?"),
        (lambda: Article.all().group("title").sort("author.name"), ValueError, "there are: title"),
        (lambda: Article.all().group("title").limit(-1), ValueError, "not below 0"),
        (lambda: Article.all().group("title", sum=["title", "title"]), ValueError, "would be called 'sum_title'"),
    ],
)
def test_names_are_checked_on_the_call(call, error, words):
    with pytest.raises(error) as caught:
        call()
    assert words in str(caught.value)


def test_captured_values_are_those_of_the_call():
    queries = [Article.where(lambda a: a.title == name) for name in ("x", "y")]  # noqa: B023  # read on the call
    name, names = "z", ["a"]
    late = Article.where(lambda a: a.title in names and a.title != name)
    names.append("b")
    name = "changed"
    found = [query.asked.conditions[0].source.resolve("name") for query in (*queries, late)]  # type: ignore[union-attr]
    assert found == ["x", "y", "z"]
    (condition,) = late.asked.conditions
    assert isinstance(condition, Spoken)
    assert condition.source.resolve("names") == ["a"]
    assert not condition.text
    assert Article.where("title == 'x'").asked.conditions[0].text  # type: ignore[union-attr]


async def test_the_runner_answers():
    assert await Article.where(title="x") == [Article.where(title="x")]
    assert await Article.all().count() == 7
    assert await Article.all().exists() is False
    assert await Article.all().sum("title") == ("sum", ("title",))
    (grouped,) = await Article.all().group("author.name", count=True, max=["title", "author.name"])
    assert grouped.by == (("author", "name"),)  # type: ignore[attr-defined]
    assert grouped.summaries == (  # type: ignore[attr-defined]
        Summary("count", (), "count"),
        Summary("max", ("title",), "max_title"),
        Summary("max", ("author", "name"), "max_author_name"),
    )
    assert [row async for row in Article.all().stream()] == [Article.all()]
    article = Article(title="t", author=User(name="x"))
    await article.load("comments", "author.name")
    assert vars(article)["asked"] == [("comments",), ("author", "name")]
    with pytest.raises(ValueError, match="did you mean 'comments'"):
        await article.load("coments")


async def test_the_last_app_answers_where_no_runner_is_set():
    token = current_runner.set(None)
    try:
        set_runner(MODEL, Echo())  # type: ignore[arg-type]
        assert await Article.all().count() == 7
    finally:
        set_runner(MODEL, None)
        current_runner.reset(token)
