"""Parsing text: one expression within bounds, or a refusal at its place."""

from __future__ import annotations

import ast

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from kingpost.language.parse_text import parse_text
from kingpost.language.source import Source, SourceError


def test_text_is_one_expression() -> None:
    source = parse_text("  n > 1\r\n")
    assert source.lines == ("n > 1",)
    assert (source.parameters, source.function, source.first_line) == ((), None, 1)
    assert ast.unparse(source.node) == "n > 1"
    for fine in (
        "(a\r\n or b)",
        "x in [" + "-1, " * 300 + "]",
        "a" + " and not b" * 200,
        "'((((' != a # ((",
        "ﬁeld == 1",
    ):
        parse_text(fine)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "KL012"), ("  \n", "KL012"), ("a = 1", "KL012"), ("a; b", "KL012"), ("import os", "KL012"),
        ("a\nb", "KL012"),
        ("(a", "KL012"), ("a)", "KL012"), ("(a]", "KL012"), ("'a", "KL012"), ('"""a', "KL012"), ("'a\n'", "KL012"),
        (r"'\d'", "KL012"), (r"'\777'", "KL012"), ("1or 2", "KL012"), ("0xfor x", "KL012"), ("9" * 5000, "KL012"),
        (r"'\N{no such}'", "KL012"), ("a\0", "KL013"), ("'\ud800'", "KL013"), (r"'\0'", "KL013"),
        (r"'\ud800'", "KL013"),
        ("f'{a}'", "KL014"), ("Rf'{a}'", "KL014"), ("a" * 10_001, "KL010"), ("(" * 101 + "a" + ")" * 101, "KL011"),
        ("not " * 1000 + "a", "KL011"), ("- " * 1000 + "a", "KL011"), ("~" * 101 + "a", "KL011"),
        ("a" + " + a" * 2000, "KL011"), ("a" + "**a" * 3000, "KL011"), ("a" + ".b" * 4000, "KL011"),
        ("a" + " if b else a" * 500, "KL011"), ("lambda: " * 500 + "a", "KL011"), ("a" + "()" * 3000, "KL011"),
        ("(" * 60 + "not " * 60 + "a" + ")" * 60, "KL011"),
    ],
)  # fmt: skip
def test_refused_text(text: str, code: str) -> None:
    with pytest.raises(SourceError) as caught:
        parse_text(text)
    assert caught.value.code == code
    assert caught.value.remedy
    assert len(str(caught.value)) < 800


def test_bounds_are_settings() -> None:
    parse_text("((a))", max_depth=3, max_length=5)
    for bound in ({"max_depth": 1}, {"max_length": 4}):
        with pytest.raises(SourceError):
            parse_text("((a))", **bound)


PIECES = st.sampled_from(
    [*"()[]{},:.+-*/~<>=!@#%&|^;\\\n\r\t\f 'b\"", '"""', "'''", "not ", "and ", "if ", "else ", "lambda ", "for ",
     "in ", "f'", "rb'", "\\N", "\\x", "1", "0x", "1e", "_", "é", "ﬁ", "日", "\ufeff", "\ud800", "\0", "await ",
     "yield ", ":="]
)  # fmt: skip


def parsed_or_refused(text: str) -> Source | SourceError:
    try:
        return parse_text(text)
    except SourceError as error:
        return error


@given(st.text() | st.lists(PIECES, max_size=60).map("".join))
@example("\f(\n")
@example("(" * 5000)
@example("a\\\n")
@example("'\\\n'\n\r(")
def test_arbitrary_text_is_parsed_or_refused(text: str) -> None:
    answer = parsed_or_refused(text)
    if isinstance(answer, SourceError):
        assert answer.remedy
        assert str(answer)
        return
    for node in ast.walk(answer.node):
        place = answer.place(node)
        assert 1 <= place.line <= len(answer.lines)
        assert place.text == answer.lines[place.line - 1]
        assert 0 <= place.column <= place.end_column <= len(place.text)
        place.excerpt()
