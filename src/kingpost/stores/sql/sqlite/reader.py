"""Reading from SQLite: short statements in the event loop, long ones in threads.

A key look-up takes 15 µs, a hop to a thread and back 60 to 320 µs; a scan of a large table takes seconds. How long a
statement will take is not known beforehand, so it starts in the event loop with a budget of steps of SQLite's virtual
machine. Past the budget it is interrupted and run again in a thread, and goes there at once the next times.
"""

from __future__ import annotations

import asyncio
import sqlite3
import threading
import time
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kingpost.stores.contract import Rows, StoreDown, TooSlow
from kingpost.stores.settings import StoreSettings
from kingpost.stores.sql.sqlite.connection import Watched, is_busy
from kingpost.stores.sql.statement import Statement

TICKS = 5
"""How often the budget is looked at. SQLite counts steps over all runs of a statement, so one look is not exact."""

LOOK = 1
"""How many seconds may pass until a read looks whether the file is still the one at its path."""

REMEMBERED = 100
"""After how many runs in a thread a statement that was long is given another try in the event loop."""


@dataclass(slots=True)
class Prepared:
    """A select as SQLite gets it. `long`: how many times more it goes to a thread at once."""

    statement: Statement
    long: int = 0

    @property
    def text(self) -> str:
        return self.statement.text

    def arguments(self, params: Mapping[str, object]) -> Sequence[object]:
        """The values in the order of the placeholders."""
        return self.statement.arguments(params)


class Reader:
    """Read connections: one for the event loop, a few for threads.

    Args:
        connect: Opens a read connection; its argument is how many seconds to wait for locks.
        settings: The store's.
        path: Of the file.
        threads: How many long statements may run at once.
    """

    def __init__(
        self, connect: Callable[[float], sqlite3.Connection], settings: StoreSettings, path: Path, threads: int = 4
    ) -> None:
        self._connect = connect
        self._settings = settings
        self._path = path
        self._count = threads
        self._threads = ThreadPoolExecutor(threads, "kingpost-read")
        self._own = threading.local()
        self._connections: list[sqlite3.Connection] = []
        self._inline: sqlite3.Cursor | None = None
        self._stopped = False
        self._ticks = 0
        self._looked = 0.0

    def start(self) -> None:
        """Open the event loop's connection."""
        if self._stopped:
            self._threads = ThreadPoolExecutor(self._count, "kingpost-read")
            self._own, self._connections, self._stopped = threading.local(), [], False
        # It never waits for a lock: what is busy is left to a thread.
        connection = self._open(0)
        connection.set_progress_handler(self._tick, max(self._settings.inline_steps // TICKS, 1))
        self._inline = connection.cursor()
        self._file = Watched(self._path)

    async def stop(self) -> None:
        """Wait for what is running, then close all."""
        self._inline, self._stopped = None, True
        await asyncio.to_thread(self._threads.shutdown)
        for connection in self._connections:
            connection.close()

    async def fetch(self, prepared: Prepared, arguments: Sequence[object]) -> Rows:
        """All rows of a statement."""
        if self._inline is None:
            raise StoreDown("The store is not started")
        if (now := time.monotonic()) > self._looked + LOOK:
            self._file.check()
            self._looked = now
        if prepared.long == 0:
            try:
                self._ticks = TICKS
                found: Rows = self._inline.execute(prepared.text, arguments).fetchall()
                return found
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode == sqlite3.SQLITE_INTERRUPT:
                    prepared.long = REMEMBERED
                elif not is_busy(error):
                    raise
        else:
            prepared.long -= 1
        rows: Rows = await self.in_thread(lambda connection: connection.execute(prepared.text, arguments).fetchall())
        return rows

    async def in_thread(self, work: Callable[[sqlite3.Connection], Any]) -> Any:
        """Run `work` with a read connection in a thread, for at most as long as a statement may take."""
        run = _Run(time.monotonic() + self._settings.statement)
        future = self._threads.submit(self._work, work, run)
        try:
            return await asyncio.wrap_future(future)
        except asyncio.CancelledError:
            run.deadline = 0  # nobody waits for it any more
            raise

    async def stream(self, prepared: Prepared, arguments: Sequence[object], chunk: int) -> AsyncGenerator[Rows, None]:
        """The rows in chunks, on a connection of the stream's own, which keeps its snapshot and holds up nobody."""
        connection = await self._own_connection()
        cursor = connection.cursor()
        step: Future[list[Any]] | None = None
        try:
            await asyncio.wrap_future(step := self._threads.submit(_execute, cursor, prepared.text, arguments))
            while True:
                step = self._threads.submit(cursor.fetchmany, chunk)
                rows = await asyncio.wrap_future(step)
                if not rows:
                    break
                yield rows
        finally:
            # A cancelled reader may leave a thread inside the connection: it is closed when that is out.
            if step is None or step.done():
                connection.close()
            else:
                connection.interrupt()
                step.add_done_callback(lambda _: connection.close())

    async def _own_connection(self) -> sqlite3.Connection:
        """One that its user closes; closed also when that is cancelled before he has it."""
        opening = self._threads.submit(self._connect, self._settings.wait)
        try:
            return await asyncio.wrap_future(opening)
        except asyncio.CancelledError:
            opening.add_done_callback(_close_result)
            raise

    def _open(self, wait: float) -> sqlite3.Connection:
        connection = self._connect(wait)
        self._connections.append(connection)
        return connection

    def _tick(self) -> bool:
        self._ticks -= 1
        return self._ticks < 0

    def _work(self, work: Callable[[sqlite3.Connection], Any], run: _Run) -> Any:
        if not hasattr(self._own, "connection"):
            self._own.connection = self._open(self._settings.wait)
        connection: sqlite3.Connection = self._own.connection
        connection.set_progress_handler(run.over, 100_000)
        try:
            return work(connection)
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode == sqlite3.SQLITE_INTERRUPT:
                words = f"The statement ran for more than {self._settings.statement:g} s and was stopped"
                raise TooSlow(words) from error
            raise


@dataclass(slots=True)
class _Run:
    """Until when one piece of work in a thread may go on."""

    deadline: float

    def over(self) -> bool:
        return time.monotonic() > self.deadline


def _close_result(opening: Future[sqlite3.Connection]) -> None:
    if not opening.cancelled() and opening.exception() is None:
        opening.result().close()


def _execute(cursor: sqlite3.Cursor, text: str, arguments: Sequence[object]) -> list[Any]:
    cursor.execute(text, arguments)
    return []
