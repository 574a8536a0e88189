"""`kingpost serve`: the application, over HTTP."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter
from cyclopts.types import PositiveInt

from kingpost.cli.command import Application
from kingpost.operate.failure import Failure

if TYPE_CHECKING:
    from kingpost.base.problems import Problem
    from kingpost.operate.prepare import Prepared
    from kingpost.operate.serve import Serving

ANY = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - the name under which one reaches them from here
"""Addresses that mean all of the machine's own."""


def serve(
    app: Application = None,
    /,
    *,
    host: str = "127.0.0.1",
    port: Annotated[int, Parameter(env_var="PORT")] = 8000,
    workers: PositiveInt = 1,
    reload: bool | None = None,
    production: bool = False,
) -> int:
    """Serve the application.

    For development unless told otherwise: it starts again when a file changes, shows each request, and creates tables
    that a SQLite database lacks. With --production, or several workers, it does not watch files; with --production it
    also leaves all tables alone and logs only what matters.

    What a database has otherwise than declared, or lacks, is told at the start, with the next step: `kingpost db diff`
    shows it, `kingpost db sync` adds what can be added. The rest is served.

    Cursors are signed with KINGPOST_SECRET: set it in production, so that they outlive a restart.

    Args:
        host: Address to listen at; 0.0.0.0 is all there are.
        port: Port to listen at.
        workers: Processes that answer; one per core is a good number in production.
        reload: Start again when a file changes. Default: in development, with one worker.
        production: Serve users rather than a developer.
    """
    from kingpost.operate.serve import Serving
    from kingpost.operate.serve import serve as run
    from kingpost.operate.target import locate

    if production and reload:
        raise Failure("KC015", "--production does not watch files", "leave --reload or --production out", status=2)
    if not 0 <= port <= 65535:
        raise Failure("KC007", f"--port {port}: ports are numbers up to 65535", "a port from 1024 on", status=2)
    watch = reload if reload is not None else not production and workers == 1
    serving = Serving(locate(app), host, port, workers, watch, production)
    return run(serving, lambda prepared, again: _report(serving, prepared, again))


def _report(serving: Serving, prepared: Prepared | tuple[Problem, ...], again: bool) -> None:
    from kingpost.cli.console import errors, output, show_problems

    if isinstance(prepared, tuple):
        show_problems(prepared, errors)
        if again:
            errors.print("Stopped until a file changes.", style="bold red")
        return
    if again:
        output.print("Reloaded.", style="bold green")
    else:
        _introduce(serving, prepared)
    for one in prepared.made:
        from kingpost.operate.tables import in_words

        output.print(f"  {one.store}  {one.url}: {in_words(one.possible)}")
    _warn(serving, prepared)


def _introduce(serving: Serving, prepared: Prepared) -> None:
    from importlib.metadata import version

    from kingpost.cli.console import heading, output

    name = ANY.get(serving.host, serving.host)
    base = f"http://{f'[{name}]' if ':' in name else name}:{serving.port}"
    output.print(heading(prepared.name, f"{serving.target} · Kingpost {version('kingpost')}"))
    for label, path in (("Site", prepared.site), ("API", prepared.api), ("Docs", prepared.docs)):
        if path is not None:
            output.print(f"  {label:5} {base}{path}")
    habits = f"{serving.workers} workers" if serving.workers > 1 else ""
    watch = "starts again when a file changes" if serving.reload else ""
    output.print("  " + " · ".join(filter(None, (habits, watch, "Ctrl-C stops"))), style="dim")


def _warn(serving: Serving, prepared: Prepared) -> None:
    from kingpost.cli.console import errors, show_problems
    from kingpost.operate.checks import table_warnings

    show_problems(table_warnings(prepared.open, str(serving.target)), errors)
    if prepared.open:
        told = f"`kingpost db diff {serving.target}` shows all of it again"
        errors.print(f"What needs this answers 503 (KP504) until then; {told}.")
