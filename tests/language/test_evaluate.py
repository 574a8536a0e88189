"""The three outcomes in memory, form by form: what is unknown, what decides all the same, and what guards hide."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from kingpost.language.evaluate import UNKNOWN, Frame, compile_expression, surely_true
from kingpost.language.tree import (
    Compare,
    Const,
    Expression,
    Field,
    Identity,
    If,
    Many,
    Node,
    Or,
    Param,
    Quantify,
    Root,
    Step,
    identity,
    transform,
    walk,
)
from kingpost.language.types import BOOL, INT, TEXT
from tests.language.declared import accept, returning
from tests.language.domain import NASTY, NOW, Data, DictWorld

ROW: dict[str, Any] = {
    **NASTY["Person"][0],
    "id": 1,
    "age": None,
    "nick": None,
    "vip": None,
    "boss": None,
    "city": None,
}
ROW |= {"score": 7, "name": "Ada", "active": True, "home": 1}
BOSS: dict[str, Any] = {**ROW, "id": 2, "age": 50, "boss": 99}
DATA: Data = {
    "Person": [ROW, BOSS],
    "City": [{"id": 1, "name": "Rome", "size": None, "mayor": 2}],
    "Visit": [
        {"id": 1, "person": 1, "city": 1, "n": 1, "rating": None, "note": None, "at": NOW, "done": True},
        {"id": 2, "person": 1, "city": None, "n": 2, "rating": 5, "note": "x", "at": NOW, "done": False},
    ],
}
WORLD = DictWorld(DATA)


def ask(expression: Expression, row: Any = ROW, **params: Any) -> Any:
    return compile_expression(expression)(Frame(row, {"now": NOW, "me": None, **params}, WORLD))


def answer(text: str, row: Any = ROW, **params: Any) -> Any:
    return ask(accept(returning(text), expects=None, proven=False).expression, row, **params)


ANSWERS: dict[str, object] = {
    "self.age < 3": UNKNOWN,
    "not self.age < 3": UNKNOWN,
    "self.age < 3 or self.active": True,
    "self.active or self.age < 3": True,
    "self.age < 3 and not self.active": False,
    "self.age < 3 and self.active": UNKNOWN,
    "self.age == 3": False,
    "self.age != 3": True,
    "self.age is None": True,
    "self.boss.age is None": UNKNOWN,
    "self.boss.age == 3": UNKNOWN,
    "self.boss is None": True,
    "self.boss.boss is None": UNKNOWN,
    "self.home.mayor.boss is None": False,
    "self.home.mayor.boss.age is None": UNKNOWN,
    "me is None": True,
    "me.age is None": UNKNOWN,
    "self.boss == me": True,
    "self.age in (1, None)": True,
    "self.age in (1, 2)": False,
    "self.boss.age in ()": UNKNOWN,
    "self.age in ()": False,
    "self.score in (self.boss.age, 7)": True,
    "self.score in (self.boss.age, 8)": UNKNOWN,
    "self.age or 5": 5,
    "self.name and self.nick": None,
    "self.boss.age or 5": UNKNOWN,
    "(self.boss.age and 0) or 5": UNKNOWN,
    "self.score or self.boss.age": 7,
    "bool(self.boss.age and 0)": False,
    "5 if self.boss.age else 6": UNKNOWN,
    "5 if self.age else self.boss.age": UNKNOWN,
    "self.score // 0": UNKNOWN,
    "self.score % 0": UNKNOWN,
    "self.score / 0": UNKNOWN,
    "-7 // 2": -4,
    "self.score - 14 // 2": 0,
    "self.age + 1": UNKNOWN,
    "self.joined + timedelta(days=4000000)": UNKNOWN,
    "len(self.nick)": UNKNOWN,
    "'a' in self.nick": UNKNOWN,
    "self.nick[:1]": UNKNOWN,
    "self.name[-2:]": "da",
    "len(self.visits)": 2,
    "len(self.boss.visits)": UNKNOWN,
    "any(v.rating > 1 for v in self.visits)": True,
    "any(v.rating > 9 for v in self.visits)": UNKNOWN,
    "all(v.rating > 9 for v in self.visits)": False,
    "all(v.rating > 1 for v in self.visits)": UNKNOWN,
    "any(v.n > 1 for v in self.visits if v.rating > 1)": True,
    "any(v.n > 5 for v in self.visits if v.rating > 1)": False,
    "any(v.n < 2 for v in self.visits if v.rating > 1)": UNKNOWN,
    "all(v.n < 2 for v in self.visits if v.rating > 9)": True,
    "all(v.n < 1 for v in self.visits if v.rating > 9)": UNKNOWN,
    "sum(v.n for v in self.visits)": 3,
    "sum(v.rating for v in self.visits)": UNKNOWN,
    "sum(v.rating for v in self.visits if v.rating)": 5,
    "sum(1 for v in self.visits if v.rating > 1)": UNKNOWN,
    "sum(v.done for v in self.visits)": 1,
    "max(v.n for v in self.visits)": 2,
    "max(v.n for v in self.visits if v.n > 5)": UNKNOWN,
    "max((v.n for v in self.visits if v.n > 5), default=0)": 0,
    "max((v.n for v in self.visits if v.n > 5), default=None)": None,
    "self in (self.home.mayor, self.boss)": False,
    "self.home.mayor == me": False,
    "'Ada' in SOME": True,
}


@pytest.mark.parametrize("text", ANSWERS)
def test_answers(text: str) -> None:
    lowered = accept(returning(text), expects=None, proven=False)
    values = {capture.name: capture.read() for capture in lowered.captures}
    found = ask(lowered.expression, **values)
    assert found is ANSWERS[text] or (found == ANSWERS[text] and type(found) is type(ANSWERS[text]))


def test_the_actor_is_found_by_key() -> None:
    assert answer("me.age", me=2) == 50
    assert answer("me.age", me=99) is UNKNOWN
    assert answer("self.home.mayor == me", me=2) is True


def test_a_reference_that_leads_nowhere_has_a_key_and_no_row() -> None:
    assert answer("self.boss is not None", BOSS) is True
    assert answer("self.boss.age is None", BOSS) is UNKNOWN


def test_unknown_is_not_surely_true() -> None:
    unknown = accept(returning("self.age < 3"), proven=False).expression
    frame = Frame(ROW, {}, WORLD)
    assert surely_true(unknown)(frame) is False
    with pytest.raises(TypeError):
        bool(UNKNOWN)


def guarded(expression: Expression, guard: Expression) -> Any:
    def change(node: Node) -> Node | None:
        match node:
            case Step() | Many():
                return replace(node, guard=guard if node.resource == guard_about(guard) else None)
            case _:
                return None

    return transform(expression, change)


def guard_about(guard: Expression) -> str:
    return next(node.resource for node in walk(guard) if isinstance(node, Root))


def test_a_guard_hides_rows() -> None:
    done = Field(Root("Visit"), "done", BOOL)
    assert ask(guarded(accept(returning("len(self.visits)"), expects=None).expression, done)) == 1
    assert ask(guarded(accept(returning("any(v.n > 1 for v in self.visits)")).expression, done)) is False
    rome = Compare("==", Field(Root("City"), "name", TEXT), Const("Rome", TEXT))
    oslo = Compare("==", Field(Root("City"), "name", TEXT), Const("Oslo", TEXT))
    home = accept(returning("self.home.name"), expects=None).expression
    assert ask(guarded(home, rome)) == "Rome"
    assert ask(guarded(home, oslo)) is UNKNOWN
    # An unknown guard hides too.
    sized = Compare("<", Field(Root("City"), "size", INT.maybe()), Const(3, INT))
    assert ask(guarded(home, sized)) is UNKNOWN


def test_a_guard_does_not_hide_the_key_that_is_stored_before_it() -> None:
    oslo = Compare("==", Field(Root("City"), "name", TEXT), Const("Oslo", TEXT))
    step = Step(Root("Person"), "home", "City", False, oslo)
    assert ask(identity(step)) == 1
    assert ask(Identity(Step(step, "mayor", "Person", True), identity(step).type)) is UNKNOWN


def test_a_value_hidden_from_the_actor_decides_nothing() -> None:
    hidden = If(Const(False, BOOL), Field(Root("Person"), "active", BOOL), Const(None, BOOL.maybe()), BOOL.maybe())
    assert ask(Or((hidden, Const(False, BOOL)))) is UNKNOWN
    assert ask(Or((hidden, Const(True, BOOL)))) is True
    many = Many(Root("Person"), "visits", "Visit", 0)
    assert ask(Quantify("any", many, None, hidden)) is UNKNOWN


def test_parameters_are_read_from_the_frame() -> None:
    assert ask(Compare("<", Param("x", INT), Const(3, INT)), x=2) is True
    assert ask(Compare("<", Param("x", INT.maybe()), Const(3, INT)), x=None) is UNKNOWN
