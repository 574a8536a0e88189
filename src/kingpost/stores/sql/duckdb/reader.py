"""Reading from DuckDB: in threads, each with its own cursor, for at most as long as a statement may take."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncGenerator, Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import duckdb

from kingpost.stores.contract import Rows, StoreDown, TooSlow
from kingpost.stores.settings import StoreSettings

Cursor = duckdb.DuckDBPyConnection


class Run:
    """One piece of work in a thread, which can be stopped from outside."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._cursor: Cursor | None = None
        self._stopped = False
        self.slow = False

    def begin(self, cursor: Cursor) -> None:
        """Raises `InterruptException` if nobody waits for it any more."""
        with self._lock:
            if self._stopped:
                raise duckdb.InterruptException("stopped before it began")
            self._cursor = cursor

    def end(self) -> None:
        """The cursor goes to somebody else: from here on it is not interrupted."""
        with self._lock:
            self._cursor = None

    def stop(self, *, slow: bool = False) -> None:
        """Interrupt it."""
        with self._lock:
            self._stopped, self.slow = True, slow
            if self._cursor is not None:
                self._cursor.interrupt()


class Reader:
    """A few threads with a cursor each.

    Args:
        cursor: Makes a cursor.
        settings: The store's.
        threads: How many statements may run at once.
    """

    def __init__(self, cursor: Callable[[], Cursor], settings: StoreSettings, threads: int = 4) -> None:
        self._cursor, self._settings, self._count = cursor, settings, threads
        self._threads: ThreadPoolExecutor | None = None
        self._own = threading.local()
        self._cursors: list[Cursor] = []

    def start(self) -> None:
        """Get ready; cursors are made when they are needed."""
        self._threads, self._own, self._cursors = (
            ThreadPoolExecutor(self._count, "kingpost-duckdb"),
            threading.local(),
            [],
        )

    async def stop(self) -> None:
        """Wait for what is running, then close all."""
        threads, self._threads = self._threads, None
        if threads is not None:
            await asyncio.to_thread(threads.shutdown)
        for cursor in self._cursors:
            cursor.close()

    async def fetch(self, text: str, arguments: Sequence[object]) -> Rows:
        """All rows of a statement."""
        rows: Rows = await self.in_thread(lambda cursor: cursor.execute(text, arguments).fetchall())
        return rows

    async def in_thread(self, work: Callable[[Cursor], Any]) -> Any:
        """Run `work` with a cursor in a thread, for at most as long as a statement may take."""
        return await self._timed(lambda run: self._work(work, run))

    async def _timed(self, work: Callable[[Run], Any]) -> Any:
        run, threads = Run(), self._running()
        timer = asyncio.get_running_loop().call_later(self._settings.statement, lambda: run.stop(slow=True))
        try:
            return await asyncio.wrap_future(threads.submit(work, run))
        except asyncio.CancelledError:
            run.stop()  # nobody waits for it any more
            raise
        except duckdb.InterruptException as error:
            if run.slow:
                words = f"The statement ran for more than {self._settings.statement:g} s and was stopped"
                raise TooSlow(words) from error
            raise
        finally:
            timer.cancel()

    async def stream(self, text: str, arguments: Sequence[object], chunk: int) -> AsyncGenerator[Rows, None]:
        """The rows in chunks, on a cursor of the stream's own, which keeps its snapshot and holds up nobody."""
        threads = self._running()
        opening = threads.submit(self._cursor)
        try:
            cursor = await asyncio.wrap_future(opening)
        except asyncio.CancelledError:
            opening.add_done_callback(_close_result)
            raise
        step: Future[Any] | None = None
        try:
            await asyncio.wrap_future(step := threads.submit(cursor.execute, text, arguments))
            while True:
                step = threads.submit(cursor.fetchmany, chunk)
                rows = await asyncio.wrap_future(step)
                if not rows:
                    break
                yield rows
        finally:
            # A cancelled reader may leave a thread inside the cursor: it is closed when that is out.
            if step is None or step.done():
                cursor.close()
            else:
                cursor.interrupt()
                step.add_done_callback(lambda _: cursor.close())

    def _running(self) -> ThreadPoolExecutor:
        if self._threads is None:
            raise StoreDown("The store is not started")
        return self._threads

    def _work(self, work: Callable[[Cursor], Any], run: Run) -> Any:
        if not hasattr(self._own, "cursor"):
            self._own.cursor = self._cursor()
            self._cursors.append(self._own.cursor)
        cursor: Cursor = self._own.cursor
        run.begin(cursor)
        try:
            return work(cursor)
        finally:
            run.end()


def _close_result(opening: Future[Cursor]) -> None:
    if not opening.cancelled() and opening.exception() is None:
        opening.result().close()
