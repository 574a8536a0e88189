"""The arithmetic of learning, on topics made for the purpose."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

from examples.learn.graph import draw, miniature
from examples.learn.planning import Gap, depths, gaps, stages, way_to

if TYPE_CHECKING:
    from examples.learn.models import Topic


@dataclass(eq=False)
class Stand:
    slug: str
    needs: list[Stand] = field(default_factory=list)
    hours: int = 10
    area: str = "databases"
    level: str = "beginner"

    @property
    def prerequisites(self) -> list[Stand]:
        return self.needs

    @property
    def name(self) -> str:
        return self.slug.replace("-", " ").capitalize()


def topic(slug: str, *needs: Topic, hours: int = 10) -> Topic:
    return cast("Topic", Stand(slug, cast("list[Stand]", list(needs)), hours))


BASICS = topic("basics", hours=7)
SQL = topic("sql", BASICS)
HTTP = topic("http", BASICS)
SITE = topic("site", SQL, HTTP, hours=1)
ALL = {each.slug: each for each in (SITE, HTTP, SQL, BASICS)}


def test_a_good_order_has_no_gaps() -> None:
    assert gaps([BASICS, HTTP, SQL, SITE]) == []


def test_late_and_missing_prerequisites_are_told_apart() -> None:
    assert gaps([SITE, SQL, BASICS]) == [
        Gap("site", "sql", "late"),
        Gap("site", "http", "missing"),
        Gap("sql", "basics", "late"),
    ]


def test_what_is_assumed_need_not_be_in_the_program() -> None:
    assert gaps([SQL, SITE], known=[BASICS, HTTP]) == []


def test_a_topic_is_no_prerequisite_of_itself_in_a_sound_order() -> None:
    odd = Stand("odd")
    odd.needs.append(odd)
    assert gaps([cast("Topic", odd)]) == [Gap("odd", "odd", "late")]


def test_hours_add_up_and_weeks_follow() -> None:
    plan = stages([BASICS, SQL, SITE], hours_a_week=6)
    assert [(stage.total, stage.week) for stage in plan] == [(7, 2), (17, 3), (18, 3)]


def test_the_way_to_a_topic_begins_at_the_beginning() -> None:
    assert [each.slug for each in way_to(SITE, ALL)] == ["basics", "http", "sql"]
    assert way_to(BASICS, ALL) == []


def test_depth_is_the_longest_way() -> None:
    direct = topic("direct", BASICS, SITE)
    assert depths({**ALL, "direct": direct}) == {"basics": 0, "sql": 1, "http": 1, "site": 2, "direct": 3}


def test_circles_end() -> None:
    hen, egg = Stand("hen"), Stand("egg")
    hen.needs.append(egg)
    egg.needs.append(hen)
    both = {each.slug: cast("Topic", each) for each in (hen, egg)}
    assert depths(both).keys() == both.keys()
    assert [each.slug for each in way_to(both["hen"], both)] == ["egg"]


def test_the_map_places_every_topic_right_of_what_it_needs() -> None:
    for drawing in (draw(list(ALL.values()), ["databases"]), miniature(list(ALL.values()))):
        place = {node.topic.slug: node for node in drawing.nodes}
        assert place.keys() == ALL.keys()
        assert len({(node.x, node.y) for node in drawing.nodes}) == len(ALL)
        for each in ALL.values():
            assert all(place[needed.slug].x < place[each.slug].x for needed in each.prerequisites)
            assert len(place[each.slug].edges) == len(each.prerequisites)
        assert all(0 < node.x < drawing.width and 0 < node.y < drawing.height for node in drawing.nodes)
