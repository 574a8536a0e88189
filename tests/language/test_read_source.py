"""Reading the source of functions: lambdas told apart, methods and wrappers looked through, what is bound."""

from __future__ import annotations

import ast
import functools
from typing import Any

import pytest

from kingpost.language.read_source import read_source
from tests.language.written import Rule, body, refusal, returned

LIMIT = 7

# ------------------------------------------------------------------------------------------------------ finding lambdas


def test_several_on_one_line() -> None:
    first, second, third = (lambda a: a.x > 1), (lambda a: a.x > 2), (lambda a: a.y)
    assert [body(f) for f in (first, second, third)] == ["a.x > 1", "a.x > 2", "a.y"]


def test_the_same_text_twice_on_one_line_has_two_places() -> None:
    # fmt: off
    first, second = (lambda a: a.x > 1), (lambda a: a.x > 1)
    # fmt: on
    one, two = read_source(first), read_source(second)
    assert one.node is not two.node
    assert one.place(one.node).column < two.place(two.node).column


def test_nested() -> None:
    outer = lambda a: lambda b: a.x + b.y  # noqa: E731
    assert body(outer) == "lambda b: a.x + b.y"
    assert body(outer(None)) == "a.x + b.y"  # type: ignore[no-untyped-call]


def test_over_several_lines() -> None:
    rule = lambda a: (  # noqa: E731
        a.x > 1
        and any(
            v.ok
            for v in a.views
        )
    )  # fmt: skip
    source = read_source(rule)
    assert body(rule) == "a.x > 1 and any((v.ok for v in a.views))"
    place = source.place(source.node)
    assert place.text[place.column :].startswith("lambda a: (")


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        (lambda a: True, "True"),
        (lambda a: None, "None"),
        (lambda a: a, "a"),
        (lambda a: 2 * 3 + 1, "2 * 3 + 1"),
        (lambda a: a.x if a.ok else a.y, "a.x if a.ok else a.y"),
        (lambda a: a.x if True else a.y, "a.x if True else a.y"),  # type: ignore[redundant-expr]
        (lambda a: a.x in (1, 2.0, -0.0), "a.x in (1, 2.0, -0.0)"),
        (lambda a: a.x in {"a", "b"}, "a.x in {'a', 'b'}"),
        (lambda a: 1 < a.x <= LIMIT, "1 < a.x <= LIMIT"),
        (lambda a: [x for x in a.xs if x], "[x for x in a.xs if x]"),
    ],
)
def test_bodies(rule: Rule, expected: str) -> None:
    assert body(rule) == expected


def test_text_before_the_column_that_takes_more_bytes_than_characters() -> None:
    # fmt: off
    names = {"héllo wörld 日本 🎉": lambda a: a.x, "ñ": lambda a: a.y}
    # fmt: on
    sources = [read_source(rule) for rule in names.values()]
    assert [body(rule) for rule in names.values()] == ["a.x", "a.y"]
    for source in sources:
        place = source.place(source.node)
        assert place.text[place.column : place.end_column] == ast.unparse(source.node)
    assert sources[0].file == __file__


def test_inside_a_rewritten_assert() -> None:
    wanted = 3
    assert body(lambda a: a.x == wanted) == "a.x == wanted"
    assert [body(f) for f in (lambda a: a.x, lambda a: a.y)] == ["a.x", "a.y"]


def test_a_function_whose_asserts_are_rewritten() -> None:
    def rule(a: Any) -> bool:
        assert a.x in (1, 2), f"not {a.y}"
        return bool(a.x == 1)

    node = read_source(rule).node
    assert isinstance(node, ast.FunctionDef)
    assert isinstance(node.body[0], ast.Assert)


# ------------------------------------------------------------------------------------- methods, wrappers, what is bound


def logged(function: Rule) -> Rule:
    @functools.wraps(function)
    def wrapper(*args: Any, **kwargs: Any) -> object:
        return function(*args, **kwargs)

    return wrapper


def careless(function: Rule) -> Rule:
    def wrapper(*args: Any, **kwargs: Any) -> object:
        return function(*args, **kwargs)

    return wrapper


class Base:
    limit = 3

    def plain(self, me: Any) -> object:
        """Docstrings are constants too."""
        return self.limit > me.age

    @logged
    @logged
    def wrapped(self) -> object:
        return self.limit > 1

    @careless
    def unwrapped(self) -> object:
        return self.limit > 1

    @staticmethod
    def static(a: Any, b: Any) -> object:
        return a.x > b.x

    @classmethod
    def of_class(cls, a: Any) -> object:
        return a.x > cls.limit

    def private(self) -> object:
        return self.__secret > __hidden  # type: ignore[name-defined, attr-defined]  # noqa: F821


class Derived(Base):
    pass


_Base__hidden = 5


def test_methods() -> None:
    thing = Derived()
    assert returned(read_source(Base.plain)) == "self.limit > me.age"
    assert read_source(Base.plain).node is read_source(Derived.plain).node is read_source(thing.plain).node
    assert read_source(Derived.plain).parameters == ("self", "me")
    bound = read_source(thing.plain)
    assert bound.parameters == ("me",)
    assert bound.resolve("self") is thing
    assert returned(read_source(Base.static)) == returned(read_source(Base.__dict__["static"])) == "a.x > b.x"
    assert read_source(Base.of_class).parameters == ("a",)
    assert read_source(Derived.of_class).resolve("cls") is Derived
    assert read_source(Base.__dict__["of_class"]).parameters == ("cls", "a")


def test_names_that_a_class_mangles() -> None:
    assert read_source(Base.private).resolve("__hidden") == 5


def test_wraps_is_looked_through() -> None:
    source = read_source(Base.wrapped)
    assert returned(source) == "self.limit > 1"
    assert source.node.body
    assert source.function is not None
    assert source.function.__qualname__ == "Base.wrapped"
    assert returned(read_source(functools.lru_cache(Base.plain))) == "self.limit > me.age"


def test_a_wrapper_without_wraps_is_refused() -> None:
    error = refusal(Base.unwrapped)
    assert error.code == "KL007"
    assert "Base.unwrapped" in error.message
    assert "functools.wraps" in error.remedy
    assert error.place is not None

    def exact(function: Rule) -> Rule:
        def wrapper(self: Any) -> object:
            return function(self)

        return wrapper

    assert refusal(exact(Base.plain), name="plain").code == "KL007"


def test_a_helper_in_the_closure_is_no_wrapper() -> None:
    def helper(a: Any) -> object:
        return a.x

    def rule(a: Any) -> object:
        return helper(a)

    assert returned(read_source(rule, name="rule")) == "helper(a)"


def test_partial() -> None:
    def rule(limit: int, a: Any, *, extra: int = 2) -> object:
        return a.x > limit + extra

    source = read_source(functools.partial(functools.partial(rule, 3), extra=4))
    assert returned(source) == "a.x > limit + extra"
    assert source.parameters == ("a",)
    assert (source.resolve("limit"), source.resolve("extra")) == (3, 4)
    assert read_source(functools.partial(logged(rule), 5)).resolve("limit") == 5
    assert read_source(rule).resolve("extra") == 2
    as_rule: Rule = rule
    assert refusal(functools.partial(as_rule, 1, 2, 3)).code == "KL009"
    assert refusal(functools.partial(as_rule, 1, limit=3)).code == "KL009"
    assert refusal(functools.partial(as_rule, nowhere=3)).code == "KL009"


def test_decorated_over_several_lines() -> None:
    @functools.cache
    @logged
    def rule(
        a: Any,
        b: int = (lambda: 4)(),
    ) -> object:
        return a.x > b

    source = read_source(rule)
    assert returned(source) == "a.x > b"
    assert source.place(source.node).text.strip() == "def rule("


async def awaits(a: Any) -> object:
    return a.x


def yields(a: Any) -> Any:
    yield a.x


async def both(a: Any) -> Any:
    yield a.x


@pytest.mark.parametrize("rule", [awaits, yields, both, lambda a: (yield a)])
def test_async_and_generators_are_refused_at_their_place(rule: Rule) -> None:
    error = refusal(rule)
    assert error.code == "KL008"
    assert error.place is not None
    assert error.place.text


class Callable_:
    def __call__(self, a: Any) -> object:
        return a.x


@pytest.mark.parametrize("thing", [len, str.lower, int, Base, Callable_(), "a.x > 1", None, functools.partial(len)])
def test_what_is_no_python_function(thing: Any) -> None:
    assert refusal(thing).code == "KL001"
