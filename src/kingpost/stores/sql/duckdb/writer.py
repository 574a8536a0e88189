"""Writing to DuckDB: one thread for all stores of a file, one transaction per batch.

DuckDB has no savepoints, and an error ends the transaction it happens in. What an interactive transaction has done
before a batch that fails is therefore done again: nobody else writes meanwhile, so it comes out the same.
"""

from __future__ import annotations

import asyncio
import queue
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any, TypeAlias

import duckdb

from kingpost.stores.contract import OutcomeUnknown, StoreError
from kingpost.stores.settings import StoreSettings
from kingpost.stores.sql.sqlite.writer import Answer, Orders, in_time

Cursor: TypeAlias = duckdb.DuckDBPyConnection
Work: TypeAlias = Callable[[Cursor], Any]


class Writer:
    """The one writing cursor of a database and its thread."""

    def __init__(self, cursor: Cursor) -> None:
        self._cursor = cursor
        self._thread = ThreadPoolExecutor(1, "kingpost-duckdb-write")

    def close(self) -> None:
        """Carry out all that is queued, then close."""
        self._thread.shutdown()
        self._cursor.close()

    async def write(self, work: Work, settings: StoreSettings, explain: Callable[[Exception], StoreError]) -> Any:
        """Do it in one transaction. When the task is cancelled a batch that has begun is finished all the same."""
        return await asyncio.wrap_future(self._thread.submit(self._whole, work, settings.statement, explain))

    async def hold(self, limit: float) -> Hold:
        """Begin an interactive transaction: nobody else writes until it ends, within `limit` seconds."""
        hold = Hold(limit)
        self._thread.submit(hold.serve, self._cursor)
        try:
            await hold.ready.future
        except asyncio.CancelledError:
            hold.abandon()
            raise
        return hold

    def _whole(self, work: Work, seconds: float, explain: Callable[[Exception], StoreError]) -> Any:
        cursor = self._cursor
        cursor.execute("BEGIN TRANSACTION")
        timer = threading.Timer(seconds, cursor.interrupt)
        timer.daemon = True
        timer.start()
        try:
            answer = work(cursor)
        except duckdb.Error as error:
            roll_back(cursor)
            raise explain(error) from error
        except BaseException:
            roll_back(cursor)
            raise
        finally:
            timer.cancel()
        commit(cursor, explain)
        return answer


class Hold:
    """The writer, for one task alone, until it commits or rolls back, or its time is up."""

    def __init__(self, limit: float) -> None:
        self.ready = Answer()
        self._limit = limit
        self._orders: Orders = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._over: StoreError | None = None
        self._done: list[Work] = []

    async def run(self, work: Work) -> Any:
        """Run `work` inside the transaction. If it fails nothing of it is left, and the transaction goes on."""
        return await self._order(work, False)

    async def end(self, *, commit: bool) -> None:
        """Commit or roll back, and let the next one write. Rolling back what is over already is no error."""
        try:
            await self._order(None, commit)
        except StoreError:
            if commit:
                raise

    def abandon(self) -> None:
        """Roll back without waiting for it."""
        self._orders.put((None, False, Answer()))

    def _order(self, work: Work | None, commit: bool) -> asyncio.Future[Any]:
        answer = Answer()
        with self._lock:
            if self._over is not None:
                raise self._over
            self._orders.put((work, commit, answer))
        return answer.future

    def serve(self, cursor: Cursor) -> None:
        """The thread's side: do what is ordered until the end."""
        deadline = time.monotonic() + self._limit
        timer = threading.Timer(self._limit, cursor.interrupt)
        timer.daemon = True
        over = StoreError("The transaction is over")
        try:
            cursor.execute("BEGIN TRANSACTION")
            timer.start()
            self.ready.give(None)
            while True:
                work, wanted, answer = in_time(self._orders, deadline)
                if work is None:
                    break
                if not self._perform(cursor, work, answer):
                    return
            try:
                if wanted:
                    commit(cursor, lambda error: StoreError(f"The transaction was refused ({type(error).__name__})"))
                answer.give(None)
            except StoreError as error:
                answer.fail(error)
        except queue.Empty:
            over = StoreError(
                f"The transaction was open for more than {self._limit:g} s and was rolled back: nobody else can write "
                "to DuckDB meanwhile. Do what takes long before it, or raise the store's `transaction` setting"
            )
        except duckdb.Error as error:
            self.ready.fail(error)
        finally:
            timer.cancel()
            roll_back(cursor)
            with self._lock:
                self._over = over
                while not self._orders.empty():
                    self._orders.get()[2].fail(over)

    def _perform(self, cursor: Cursor, work: Work, answer: Answer) -> bool:
        """Whether the transaction goes on."""
        try:
            found = work(cursor)
        except BaseException as error:
            try:
                roll_back(cursor)
                cursor.execute("BEGIN TRANSACTION")
                for earlier in self._done:
                    earlier(cursor)
            except (duckdb.Error, StoreError):  # its time is up, or the disk is full
                return False
            finally:
                answer.fail(error)
        else:
            self._done.append(work)
            answer.give(found)
        return True


def commit(cursor: Cursor, explain: Callable[[Exception], StoreError]) -> None:
    """Commit: what is acknowledged is on the disk."""
    try:
        cursor.execute("COMMIT")
    except duckdb.IOException as error:
        raise OutcomeUnknown(
            "Writing failed during the commit: it has taken effect as a whole, or not at all"
        ) from error
    except duckdb.Error as error:
        roll_back(cursor)
        raise explain(error) from error


def roll_back(cursor: Cursor) -> None:
    """End the transaction if there still is one."""
    with suppress(duckdb.Error):
        cursor.execute("ROLLBACK")
