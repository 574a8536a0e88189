"""Loading files into a resource: batch by batch, checked as requests are, known rows changed and new ones added.

What is wrong with a row is told of that row, and the load goes on; loading the same file again finds what is there and
leaves it alone, so a load that was stopped is gone on with by starting it anew.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import AsyncExitStack, ExitStack
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from time import perf_counter
from typing import Any, Final, TypeAlias

from kingpost.base.errors import Detail
from kingpost.change.faults import HeaderFault
from kingpost.change.load_columns import Columns, Mapped
from kingpost.change.load_rejects import Rejects, in_words, rejects_path
from kingpost.change.load_seen import Seen
from kingpost.engine.bulk import Bulk
from kingpost.engine.bulk_work import Row
from kingpost.engine.engine import Engine
from kingpost.stores.files.arrays import elements, is_object
from kingpost.stores.files.cells import Stated
from kingpost.stores.files.opened import Format, Source, opened
from kingpost.stores.files.records import Record, read_csv, read_ndjson

BATCH: Final = 5000
"""Rows of one transaction; so many are held in memory."""

LARGEST_BATCH: Final = 10_000
"""As many keys as one question may name."""

REASONS: Final = 100
"""How many different reasons are counted."""

DUPLICATE: Final = "duplicate"

HOURS: Final = 24 * 3600.0
"""Seconds that a load of all or nothing may take."""


Members: TypeAlias = Callable[[Any], tuple[dict[str, Any], list[Detail]]]
"""Makes members of what a record holds, and tells what is wrong with it."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """How to load. `format` None: by the file. `whole`: all rows or none. `dry`: none, whatever comes of it."""

    mapped: Mapped = field(default_factory=dict[str, Sequence[str]])
    stated: Stated = field(default_factory=Stated)
    format: Format | None = None
    encoding: str | None = None
    delimiter: str | None = None
    batch: int = BATCH
    whole: bool = False
    dry: bool = False
    rejects: Path | None = None


@dataclass(slots=True)
class Progress:
    """How far one file has come. `size` in bytes, None where nobody can tell; `position` of them have been read."""

    path: str
    size: int | None
    position: int = 0
    created: int = 0
    updated: int = 0
    unchanged: int = 0
    rejected: int = 0
    place: int = 0
    """Line of the last row that was dealt with."""
    reasons: dict[str, int] = field(default_factory=dict[str, int])
    """How often each was why a row was rejected."""
    rejects: Path | None = None
    left_out: tuple[str, ...] = ()
    """Columns of members that are computed."""
    unit: str = "line"
    """What places are numbers of."""

    @property
    def rows(self) -> int:
        """All that were dealt with."""
        return self.created + self.updated + self.unchanged + self.rejected

    def take(self, rows: Sequence[Row], refused: Sequence[Sequence[Detail]]) -> None:
        """Count what became of a batch."""
        for outcome, number in Counter(row.outcome for row in rows if row.outcome != "rejected").items():
            setattr(self, str(outcome), getattr(self, str(outcome)) + number)
        self.rejected += len(refused)
        for details in refused:
            duplicate = any(one.code == DUPLICATE for one in details)
            for reason in ["comes again"] if duplicate else in_words(details):
                if reason in self.reasons or len(self.reasons) < REASONS:
                    self.reasons[reason] = self.reasons.get(reason, 0) + 1


@dataclass(slots=True)
class Loaded:
    """What came of a load. `kept`: it is stored. `stopped`: before the end, because somebody wanted it."""

    files: list[Progress]
    kept: bool = True
    stopped: bool = False
    seconds: float = 0.0

    @property
    def rejected(self) -> int:
        """Rows of all files that were not loaded."""
        return sum(one.rejected for one in self.files)


@dataclass(frozen=True, slots=True)
class _Records:
    """What a source holds. `header` is None where it is no table."""

    each: Iterator[Record]
    members: Members
    header: Sequence[str] | None = None
    delimiter: str = ","


class _Undo(Exception):
    """Nothing of the load is to be kept."""


class Load:
    """One load into one resource, in the name of whoever acts around it.

    Args:
        engine: Of the application, started.
        resource: By name.
        wanted: How to load.
        watch: Is told of every batch.
        stopped: Asked before every batch whether to end here.
    """

    def __init__(
        self,
        engine: Engine,
        resource: str,
        wanted: Wanted,
        *,
        watch: Callable[[Progress], None] = lambda progress: None,
        stopped: Callable[[], bool] = lambda: False,
    ) -> None:
        self._engine = engine
        self._found = engine.model[resource]
        self._wanted = wanted
        self._watch, self._stopped = watch, stopped
        self._bulk = Bulk(engine, resource)
        self._seen = Seen()

    async def files(self, paths: Sequence[str]) -> Loaded:
        """Load files, one after another. Raises `FileFault`, and `KingpostError` where it is no row's fault."""
        began = perf_counter()
        loaded = Loaded([])
        try:
            async with AsyncExitStack() as stack:
                if self._wanted.whole or self._wanted.dry:
                    await stack.enter_async_context(self._engine.transaction(self._found.store, limit=HOURS))
                for path in paths:
                    await self._file(path, loaded)
                if self._wanted.dry or (self._wanted.whole and (loaded.rejected or loaded.stopped)):
                    raise _Undo
        except _Undo:
            loaded.kept = False
        finally:
            self._seen.close()
        loaded.seconds = perf_counter() - began
        return loaded

    async def _file(self, path: str, loaded: Loaded) -> None:
        with ExitStack() as stack:
            source = stack.enter_context(opened(path))
            progress = Progress(path, source.size)
            loaded.files.append(progress)
            form = self._wanted.format or source.format
            records = self._records(source, form, progress)
            progress.rejects = self._wanted.rejects or rejects_path(path, form)
            rejects = Rejects(progress.rejects, records.header, records.delimiter)
            stack.callback(rejects.close)
            while True:
                if self._stopped():
                    loaded.stopped = True
                    return
                batch = list(islice(records.each, self._wanted.batch))
                if not batch:
                    return
                await self._batch(batch, records.members, rejects, progress)
                progress.position = source.position()
                self._watch(progress)

    # Records and members

    def _records(self, source: Source, form: Format, progress: Progress) -> _Records:
        columns = Columns(self._engine.model, self._found, self._wanted.mapped, self._wanted.stated)
        if form == "csv":
            table = read_csv(source.stream, self._wanted.encoding, self._wanted.delimiter)
            read = columns.table(table.header)
            self._require_key(columns, table.header)
            progress.left_out = tuple(columns.computed)
            return _Records(table.records, read, table.header, table.delimiter)
        if form == "ndjson":
            return _Records(read_ndjson(source.stream), columns.renamed)
        progress.unit = "element"
        each = (
            Record(place, value, "" if is_object(value) else "is no JSON object")
            for place, value in elements(source.stream)
        )
        return _Records(each, columns.renamed)

    def _require_key(self, columns: Columns, header: Sequence[str]) -> None:
        """Rows without a key could neither be found nor added, unless they get one."""
        given = {path[0] for name in header for path in columns.paths(name)}
        for name in self._found.key:
            owner = self._found.fields.get(name) or self._found.relations[name]
            if name not in given and owner.default is None:
                message = f"no column goes to {name}, which is part of the key of {self._found.name}"
                raise HeaderFault(message, f"--map COLUMN={name}")

    # Batches

    async def _batch(self, batch: Sequence[Record], members: Members, rejects: Rejects, progress: Progress) -> None:
        context = self._engine.context()
        given: list[dict[str, Any]] = []
        readable: list[Record] = []
        refused: list[tuple[Record, Sequence[Detail]]] = []
        for record in batch:
            found, faults = ({}, [Detail("", "unreadable", record.fault)]) if record.fault else members(record.data)
            if faults:
                refused.append((record, faults))
            else:
                given.append(found)
                readable.append(record)
        rows = self._bulk.read(given, context)
        self._refuse_twice(rows, readable, progress)
        await self._bulk.write([row for row in rows if row.outcome is None], context)
        refused += [(record, row.details) for row, record in zip(rows, readable) if row.outcome == "rejected"]
        for record, details in sorted(refused, key=lambda one: one[0].place):
            rejects.add(record, details)
        progress.take(rows, [details for _, details in refused])
        progress.place = batch[-1].place

    def _refuse_twice(self, rows: Sequence[Row], records: Sequence[Record], progress: Progress) -> None:
        """A row that comes again: which of the two counts would be a guess."""
        keyed = [
            (row, f"{progress.path}, {progress.unit} {record.place}") for row, record in zip(rows, records) if row.key
        ]
        before = self._seen.first([row.key or () for row, _ in keyed], [place for _, place in keyed])
        for (row, _), first in zip(keyed, before, strict=True):
            if first is not None:
                row.outcome = "rejected"
                row.details = (Detail("", DUPLICATE, f"is the same row as {first}"),)
