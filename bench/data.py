"""The rows that every implementation serves: a blog, made from a seed, so that two machines measure the same."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random
from uuid import UUID

AUTHORS, PROLIFIC, TAGS, ARTICLES, TAGS_EACH = 1_000, 300, 50, 10_000, 3
"""Of the authors, the prolific ones wrote nine articles in ten: each of their lists fills a page of 20."""

FIRST = datetime(2016, 1, 1, tzinfo=UTC)
APART = timedelta(hours=9)
CREATED = datetime(2040, 1, 1, tzinfo=UTC)
"""When articles made by the bench are published, so that they are found again and deleted."""

TEXT = """
a an and as at beam brace by carry each from hold house in is it joint king last load long of on one or over post rafter
rest roof span stand stone strut that the tie timber to truss under up upright wall weight when which wide wind with
wood work
"""
WORDS = TEXT.split()


@dataclass
class Data:
    """Rows as tuples in the order of the columns named in `COLUMNS`."""

    authors: list[tuple[UUID, str, str]] = field(default_factory=list)
    tags: list[tuple[UUID, str]] = field(default_factory=list)
    articles: list[tuple[UUID, str, str, str, int, datetime, UUID]] = field(default_factory=list)
    links: list[tuple[UUID, UUID]] = field(default_factory=list)

    @property
    def prolific(self) -> list[UUID]:
        """Authors whose articles fill a page."""
        return [author[0] for author in self.authors[:PROLIFIC]]


COLUMNS = {
    "author": ("id", "name", "email"),
    "tag": ("id", "name"),
    "article": ("id", "title", "summary", "body", "words", "published_at", "author_id"),
    "article_tags": ("article_id", "tag_id"),
}


def make(seed: int = 7) -> Data:
    """The same rows for the same seed."""
    random = Random(seed)
    data = Data()
    for number in range(AUTHORS):
        name = f"{_words(random, 1).title()} {_words(random, 1).title()} {number}"
        data.authors.append((_key(random, 1, number), name, f"author{number}@example.org"))
    data.tags = [(_key(random, 2, number), f"{_words(random, 1)}-{number}") for number in range(TAGS)]
    for number in range(ARTICLES):
        body = _words(random, 200)[: random.randint(900, 1_100)]
        title = f"{_words(random, random.randint(3, 7)).capitalize()} & {_words(random, 1)}"
        # The first rounds go to each prolific author in turn, so that none of them falls short of a page.
        writer = number % PROLIFIC if number % 10 else random.randrange(PROLIFIC, AUTHORS)
        if number % 10 == 0 and number < PROLIFIC * 10:
            writer = PROLIFIC + number // 10 % (AUTHORS - PROLIFIC)
        key = _key(random, 3, number)
        instant = FIRST + number * APART
        author = data.authors[writer][0]
        data.articles.append((key, title, body[:160], body, len(body.split()), instant, author))
        data.links += [(key, tag[0]) for tag in random.sample(data.tags, TAGS_EACH)]
    return data


def _words(random: Random, count: int) -> str:
    return " ".join(random.choices(WORDS, k=count))


def _key(random: Random, kind: int, number: int) -> UUID:
    """A UUID of version 7 whose time grows with the number."""
    milliseconds = int(FIRST.timestamp() * 1000) + kind * 1_000_000 + number
    return UUID(int=milliseconds << 80 | 7 << 76 | random.getrandbits(12) << 64 | 2 << 62 | random.getrandbits(62))
