"""Opening what is to be loaded: a file, plain or compressed, or the standard input; and what format it has."""

from __future__ import annotations

import gzip
import io
import sys
import zipfile
import zlib
from collections.abc import Callable, Generator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, TypeAlias, cast

from kingpost.stores.files.faults import FileFault

Format: TypeAlias = Literal["csv", "json", "ndjson"]

FORMATS: Final[dict[str, Format]] = {
    ".csv": "csv", ".tsv": "csv", ".tab": "csv", ".txt": "csv",
    ".json": "json", ".ndjson": "ndjson", ".jsonl": "ndjson",
}  # fmt: skip
COMPRESSED: Final = (".gz", ".zip")
STDIN: Final = "-"
_BUFFER: Final = 1 << 18


@dataclass(frozen=True, slots=True)
class Source:
    """An open file. `name` is what its suffixes are read off; `size` in bytes, None where nobody can tell.

    `position` answers how many of these bytes have been read, `stream` what they hold, decompressed.
    """

    path: str
    name: str
    stream: io.BufferedReader
    size: int | None
    position: Callable[[], int]

    @property
    def format(self) -> Format:
        """By the name; else by the first character: `[` is JSON, `{` an object a line, anything else CSV."""
        known = FORMATS.get(Path(self.name).suffix.lower())
        if known not in (None, "json"):
            return known
        first = self.stream.peek(64)[:64].lstrip(b"\xef\xbb\xbf \t\r\n")[:1]
        return "json" if first == b"[" else "ndjson" if first == b"{" else known or "csv"


@contextmanager
def opened(path: str) -> Generator[Source]:
    """The source at a path, `-` for the standard input; `.gz` and `.zip` are read through. Raises `FileFault`."""
    with ExitStack() as stack:
        if path == STDIN:
            # Past Python's own buffer, and left open for others.
            stdin: io.BufferedReader = io.BufferedReader(
                stack.enter_context(io.FileIO(sys.stdin.fileno(), closefd=False)), _BUFFER
            )
            yield Source(path, path, stdin, None, lambda: 0)
            return
        try:
            raw: io.BufferedReader = io.BufferedReader(stack.enter_context(io.FileIO(path)), _BUFFER)
            size = Path(path).stat().st_size
            stream, name = _decompressed(raw, Path(path).name, stack)
        except FileNotFoundError:
            raise FileFault(f"there is no file {path}", "a path, or - for the standard input") from None
        except OSError as error:
            raise FileFault(f"{path} can't be opened: {error.strerror or error}") from error
        except zipfile.BadZipFile as error:
            raise FileFault(f"{path} is no ZIP archive: {error}") from error
        try:
            yield Source(path, name, stream, size, raw.tell)
        except (EOFError, zlib.error, gzip.BadGzipFile, zipfile.BadZipFile) as error:  # found while it is read
            raise FileFault(f"{path} is broken: {error}", "pack or fetch it again") from error


def _decompressed(raw: io.BufferedReader, name: str, stack: ExitStack) -> tuple[io.BufferedReader, str]:
    match Path(name).suffix.lower():
        case ".gz":
            inner = stack.enter_context(gzip.GzipFile(fileobj=raw))
            return io.BufferedReader(cast(io.RawIOBase, inner), _BUFFER), name[: -len(".gz")]
        case ".zip":
            archive = stack.enter_context(zipfile.ZipFile(raw))
            members = [one for one in archive.infolist() if not one.is_dir()]
            if len(members) != 1:
                names = ", ".join(one.filename for one in members[:5])
                message = f"{name} holds {len(members)} files ({names}), and which one is meant is not said"
                raise FileFault(message, "unzip it, and name the file")
            inner_file = stack.enter_context(archive.open(members[0]))
            return io.BufferedReader(cast(io.RawIOBase, inner_file), _BUFFER), members[0].filename
        case _:
            return raw, name
