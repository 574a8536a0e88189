"""Texts that differ only in values have one shape, and mean what they meant before their values were taken out."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings

from kingpost.language.evaluate import Frame, compile_expression
from kingpost.language.lower import LanguageError
from kingpost.language.parse_text import parse_text
from kingpost.language.text import lift, lower_lifted, lower_text
from kingpost.language.types import Type
from tests.language.declared import DOMAIN
from tests.language.domain import NASTY, NOW, SCHEMA, DictWorld
from tests.language.strategies import NAMES, expressions


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("score > 3", [3]),
        ("3 < score", [3]),
        ("name == 'x' and boss.nick != 'y'", ["x", "y"]),
        ("self.boss.boss.score == -1", []),  # a sign is an operator
        ("any(v.n > 3 and v.note == 'x' for v in visits)", [3, "x"]),
        ("any(name.n > 3 for name in visits)", [3]),
        ("score in (1, 2)", [[1, 2]]),
        ("name not in ['x', 'y'] and score in {3}", [["x", "y"], [3]]),
        # what stays
        ("score > 1.5", []),
        ("score > True", []),
        ("score > 99999999999999999999", []),
        ("ratio > 3", []),
        ("balance > 3", []),
        ("role == 'author'", []),
        ("name.startswith('x')", []),
        ("name[:2] == name", []),
        ("1 < score < 3", []),
        ("score in (1, 2.5)", []),
        ("score in (1, None)", []),
        ("score in (1, name)", []),
        ("score in ()", []),
        ("'x' in name", []),
        ("role in ('author', 'reader')", []),
        ("score == 'x'", []),
        ("nothing == 'x'", []),
        ("(nick or name) == 'x'", []),
    ],
)
def test_values_are_lifted_where_that_is_surely_safe(text: str, values: list[object]) -> None:
    assert list(lift(parse_text(text), DOMAIN, "Person").values.values()) == values


def test_texts_that_differ_in_values_have_one_shape() -> None:
    def shape(text: str) -> str:
        return lift(parse_text(text), DOMAIN, "Person").shape

    assert shape("score > 3 and name == 'x'") == shape("score>4 and (name == 'yy')")
    assert shape("score > 3") != shape("score >= 3")
    assert shape("score > 3") != shape("score > 1.5")
    assert shape("role == 'author'") != shape("role == 'reader'")
    assert shape("name == 'x'") != shape("score == 'x'")


def test_a_refusal_quotes_the_text_as_it_was_written() -> None:
    with pytest.raises(LanguageError) as error:
        lower_lifted(lift(parse_text("score == 3 and nam == 4"), DOMAIN, "Person"), DOMAIN, "Person")
    assert "$" not in str(error.value)


@settings(max_examples=200, suppress_health_check=list(HealthCheck))
@given(expressions(without={"captured"}, actor=True))
def test_lifted_text_means_the_same(expression: tuple[str, Type]) -> None:
    text = expression[0].strip()
    try:
        plain = lower_text(text, SCHEMA, "Person", names={"me": NAMES["me"]})
    except LanguageError:
        return
    lifted = lift(parse_text(text), SCHEMA, "Person")
    found = lower_lifted(lifted, SCHEMA, "Person", names={"me": NAMES["me"]})
    one, other = compile_expression(plain.expression), compile_expression(found.expression)
    world = DictWorld(NASTY)
    for row in NASTY["Person"][:40]:
        params = {"now": NOW, "me": 3, **lifted.values}
        assert one(Frame(row, params, world)) == other(Frame(row, params, world))
