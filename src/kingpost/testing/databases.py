"""An application on databases of its own, made for a test and gone with it."""

from __future__ import annotations

import secrets
import tempfile
from collections.abc import AsyncGenerator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

from kingpost.app import App
from kingpost.stores.contract import Store
from kingpost.stores.registry import open_store
from kingpost.stores.settings import settings_in, split_parameters


@asynccontextmanager
async def fresh(app: App | Callable[[], App], **urls: str) -> AsyncGenerator[App]:
    """Inside, every store of the application is an empty SQLite database with all tables; the application is started.

    `app` is the application as it is served, or a function that makes one. `urls` names other addresses for some of
    its stores, such as `main="postgresql://..."`: in PostgreSQL the tables are in a schema of their own, made for the
    purpose in the database that is named, and dropped afterwards. At an address of another kind, what is there is kept.

    >>> async with fresh(app), Client(app) as client:  # doctest: +SKIP
    ...     answer = await client.get("/api/articles")
    """
    made = app if isinstance(app, App) else app()
    before = dict(made.stores)
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="kingpost-test-")))
        own: dict[str, Store] = {}
        for name in before:
            # normal: a commit that a power cut would lose is no loss to a test.
            url = urls.get(name, f"sqlite:///{folder / name}.db?synchronous=normal")
            own[name] = open_store(url, made.model, name)
            if url.partition(":")[0] in ("postgres", "postgresql"):
                url = await stack.enter_async_context(_schema(url))
                own[name] = open_store(url, made.model, name)
        made.stores.update(own)
        made.engine.forget()  # they hold statements of the stores before
        try:
            await made.start()
            try:
                await made.sync()
                yield made
            finally:
                await made.stop()
        finally:
            made.stores.update(before)
            made.engine.forget()


@asynccontextmanager
async def _schema(url: str) -> AsyncGenerator[str]:
    """The address of a new schema in a database of PostgreSQL, which is dropped with all that is in it."""
    name = f"kingpost_test_{secrets.token_hex(6)}"
    await _say(url, f"CREATE SCHEMA {name}")
    try:
        yield f"{url}{'&' if '?' in url else '?'}search_path={name}"
    finally:
        await _say(url, f"DROP SCHEMA {name} CASCADE")


async def _say(url: str, statement: str) -> None:
    import asyncpg  # only who tests on PostgreSQL has it

    address, settings = settings_in(url, None)
    address = split_parameters(address, ("pool",), rest=True)[0]
    connection: Any = await asyncpg.connect(address, timeout=settings.wait)
    try:
        await connection.execute(statement)
    except asyncpg.InsufficientPrivilegeError as error:
        error.add_note("fresh() makes a schema for each test: GRANT CREATE ON DATABASE ... TO the user of the tests")
        raise
    finally:
        await connection.close()
