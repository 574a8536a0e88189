"""Cases of the oracle, made from a number each, and what CPython, Kleene's reading and memory say of every nasty row.

A case is an expression with an actor. CI asks the same cases in every run, so that a failure is about the change at
hand; `make soak` begins at a number that was never asked before.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from kingpost.language.builtins import instant
from kingpost.language.evaluate import UNKNOWN, Frame, compile_expression
from kingpost.language.lower import LanguageError, lower
from kingpost.language.read_source import read_source
from kingpost.language.tree import Expression
from kingpost.language.types import BOOL, Type
from tests.language.domain import NASTY, NOW, DictWorld, as_python, objects
from tests.language.kleene import RAISES, kleene_function
from tests.language.strategies import NAMES, SCHEMA, python_function
from tests.language.writer import TYPES, Writer

WORLD = DictWorld(NASTY)
OBJECTS = objects(NASTY)
ACTORS = (None, 1, 2, 3)
RAISED = object()

_SORTS = ["deep", "deep", "deep", "short", "short", "int", "text", "datetime", "decimal", "float", "date", "duration"]


class Disagreement(AssertionError):
    """Two of those that are asked say different things."""


@dataclass(frozen=True)
class Case:
    """An expression, and who asks. `rough`: its last digits differ from store to store."""

    text: str
    type: Type
    me: int | None = None
    rough: bool = False


def case(number: int) -> Case:
    """The case of a number."""
    chance = random.Random(number)
    sort = chance.choice(_SORTS)
    depth = {"deep": chance.randint(3, 5), "short": chance.randint(1, 2)}.get(sort, chance.randint(2, 4))
    kind = "bool" if sort in ("deep", "short") else sort
    writer = Writer(chance.randint, actor=True)
    return Case(writer.write(kind, depth), TYPES[kind], chance.choice(ACTORS), writer.rough)


@dataclass(frozen=True)
class Understood:
    """What the language makes of a case: its tree, the values of its parameters, and the function it came from."""

    case: Case
    tree: Expression
    params: dict[str, Any]
    function: Callable[..., Any]


def understood(one: Case) -> Understood | str:
    """The tree, or the code of the refusal."""
    function = python_function(one.text)
    expects = BOOL if one.type == BOOL else None
    try:
        found = lower(read_source(function), SCHEMA, NAMES, prefix="t", expects=expects, proven=False)
    except LanguageError as error:
        return error.problems[0].code
    captured = {capture.name: capture.read() for capture in found.captures}
    return Understood(one, found.expression, {**captured, "now": NOW, "me": one.me}, function)


def answers(found: Understood) -> dict[int, Any]:
    """What memory says of each row, by key; a `Disagreement` if CPython or Kleene's reading says otherwise."""
    ask = compile_expression(found.tree)
    people = OBJECTS["Person"]
    me = people.get(found.case.me)
    kleene = kleene_function(found.case.text, found.case.type == BOOL)
    said: dict[int, Any] = {}
    with instant(NOW):
        for row in NASTY["Person"]:
            key = row["id"]
            answer = said[key] = ask(Frame(row, found.params, WORLD))
            plain = UNKNOWN if answer is UNKNOWN else as_python(answer, found.tree.type)
            expected = python_answer(found.function, people[key], me)
            decided = python_answer(kleene, people[key], me)
            if (expected is not RAISED and plain != expected) or plain != (UNKNOWN if decided is RAISED else decided):
                about = f"CPython {shown(expected)}, read as Kleene {shown(decided)}, memory {answer!r}"
                raise Disagreement(f"of person {key}: {about}")
    return said


def python_answer(function: Callable[..., Any], person: Any, me: Any) -> Any:
    """What CPython answers; RAISED where it has no answer."""
    try:
        return function(person, me)
    except RAISES:
        return RAISED


def shown(answer: Any) -> str:
    """An answer in a message."""
    return "raises" if answer is RAISED else repr(answer)
