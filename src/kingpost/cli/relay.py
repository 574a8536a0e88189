"""`kingpost relay`: what deletes mean for other stores, carried out apart from the server."""

from __future__ import annotations

import asyncio
import signal
from typing import TYPE_CHECKING

from kingpost.cli.command import Application

if TYPE_CHECKING:
    from kingpost.app import App


def relay(app: Application = None, /, *, once: bool = False) -> int:
    """Carry out in other stores what deletes mean for them, until Ctrl-C.

    Rows of other stores that refer to a deleted row are deleted or changed as their on_delete says. A server does that
    by itself, unless the application says relay=False: then this is the process for it. Several may run: one works, and
    another takes over within seconds when it is gone.

    Args:
        once: End when all deletes so far have been followed.
    """
    from logging.config import dictConfig

    from kingpost.cli.actors import started
    from kingpost.cli.console import output
    from kingpost.operate.logs import logging_config
    from kingpost.operate.target import load, locate

    target = locate(app)
    loaded = load(target)
    dictConfig({"version": 1, **logging_config(production=True)})
    stores = ", ".join(loaded.engine.relay.leases)
    if not stores:
        output.print(f"{target}: nothing to do, as no on_delete leads from store to store")
        return 0

    async def work() -> None:
        async with started(loaded):
            if once:
                await loaded.settle()
            else:
                output.print(f"{target}: following deletes in {stores} · Ctrl-C stops")
                await _until_stopped(loaded)

    asyncio.run(work())
    output.print("All deletes so far have been followed." if once else "Stopped.")
    return 0


async def _until_stopped(app: App) -> None:
    stopped = asyncio.Event()
    for one in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(one, stopped.set)
    await app.engine.relay.start()
    await stopped.wait()
