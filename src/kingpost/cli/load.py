"""`kingpost load`: files into a resource."""

from __future__ import annotations

import asyncio
import gc
import signal
import threading
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import Parameter

from kingpost.cli.names import Application
from kingpost.operate.failure import Failure

if TYPE_CHECKING:
    from kingpost.app import App
    from kingpost.change.load import Wanted
    from kingpost.model.model import ResourceModel

INTERRUPTED = 130


def load(
    *files: Annotated[str, Parameter(allow_leading_hyphen=True)],
    into: str,
    actor: Annotated[str | None, Parameter(name="--as")] = None,
    system: str | None = None,
    map: Annotated[list[str] | None, Parameter(negative=())] = None,
    null: Annotated[list[str] | None, Parameter(negative=())] = None,
    format: Literal["csv", "json", "ndjson"] | None = None,
    encoding: str | None = None,
    delimiter: str | None = None,
    date_format: str | None = None,
    datetime_format: str | None = None,
    zone: str | None = None,
    batch: int = 5000,
    all_or_nothing: Annotated[bool, Parameter(negative=())] = False,
    dry_run: Annotated[bool, Parameter(negative=())] = False,
    rejects: Path | None = None,
    app: Application = None,
) -> int:
    """Load CSV, JSON or NDJSON files into a resource: rows that are there are changed, others added.

    Every row is checked as a request would be: by the same input model, and with --as by the rules. What is wrong with
    a row is written, with the row, to FILE.rejected.csv (or .ndjson) beside the file, and the others are loaded.
    Rows are found by their key; of one that is there only the members that the file gives are changed.

    Ctrl-C ends the load behind the present batch. Loading the same file again goes on: what is there is left alone.

    Exit status 1 where rows were rejected, 130 after Ctrl-C.

    Args:
        files: Files, also .gz and .zip; - for the standard input.
        into: The resource.
        actor: Key of the actor in whose name rows are loaded: by the rules, and in the members that doors write.
        system: Load whatever the rules say, and in every stored member; the words say why, and are logged.
        map: COLUMN=member for a column that is called otherwise; COLUMN= leaves it out; reference.part for a part of a
            key. May be said of a column twice.
        null: Text that stands for None in cells, such as NA; empty cells do anyway, where None is allowed.
        format: What the files are. Default: by their names, else by their first character.
        encoding: Of CSV. Default: UTF-8, or what a byte order mark says.
        delimiter: Between cells of CSV. Default: the one of , ; tab and | that the header has most of.
        date_format: Of dates, as in datetime.strptime, such as %d.%m.%Y. Default: ISO 8601.
        datetime_format: Of instants, likewise.
        zone: Of instants that name no offset, such as Europe/Berlin. Default: they are rejected.
        batch: Rows of one transaction, at most 10,000.
        all_or_nothing: One transaction for everything; nothing is kept where a row is rejected.
        dry_run: Do it all, and keep nothing.
        rejects: Where rejected rows are written instead.
    """
    from kingpost.operate.target import load as load_app
    from kingpost.operate.target import locate

    _require_files(files)
    _require_somebody(actor, system)
    if rejects is not None and len(files) > 1:
        raise Failure("KC015", "--rejects is one file, and there are several to load", "leave it out", status=2)
    loaded = load_app(locate(app))
    from kingpost.change.load import LARGEST_BATCH, Wanted
    from kingpost.cli.names import find_resource
    from kingpost.stores.files.cells import Stated

    found = find_resource(loaded, into)
    if not 1 <= batch <= LARGEST_BATCH:
        raise Failure("KC017", f"--batch takes 1 to {LARGEST_BATCH:,} rows", "--batch 5000", status=2)
    stated = Stated(date_format or "", datetime_format or "", _zone(zone), frozenset(null or ()))
    wanted = Wanted(
        _mapped(map or ()), stated, format, encoding, _delimiter(delimiter), batch, all_or_nothing, dry_run, rejects
    )
    return asyncio.run(_run(loaded, found, files, wanted, actor, system))


def _require_files(files: Sequence[str]) -> None:
    remedy = "kingpost load FILE --into Resource, or - for the standard input"
    if not files:
        raise Failure("KC017", "no file is named", remedy, status=2)
    for one in files:
        if one.startswith("-") and one != "-":
            remedy = "kingpost load --help, or ./ before the name of a file"
            raise Failure("KC017", f"there is no option {one}", remedy, status=2)


def _require_somebody(actor: str | None, system: str | None) -> None:
    if actor is not None and system is not None:
        raise Failure("KC015", "--as acts by the rules, --system without them", "leave one of them out", status=2)
    if actor is None and system is None:
        remedy = '--as KEY to load by the rules, or --system "first load" to load whatever they say'
        raise Failure("KC018", "it is not said who loads", remedy, status=2)


def _mapped(given: Sequence[str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for one in given:
        column, equals, member = one.rpartition("=")
        if not equals or not column:
            raise Failure("KC017", f"--map {one} is no COLUMN=member", "--map carrier=airline", status=2)
        targets = found.setdefault(column, [])
        if member:
            targets.append(member.strip())
    return found


def _zone(name: str | None) -> Any:
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

    try:
        return None if name is None else ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise Failure("KC017", f"there is no zone {name!r}", "--zone UTC, --zone Europe/Berlin", status=2) from None


def _delimiter(given: str | None) -> str | None:
    text = {"tab": "\t", "\\t": "\t"}.get(given or "", given)
    if text is not None and (len(text) != 1 or text in '"\r\n'):
        raise Failure(
            "KC017", f"--delimiter {given!r} is no single character", "--delimiter ';', --delimiter tab", status=2
        )
    return text


async def _run(
    app: App, found: ResourceModel, files: Sequence[str], wanted: Wanted, actor: str | None, system: str | None
) -> int:
    from contextlib import ExitStack

    from kingpost.change.faults import HeaderFault
    from kingpost.change.load import Load
    from kingpost.cli.actors import find_actor, started
    from kingpost.cli.load_show import show, watching
    from kingpost.engine.context import as_system
    from kingpost.operate.logs import log_access
    from kingpost.stores.files.faults import FileFault

    # Batches come and go whole: looking for circles among their rows over and over costs a quarter of the time.
    gc.freeze()
    gc.set_threshold(200_000, 50, 100)
    async with started(app):
        with ExitStack() as stack:
            if system is not None:
                log_access()
                stack.enter_context(as_system(system))
            else:
                stack.enter_context(app.acting(await find_actor(app, actor or "")))
            stopping = stack.enter_context(interrupted())
            watch = stack.enter_context(watching(files))
            load = Load(app.engine, found.name, wanted, watch=watch, stopped=stopping.is_set)
            try:
                loaded = await load.files(files)
            except HeaderFault as fault:
                raise Failure("KC019", fault.message, fault.remedy) from None
            except FileFault as fault:
                raise Failure("KC020", fault.message, fault.remedy) from None
        show(loaded, found, wanted)
        return INTERRUPTED if loaded.stopped else 1 if loaded.rejected else 0


@contextmanager
def interrupted() -> Generator[threading.Event]:
    """Inside, the first Ctrl-C sets the event; the second one ends it all at once."""
    from kingpost.cli.console import errors

    stopping = threading.Event()
    before = signal.getsignal(signal.SIGINT)

    def stop(number: int, frame: object) -> None:
        if stopping.is_set():
            raise KeyboardInterrupt
        stopping.set()
        errors.print("Stopping behind this batch; Ctrl-C again stops at once.", style="bold yellow")

    signal.signal(signal.SIGINT, stop)
    try:
        yield stopping
    finally:
        signal.signal(signal.SIGINT, before)
