"""Questions as values: `Query` collects what is asked, a `Runner` answers it.

Nothing is asked of a store before a query is awaited. Names are checked on the call, and what a lambda captured is read
on the call.
"""

from __future__ import annotations

import ast
from collections.abc import AsyncIterator, Awaitable, Callable, Generator, Iterable, Mapping, Sequence
from contextvars import ContextVar
from copy import copy
from dataclasses import dataclass, fields, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, Generic, Literal, Protocol, TypeAlias, TypeVar, overload
from uuid import UUID

from kingpost.language.parse_text import parse_text
from kingpost.language.read_source import read_source
from kingpost.language.source import Source
from kingpost.model.declaration import Declaration, class_of, declaration
from kingpost.model.names import meant

if TYPE_CHECKING:
    from kingpost.model.resource import Resource

R_ = TypeVar("R_", bound="Resource")
C_ = TypeVar("C_", bound="Resource")
V_ = TypeVar("V_")
Path: TypeAlias = tuple[str, ...]
Text: TypeAlias = str
Kind: TypeAlias = Literal["count", "sum", "min", "max", "avg"]

# --------------------------------------------------------------------------------------------------------------- state


@dataclass(frozen=True, slots=True)
class Equal:
    """`where(author=me)`."""

    name: str
    value: object


@dataclass(frozen=True, slots=True)
class Spoken:
    """A condition or value in the language. Captured names are bound in the source, as they were on the call."""

    source: Source

    @property
    def text(self) -> bool:
        """Whether it was given as text, which may step through None."""
        return self.source.function is None


@dataclass(frozen=True, slots=True)
class By:
    """One sort key: a path, or something spoken."""

    by: Path | Spoken
    descending: bool = False


@dataclass(frozen=True, slots=True)
class Include:
    """A relation to fill in; `where` and `sort` narrow a to-many one."""

    path: Path
    where: tuple[Spoken, ...] = ()
    sort: tuple[By, ...] = ()


@dataclass(frozen=True, slots=True)
class Summary:
    """One summary of a group: `name` is its member in the answer."""

    kind: Kind
    path: Path
    name: str


@dataclass(frozen=True, slots=True)
class Asked:
    """All that a query has collected. `fields` None: all that may be read. `limit` None: no bound was named."""

    conditions: tuple[Equal | Spoken, ...] = ()
    sort: tuple[By, ...] = ()
    include: tuple[Include, ...] = ()
    fields: tuple[Path, ...] | None = None
    limit: int | None = None
    offset: int = 0
    after: str | None = None


NOTHING: Final = Asked()
_ASKED: Final = tuple(each.name for each in fields(Asked))


@dataclass(frozen=True, slots=True)
class Page(Generic[R_]):
    """A part of the rows. `next` is the cursor behind it, None where nothing follows."""

    items: list[R_]
    next: str | None


class Runner(Protocol):
    """Answers queries and carries out writes, with the rights of whoever acts: the engine, through `App`."""

    def actor(self) -> Any: ...
    def new_key(self) -> UUID: ...
    async def all(self, query: Query[R_]) -> list[R_]: ...
    async def page(self, query: Query[R_]) -> Page[R_]: ...
    async def first(self, query: Query[R_]) -> R_ | None: ...
    async def one(self, query: Query[R_]) -> R_: ...
    async def count(self, query: Query[Any]) -> int: ...
    async def aggregate(self, query: Query[Any], kind: Kind, of: Path | Spoken) -> Any: ...
    async def groups(self, query: Grouped) -> list[dict[str, Any]]: ...
    def stream(self, query: Query[R_]) -> AsyncIterator[R_]: ...
    async def explain(self, query: Query[Any]) -> str: ...
    async def get(self, cls: type[R_], key: object) -> R_: ...
    async def save(self, instance: Resource) -> None: ...
    async def delete(self, instance: Resource) -> None: ...
    async def load(self, instance: Resource, names: Sequence[Path]) -> None: ...
    async def allows(self, instance: Resource, verb: str) -> bool: ...
    async def act(self, on: Any, action: str, args: Sequence[Any], named: Mapping[str, Any]) -> Any: ...
    def act_from_thread(self, on: Any, action: str, args: Sequence[Any], named: Mapping[str, Any]) -> Any: ...


current_runner: ContextVar[Runner | None] = ContextVar("kingpost_runner", default=None)
"""Who answers in this task. Without it the last `App` that was built with the class does."""


def find_runner(cls: type) -> Runner:
    """Who answers for a class. Raises RuntimeError: it is part of no App."""
    runner = current_runner.get() or declaration(cls).runner
    if runner is None:
        raise RuntimeError(f"{cls.__name__} is part of no App yet: name it in App(resources=[...])")
    return runner


# --------------------------------------------------------------------------------------------------------------- query


@dataclass(frozen=True, slots=True)
class Query(Generic[R_]):
    """Rows of one resource, as asked for so far. Every method answers a new query; `await` answers the rows."""

    resource: type[R_]
    asked: Asked = NOTHING

    @overload
    def where(self, condition: Callable[[R_], bool], /, **equal: object) -> Query[R_]: ...
    @overload
    def where(self, condition: Text | None = None, /, **equal: object) -> Query[R_]: ...
    def where(self, condition: Callable[[R_], bool] | Text | None = None, /, **equal: object) -> Query[R_]:
        """Only rows for which the condition is surely true; several are and-ed.

        A lambda or text in the language; keywords for equality of single fields and relations. Raises TypeError for
        unknown keywords, SourceError where the source of the lambda can't be read.
        """
        for name in equal:
            known = _names(declaration(self.resource))
            if name not in known:
                raise TypeError(f"{self.resource.__name__} has no {name!r}: {meant(name, known)}")
        spoken = () if condition is None else (speak(condition),)
        given = (*spoken, *(Equal(name, value) for name, value in equal.items()))
        return self._with(conditions=(*self.asked.conditions, *given))

    @overload
    def sort(self, *by: Text) -> Query[R_]: ...
    @overload
    def sort(self, *by: Callable[[R_], object], descending: bool = ...) -> Query[R_]: ...
    def sort(self, *by: Text | Callable[[R_], object], descending: bool = False) -> Query[R_]:
        """In this order, after any order named before: paths with `-` before them for descending, or lambdas."""
        return self._with(sort=(*self.asked.sort, *(_by(self.resource, each, descending) for each in by)))

    @overload
    def include(self, *paths: Text) -> Query[R_]: ...
    @overload
    def include(self, *paths: Callable[[R_], Resource | Iterable[Resource] | None]) -> Query[R_]: ...
    @overload
    def include(
        self, path: Callable[[R_], Iterable[C_]], /, *,
        where: Callable[[C_], bool] | Text | None = ..., sort: Text | Sequence[Text] = ...,
    ) -> Query[R_]: ...  # fmt: skip
    @overload
    def include(
        self, path: Text, /, *, where: Callable[[Any], bool] | Text | None = ..., sort: Text | Sequence[Text] = ...
    ) -> Query[R_]: ...
    def include(self, *paths: Any, where: Any = None, sort: Text | Sequence[Text] = ()) -> Query[R_]:
        """Fill in relations, each named by path or lambda.

        `where` and `sort` narrow one to-many relation: `include("comments", where=lambda c: c.approved)`.
        """
        if (where is not None or sort) and len(paths) != 1:
            raise TypeError("include(where=, sort=) is about exactly one relation")
        added: list[Include] = []
        for given in paths:
            path = check_path(self.resource, given if isinstance(given, str) else ".".join(_path_of(given)))
            conditions = () if where is None else (speak(where),)
            names = (sort,) if isinstance(sort, str) else sort
            target = _target(self.resource, path)
            added.append(Include(path, conditions, tuple(_by(target, name, False) for name in names)))
        return self._with(include=(*self.asked.include, *added))

    def fields(self, *paths: Text) -> Query[R_]:
        """Only these members, computed ones among them; the key comes always."""
        return self._with(fields=tuple(check_path(self.resource, path) for path in paths))

    def limit(self, rows: int, /) -> Query[R_]:
        """At most so many rows."""
        return self._with(limit=_natural(rows, "limit"))

    def offset(self, rows: int, /) -> Query[R_]:
        """Pass over so many rows."""
        return self._with(offset=_natural(rows, "offset"))

    def after(self, cursor: Text, /) -> Query[R_]:
        """Go on behind a page, by the cursor that came with it."""
        return self._with(after=cursor)

    def __await__(self) -> Generator[Any, None, list[R_]]:
        return self._runner.all(self).__await__()

    async def page(self) -> Page[R_]:
        """The rows up to the limit, and the cursor to go `after` for more."""
        return await self._runner.page(self)

    async def first(self) -> R_ | None:
        """The first row, or None."""
        return await self._runner.first(self)

    async def one(self) -> R_:
        """The only row. Raises NotFound where there is none, Conflict where there are several."""
        return await self._runner.one(self)

    async def count(self) -> int:
        """How many rows there are, whatever the limit."""
        return await self._runner.count(self)

    async def exists(self) -> bool:
        """Whether there is any row."""
        return await self._runner.first(self.fields()) is not None

    async def sum(self, of: Text | Callable[[R_], Any]) -> Any:
        """The sum; None elements are passed over, of nothing it is 0."""
        return await self._runner.aggregate(self, "sum", self._operand(of))

    @overload
    async def min(self, of: Callable[[R_], V_]) -> V_ | None: ...
    @overload
    async def min(self, of: Text) -> Any: ...
    async def min(self, of: Any) -> Any:
        """The least value that is not None; None where there is none."""
        return await self._runner.aggregate(self, "min", self._operand(of))

    @overload
    async def max(self, of: Callable[[R_], V_]) -> V_ | None: ...
    @overload
    async def max(self, of: Text) -> Any: ...
    async def max(self, of: Any) -> Any:
        """The greatest value that is not None; None where there is none."""
        return await self._runner.aggregate(self, "max", self._operand(of))

    async def avg(self, of: Text | Callable[[R_], Any]) -> Any:
        """The mean of the values that are not None; None where there is none."""
        return await self._runner.aggregate(self, "avg", self._operand(of))

    def group(
        self, *by: Text, count: bool = False, sum: Text | Sequence[Text] = (), min: Text | Sequence[Text] = (),
        max: Text | Sequence[Text] = (), avg: Text | Sequence[Text] = (),
    ) -> Grouped:  # fmt: skip
        """One row per group, awaited as dicts: `group("author.name", count=True, sum="hours")`.

        Members are the paths grouped by, `count`, and `sum_hours` for the sum of hours. Without paths all rows are
        one group.
        """
        summaries = [Summary("count", (), "count")] if count else []
        kinds: dict[Kind, Text | Sequence[Text]] = {"sum": sum, "min": min, "max": max, "avg": avg}
        for kind, given in kinds.items():
            for text in (given,) if isinstance(given, str) else given:
                path = check_path(self.resource, text)
                summaries.append(Summary(kind, path, "_".join((kind, *path))))
        return Grouped(self, tuple(check_path(self.resource, path) for path in by), tuple(summaries))

    def stream(self) -> AsyncIterator[R_]:
        """The rows one after another, in bounded memory: `async for row in query.stream()`."""
        return self._runner.stream(self)

    async def explain(self) -> Text:
        """How the query is answered, without running it."""
        return await self._runner.explain(self)

    @property
    def _runner(self) -> Runner:
        return find_runner(self.resource)

    def _with(self, **changed: Any) -> Query[R_]:
        return Query(self.resource, Asked(**{name: getattr(self.asked, name) for name in _ASKED} | changed))

    def _operand(self, of: Text | Callable[[R_], Any]) -> Path | Spoken:
        return check_path(self.resource, of) if isinstance(of, str) else speak(of)


@dataclass(frozen=True, slots=True)
class Grouped(Awaitable["list[dict[str, Any]]"]):
    """A query whose rows are counted and summed by group."""

    query: Query[Any]
    by: tuple[Path, ...]
    summaries: tuple[Summary, ...]

    def __await__(self) -> Generator[Any, None, list[dict[str, Any]]]:
        return find_runner(self.query.resource).groups(self).__await__()


# -------------------------------------------------------------------------------------------------------------- naming


def speak(condition: Callable[..., Any] | str) -> Spoken:
    """Read a condition, and what it captured. Raises SourceError."""
    if isinstance(condition, str):
        return Spoken(parse_text(condition))
    source = read_source(condition)
    captured: dict[str, object] = {}
    for name in _names_in(source.node):
        if name not in source.parameters:
            try:
                value = source.resolve(name)
            except LookupError:  # the variable of a generator, or a name that translation will refuse
                continue
            captured[name] = copy(value) if class_of(value) is list else value
    return Spoken(replace(source, bound={**source.bound, **captured}))


@lru_cache(maxsize=8192)
def _names_in(node: ast.AST) -> tuple[str, ...]:
    """The names in a function, each once. Nodes are equal to themselves only, and kept with the code they were of."""
    return tuple(dict.fromkeys(one.id for one in ast.walk(node) if isinstance(one, ast.Name)))


def check_path(cls: type, path: str) -> Path:
    """The parts of a dotted path from `cls`. Raises ValueError naming the part that does not exist."""
    parts = tuple(path.split("."))
    at: type | None = cls
    for part in parts:
        if at is None:
            break
        shape = declaration(at)
        known = _names(shape)
        if part not in known:
            raise ValueError(f"{at.__name__} has no {part!r}: {meant(part, known)}")
        if shape.bound is None:
            break
        at = shape.bound.targets.get(part)
    return parts


def _names(shape: Declaration) -> list[str]:
    return [*(["id"] if shape.implicit_key else []), *shape.members, *shape.computed]


def _target(cls: type, path: Path) -> type:
    at = cls
    for part in path:
        bound = declaration(at).bound
        if bound is None:
            return cls
        if part not in bound.targets:
            raise ValueError(f"{at.__name__}.{part} is no relation: {meant(part, bound.targets)}")
        at = bound.targets[part]
    return at


def _by(cls: type, by: Any, descending: bool) -> By:
    if not isinstance(by, str):
        return By(speak(by), descending)
    return By(check_path(cls, by.removeprefix("-")), by.startswith("-"))


def _path_of(function: Callable[..., Any]) -> Path:
    """The path that `lambda a: a.author.company` names."""
    source = read_source(function)
    node = source.node.body
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.insert(0, node.attr)
        node = node.value
    if not parts or not isinstance(node, ast.Name) or node.id not in source.parameters:
        raise ValueError(f"{source.place(source.node)}: a relation is named by a path such as lambda a: a.author")
    return tuple(parts)


def _natural(rows: int, what: str) -> int:
    if rows < 0:
        raise ValueError(f"{what} is a number of rows, not below 0")
    return rows
