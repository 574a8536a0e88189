"""`kingpost db`: the tables of the stores beside the declaration."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

from cyclopts import App, Parameter

from kingpost.cli.command import Application

if TYPE_CHECKING:
    from kingpost.operate.tables import Differences

db = App(name="db", help="Compare the tables of all stores with the declaration, and bring them up to it.")


@db.command
def sync(
    app: Application = None, /, *, dry_run: bool = False, verbose: Annotated[bool, Parameter(alias="-v")] = False
) -> int:
    """Create what is missing and add what can be added without loss; show the rest, which is refused.

    Nothing is ever dropped, renamed or converted. Exit status 1 where something was refused.

    Args:
        dry_run: Show the statements, and run none.
        verbose: Show the statements that are run.
    """
    from kingpost.cli.console import output
    from kingpost.operate.tables import compare
    from kingpost.operate.tables import sync as carry_out
    from kingpost.operate.target import load, locate

    loaded = load(locate(app))
    found = asyncio.run(compare(loaded) if dry_run else carry_out(loaded))
    _show(found, statements=dry_run or verbose, done=not dry_run)
    if dry_run and any(one.possible for one in found):
        output.print("Nothing was changed.", style="dim")
    return 1 if any(one.refused for one in found) else 0


@db.command
def diff(app: Application = None, /) -> int:
    """Show how the stores differ from the declaration, and change nothing. Exit status 1 where they do."""
    from kingpost.operate.tables import compare
    from kingpost.operate.target import load, locate

    found = asyncio.run(compare(load(locate(app))))
    _show(found, statements=False, done=False)
    return 1 if any(one.changes for one in found) else 0


def _show(found: Sequence[Differences], *, statements: bool, done: bool) -> None:
    from kingpost.cli.console import heading, output

    words = {True: {"create": "done", "add": "done"}, False: {"create": "missing", "add": "missing"}}[done]
    for one in found:
        output.print(heading(one.store, one.url))
        if not one.changes:
            output.print("  as declared", style="green")
        for change in one.changes:
            if change.kind == "refuse":
                text, _, remedy = change.text.partition(" Next: ")
                output.print(f"  refused  {text}", style="red")
                output.print(f"           Next: {remedy}" if remedy else "", end="\n" if remedy else "")
                continue
            output.print(f"  {words[change.kind]:7}  {change.text}")
            for statement in change.statements if statements else ():
                output.print("\n".join(f"      {line}" for line in f"{statement};".splitlines()), style="dim")
