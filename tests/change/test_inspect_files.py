"""Classes written for files: whatever is in them, the files are read as the classes say."""

from __future__ import annotations

import asyncio
import csv
import gzip
import io
import json
from pathlib import Path

import duckdb
import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kingpost.base.problems import DeclarationError
from kingpost.change.faults import InspectFault
from kingpost.change.inspect import Asked, inspect
from kingpost.stores.contract import StoreDamaged, StoreDown
from kingpost.testing import Client
from tests.change.inspecting import imported
from tests.cli.running import kingpost
from tests.soak import count

ROWS = [
    {"code": "AMS", "height": -11, "share": 0.5, "since": "1916-09-16", "seen": "2026-01-01T10:00:00Z", "open": True},
    {"code": "ZRH", "height": 1416, "share": 2.0, "since": "1948-01-01", "seen": "2026-01-01T11:00:00Z", "open": False},
    {"code": "XXX", "height": None, "share": None, "since": None, "seen": None, "open": None},
]
CLASS = """class Airport(Resource, adopted=True, read=anyone):
    code: str = field(key=True)
    height: int | None = None
    share: float | None = None
    since: date | None = None
    seen: datetime | None = None
    open: bool | None = None
"""


def write(folder: Path, kind: str) -> str:
    """The rows as a file of each kind; answers its address."""
    path = folder / f"airport.{kind}"
    match kind:
        case "csv" | "csv.gz":
            text = io.StringIO()
            writer = csv.DictWriter(text, ROWS[0], delimiter=";")
            writer.writeheader()
            writer.writerows(ROWS)
            data = text.getvalue().encode("utf-8-sig")
            path.write_bytes(gzip.compress(data) if kind == "csv.gz" else data)
        case "ndjson":
            path.write_text("".join(f"{json.dumps(row)}\n" for row in ROWS))
        case "json":
            path.write_text(json.dumps(ROWS))
        case "parquet":
            source = f"read_json('{folder}/rows.json')"
            (folder / "rows.json").write_text(json.dumps(ROWS))
            columns = "code, height::SMALLINT height, share, since::DATE since, seen::TIMESTAMPTZ seen, open"
            duckdb.sql(f"COPY (SELECT {columns} FROM {source}) TO '{path}' (FORMAT parquet)")
        case _:
            book = openpyxl.Workbook(write_only=True)
            sheet = book.create_sheet("airport")
            sheet.append(list(ROWS[0]))
            for row in ROWS:
                sheet.append(list(row.values()))
            book.save(path)
    return f"{kind.removesuffix('.gz')}:///{path}?cache={folder}/cache"


@pytest.mark.parametrize("kind", ["csv", "csv.gz", "ndjson", "json", "parquet", "xlsx"])
async def test_each_kind_is_declared_and_read(tmp_path: Path, kind: str) -> None:
    found = await inspect(Asked(write(tmp_path, kind), public=True))
    assert CLASS in found.text
    assert (found.tables, found.classes, found.left) == (1, 1, ())
    app = imported(found.text, tmp_path)
    assert (await app.compare())["main"] == []
    async with Client(app) as client:
        items = (await client.get("/api/airports?sort=code")).json()["items"]
    assert items == sorted(ROWS, key=lambda row: str(row["code"]))


async def test_a_folder_and_a_workbook_have_a_class_for_each_table(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("id\n1\n")
    (tmp_path / "b.tsv").write_text("id\tname\n1\tx\n")
    (tmp_path / "c.json").write_text("[]")
    found = await inspect(Asked(f"csv:///{tmp_path}?cache={tmp_path}/cache"))
    assert [one.__name__ for one in imported(found.text, tmp_path).model.classes] == ["A", "B"]
    assert "Nobody may read" in found.text
    found = await inspect(Asked(f"csv:///{tmp_path}?cache={tmp_path}/cache", tables=("b",)))
    assert [one.__name__ for one in imported(found.text, tmp_path).model.classes] == ["B"]
    book = openpyxl.Workbook(write_only=True)
    for name in ("author", "book"):
        book.create_sheet(name).append(["id"])
    book.save(tmp_path / "shelf.xlsx")
    found = await inspect(Asked(f"xlsx:///{tmp_path}/shelf.xlsx"))
    assert found.left == ("author", "book")
    assert "nothing tells its rows apart" in found.text


async def test_what_looks_like_a_number_may_be_a_name(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("id,zip,flag,mixed,data\n1,0123,1,5,{}\n2,8058,0,x,[1]\n")
    text = (await inspect(Asked(f"csv:///{tmp_path}"))).text
    for line in ("id: int = field(key=True)", "zip: str\n", "flag: int\n", "mixed: str\n", "data: str\n"):
        assert f"    {line}" in text
    (tmp_path / "a.ndjson").write_text('{"id": 1, "data": {"a": 1}, "n": 1}\n{"id": 2, "data": null, "n": "x"}\n')
    text = (await inspect(Asked(f"ndjson:///{tmp_path}"))).text
    assert "data: Json" in text
    assert "Its values are of several types" in text


async def test_what_can_not_be_inspected(tmp_path: Path) -> None:
    with pytest.raises(StoreDown, match="there is no folder"):
        await inspect(Asked(f"csv:///{tmp_path}/nowhere"))
    with pytest.raises(StoreDown, match="there is no file"):
        await inspect(Asked(f"csv:///{tmp_path}/nowhere.csv"))
    with pytest.raises(InspectFault, match="no table to write"):
        await inspect(Asked(f"csv:///{tmp_path}"))
    (tmp_path / "a.parquet").write_text("none")
    with pytest.raises(StoreDamaged, match=r"a\.parquet: is no Parquet file"):
        await inspect(Asked(f"parquet:///{tmp_path}"))
    (tmp_path / "a.xlsx").write_text("none")
    with pytest.raises(StoreDamaged, match=r"a\.xlsx: is no workbook"):
        await inspect(Asked(f"xlsx:///{tmp_path}/a.xlsx"))
    with pytest.raises(DeclarationError, match="KP311"):
        await inspect(Asked("csv://data"))


async def test_columns_that_can_not_be_declared_are_said(tmp_path: Path) -> None:
    duckdb.sql(f"COPY (SELECT 1 AS id, [1, 2] AS list, TIMESTAMP '2026-01-01' AS at) TO '{tmp_path}/a.parquet'")
    text = (await inspect(Asked(f"parquet:///{tmp_path}"))).text
    assert "the column list of INTEGER[]" in text
    assert "the column at of TIMESTAMP," in text
    assert (await imported(text, tmp_path).compare())["main"] == []


CELLS = st.one_of(
    st.sampled_from(
        ["", "0", "1", "-7", "007", "1.5", "1e3", "yes", "no", "true", "2026-01-31", "12:30", "PT1H", "nan"]
    ),
    st.sampled_from(
        ["2026-01-31T12:00:00Z", "2026-01-31 12:00", "9223372036854775808", "nan", "1,5", " 1 ", "{}", "ä"]
    ),
    st.integers().map(str),
    st.floats(allow_nan=False).map(str),
    st.uuids().map(str),
    st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=5),
)


@settings(max_examples=count(100, 5_000), deadline=None)
@given(st.lists(st.tuples(CELLS, CELLS), min_size=1, max_size=4))
def test_whatever_is_in_a_file_it_is_read_as_declared(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, str]]
) -> None:
    folder = tmp_path_factory.mktemp("inspect")
    with (folder / "row.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["id", "a", "b"])
        writer.writerows([number, *row] for number, row in enumerate(rows))

    async def differences() -> list[str]:
        found = await inspect(Asked(f"csv:///{folder}/row.csv?cache={folder}/cache&delimiter=%2C"))
        return [change.text for change in (await imported(found.text, folder).compare())["main"]]

    assert asyncio.run(differences()) == []


def test_the_command(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    write(tmp_path / "data", "csv")
    done = kingpost("inspect", "csv:///data", "--public", "-o", "app.py", folder=tmp_path)
    assert "1 table: 1 class, in app.py" in done.stderr
    assert CLASS in (tmp_path / "app.py").read_text()
    assert "no problems" in kingpost("check", folder=tmp_path).stdout
