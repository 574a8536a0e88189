"""Rows as CSV (RFC 4180): CRLF, a header line, UTF-8.

Columns: the paths of `fields=`, if there are any; else the members of the row, where a to-one relation is the columns
of its key (`author.id`). A list, an embedded value, or a relation that is filled in, is JSON inside one cell. None is
an empty cell, "" a quoted empty one.

Text that a spreadsheet would run as a formula (it begins with `= + - @`, tab or CR, and is no number) gets an
apostrophe in front (OWASP, "CSV Injection"). That changes the text; who reads the file by program asks for NDJSON, or
turns the guard off in the settings.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any, Final, TypeAlias

import msgspec

from kingpost.doors.rest.guards import is_array, is_object
from kingpost.model.model import Model, ResourceModel
from kingpost.plan.intent import Read

Path: TypeAlias = tuple[str, ...]

_QUOTED: Final = re.compile(r'[",\r\n]')
_FORMULA: Final = re.compile(r"[=+\-@\t\r]")
_NUMBER: Final = re.compile(r"[+-]?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?\Z")


class CsvForm:
    """Writes the rows of one answer, chunk by chunk, with the header in front of the first."""

    def __init__(self, model: Model, resource: ResourceModel, read: Read, *, guard: bool) -> None:
        self._model = model
        self._resource = resource
        self._columns: tuple[Path, ...] | None = read.fields
        self._filled = {path[0] for path in read.include}
        self._guard = guard
        self._started = False

    def rows(self, items: Sequence[Any]) -> bytes:
        """The lines of some rows; nothing as long as neither rows nor `fields` tell the columns."""
        plain: list[dict[str, Any]] = msgspec.to_builtins(items)
        if self._columns is None:
            if not items:
                return b""
            self._columns = tuple(self._own(items[0]))
        lines: list[str] = []
        if not self._started:
            self._started = True
            lines.append(",".join(cell(".".join(path), guard=False) for path in self._columns))
        columns, guard = self._columns, self._guard
        lines += [",".join([cell(_value(row, path), guard=guard) for path in columns]) for row in plain]
        return "".join(f"{line}\r\n" for line in lines).encode()

    def _own(self, item: Any) -> Iterator[Path]:
        names = [field.encode_name for field in msgspec.structs.fields(item)]
        for name in names:
            relation = self._resource.relations.get(name)
            if relation is None or relation.kind != "one" or name in self._filled:
                yield (name,)
            else:
                for path in self._key_paths(relation.target):
                    yield (name, *path)

    def _key_paths(self, resource: str) -> Iterator[Path]:
        found = self._model[resource]
        for member in found.key:
            if member in found.fields:
                yield (member,)
            else:
                for path in self._key_paths(found.relations[member].target):
                    yield (member, *path)


def _value(row: Any, path: Path) -> Any:
    """What lies at the end of a path; through a list the list of what lies behind its elements."""
    for index, name in enumerate(path):
        if is_array(row):
            return [_value(each, path[index:]) for each in row]
        if not is_object(row):
            return None
        row = row.get(name)
    return row


def cell(value: Any, *, guard: bool) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        if guard and _FORMULA.match(value) and not _NUMBER.match(value):
            value = f"'{value}"
        return f'"{value.replace(chr(34), chr(34) * 2)}"' if not value or _QUOTED.search(value) else value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict | list):
        return cell(msgspec.json.encode(value).decode(), guard=False)
    return str(value)
