"""The prerequisites of all topics as a drawing: columns by the steps it takes to get there, one lane for each area."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import sqrt
from textwrap import wrap
from typing import TYPE_CHECKING

from examples.learn.planning import depths

if TYPE_CHECKING:
    from examples.learn.models import Topic

LETTER = 6.3  # average width at 13 px, generous
LABEL = 20  # letters in a line
ROW, LINE, LANE_HEAD, LANE_END = 26, 14, 30, 10  # heights: of a row, of each further line of a name
GAP = 24  # between columns, where the lines have room to turn
LEFT = 12


@dataclass
class Node:
    """A topic in its place. `edges` are the lines that arrive from what it needs."""

    topic: "Topic"
    x: float
    y: float
    radius: float
    lines: list[str]
    edges: list[str]


@dataclass
class Lane:
    """The band of one area."""

    area: str
    y: float


@dataclass
class Drawing:
    width: float
    height: float
    columns: list[float]
    lanes: list[Lane]
    nodes: list[Node]


def draw(topics: Sequence["Topic"], areas: Sequence[str]) -> Drawing:
    """The full map, with names."""
    by_slug = {topic.slug: topic for topic in topics}
    depth = depths(by_slug)
    lines = {topic.slug: wrap(topic.name, LABEL) for topic in topics}
    columns = _columns(depth, lines)
    order = _ordered(topics, depth)
    place: dict[str, tuple[float, float]] = {}
    lanes: list[Lane] = []
    y = 0.0
    for area in areas:
        lanes.append(Lane(area, y))
        cells = [[t for t in order if t.area == area and depth[t.slug] == column] for column in range(len(columns))]
        y += LANE_HEAD
        for row in range(max(map(len, cells), default=0)):
            here = [(column, cell[row]) for column, cell in enumerate(cells) if row < len(cell)]
            height = ROW + LINE * (max(len(lines[topic.slug]) for _, topic in here) - 1)
            for column, topic in here:
                place[topic.slug] = (columns[column], y + height / 2)
            y += height
        y += LANE_END
    nodes = [_node(topic, place, lines[topic.slug]) for topic in order]
    width = max(x + max(map(len, lines[slug])) * LETTER for slug, (x, _) in place.items()) + 20
    return Drawing(round(width), y, columns, lanes, nodes)


def miniature(topics: Sequence["Topic"], width: float = 440, height: float = 300) -> Drawing:
    """The same without names, as a picture of how far the guide reaches."""
    depth = depths({topic.slug: topic for topic in topics})
    columns: dict[int, list[Topic]] = {}
    for topic in _ordered(topics, depth):
        columns.setdefault(depth[topic.slug], []).append(topic)
    across, down = (width - 20) / max(len(columns) - 1, 1), (height - 20) / max(map(len, columns.values()))
    place = {
        topic.slug: (10 + across * column, height / 2 + (row - (len(members) - 1) / 2) * down)
        for column, members in columns.items()
        for row, topic in enumerate(members)
    }
    return Drawing(width, height, [], [], [_node(topic, place, []) for topic in topics])


def _node(topic: "Topic", place: Mapping[str, tuple[float, float]], lines: list[str]) -> Node:
    x, y = place[topic.slug]
    edges = [_edge(*place[needed.slug], x, y) for needed in topic.prerequisites]
    return Node(topic, round(x, 1), round(y, 1), round(1.5 + sqrt(topic.hours) / 2, 1), lines, edges)


def _edge(x1: float, y1: float, x2: float, y2: float) -> str:
    bend = min((x2 - x1) / 2, 60)
    return f"M{x1:.0f} {y1:.0f}C{x1 + bend:.0f} {y1:.0f} {x2 - bend:.0f} {y2:.0f} {x2:.0f} {y2:.0f}"


def _columns(depth: Mapping[str, int], lines: Mapping[str, list[str]]) -> list[float]:
    """Where each column begins: as wide as its longest name."""
    starts: list[float] = []
    x = float(LEFT)
    for column in range(max(depth.values(), default=-1) + 1):
        starts.append(x)
        x += max(len(line) for slug in lines if depth[slug] == column for line in lines[slug]) * LETTER + 14 + GAP
    return starts


def _ordered(topics: Sequence["Topic"], depth: Mapping[str, int]) -> list["Topic"]:
    """The topics in an order that keeps lines short: time and again each moves to the mean place of its neighbours."""
    neighbours: dict[str, list[str]] = {topic.slug: [] for topic in topics}
    for topic in topics:
        for needed in topic.prerequisites:
            neighbours[topic.slug].append(needed.slug)
            neighbours[needed.slug].append(topic.slug)
    columns: dict[int, list[Topic]] = {}
    for topic in topics:
        columns.setdefault(depth[topic.slug], []).append(topic)
    place: dict[str, float] = {}
    for _ in range(16):
        for members in columns.values():
            members.sort(key=lambda topic: place.get(topic.slug, 0.5))
            place.update({topic.slug: (row + 0.5) / len(members) for row, topic in enumerate(members)})
        for slug, near in neighbours.items():
            if near:
                place[slug] = (place[slug] + sum(place[each] for each in near) / len(near)) / 2
    return [topic for column in sorted(columns) for topic in columns[column]]
