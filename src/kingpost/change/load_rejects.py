"""Rows that were not loaded, written to a file with their reasons: mended there, it can be loaded in turn."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import msgspec

from kingpost.base.errors import Detail
from kingpost.stores.files.arrays import is_object
from kingpost.stores.files.opened import COMPRESSED, FORMATS, STDIN, Format
from kingpost.stores.files.records import Record

LINE: Final = "rejected_line"
REASONS: Final = "rejected_reasons"
"""The columns, or members, in front of a row's own. They are left out where such a file is loaded."""

TEXT: Final = "rejected_text"
"""The member that holds what is no object."""

_SUFFIXES: Final = (*FORMATS, *COMPRESSED)


def rejects_path(path: str, format: Format) -> Path:
    """Where the rejects of a file go: `flights.csv` leaves `flights.rejected.csv` beside it."""
    suffix = "csv" if format == "csv" else "ndjson"
    given = Path("stdin" if path == STDIN else path)
    stem = given.name
    while (last := Path(stem).suffix).lower() in _SUFFIXES:
        stem = stem[: -len(last)]
    return given.with_name(f"{stem}.rejected.{suffix}")


def in_words(details: Sequence[Detail]) -> list[str]:
    """Reasons as sentences: `dep_delay: must be a whole number`, `plane refers to no row`."""
    found: dict[str, None] = {}
    for one in details:
        name = one.pointer.strip("/").replace("/", ".")
        said = not name or one.code == "KP409" or one.message.startswith(f"{name} ")  # what is taken is named
        found[one.message if said else f"{name}: {one.message}"] = None
    return list(found)


class Rejects:
    """The file, made with the first row that is rejected; what an earlier load left there is replaced then.

    Args:
        path: Of the file.
        header: The columns of a table; None for objects.
        delimiter: Between the cells of a table.
    """

    def __init__(self, path: Path, header: Sequence[str] | None, delimiter: str = ",") -> None:
        self.path = path
        self.count = 0
        self._skipped = 2 if header is not None and tuple(header[:2]) == (LINE, REASONS) else 0  # rejects of rejects
        self._header = None if header is None else header[self._skipped :]
        self._delimiter = delimiter
        self._file: io.TextIOWrapper | None = None
        self._writer: Any = None

    def add(self, record: Record, details: Sequence[Detail]) -> None:
        """Write one row."""
        self.count += 1
        if self._file is None:
            self._file = open(self.path, "w", encoding="utf-8", newline="")  # noqa: SIM115  # closed by `close`
            if self._header is not None:
                self._writer = csv.writer(self._file, delimiter=self._delimiter)
                self._writer.writerow([LINE, REASONS, *self._header])
        if self._header is not None:
            self._writer.writerow([record.place, "; ".join(in_words(details)), *record.data[self._skipped :]])
            return
        own = record.data if is_object(record.data) else {TEXT: record.data}
        own = {name: value for name, value in own.items() if name not in (LINE, REASONS)}
        reasons = [{"pointer": one.pointer, "code": one.code, "message": one.message} for one in details]
        line = {LINE: record.place, REASONS: reasons, **own}
        self._file.write(msgspec.json.encode(line).decode() + "\n")

    def close(self) -> None:
        """Finish the file, if there is one."""
        if self._file is not None:
            self._file.close()
