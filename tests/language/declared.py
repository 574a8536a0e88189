"""Declarations for tests: functions written as text, read as sources, over the whole test domain."""

from __future__ import annotations

import itertools
import linecache
import textwrap
from collections.abc import Callable
from typing import Any

from kingpost.language.lower import LanguageError, Lowered, lower
from kingpost.language.read_source import read_source
from kingpost.language.render import render
from kingpost.language.schema import Derived
from kingpost.language.source import Source
from kingpost.language.text import lower_text
from kingpost.language.tree import Root
from kingpost.language.types import BOOL, INT, TEXT, Type
from tests.language.domain import EVERYTHING, Domain, Status
from tests.language.strategies import GLOBALS, NAMES

_count = itertools.count()


def declare(code: str, **module: Any) -> Callable[..., Any]:
    """The one function that `code` defines, in a module with `GLOBALS` and what is given."""
    name = f"<declared {next(_count)}>"
    code = textwrap.dedent(code).strip() + "\n"
    linecache.cache[name] = (len(code), None, code.splitlines(keepends=True), name)
    scope = {**GLOBALS, "Status": Status, **module, "__name__": "declared"}
    before = set(scope) | {"__builtins__"}
    exec(compile(code, name, "exec"), scope)
    (function,) = (value for key, value in scope.items() if key not in before)
    return function  # type: ignore[no-any-return]


def returning(text: str, **module: Any) -> Source:
    """A rule that returns one expression."""
    return read_source(declare(f"def rule(self, me):\n    return {text}", **module))


def derived(text: str, type: Type) -> Derived:
    """A computed field that returns one expression."""
    return Derived(read_source(declare(f"def computed(self):\n    return {text}")), type)


DOMAIN = Domain(
    EVERYTHING.resources,
    {
        ("Person", "mine"): returning("me is not None and self.boss == me"),
        ("Person", "open"): read_source(declare("def rule(self):\n    return self.active")),
    },
).deriving(
    "Person",
    is_adult=derived("self.age is not None and self.age >= 18", BOOL),
    label=derived("self.nick or self.name", TEXT),
    popularity=derived("len(self.visits) + 5 * sum(1 for v in self.visits if v.done)", INT),
    chief=derived("self.boss", Type(BOOL.kind.REFERENCE, nullable=True, name="Person")),
    circle=derived("self.round_about", BOOL),
    round_about=derived("self.circle", BOOL),
)


def accept(source: Source, *, expects: Type | None = BOOL, proven: bool = True, **options: Any) -> Lowered:
    """Lower as a rule of Person."""
    return lower(source, DOMAIN, NAMES, prefix="t", expects=expects, proven=proven, **options)


def shown(text: str, *, expects: Type | None = BOOL, proven: bool = True, **module: Any) -> str:
    """What an expression is lowered to, as Python."""
    return render(accept(returning(text, **module), expects=expects, proven=proven).expression)


def text_shown(text: str, expects: Type | None = BOOL) -> str:
    """What text from outside is lowered to."""
    return render(lower_text(text, DOMAIN, "Person", names={"me": NAMES["me"]}, expects=expects).expression)


def problems(source: Source, **options: Any) -> list[tuple[str, str, str]]:
    """Ids, the marked part of the line, and remedies of what is refused."""
    try:
        accept(source, **options)
    except LanguageError as error:
        found: list[tuple[str, str, str]] = []
        for problem in error.problems:
            place: Any = problem.place
            found.append((problem.code, place.text[place.column : place.end_column], problem.remedy))
        return found
    return []


ROOT = Root("Person")
