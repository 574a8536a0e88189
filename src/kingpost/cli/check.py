"""`kingpost check`: everything wrong with an application, and what was probably forgotten."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from kingpost.cli.command import Application
from kingpost.operate.failure import Failure

if TYPE_CHECKING:
    from kingpost.app import App
    from kingpost.base.problems import Problem


def check(app: Application = None, /, *, strict: bool = False, stores: bool = True, data: bool = False) -> int:
    """Build the application and report every problem in it, with place and remedy; then warnings.

    Warnings have stable ids (KC101 ...): text without a bound, resources and actions that no rule speaks of, unique
    values that tell of hidden rows, tables that differ from the declaration. What the declaration acknowledges is shown
    with its reason and is no warning. Exit status 1 where there is a problem.

    Args:
        strict: Warnings count as problems.
        stores: Compare the tables, too; needs the stores to be there.
        data: Look at the rows, too: whether references lead to rows where no database watches over them, as between
            stores. Reads all rows that have such references.
    """
    from kingpost.base.problems import DeclarationError
    from kingpost.cli.console import counted, output, show_acknowledged, show_problems
    from kingpost.operate.checks import warnings
    from kingpost.operate.target import load, locate

    target = locate(app)
    try:
        loaded = load(target)
    except DeclarationError as error:
        show_problems(error.problems, output)
        output.print(f"\n{counted(len(error.problems), 'problem')} in {target}", style="bold red")
        return 1
    warned = warnings(loaded.model)
    found = [one.problem for one in warned if not one.reason]
    if stores:
        found += _tables(loaded, str(target))
    if data:
        found += _rows(loaded)
    meant = [one for one in warned if one.reason]
    show_problems(found, output)
    show_acknowledged(meant, output)
    resources = sum(not one.internal for one in loaded.model)
    what = f"{target}: {counted(resources, 'resource')}, no problems, {counted(len(found), 'warning')}"
    what += f", {len(meant)} acknowledged" if meant else ""
    output.print(f"\n{what}" if warned or found else what, style="bold yellow" if found else "bold green")
    return 1 if strict and found else 0


def _tables(app: App, target: str) -> list[Problem]:
    from kingpost.operate.checks import table_warnings
    from kingpost.operate.tables import compare

    try:
        return table_warnings(asyncio.run(compare(app)), target)
    except Failure as failure:
        return list(failure.problems)


def _rows(app: App) -> list[Problem]:
    from kingpost.cli.actors import started
    from kingpost.cli.console import counted, output
    from kingpost.engine.relay import NOTES
    from kingpost.operate.checks import dangling_warnings
    from kingpost.operate.dangling import Dangling, dangling

    async def look() -> tuple[list[Dangling], dict[str, int]]:
        async with started(app):
            with _watching() as watch:
                found = [one async for one in dangling(app.model, app.engine.federation, watch)]
            return found, await app.engine.relay.waiting()

    try:
        found, waiting = asyncio.run(look())
    except Failure as failure:
        return list(failure.problems)
    rows = sum(one.rows for one in found)
    output.print(f"{counted(rows, 'reference')} of {counted(len(found), 'relation')} looked at", style="dim")
    for store, number in waiting.items():
        if number:
            more = " or more" if number == NOTES else ""
            told = f"{counted(number, 'delete')}{more} in {store} not followed into other stores yet"
            output.print(f"{told}: a server does that by itself, as does `kingpost relay`", style="yellow")
    return dangling_warnings(found)


@contextmanager
def _watching() -> Generator[Callable[[str, int], None]]:
    """What is looked at, on stderr, where somebody looks."""
    from rich.console import Console

    console = Console(stderr=True, highlight=False)
    if not console.is_terminal:
        yield lambda _relation, _rows: None
        return
    with console.status("") as status:
        yield lambda relation, rows: status.update(f"{relation}: {rows:,} references")
