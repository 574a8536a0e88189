"""`kingpost sql`: one statement over the tables of all stores, for operators."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from kingpost.cli.command import Application
from kingpost.operate.failure import Failure

if TYPE_CHECKING:
    from kingpost.app import App

MOST = 1_000


def sql(
    statement: str,
    /,
    *,
    form: Literal["table", "csv", "json"] = "table",
    out: Path | None = None,
    memory: str = "1GB",
    threads: int = 2,
    app: Application = None,
) -> int:
    """Ask all stores at once, in DuckDB's SQL: "select * from main.article join events.view using (article_id)".

    Stores are schemas, tables and columns are called as in their store. For operators: this is no rule boundary, every
    row is read whoever may see it, deleted ones too. It only reads: the tables that the statement names are copied into
    a database in memory, which is gone afterwards.

    Args:
        statement: One SELECT.
        form: How the answer is printed, of up to 1,000 rows.
        out: A file for the answer instead, of any length: .csv, .json, .ndjson or .parquet.
        memory: What DuckDB may use; more goes to a folder for temporary files meanwhile.
        threads: With how many DuckDB computes.
    """
    from kingpost.operate.target import load, locate

    return asyncio.run(_run(load(locate(app)), statement, form, out, memory, threads))


async def _run(app: App, statement: str, form: str, out: Path | None, memory: str, threads: int) -> int:
    from kingpost.cli.actors import started
    from kingpost.cli.console import counted, output
    from kingpost.doors.analysis.opening import open_stored
    from kingpost.engine.context import as_system
    from kingpost.operate.logs import log_access

    log_access()
    try:
        async with started(app), open_stored(app.engine, memory=memory, threads=threads) as tables:
            with as_system("kingpost sql"):
                if out is not None:
                    rows = await tables.write(statement, out)
                    output.print(f"{out}: {counted(rows, 'row')}")
                    return 0
                result = await tables.run(statement, most=MOST)
    except ValueError as error:
        raise Failure("KC017", str(error), status=2) from None
    if form == "csv":
        sys.stdout.write(result.csv())
    elif form == "json":
        output.print(result.json().decode(), soft_wrap=True)
    else:
        _show(result.columns, result.texts())
    return 0


def _show(columns: tuple[str, ...], rows: list[list[str]]) -> None:
    from rich.text import Text

    from kingpost.cli.console import counted, output, plain_table

    table = plain_table(*columns)
    for row in rows:
        table.add_row(*map(Text, row))
    output.print(table)
    output.print(counted(len(rows), "row"))
