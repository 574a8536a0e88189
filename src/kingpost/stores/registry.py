"""From a store's address to a store: the kinds there are, built in, registered and installed."""

from __future__ import annotations

import re
from collections.abc import Callable
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from typing import Final, TypeAlias, cast

from kingpost.base.problems import DeclarationError, Problem
from kingpost.model.model import Model
from kingpost.stores.contract import Store
from kingpost.stores.settings import StoreSettings

Factory: TypeAlias = Callable[[str, Model, str, StoreSettings], Store]
"""Makes a store of its URL, the model, its name in the model and settings. Opens nothing."""

GROUP = "kingpost.stores"
"""The entry points of stores: name = URL scheme, value = a `Factory`."""

BUILT_IN = {
    "csv": "kingpost.stores.files.store:FilesStore",
    "duckdb": "kingpost.stores.sql.duckdb.store:DuckDBStore",
    "http": "kingpost.stores.http.store:HttpStore",
    "https": "kingpost.stores.http.store:HttpStore",
    "json": "kingpost.stores.files.store:FilesStore",
    "mariadb": "kingpost.stores.sql.mariadb.store:MariaDBStore",
    "memory": "kingpost.stores.memory.store:MemoryStore",
    "mongodb": "kingpost.stores.mongo.store:MongoStore",
    "mongodb+srv": "kingpost.stores.mongo.store:MongoStore",
    "mysql": "kingpost.stores.sql.mariadb.store:MariaDBStore",
    "ndjson": "kingpost.stores.files.store:FilesStore",
    "parquet": "kingpost.stores.files.store:FilesStore",
    "postgres": "kingpost.stores.sql.postgres.store:PostgresStore",
    "postgresql": "kingpost.stores.sql.postgres.store:PostgresStore",
    "redis": "kingpost.stores.redis.store:RedisStore",
    "rediss": "kingpost.stores.redis.store:RedisStore",
    "sqlite": "kingpost.stores.sql.sqlite.store:SqliteStore",
    "xlsx": "kingpost.stores.files.store:FilesStore",
}

SOURCED = frozenset({"http", "https"})
"""Stores whose resources say by `source=` where their rows are."""

NEEDED = {"xlsx": "python_calamine"}
"""Packages that a built-in store imports when it reads: whether they are there is looked at before."""

EXTRAS = {
    "asyncmy": "mariadb",
    "asyncpg": "postgres",
    "bson": "mongo",
    "duckdb": "duckdb",
    "httpcore2": "http",
    "pymongo": "mongo",
    "python_calamine": "xlsx",
    "redis": "redis",
}
"""Which extra brings a package that a built-in store imports."""


_own: Final[dict[str, Factory]] = {}


def register(scheme: str, factory: Factory) -> None:
    """Let addresses that begin with `scheme` be opened by `factory`: stores of an application of its own.

    A package brings its stores by an entry point of the group `kingpost.stores` instead. Raises ValueError for a scheme
    that is built in, or no scheme.
    """
    if not re.fullmatch(r"[a-z][a-z0-9+.-]*", scheme):
        raise ValueError(f"{scheme!r} is no scheme: a letter, then letters, digits, +, - and .")
    if scheme in BUILT_IN:
        raise ValueError(f"{scheme}: is built in; another scheme")
    _own[scheme] = factory


def open_store(url: str, model: Model, name: str, settings: StoreSettings | None = None) -> Store:
    """The store at an address, not started yet. Raises `DeclarationError` where nothing can open it."""
    scheme = url.partition(":")[0].lower()
    factory = _factory(scheme)
    problems = [
        Problem("KP313", f"{one.name} has a source, and its store {name} is no HTTP API", "without source=")
        for one in model
        if one.store == name and one.source is not None and scheme not in SOURCED
    ]
    if problems:
        raise DeclarationError(problems)
    return factory(url, model, name, settings or StoreSettings())


def schemes() -> list[str]:
    """The URL schemes that can be opened here."""
    return sorted({*BUILT_IN, *_own, *(point.name for point in entry_points(group=GROUP))})


def _factory(scheme: str) -> Factory:
    if scheme in BUILT_IN:
        return _load(scheme)
    if scheme in _own:
        return _own[scheme]
    points = entry_points(group=GROUP, name=scheme)
    if not points:
        message = f"No store is known for addresses that begin with {scheme}:; known are {', '.join(schemes())}"
        remedy = f"one of them, or install the package that brings {scheme} stores"
        raise DeclarationError([Problem("KP310", message, remedy)])
    point: EntryPoint = next(iter(points))
    return cast("Factory", point.load())


def _load(scheme: str) -> Factory:
    module, _, name = BUILT_IN[scheme].partition(":")
    try:
        if scheme in NEEDED:
            import_module(NEEDED[scheme])
        return cast("Factory", getattr(import_module(module), name))
    except ModuleNotFoundError as error:
        extra = EXTRAS.get(error.name or "")
        if extra is None:
            raise
        message = f"Stores of the kind {scheme} need the package {error.name}, which is not installed"
        raise DeclarationError(
            [Problem("KP312", message, f"pip install {error.name}, or Kingpost with its extra {extra}")]
        ) from error
