"""Opens it, and says what to install where that is missing: nothing else here is imported before it is needed."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING

from kingpost.base.problems import DeclarationError, Problem
from kingpost.engine.context import Context
from kingpost.engine.engine import Engine

if TYPE_CHECKING:
    from kingpost.doors.analysis.stored import Stored
    from kingpost.doors.analysis.tables import Tables

PACKAGES = ("duckdb", "ibis", "pyarrow")


def open_tables(engine: Engine, context: Context, *, memory: str, threads: int) -> AbstractAsyncContextManager[Tables]:
    """The tables as `context` may read them. Raises `DeclarationError` where a package is missing."""
    try:
        from kingpost.doors.analysis.tables import tables
    except ModuleNotFoundError as error:
        raise missing(error) from error
    return tables(engine, context, memory=memory, threads=threads)


def open_stored(engine: Engine, *, memory: str, threads: int) -> AbstractAsyncContextManager[Stored]:
    """The tables of all stores as they are, for operators. Raises `DeclarationError` where a package is missing."""
    try:
        from kingpost.doors.analysis.stored import stored
    except ModuleNotFoundError as error:
        raise missing(error) from error
    return stored(engine, memory=memory, threads=threads)


def missing(error: ModuleNotFoundError) -> Exception:
    """What to install; the error itself where it is about something else."""
    if (error.name or "").partition(".")[0] not in PACKAGES:
        return error
    message = f"Questions over all stores need the package {error.name}, which is not installed"
    return DeclarationError([Problem("KP312", message, "install Kingpost with its extra: kingpost[analysis]")])
