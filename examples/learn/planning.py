"""The arithmetic of learning: what comes before what, and how long it takes. Plain functions over topics."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from examples.learn.models import Topic

HOURS_A_WEEK = 6
LEVELS = ("beginner", "intermediate", "advanced")


@dataclass
class Gap:
    """A topic that comes before something it needs."""

    topic: str
    needs: str
    problem: Literal["missing", "late"]


@dataclass
class Stage:
    """One topic of a plan: `total` hours when it is done, in week `week`."""

    topic: "Topic"
    total: int
    week: int


def gaps(topics: Sequence["Topic"], known: Iterable["Topic"] = ()) -> list[Gap]:
    """The prerequisites that are not `known` and come too late among `topics`, or not at all."""
    place = {topic.slug: number for number, topic in enumerate(topics)}
    assumed = {topic.slug for topic in known}
    found: list[Gap] = []
    for number, topic in enumerate(topics):
        for needed in topic.prerequisites:
            if needed.slug in assumed or place.get(needed.slug, number) < number:
                continue
            found.append(Gap(topic.slug, needed.slug, "late" if needed.slug in place else "missing"))
    return found


def stages(topics: Iterable["Topic"], hours_a_week: int) -> list[Stage]:
    """The topics with the hours and weeks that have gone by when each is done."""
    plan: list[Stage] = []
    total = 0
    for topic in topics:
        total += topic.hours
        plan.append(Stage(topic, total, ceil(total / hours_a_week)))
    return plan


def way_to(topic: "Topic", topics: Mapping[str, "Topic"]) -> list["Topic"]:
    """All that has to be learned before `topic`, each after what it needs; `topics` holds every topic by slug."""
    way: dict[str, Topic] = {}

    def visit(at: "Topic", beneath: frozenset[str]) -> None:
        for needed in sorted(at.prerequisites, key=lambda each: each.slug):
            if needed.slug not in way and needed.slug not in beneath:
                visit(topics[needed.slug], beneath | {needed.slug})
                way[needed.slug] = topics[needed.slug]

    visit(topic, frozenset({topic.slug}))
    return list(way.values())


def depths(topics: Mapping[str, "Topic"]) -> dict[str, int]:
    """For every topic the number of steps before it, on the longest way there."""
    found: dict[str, int] = {}

    def depth(slug: str, beneath: frozenset[str]) -> int:
        if slug not in found:
            before = (needed.slug for needed in topics[slug].prerequisites if needed.slug not in beneath)
            found[slug] = max((depth(each, beneath | {each}) + 1 for each in before), default=0)
        return found[slug]

    for slug in topics:
        depth(slug, frozenset({slug}))
    return found
