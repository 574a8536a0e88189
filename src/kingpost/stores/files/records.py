"""From bytes to records, one after another in bounded memory: CSV, and an object a line.

A record that can't be read is one that has a fault; what makes all that follows unreadable is a `FileFault`.
"""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

from kingpost.stores.files.arrays import DECODER, LARGEST, NotJson, is_object
from kingpost.stores.files.faults import FileFault

DELIMITERS: Final = (",", ";", "\t", "|")
_MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"),
)  # fmt: skip


@dataclass(slots=True)
class Record:
    """One row of a file. `place` is the line it begins on (in a JSON array: its number, from 1).

    `data`: the cells, or the object; what it is as it stands in the file, where `fault` tells why it is neither.
    """

    place: int
    data: Any
    fault: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """A CSV file: its header, and the rows below it."""

    header: tuple[str, ...]
    records: Iterator[Record]
    delimiter: str


# ----------------------------------------------------------------------------------------------------------------- CSV


def read_csv(stream: io.BufferedReader, encoding: str | None = None, delimiter: str | None = None) -> Table:
    """Rows as in RFC 4180. The delimiter is that of `DELIMITERS` which the header has most of, unless it is given.

    The encoding is UTF-8, or what the file's first bytes say (a byte order mark), unless it is given.
    """
    first = stream.peek(4)[:4]
    marked = next((name for mark, name in _MARKS if first.startswith(mark)), None)
    try:
        text = io.TextIOWrapper(stream, encoding or marked or "utf-8", newline="")
    except LookupError:
        raise FileFault(f"there is no encoding {encoding!r}", "utf-8, windows-1252, iso-8859-15, utf-16 ...") from None
    lines = _Lines(text)
    header = lines.first()
    chosen = delimiter or max(DELIMITERS, key=lambda one: _outside_quotes(header, one))
    csv.field_size_limit(LARGEST)
    reader = csv.reader(lines, delimiter=chosen, strict=True)
    try:
        names = next(reader)
    except StopIteration:
        raise FileFault("the file is empty: there is no header line") from None
    except csv.Error as error:
        raise FileFault(f"line 1, the header, can't be read: {error}") from None
    return Table(tuple(name.strip() for name in names), _rows(reader, len(names), lines), chosen)


def _rows(reader: Any, width: int, lines: _Lines) -> Iterator[Record]:
    try:
        yield from _each(reader, width, lines)
    finally:
        lines.release()


def _each(reader: Any, width: int, lines: _Lines) -> Iterator[Record]:
    before = reader.line_num
    while True:
        place = before + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            if "limit" in str(error) or "unexpected end" in str(error):
                remedy = "close the quotes that open there"
                raise FileFault(f"line {place}: a quoted cell has no end: {error}", remedy) from None
            yield Record(place, [lines.last.rstrip("\r\n")], f"can't be read: {error}")
            before = reader.line_num
            continue
        before = reader.line_num
        if len(cells) == width:
            yield Record(place, cells)
        elif cells:  # an empty line is no row
            yield Record(place, cells, f"has {len(cells)} cells, the header {width}")


def _outside_quotes(line: str, delimiter: str) -> int:
    return sum(part.count(delimiter) for part in line.split('"')[::2])


class _Lines:
    """The lines of a text, of which the last one is kept; what is in another encoding is told by its line."""

    def __init__(self, text: io.TextIOWrapper) -> None:
        self._text = text
        self._number = 0
        self._again: list[str] = []
        self.last = ""

    def first(self) -> str:
        """The first line, which comes again when the lines are read."""
        line = next(self, "")
        self._again.append(line) if line else None
        self._number = 0
        return line

    def release(self) -> None:
        """Let go of the bytes below, which the text would close with itself."""
        with suppress(ValueError):  # they are closed already
            self._text.detach()

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> str:
        self._number += 1
        if self._again:
            self.last = self._again.pop()
            return self.last
        try:
            self.last = next(self._text)
        except UnicodeDecodeError as error:
            message = f"line {self._number} or soon after is not {error.encoding}: {error.reason}"
            raise FileFault(message, "--encoding windows-1252, or whatever the file is in") from None
        return self.last


# -------------------------------------------------------------------------------------------------------------- NDJSON


def read_ndjson(stream: io.BufferedReader) -> Iterator[Record]:
    """One object a line, in UTF-8; empty lines are none."""
    place = 0
    while line := stream.readline(LARGEST + 1):
        place += 1
        if len(line) > LARGEST:
            raise FileFault(f"line {place} is longer than {LARGEST >> 20} MiB", "one object a line")
        line = line.removeprefix(codecs.BOM_UTF8).strip()
        if line:
            yield _object(place, line)


def _object(place: int, line: bytes) -> Record:
    try:
        text = line.decode()
    except UnicodeDecodeError:
        return Record(place, line.decode(errors="replace"), "is not UTF-8")
    try:
        value = DECODER.decode(text)
    except (NotJson, ValueError, RecursionError) as error:
        return Record(place, text, f"is not JSON: {error}")
    return Record(place, value) if is_object(value) else Record(place, text, "is no JSON object")
