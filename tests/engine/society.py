"""A small domain whose rules are drawn by chance, its rows, and the rules' oracle: CPython on plain objects.

Person      the actor: age, nick and boss may be None
Note        of an author, perhaps for a reader; has replies and, by links, tags; `stars` has a rule of its own
Reply       to a note, perhaps of nobody
Tag         on any number of notes
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, TypeAlias

from hypothesis import strategies as st

from kingpost import App, FrozenClock, Resource, anyone
from kingpost import field as member
from kingpost.engine.engine import Engine
from kingpost.language.builtins import instant
from kingpost.language.lower import LanguageError, Lowered, lower
from kingpost.language.read_source import read_source
from kingpost.language.tree import Keyed, Param, Root
from kingpost.language.types import BOOL, reference
from kingpost.model.model import Model, RuleModel
from kingpost.model.schema import ModelSchema
from tests.language.kleene import RAISES, kleene_function
from tests.language.strategies import python_function

AT = datetime(2026, 5, 1, 12, tzinfo=UTC)


class Person(Resource, read=anyone, write=anyone):
    id: int = member(key=True)
    age: int | None = None
    nick: str | None = None
    active: bool = True
    boss: Person | None = None
    notes: list[Note] = member(inverse="author")


class Note(Resource, read=anyone, write=anyone):
    id: int = member(key=True)
    text: str = member(max_length=20, search=True)
    stars: int | None = None
    done: bool = False
    at: datetime | None = None
    author: Person
    reader: Person | None = None
    replies: list[Reply] = member(inverse="note")
    tags: list[Tag] = member(default_factory=list)


class Reply(Resource, read=anyone, write=anyone):
    id: int = member(key=True)
    note: Note
    author: Person | None = None
    score: int | None = None


class Tag(Resource, read=anyone, write=anyone):
    id: int = member(key=True)
    name: str = member(max_length=20)
    size: int | None = None
    notes: list[Note] = member(inverse="tags")


RESOURCES = (Person, Note, Reply, Tag)


def society(url: str) -> App:
    """The domain on one store, everything allowed."""
    stores = {"main": url}
    return App("society", resources=RESOURCES, stores=stores, actor=Person, clock=FrozenClock(AT), secret=b"s")


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


# -------------------------------------------------------------------------------------------------------------- rules

FIELDS = {
    "Person": ({"age": "int", "id": "int"}, {"nick": "text"}, ["active"]),
    "Note": ({"stars": "int", "id": "int"}, {"text": "text"}, ["done"]),
    "Reply": ({"score": "int"}, {}, []),
    "Tag": ({"size": "int"}, {"name": "text"}, []),
}
MANY = {"Person": {"notes": "Note"}, "Note": {"replies": "Reply", "tags": "Tag"}, "Reply": {}, "Tag": {"notes": "Note"}}


class Writing:
    """Writes one condition over `self`, and `me` where `actor`."""

    def __init__(self, draw: st.DrawFn, resource: str, actor: bool) -> None:
        self.draw = draw
        self.rows = [("self", resource)] + ([("me", "Person")] if actor else [])
        self.actor = actor
        self.serial = 0

    def pick(self, options: Sequence[Any]) -> Any:
        return options[self.draw(st.integers(0, len(options) - 1))]

    def row(self, wanted: str | None = None) -> tuple[str, str]:
        """A row in sight, or a step or two away."""
        text, resource = self.pick([*self.rows, self.rows[0], self.rows[-1]])
        for _ in range(self.pick((0, 0, 0, 1, 1, 2))):
            if ONES[resource]:
                name, resource = self.pick(sorted(ONES[resource].items()))
                text = f"{text}.{name}"
        if wanted is not None and resource != wanted:
            for near, of in reversed(self.rows):
                if of == wanted:
                    return near, of
                for name, target in ONES[of].items():
                    if target == wanted:
                        return f"{near}.{name}", target
        return text, resource

    def condition(self, depth: int) -> str:
        kinds = ["atom", "atom"] if depth <= 0 else ["atom", "and", "or", "or", "not", "if", "any", "any", "all"]
        kind = self.pick(kinds)
        below = depth - 1
        if kind in ("and", "or"):
            return f"({self.condition(below)} {kind} {self.condition(below)})"
        if kind == "not":
            return f"(not {self.condition(below)})"
        if kind == "if":
            return f"({self.condition(below)} if {self.condition(below)} else {self.condition(below)})"
        if kind in ("any", "all"):
            return self.quantified(kind, below)
        return self.atom()

    def quantified(self, kind: str, depth: int) -> str:
        text, resource = self.row()
        if not MANY[resource]:
            return self.atom()
        name, target = self.pick(sorted(MANY[resource].items()))
        self.serial += 1
        item = f"v{self.serial}"
        self.rows.append((item, target))
        element = self.condition(depth)
        filtered = f" if {self.condition(0)}" if self.pick((0, 0, 1)) else ""
        self.rows.pop()
        return f"{kind}({element} for {item} in {text}.{name}{filtered})"

    def number(self) -> str:
        text, resource = self.row()
        options = [f"{text}.{name}" for name in FIELDS[resource][0]]
        options += [f"len({text}.{name})" for name in MANY[resource]]
        if resource == "Note":
            self.serial += 1
            options.append(f"sum(v{self.serial}.score for v{self.serial} in {text}.replies)")
            options.append(f"max((v{self.serial}.size for v{self.serial} in {text}.tags), default=1)")
        return str(self.pick([*options, "0", "1", "3", "LIMIT"]))

    def atom(self) -> str:
        text, resource = self.row()
        numbers, texts, bools = FIELDS[resource]
        forms: list[Callable[[], str]] = [
            lambda: f"{self.number()} {self.pick(['<', '>=', '==', '!='])} {self.number()}",
            lambda: f"{text}.{self.pick(sorted(numbers))} is {self.pick(['None', 'not None'])}",
            lambda: f"{text}.{self.pick(sorted(numbers))} in (1, 3, {self.pick(['None', '5'])})",
        ]
        if texts:
            name = self.pick(sorted(texts))
            forms.append(lambda: f"{text}.{name}.startswith('a')")
            forms.append(lambda: f"{text}.{name} {self.pick(['==', '!='])} 'a'")
            forms.append(lambda: f"bool({text}.{name})")
        if bools:
            forms += [lambda: f"{text}.{self.pick(bools)}"] * 2
        if resource == "Note":
            forms.append(lambda: f"{text}.at {self.pick(['<=', '>'])} now()")
        if self.actor:
            forms += [lambda: f"{self.row('Person')[0]} == me", lambda: f"me is {self.pick(['None', 'not None'])}"] * 2
        if ONES[resource]:
            name = self.pick(sorted(ONES[resource]))
            forms.append(lambda: f"{text}.{name} is {self.pick(['None', 'not None'])}")
            forms.append(lambda: f"{text}.{name} == {self.row(ONES[resource][name])[0]}")
        made: str = self.pick(forms)()
        return made


@dataclass(frozen=True)
class Rule:
    """A rule as text, as CPython runs it, and as the engine gets it."""

    text: str
    lowered: Lowered
    decide: Callable[..., Any]

    def surely(self, wanted: bool, row: Row, me: Row | None) -> bool:
        """Whether CPython says so; where it raises, it says neither."""
        try:
            with instant(AT):
                return bool(self.decide(row, me)) is wanted
        except RAISES:
            return False


def rule(text: str, resource: str, model: Model) -> Rule | None:
    """None: the language refuses it."""
    me = Keyed("Person", Param("me", reference("Person", nullable=True)))
    source = read_source(python_function(text))
    try:
        lowered = lower(source, ModelSchema.of(model), {"self": Root(resource), "me": me}, prefix=f"{resource}.r",
                        expects=BOOL, proven=False)  # fmt: skip
    except LanguageError:
        return None
    return Rule(text, lowered, kleene_function(text, condition=True))


@dataclass(frozen=True)
class Rules:
    """Allows and denies by resource and verb, and the rule of `Note.stars`."""

    allow: Mapping[tuple[str, str], Sequence[Rule]]
    deny: Mapping[tuple[str, str], Sequence[Rule]]
    stars: Rule | None

    def holds(self, resource: str, verb: str, row: Row, me: Row | None) -> bool:
        """The verdict of CPython."""
        allowed = any(one.surely(True, row, me) for one in self.allow[resource, verb])
        return allowed and all(one.surely(False, row, me) for one in self.deny.get((resource, verb), ()))

    def applied(self, model: Model) -> Model:
        """The model with these rules in place of its own."""
        resources = dict(model.resources)
        for name in DATA:
            made: list[RuleModel] = []
            for effect, by_verb in (("allow", self.allow), ("deny", self.deny)):
                for (resource, verb), rules in by_verb.items():
                    if resource == name:
                        made += [
                            RuleModel(f"r{n}", effect, frozenset({verb}), one.lowered.expression, one.lowered.captures)  # type: ignore[arg-type]
                            for n, one in enumerate(rules)
                        ]
            resources[name] = dataclasses.replace(resources[name], rules=tuple(made))
        if self.stars is not None:
            note = resources["Note"]
            stars = note.fields["stars"]
            access = dataclasses.replace(stars.access, read=self.stars.lowered.expression)
            fields = {**note.fields, "stars": dataclasses.replace(stars, access=access)}
            resources["Note"] = dataclasses.replace(note, fields=fields)
        return dataclasses.replace(model, resources=resources)

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        printer.text(repr(self))

    def __repr__(self) -> str:
        lines = [f"{effect} {'.'.join(key)}: {one.text}" for effect, of in (("allow", self.allow), ("deny", self.deny))
                 for key, rules in of.items() for one in rules]  # fmt: skip
        return "\n".join([*lines, f"stars: {self.stars and self.stars.text}"])


@st.composite
def rule_sets(draw: st.DrawFn, model: Model) -> Rules:
    """Rules for reading everything and for writing notes."""

    def some(resource: str, least: int, most: int, depth: int = 3) -> list[Rule]:
        found: list[Rule] = []
        for _ in range(draw(st.integers(least, most))):
            for _attempt in range(6):
                text = Writing(draw, resource, actor=True).condition(draw(st.integers(0, depth)))
                made = rule(text, resource, model)
                if made is not None:
                    found.append(made)
                    break
        return found or ([_everyone(resource, model)] if least else [])

    allow = {(name, "read"): some(name, 1, 2) for name in DATA}
    deny = {(name, "read"): some(name, 0, 1, 2) for name in DATA}
    for verb in ("create", "update"):
        allow["Note", verb] = some("Note", 1, 2)
        deny["Note", verb] = some("Note", 0, 1, 2)
    own = [one for one in some("Note", 0, 1, 1) if not one.lowered.captures]  # a field's rule is text: it has none
    return Rules(allow, deny, own[0] if own else None)


def _everyone(resource: str, model: Model) -> Rule:
    made = rule("self.id > 0", resource, model)
    assert made is not None
    return made


@st.composite
def filters(draw: st.DrawFn) -> str:
    """A condition on notes as an actor may send it."""
    return Writing(draw, "Note", actor=draw(st.booleans())).condition(draw(st.integers(0, 2)))


def engine_of(app: App, rules: Rules) -> Engine:
    """An engine over the stores of the application, with other rules."""
    model = rules.applied(app.model)
    return Engine(model, ModelSchema.of(model), app.stores, clock=app.engine.clock, new_id=lambda: None, secret=b"s")
