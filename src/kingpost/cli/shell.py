"""`kingpost shell`: an asynchronous console with the application in it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from kingpost.cli.command import Application
from kingpost.operate.failure import Failure

if TYPE_CHECKING:
    from kingpost.app import App


def shell(
    app: Application = None,
    /,
    *,
    actor: Annotated[str | None, Parameter(name="--as")] = None,
    system: str | None = None,
) -> int:
    """Open a console with the application, its resources, and `await`.

    Rules apply: without an actor they see the anonymous one. What is typed can be read by the language, so that
    `await Article.where(lambda a: a.hours > 3)` works. A script that is piped in runs like a file: its exit status
    is that of the command, and an error ends it with 1. Values of expressions are shown.

    Args:
        actor: Key of the actor in whose name things are done.
        system: See and change everything; the words say why, and are logged.
    """
    if actor is not None and system is not None:
        raise Failure("KC015", "--as acts by the rules, --system without them", "leave one of them out", status=2)
    from kingpost.operate.target import load, locate

    return asyncio.run(_run(load(locate(app)), actor, system))


async def _run(app: App, actor: str | None, system: str | None) -> int:
    from contextlib import ExitStack

    from kingpost.cli.actors import find_actor, started
    from kingpost.cli.repl import Repl
    from kingpost.engine.context import as_system

    async with started(app):
        with ExitStack() as stack:
            if system is not None:
                stack.enter_context(as_system(system))
            elif actor is not None:
                stack.enter_context(app.acting(await find_actor(app, actor)))
            return await Repl(_names(app), _banner(app, actor, system)).run()


def _names(app: App) -> dict[str, object]:
    """What can be used without an import."""
    import kingpost

    names: dict[str, object] = {name: getattr(kingpost, name) for name in ("as_system", "now")}
    names.update(
        {one.name: one.cls for one in app.model.resources.values() if one.cls is not None and not one.internal}
    )
    return {**names, "app": app, "asyncio": asyncio, "__name__": "__console__"}


def _banner(app: App, actor: str | None, system: str | None) -> str:
    who = f"as system: {system}" if system else f"as {app.model.actor} {actor}" if actor else "nobody is logged in"
    resources = ", ".join(one.name for one in app.model.resources.values() if not one.internal)
    return f"{app.name} · {who} · await works · app, {resources}"
