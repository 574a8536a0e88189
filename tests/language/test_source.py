"""Places in a source and their excerpts, the errors that show them, and what a name in a source stands for."""

from __future__ import annotations

import ast
import pickle

import pytest

from kingpost.language.parse_text import parse_text
from kingpost.language.read_source import read_source
from kingpost.language.source import Place, SourceError
from tests.language.written import Rule

LIMIT = 7

# --------------------------------------------------------------------------------------------------------------- places


@pytest.mark.parametrize(
    ("text", "column", "end", "expected"),
    [
        ("a.x > 1", 0, 3, "a.x > 1\n^^^"),
        ("\tif a.x", 4, 7, "    if a.x\n       ^^^"),
        ("'日本' == a", 8, 9, "'日本' == a\n          ^"),
        ("日本", 0, 1, "日本\n^^"),
        ("e\u0301 == a", 6, 7, "e\u0301 == a\n     ^"),
        ("a\x1b[2J\u202e", 0, 1, "a\ufffd[2J\ufffd\n^"),
        ("a >", 3, 4, "a >\n   ^"),
        ("", 0, 0, ""),
    ],
)
def test_excerpts(text: str, column: int, end: int, expected: str) -> None:
    assert Place("f.py", 1, column, end, text).excerpt() == expected


def test_the_excerpt_of_a_long_line_is_short() -> None:
    line, carets = Place("f.py", 1, 5000, 5003, "x" * 5000 + "abc" + "y" * 5000).excerpt().splitlines()
    assert len(line) < 130
    assert line[carets.index("^") : carets.rindex("^") + 1] == "abc"


def test_places_of_parts_without_a_position() -> None:
    source = parse_text("a.x > 1 and (\n  b.y < 'é' + c)")
    assert source.place(source.node) == Place("<text>", 1, 0, 13, "a.x > 1 and (")
    assert isinstance(source.node, ast.Expression)
    assert isinstance(source.node.body, ast.BoolOp)
    second = source.node.body.values[1]
    assert isinstance(second, ast.Compare)
    place = source.place(second.comparators[0])
    assert (place.line, place.text[place.column : place.end_column]) == (2, "'é' + c")
    assert source.place(second.ops[0]).line == 1
    loop = ast.parse("any(v.ok for v in a.views)", mode="eval")
    source = parse_text("any(v.ok for v in a.views)")
    assert ast.dump(loop) == ast.dump(source.node)
    clause = next(node for node in ast.walk(source.node) if isinstance(node, ast.comprehension))
    assert source.place(clause).column == 13


def test_errors_show_place_and_remedy_and_can_be_pickled() -> None:
    with pytest.raises(SourceError) as caught:
        parse_text("a.x > > 1")
    words = str(caught.value)
    assert "a.x > > 1" in words
    assert "\n          ^" in words
    assert "remedy: " in words
    again = pickle.loads(pickle.dumps(caught.value))
    assert (again.code, again.place, str(again)) == (caught.value.code, caught.value.place, words)


# ---------------------------------------------------------------------------------------------------------------- names


def test_names_are_read_when_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    captured = 1
    rule = read_source(lambda a, fixed=captured: (a.x, captured, LIMIT, len, fixed, nowhere, later))  # type: ignore[name-defined] # noqa: F821
    captured = 2
    assert rule.resolve("captured") == 2
    assert rule.resolve("fixed") == 1
    assert rule.resolve("len") is len
    monkeypatch.setitem(globals(), "LIMIT", 8)
    assert rule.resolve("LIMIT") == 8
    for name in ("nowhere", "later", "a"):
        with pytest.raises(LookupError, match=name):
            rule.resolve(name)
    later = 3
    assert rule.resolve("later") == later


def test_one_code_with_several_closures() -> None:
    def above(n: int) -> Rule:
        return lambda a: a.x > n

    rules = [above(n) for n in range(3)]
    assert [read_source(rule).resolve("n") for rule in rules] == [0, 1, 2]
    assert len({id(read_source(rule).node) for rule in rules}) == 1


def test_text_resolves_nothing() -> None:
    with pytest.raises(LookupError, match="fields only"):
        parse_text("len > 1").resolve("len")
