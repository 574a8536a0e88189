"""What a query has collected, as values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Generic, Literal, NamedTuple, TypeAlias, TypeVar

from kingpost.language.source import Source

if TYPE_CHECKING:
    from kingpost.model.resource import Resource

R_ = TypeVar("R_", bound="Resource")
Path: TypeAlias = tuple[str, ...]
Text: TypeAlias = str
Kind: TypeAlias = Literal["count", "sum", "min", "max", "avg"]


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


class Asked(NamedTuple):
    """All that a query has collected. `fields` None: all that may be read. `limit` None: no bound was named."""

    conditions: tuple[Equal | Spoken, ...] = ()
    sort: tuple[By, ...] = ()
    include: tuple[Include, ...] = ()
    fields: tuple[Path, ...] | None = None
    limit: int | None = None
    offset: int = 0
    after: str | None = None


NOTHING: Final = Asked()


@dataclass(frozen=True, slots=True)
class Page(Generic[R_]):
    """A part of the rows. `next` is the cursor behind it, None where nothing follows."""

    items: list[R_]
    next: str | None
