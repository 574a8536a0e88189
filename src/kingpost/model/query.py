"""Questions as values: `Query` collects what is asked, a `Runner` answers it.

Nothing is asked of a store before a query is awaited. Names are checked on the call, and what a lambda captured is read
on the call.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Generator, Iterable, Sequence
from typing import TYPE_CHECKING, Any, Generic, TypeVar, overload

from msgspec import Struct
from msgspec.structs import replace

from kingpost.model.declaration import declaration
from kingpost.model.names import meant
from kingpost.model.query_groups import Grouped, grouped
from kingpost.model.query_names import check_path, names_of, natural, path_of, sort_key, speak, target_of
from kingpost.model.query_parts import NOTHING, Asked, Equal, Include, Page, Path, Spoken, Text
from kingpost.model.query_runner import Runner, find_runner

if TYPE_CHECKING:
    from kingpost.model.resource import Resource

R_ = TypeVar("R_", bound="Resource")
C_ = TypeVar("C_", bound="Resource")
V_ = TypeVar("V_")


class Query(Struct, Generic[R_], frozen=True):
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
        conditions = self.asked.conditions
        if condition is not None:
            conditions += (speak(condition),)
        for name, value in equal.items():
            known = names_of(declaration(self.resource))
            if name not in known:
                raise TypeError(f"{self.resource.__name__} has no {name!r}: {meant(name, known)}")
            conditions += (Equal(name, value),)
        return self._with(conditions=conditions)

    @overload
    def sort(self, *by: Text) -> Query[R_]: ...
    @overload
    def sort(self, *by: Callable[[R_], object], descending: bool = ...) -> Query[R_]: ...
    def sort(self, *by: Text | Callable[[R_], object], descending: bool = False) -> Query[R_]:
        """In this order, after any order named before: paths with `-` before them for descending, or lambdas.

        Raises ValueError for a path that leads nowhere, SourceError where the source of a lambda can't be read.
        """
        return self._with(sort=(*self.asked.sort, *[sort_key(self.resource, each, descending) for each in by]))

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

        `where` and `sort` narrow one to-many relation: `include("comments", where=lambda c: c.approved)`. Raises
        ValueError for what is no relation, TypeError where they are given with several paths.
        """
        if (where is not None or sort) and len(paths) != 1:
            raise TypeError("include(where=, sort=) is about exactly one relation")
        added: list[Include] = []
        for given in paths:
            path = check_path(self.resource, given if isinstance(given, str) else ".".join(path_of(given)))
            conditions = () if where is None else (speak(where),)
            names = (sort,) if isinstance(sort, str) else sort
            target = target_of(self.resource, path)
            added.append(Include(path, conditions, tuple(sort_key(target, name, False) for name in names)))
        return self._with(include=(*self.asked.include, *added))

    def fields(self, *paths: Text) -> Query[R_]:
        """Only these members, computed ones among them; the key comes always. Raises ValueError for unknown ones."""
        return self._with(fields=tuple([check_path(self.resource, path) for path in paths]))

    def limit(self, rows: int, /) -> Query[R_]:
        """At most so many rows. Raises TypeError for what is no whole number, ValueError for one below 0."""
        return self._with(limit=natural(rows, "limit"))

    def offset(self, rows: int, /) -> Query[R_]:
        """Pass over so many rows. Raises TypeError for what is no whole number, ValueError for one below 0."""
        return self._with(offset=natural(rows, "offset"))

    def after(self, cursor: Text, /) -> Query[R_]:
        """Go on behind a page, by the cursor that came with it. Any other text raises Invalid when it is asked."""
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
        """The sum over all rows; None is passed over, of nothing it is 0.

        Raises ValueError for a path that leads nowhere, Invalid for what has no sum.
        """
        return await self._runner.aggregate(self, "sum", self._operand(of))

    @overload
    async def min(self, of: Callable[[R_], V_]) -> V_ | None: ...
    @overload
    async def min(self, of: Text) -> Any: ...
    async def min(self, of: Any) -> Any:
        """The least value that is not None; None where there is none. Raises as `sum`."""
        return await self._runner.aggregate(self, "min", self._operand(of))

    @overload
    async def max(self, of: Callable[[R_], V_]) -> V_ | None: ...
    @overload
    async def max(self, of: Text) -> Any: ...
    async def max(self, of: Any) -> Any:
        """The greatest value that is not None; None where there is none. Raises as `sum`."""
        return await self._runner.aggregate(self, "max", self._operand(of))

    async def avg(self, of: Text | Callable[[R_], Any]) -> Any:
        """The mean of the values that are not None; None where there is none. Raises as `sum`."""
        return await self._runner.aggregate(self, "avg", self._operand(of))

    def group(
        self, *by: Text, count: bool = False, sum: Text | Sequence[Text] = (), min: Text | Sequence[Text] = (),
        max: Text | Sequence[Text] = (), avg: Text | Sequence[Text] = (),
    ) -> Grouped:  # fmt: skip
        """One row per group, awaited as dicts: `group("author.name", count=True, sum="hours").sort("-sum_hours")`.

        Members are the paths grouped by, `count`, and `sum_hours` for the sum of hours. Without paths all rows are
        one group. It is about all rows of the query, whatever its order and limit: groups have their own. Raises
        ValueError for a path that leads nowhere, for a member that would be there twice, and where nothing is asked.
        """
        return grouped(self, by, count, {"sum": sum, "min": min, "max": max, "avg": avg})

    def stream(self) -> AsyncIterator[R_]:
        """The rows one after another, in bounded memory: `async for row in query.stream()`."""
        return self._runner.stream(self)

    async def explain(self, *, run: bool = False) -> Text:
        """How the query is answered. With `run` it is, and the keys, rows and time of each step are told, too."""
        return await self._runner.explain(self, run=run)

    @property
    def _runner(self) -> Runner:
        return find_runner(self.resource)

    def _with(self, **changed: Any) -> Query[R_]:
        return Query(self.resource, replace(self.asked, **changed))

    def _operand(self, of: Text | Callable[[R_], Any]) -> Path | Spoken:
        return check_path(self.resource, of) if isinstance(of, str) else speak(of)
