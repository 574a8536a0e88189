"""Reading what is said in the language about the resources of a model in the making."""

from __future__ import annotations

import ast
import dataclasses
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final, Literal

from kingpost.base.problems import Problem
from kingpost.language.lower import LanguageError, Lowered, lower
from kingpost.language.parse_text import parse_text
from kingpost.language.read_source import read_source
from kingpost.language.source import Source, SourceError
from kingpost.language.tree import TRUE, Expression, IsNone, Keyed, Many, Not, Param, Root, Row, Step, identity, walk
from kingpost.language.types import BOOL, Type, reference
from kingpost.model.declare import Marker, Options
from kingpost.model.draft import Draft, Drafts
from kingpost.model.model import Access
from kingpost.model.schema import ModelSchema

MARKERS: Final = ("anyone", "nobody", "authenticated")


@dataclass(slots=True)
class Reader:
    """Reads what is said in the language about the resources of `drafts`, and takes down what is refused.

    `broken`: names that mean nothing because of another problem; what mentions them is passed over.
    """

    drafts: Drafts
    schema: ModelSchema
    actor: str | None
    broken: set[str]

    @property
    def me(self) -> Keyed:
        """The actor, who may be nobody."""
        return keyed(self.actor or "")

    def lower(
        self, draft: Draft, source: Source, names: Mapping[str, Row], prefix: str, expects: Type, *,
        member: str | None = None,
    ) -> Lowered | None:  # fmt: skip
        """A tree, or problems. Those of text are placed where `member` is declared."""
        if any(isinstance(node, ast.Attribute) and node.attr in self.broken for node in ast.walk(source.node)):
            return None
        root = Root(draft.name) if source.function is None else None
        try:
            return lower(source, self.schema, names, prefix=f"{draft.name}.{prefix}", expects=expects, root=root)
        except LanguageError as error:
            for problem in map(self.about_properties, error.problems):
                if source.function is None:
                    text = source.lines[0].strip()
                    message = f"{draft.name}, {prefix} {text!r}: {problem.message}"
                    problem = dataclasses.replace(problem, message=message, place=draft.shape.place(member))
                self.drafts.problems.append(problem)
        except SourceError as error:
            self.drafts.problems.append(Problem(error.code, error.message, error.remedy, error.place))
        return None

    def about_properties(self, problem: Problem) -> Problem:
        """The problem, with the way on where a rule uses a property of Python, which no store can ask for."""
        found = re.match(r"(\w+) has no '(\w+)'", problem.message)
        draft = None if found is None else self.drafts.by_name.get(found[1])
        if found is None or draft is None or not isinstance(vars(draft.cls).get(found[2]), (property, cached_property)):
            return problem
        message = f"{found[1]}.{found[2]} is a @property, which only Python can look at"
        return dataclasses.replace(
            problem, message=message, remedy=f"@computed in its place, above def {found[2]}(self)"
        )

    def source(self, draft: Draft, given: Callable[..., Any] | str, name: str, member: str | None) -> Source | None:
        """The source of a function or text, or a problem."""
        try:
            if isinstance(given, str):
                return parse_text(given)
            return read_source(given, name=name)
        except SourceError as error:
            place = draft.shape.place(member) if isinstance(given, str) or error.place is None else error.place
            message = f"{draft.name}, {name}: {error.message}"
            remedy = "== where two values are compared" if _assigns(given) else error.remedy
            self.drafts.problems.append(Problem(error.code, message, remedy, place))
            return None

    def permission(self, draft: Draft, given: Marker | str, name: str, member: str | None) -> Lowered | None:
        """A marker or text over `self` and `me`; None: refused, or nobody."""
        if isinstance(given, Marker):
            if given.name == "nobody":
                return None
            if given.name == "anyone":
                return Lowered(TRUE, ())
            if self.actor is None:
                message = f"{draft.name}, {name}: there is no actor resource, so nobody can be logged in"
                self.drafts.refuse("KM503", message, "App(actor=User)", draft, member)
                return None
            return Lowered(Not(IsNone(identity(self.me))), ())
        if given.strip() in MARKERS:
            verb = name.rpartition(".")[2]
            message = f"{draft.name}, {name}: {given.strip()} is a marker, and no text"
            remedy = f"{verb}={given.strip()}, without quotes, imported from kingpost"
            self.drafts.refuse("KM105" if member is None else "KM205", message, remedy, draft, member)
            return None
        source = self.source(draft, given, name, member)
        if source is None:
            return None
        names: dict[str, Row] = {"self": Root(draft.name)}
        if self.actor is not None:
            names["me"] = self.me
        return self.lower(draft, source, names, name, BOOL, member=member)


def _assigns(given: object) -> bool:
    """Whether a text has a single = where a comparison may be meant."""
    return isinstance(given, str) and re.match(r"[\w. ]+[^=!<>:]=[^=]", given) is not None


def keyed(actor: str, *, nullable: bool = True) -> Keyed:
    """The row of whoever acts."""
    return Keyed(actor, Param("me", reference(actor, nullable=nullable)))


def members_access(reader: Reader, draft: Draft, name: str, options: Options, given: Access) -> Access:
    """Access with the rules that are said as text or markers."""
    found: dict[Literal["read", "write"], Expression | None] = {"read": None, "write": None}
    for side in found:
        stated = options.get(side)
        if isinstance(stated, (str, Marker)) and not (isinstance(stated, Marker) and stated.name != "authenticated"):
            lowered = reader.permission(draft, stated, f"{name}.{side}", name)
            found[side] = lowered.expression if lowered is not None else None
    return dataclasses.replace(given, read=found["read"], write=found["write"])


def not_its_own(expression: Expression) -> str:
    """Why a value may change without its row being written; "" if it may not."""
    for node in walk(expression):
        if isinstance(node, Step | Many):
            return f"it looks at {node.relation}, which changes without its row"
        if isinstance(node, Keyed):
            return "it depends on who asks"
        if isinstance(node, Param):
            return "it depends on the time" if node.name == "now" else f"it depends on {node.name}, which may change"
    return ""
