"""Answers of an API as the rows that are declared, strictly: what does not fit is named by its row and path."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final

import msgspec

from kingpost.language.types import Kind, Type
from kingpost.model.api import Api, parts
from kingpost.model.columns import columns
from kingpost.model.model import Model, ResourceModel
from kingpost.stores.contract import StoreDamaged
from kingpost.stores.files.arrays import DECODER, NotJson, is_object
from kingpost.stores.files.values import KINDS, of_values
from kingpost.stores.http.cache import Answer
from kingpost.stores.http.client import shown
from kingpost.stores.memory.state import Row
from kingpost.stores.memory.values import keep
from kingpost.stores.sql.forms import DOCUMENTS, PYTHON

MISSING: Final = object()


class Unfit(Exception):
    """What is wrong with an answer, in words."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One column: where it is in a row, and what reads it. `read` raises ValueError with words."""

    column: str
    path: tuple[str, ...]
    read: Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class Reading:
    """How the rows of one resource are read off answers. `hashed`: the column that is a hash of the others."""

    cells: tuple[Cell, ...]
    hashed: str | None
    rows: tuple[str, ...]
    row: tuple[str, ...]

    def many(self, answer: Answer) -> tuple[Any, list[Row]]:
        """The whole body, and the rows in it. Raises `StoreDamaged`."""
        try:
            body = _decoded(answer)
            found = _at(body, self.rows)
            if not isinstance(found, list):
                where = ".".join(self.rows)
                raise Unfit(f"has no array of rows{f' at {where}' if where else ''}; rows= of the source says where")
            listed: list[Any] = found  # pyright: ignore[reportUnknownVariableType]
            return body, [self._row(one, f"row {at}, ", (*self.rows, str(at))) for at, one in enumerate(listed)]
        except Unfit as fault:
            raise StoreDamaged(f"{shown(answer.url)} {fault}") from None

    def one(self, answer: Answer) -> Row:
        """The one row. Raises `StoreDamaged`."""
        try:
            found = _at(_decoded(answer), self.row)
            if found is MISSING:
                raise Unfit(f"has nothing at {'.'.join(self.row)}; row= of the source says where the row is")
            return self._row(found, "", self.row)
        except Unfit as fault:
            raise StoreDamaged(f"{shown(answer.url)} {fault}") from None

    def _row(self, found: Any, place: str, at: tuple[str, ...]) -> Row:
        if not is_object(found):
            raise Unfit(f"{place}/{'/'.join(at)}, is no object")
        row: dict[str, Any] = {}
        for cell in self.cells:
            value = _at(found, cell.path)
            try:
                row[cell.column] = cell.read(None if value is MISSING else value)
            except ValueError as error:
                told = "is not there, and is not optional" if value is MISSING else str(error)
                raise Unfit(f"{place}/{'/'.join((*at, *cell.path))}: {cell.column} {told}") from None
        if self.hashed is not None:
            encoded = msgspec.json.encode(list(row.values()), order="sorted")
            row[self.hashed] = int.from_bytes(hashlib.blake2b(encoded, digest_size=8).digest(), "big", signed=True)
        return row


def reading(model: Model, resource: ResourceModel, source: Api) -> Reading:
    """How rows of a resource are read."""
    cells: list[Cell] = []
    for column in columns(model, resource):
        path = source.names.get(column.member, source.names.get(column.name, column.name))
        cells.append(Cell(column.name, parts(path), _reader(column.type)))
    hashed = [one.column for one in resource.fields.values() if one.hashed]
    return Reading(tuple(cells), hashed[0] if hashed else None, parts(source.rows), parts(source.row))


def _reader(type: Type) -> Callable[[Any], Any]:
    """What makes the value that memory keeps."""
    check, kept = of_values(type), keep(type)
    kind = type.kind
    if kind in DOCUMENTS:
        return lambda value: None if check(value) is None else kept(value)
    if kind is Kind.ENUM:
        kind = Kind.INT if type.choices and all(isinstance(one, int) for one in type.choices) else Kind.TEXT
    python = KINDS[kind][0]

    def read(value: Any) -> Any:
        return None if check(value) is None else kept(msgspec.convert(value, python))

    return read


def text_of(value: Any, type: Type) -> str:
    """A value as it stands in an address: as JSON has it, without quotes."""
    plain = value.value if isinstance(value, Enum) else value
    convert = PYTHON.json_form(type.maybe(False))
    told = msgspec.to_builtins(plain if convert is None else convert(plain))
    if isinstance(told, bool):
        return "true" if told else "false"
    return str(told)


def at_path(body: Any, path: tuple[str, ...]) -> Any:
    """What is at a path of an answer; None where nothing is."""
    found = _at(body, path)
    return None if found is MISSING else found


def _at(found: Any, path: Sequence[str]) -> Any:
    for name in path:
        if not is_object(found) or name not in found:
            return MISSING
        found = found[name]
    return found


def _decoded(answer: Answer) -> Any:
    try:
        return DECODER.decode(answer.body.decode("utf-8-sig"))
    except UnicodeDecodeError:
        raise Unfit("answers what is not UTF-8") from None
    except NotJson as error:
        raise Unfit(f"answers what is not JSON: {error}") from None
    except RecursionError:
        raise Unfit("answers JSON that is too deep") from None
    except ValueError as error:
        at = getattr(error, "pos", 0)
        raise Unfit(f"answers what is not JSON, from byte {at} of {len(answer.body)} on") from None
