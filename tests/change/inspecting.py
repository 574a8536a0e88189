"""What tests of `kingpost inspect` work with: a database of others, the module written for it, and its application."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path

from kingpost import App, as_system
from kingpost.change.inspect import Asked, Inspected, inspect
from kingpost.testing import Client
from tests.change.existing import Kind, make

_numbers = count()


class Adopted:
    """An application over a database of others, written by `inspect` and changed in nothing but who may do what."""

    def __init__(self, inspected: Inspected, app: App, client: Client) -> None:
        self.inspected, self.app, self.client = inspected, app, client

    async def sql(self, *statements: str) -> list[tuple[object, ...]]:
        """What others do to the database, and the rows that the last of it answers."""
        rows: Sequence[Sequence[object]] = ()
        with as_system("others"):
            for statement in statements:
                rows = await self.app.execute(statement)
        return [tuple(row) for row in rows]

    async def differences(self) -> list[str]:
        """All but the one table that every application has for itself."""
        (changes,) = (await self.app.compare()).values()
        return [change.text for change in changes if change.text != "create table kingpost_repeats"]


def imported(text: str, folder: Path) -> App:
    """The application of a module that is written into a folder."""
    name = f"inspected_{next(_numbers)}"
    path = folder / f"{name}.py"
    path.write_text(text, encoding="utf-8")
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    app = module.app
    assert isinstance(app, App)
    return app


@asynccontextmanager
async def adopted(kind: Kind, name: str, url: str, folder: Path, *, views: bool = False) -> AsyncIterator[Adopted]:
    """Make a database, inspect it, and serve what was written. `DATABASE_URL` is an address with a password."""
    await make(kind, name, url)
    inspected = await inspect(Asked(url, views=views, public=True))
    app = imported(inspected.text.replace("read=anyone", "read=anyone, write=anyone"), folder)
    async with Client(app) as client:
        yield Adopted(inspected, app, client)
