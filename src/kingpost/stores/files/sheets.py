"""Rows of spreadsheets (XLSX), whose cells have types: each becomes the text that a cell of CSV would have.

A formula is what it came to when the file was saved, and an empty cell where that is an error. An instant has no zone,
so one has to be stated.
"""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import msgspec

from kingpost.language.types import Kind, Type
from kingpost.model.names import meant
from kingpost.stores.files.cells import Stated
from kingpost.stores.files.faults import FileFault
from kingpost.stores.files.records import Record
from kingpost.stores.files.values import of_cells

if TYPE_CHECKING:
    from python_calamine import CalamineSheet, CalamineWorkbook

LARGEST: Final = 1 << 30
"""Bytes that a workbook may unpack to: a sheet is read in memory."""
EXACT: Final = 1 << 53
"""Whole numbers below this are exact in a spreadsheet."""


@dataclass(frozen=True, slots=True)
class Sheet:
    """A sheet: its first row, and those below it."""

    name: str
    header: tuple[str, ...]
    records: Iterator[Record]


def sheets_in(path: Path) -> list[str]:
    """The names of the sheets of a workbook. Raises `FileFault`."""
    return list(_opened(path).sheet_names)


def read_sheet(path: Path, table: str, stated: str | None) -> Sheet:
    """The sheet of a table: the one that is `stated`, or called as the table, or the only one. Raises `FileFault`."""
    found = _chosen(_opened(path), table, stated)
    rows = found.iter_rows()
    first = found.start[0] + 1 if found.start is not None else 1
    header = next(rows, None)
    if header is None or not any(header):
        raise FileFault(f"the sheet {found.name} is empty: there is no header row", "names in its first row")
    names = tuple(as_text(cell, Kind.TEXT).strip() for cell in header)
    return Sheet(found.name, names, _records(rows, first + 1))


def _opened(path: Path) -> CalamineWorkbook:
    from python_calamine import CalamineError, CalamineWorkbook

    try:
        with zipfile.ZipFile(path) as archive:
            size = sum(one.file_size for one in archive.infolist())
        if size > LARGEST:
            raise FileFault(f"unpacks to {size:,} bytes, and at most {LARGEST:,} are read", "save it as CSV")
        return CalamineWorkbook.from_path(str(path))  # pyright: ignore[reportUnknownMemberType]
    except zipfile.BadZipFile:
        raise FileFault("is no workbook of Excel", "an .xlsx file; older ones have to be saved anew") from None
    except CalamineError as error:
        raise FileFault(f"can't be read as a workbook: {error}", "open it in a spreadsheet and save it anew") from None


def _chosen(book: CalamineWorkbook, table: str, stated: str | None) -> CalamineSheet:
    names = book.sheet_names
    if stated is not None:
        if stated not in names:
            raise FileFault(f"there is no sheet {stated!r}; {meant(stated, names)}", f"one of {', '.join(names)}")
        return book.get_sheet_by_name(stated)
    same = [name for name in names if name.casefold() == table.casefold()]
    if same or len(names) == 1:
        return book.get_sheet_by_name((same or names)[0])
    told = f"there are the sheets {', '.join(names)}, and none is called {table}"
    raise FileFault(told, "?sheet= in the address names the one that is meant")


def _records(rows: Iterator[Sequence[Any]], first: int) -> Iterator[Record]:
    for place, row in enumerate(rows, first):
        if any(cell != "" for cell in row):  # an empty row is none
            yield Record(place, row)


def of_sheet(type: Type, stated: Stated) -> Callable[[Any], str | None]:
    """What makes the text of a cell for a column. Raises ValueError with words where it has no value to make."""
    text = of_cells(type, stated)
    return lambda cell: text(as_text(cell, type.kind))


def as_text(cell: Any, kind: Kind) -> str:
    """A cell as it would stand in CSV. Spreadsheets tell days from instants by their format alone."""
    match cell:
        case str():
            return cell
        case bool():
            return "true" if cell else "false"
        case float():
            return str(int(cell)) if cell.is_integer() and abs(cell) < EXACT else repr(cell)
        case datetime():
            midnight = kind is Kind.DATE and cell.time() == time()
            return cell.date().isoformat() if midnight else cell.isoformat(" ")
        case date():
            return f"{cell} 00:00:00" if kind is Kind.DATETIME else cell.isoformat()
        case timedelta():
            return str(msgspec.to_builtins(cell))
        case _:
            return cell.isoformat() if isinstance(cell, time) else str(cell)
