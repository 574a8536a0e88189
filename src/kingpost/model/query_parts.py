"""What a query has collected, as values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Generic, Literal, TypeAlias, TypeVar

from msgspec import Struct

from kingpost.language.source import Source

if TYPE_CHECKING:
    from kingpost.model.resource import Resource

R_ = TypeVar("R_", bound="Resource")
Path: TypeAlias = tuple[str, ...]
Text: TypeAlias = str
Kind: TypeAlias = Literal["count", "sum", "min", "max", "avg"]


class Equal(Struct, frozen=True):
    """`where(author=me)`."""

    name: str
    value: object


class Spoken(Struct, frozen=True):
    """A condition or value in the language. Captured names are bound in the source, as they were on the call."""

    source: Source

    @property
    def text(self) -> bool:
        """Whether it was given as text, which may step through None."""
        return self.source.function is None


class By(Struct, frozen=True):
    """One sort key: a path, or something spoken."""

    by: Path | Spoken
    descending: bool = False


class Include(Struct, frozen=True):
    """A relation to fill in; `where` and `sort` narrow a to-many one."""

    path: Path
    where: tuple[Spoken, ...] = ()
    sort: tuple[By, ...] = ()


class Summary(Struct, frozen=True):
    """One summary of a group: `name` is its member in the answer."""

    kind: Kind
    path: Path
    name: str


class Asked(Struct, frozen=True):
    """All that a query has collected. `fields` None: all that may be read. `limit` None: no bound was named."""

    conditions: tuple[Equal | Spoken, ...] = ()
    sort: tuple[By, ...] = ()
    include: tuple[Include, ...] = ()
    fields: tuple[Path, ...] | None = None
    limit: int | None = None
    offset: int = 0
    after: str | None = None


NOTHING: Final = Asked()


class Page(Struct, Generic[R_], frozen=True):
    """A part of the rows. `next` is the cursor behind it, None where nothing follows."""

    items: list[R_]
    next: str | None
