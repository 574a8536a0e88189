"""What `lower` knows while it reads one function or text: names in sight, what is known of None, refusals so far."""

from __future__ import annotations

import ast
import itertools
from abc import ABC
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any, TypeAlias, TypeVar

from kingpost.base.problems import Problem
from kingpost.language.capture import Capture
from kingpost.language.narrow import Facts, assume, proved, type_of
from kingpost.language.refusals import REFUSALS
from kingpost.language.schema import Schema
from kingpost.language.source import Source
from kingpost.language.tree import EXPRESSIONS, ROWS, Expression, Identity, Keyed, Row, Step, identity, walk
from kingpost.language.types import Type

_SHOWN = 60
TOLD = 20
"""With so many problems in one source no more are looked for."""
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Rows:
    """A relation to many rows, not yet gone over."""

    base: Row
    relation: str
    resource: str


@dataclass(frozen=True, slots=True, eq=False)
class Captured:
    """An object from around the function, found by `path`; a parameter once it is used as a value."""

    path: str
    value: Any
    get: Callable[[], object]


Operand: TypeAlias = Row | Expression | Rows | Captured
"""What an expression of Python can turn out to be."""


class Refused(Exception):
    """Lowering can't go on here. What was wrong has been noted in the session."""


@dataclass(slots=True)
class Session:
    """What one call of `lower` shares with all that is inlined into it. `work` counts what has been read so far."""

    schema: Schema
    limit: int
    problems: dict[Problem, None] = field(default_factory=dict[Problem, None])
    captures: dict[str, Capture] = field(default_factory=dict[str, Capture])
    numbers: Iterator[int] = field(default_factory=itertools.count)
    inside: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    derived: dict[tuple[str, str], Expression] = field(default_factory=dict[tuple[str, str], Expression])
    work: int = 0

    def fresh(self) -> int:
        """A number for a generator, new in the whole tree."""
        return next(self.numbers)


class Scope(ABC):  # noqa: B024 (the forms of Python are added by the classes built on it)
    """Names, facts and refusals. What reads expressions is added by the classes built on it."""

    def __init__(
        self,
        session: Session,
        source: Source,
        names: Mapping[str, Operand],
        prefix: str,
        *,
        proven: bool,
        root: Row | None = None,
        known: Facts = frozenset(),
    ) -> None:
        self.session = session
        self.schema = session.schema
        self.source = source
        self.names = dict(names)
        self.items: dict[str, Row] = {}
        self.prefix = prefix
        self.proven = proven
        self.root = root
        self.known = known
        self.assigned: frozenset[str] = frozenset()

    # ---------------------------------------------------------------------------------------------------- refusals

    def note(self, code: str, node: ast.AST, message: str, remedy: str = "") -> None:
        """Note a refusal; the registry's remedy stands in where there is none for this very place."""
        problem = Problem(code, message, remedy or REFUSALS[code].remedy, self.source.place(node))
        self.session.problems.setdefault(problem)

    def refused(self, code: str, node: ast.AST, message: str, remedy: str = "") -> Refused:
        """Note a refusal; what is answered is to be raised, which gives up this part."""
        self.note(code, node, message, remedy)
        return Refused()

    def all_or_none(self, *steps: Callable[[], _T], building: bool = False) -> list[_T]:
        """What all steps answer; if some are refused, only after all have been looked at.

        `building`: each step knows what those before it prove.
        """
        done: list[_T] = []
        refused = False
        known, proven = self.known, self.proven
        for step in steps:
            try:
                done.append(step())
            except Refused:
                refused = True
                if len(self.session.problems) >= TOLD:
                    raise
                # What the refused part would have proved is not known: no second complaint about its lack.
                self.proven = self.proven and not building
            if not building:
                self.known = known
        self.known, self.proven = known, proven
        if refused:
            raise Refused
        return done

    @contextmanager
    def knowing(self, condition: Expression, outcome: bool) -> Generator[None]:
        """Within the block the condition has come out as `outcome`."""
        before = self.known
        self.known = assume(condition, outcome, before)
        try:
            yield
        finally:
            self.known = before

    @contextmanager
    def item(self, name: str, row: Row) -> Generator[None]:
        """Within the block `name` is the row a generator is at."""
        before = self.items
        self.items = {**before, name: row}
        try:
            yield
        finally:
            self.items = before

    # -------------------------------------------------------------------------------------------------------- None

    def type(self, expression: Expression) -> Type:
        """The type, without None where None has been ruled out."""
        return type_of(expression, self.known)

    def tested(self, expression: Expression, node: ast.expr, whole: ast.AST, why: str) -> Type:
        """The type of an operand that must not be None, which is refused where it may be."""
        type = self.type(expression)
        if type.nullable and self.proven:
            text = say(node)
            raise self.refused("KL401", node, f"{text} may be None, and {why}", f"{text} is not None and {say(whole)}")
        return type.maybe(False)

    def reached(self, row: Row, node: ast.expr, whole: ast.AST) -> None:
        """Refuse to go on from a row that may not be there."""
        found = identity(row)
        nullable = isinstance(row, Step | Keyed) and found.type.nullable
        if nullable and self.proven and not proved(found, self.known):
            text = say(node)
            message = f"{text} may be None, which has no attributes"
            raise self.refused("KL402", node, message, f"{text} is not None and {say(whole)}")

    # ------------------------------------------------------------------------------------------------------- names

    @staticmethod
    def near(name: str, among: Iterable[str]) -> str:
        """The name most like this one, or ""."""
        return next(iter(get_close_matches(name, list(among), n=1)), "") if len(name) <= _SHOWN else ""

    def suggest(self, name: str, among: Iterable[str]) -> str:
        """`; did you mean …?` where a name is near."""
        near = self.near(name, among)
        return f"; did you mean {near!r}?" if near else ""


def say(node: ast.AST) -> str:
    """Source text of a node, shortened, for messages."""
    text = ast.unparse(node)
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 1]}…"


def is_row(operand: Operand) -> bool:
    """Whether it is a row rather than a value."""
    return isinstance(operand, ROWS)


def is_expression(operand: Operand) -> bool:
    """Whether it is a value already."""
    return isinstance(operand, EXPRESSIONS)


def about_actor(expression: Expression) -> bool:
    """Whether the actor has a part in a value."""
    return any(isinstance(node, Keyed) for node in walk(expression))


def row_of(expression: Expression) -> Row | None:
    """The row that a value is, if it is one."""
    return expression.row if isinstance(expression, Identity) else None
