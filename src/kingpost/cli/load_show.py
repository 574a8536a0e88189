"""A load on the screen: how far it has come, and what came of it."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.progress import Progress as Bars

from kingpost.change.load import Loaded, Progress, Wanted
from kingpost.cli.console import counted, output
from kingpost.model.model import ResourceModel

SHOWN_REASONS = 5


@contextmanager
def watching(files: Sequence[str]) -> Generator[Callable[[Progress], None]]:
    """A bar for each file on stderr, where somebody looks at it; by bytes, as nobody knows the number of rows."""
    console = Console(stderr=True, highlight=False)
    bars = Bars(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TextColumn("{task.fields[rows]:>11,} rows"),
        TextColumn("{task.fields[rejected]}", style="yellow"),
        TimeElapsedColumn(),
        TimeRemainingColumn(compact=True),
        console=console,
        disable=not console.is_terminal,
        transient=True,
    )
    tasks = {path: bars.add_task(Path(path).name, total=None, rows=0, rejected="", start=False) for path in files}

    def watch(progress: Progress) -> None:
        task = tasks[progress.path]
        bars.start_task(task)
        rejected = f"{progress.rejected:,} rejected" if progress.rejected else ""
        bars.update(
            task, total=progress.size, completed=progress.position, rows=progress.rows, rejected=rejected, refresh=True
        )

    with bars:
        yield watch


def show(loaded: Loaded, found: ResourceModel, wanted: Wanted) -> None:
    """What became of the rows of each file, and what to do next."""
    for one in loaded.files:
        done = [f"{getattr(one, name):,} {name}" for name in ("created", "updated", "unchanged") if getattr(one, name)]
        told = ", ".join([*done, *([f"{one.rejected:,} rejected"] if one.rejected else [])]) or "nothing in it"
        style = "yellow" if one.rejected else "green"
        output.print(f"{one.path}: {_rows(one.rows)} of {found.name}: {told}", style=style)
        if one.left_out:
            names = ", ".join(one.left_out)
            output.print(
                f"  left out, as {'they are' if len(one.left_out) > 1 else 'it is'} computed: {names}", style="dim"
            )
        _show_rejected(one)
    output.print(f"  {loaded.seconds:.1f} s", style="dim")
    _show_end(loaded, wanted)


def _show_rejected(one: Progress) -> None:
    if not one.rejected:
        return
    often = sorted(one.reasons.items(), key=lambda pair: -pair[1])
    for reason, number in often[:SHOWN_REASONS]:
        output.print(f"  {number:>7,}  {reason}")
    if len(often) > SHOWN_REASONS:
        output.print(f"           and {counted(len(often) - SHOWN_REASONS, 'more reason')}")
    output.print(f"  Rejected rows with their reasons: {one.rejects}")
    output.print("  Next: mend them there, and load that file")


def _show_end(loaded: Loaded, wanted: Wanted) -> None:
    if loaded.stopped:
        last = loaded.files[-1]
        where = f"Stopped behind {last.unit} {last.place:,} of {last.path}"
        if loaded.kept:
            output.print(f"{where}; what is loaded stays.", style="bold yellow")
            output.print("  Next: the same command goes on; rows that are there are left alone")
            return
        output.print(f"{where}.", style="bold yellow")
    if not loaded.kept:
        why = "as --dry-run wanted" if wanted.dry else "as --all-or-nothing wanted"
        output.print(f"Nothing was kept, {why}.", style="bold")


def _rows(number: int) -> str:
    return f"{number:,} {'row' if number == 1 else 'rows'}"
