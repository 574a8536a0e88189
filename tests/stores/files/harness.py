"""Stores in files for tests: the conformance model as adopted tables, and writing rows with the standard library."""

from __future__ import annotations

import asyncio
import base64
import csv
import json
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
import openpyxl

from kingpost.language.tree import Field, Root
from kingpost.language.types import INT, TEXT, Kind, Type
from kingpost.model.columns import columns
from kingpost.model.model import FieldModel, Model, ResourceModel
from kingpost.plan.select import Check, Clear, Delete, Insert, Operation, Select
from kingpost.stores.contract import OutOfRange, Rows, StoreDamaged
from kingpost.stores.files.kept import kept, state_of
from kingpost.stores.files.store import FilesStore


def adopted(model: Model) -> Model:
    """The same resources as tables that others made."""
    return replace(model, resources={name: _adopted(one) for name, one in model.resources.items()})


def _adopted(resource: ResourceModel) -> ResourceModel:
    fields = {
        name: replace(one, hashed=True) if name == resource.version else one for name, one in resource.fields.items()
    }
    return replace(resource, fields=fields, adopted=True)


def one_table(**types: Type) -> Model:
    """A model of one resource, Row, with the key `id`."""
    fields = {"id": FieldModel("id", types.pop("id", INT), "id", object, key=True)}
    fields |= {name: FieldModel(name, type, name, object) for name, type in types.items()}
    row = ResourceModel(
        name="Row", cls=None, path="rows", table="row", store="main", key=("id",), fields=fields, relations={},
        version=None, adopted=True,
    )  # fmt: skip
    return Model({"Row": row}, actor="Row")


NOTE = one_table(text=TEXT, number=INT.maybe())


def cell(value: Any, type: Type) -> str:
    """A value as it stands in CSV."""
    shown = plain(value, type)
    if shown is None:
        return ""
    if type.kind in (Kind.JSON, Kind.LIST, Kind.EMBEDDED):
        return json.dumps(shown)
    return str(shown).lower() if isinstance(shown, bool) else str(shown)


def plain(value: Any, type: Type) -> Any:
    """A value as it stands in JSON."""
    match value:
        case Enum():
            return value.value
        case Decimal():
            return str(value)
        case bytes():
            return base64.b64encode(value).decode()
        case datetime():
            return value.astimezone(UTC).isoformat()
        case UUID() | date() | time():
            return str(value) if isinstance(value, UUID) else value.isoformat()
        case timedelta():
            return msgspec.to_builtins(value)
        case _:
            return value


def write_csv(path: Path, types: Mapping[str, Type], rows: Sequence[Mapping[str, Any]], **more: Any) -> None:
    """A CSV file."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, **more)
        writer.writerow(types)
        writer.writerows([[cell(row.get(name), type) for name, type in types.items()] for row in rows])


def write_ndjson(path: Path, types: Mapping[str, Type], rows: Sequence[Mapping[str, Any]]) -> None:
    """An object a line."""
    lines = [json.dumps({name: plain(row.get(name), type) for name, type in types.items()}) for row in rows]
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


def write_json(path: Path, types: Mapping[str, Type], rows: Sequence[Mapping[str, Any]]) -> None:
    """An array."""
    path.write_text(
        json.dumps([{name: plain(row.get(name), type) for name, type in types.items()} for row in rows]), "utf-8"
    )


def write_xlsx(path: Path, types: Mapping[str, Type], rows: Sequence[Mapping[str, Any]]) -> None:
    """A workbook, with cells of its own types where these can hold the value."""
    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet(path.stem)
    sheet.append(list(types))
    for row in rows:
        sheet.append([_cell(row.get(name), type) for name, type in types.items()])
    book.save(path)


def _cell(value: Any, type: Type) -> Any:
    match value:
        case bool():
            own = True
        case float():
            own = abs(value) < 1e307 and float(f"{value:.15g}") == value  # openpyxl writes no more digits
        case int():
            own = abs(value) < 1 << 53
        case _:
            own = type.kind is Kind.DATE and value is not None and value.year > 1900
    return value if own else cell(value, type) or None


WRITERS: Mapping[str, Any] = {"csv": write_csv, "ndjson": write_ndjson, "json": write_json, "xlsx": write_xlsx}


class Written(FilesStore):
    """Files that the test writes anew for what the suite would write to the store: only its reads are under test."""

    rows: dict[str, list[dict[str, Any]]]

    def begin(self, kind: str, folder: Path, model: Model) -> Written:
        """Make files without rows."""
        self._kind, self._folder, self._model = kind, folder, model
        self.rows = {}
        for name in model.resources:
            self._write(name)
        return self

    def _write(self, name: str) -> None:
        resource = self._model[name]
        types = {column.name: column.type for column in columns(self._model, resource)}
        WRITERS[self._kind](self._folder / f"{resource.table}.{self._kind}", types, self.rows.get(name, []))

    async def write(self, operations: Sequence[Operation]) -> list[Rows]:
        """Insert and delete rows by writing their files."""
        before = {name: [dict(row) for row in held] for name, held in self.rows.items()}
        for one in operations:
            assert not isinstance(one, Check | Clear)
            held = self.rows.setdefault(one.resource, [])
            if isinstance(one, Insert):
                held.extend(dict(zip(one.columns, row, strict=True)) for row in one.rows)
            elif isinstance(one, Delete):
                (key,) = self._model[one.resource].key
                held[:] = [row for row in held if row[key] != one.key[0]]
            else:
                key = self._model[one.resource].key[0]
                next(row for row in held if row[key] == one.key[0]).update(one.values)
            self._write(one.resource)
        changed = {one.resource for one in operations if not isinstance(one, Check | Clear)}
        try:
            await asyncio.to_thread(self._read, {self._model[name].table for name in changed})
        except StoreDamaged as error:
            self.rows = before
            for name in changed:
                self._write(name)
            raise OutOfRange(str(error)) from error
        return [[] for _ in operations]

    def _read(self, tables: set[str]) -> None:
        for wanted in self._wanted:
            if wanted.name in tables:
                files = self._location.files(wanted.name)
                kept(self._location, wanted, files, state_of(files))


@asynccontextmanager
async def opened(path: Path, model: Model = NOTE, query: str = "", kind: str = "") -> AsyncGenerator[FilesStore]:
    """A store in a file, its cache beside it."""
    scheme = kind or path.suffix[1:]
    store = FilesStore(f"{scheme}:///{path}?cache={path.parent}/cache{query}", model, "main")
    await store.start()
    try:
        yield store
    finally:
        await store.stop()


async def rows(store: FilesStore, model: Model = NOTE) -> list[tuple[Any, ...]]:
    """All rows, by key."""
    fields = tuple(Field(Root("Row"), name, one.type) for name, one in model["Row"].fields.items())
    found = await store.fetch(store.prepare(Select("Row", fields)), {})
    converts = [store.python_form(one.type) for one in fields]
    python = [
        tuple(value if convert is None or value is None else convert(value) for convert, value in zip(converts, row))
        for row in found
    ]
    return sorted(python, key=lambda row: row[0])


async def all_of(path: Path, model: Model = NOTE, query: str = "") -> list[tuple[Any, ...]]:
    async with opened(path, model, query) as store:
        return await rows(store, model)
