"""Brings the content folder into the database: as often as one likes, at work only when the folder has changed."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, TypeVar
from uuid import NAMESPACE_URL, UUID, uuid5

from examples.learn import content
from examples.learn.content import Content, Record
from examples.learn.models import (
    Article,
    Edition,
    Link,
    Path,
    PathStep,
    Program,
    Qualification,
    Skill,
    Term,
    Topic,
    User,
)
from kingpost import App, Resource, as_system

R = TypeVar("R", bound=Resource)
EDITION = "content"


async def load(app: App) -> bool:
    """Make the database hold what the folder holds; answers whether there was anything to do."""
    fingerprint = content.digest()
    with as_system("load the content folder"):
        if await _holds(fingerprint):
            return False
        async with app.transaction():
            if await _holds(fingerprint):  # another process was faster
                return False
            await _Loader().load(content.read())
            await _put(Edition, name=EDITION, digest=fingerprint)
    return True


async def _holds(fingerprint: str) -> bool:
    edition = await Edition.where(name=EDITION).first()
    return edition is not None and edition.digest == fingerprint


async def _put(cls: type[Edition], **values: str) -> None:
    edition = await cls.where(name=values["name"]).first() or cls(**values)
    edition.digest = values["digest"]
    await edition.save()


class _Loader:
    """Creates, changes and, at the end, removes rows until each resource is as written."""

    def __init__(self) -> None:
        self.left_over: list[Resource] = []

    async def load(self, text: Content) -> None:
        users = await self.keep(User, _by_slug(text.authors, "name", "bio", role="author"))
        skills = await self.keep(Skill, _by_slug(text.skills, "name", "kind", "summary"))
        topics = await self.topics(text.topics, skills)
        programs = _by_slug(text.programs, "name", "summary", "audience", ranked=True)
        for record in text.programs:
            programs[record["slug"]] |= {name: _each(topics, record[name]) for name in ("topics", "assumes")}
        await self.keep(Program, programs)
        qualifications = _by_slug(text.qualifications, "name", "summary", "issuer", "kind", "hours")
        for record in text.qualifications:
            qualifications[record["slug"]]["topics"] = _each(topics, record["topics"])
        known = await self.keep(Qualification, qualifications)
        paths = await self.keep(Path, _by_slug(text.paths, "name", "summary", ranked=True))
        await self.keep(PathStep, _steps(text.paths, paths, skills, topics, known), key="id")
        await self.keep(Term, _by_slug(text.terms, "term", "meaning"))
        articles = _by_slug(text.articles, "title", "summary", "section", "minutes", "body")
        for record in text.articles:
            articles[record["slug"]] |= {
                "author": users[record["author"]],
                "topics": _each(topics, record["topics"]),
                "published_at": datetime.fromisoformat(record["published"]).replace(tzinfo=UTC),
            }
        await self.keep(Article, articles)
        for row in reversed(self.left_over):  # what refers goes before what is referred to
            await row.delete()

    async def topics(self, records: list[Record], skills: Mapping[str, Skill]) -> dict[str, Topic]:
        """In two rounds, since a topic may need one that stands further down."""
        values = _by_slug(records, "name", "summary", "area", "level", "hours")
        for record in records:
            values[record["slug"]] |= {
                "skills": _each(skills, record["skills"]),
                "links": [Link(**link) for link in record["links"]],
            }
        topics = await self.keep(Topic, values)
        for record in records:
            topic = topics[record["slug"]]
            topic.prerequisites = _each(topics, record["requires"])
            await topic.save()
        return topics

    async def keep(self, cls: type[R], rows: Mapping[Any, Record], key: str = "slug") -> dict[Any, R]:
        """The rows with these keys and values, and no others."""
        present = {getattr(row, key): row for row in await cls.all()}
        kept: dict[Any, R] = {}
        for name, values in rows.items():
            row = present.pop(name, None)
            if row is None:
                row = cls(**{key: name}, **values)
            for member, value in values.items():
                setattr(row, member, value)
            await row.save()
            kept[name] = row
        self.left_over.extend(present.values())
        return kept


def _by_slug(records: Iterable[Record], *names: str, ranked: bool = False, **more: Any) -> dict[str, Record]:
    """The named values of each record, by its slug."""
    rows: dict[str, Record] = {}
    for number, record in enumerate(records, 1):
        rank = {"rank": number} if ranked else {}
        rows[record["slug"]] = {**{name: record[name] for name in names}, **rank, **more}
    return rows


def _each(known: Mapping[str, R], slugs: Iterable[str]) -> list[R]:
    return [known[slug] for slug in slugs]


def _steps(
    records: Iterable[Record],
    paths: Mapping[str, Path],
    skills: Mapping[str, Skill],
    topics: Mapping[str, Topic],
    qualifications: Mapping[str, Qualification],
) -> dict[UUID, Record]:
    """Steps have no slug; their keys follow from path and place, so that they stay from one load to the next."""
    steps: dict[UUID, Record] = {}
    for record in records:
        for position, step in enumerate(record["step"], 1):
            steps[uuid5(NAMESPACE_URL, f"learn/paths/{record['slug']}/{position}")] = {
                "path": paths[record["slug"]],
                "position": position,
                "title": step["title"],
                "years": step["years"],
                "summary": step["summary"],
                "skills": _each(skills, step["skills"]),
                "topics": _each(topics, step["topics"]),
                "qualifications": _each(qualifications, step["qualifications"]),
            }
    return steps
