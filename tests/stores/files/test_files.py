# ruff: noqa: ASYNC240
"""What is special to stores in files: what does not fit is named, changes are seen, nothing else is reached, adding."""

from __future__ import annotations

import asyncio
import csv
import io
import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kingpost.base.errors import Unsupported
from kingpost.base.problems import DeclarationError
from kingpost.language.tree import Compare, Const, Field, Root
from kingpost.language.types import FLOAT, INT, TEXT, Kind, Type
from kingpost.plan.select import Check, Delete, Insert, Select
from kingpost.stores.contract import CheckFailed, StoreDamaged, StoreDown, StoreError, UniqueViolation
from kingpost.stores.files.append import NOTE as LENGTH_NOTE
from kingpost.stores.files.store import FilesStore
from kingpost.testing.conformance_model import MODEL
from tests.soak import count
from tests.stores.files.harness import NOTE, adopted, all_of, one_table, opened, rows


def insert(*values: tuple[Any, ...]) -> Insert:
    return Insert("Row", ("id", "text", "number"), list(values))


# -------------------------------------------------------------------------------------------- what the library has said

TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=30)
ROWS = st.lists(st.tuples(TEXTS, st.integers(-(2**63), 2**63 - 1) | st.none()), max_size=8)
OFTEN = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@OFTEN
@given(
    held=ROWS,
    ending=st.sampled_from(["\n", "\r\n"]),
    quoting=st.sampled_from([csv.QUOTE_ALL, csv.QUOTE_MINIMAL]),
    delimiter=st.sampled_from([",", ";", "\t"]),
    mark=st.booleans(),
)
def test_what_the_csv_module_writes_comes_back(
    tmp_path: Path, held: list[Any], ending: str, quoting: Any, delimiter: str, mark: bool
) -> None:
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=delimiter, quoting=quoting, lineterminator=ending)
    writer.writerow(["id", "text", "number"])
    for key, (words, number) in enumerate(held):
        shown = words if quoting == csv.QUOTE_ALL or not {"\r", "\n"} & set(words) else words.replace("\r", "\n")
        held[key] = (shown, number)
        writer.writerow([key, shown, "" if number is None else number])
    path = tmp_path / "row.csv"
    path.write_bytes(text.getvalue().encode("utf-8-sig" if mark else "utf-8"))
    os.utime(path, ns=(time.time_ns(), time.time_ns()))
    assert asyncio.run(all_of(path)) == [(key, *row) for key, row in enumerate(held)]


@OFTEN
@given(held=ROWS, plainly=st.booleans(), kind=st.sampled_from(["json", "ndjson"]))
def test_what_the_json_module_writes_comes_back(tmp_path: Path, held: list[Any], plainly: bool, kind: str) -> None:
    objects = [{"number": number, "id": key, "text": words, "more": [1]} for key, (words, number) in enumerate(held)]
    path = tmp_path / f"row.{kind}"
    if kind == "json":
        path.write_text(json.dumps(objects, ensure_ascii=plainly, indent=plainly or None), "utf-8")
    else:
        path.write_text("".join(json.dumps(one, ensure_ascii=plainly) + "\n" for one in objects), "utf-8")
    assert asyncio.run(all_of(path)) == [(key, *row) for key, row in enumerate(held)]


@OFTEN
@given(held=ROWS, kind=st.sampled_from(["csv", "ndjson"]))
def test_the_library_reads_what_was_added(tmp_path: Path, held: list[Any], kind: str) -> None:
    path = tmp_path / f"row.{kind}"
    path.write_bytes(b"id,text,number" if kind == "csv" else b"")  # without an end of line

    async def add() -> list[tuple[Any, ...]]:
        async with opened(path, query="&append=yes") as store:
            for key, row in enumerate(held):
                await store.write([insert((key, *row))])
            return await rows(store)

    expected = [(key, *row) for key, row in enumerate(held)]
    assert asyncio.run(add()) == expected
    assert asyncio.run(all_of(path)) == expected
    with path.open(newline="", encoding="utf-8") as file:
        if kind == "csv":
            _, *found = csv.reader(file)
            read = [(int(a), b, int(c) if c else None) for a, b, c in found]
        else:
            read = [tuple(json.loads(line).values()) for line in file.read().split("\n") if line]
    assert read == expected


# ------------------------------------------------------------------------------------------------------ what is refused


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("row.csv", "id,text,number\n1,a,x\n", r"row\.csv, line 2: number is not a whole number"),
        ("row.csv", 'id,text,number\n1,"a\nb",1\n2,c,1.5\n', r"line 4: number is not a whole number"),
        ("row.csv", "id,text,number\n1,a\n", r"line 2 has 2 cells, the header 3"),
        ("row.csv", "id,text,number\n1,a,1,2\n", r"line 2 has 4 cells, the header 3"),
        ("row.csv", "id,text\n1,a\n", r"line 1: there is no column number; there are id, text"),
        ("row.csv", "id,text,number,text\n1,a,1,b\n", r"line 1: the column text is there twice"),
        ("row.csv", "id,text,number\n,a,1\n", r"line 2: id is empty, and is not optional"),
        ("row.csv", "id,text,number\n1,a,9223372036854775808\n", r"line 2: number does not fit into 64 bits"),
        ("row.csv", "id,text,number\n1,a,\n2,b,\n1,c,\n", r"row\.csv:2 and row\.csv:4 have the same id"),
        ("row.csv", 'id,text,number\n1,"a,1\n', r"line 2: a quoted cell has no end"),
        ("row.csv", "id,text,number\n1,a\0,1\n", r"line 2"),
        ("row.csv", b"id,text,number\n1,\xff,1\n", r"or soon after is not utf-8(.|\n)*encoding=windows-1252"),
        ("row.csv", "", r"the file is empty: there is no header"),
        ("row.ndjson", '{"id": 1, "text": "a"}\n{"id": "2", "text": "b"}\n', r"line 2: id is not a whole number"),
        ("row.ndjson", '{"id": 1, "text": "a"\n', r"line 1 is not JSON"),
        ("row.ndjson", '{"id": 1, "id": 2, "text": "a"}\n', r"line 1 is not JSON: the member 'id' is given twice"),
        ("row.ndjson", '{"id": 1}\n', r"line 1: text is empty, and is not optional"),
        ("row.ndjson", "[1]\n", r"line 1 is no JSON object"),
        ("row.json", '[{"id": 1, "text": 5}]', r"element 1: text is not a text"),
        ("row.json", '[{"id": 1, "text": "a"}', r"a comma, or the end of the array"),
        ("row.json", '{"id": 1}', r"begins with no \["),
        ("row.parquet", "no parquet", r"is no Parquet file"),
    ],
)
async def test_what_does_not_fit_is_named(tmp_path: Path, name: str, content: str | bytes, told: str) -> None:
    path = tmp_path / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    async with opened(path) as store:
        with pytest.raises(StoreDamaged, match=told) as caught:
            await rows(store)
        (change,) = await store.compare()
        assert change.kind == "refuse"
        assert change.text == str(caught.value)


@pytest.mark.parametrize(
    ("type", "cell", "told"),
    [
        (FLOAT, "nan", "is not a number"),
        (FLOAT, "1e999", "is not a finite number"),
        (Type(Kind.DECIMAL, digits=6, places=2), "1.234", "more than 2 decimal places"),
        (Type(Kind.DECIMAL, digits=6, places=2), "12345.00", "more than 4 digits"),
        (Type(Kind.BOOL), "maybe", "is not true or false"),
        (Type(Kind.DATE), "2026-02-30", "is not a date"),
        (Type(Kind.DATETIME), "2026-01-01T00:00:00", "must have an offset"),
        (Type(Kind.DATETIME), "yesterday", "is not an instant"),
        (Type(Kind.UUID), "1234", "is not a UUID"),
        (Type(Kind.TEXT, choices=("a", "b")), "c", "is none of a, b"),
        (Type(Kind.JSON), "{", "must be JSON"),
    ],
)
async def test_values_are_read_strictly(tmp_path: Path, type: Type, cell: str, told: str) -> None:
    path, model = tmp_path / "row.csv", one_table(value=type)
    path.write_text(f"id;value\n1;{cell}\n")
    with pytest.raises(StoreDamaged, match=rf"line 2: value .*{told}"):
        await all_of(path, model)


async def test_instants_without_an_offset_are_in_the_zone_that_is_named(tmp_path: Path) -> None:
    path, model = tmp_path / "row.csv", one_table(at=Type(Kind.DATETIME))
    path.write_text("id,at\n1,2026-07-01 12:00\n")
    ((_, at),) = await all_of(path, model, "&zone=Europe/Amsterdam")
    assert at.isoformat() == "2026-07-01T10:00:00+00:00"


async def test_parquet(tmp_path: Path) -> None:
    path = tmp_path / "row.parquet"
    model = one_table(text=TEXT, number=INT.maybe(), money=Type(Kind.DECIMAL, digits=8, places=2))
    names, first = "id, text, number, money", "1::INTEGER, 'ä', NULL::SMALLINT, 1.5::DECIMAL(4,1)"
    source = f"SELECT * FROM (VALUES ({first}), (2, '', 7, 2)) t({names})"
    duckdb.sql(f"COPY ({source}) TO '{path}' (FORMAT parquet)")
    assert await all_of(path, model) == [(1, "ä", None, Decimal("1.50")), (2, "", 7, Decimal("2.00"))]
    duckdb.sql(f"COPY (SELECT 1 AS id, NULL::VARCHAR AS text, 1 AS number, 1 AS money) TO '{path}' (FORMAT parquet)")
    with pytest.raises(StoreDamaged, match=r"row 1: text is empty"):
        await all_of(path, model)
    duckdb.sql(f"COPY (SELECT '1' AS id, 'a' AS text, 1 AS number, 1 AS money) TO '{path}' (FORMAT parquet)")
    with pytest.raises(StoreDamaged, match=r"the column id is of VARCHAR, which is no int"):
        await all_of(path, model)


# ------------------------------------------------------------------------------------------------------ places and time


async def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(StoreDown, match=r"there is no file .*row\.csv"):
        await all_of(tmp_path / "row.csv")
    path = tmp_path / "row.csv"
    path.write_text("id,text,number\n1,a,1\n")
    async with opened(path) as store:
        assert len(await rows(store)) == 1
        path.unlink()
        with pytest.raises(StoreDown, match=r"there is no file .*row\.csv"):
            await rows(store)


async def test_a_changed_file_is_read_anew_while_a_stream_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "row.csv"
    path.write_text("id,text,number\n" + "".join(f"{key},a,1\n" for key in range(5000)))
    async with opened(path) as store:
        asked = store.prepare(Select("Row", (Field(Root("Row"), "id", INT),)))
        stream = store.stream(asked, {}, chunk=1000)
        seen = len(await anext(stream))
        path.write_text("id,text,number\n1,b,\n")
        assert await rows(store) == [(1, "b", None)]
        async for part in stream:
            seen += len(part)
        assert seen == 5000


async def test_what_was_read_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "row.csv"
    path.write_text("id,text,number\n1,a,1\n")
    assert await all_of(path) == [(1, "a", 1)]
    monkeypatch.setattr("kingpost.stores.files.kept.read", None)  # nobody reads it again
    assert await all_of(path) == [(1, "a", 1)]
    assert len(list((tmp_path / "cache").glob("*.duckdb"))) == 1


async def test_all_files_of_a_pattern_are_one_table(tmp_path: Path) -> None:
    for part in (1, 2):
        (tmp_path / f"part-{part}.csv").write_text(f"id,text,number\n{part},a,1\n")
    (tmp_path / "other.csv").write_text("nothing of this")
    async with opened(tmp_path / "part-*.csv", kind="csv") as store:
        assert await rows(store) == [(1, "a", 1), (2, "a", 1)]
        (tmp_path / "part-3.csv").write_text("id,text,number\n2,b,1\n")
        with pytest.raises(StoreDamaged, match=r"part-2\.csv:2 and part-3\.csv:2 have the same id"):
            await rows(store)


async def test_a_link_out_of_the_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "secret.csv").write_text("id,text,number\n1,a,1\n")
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "row.csv").symlink_to(tmp_path / "secret.csv")
    with pytest.raises(StoreDown, match="leads out of"):
        async with opened(tmp_path / "data", kind="csv"):
            pass


async def test_nothing_else_is_reached(tmp_path: Path) -> None:
    path = tmp_path / "row.csv"
    path.write_text("id,text,number\n1,a,1\n")
    async with opened(path) as store, store._asked() as snapshot:
        for statement in (
            "SELECT * FROM read_csv('/etc/passwd')",
            f"SELECT * FROM read_csv('{path}')",
            "SELECT * FROM 'https://example.org/x.parquet'",
            "INSTALL httpfs",
            "LOAD httpfs",
            "DELETE FROM kept_0.main.rows",
        ):
            with pytest.raises(duckdb.Error):
                await snapshot.reader.fetch(statement, ())


# -------------------------------------------------------------------------------------------------------- declarations


@pytest.mark.parametrize(
    "url",
    [
        "csv:data.csv",
        "csv://data.csv",
        "csv:///",
        "csv:///a.csv?append=maybe",
        "parquet:///a.parquet?append=yes",
        "csv:///a-*.csv?append=yes",
        "csv:///a.csv?zone=Nowhere",
        "csv:///a.csv?delimiter=ab",
        "csv:///a.csv?x=1",
    ],
)
def test_addresses_that_mean_nothing_are_refused(url: str) -> None:
    with pytest.raises(DeclarationError, match="KP311"):
        FilesStore(url, NOTE, "main")


def test_several_resources_want_a_folder() -> None:
    with pytest.raises(DeclarationError, match="it is of one table, and several live there"):
        FilesStore("csv:///a.csv", adopted(MODEL), "main")


def test_versions_are_not_counted_in_files() -> None:
    with pytest.raises(DeclarationError, match=r"KP313 Author counts the versions(.|\n)*adopted=True"):
        FilesStore("csv:///folder", MODEL, "main")


# --------------------------------------------------------------------------------------------------------------- adding


@pytest.fixture
def path(tmp_path: Path) -> Path:
    found = tmp_path / "row.csv"
    found.write_text("number,id,text\n1,1,a\n")
    return found


async def test_added_rows_are_seen_and_on_the_disk(path: Path) -> None:
    async with opened(path, query="&append=yes") as store:
        await store.write([insert((2, 'b"\n;', None), (3, "c", 3))])
        assert await rows(store) == [(1, "a", 1), (2, 'b"\n;', None), (3, "c", 3)]
    assert path.read_bytes() == b'number,id,text\n1,1,a\n,2,"b""\n;"\r\n3,3,c\r\n'
    assert await all_of(path) == [(1, "a", 1), (2, 'b"\n;', None), (3, "c", 3)]


async def test_keys_that_are_there_are_refused(path: Path) -> None:
    async with opened(path, query="&append=yes") as store:
        for batch in ([insert((1, "b", 1))], [insert((2, "b", 1), (2, "c", 1))]):
            with pytest.raises(UniqueViolation):
                await store.write(batch)
        await store.write([insert((2, "b", 1))])
        with pytest.raises(UniqueViolation):
            await store.write([insert((2, "c", 1))])
        assert [row[0] for row in await rows(store)] == [1, 2]
    assert path.read_text().count("\n") == 3


async def test_a_check_that_fails_leaves_nothing(path: Path) -> None:
    before = path.read_bytes()
    mine = Select("Row", (Field(Root("Row"), "id", INT),), Compare("==", Field(Root("Row"), "id", INT), Const(9, INT)))
    async with opened(path, query="&append=yes") as store:
        await store.write([insert((2, "b", 1)), Check(replace(mine, where=None), rows=2)])
        before = path.read_bytes()
        with pytest.raises(CheckFailed):
            await store.write([insert((3, "b", 1)), Check(mine, rows=1, reason="create")])
        assert path.read_bytes() == before
        assert len(await rows(store)) == 2


async def test_what_files_can_not_do_is_refused(path: Path) -> None:
    async with opened(path) as store:
        with pytest.raises(Unsupported, match="append=yes"):
            await store.write([insert((2, "b", 1))])
        with pytest.raises(Unsupported, match="neither changed nor deleted"):
            await store.write([Delete("Row", (1,))])
        with pytest.raises(Unsupported, match="no transactions"):
            async with store.transaction():
                pass


async def test_none_is_not_added_where_it_is_not_declared(path: Path) -> None:
    async with opened(path, query="&append=yes") as store:
        with pytest.raises(StoreError):
            await store.write([Insert("Row", ("id", "number"), [(2, 1)])])
        assert len(await rows(store)) == 1


async def test_an_empty_text_that_would_come_back_as_none_is_refused(tmp_path: Path) -> None:
    path, model = tmp_path / "row.csv", one_table(text=TEXT.maybe())
    path.write_text("id,text\n")
    async with opened(path, model, "&append=yes") as store:
        with pytest.raises(Unsupported, match="means None"):
            await store.write([Insert("Row", ("id", "text"), [(1, "")])])
        assert await rows(store, model) == []


async def test_half_a_line_of_a_process_that_ended_is_cut_off(path: Path) -> None:
    whole = path.read_bytes()
    path.with_name(path.name + LENGTH_NOTE).write_text(f"{len(whole)}\n")
    path.write_bytes(whole + b"2,2,hal")
    async with opened(path, query="&append=yes") as store:
        assert path.read_bytes() == whole
        assert await rows(store) == [(1, "a", 1)]
    assert not path.with_name(path.name + LENGTH_NOTE).exists()


async def test_two_stores_add_to_one_file(path: Path) -> None:
    async with opened(path, query="&append=yes") as one, opened(path, query="&append=yes") as other:

        async def add(store: FilesStore, key: int) -> None:
            while True:
                try:
                    await store.write([insert((key, "x", key))])
                    return
                except StoreDown:
                    await asyncio.sleep(0.01)

        await asyncio.gather(*(add(one if key % 2 else other, key) for key in range(2, 12)))
        assert [row[0] for row in await rows(one)] == list(range(1, 12))
        assert await rows(other) == await rows(one)


async def test_what_was_acknowledged_is_there_after_a_kill(path: Path) -> None:
    code = f"""
import asyncio
from pathlib import Path
from tests.stores.files.test_files import insert, opened
async def main():
    async with opened(Path({str(path)!r}), query="&append=yes") as store:
        for key in range(2, 10000):
            await store.write([insert((key, "x" * 5000, key))])
            print(key, flush=True)
asyncio.run(main())
"""
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as process:  # noqa: ASYNC220
        assert process.stdout is not None
        for _ in range(30):
            process.stdout.readline()
        process.send_signal(signal.SIGKILL)
        told = [int(line) for line in process.stdout.read().split()]
    async with opened(path, query="&append=yes") as store:
        found = [row[0] for row in await rows(store)]
    assert found == list(range(1, len(found) + 1))
    assert len(found) >= max([31, *told])


# --------------------------------------------------------------------------------------------------------------- memory


@pytest.mark.soak
def test_a_large_file_is_read_in_bounded_memory(tmp_path: Path) -> None:
    megabytes = count(50, 1000)
    path = tmp_path / "row.csv"
    line, length = "x" * 480, megabytes * 2000
    with path.open("w") as file:
        file.write("id,text,number\n")
        file.writelines(f"{key},{line},{key}\n" for key in range(length))
    code = f"""
import asyncio, re
from pathlib import Path
from kingpost.language.tree import Summary
from kingpost.language.types import INT
from kingpost.plan.select import Select
from tests.stores.files.test_files import opened
async def main():
    async with opened(Path({str(path)!r}), query="&memory=200MB") as store:
        asked = Select("Row", (Summary("count", None, INT),), group=())
        print((await store.fetch(store.prepare(asked), {{}}))[0][0])
    status = Path('/proc/self/status').read_text()  # ru_maxrss would count the process this one was forked from
    print(int(re.search(r'VmHWM:\\s+(\\d+)', status)[1]) >> 10)
asyncio.run(main())
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    found, peak = map(int, done.stdout.split())
    assert found == length
    assert peak < 600
