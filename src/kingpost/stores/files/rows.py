"""The rows of a file, one after another, each value as the text of its declared type.

The first thing that does not fit ends it: a file is read as a whole, or not at all.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, TypeAlias, cast

from kingpost.language.types import Type
from kingpost.model.columns import Column
from kingpost.stores.files.address import Location
from kingpost.stores.files.arrays import elements, is_object
from kingpost.stores.files.cells import Stated
from kingpost.stores.files.faults import FileFault
from kingpost.stores.files.opened import opened
from kingpost.stores.files.records import Record, read_csv, read_ndjson
from kingpost.stores.files.sheets import of_sheet, read_sheet
from kingpost.stores.files.values import Text, of_cells, of_values

Row: TypeAlias = tuple[int, list[str | None]]
"""The place of a row in its file, and its values in the order of the columns."""


def read(location: Location, path: Path, table: str, columns: Sequence[Column]) -> Iterator[Row]:
    """The rows of a table's file. Raises `FileFault`, which names file, line and column."""
    try:
        if location.kind == "xlsx":
            sheet = read_sheet(path, table, location.sheet)
            yield from _cells(location, _placed(sheet.header, columns, "row"), sheet.records, "row", of_sheet)
            return
        with opened(str(path)) as source:
            if location.kind == "csv":
                yield from _table(location, source.stream, columns)
            elif location.kind == "ndjson":
                yield from _objects(read_ndjson(source.stream), columns, "line")
            else:
                each = (Record(number, value) for number, value in elements(source.stream))
                yield from _objects(each, columns, "element")
    except FileFault as fault:
        named = fault.message if str(path) in fault.message else f"{path}, {fault.message}"
        remedy = fault.remedy
        if remedy.startswith("--encoding"):
            remedy = "?encoding=windows-1252 in the address, or whatever the file is in"
        raise FileFault(named, remedy) from None


def _table(location: Location, stream: Any, columns: Sequence[Column]) -> Iterator[Row]:
    table = read_csv(stream, location.encoding, location.delimiter)
    placed = _placed(table.header, columns, "line")
    with closing(cast("Generator[Record]", table.records)) as records:
        yield from _cells(location, placed, records, "line", of_cells)


def _cells(
    location: Location,
    placed: Sequence[tuple[str, int, Column]],
    records: Iterator[Record],
    unit: str,
    of: Callable[[Type, Stated], Text],
) -> Iterator[Row]:
    stated = Stated(zone=location.zone)
    plan = [(name, place, of(column.type, stated)) for name, place, column in placed]
    for record in records:
        if record.fault:
            raise FileFault(f"{unit} {record.place} {record.fault}")
        cells = record.data
        try:
            yield record.place, [text(cells[place]) for _, place, text in plan]
        except ValueError:
            raise _misfit(unit, record.place, plan, cells) from None


def _placed(header: Sequence[str], columns: Sequence[Column], unit: str) -> list[tuple[str, int, Column]]:
    missing = [column.name for column in columns if column.name not in header]
    if missing:
        message = f"{unit} 1: there is no column {' and no column '.join(missing)}; there are {', '.join(header)}"
        raise FileFault(message, 'field(column="...") names the column that is meant')
    twice = [column.name for column in columns if header.count(column.name) > 1]
    if twice:
        raise FileFault(f"{unit} 1: the column {twice[0]} is there twice", "call one of them otherwise")
    return [(column.name, header.index(column.name), column) for column in columns]


def _objects(records: Iterator[Record], columns: Sequence[Column], unit: str) -> Iterator[Row]:
    plan = [(column.name, column.name, of_values(column.type)) for column in columns]
    for record in records:
        if record.fault:
            raise FileFault(f"{unit} {record.place} {record.fault}")
        held = record.data
        if not is_object(held):
            raise FileFault(f"{unit} {record.place} is no JSON object")
        try:
            yield record.place, [text(held.get(name)) for name, _, text in plan]
        except ValueError:
            cells = {name: held.get(name) for name, _, _ in plan}
            raise _misfit(unit, record.place, plan, cells) from None


def _misfit(unit: str, place: int, plan: Sequence[tuple[str, Any, Text]], cells: Any) -> FileFault:
    """What is wrong with a row, without its values."""
    for name, at, text in plan:
        try:
            text(cells[at])
        except ValueError as error:
            return FileFault(f"{unit} {place}: {name} {error}")
    return FileFault(f"{unit} {place} can't be read")
