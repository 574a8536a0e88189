"""What happens before a server listens: the application is loaded, its tables seen to, its addresses read off.

All of it in a process that then ends, so that the workers, which are forked, import the application as it is by then.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import sys
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.context import ForkProcess, SpawnProcess
from typing import TYPE_CHECKING

from kingpost.base.problems import DeclarationError, Problem
from kingpost.operate.failure import Failure
from kingpost.operate.target import Target, load

if TYPE_CHECKING:
    from kingpost.app import App
    from kingpost.operate.tables import Differences

# Forked where that is safe: the framework, already imported, is then shared. On macOS it is not.
PROCESS = SpawnProcess if sys.platform in ("win32", "darwin") else ForkProcess


@dataclass(frozen=True, slots=True)
class Prepared:
    """An application that can be served. `site`, `docs`: paths, None where there is none.

    `made`: what was added to embedded stores; `open`: what still differs, anywhere.
    """

    name: str
    api: str
    site: str | None
    docs: str | None
    made: tuple[Differences, ...]
    open: tuple[Differences, ...]


def prepare(target: Target, *, create: bool) -> Prepared | tuple[Problem, ...]:
    """Load and look, in a process of its own; with `create` embedded stores get the tables that they lack."""
    receiving, sending = multiprocessing.Pipe(duplex=False)
    child = PROCESS(target=_in_child, args=(target, create, sending), daemon=True)
    child.start()
    sending.close()
    try:
        answer: Prepared | tuple[Problem, ...] = receiving.recv()
    except EOFError:
        child.join()
        message = f"{target} ended the process that loaded it (exit status {child.exitcode})"
        answer = Failure("KC005", message, "python -X faulthandler -c 'import ...' tells more").problems
    child.join()
    return answer


def _in_child(target: Target, create: bool, sending: Connection) -> None:
    try:
        sending.send(prepare_here(target, create=create))
    except KeyboardInterrupt:
        sys.exit(1)


def prepare_here(target: Target, *, create: bool) -> Prepared | tuple[Problem, ...]:
    """The same in this process."""
    try:
        app = load(target)
        made, left = asyncio.run(_tables(app, create))
    except (Failure, DeclarationError) as error:
        return error.problems
    return described(app, made, left)


async def _tables(app: App, create: bool) -> tuple[list[Differences], list[Differences]]:
    from kingpost.operate.tables import Differences, compare, is_embedded, sync

    if not create:
        return [], [one for one in await compare(app) if one.changes]
    made: list[Differences] = []
    left: list[Differences] = []
    for found in await sync(app, is_embedded):
        if is_embedded(found.url):
            made.extend([found] if found.possible else [])
            left.extend([Differences(found.store, found.url, found.refused)] if found.refused else [])
        elif found.changes:
            left.append(found)
    return made, left


def described(app: App, made: list[Differences], left: list[Differences]) -> Prepared:
    """What is said of an application when it is served."""
    from kingpost.operate.addresses import api_prefix, has_site

    docs = next((path for _, path, _ in app.rest.routes() if path.endswith("/docs")), None)
    return Prepared(app.name, api_prefix(app), "/" if has_site(app) else None, docs, tuple(made), tuple(left))
