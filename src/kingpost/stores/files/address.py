"""Addresses of files, and which files a resource's rows are in.

    csv:///data/flights.csv      one file, which holds one resource
    csv:///data/flights-*.csv    all files of a pattern, as one
    csv:///data                  a folder: the rows of each resource are in the file that is called as its table

Nothing outside of the named place is read: a link that leads out of it is refused.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, TypeAlias, cast
from urllib.parse import unquote, urlsplit
from zoneinfo import ZoneInfo

from kingpost.stores.contract import StoreDown
from kingpost.stores.settings import settings_in, split_parameters, url_problem
from kingpost.stores.sql.duckdb.instance import is_size

Kind: TypeAlias = Literal["csv", "ndjson", "json", "parquet", "xlsx"]

SUFFIXES: Final[dict[str, tuple[str, ...]]] = {
    "csv": (".csv", ".tsv"), "ndjson": (".ndjson", ".jsonl"), "json": (".json",), "parquet": (".parquet",),
    "xlsx": (".xlsx",),
}  # fmt: skip
APPENDED: Final = ("csv", "ndjson")
PARAMETERS: Final = ("append", "cache", "delimiter", "encoding", "zone", "sheet", "memory", "threads")


@dataclass(frozen=True, slots=True)
class Location:
    """Where files are, and how they are read.

    Args:
        cache: The folder for what was read, None: the user's own.
        zone: Of instants that name none.
        append: Rows may be added.
        sheet: Of workbooks; None: the one that is called as the table, or the only one.
    """

    kind: Kind
    path: Path
    append: bool = False
    cache: Path | None = None
    delimiter: str | None = None
    encoding: str | None = None
    zone: ZoneInfo | None = None
    sheet: str | None = None
    memory: str = "1GB"
    threads: int = 2

    @property
    def is_pattern(self) -> bool:
        """Whether it names several files as one."""
        return any(mark in str(self.path) for mark in "*?[")

    @property
    def is_folder(self) -> bool:
        """Whether each resource has a file of its own there. Told by the name alone."""
        endings = tuple(f"{suffix}{more}" for suffix in SUFFIXES[self.kind] for more in ("", ".gz", ".zip"))
        return not self.is_pattern and not self.path.name.lower().endswith(endings)

    def files(self, table: str) -> list[Path]:
        """The files of a table, in the order of their names. Raises `StoreDown` where there is none."""
        if self.is_pattern:
            root, _, pattern = _split(self.path)
            return self._inside(root, sorted(root.glob(pattern)), f"no file fits {self.path}")
        if not self.is_folder:
            return self._inside(self.path.parent, [self.path], f"there is no file {self.path}")
        names = [f"{table}{suffix}{more}" for suffix in SUFFIXES[self.kind] for more in ("", ".gz", ".zip")]
        found = [self.path / name for name in names if (self.path / name).exists()]
        if len(found) > 1:
            raise StoreDown(f"{found[0]} and {found[1].name} are both there: which of them is meant can't be told")
        return self._inside(self.path, found, f"there is no file {self.path / names[0]}")

    def _inside(self, root: Path, found: Sequence[Path], missing: str) -> list[Path]:
        files = [path for path in found if path.is_file()]
        if not files:
            raise StoreDown(missing)
        home = root.resolve()
        for path in files:
            if not path.resolve().is_relative_to(home):
                raise StoreDown(f"{path} leads out of {root}, and only what is in there is read")
        return files


def _split(path: Path) -> tuple[Path, str, str]:
    """The folder before the first part that is a pattern, and the pattern."""
    parts = path.parts
    first = next(place for place, part in enumerate(parts) if re.search(r"[*?\[]", part))
    return Path(*parts[:first]) if first else Path(), "/", "/".join(parts[first:])


def locate(url: str) -> Location:
    """Read an address. Raises `DeclarationError`."""
    scheme = url.partition(":")[0].lower()
    plain, told = split_parameters(settings_in(url, None)[0], PARAMETERS)
    parts = urlsplit(plain.replace("?", "%3F"))
    path = unquote(parts.path.removeprefix("/"))
    if parts.netloc or not plain[len(scheme) :].startswith(":///") or not path:
        remedy = f"{scheme}:///{(parts.netloc + parts.path).lstrip('/') or f'data.{scheme}'}"
        raise url_problem(url, f"after {scheme}: come three slashes, or four for an absolute path", remedy)
    kind = cast(Kind, scheme)
    append = told.get("append", "no")
    if append not in ("yes", "no"):
        raise url_problem(url, f"append={append} is neither yes nor no", "append=yes, or leave it out")
    memory, threads, zone = told.get("memory", "1GB"), told.get("threads", "2"), told.get("zone")
    if not is_size(memory):
        raise url_problem(url, f"memory={memory} is no size", "memory=1GB")
    if not threads.isdigit() or not 0 < int(threads) <= 1024:
        raise url_problem(url, f"threads={threads} is not a number of threads", "threads=2")
    delimiter = told.get("delimiter")
    if delimiter is not None and len(delimiter) != 1:
        raise url_problem(url, "a delimiter is one character", "delimiter=%3B for a semicolon")
    try:
        located = None if zone is None else ZoneInfo(zone)
    except (ValueError, OSError):  # ZoneInfoNotFoundError is a KeyError
        located = None
    except KeyError:
        located = None
    if zone is not None and located is None:
        raise url_problem(url, f"there is no time zone {zone}", "zone=Europe/Amsterdam")
    cache = told.get("cache")
    location = Location(
        kind, Path(path), append == "yes", None if cache is None else Path(cache), delimiter, told.get("encoding"),
        located, told.get("sheet"), memory, int(threads),
    )  # fmt: skip
    if location.append and (kind not in APPENDED or location.is_pattern):
        fault = f"rows are added to {' and '.join(APPENDED)} files only, one for each resource"
        raise url_problem(url, fault, "csv:///folder?append=yes")
    return location
