"""The tables of an application's stores: compared with the declaration, and brought up to it where nothing is lost."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit, urlunsplit

from kingpost.operate.failure import Failure
from kingpost.stores.contract import SchemaChange, Store, StoreDamaged, StoreDown, StoreError
from kingpost.stores.registry import open_store

if TYPE_CHECKING:
    from kingpost.app import App

EMBEDDED = ("sqlite", "memory", "duckdb")
"""Stores that belong to one developer or process: `serve` may create their tables unasked."""

MENTIONED = 6
"""How many tables are named."""


@dataclass(frozen=True, slots=True)
class Differences:
    """What one store lacks or has otherwise. `url` shows no password."""

    store: str
    url: str
    changes: tuple[SchemaChange, ...]

    @property
    def possible(self) -> tuple[SchemaChange, ...]:
        """What can be done without loss."""
        return tuple(change for change in self.changes if change.kind != "refuse")

    @property
    def refused(self) -> tuple[SchemaChange, ...]:
        """What needs a decision."""
        return tuple(change for change in self.changes if change.kind == "refuse")


async def compare(app: App) -> list[Differences]:
    """How each store differs. Changes nothing, and makes no database file. Raises `Failure` (KC009)."""
    return [await _compared(app, name, store.url) for name, store in app.stores.items()]


async def sync(app: App, wanted: Callable[[str], bool] = lambda url: True) -> list[Differences]:
    """Do what is possible in the stores whose URL is `wanted`; answers what was found before."""
    found: list[Differences] = []
    for name, store in app.stores.items():
        if not wanted(store.url):
            found.append(await _compared(app, name, store.url))
            continue
        async with _open(app, name, store.url) as opened:
            differences = Differences(name, shown_url(store.url), tuple(await opened.compare()))
            await opened.apply(differences.possible)
        found.append(differences)
    return found


def is_embedded(url: str) -> bool:
    """Whether the store at an address needs no server."""
    return urlsplit(url).scheme in EMBEDDED


def shown_url(url: str) -> str:
    """An address without its password."""
    parts = urlsplit(url)
    if parts.password is None:
        return url
    return urlunsplit(parts._replace(netloc=parts.netloc.replace(f":{parts.password}@", ":***@")))


async def _compared(app: App, name: str, url: str) -> Differences:
    async with _open(app, name, _stand_in(url) or url) as opened:
        return Differences(name, shown_url(url), tuple(await opened.compare()))


def _stand_in(url: str) -> str:
    """The address of an empty store of the kind, where opening the one that is meant would make its file; else ""."""
    match urlsplit(url).scheme:
        case "sqlite":
            from kingpost.stores.sql.sqlite.connection import locate

            location = locate(url)
            return "" if location.temporary or location.path.exists() else "sqlite://"
        case "duckdb":
            from kingpost.stores.sql.duckdb.instance import locate as locate_duckdb

            path = locate_duckdb(url).path
            return "" if path is None or path.exists() else "duckdb:?threads=1"
        case _:
            return ""


@asynccontextmanager
async def _open(app: App, name: str, url: str) -> AsyncGenerator[Store]:
    """A store beside the application's own, which is left as it is."""
    store = open_store(url, app.model, name)
    try:
        await store.start()
        try:
            yield store
        finally:
            await store.stop()
    except StoreError as error:
        raise store_failure(error, name, url) from error


def store_failure(error: StoreError, name: str = "", url: str = "") -> Failure:
    """What a store reports, as a problem of the one who runs it."""
    where = f"the store {name} ({shown_url(url)})" if name else "the store"
    if isinstance(error, StoreDamaged):
        return Failure("KC030", f"{where} is damaged: {error}")
    if isinstance(error, StoreDown):
        return Failure(
            "KC009", f"{where} can't be reached: {error}", "start it, or mend its address in App(stores={...})"
        )
    remedy = "kingpost db diff shows how it differs, kingpost db sync adds what is missing"
    return Failure("KC008", f"{where} refuses: {error}", remedy)


def in_words(changes: Sequence[SchemaChange]) -> str:
    """Changes that were made, in a few words: `created 2 tables: author, article; added column born ...`."""
    created = [change.text.removeprefix("create table ") for change in changes if change.kind == "create"]
    added = [change.text.removeprefix("add ") for change in changes if change.kind == "add"]
    tables = f"created {_tables(created)}" if created else ""
    return "; ".join(filter(None, [tables, f"added {', '.join(added)}" if added else ""]))


def listed(changes: Sequence[SchemaChange]) -> str:
    """Changes that are to be made, in a few words: `missing 2 tables: author, article; missing column born ...`."""
    return in_words(changes).replace("created ", "missing ", 1).replace("added ", "missing ", 1)


def _tables(names: Sequence[str]) -> str:
    if len(names) == 1:
        return f"the table {names[0]}"
    return f"{len(names)} tables: {', '.join(names[:MENTIONED])}{', ...' if len(names) > MENTIONED else ''}"
