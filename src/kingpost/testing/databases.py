"""An application on databases of its own, made for a test and gone with it."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from kingpost.app import App
from kingpost.stores.registry import open_store


@asynccontextmanager
async def fresh(app: App | Callable[[], App], **urls: str) -> AsyncGenerator[App]:
    """Inside, every store of the application is an empty SQLite database with all tables; the application is started.

    `app` is the application as it is served, or a function that makes one. `urls` names other addresses for some of
    its stores, such as `main="postgresql://..."`; what is there is kept, missing tables are added.

    >>> async with fresh(app), Client(app) as client:  # doctest: +SKIP
    ...     answer = await client.get("/api/articles")
    """
    made = app if isinstance(app, App) else app()
    before = dict(made.stores)
    with tempfile.TemporaryDirectory(prefix="kingpost-test-") as folder:
        for name in made.stores:
            # normal: a commit that a power cut would lose is no loss to a test.
            url = urls.get(name, f"sqlite:///{Path(folder) / name}.db?synchronous=normal")
            made.stores[name] = open_store(url, made.model, name)
        made.engine.plans.forget()  # they hold statements of the stores before
        try:
            await made.start()
            try:
                await made.sync()
                yield made
            finally:
                await made.stop()
        finally:
            made.stores.update(before)
            made.engine.plans.forget()
