"""What is asked: for each endpoint the requests, the same for every implementation but for the shape of the address."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from urllib.parse import quote, urlencode

from bench.data import APART, CREATED, FIRST, Data

REQUESTS = 2_000
"""Different requests of an endpoint; the load goes through them again and again."""


@dataclass(frozen=True, slots=True)
class Request:
    """What is sent."""

    path: str
    method: str = "GET"
    body: str = ""


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where an implementation answers; `{}` stands for a key or an instant."""

    one: str = "/articles/{}"
    list_author: str = "/authors/{}/articles"
    list_tag: str = "/tags/{}/articles"
    flat: str = "/articles?before={}"
    create: str = "/articles"
    page: str = "/page?before={}"
    hello: str = "/hello"


_FILLED = urlencode({"include": "author,tags", "sort": "-published_at", "limit": 20}, safe=",")
_BARE = urlencode({"fields": "id,title,summary,words,published_at", "sort": "-published_at", "limit": 100}, safe=",")

PEER = Addresses()
"""Made for the purpose, as one writes an endpoint by hand."""

KINGPOST = Addresses(
    one="/api/articles/{}?include=author",
    list_author=f"/api/articles?author={{}}&{_FILLED}",
    list_tag=f"/api/articles?tags.id={{}}&{_FILLED}",
    flat=f"/api/articles?published_at%5Blt%5D={{}}&{_BARE}",
    create="/api/articles",
)
"""The general API of a resource."""

POCKETBASE = Addresses(
    one="/api/collections/articles/records/{}?expand=author",
    list_author="/api/collections/articles/records?"
    + urlencode({"filter": "author='{}'", "expand": "author,tags", "sort": "-published_at", "perPage": 20}, safe=",{}")
    + "&skipTotal=1",
    create="/api/collections/articles/records",
)
"""The general API of a collection."""

ON_POSTGRES = {
    "one": "one article with its author",
    "list_author": "20 articles of an author, the author and the tags in each",
    "list_tag": "20 articles with a tag, the author and the tags in each",
    "flat": "100 articles without body, author and tags",
    "create": "an article is created and answered",
    "page": "HTML of 12 articles with their authors",
    "hello": 'a custom endpoint that answers {"hello": "world"}',
}
ON_SQLITE = {
    "sqlite_one": "one article with its author, from SQLite",
    "sqlite_list": "20 articles of an author, the author and the tags in each, from SQLite",
    "sqlite_create": "an article is created and answered, in SQLite",
}
ENDPOINTS = {**ON_POSTGRES, **ON_SQLITE}
SAME_AS = {"sqlite_one": "one", "sqlite_list": "list_author", "sqlite_create": "create"}
"""Where the requests and the answers are those of another endpoint."""


def requests(endpoint: str, addresses: Addresses, data: Data, count: int = REQUESTS) -> list[Request]:
    """The first `count` requests: the same keys and bodies for every implementation."""
    endpoint = SAME_AS.get(endpoint, endpoint)
    random = Random(f"requests of {endpoint}")
    address: str = getattr(addresses, endpoint)
    if endpoint == "create":
        return [Request(address, "POST", _article(random, data)) for _ in range(count)]
    value = _VALUES.get(endpoint, lambda _random, _data: "")
    return [Request(address.format(quote(value(random, data), safe=":"))) for _ in range(count)]


def _article(random: Random, data: Data) -> str:
    _, title, summary, body, words, *_ = random.choice(data.articles)
    instant = (CREATED + random.randrange(1_000_000) * APART / 1_000_000).replace(microsecond=0)
    author = random.choice(data.authors)[0]
    made = {"title": title, "summary": summary, "body": body, "words": words, "published_at": _instant(instant)}
    return json.dumps({**made, "author": str(author)})


def _before(random: Random, data: Data) -> str:
    return _instant(FIRST + random.randrange(200, len(data.articles)) * APART)


def _instant(value: object) -> str:
    return str(value).replace(" ", "T").replace("+00:00", "Z")


_VALUES: dict[str, Callable[[Random, Data], str]] = {
    "one": lambda random, data: str(random.choice(data.articles)[0]),
    "list_author": lambda random, data: str(random.choice(data.prolific)),
    "list_tag": lambda random, data: str(random.choice(data.tags)[0]),
    "flat": _before,
    "page": _before,
}
