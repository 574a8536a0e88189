"""Adding rows to files: all of a batch or none, on the disk before it is acknowledged, and never half a line.

Before a file grows its length is noted beside it, durably; who finds such a note cuts the file back to it, as the
process that made it ended before it was done. One at a time adds, whatever the number of processes.
"""

from __future__ import annotations

import codecs
import csv
import fcntl
import io
import os
from collections.abc import Generator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import duckdb
import msgspec

from kingpost.base.errors import Unsupported
from kingpost.language.types import Kind, Type
from kingpost.plan.select import Check, Insert, Operation
from kingpost.stores.contract import OutOfRange, Rows, StoreDown, StoreError, StoreFull
from kingpost.stores.files.address import Location
from kingpost.stores.files.kept import Wanted
from kingpost.stores.files.opened import COMPRESSED
from kingpost.stores.files.records import read_csv
from kingpost.stores.files.snapshot import ADDED, Snapshot, states
from kingpost.stores.files.values import quoted
from kingpost.stores.sql.batch import Step
from kingpost.stores.sql.common import Ground
from kingpost.stores.sql.duckdb.run import Runner
from kingpost.stores.sql.duckdb.writer import roll_back
from kingpost.stores.sql.forms import DOCUMENTS, PYTHON, canonical_json

NOTE = ".kingpost-length"
"""Behind the name of a file: the note of its length."""


class Append:
    """Carries out batches on a snapshot and the file."""

    def __init__(self, location: Location, ground: Ground, runner: Runner, wanted: Sequence[Wanted]) -> None:
        self._location, self._ground, self._runner = location, ground, runner
        self._wanted = {one.name: one for one in wanted}

    def refuse(self, operations: Sequence[Operation]) -> None:
        """Raises `Unsupported` for what is not done to files."""
        tables: set[str] = set()
        for operation in operations:
            if isinstance(operation, Check):
                continue
            if not isinstance(operation, Insert):
                words = f"rows of {operation.resource} are in a file, and are neither changed nor deleted"
                raise Unsupported("KP304", f"{words}: change the file, or keep them in a database")
            if operation.resource.startswith("_repeats."):
                raise Unsupported("KP304", "files keep no Idempotency-Key: leave it out")
            if not self._location.append:
                raise Unsupported("KP304", f"{self._location.path} is only read; ?append=yes in its address adds rows")
            tables.add(operation.resource)
        if len(tables) > 1:
            words = f"{' and '.join(sorted(tables))} are in different files, which do not change together"
            raise Unsupported("KP304", f"{words}: write them one after another")

    def recover(self) -> None:
        """Cut back files to which something was being added when a process ended. Raises `StoreDown`."""
        if self._location.append:
            for name in self._wanted:
                for path in self._location.files(name):
                    with _alone(path) as handle:
                        _cut_back(handle, path)

    def run(self, snapshot: Snapshot, operations: Sequence[Operation]) -> list[Rows]:
        """Everything, in a thread."""
        inserts = [one for one in operations if isinstance(one, Insert)]
        if not inserts:
            return self._in_memory(snapshot, operations, lambda: None)
        table = self._ground.model[inserts[0].resource].table
        (path,) = self._location.files(table)
        with _alone(path) as handle:
            _cut_back(handle, path)
            if states(self._location, list(self._wanted.values())) != snapshot.states:
                raise StoreDown(f"{path} was changed by others just now; try again")
            lines = self._lines(path, self._wanted[table], inserts)

            def add() -> None:
                _add(handle, path, lines)

            answers = self._in_memory(snapshot, operations, add)
            snapshot.states = states(self._location, list(self._wanted.values()))
            snapshot.added += sum(len(one.rows) for one in inserts)
            return answers

    def _in_memory(self, snapshot: Snapshot, operations: Sequence[Operation], add: Any) -> list[Rows]:
        """The batch on the tables in memory; the file is added to when all of it went well there."""
        cursor = snapshot.cursor()
        try:
            cursor.execute("BEGIN TRANSACTION")
            try:
                answers = self._runner.run(cursor, [self._led(one) for one in self._ground.batches.steps(operations)])
                for step_of in {one.resource for one in operations if isinstance(one, Insert)}:
                    self._must_differ(cursor, step_of)
                add()
            except BaseException:
                roll_back(cursor)
                raise
            cursor.execute("COMMIT")
            return answers
        finally:
            cursor.close()

    def _led(self, step: Step) -> Step:
        """An insert goes to the table of what is added, under the name of the view."""
        if not isinstance(step.operation, Insert):
            return step
        name = quoted(self._ground.model[step.operation.resource].table)
        added = quoted(ADDED + self._ground.model[step.operation.resource].table)
        return msgspec.structs.replace(step, text=step.text.replace(f"INTO {name} ", f"INTO {added} AS {name} ", 1))

    def _must_differ(self, cursor: duckdb.DuckDBPyConnection, resource: str) -> None:
        table = self._ground.model[resource].table
        for unique in self._wanted[table].uniques:
            names = ", ".join(map(quoted, unique))
            known = " AND ".join(f"{quoted(name)} IS NOT NULL" for name in unique)
            text = (
                f"SELECT 1 FROM {quoted(table)} WHERE {known} AND ({names}) IN "
                f"(SELECT ({names}) FROM {quoted(ADDED + table)}) GROUP BY {names} HAVING count(*) > 1 LIMIT 1"
            )
            if cursor.execute(text if len(unique) > 1 else text.replace(f"({names})", names)).fetchone():
                raise self._ground.names.unique(None, table, list(unique))

    def _lines(self, path: Path, wanted: Wanted, inserts: Sequence[Insert]) -> bytes:
        with path.open("rb") as stream:
            wide = stream.read(2) in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
        if wide or path.suffix in COMPRESSED:
            raise Unsupported("KP304", f"{path.name} is compressed or in UTF-16, and rows are added to plain text only")
        types = {column.name: column.type for column in wanted.columns}
        rows = [dict(zip(one.columns, row, strict=True)) for one in inserts for row in one.rows]
        for name, type in types.items():
            if not type.nullable and any(row.get(name) is None for row in rows):
                raise self._ground.names.missing_value(None, wanted.name, [name])
        if self._location.kind == "ndjson":
            shown = [{name: _plain(row.get(name), type) for name, type in types.items()} for row in rows]
            return msgspec.json.Encoder().encode_lines(shown)
        with path.open("rb") as stream:
            there = read_csv(io.BufferedReader(stream.raw), self._location.encoding, self._location.delimiter)
        unknown = [name for name in types if name not in there.header]
        if unknown:
            raise StoreDown(f"{path} has no column {unknown[0]} any more")
        text = io.StringIO(newline="")
        writer = csv.writer(text, delimiter=there.delimiter, lineterminator="\r\n")  # it quotes what has one of them
        for row in rows:
            writer.writerow([_cell(name, row.get(name), types) for name in there.header])
        try:
            return text.getvalue().encode(self._location.encoding or "utf-8")
        except UnicodeEncodeError:
            raise OutOfRange(f"A text has a character that {self._location.encoding} has not") from None


def _plain(value: object, type: Type) -> Any:
    """As JSON has it."""
    convert = None if value is None else PYTHON.json_form(type)
    return value if convert is None else convert(value)


def _cell(name: str, value: object, types: dict[str, Type]) -> str:
    type = types.get(name)
    if type is None or value is None:
        return ""
    if type.kind in DOCUMENTS:
        return canonical_json(value)
    if value == "" and type.nullable:
        raise Unsupported(
            "KP304", f"{name} is an empty text, and an empty cell of CSV means None: write None, or NDJSON"
        )
    plain = msgspec.to_builtins(_plain(value, type))
    if type.kind is Kind.BOOL:
        return "true" if plain else "false"
    return plain if isinstance(plain, str) else repr(plain)


@contextmanager
def _alone(path: Path) -> Generator[int]:
    """The file, open to be added to, which nobody else of us adds to or reads meanwhile."""
    try:
        handle = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CLOEXEC)
    except OSError as error:
        raise StoreDown(f"{path} can't be written: {error.strerror}") from None
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield handle
    finally:
        os.close(handle)


def _add(handle: int, path: Path, lines: bytes) -> None:
    before = os.fstat(handle).st_size
    note = path.with_name(path.name + NOTE)
    try:
        _note(note, before)
        if before and os.pread(handle, 1, before - 1) != b"\n":
            lines = b"\n" + lines
        written = 0
        while written < len(lines):
            written += os.write(handle, lines[written:])
        os.fsync(handle)
        note.unlink()
        _sync(note.parent)
    except OSError as error:
        with suppress(OSError):
            os.ftruncate(handle, before)
            os.fsync(handle)
            note.unlink(missing_ok=True)
        if error.errno in (28, 122):  # no space, no quota
            raise StoreFull(f"there is no room for {path} to grow") from error
        raise StoreError(f"{path} can't be added to: {error.strerror}") from error


def _note(note: Path, length: int) -> None:
    with note.open("wb") as file:
        file.write(b"%d\n" % length)
        file.flush()
        os.fsync(file.fileno())
    _sync(note.parent)


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _cut_back(handle: int, path: Path) -> None:
    note = path.with_name(path.name + NOTE)
    try:
        text = note.read_bytes()
    except FileNotFoundError:
        return
    if text.endswith(b"\n"):  # else it ended before the file grew
        os.ftruncate(handle, min(int(text), os.fstat(handle).st_size))
        os.fsync(handle)
    note.unlink()
