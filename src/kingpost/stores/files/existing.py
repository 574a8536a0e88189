"""Looking at files that others made: of each column the first type, in a fixed order, as which all its values are read.

Values are tried by the very functions that read files later, so what is declared so is read so, as far as was looked.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncGenerator, Callable, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager
from itertools import islice
from pathlib import Path
from typing import Any, Final, TypeAlias

import duckdb

from kingpost.language.types import Kind, Type
from kingpost.stores.contract import StoreDamaged, StoreDown
from kingpost.stores.files.address import SUFFIXES, Location, locate
from kingpost.stores.files.arrays import elements, is_object
from kingpost.stores.files.cells import Stated
from kingpost.stores.files.faults import FileFault
from kingpost.stores.files.opened import opened as open_source
from kingpost.stores.files.parquet import FITTING
from kingpost.stores.files.records import read_csv, read_ndjson
from kingpost.stores.files.sheets import of_sheet, read_sheet, sheets_in
from kingpost.stores.files.values import Text, of_cells, of_values
from kingpost.stores.sql.catalog import RealColumn, RealTable
from kingpost.stores.sql.dialects import DUCKDB
from kingpost.stores.sql.duckdb import instance
from kingpost.stores.sql.existing import SAMPLE, Existing, Held, Watch, likely_keys

Columns: TypeAlias = dict[str, list[Any]]
"""The values of each column, None where there is none."""
Read: TypeAlias = Callable[[Type], Text]

_TRIED: Final = (
    Kind.BOOL, Kind.INT, Kind.FLOAT, Kind.UUID, Kind.DATE, Kind.DATETIME, Kind.TIME, Kind.DURATION, Kind.TEXT,
)  # fmt: skip
_WORDS: Final = frozenset({"true", "false", "yes", "no"})
_ZEROS: Final = re.compile(r"[+-]?0\d")
_DOCUMENTS: Final = Held(Type(Kind.JSON))


@asynccontextmanager
async def opened(url: str, schema: str | None) -> AsyncGenerator[FilesExaminer]:
    """Files as tables. Raises `DeclarationError` for the address, `StoreDown` where there are none."""
    if schema is not None:
        raise StoreDown(f"files have no schema {schema!r}")
    yield FilesExaminer(locate(url))


class FilesExaminer:
    """The files at one place. Of each 10,000 rows are looked at."""

    def __init__(self, location: Location) -> None:
        self._location = location

    async def names(self, schema: str | None, *, views: bool) -> list[str]:
        """The tables, by the names of files, or of sheets."""
        return await asyncio.to_thread(self._names)

    def _names(self) -> list[str]:
        location = self._location
        if location.is_folder:
            if not location.path.is_dir():
                raise StoreDown(f"there is no folder {location.path}")
            found = sorted(location.path.iterdir())
            return list(dict.fromkeys(name for path in found if (name := _table(path, SUFFIXES[location.kind]))))
        first = location.files("")[0]
        if location.kind == "xlsx" and location.sheet is None and not location.is_pattern:
            try:
                return sheets_in(first)
            except FileFault as fault:
                raise _damaged(first, fault) from None
        stem = re.sub(r"[*?\[\]]+", "", location.path.name.partition(".")[0]).strip("-_ ")
        return [stem or "row"]

    async def examine(self, names: Iterable[str], watch: Watch) -> Existing:
        """What there is of these tables."""
        found = Existing(DUCKDB, {})
        for name in names:
            watch(name)
            table, held = await asyncio.to_thread(self._examined, name)
            found.tables[name], found.held[name] = table, held
        return found

    def _examined(self, name: str) -> tuple[RealTable, dict[str, Held]]:
        path = self._location.files(name)[0]
        table = RealTable(name)
        try:
            if self._location.kind == "parquet":
                values, held = _parquet(path, table)
            else:
                values, read = self._values(path, name)
                held = {column: _guess(found, read) for column, found in values.items()}
        except FileFault as fault:
            raise _damaged(path, fault) from None
        for column, one in held.items():
            nullable = any(value is None or value == "" for value in values[column])
            table.columns[column] = RealColumn(column, str(one.type), nullable, default=False)
        table.primary = _key(table, values)
        return table, held

    def _values(self, path: Path, name: str) -> tuple[Columns, Read]:
        """The values of the first rows, and how they are read as a type."""
        stated = Stated(zone=self._location.zone)
        if self._location.kind == "xlsx":
            sheet = read_sheet(path, name, self._location.sheet)
            cells = (one.data for one in sheet.records)
            return _by_column(sheet.header, islice(cells, SAMPLE)), lambda type: of_sheet(type, stated)
        with open_source(str(path)) as source:
            if self._location.kind == "csv":
                table = read_csv(source.stream, self._location.encoding, self._location.delimiter)
                lines = (one.data for one in table.records if not one.fault)
                return _by_column(table.header, islice(lines, SAMPLE)), lambda type: of_cells(type, stated)
            if self._location.kind == "ndjson":
                objects = (one.data for one in read_ndjson(source.stream) if not one.fault)
            else:
                objects = (one for _, one in elements(source.stream))
            return _by_member(islice(filter(is_object, objects), SAMPLE)), of_values


def _damaged(path: Path, fault: FileFault) -> StoreDamaged:
    return StoreDamaged(f"{path}: {fault.message}{f'. Next: {fault.remedy}' if fault.remedy else ''}")


def _table(path: Path, suffixes: Sequence[str]) -> str:
    """The name of the table that a file in a folder holds; "" where it holds none."""
    name = path.name
    for more in ("", ".gz", ".zip"):
        for suffix in suffixes:
            if path.is_file() and name.lower().endswith(f"{suffix}{more}"):
                return name[: -len(suffix + more)]
    return ""


def _by_column(header: Sequence[str], rows: Iterator[Sequence[Any]]) -> Columns:
    values: Columns = {name: [] for name in header if name}
    for row in rows:
        for name, value in zip(header, row, strict=False):
            if name:
                values[name].append(value)
    return values


def _by_member(objects: Iterator[dict[str, Any]]) -> Columns:
    held = list(objects)
    return {name: [one.get(name) for one in held] for name in dict.fromkeys(name for one in held for name in one)}


def _guess(values: Sequence[Any], read: Read) -> Held:
    """The first type as which all values are read."""
    there = [value for value in values if value is not None and value != ""]
    if not there:
        return Held(Type(Kind.TEXT), note="Nothing tells what is in it")
    if any(isinstance(value, (list, dict)) for value in there):
        return _DOCUMENTS
    texts = [value.strip() for value in there if isinstance(value, str)]
    for kind in _TRIED:
        # What would be read so need not be meant so: numbers that begin with zeros are names, 1 and 0 are numbers.
        if kind is Kind.BOOL and not all(text.lower() in _WORDS for text in texts):
            continue
        if kind in (Kind.INT, Kind.FLOAT) and any(map(_ZEROS.match, texts)):
            continue
        if _all_read(there, read(Type(kind))):
            return Held(Type(kind))
    return Held(Type(Kind.TEXT), note="Its values are of several types, and not all of them are read as text")


def _all_read(values: Sequence[Any], read: Text) -> bool:
    try:
        for value in values:
            read(value)
    except ValueError:
        return False
    return True


def _key(table: RealTable, values: Columns) -> tuple[str, ...]:
    """The likeliest column whose values are all there and all different."""
    for name in likely_keys(table):
        held = values[name]
        plain = all(isinstance(value, (str, int, float)) for value in held)
        if held and plain and "" not in held and len(set(held)) == len(held):
            return (name,)
    return ()


def _parquet(path: Path, table: RealTable) -> tuple[Columns, dict[str, Held]]:
    """Columns of Parquet tell their types; those that can't be declared are said in words."""
    place = instance.Location(None, "1GB", 1)
    connection = instance.connect(place, [str(path)])
    try:
        instance.lock(connection)
        source = f"read_parquet({instance.literal(str(path))})"
        described = connection.execute(f"DESCRIBE SELECT * FROM {source}").fetchall()
        held: dict[str, Held] = {}
        for name, found, *_ in described:
            known = _declared(found)
            if known is None:
                table.more.append(f"the column {name} of {found}, which can't be declared")
            else:
                held[name] = known
        names = ", ".join(f'"{name.replace(chr(34), chr(34) * 2)}"::VARCHAR' for name in held) or "NULL"
        rows = connection.execute(f"SELECT {names} FROM {source} LIMIT {SAMPLE}").fetchall()
    except duckdb.Error as error:
        raise FileFault(f"is no Parquet file ({type(error).__name__})") from None
    finally:
        connection.close()
    return {name: [row[at] for row in rows] for at, name in enumerate(held)}, held


def _declared(found: str) -> Held | None:
    decimal = re.fullmatch(r"DECIMAL\((\d+),(\d+)\)", found)
    if decimal is not None:
        return Held(Type(Kind.DECIMAL, digits=int(decimal[1]), places=int(decimal[2])))
    order = (Kind.INT, Kind.FLOAT, Kind.BOOL, Kind.TEXT, Kind.BYTES, Kind.UUID, Kind.DATETIME, Kind.DATE, Kind.TIME)
    return next((Held(Type(kind)) for kind in order if found in FITTING[kind]), None)
