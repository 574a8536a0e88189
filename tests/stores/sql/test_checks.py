"""What a CHECK says of single columns, in the words of both databases."""

from __future__ import annotations

import pytest

from kingpost.stores.sql.checks import Condition, is_told, read

TEXTS = ("draft", "live")


@pytest.mark.parametrize(
    ("text", "column", "said"),
    [
        ("state IN ('draft', 'live')", "state", Condition(choices=TEXTS)),
        ("((state)::text = ANY ((ARRAY['draft'::character varying, 'live'::character varying])::text[]))", "state",
         Condition(choices=TEXTS)),
        ("(level = ANY (ARRAY[1, 2]))", "level", Condition(choices=(1, 2))),
        ("level IN (-1, 1) OR level IS NULL", "level", Condition(choices=(-1, 1))),
        ('"Age" >= 0', "Age", Condition(bounds=(("ge", "0"),))),
        ("((0)::numeric < price)", "price", Condition(bounds=(("gt", "0"),))),
        ("((price >= (0)::numeric) AND (price <= 9.5))", "price", Condition(bounds=(("ge", "0"), ("le", "9.5")))),
        ("area BETWEEN 1 AND 900", "area", Condition(bounds=(("ge", "1"), ("le", "900")))),
        ("(temp > '-40'::integer)", "temp", Condition(bounds=(("gt", "-40"),))),
        ("length(name) < 41", "name", Condition(longest=40)),
        ("(char_length((name)::text) <= 40)", "name", Condition(longest=40)),
        ("(JSON_VALID(data) OR data IS NULL)", "data", Condition(json=True)),
    ],
)  # fmt: skip
def test_what_is_told(text: str, column: str, said: Condition) -> None:
    assert read(text, brackets=False) == {column: said}
    assert is_told(text, brackets=False)


@pytest.mark.parametrize(
    "text",
    [
        "a < b", "a <> ''", "state = 'live' OR released IS NOT NULL", "NOT (a > 3)", "a > 3 OR a < -3", "a + 1 > 3",
        "lower(a) IN ('b')", "a LIKE 'b%'", "a IN (SELECT b FROM c)", "-a > 3", "a > 3 AND b <> c", "a NOT IN (1, 2)",
        "a * 2 <= 10", "a NOT BETWEEN 1 AND 2", "coalesce(a, 0) > 1", "abs(a) < 5", "length(a) + 1 < 5",
    ],
)  # fmt: skip
def test_what_is_left_to_the_database(text: str) -> None:
    assert not is_told(text, brackets=True)


def test_the_rest_of_a_condition_is_taken_all_the_same() -> None:
    assert read("a > 3 AND b <> c", brackets=True) == {"a": Condition(bounds=(("gt", "3"),))}


def test_brackets_are_quotes_in_sqlite() -> None:
    assert read("[State] IN ('draft', 'live')", brackets=True) == {"State": Condition(choices=TEXTS)}
