"""What was read of files, kept as a DuckDB database that several processes read: made once for each state of the files.

It is named for the files' sizes and times of change and for the declared columns, so that it is never old. A file is
read in bounded memory, whatever its size; what was made is moved into its place as a whole.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeAlias

import duckdb
import msgspec

from kingpost.model.columns import Column
from kingpost.stores.contract import StoreDamaged, StoreDown, StoreFull
from kingpost.stores.files.address import Location
from kingpost.stores.files.faults import FileFault
from kingpost.stores.files.parquet import insert_parquet
from kingpost.stores.files.rows import Row, read
from kingpost.stores.files.values import in_sql, quoted, sql_type
from kingpost.stores.sql.duckdb import instance

TABLE: Final = "rows"
PLACE: Final = "_kingpost_place"
FORMAT: Final = 2
"""Raised when what is kept changes its form."""

CHUNK: Final = 1 << 22
"""Bytes that are handed to DuckDB at once, and at least one row."""

LEAST: Final = 1 << 20
"""Bytes that DuckDB has room for in a row, whatever it needs."""

State: TypeAlias = tuple[tuple[str, int, int, int], ...]
"""Files with their inode, size and time of change."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """A table: its columns and what no two of its rows may share, the key first."""

    name: str
    columns: tuple[Column, ...]
    uniques: tuple[tuple[str, ...], ...]


def state_of(files: Sequence[Path]) -> State:
    """How the files are now. Raises `StoreDown`."""
    found: list[tuple[str, int, int, int]] = []
    for path in files:
        try:
            told = path.stat()
        except OSError as error:
            raise StoreDown(f"{path} can't be read: {error.strerror}") from None
        found.append((str(path.resolve()), told.st_ino, told.st_size, told.st_mtime_ns))
    return tuple(found)


def folder(location: Location) -> Path:
    """Where it is kept, for this user only. Raises `StoreDown`."""
    path = location.cache
    if path is None:
        home = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
        path = Path(home).expanduser() / "kingpost" / "files"
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        words = f"{path}, where is kept what is read of files, can't be made: {error.strerror}; name another by ?cache="
        raise StoreDown(words) from error
    return path.resolve()


def kept(location: Location, wanted: Wanted, files: Sequence[Path], state: State) -> Path:
    """The database of a table, which is made where it is not there.

    Raises `StoreDamaged` for a file that does not fit the declaration, `StoreDown` for one that can't be read.
    """
    home = folder(location)
    place = _digest(str(location.path.resolve()), location.kind, wanted.name)
    columns = [(column.name, str(column.type), sql_type(column.type)) for column in wanted.columns]
    reading = (location.delimiter, location.encoding, str(location.zone), location.sheet)
    path = home / f"{place}-{_digest(FORMAT, duckdb.__version__, state, columns, wanted.uniques, reading)}.duckdb"
    if not path.exists():
        _make(location, wanted, files, path)
        for old in home.glob(f"{place}-*.duckdb"):
            if old != path:
                old.unlink(missing_ok=True)  # who has it open goes on reading
    return path


def _digest(*parts: object) -> str:
    return hashlib.blake2b(repr(parts).encode("utf-8", "surrogatepass"), digest_size=12).hexdigest()


def _make(location: Location, wanted: Wanted, files: Sequence[Path], path: Path) -> None:
    work = Path(tempfile.mkdtemp(prefix="making-", dir=path.parent))
    try:
        with ExitStack() as stack:
            for file in files:
                handle = stack.enter_context(file.open("rb"))
                fcntl.flock(handle, fcntl.LOCK_SH)  # nobody of us is adding to it
            _fill(location, wanted, files, work)
        os.replace(work / "made.duckdb", path)
    except FileFault as fault:
        raise StoreDamaged(f"{fault.message}{f'. Next: {fault.remedy}' if fault.remedy else ''}") from None
    except duckdb.IOException as error:
        raise StoreFull(f"there is no room in {path.parent} for what is read of {location.path}") from error
    except duckdb.Error as error:
        raise StoreDamaged(f"{location.path} can't be read as declared ({type(error).__name__})") from error
    except OSError as error:
        raise StoreDown(f"{location.path} can't be read: {error.strerror or error}") from error
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _fill(location: Location, wanted: Wanted, files: Sequence[Path], work: Path) -> None:
    allowed = [f"{work}/", *(str(file) for file in files)]
    place = instance.Location(None, location.memory, location.threads)
    connection = instance.connect(place, allowed, spill=work)
    try:
        connection.execute(f"ATTACH {instance.literal(str(work / 'made.duckdb'))} AS made")
        instance.lock(connection)
        connection.execute("USE made")
        names = ", ".join(f"{quoted(column.name)} {sql_type(column.type)}" for column in wanted.columns)
        connection.execute(f"CREATE TABLE {TABLE} ({names}, {PLACE} VARCHAR)")
        for file in files:
            if location.kind == "parquet":
                insert_parquet(connection, TABLE, file, wanted.columns)
            else:
                _insert(
                    connection,
                    file,
                    read(location, file, wanted.name, wanted.columns),
                    wanted.columns,
                    work / "chunk.ndjson",
                )
        for unique in wanted.uniques:
            _must_differ(connection, unique)
    finally:
        with suppress(duckdb.Error):
            connection.execute("USE memory")
            connection.execute("DETACH made")  # writes it out
        connection.close()


def _insert(
    connection: duckdb.DuckDBPyConnection, file: Path, rows: Iterator[Row], columns: Sequence[Column], chunk: Path
) -> None:
    values = ", ".join(in_sql(column.type, f"json[{place}]") for place, column in enumerate(columns, 2))
    names = "columns = {json: 'VARCHAR[]'}, format = 'newline_delimited', records = false"
    for longest in _chunks(rows, file.name, chunk):
        source = f"read_json({instance.literal(str(chunk))}, {names}, maximum_object_size = {longest})"
        connection.execute(f"INSERT INTO {TABLE} SELECT {values}, json[1] FROM {source}")


def _chunks(rows: Iterator[Row], name: str, chunk: Path) -> Iterator[int]:
    """Write rows to a file that is made anew each time, as lines of which none has more than so many bytes."""
    encode = msgspec.json.Encoder().encode
    while True:
        lines, size, longest = list[bytes](), 0, LEAST
        for place, texts in rows:
            line = encode([f"{name}:{place}", *texts])
            lines.append(line)
            size += len(line)
            longest = max(longest, len(line) + 1)
            if size > CHUNK:
                break
        if not lines:
            return
        chunk.write_bytes(b"\n".join(lines) + b"\n")
        yield longest


def _must_differ(connection: duckdb.DuckDBPyConnection, unique: Sequence[str]) -> None:
    names = ", ".join(map(quoted, unique))
    known = " AND ".join(f"{quoted(name)} IS NOT NULL" for name in unique)
    grouped = f"SELECT min(rowid) AS first FROM {TABLE} WHERE {known} GROUP BY {names} HAVING count(*) > 1"
    first = connection.execute(f"{grouped} ORDER BY first LIMIT 1").fetchone()  # in a form that goes to disk if it must
    if first is None:
        return
    same = " AND ".join(f"one.{quoted(name)} = two.{quoted(name)}" for name in unique)
    text = (
        f"SELECT two.{PLACE} FROM {TABLE} AS one JOIN {TABLE} AS two ON {same} WHERE one.rowid = ? "
        "ORDER BY two.rowid LIMIT 2"
    )
    places = [row[0] for row in connection.execute(text, first).fetchall()]
    remedy = "of each there may be one row"
    raise FileFault(f"{' and '.join(places)} have the same {', '.join(unique)}", remedy)
