"""What happens before a server listens: the application is loaded, its tables seen to, its addresses read off.

All of it in a process that then ends, so that the workers, which are forked, import the application as it is by then.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import sys
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING, Any

from kingpost.base.problems import DeclarationError, Problem
from kingpost.operate.failure import Failure
from kingpost.operate.target import Target, load

if TYPE_CHECKING:
    from kingpost.app import App
    from kingpost.operate.tables import Differences


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
    context = multiprocessing.get_context("spawn" if sys.platform in ("win32", "darwin") else "fork")
    receiving, sending = context.Pipe(duplex=False)
    child = context.Process(target=_in_child, args=(target, create, sending), daemon=True)
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
    site = "/" if any(_answers_root(route) for route in app.routes) else None
    docs = next((path for _, path, _ in app.rest.routes() if path.endswith("/docs")), None)
    return Prepared(app.name, api_prefix(app), site, docs, tuple(made), tuple(left))


def api_prefix(app: App) -> str:
    """The path that those of resources begin with."""
    first = next(one for one in app.model.resources.values() if not one.internal)
    path: str = next(path for _, path, _ in app.rest.routes())
    return path.removesuffix(f"/{first.path.strip('/')}")


def _answers_root(route: Any) -> bool:
    path = getattr(route, "path", None)
    return path == "/" and "GET" in (getattr(route, "methods", None) or ("GET",))
