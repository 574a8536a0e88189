"""The oracle, part 1: CPython runs the very function that was lowered, and the memory evaluator must agree.

Where CPython answers, memory answers the same. Where CPython raises, memory answers unknown, or what `and`, `or`,
`any`, `all`, `in` decide without the part that raises (`tests/language/kleene.py`). Here on rows that
Hypothesis draws; on one fixed set of nasty rows, beside the stores, in `tests/stores/sql/test_oracle_sql.py`.
"""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from kingpost.language.builtins import instant
from kingpost.language.evaluate import UNKNOWN, Frame, compile_expression
from kingpost.language.lower import LanguageError, Lowered, lower
from kingpost.language.read_source import read_source
from kingpost.language.types import BOOL, Type
from tests.language.domain import NASTY, NOW, Data, DictWorld, objects
from tests.language.kleene import RAISES, kleene_function
from tests.language.strategies import NAMES, SCHEMA, expressions, guards, python_function, rows
from tests.soak import count

KINDS = ["bool", "bool", "bool", "int", "text", "datetime", "decimal", "float"]
RAISED = object()
OBJECTS = objects(NASTY)
# None is what CPython trips over; of the rest only what no test for None could have prevented.
BEYOND_NONE = (ZeroDivisionError, OverflowError)

written = st.sampled_from(KINDS).flatmap(lambda kind: expressions(kind, depth=5, actor=True))
careful = st.sampled_from(KINDS).flatmap(lambda kind: expressions(kind, depth=6, actor=True, careful=True))
oracle = settings(max_examples=count(300, 3_000), suppress_health_check=list(HealthCheck))


def lowered(text: str, type: Type, *, proven: bool) -> tuple[Lowered, Any] | None:
    function = python_function(text)
    expects = BOOL if type == BOOL else None
    try:
        return lower(read_source(function), SCHEMA, NAMES, prefix="t", expects=expects, proven=proven), function
    except LanguageError as error:
        event(f"refused {error.problems[0].code}")
        return None


def python_answer(function: Any, person: Any, me: Any) -> Any:
    try:
        return function(person, me)
    except RAISES:
        return RAISED


def disagreements(text: str, type: Type, data: Data, world: DictWorld, people: dict[Any, Any], keys: list[Any]) -> None:
    found = lowered(text, type, proven=False)
    if found is None:
        return
    tree, function = found
    ask = compile_expression(tree.expression)
    values = {capture.name: capture.read() for capture in tree.captures}
    kleene = kleene_function(text, type == BOOL)
    for number, row in enumerate(data["Person"]):
        key = keys[number % len(keys)]
        with instant(NOW):
            expected = python_answer(function, people[row["id"]], people.get(key))
            decided = python_answer(kleene, people[row["id"]], people.get(key))
        answer = ask(Frame(row, {**values, "now": NOW, "me": key}, world))
        about = f"{text} on {row}, me={key}: CPython {expected!r}, as Kleene {decided!r}, memory {answer!r}"
        if expected is not RAISED:
            assert answer is not UNKNOWN, about
            assert answer == expected, about
        if decided is RAISED:
            assert answer is UNKNOWN, about
        else:
            assert answer is not UNKNOWN, about
            assert answer == decided, about
            if tree.expression.type == BOOL:
                assert isinstance(answer, bool), about
            if answer is None:
                assert tree.expression.type.nullable, about


@pytest.mark.soak
@oracle
@given(written | careful, rows())
def test_memory_agrees_with_cpython_on_drawn_rows(expression: tuple[str, Type], data: Data) -> None:
    disagreements(*expression, data, DictWorld(data), objects(data)["Person"], [None, 1])


@pytest.mark.soak
@oracle
@given(written | careful | st.tuples(guards(), st.just(BOOL)))
def test_what_is_proven_never_raises_over_none(expression: tuple[str, Type]) -> None:
    text, type = expression
    found = lowered(text, type, proven=True)
    if found is None:
        return
    _, function = found
    for number, person in enumerate(OBJECTS["Person"].values()):
        try:
            function(person, OBJECTS["Person"][number + 1] if number % 2 else None)
        except (*BEYOND_NONE, ValueError):  # ValueError: min() and max() of nothing
            continue
