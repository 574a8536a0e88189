"""The server: Granian's processes around an application, which they import themselves."""

from __future__ import annotations

import gc
import os
import secrets
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeAlias

from kingpost.base.problems import DeclarationError, Problem
from kingpost.operate.connections import CONNECTIONS, SLOW, serve_in_worker
from kingpost.operate.failure import PACKAGE, Failure
from kingpost.operate.logs import REQUEST, logging_config
from kingpost.operate.ports import require_free
from kingpost.operate.prepare import Prepared, prepare
from kingpost.operate.target import Target, load

if TYPE_CHECKING:
    from kingpost.app import App

PATIENCE = 10
"""Seconds that a worker gets to finish its requests when the server stops."""

RELOADED = (".py", ".toml", ".yaml", ".yml", ".html", ".jinja", ".j2", ".md", ".css", ".sql", ".env")
"""What is watched; a database that grows must not reload the server that writes it."""

COLLECTED: Final = (20_000, 20, 50)
"""How often the garbage collector of a worker runs, as `gc.set_threshold` takes it."""

Report: TypeAlias = Callable[[Prepared | tuple[Problem, ...], bool], None]
"""Told what came of loading the application; True: again, after a change."""


@dataclass(frozen=True, slots=True)
class Serving:
    """What to serve, where, and how."""

    target: Target
    host: str = "127.0.0.1"
    port: int = 8000
    workers: int = 1
    reload: bool = True
    production: bool = False


def serve(serving: Serving, report: Report) -> int:
    """Serve until interrupted; answers the exit status. Raises `Failure` where it can't begin."""
    require_free(serving.host, serving.port)
    # One secret for all workers, and for those after a reload: cursors of one are read by the others.
    os.environ.setdefault("KINGPOST_SECRET", secrets.token_hex(32))
    if not os.environ["KINGPOST_SECRET"]:
        os.environ["KINGPOST_SECRET"] = secrets.token_hex(32)
    os.environ["KINGPOST_DEVELOPMENT"] = "" if serving.production else "1"  # a refusal says what would admit it
    _import_ahead(serving)
    prepared = prepare(serving.target, create=not serving.production)
    report(prepared, False)
    if not isinstance(prepared, Prepared):
        return 1
    return _run(serving, report)


def _import_ahead(serving: Serving) -> None:
    """Forked workers then only import the user's own modules, and a reload takes a fraction of a second.

    Not where Kingpost itself is being worked on: its modules would stay as they were.
    """
    if not Path(PACKAGE).is_relative_to(serving.target.folder.resolve()) or not serving.reload:
        for name in ("kingpost.app", "kingpost.stores.sql.sqlite.store", "kingpost.operate.tables"):
            import_module(name)


def _run(serving: Serving, report: Report) -> int:
    from granian.constants import HTTPModes, Interfaces
    from granian.http import HTTP1Settings
    from granian.log import LogLevels
    from granian.server import Server

    from kingpost.operate.watched import Watched

    server = Server(
        str(serving.target),
        address=serving.host,
        port=serving.port,
        interface=Interfaces.ASGI,
        # Not HTTP/2 without TLS as well: to find out which of them it is Granian would wait for ever.
        http=HTTPModes.http1,
        http1_settings=HTTP1Settings(header_read_timeout=SLOW * 1000),
        backpressure=CONNECTIONS,
        workers=serving.workers,
        log_level=LogLevels.error,
        log_dictconfig=logging_config(production=serving.production),
        log_access=not serving.production,
        log_access_format=REQUEST,
        workers_kill_timeout=PATIENCE if serving.production else 2,
        respawn_failed_workers=serving.production,
        reload=serving.reload,
        reload_paths=[serving.target.folder],
        reload_filter=Watched,
        reload_ignore_worker_failure=serving.reload,
    )
    server.on_reload(lambda: report(prepare(serving.target, create=not serving.production), True))
    try:
        server.serve(serve_in_worker, partial(load_in_worker, serving.target), wrap_loader=False)
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else 1
    return 0


def load_in_worker(target: Target) -> App:
    """The application in a worker. What is wrong with it has been told by then: see `prepare`.

    What it consists of stays until the end: a full collection that walks all of it keeps requests waiting for tens of
    milliseconds and finds nothing. So it is left out; what an application says of the collector itself wins.
    """
    gc.set_threshold(*COLLECTED)
    try:
        app = load(target)
        gc.collect()
        gc.freeze()
        return app
    except (Failure, DeclarationError):
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(0)
