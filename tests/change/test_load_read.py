"""From bytes to records: CSV, an object a line, and JSON arrays in bounded memory."""

from __future__ import annotations

import gzip
import io
import json
import zipfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kingpost.change.load_rejects import rejects_path
from kingpost.stores.files.arrays import elements
from kingpost.stores.files.faults import FileFault
from kingpost.stores.files.opened import opened
from kingpost.stores.files.records import Record, read_csv, read_ndjson


def stream(data: str | bytes) -> io.BufferedReader:
    return io.BufferedReader(io.BytesIO(data if isinstance(data, bytes) else data.encode()))


def rows(data: str | bytes, **how: Any) -> list[tuple[int, Any, str]]:
    return [(one.place, one.data, one.fault) for one in read_csv(stream(data), **how).records]


# ----------------------------------------------------------------------------------------------------------------- CSV


def test_a_table_has_a_header_and_rows_with_their_lines() -> None:
    table = read_csv(stream('name, hours\r\nAda,1\r\n"two\nlines",2\r\n\r\nBob,3'))
    assert table.header == ("name", "hours")
    assert list(table.records) == [
        Record(2, ["Ada", "1"]), Record(3, ["two\nlines", "2"]), Record(6, ["Bob", "3"])
    ]  # fmt: skip


@pytest.mark.parametrize(("text", "delimiter"), [
    ("a,b\n1,2\n", ","), ("a;b\n1;2\n", ";"), ("a\tb\n1\t2\n", "\t"), ("a|b\n1|2\n", "|"), ("a;b,c\n1;2\n", ","),
    ('"a,x";b\n1;2\n', ";"), ("a\n1\n", ","),
])  # fmt: skip
def test_the_header_tells_the_delimiter(text: str, delimiter: str) -> None:
    assert read_csv(stream(text)).delimiter == delimiter


def test_a_delimiter_that_is_given_counts() -> None:
    assert rows("a;b\n1,x;2\n", delimiter=";") == [(2, ["1,x", "2"], "")]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
def test_a_byte_order_mark_is_no_part_of_the_first_name(encoding: str) -> None:
    mark = "\ufeff" if encoding in ("utf-16-le", "utf-16-be") else ""
    table = read_csv(stream(f"{mark}naïve,b\n1,2\n".encode(encoding)))
    assert table.header == ("naïve", "b")
    assert [one.data for one in table.records] == [["1", "2"]]


def test_another_encoding_has_to_be_named() -> None:
    data = "name\nMüller\n".encode("windows-1252")
    assert rows(data, encoding="windows-1252") == [(2, ["Müller"], "")]
    with pytest.raises(FileFault, match=r"line \d+ or soon after is not utf-8") as fault:
        rows(data)
    assert "--encoding" in fault.value.remedy
    with pytest.raises(FileFault, match="no encoding 'klingon'"):
        rows(data, encoding="klingon")


def test_rows_of_another_width_are_told_apart() -> None:
    assert rows("a,b\n1\n1,2,3\n1,2\n") == [
        (2, ["1"], "has 1 cells, the header 2"), (3, ["1", "2", "3"], "has 3 cells, the header 2"), (4, ["1", "2"], "")
    ]  # fmt: skip


def test_a_row_with_broken_quotes_does_not_take_others_with_it() -> None:
    (broken, whole) = rows('a,b\n"x"y,1\nz,2\n')
    assert broken[0] == 2
    assert broken[2].startswith("can't be read")
    assert whole == (3, ["z", "2"], "")


def test_a_quote_that_is_never_closed_is_told_with_its_line() -> None:
    with pytest.raises(FileFault, match="line 3: a quoted cell has no end"):
        rows('a,b\n1,2\n"x,3\n4,5\n')


def test_an_empty_file_has_no_header() -> None:
    with pytest.raises(FileFault, match="empty"):
        rows("")
    assert rows("a,b\n") == []


# -------------------------------------------------------------------------------------------------------------- NDJSON


def test_an_object_a_line() -> None:
    text = '\ufeff{"a": 1}\n\n  {"a": "é"}  \r\n[1]\n{"a": 1, "a": 2}\n{"a": NaN}\n{"a"\n' + "[" * 100_000
    found = [(one.place, one.data, one.fault.partition(":")[0]) for one in read_ndjson(stream(text))]
    assert found[:3] == [(1, {"a": 1}, ""), (3, {"a": "é"}, ""), (4, "[1]", "is no JSON object")]
    assert [(place, fault) for place, _, fault in found[3:]] == [(n, "is not JSON") for n in (5, 6, 7, 8)]
    ((place, _, fault),) = [(one.place, one.data, one.fault) for one in read_ndjson(stream(b'{"a": "\xff"}\n'))]
    assert (place, fault) == (1, "is not UTF-8")


# ---------------------------------------------------------------------------------------------------------- JSON arrays

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=12,
)


@given(st.lists(JSON, max_size=8), st.integers(1, 40), st.sampled_from([None, 1, "\t"]))
def test_an_array_is_read_as_a_whole_decoder_reads_it(values: list[Any], window: int, indent: Any) -> None:
    text = json.dumps(values, indent=indent, ensure_ascii=False).encode("utf-8", "surrogatepass")
    try:
        text.decode()
    except UnicodeDecodeError:
        return  # lone surrogates are no JSON text
    assert list(elements(stream(text), window)) == list(enumerate(values, 1))


@pytest.mark.parametrize(("text", "words"), [
    ("", "begins with no ["), ('{"a": 1}', "begins with no ["), ("[1 2]", "element 1"), ("[1,]", "element 2"),
    ("[1", "element 1"), ("[{}, {", "element 2"), ("[1] 2", "follows the end"), ("[NaN]", "NaN"),
    ('[{"a": 1, "a": 2}]', "'a' is given twice"), ("[\xff]", "element 1"), ("[" * 200_000, "element 1"),
])  # fmt: skip
@pytest.mark.parametrize("window", [1, 1000])
def test_what_is_no_array_is_told_by_its_element(text: str, words: str, window: int) -> None:
    if window == 1 and len(text) > 1000:
        window = 10_000
    with pytest.raises(FileFault) as fault:
        list(elements(stream(text), window))
    assert words in fault.value.message


def test_elements_come_before_the_end_is_read() -> None:
    class Endless(io.RawIOBase):
        begun = False

        def readable(self) -> bool:
            return True

        def readinto(self, buffer: Any) -> int:
            text = (b"" if self.begun else b"[") + b'{"n": 1},' * 10
            self.begun = True
            buffer[: len(text)] = text
            return len(text)

    each = elements(io.BufferedReader(Endless(), 256), 100)
    assert [next(each) for _ in range(100)] == [(number, {"n": 1}) for number in range(1, 101)]


# --------------------------------------------------------------------------------------------------------------- files


def test_compressed_files_are_read_through(tmp_path: Path) -> None:
    text = b"a,b\n1,2\n"
    (tmp_path / "one.csv.gz").write_bytes(gzip.compress(text))
    with zipfile.ZipFile(tmp_path / "one.zip", "w") as archive:
        archive.writestr("inner.tsv", text.replace(b",", b"\t"))
    for name in ("one.csv.gz", "one.zip"):
        with opened(str(tmp_path / name)) as source:
            assert source.format == "csv"
            assert [one.data for one in read_csv(source.stream).records] == [["1", "2"]]
            assert source.size == (tmp_path / name).stat().st_size
            assert 0 < source.position() <= source.size


def test_what_can_not_be_opened_is_told(tmp_path: Path) -> None:
    (tmp_path / "no.zip").write_bytes(b"no")
    with zipfile.ZipFile(tmp_path / "two.zip", "w") as archive:
        archive.writestr("one.csv", "a\n")
        archive.writestr("two.csv", "a\n")
    half = gzip.compress(b"a,b\n" + b"1,2\n" * 10_000)
    (tmp_path / "half.csv.gz").write_bytes(half[: len(half) // 2])
    for name, words in [
        ("none.csv", "there is no file"), ("no.zip", "no ZIP archive"), ("two.zip", "one.csv, two.csv"), (".", "opened")
    ]:  # fmt: skip
        with pytest.raises(FileFault, match=words), opened(str(tmp_path / name)):
            pass
    with pytest.raises(FileFault, match="is broken"), opened(str(tmp_path / "half.csv.gz")) as source:
        list(read_csv(source.stream).records)


@pytest.mark.parametrize(("name", "text", "format"), [
    ("a.csv", "[", "csv"), ("a.ndjson", "x", "ndjson"), ("a.jsonl", "x", "ndjson"), ("a.json", " \n[1]", "json"),
    ("a.json", '{"a": 1}', "ndjson"), ("a.dat", "[1]", "json"), ("a.dat", '\ufeff{"a": 1}', "ndjson"),
    ("a.dat", "a,b", "csv"), ("a.json", "", "json"),
])  # fmt: skip
def test_the_format_is_read_off_the_name_or_the_first_character(
    tmp_path: Path, name: str, text: str, format: str
) -> None:
    (tmp_path / name).write_text(text)
    with opened(str(tmp_path / name)) as source:
        assert source.format == format


@pytest.mark.parametrize(("path", "format", "rejects"), [
    ("data/flights.csv", "csv", "data/flights.rejected.csv"), ("flights.csv.zip", "csv", "flights.rejected.csv"),
    ("a.json", "json", "a.rejected.ndjson"), ("-", "ndjson", "stdin.rejected.ndjson"),
    ("a.rejected.csv", "csv", "a.rejected.rejected.csv"), ("v1.2.csv", "csv", "v1.2.rejected.csv"),
])  # fmt: skip
def test_rejects_lie_beside_the_file(path: str, format: Any, rejects: str) -> None:
    assert str(rejects_path(path, format)) == rejects
