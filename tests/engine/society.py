"""A small domain for rules that are written by chance, its rows, and the same rows as objects for CPython.

Person      the actor: age, nick and boss may be None
Note        of an author, perhaps for a reader; has replies and, by links, tags; `stars` has a rule of its own
Reply       to a note, perhaps of nobody
Tag         on any number of notes
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Any, TypeAlias

from kingpost import App, FrozenClock, Resource, anyone
from kingpost import field as member

AT = datetime(2026, 5, 1, 12, tzinfo=UTC)


def declared(places: Mapping[str, str] = MappingProxyType({})) -> tuple[type[Resource], ...]:
    """The resources, each in the store that `places` names, else in `main`."""

    def of(name: str) -> str:
        return places.get(name, "main")

    class Person(Resource, store=of("Person"), read=anyone, write=anyone):
        id: int = member(key=True)
        age: int | None = None
        nick: str | None = None
        active: bool = True
        boss: Person | None = None
        notes: list[Note] = member(inverse="author")

    class Note(Resource, store=of("Note"), read=anyone, write=anyone):
        id: int = member(key=True)
        text: str = member(max_length=20, search=True)
        stars: int | None = None
        done: bool = False
        at: datetime | None = None
        author: Person
        reader: Person | None = None
        replies: list[Reply] = member(inverse="note")
        tags: list[Tag] = member(default_factory=list)

    class Reply(Resource, store=of("Reply"), read=anyone, write=anyone):
        id: int = member(key=True)
        note: Note
        author: Person | None = None
        score: int | None = None

    class Tag(Resource, store=of("Tag"), read=anyone, write=anyone):
        id: int = member(key=True)
        name: str = member(max_length=20)
        size: int | None = None
        notes: list[Note] = member(inverse="tags")

    return Person, Note, Reply, Tag


def society(url: str | Mapping[str, str], places: Mapping[str, str] = MappingProxyType({})) -> App:
    """The domain, everything allowed: on one store, or on several, by name, as `places` says."""
    stores = {"main": url} if isinstance(url, str) else dict(url)
    resources = declared(places)
    return App("society", resources=resources, stores=stores, actor=resources[0], clock=FrozenClock(AT), secret=b"s")


# --------------------------------------------------------------------------------------------------------------- rows

Data: TypeAlias = dict[str, dict[int, dict[str, Any]]]
"""Rows by resource and key; references by key, tags of a note as a tuple of keys."""

DATA: Data = {
    "Person": {
        1: {"age": 30, "nick": "ada", "active": True, "boss": None},
        2: {"age": None, "nick": None, "active": True, "boss": 1},
        3: {"age": 3, "nick": "", "active": False, "boss": 2},
        4: {"age": 3, "nick": "a", "active": True, "boss": 4},
    },
    "Note": {
        1: {"text": "abc", "stars": 3, "done": True, "at": AT, "author": 1, "reader": None, "tags": (1, 2)},
        2: {"text": "xa", "stars": None, "done": False, "at": None, "author": 1, "reader": 2, "tags": ()},
        3: {"text": "b", "stars": 0, "done": True, "at": AT + timedelta(1), "author": 2, "reader": 2, "tags": (1,)},
        4: {"text": "A", "stars": 5, "done": False, "at": None, "author": 3, "reader": 4, "tags": (2, 3)},
        5: {"text": "aa", "stars": None, "done": True, "at": AT - timedelta(1), "author": 4, "reader": 1, "tags": (3,)},
        6: {"text": "", "stars": 1, "done": False, "at": AT, "author": 2, "reader": 3, "tags": (1, 2, 3)},
    },
    "Reply": {
        1: {"note": 1, "author": None, "score": 1},
        2: {"note": 1, "author": 2, "score": None},
        3: {"note": 2, "author": 1, "score": 3},
        4: {"note": 4, "author": 4, "score": -1},
        5: {"note": 4, "author": 3, "score": 4},
        6: {"note": 6, "author": 2, "score": 2},
    },
    "Tag": {
        1: {"name": "a", "size": 2},
        2: {"name": "b", "size": None},
        3: {"name": "ab", "size": 0},
    },
}
LISTS = {("Person", "notes"): ("Note", "author"), ("Note", "replies"): ("Reply", "note")}
ONES = {"Person": {"boss": "Person"}, "Note": {"author": "Person", "reader": "Person"},
        "Reply": {"note": "Note", "author": "Person"}, "Tag": {}}  # fmt: skip


class Row:
    """A row as CPython sees it, equal by class and key. What it does not have can't be read."""

    def __init__(self, resource: str, id: int) -> None:
        self.__dict__["_resource"] = resource
        self.__dict__["_key"] = id

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(name)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Row) and (self._resource, self._key) == (other._resource, other._key)

    def __hash__(self) -> int:
        return hash((self._resource, self._key))


Graph: TypeAlias = dict[str, dict[int, Row]]


def graph(data: Data, sees: Callable[[str, int], bool] = lambda _resource, _id: True) -> Graph:
    """The rows as objects that know each other. A row that is not seen has its key only, and is in no list."""
    rows = {name: {id: Row(name, id) for id in of} for name, of in data.items()}
    seen = {name: {id: row for id, row in of.items() if sees(name, id)} for name, of in rows.items()}
    for name, of in seen.items():
        for id, row in of.items():
            values = {n: v for n, v in data[name][id].items() if n != "tags"}
            for relation, target in ONES[name].items():
                values[relation] = None if values[relation] is None else rows[target][values[relation]]
            row.__dict__.update(values, id=id)
    for (name, relation), (target, back) in LISTS.items():
        for id, row in seen[name].items():
            row.__dict__[relation] = [seen[target][k] for k, v in sorted(data[target].items())
                                      if v[back] == id and k in seen[target]]  # fmt: skip
    for id, row in seen["Note"].items():
        row.__dict__["tags"] = [seen["Tag"][k] for k in data["Note"][id]["tags"] if k in seen["Tag"]]
    for id, row in seen["Tag"].items():
        row.__dict__["notes"] = [note for k, note in sorted(seen["Note"].items()) if id in data["Note"][k]["tags"]]
    return rows
