"""An answer, and the forms it can have."""

from __future__ import annotations

import io
import os
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Final, TypeAlias

import msgspec

from kingpost.base.errors import Invalid, Rejected
from kingpost.doors.analysis.chart import Kind, figure, svg
from kingpost.doors.analysis.types import Form, back
from kingpost.doors.analysis.untyped import pa, pq
from kingpost.doors.rest.csv import cell


@dataclass(frozen=True, slots=True)
class Schema:
    """The columns of an answer."""

    names: tuple[str, ...]
    forms: tuple[Form, ...]


Writer: TypeAlias = Callable[[BinaryIO, Iterable[Any], Schema], int]
"""Writes batches of a schema to a file; answers how many rows."""


@dataclass(frozen=True, slots=True)
class Result:
    """Rows of an answer. `table`: the same as an Arrow table, for other tools."""

    table: Any
    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]

    @classmethod
    def of(cls, batches: Sequence[Any], schema: Schema) -> Result:
        """The result that came in these batches, of which there is one at least."""
        plain = [_plain(batch, schema) for batch in batches]
        table = pa.Table.from_batches(plain)
        return cls(table, schema.names, tuple(row for batch in plain for row in _rows(batch, schema)))

    def dicts(self) -> list[dict[str, Any]]:
        """A dict for each row, with Python values: Decimal, UUID, aware datetime, timedelta."""
        return [dict(zip(self.columns, row, strict=True)) for row in self.rows]

    @property
    def value(self) -> Any:
        """The one value of an answer that is one. Raises ValueError for another."""
        if len(self.rows) != 1 or len(self.columns) != 1:
            raise ValueError(f"the answer has {len(self.rows)} rows of {len(self.columns)} columns, and is no value")
        return self.rows[0][0]

    def json(self) -> bytes:
        """A JSON array of objects, values as everywhere in Kingpost: instants with Z, decimals as strings."""
        return msgspec.json.encode(self.dicts())

    def csv(self) -> str:
        """CSV (RFC 4180), guarded against formulas as on the list routes."""
        return "".join((_line(self.columns, guard=False), *(_line(row, guard=True) for row in self.rows)))

    def parquet(self) -> bytes:
        """A Parquet file, with the types."""
        target = io.BytesIO()
        pq.write_table(self.table, target)
        return target.getvalue()

    def chart(self, x: str | None = None, y: str | None = None, *, kind: Kind = "bar", title: str = "") -> str:
        """An SVG image: `y` (else the first column of numbers) for each `x` (else the first column)."""
        return svg(self._points(x, y), kind=kind, title=title or self._title(x, y))

    def figure(self, x: str | None = None, y: str | None = None, *, kind: Kind = "bar", title: str = "") -> str:
        """The same for a page: an HTML `<figure>` with the image, a caption, and all rows as a table."""
        title = title or self._title(x, y)
        return figure(svg(self._points(x, y), kind=kind, title=title), self.columns, self.texts(), title)

    def _points(self, x: str | None, y: str | None) -> list[tuple[str, float | None]]:
        across, up = self._axes(x, y)
        texts = self.texts()
        return [
            (text[across], None if row[up] is None else float(row[up]))
            for text, row in zip(texts, self.rows, strict=True)
        ]

    def _title(self, x: str | None, y: str | None) -> str:
        across, up = self._axes(x, y)
        return f"{self.columns[up]} by {self.columns[across]}"

    def _axes(self, x: str | None, y: str | None) -> tuple[int, int]:
        numbers = [
            name
            for name, field in zip(self.columns, self.table.schema, strict=True)
            if pa.types.is_integer(field.type) or pa.types.is_floating(field.type) or pa.types.is_decimal(field.type)
        ]
        across = x if x is not None else next(iter(self.columns))
        up = y if y is not None else next((name for name in numbers if name != across), None)
        if across not in self.columns or up not in numbers:
            known = ", ".join(numbers) or "none"
            raise ValueError(f"a chart takes a column for x ({', '.join(self.columns)}) and one of numbers ({known})")
        return self.columns.index(across), self.columns.index(up)

    def texts(self) -> list[list[str]]:
        """The rows as text for people; None is empty."""
        return [["" if one is None else _text(one) for one in row] for row in self.rows]


def writer_of(suffix: str) -> Writer:
    """What writes files that are called so."""
    found = _WRITERS.get(suffix.lower())
    if found is None:
        raise Invalid("KP184", f"{suffix or 'a file without suffix'} is no form of an answer: {', '.join(_WRITERS)}")
    return found


def written(target: Path, writer: Writer, batches: Iterable[Any], schema: Schema) -> int:
    """Make a file, which is there as a whole or as it was; answers how many rows are in it."""
    handle, name = tempfile.mkstemp(prefix=f".{target.name}-", dir=target.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            rows = writer(file, batches, schema)
            file.flush()
            os.fsync(file.fileno())
        os.replace(name, target)
    except BaseException:
        with suppress(OSError):
            os.unlink(name)
        raise
    return rows


def _plain(batch: Any, schema: Schema) -> Any:
    """The batch with durations and sums in a form that files know, and JSON and UUIDs as text."""
    arrays: list[Any] = []
    for array, form in zip(batch.columns, schema.forms, strict=True):
        if isinstance(array, pa.ExtensionArray):
            array = array.storage if pa.types.is_string(array.type.storage_type) else array.cast(pa.string())
        if form == "duration":
            array = pa.array(_values(array, form), pa.duration("us"))
        elif form == "whole" and pa.types.is_decimal(array.type):
            array = _whole(array)
        arrays.append(array)
    return pa.RecordBatch.from_arrays(arrays, names=list(schema.names))


def _whole(array: Any) -> Any:
    """Whole numbers of 128 bits, as DuckDB sums them, in the 64 that they are declared to have."""
    try:
        return array.cast(pa.int64())
    except pa.ArrowInvalid as error:
        message = "a sum does not fit into 64 bits: add up decimals or floats, as column.cast('decimal(38, 0)')"
        raise Rejected("KP182", message) from error


def _values(array: Any, form: Form) -> list[Any]:
    convert, values = back(form), array.to_pylist()
    return values if convert is None else [None if one is None else convert(one) for one in values]


def _rows(batch: Any, schema: Schema) -> Iterator[tuple[Any, ...]]:
    return zip(*(_values(array, form) for array, form in zip(batch.columns, schema.forms, strict=True)), strict=True)


def _write_csv(file: BinaryIO, batches: Iterable[Any], schema: Schema) -> int:
    rows = 0
    file.write(_line(schema.names, guard=False).encode())
    for batch in batches:
        rows += batch.num_rows
        file.write("".join(_line(row, guard=True) for row in _rows(_plain(batch, schema), schema)).encode())
    return rows


def _write_ndjson(file: BinaryIO, batches: Iterable[Any], schema: Schema) -> int:
    rows = 0
    for line in _objects(batches, schema):
        file.write(line + b"\n")
        rows += 1
    return rows


def _write_json(file: BinaryIO, batches: Iterable[Any], schema: Schema) -> int:
    rows = 0
    file.write(b"[")
    for line in _objects(batches, schema):
        file.write(b",\n" if rows else b"\n")
        file.write(line)
        rows += 1
    file.write(b"\n]\n")
    return rows


def _objects(batches: Iterable[Any], schema: Schema) -> Iterator[bytes]:
    encode = msgspec.json.Encoder().encode
    for batch in batches:
        for row in _rows(_plain(batch, schema), schema):
            yield encode(dict(zip(schema.names, row, strict=True)))


def _write_parquet(file: BinaryIO, batches: Iterable[Any], schema: Schema) -> int:
    rows, writer = 0, None
    try:
        for batch in batches:
            plain = _plain(batch, schema)
            if writer is None:
                writer = pq.ParquetWriter(file, plain.schema)
            writer.write_batch(plain)
            rows += plain.num_rows
    finally:
        if writer is not None:
            writer.close()
    return rows


def _line(values: Iterable[Any], *, guard: bool) -> str:
    return ",".join([cell(msgspec.to_builtins(one), guard=guard) for one in values]) + "\r\n"


def _text(value: Any) -> str:
    plain = msgspec.to_builtins(value)
    return plain if isinstance(plain, str) else msgspec.json.encode(plain).decode()


_WRITERS: Final[Mapping[str, Writer]] = {
    ".csv": _write_csv,
    ".json": _write_json,
    ".ndjson": _write_ndjson,
    ".parquet": _write_parquet,
}
