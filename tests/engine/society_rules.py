"""Rule sets over the society, each made from a number: as text, as CPython runs them, and as the engine gets them."""

from __future__ import annotations

import dataclasses
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from kingpost import App
from kingpost.engine.engine import Engine
from kingpost.language.builtins import instant
from kingpost.language.lower import LanguageError, Lowered, lower
from kingpost.language.read_source import read_source
from kingpost.language.tree import Keyed, Param, Root
from kingpost.language.types import BOOL, reference
from kingpost.model.model import Model, RuleModel
from kingpost.model.schema import ModelSchema
from tests.engine import society
from tests.engine.society import AT, DATA, ONES, Row
from tests.language.kleene import RAISES, kleene_function
from tests.language.strategies import python_function
from tests.language.writer import Chance

MODEL = society.society("memory:").model
SCHEMA = ModelSchema.of(MODEL)
ME = Keyed("Person", Param("me", reference("Person", nullable=True)))

FIELDS = {
    "Person": ({"age": "int", "id": "int"}, {"nick": "text"}, ["active"]),
    "Note": ({"stars": "int", "id": "int"}, {"text": "text"}, ["done"]),
    "Reply": ({"score": "int"}, {}, []),
    "Tag": ({"size": "int"}, {"name": "text"}, []),
}
MANY = {"Person": {"notes": "Note"}, "Note": {"replies": "Reply", "tags": "Tag"}, "Reply": {}, "Tag": {"notes": "Note"}}
SLOTS = (
    *((effect, name, "read") for name in DATA for effect in ("allow", "deny")),
    *((effect, "Note", verb) for verb in ("create", "update") for effect in ("allow", "deny")),
)
"""Where rules may be: for reading everything, and for writing notes."""

# ------------------------------------------------------------------------------------------------------------- writing


class Writing:
    """Writes one condition over `self`, and `me` where `actor`."""

    def __init__(self, chance: Chance, resource: str, actor: bool) -> None:
        self.draw = chance
        self.rows = [("self", resource)] + ([("me", "Person")] if actor else [])
        self.actor = actor
        self.serial = 0

    def pick(self, options: Sequence[Any]) -> Any:
        return options[self.draw(0, len(options) - 1)]

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


# --------------------------------------------------------------------------------------------------------------- rules


@dataclass(frozen=True)
class Rule:
    """A rule as text, as the engine gets it, and as CPython runs it."""

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


@lru_cache(maxsize=1000)
def rule(text: str, resource: str) -> Rule | None:
    """None: the language refuses it."""
    names: Any = {"self": Root(resource), "me": ME}
    try:
        source = read_source(python_function(text))
        lowered = lower(source, SCHEMA, names, prefix=f"{resource}.r", expects=BOOL, proven=False)
    except (LanguageError, SyntaxError):  # what a shorter text is made of need not be Python
        return None
    return Rule(text, lowered, kleene_function(text, condition=True))


@dataclass(frozen=True)
class Case:
    """The texts of a rule set, the rule of `Note.stars`, what an actor filters by, and a note that he writes.

    A resource of which nothing is said is open to everyone.
    """

    rules: Mapping[tuple[str, str, str], tuple[str, ...]]
    stars: str | None = None
    where: str = "self.id > 0"
    note: Mapping[str, Any] = dataclasses.field(default_factory=lambda: dict(_NOTE))

    def understood(self) -> Rules | None:
        """None: the language refuses one of them."""
        by_slot = {slot: [rule(text, slot[1]) for text in self.rules.get(slot, ())] for slot in SLOTS}
        for effect, resource, verb in SLOTS:
            if effect == "allow" and not by_slot[effect, resource, verb]:
                by_slot[effect, resource, verb] = [rule("self.id > 0", resource)]
        stars = None if self.stars is None else rule(self.stars, "Note")
        if (self.stars is not None and stars is None) or any(None in rules for rules in by_slot.values()):
            return None
        return Rules(by_slot, stars)  # type: ignore[arg-type]

    def __str__(self) -> str:
        lines = [f"{' '.join(slot)}: {text}" for slot, texts in self.rules.items() for text in texts]
        return "\n".join([*lines, f"stars: {self.stars}", f"where: {self.where}", f"note: {self.note}"])


@dataclass(frozen=True)
class Rules:
    """The rules by effect, resource and verb, and the rule of `Note.stars`."""

    by_slot: Mapping[tuple[str, str, str], Sequence[Rule]]
    stars: Rule | None

    def holds(self, resource: str, verb: str, row: Row, me: Row | None) -> bool:
        """The verdict of CPython."""
        allowed = any(one.surely(True, row, me) for one in self.by_slot["allow", resource, verb])
        return allowed and all(one.surely(False, row, me) for one in self.by_slot["deny", resource, verb])

    def applied(self, model: Model) -> Model:
        """The model with these rules in place of its own."""
        resources = dict(model.resources)
        for name in DATA:
            made = [
                RuleModel(f"r{n}", effect, frozenset({verb}), one.lowered.expression, one.lowered.captures)  # type: ignore[arg-type]
                for (effect, resource, verb), rules in self.by_slot.items()
                if resource == name
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


def engine_of(app: App, model: Model) -> Engine:
    """An engine over the stores of the application, with other rules."""
    return Engine(model, SCHEMA, app.stores, clock=app.engine.clock, new_id=lambda: None, secret=b"s")


# --------------------------------------------------------------------------------------------------------------- cases

_NOTE = {"text": "a", "stars": 0, "done": True, "at": AT, "author": 1, "reader": None, "tags": (1,)}
_NOTES: dict[str, tuple[Any, ...]] = {
    "text": ("a", "ab", ""),
    "stars": (None, 0, 3),
    "done": (True, False),
    "at": (None, AT, datetime(2027, 1, 1, tzinfo=UTC)),
    "author": (1, 2, 3, 4),
    "reader": (None, 1, 2),
    "tags": ((), (1,), (2, 3)),
}


def case(number: int) -> Case:
    """The case of a number: of each resource one or two rules that allow, and perhaps one that denies."""
    chance = random.Random(number)
    rules = {
        slot: tuple(_some(chance, slot[1], chance.randint(1, 2) if slot[0] == "allow" else chance.randint(0, 1),
                          3 if slot[0] == "allow" else 2))
        for slot in SLOTS
    }  # fmt: skip
    # The rule of a field is text: it captures nothing.
    stars = [text for text in _some(chance, "Note", chance.randint(0, 1), 1) if "LIMIT" not in text]
    where = Writing(chance.randint, "Note", chance.random() < 0.5).condition(chance.randint(0, 2))
    note = {name: chance.choice(values) for name, values in _NOTES.items()}
    return Case(rules, stars[0] if stars else None, where, note)


def _some(chance: random.Random, resource: str, number: int, depth: int) -> Iterator[str]:
    """As many conditions that the language accepts; fewer, if it refuses six in a row."""
    for _ in range(number):
        for _ in range(6):
            text = Writing(chance.randint, resource, actor=True).condition(chance.randint(0, depth))
            if rule(text, resource) is not None:
                yield text
                break
