"""What the site is about: topics and the order to learn them in, articles, careers, programs, and who may do what."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from examples.learn.planning import Gap, gaps
from kingpost import (
    Markdown,
    Resource,
    action,
    actor,
    allow,
    anyone,
    computed,
    field,
    index,
    nobody,
    now,
    unique,
    validate,
)

Area = Literal[
    "foundations", "languages", "databases", "apis", "security", "frontend", "operations", "architecture", "leadership"
]
Level = Literal["beginner", "intermediate", "advanced"]
Section = Literal["craft", "data", "interfaces", "security", "operations", "front", "career"]


class Named(Resource, abstract=True):
    """What has an address of its own. The slug is its key, in the database as in the content files."""

    slug: str = field(key=True, max_length=60, pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")


class Entry(Named, abstract=True, read=anyone):
    """What everybody may look up."""

    name: str = field(max_length=120, search=True)
    summary: str = field(max_length=800, search=True)


# ---------------------------------------------------------------------------------------------------- what to learn


class Skill(Entry):
    """What someone can do who has studied the topics that build it."""

    kind: Literal["technical", "human"]


@dataclass
class Link:
    """Something good to read elsewhere."""

    title: str
    url: str


class Topic(Entry):
    """A piece of knowledge that can be learned by itself, once its prerequisites are known."""

    area: Area
    level: Level
    hours: int = field(ge=1, le=400, help="Typical hours of study and practice")
    prerequisites: list["Topic"] = []
    skills: list[Skill] = []
    links: list[Link] = []

    map_order = index("area", "level", "name")

    @computed
    def is_entrance(self) -> bool:
        """Whether one may begin here."""
        return len(self.prerequisites) == 0


class Program(Entry, check=anyone):
    """Topics in the order to study them, for somebody who already knows what it assumes."""

    audience: str = field(max_length=200)
    rank: int = field(ge=1, help="Place in lists")
    topics: list[Topic] = field(ordered=True)
    assumes: list[Topic] = []

    @computed
    def hours(self) -> int:
        """Of all topics together."""
        return sum(topic.hours for topic in self.topics)

    @action
    async def check(self) -> list[Gap]:
        """Find the prerequisites that are missing from the program, or come too late in it."""
        await self.load("topics.prerequisites", "assumes")
        return gaps(self.topics, known=self.assumes)


# ---------------------------------------------------------------------------------------------------------- careers


class Qualification(Entry):
    """A degree, a certificate, or a form of practice that others recognise."""

    issuer: str = field(max_length=120)
    kind: Literal["degree", "certificate", "practice"]
    hours: int = field(ge=1, help="Typical effort of someone ready to begin")
    topics: list[Topic] = []


class Path(Entry):
    """A career, as steps from one kind of work to the next."""

    rank: int = field(ge=1, help="Place in lists")
    steps: list["PathStep"] = field(inverse="path")


class PathStep(Resource, read=anyone):
    """One kind of work on a path, and what it takes."""

    path: Path = field(on_delete="cascade")
    position: int = field(ge=1)
    title: str = field(max_length=120)
    years: str = field(pattern=r"^\d+(-\d+|\+)$", help="Years of experience, such as 2-4 or 7+")
    summary: str = field(max_length=800)
    skills: list[Skill] = []
    topics: list[Topic] = []
    qualifications: list[Qualification] = []

    one_by_one = unique("path", "position")


# -------------------------------------------------------------------------------------------------- reading and people


class User(Named, read=anyone):
    """Somebody who reads, writes or edits."""

    name: str = field(max_length=80)
    bio: str = field(default="", max_length=500)
    email: str | None = field(default=None, unique=True, personal=True, read="self == me")
    role: Literal["reader", "author", "editor"] = field(default="reader", readonly=True)


class Article(Named):
    """A part of the guide."""

    title: str = field(max_length=160, search=True)
    summary: str = field(default="", max_length=400, search=True)
    section: Section
    body: Markdown = field(search=True)
    minutes: int = field(ge=1, help="Reading time")
    author: User = field(default=actor)
    topics: list[Topic] = []
    comments: list["Comment"] = field(inverse="article")
    published_at: datetime | None = None

    newest = index("-published_at", where=lambda article: article.published_at is not None)

    @computed
    def is_public(self) -> bool:
        return self.published_at is not None and self.published_at <= now()

    @computed
    def remarks(self) -> int:
        """Comments that everybody sees."""
        return sum(1 for comment in self.comments if comment.approved)

    @allow("read")
    def public_or_mine(self, me: User | None) -> bool:
        return self.is_public or (me is not None and self.author == me)

    @allow("create")
    def by_authors(self, me: User) -> bool:
        return me.role == "editor" or (me.role == "author" and self.author == me)

    @allow("update", "delete", "publish")
    def mine(self, me: User) -> bool:
        return self.author == me or me.role == "editor"

    @validate("summary", "published_at")
    def announced(self) -> None:
        if self.published_at and not self.summary:
            raise ValueError("an article needs a summary before it is published")

    @action
    async def publish(self, at: datetime | None = None) -> "Article":
        """Show the article to everybody, now or from an instant on."""
        self.published_at = at or now()
        return self


class Comment(Resource):
    """A remark under an article, seen by others once it is approved."""

    article: Article = field(on_delete="cascade")
    author: User = field(default=actor, readonly=True)
    text: str = field(min_length=1, max_length=5000)
    written_at: datetime = field(default_factory=now, readonly=True)
    approved: bool = field(default=False, readonly=True)

    @allow("read")
    def approved_or_mine(self, me: User | None) -> bool:
        return self.approved or (me is not None and self.author == me)

    @allow("create")
    def in_my_name(self, me: User) -> bool:
        return self.author == me and self.article.is_public

    @allow("approve", "delete", "read")
    def under_my_care(self, me: User) -> bool:
        return self.article.author == me or me.role == "editor"

    @action
    async def approve(self) -> "Comment":
        """Show the comment to everybody."""
        self.approved = True
        return self


class Term(Named, read=anyone):
    """A word of the trade."""

    term: str = field(unique=True, max_length=80, search=True)
    meaning: str = field(max_length=600, search=True)


class Edition(Resource, read=nobody):
    """Which state of the content folder the database holds. No rule: no business of anybody's."""

    name: str = field(key=True, max_length=40)
    digest: str


RESOURCES = [Skill, Topic, Program, Qualification, Path, PathStep, User, Article, Comment, Term, Edition]
