"""Spreadsheets as stores: written by another program, read as what is declared."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from kingpost import App, Resource, anyone, field
from kingpost.language.types import FLOAT, TEXT, Kind, Type
from kingpost.stores.contract import StoreDamaged
from kingpost.testing import Client
from tests.stores.files.harness import NOTE, all_of, one_table


def workbook(path: Path, **sheets: list[list[Any]]) -> Path:
    """A workbook with these sheets."""
    book = openpyxl.Workbook(write_only=True)
    for name, lines in sheets.items():
        sheet = book.create_sheet(name)
        for line in lines:
            sheet.append(line)
    book.save(path)
    return path


async def test_cells_of_a_spreadsheet_have_types(tmp_path: Path) -> None:
    model = one_table(
        text=TEXT.maybe(), number=FLOAT, money=Type(Kind.DECIMAL, digits=8, places=2), yes=Type(Kind.BOOL),
        day=Type(Kind.DATE), at=Type(Kind.DATETIME), clock=Type(Kind.TIME), long=Type(Kind.DURATION).maybe(),
    )  # fmt: skip
    names = ["id", "text", "number", "money", "yes", "day", "at", "clock", "long"]
    noon, midnight = datetime(2026, 7, 1, 12, 0, 1), datetime(2026, 7, 2)  # as spreadsheets have them
    first = [1, "007", 2, 1.1, True, date(2026, 1, 2), noon, time(8, 30), timedelta(hours=30)]
    second = [2.0, 42, 0.1, "7.25", False, midnight, midnight, time(0, 0), None]
    path = workbook(tmp_path / "row.xlsx", row=[names, first, [None] * 9, second])
    assert await all_of(path, model, "&zone=Europe/Amsterdam") == [
        (
            1, "007", 2.0, Decimal("1.10"), True, date(2026, 1, 2), datetime(2026, 7, 1, 10, 0, 1, tzinfo=UTC),
            time(8, 30), timedelta(hours=30),
        ),
        (
            2, "42", 0.1, Decimal("7.25"), False, date(2026, 7, 2), datetime(2026, 7, 1, 22, tzinfo=UTC), time(0, 0),
            None,
        ),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ([1, "a", 1.5], r"row\.xlsx, row 3: number is not a whole number"),
        ([1, "a", True], r"row 3: number is not a whole number"),
        ([None, "a", 1], r"row 3: id is empty"),
        ([7, "b", 1], r"row\.xlsx:2 and row\.xlsx:3 have the same id"),
    ],
)
async def test_what_does_not_fit_in_a_spreadsheet_is_named(tmp_path: Path, line: list[Any], told: str) -> None:
    path = workbook(tmp_path / "row.xlsx", row=[["id", "text", "number"], [7, "a", None], line])
    with pytest.raises(StoreDamaged, match=told):
        await all_of(path)


async def test_the_sheet_is_found(tmp_path: Path) -> None:
    lines = [["id", "text", "number"], [1, "a", None]]
    path = workbook(tmp_path / "row.xlsx", other=[["nothing"]], Row=lines)
    assert await all_of(path) == [(1, "a", None)]
    path = workbook(tmp_path / "book.xlsx", other=[["nothing"]], more=lines)
    with pytest.raises(StoreDamaged, match=r"there are the sheets other, more, and none is called row.*\?sheet="):
        await all_of(path)
    assert await all_of(path, NOTE, "&sheet=more") == [(1, "a", None)]
    with pytest.raises(StoreDamaged, match=r"there is no sheet 'mroe'; did you mean 'more'"):
        await all_of(path, NOTE, "&sheet=mroe")
    path.write_bytes(b"no workbook")
    with pytest.raises(StoreDamaged, match=r"is no workbook"):
        await all_of(path)
    workbook(path, row=[[]])
    with pytest.raises(StoreDamaged, match=r"the sheet row is empty"):
        await all_of(path)


async def test_a_workbook_holds_several_tables(tmp_path: Path) -> None:
    path = workbook(
        tmp_path / "book.xlsx",
        author=[["id", "name"], [1, "Ada"]],
        book=[["id", "author_id"], [1, 1], [2, None]],
    )

    class Author(Resource, adopted=True, read=anyone):
        id: int = field(key=True)
        name: str = field(max_length=10)

    class Book(Resource, adopted=True, read=anyone):
        id: int = field(key=True)
        author: Author | None = None

    app = App("books", resources=[Author, Book], stores={"main": f"xlsx:///{path}?cache={tmp_path}/cache"})
    async with Client(app) as client:
        found = (await client.get("/api/books?include=author&sort=id")).json()["items"]
    assert found == [{"id": 1, "author": {"id": 1, "name": "Ada"}}, {"id": 2, "author": None}]
