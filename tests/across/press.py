"""A newspaper whose rows may be in one store or in six, and the rows.

Country     by its code; of authors
Author      the actor: a salary that only few may read
Article     public, or its author's; of an author, perhaps with an editor; has comments, views and tags
Comment     hidden ones are read by the author of the article only: a rule that goes to another resource
View        read by nobody; articles count them
Tag         on articles, by links beside the articles; has fans, by links beside the tags
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from random import Random
from types import MappingProxyType
from typing import Any, Literal

from pydantic import BaseModel

from kingpost import App, FrozenClock, Resource, allow, anyone, computed, field

AT = datetime(2026, 5, 1, 12, tzinfo=UTC)


class Place(BaseModel):
    """Where a country's government is: an embedded value."""

    name: str
    height: int | None = None


def declared(places: Mapping[str, str] = MappingProxyType({}), *, filed: bool = False) -> tuple[type[Resource], ...]:
    """The resources, each in the store that `places` names, else in `main`. `filed`: views are in a file."""

    def of(name: str) -> str:
        return places.get(name, "main")

    # Rows of files have no column for a version, and are added only.
    views: dict[str, Any] = {"adopted": True, "create": anyone} if filed else {"write": anyone}

    class Country(Resource, store=of("Country"), read=anyone, write=anyone, path="countries"):
        code: str = field(key=True, max_length=2)
        name: str = field(max_length=20, search=True)
        people: int | None = None
        capital: Place | None = None
        authors: list[Author] = field(inverse="country")

    class Author(Resource, store=of("Author"), read=anyone, write=anyone):
        id: int = field(key=True)
        name: str = field(max_length=20)
        born: date | None = None
        chief: bool = False
        salary: Decimal | None = field(
            default=None,
            max_digits=8,
            decimal_places=2,
            read="me is not None and (self == me or me.chief)",
        )
        country: Country | None = None
        articles: list[Article] = field(inverse="author")
        edited: list[Article] = field(inverse="editor")

        @computed
        def public(self) -> int:
            return sum(1 for a in self.articles if a.status == "public")

    class Article(Resource, store=of("Article"), write=anyone):
        id: int = field(key=True)
        title: str = field(max_length=20)
        status: Literal["draft", "public"] = "draft"
        stars: int | None = None
        price: Decimal = field(default=Decimal(0), max_digits=8, decimal_places=2)
        at: datetime | None = None
        author: Author
        editor: Author | None = None
        tags: list[Tag] = field(default_factory=list)
        comments: list[Comment] = field(inverse="article")
        views: list[View] = field(inverse="article")

        @allow("read")
        def public_or_mine(self, me: Author | None) -> bool:
            return self.status == "public" or (me is not None and self.author == me)

        @computed
        def popularity(self) -> int:
            return len(self.views)

        @computed
        def minutes(self) -> int:
            return sum(v.minutes for v in self.views if v.minutes > 1)

        @computed
        def loud(self) -> bool:
            return any(c.loud for c in self.comments)

        @computed
        def longest(self) -> int:
            return max((v.minutes for v in self.views), default=0)

    class Comment(Resource, store=of("Comment"), write=anyone):
        id: int = field(key=True)
        text: str = field(max_length=20)
        loud: bool = False
        hidden: bool = False
        score: int | None = None
        article: Article
        author: Author | None = None

        @allow("read")
        def shown_or_of_mine(self, me: Author | None) -> bool:
            return not self.hidden or (me is not None and self.article is not None and self.article.author == me)

    class View(Resource, store=of("View"), **views):
        id: int = field(key=True)
        minutes: int
        article: Article

    class Tag(Resource, store=of("Tag"), read=anyone, write=anyone):
        id: int = field(key=True)
        name: str = field(max_length=20)
        weight: float | None = None
        articles: list[Article] = field(inverse="tags")
        fans: list[Author] = field(default_factory=list)

    return Country, Author, Article, Comment, View, Tag


def press(url: str | Mapping[str, str], places: Mapping[str, str] = MappingProxyType({})) -> App:
    """The newspaper on one store, or on several, by name, as `places` says."""
    stores = {"main": url} if isinstance(url, str) else dict(url)
    resources = declared(places, filed=stores.get(places.get("View", ""), "").startswith("csv:"))
    return App("press", resources=resources, stores=stores, actor=resources[1], clock=FrozenClock(AT), secret=b"s")


def rows(seed: int = 1) -> dict[str, list[dict[str, Any]]]:
    """The rows by resource, references by key: enough for many pages, with None and ties everywhere."""
    chance = Random(seed)
    names = ["Ada", "ada", "Bob", "Ünal", "Zoë", "", "a b", "𝔸", "Bo", "bob"]

    def maybe(value: Any, often: float = 0.3) -> Any:
        return None if chance.random() < often else value

    countries = [
        {
            "code": code,
            "name": f"Land {code.lower()}",
            "people": maybe(chance.randrange(5)),
            "capital": maybe(Place(name=f"City {code}", height=maybe(chance.randrange(3)))),
        }
        for code in ("AT", "DE", "GB", "XX")
    ]
    authors = [
        {
            "id": number,
            "name": chance.choice(names),
            "born": maybe(date(1970, 1, 1) + timedelta(chance.randrange(4) * 3000)),
            "chief": number == 1,
            "salary": maybe(Decimal(chance.randrange(400)) / 4),
            "country": maybe(chance.choice(countries)["code"]),
        }
        for number in range(1, 13)
    ]
    tags = [
        {
            "id": number,
            "name": chance.choice(names),
            "weight": maybe(chance.choice((0.5, 1.25, -3.0))),
            "fans": tuple(chance.sample(range(1, 13), chance.randrange(4))),
        }
        for number in range(1, 8)
    ]
    articles = [
        {
            "id": number,
            "title": chance.choice(names),
            "status": chance.choice(("draft", "public", "public")),
            "stars": maybe(chance.randrange(4)),
            "price": Decimal(chance.randrange(8)) / 2,
            "at": maybe(AT - timedelta(hours=chance.randrange(4))),
            "author": chance.randrange(1, 13),
            "editor": maybe(chance.randrange(1, 13)),
            "tags": tuple(chance.sample(range(1, 8), chance.randrange(4))),
        }
        for number in range(1, 41)
    ]
    comments = [
        {
            "id": number,
            "text": chance.choice(names),
            "loud": chance.random() < 0.3,
            "hidden": chance.random() < 0.3,
            "score": maybe(chance.randrange(-2, 3)),
            "article": chance.randrange(1, 41),
            "author": maybe(chance.randrange(1, 13)),
        }
        for number in range(1, 81)
    ]
    views = [
        {"id": number, "minutes": chance.randrange(5), "article": chance.randrange(1, 41)} for number in range(1, 101)
    ]
    return {
        "Country": countries,
        "Author": authors,
        "Tag": tags,
        "Article": articles,
        "Comment": comments,
        "View": views,
    }
