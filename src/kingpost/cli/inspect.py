"""`kingpost inspect`: classes for a database that exists."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from kingpost.operate.failure import Failure

if TYPE_CHECKING:
    from kingpost.change.inspect import Inspected


def inspect(
    url: str,
    /,
    *tables: str,
    output: Annotated[Path | None, Parameter(alias="-o")] = None,
    schema: str | None = None,
    without: Annotated[list[str] | None, Parameter(negative=())] = None,
    views: Annotated[bool, Parameter(negative=())] = False,
    public: Annotated[bool, Parameter(negative=())] = False,
    force: Annotated[bool, Parameter(negative=())] = False,
) -> int:
    """Write Resource classes for the tables of an SQLite or PostgreSQL database, or for files.

    The text goes to standard output, or to a file, and is an application: `kingpost serve` runs it. Tables, columns and
    keys keep their names; foreign keys become relations, tables of links lists. What can't be declared is said in
    comments. The database is only read. Files are CSV, NDJSON, JSON, Parquet and workbooks: a class for each file of a
    folder, or each sheet, whose types are those as which its values are read.

    Args:
        url: sqlite:///shop.db, postgresql://user:password@host/shop, csv:///data or xlsx:///book.xlsx.
        tables: Names, or patterns such as 'auth_*', of the tables that are wanted, and of views. Default: all tables.
        output: The file to write.
        schema: Of PostgreSQL. Default: what names without a schema lead to, which is public most often.
        without: A name or pattern of tables that are not wanted; may be said several times.
        views: Views, too.
        public: Let everybody read everything, for a first look. Without it nobody may, until the classes say who.
        force: Write the file also where there is one.
    """
    from kingpost.change.faults import InspectFault
    from kingpost.change.inspect import Asked
    from kingpost.change.inspect import inspect as inspected
    from kingpost.operate.tables import store_failure
    from kingpost.stores.contract import StoreError

    if output is not None and output.exists() and not force:
        raise Failure("KC022", f"{output} is there", "another name behind -o, or --force to write it anew")
    asked = Asked(url, schema or "", tables, tuple(without or ()), views, public)
    try:
        with watching() as watch:
            found = asyncio.run(inspected(asked, watch))
    except InspectFault as fault:
        raise Failure("KC021", fault.message, fault.remedy) from None
    except StoreError as error:
        raise store_failure(error, "that is inspected", url) from error
    if output is None:
        sys.stdout.write(found.text)
    else:
        _write(output, found.text)
    _show(found, output)
    return 0


def _write(output: Path, text: str) -> None:
    try:
        output.write_text(text, encoding="utf-8")
    except OSError as error:
        remedy = "another name behind -o; without it the text goes to standard output"
        raise Failure("KC017", f"{output} can't be written: {error.strerror}", remedy, status=2) from error


def _show(found: Inspected, output: Path | None) -> None:
    """On stderr: the text may be on its way into a file."""
    from kingpost.cli.console import counted, errors

    what = f"{counted(found.tables, 'table')}: {counted(found.classes, 'class', 'classes')}"
    remarks = f", {counted(found.remarks, 'thing')} said in comments" if found.remarks else ""
    errors.print(f"{what}{remarks}{f', in {output}' if output is not None else ''}", style="green")
    if found.left:
        errors.print(f"  without a class: {', '.join(found.left)}", style="yellow")
    if output is not None and output.suffix == ".py":
        errors.print(f"  Next: kingpost check {output.stem}:app, and say in the classes who may read and write")


@contextmanager
def watching() -> Generator[Callable[[str, int, int], None]]:
    """A bar on stderr, where somebody looks at it."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    console = Console(stderr=True, highlight=False)
    bars = Progress(
        TextColumn("Looking at"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.description}", markup=False),
        console=console,
        disable=not console.is_terminal,
        transient=True,
    )
    task = bars.add_task("", total=None)

    def watch(name: str, number: int, of: int) -> None:
        bars.update(task, description=name, completed=number - 1, total=of, refresh=True)

    with bars:
        yield watch
