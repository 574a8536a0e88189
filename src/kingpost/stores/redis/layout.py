"""Which keys the rows of a resource have in Redis, and how a row is written as JSON: one value, one text.

Of a table `t` with the prefix `kingpost`:

- `kingpost:t:row:[key]` is a row, a JSON object by columns,
- `kingpost:t:keys` is the set of the keys of all rows,
- `kingpost:t:unique:members:[values]` is the key of the row that has them,
- `kingpost:t:ref:relation:[key]` is the set of the keys of the rows that point there,
- `kingpost:t:changes` counts writes, `kingpost:t:number:column` the numbers made,
- `kingpost:t:indexed` is the set of what is kept as unique and as references.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from hashlib import sha256
from typing import Any, Final
from uuid import UUID

import msgspec

from kingpost.language.types import Kind, Type
from kingpost.model.columns import Column
from kingpost.model.model import RelationModel, UniqueModel
from kingpost.stores.contract import OutOfRange, StoreDamaged, StoreError
from kingpost.stores.memory.draft import uniques
from kingpost.stores.memory.state import Layout, Row
from kingpost.stores.memory.values import WIDE

PYTHON_TYPES: Final[Mapping[Kind, Any]] = {
    Kind.BOOL: bool,
    Kind.INT: int,
    Kind.FLOAT: float,
    Kind.DECIMAL: Decimal,
    Kind.TEXT: str,
    Kind.BYTES: bytes,
    Kind.UUID: UUID,
    Kind.DATETIME: datetime,
    Kind.DATE: date,
    Kind.TIME: time,
    Kind.DURATION: timedelta,
}


@dataclass(frozen=True, slots=True)
class Place:
    """The keys of one resource, and the form of its rows."""

    layout: Layout
    base: str
    decode: Callable[[bytes], Row]
    uniques: tuple[UniqueModel, ...]
    references: tuple[RelationModel, ...]
    """To-one relations whose targets are in this store: it is kept who points where."""
    targets: Mapping[str, tuple[Type, ...]]

    def row_key(self, text: str) -> str:
        return f"{self.base}:row:{text}"

    @property
    def keys(self) -> str:
        return f"{self.base}:keys"

    @property
    def changes(self) -> str:
        return f"{self.base}:changes"

    @property
    def indexed(self) -> str:
        return f"{self.base}:indexed"

    def number(self, column: str) -> str:
        """The counter of the numbers that are made for a column."""
        return f"{self.base}:number:{column}"

    def text(self, key: Sequence[object]) -> str:
        """The key of a row as text."""
        types = {column.name: column.type for column in self.layout.columns}
        return text_of(key, [types[name] for name in self.layout.key])

    def unique_key(self, unique: UniqueModel, values: Sequence[object]) -> str:
        """Where it is kept who has these values."""
        types = {column.name: column.type for column in self.layout.columns}
        held = [types[name] for member in unique.members for name in self.layout.places[member]]
        return f"{self.base}:unique:{unique_name(unique)}:{text_of(values, held)}"

    def reference_key(self, relation: str, key: Sequence[object]) -> str:
        """Where it is kept which rows point at a key."""
        return f"{self.base}:ref:{relation}:{text_of(key, self.targets[relation])}"

    def held(self, row: Row) -> Iterator[str]:
        """The reference keys that a row is in."""
        for relation in self.references:
            key = self.layout.held(row, relation.name)
            if key is not None:
                yield self.reference_key(relation.name, key)

    def encode(self, row: Row) -> bytes:
        """The JSON of a row."""
        for value in row.values():
            if isinstance(value, float) and not math.isfinite(value):
                raise OutOfRange("A float that is not finite can't be kept in Redis")
        try:
            return msgspec.json.encode({column.name: row[column.name] for column in self.layout.columns})
        except UnicodeEncodeError:
            raise StoreError("A text with half of a surrogate pair can't be kept in Redis") from None

    @property
    def indexes(self) -> list[str]:
        """What is kept beside the rows, by name."""
        found = [f"unique:{unique_name(unique)}" for unique in self.uniques]
        return [*found, *(f"ref:{relation.name}" for relation in self.references)]


def unique_name(unique: UniqueModel) -> str:
    """The name of a constraint; a condition is a part of it, so that another one is another constraint."""
    names = "+".join(unique.members)
    return names if unique.where is None else f"{names}?{sha256(repr(unique.where).encode()).hexdigest()[:16]}"


def places(layouts: Mapping[str, Layout], prefix: str) -> dict[str, Place]:
    """The places of all resources of a store."""
    found: dict[str, Place] = {}
    for name, layout in layouts.items():
        base = f"{prefix}:{layout.resource.table}"
        held = tuple(one for one in layout.resource.relations.values() if one.kind == "one" and one.target in layouts)
        types = {column.name: column.type for column in layout.columns}
        targets = {one.name: tuple(types[part] for part in layout.places[one.name]) for one in held}
        found[name] = Place(layout, base, _decoder(layout, base), tuple(uniques(layout)), held, targets)
    return found


def text_of(values: Sequence[object], types: Sequence[Type]) -> str:
    """Values as a JSON array in which what is equal has the same text."""
    return msgspec.json.encode([_plain(value, type) for value, type in zip(values, types, strict=True)]).decode()


def _plain(value: Any, type: Type) -> Any:
    if type.kind is Kind.FLOAT:
        return float(value) + 0.0  # -0.0 is equal to 0.0
    if isinstance(value, Decimal):
        return format(value.normalize(WIDE) + 0, "f")
    if type.kind is Kind.INT:
        return int(value)
    return value


def _decoder(layout: Layout, base: str) -> Callable[[bytes], Row]:
    names = [column.name for column in layout.columns]
    fields = [(f"c{index}", _annotation(column)) for index, column in enumerate(layout.columns)]
    rename = {field[0]: name for field, name in zip(fields, names, strict=True)}
    optional = [
        (field, annotation, None) if column.type.nullable else (field, annotation)
        for (field, annotation), column in zip(fields, layout.columns, strict=True)
    ]
    shape = msgspec.defstruct("Row", optional, rename=rename, kw_only=True)
    decoder = msgspec.json.Decoder(shape)

    def decode(text: bytes) -> Row:
        try:
            row = decoder.decode(text)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            words = f"A row of {base} in Redis is not what is declared for {layout.resource.name}: {error}"
            raise StoreDamaged(words) from error
        return dict(zip(names, msgspec.structs.astuple(row), strict=True))

    return decode


def _annotation(column: Column) -> Any:
    python = PYTHON_TYPES.get(column.type.kind, Any)
    return python if python is Any or not column.type.nullable else python | None
