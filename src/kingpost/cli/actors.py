"""Rows that a command line names by their key."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any, cast

from kingpost.app import App
from kingpost.base.errors import KingpostError, NotFound
from kingpost.doors.rest.keys import KeyForm
from kingpost.engine.context import as_system
from kingpost.model.model import ResourceModel
from kingpost.model.resource import Resource
from kingpost.operate.failure import Failure
from kingpost.operate.tables import store_failure
from kingpost.stores.contract import StoreError


@asynccontextmanager
async def started(app: App) -> AsyncGenerator[None]:
    """Inside, the stores are open; what they report becomes a `Failure`."""
    try:
        await app.start()
        try:
            yield
        finally:
            await app.stop()
    except StoreError as error:
        raise store_failure(error) from error
    except KingpostError as error:
        if isinstance(error.__cause__, StoreError):
            raise store_failure(error.__cause__) from error
        raise Failure("KC014", error.message) from error


async def find_actor(app: App, text: str) -> Any:
    """The row of the actor's resource with this key."""
    if app.model.actor is None:
        remedy = 'App(..., actor=User), or a rule with "me: User | None"'
        raise Failure("KC013", "actors are rows of no resource: no rule names one", remedy)
    return await find_row(app, app.model[app.model.actor], text)


async def find_row(app: App, found: ResourceModel, text: str) -> Any:
    """The row of a resource with this key, whoever may see it. Raises `Failure` (KC013)."""
    key = read_key(app, found, text)
    if found.cls is None:
        raise Failure("KC013", f"{found.name} is kept by Kingpost: its rows are no objects")
    with as_system("a command line names it by its key"):
        try:
            return await cast("type[Resource]", found.cls).get(key)
        except NotFound:
            raise Failure("KC013", f"there is no {found.name} with the key {text}", _how_to_list(found)) from None


def read_key(app: App, found: ResourceModel, text: str) -> tuple[Any, ...]:
    """A key as it is written in paths."""
    key = KeyForm(app.model, found).read(text)
    if key is None:
        names = ",".join(f"<{name}>" for name in found.key)
        raise Failure("KC013", f"{text!r} is no key of {found.name}", f"{names}, as in the path of a row")
    return key


def _how_to_list(found: ResourceModel) -> str:
    return f'kingpost shell --system "find the key", then: await {found.name}.all()'
