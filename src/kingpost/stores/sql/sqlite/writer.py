"""Writing to SQLite: one connection in one thread, and one commit for all who wait.

SQLite has one writer at a time, and a durable commit costs ten times an insert. So writes queue for a thread that
takes all that have come in while it was busy, runs them in one transaction, each batch in a savepoint of its own, and
answers after the one commit. What is acknowledged is on disk; a batch that fails takes back itself only.
"""

from __future__ import annotations

import asyncio
import queue
import sqlite3
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias

from kingpost.stores.contract import OutcomeUnknown, Rows, StoreDown, StoreError
from kingpost.stores.settings import StoreSettings
from kingpost.stores.sql.batch import Step
from kingpost.stores.sql.sqlite.connection import Watched, family, is_busy, patiently
from kingpost.stores.sql.sqlite.run import Runner

Work: TypeAlias = Callable[[sqlite3.Connection], Any]

MOST_IN_ONE_COMMIT = 256
"""So that the first of many does not wait for all of them."""

_STOP = object()


@dataclass(slots=True, eq=False)
class Answer:
    """What a task waits for, and a thread fills in."""

    future: asyncio.Future[Any] = field(default_factory=lambda: asyncio.get_running_loop().create_future())

    def give(self, result: object) -> None:
        """Answer from the thread; who has been cancelled meanwhile does not hear it."""
        self._tell(lambda: self.future.set_result(result))

    def fail(self, error: BaseException) -> None:
        self._tell(lambda: self.future.set_exception(error))

    def _tell(self, settle: Callable[[], None]) -> None:
        with suppress(RuntimeError):  # the loop is gone, and with it all who could care
            self.future.get_loop().call_soon_threadsafe(lambda: None if self.future.done() else settle())


Order: TypeAlias = tuple[Callable[[Any], Any] | None, bool, Answer]
"""What a transaction is to do: its end where there is no work, with a commit or without."""
Orders: TypeAlias = queue.SimpleQueue[Order]


@dataclass(slots=True, eq=False)
class Batch:
    """One `write`."""

    steps: Sequence[Step]
    answer: Answer = field(default_factory=Answer)


class Hold:
    """The writer, for one task alone, until it commits or rolls back, or its time is up."""

    def __init__(self, limit: float, commit: Work) -> None:
        self.ready = Answer()
        self._limit = limit
        self._commit = commit
        self._orders: Orders = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._over: StoreError | None = None

    async def run(self, work: Work) -> Any:
        """Run `work` with the writer's connection inside the transaction."""
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

    def serve(self, connection: sqlite3.Connection) -> None:
        """The thread's side: do what is ordered until the end. The transaction has begun."""
        deadline = time.monotonic() + self._limit
        connection.set_progress_handler(lambda: time.monotonic() > deadline, 100_000)
        self.ready.give(None)
        try:
            while True:
                work, commit, answer = in_time(self._orders, deadline)
                if work is None:
                    break
                _perform(answer, partial(work, connection))
        except queue.Empty:
            words = (
                f"The transaction was open for more than {self._limit:g} s and was rolled back: nobody else can write "
                "to SQLite meanwhile. Do what takes long before it, or raise the store's `transaction` setting"
            )
            self._finish(connection, StoreError(words))
        else:
            _perform(answer, partial(self._commit if commit else _rollback, connection))
            self._finish(connection, StoreError("The transaction is over"))

    def _finish(self, connection: sqlite3.Connection, over: StoreError) -> None:
        """Leave the connection as it came, and tell all who still come with orders."""
        connection.set_progress_handler(None, 0)
        roll_back(connection)
        with self._lock:
            self._over = over
            while not self._orders.empty():
                self._orders.get()[2].fail(over)


def in_time(orders: Orders, deadline: float) -> Order:
    """The next order. Raises `queue.Empty` at the deadline; an order that waits there then is left, to be refused."""
    order = orders.get(timeout=max(deadline - time.monotonic(), 0))
    if time.monotonic() < deadline:
        return order
    orders.put(order)
    raise queue.Empty


def _perform(answer: Answer, action: Callable[[], Any]) -> None:
    try:
        answer.give(action())
    except BaseException as error:
        answer.fail(error)


class Writer:
    """The one writing connection of this process and its thread.

    Args:
        connect: Opens the connection.
        runner: Carries out the steps of one batch.
        settings: The store's.
        path: Of the file.
    """

    def __init__(
        self, connect: Callable[[], sqlite3.Connection], runner: Runner, settings: StoreSettings, path: Path
    ) -> None:
        self._connect = connect
        self._runner = runner
        self._settings = settings
        self._path = path
        self._queue: queue.SimpleQueue[Batch | Hold | object] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None

    async def start(self) -> None:
        """Open the database, and make its file if there is none."""
        connection = await asyncio.to_thread(self._connect)
        self._file = Watched(self._path)
        self._thread = threading.Thread(target=self._work, args=(connection,), name="kingpost-write", daemon=True)
        self._thread.start()

    async def stop(self) -> None:
        """Carry out all that is queued, then close."""
        if self._thread is not None:
            thread, self._thread = self._thread, None
            self._queue.put(_STOP)
            await asyncio.to_thread(thread.join)

    async def write(self, steps: Sequence[Step]) -> list[Rows]:
        """Run one batch. When the task is cancelled a batch that has begun is finished all the same."""
        self._must_run()
        batch = Batch(steps)
        self._queue.put(batch)
        answers: list[Rows] = await batch.answer.future
        return answers

    async def hold(self, limit: float | None = None) -> Hold:
        """Begin an interactive transaction: nobody else writes until it ends, within `limit` seconds."""
        self._must_run()
        hold = Hold(self._settings.transaction if limit is None else limit, self._commit)
        self._queue.put(hold)
        try:
            await hold.ready.future
        except asyncio.CancelledError:
            hold.abandon()
            raise
        return hold

    def _must_run(self) -> None:
        if self._thread is None:
            raise StoreDown("The store is not started, or stopped already")

    # ------------------------------------------------------------------------------------------------- in the thread

    def _work(self, connection: sqlite3.Connection) -> None:
        while True:
            batches, then = self._take()
            if batches:
                self._group(connection, batches)
            if isinstance(then, Hold):
                self._serve(connection, then)
            elif then is _STOP:
                break
        connection.close()

    def _take(self) -> tuple[list[Batch], Hold | object | None]:
        """All batches that wait now, and what comes after them: a transaction, the stop, or (None) nothing."""
        batches: list[Batch] = []
        found = self._queue.get()
        while isinstance(found, Batch):
            if not found.answer.future.cancelled():
                batches.append(found)
            if len(batches) == MOST_IN_ONE_COMMIT or self._queue.empty():
                return batches, None
            found = self._queue.get()
        return batches, found

    def _serve(self, connection: sqlite3.Connection, hold: Hold) -> None:
        try:
            self._begin(connection)
        except Exception as error:
            hold.ready.fail(error)
        else:
            hold.serve(connection)

    def _group(self, connection: sqlite3.Connection, batches: Sequence[Batch]) -> None:
        """Run batches in one transaction and answer them after its commit."""
        outcomes: list[tuple[Batch, list[Rows] | Exception]] = []
        try:
            self._begin(connection)
            for batch in batches:
                if not batch.answer.future.cancelled():
                    outcomes.append((batch, self._in_savepoint(connection, batch)))
            self._commit(connection)
        except Exception as error:
            roll_back(connection)
            if len(batches) > 1 and isinstance(error, sqlite3.IntegrityError):
                # A deferred constraint of an adopted table shows at commit only: find out whose it is.
                for batch in batches:
                    self._group(connection, [batch])
                return
            failure = error if isinstance(error, StoreError) else self._runner.explain(error)
            for batch in batches:
                batch.answer.fail(failure)
            return
        for batch, outcome in outcomes:
            if isinstance(outcome, Exception):
                batch.answer.fail(outcome)
            else:
                batch.answer.give(outcome)

    def _in_savepoint(self, connection: sqlite3.Connection, batch: Batch) -> list[Rows] | Exception:
        """Its answers, or why it failed and is undone. Raises what ended the transaction for all."""
        try:
            answers: list[Rows] = in_savepoint(connection, lambda: self._runner.run(connection, batch.steps))
            return answers
        except Exception as error:
            if not connection.in_transaction:  # disk full and the like: SQLite has rolled back everything
                raise
            return error

    def _begin(self, connection: sqlite3.Connection) -> None:
        try:
            patiently(lambda: connection.execute("BEGIN IMMEDIATE"), self._settings.wait)
        except sqlite3.Error as error:
            if is_busy(error):
                words = f"Another process has been writing to the database for more than {self._settings.wait:g} s"
                raise StoreDown(words) from error
            raise self._runner.explain(error) from error

    def _commit(self, connection: sqlite3.Connection) -> None:
        """What was committed is on the disk, in the file that others see."""
        try:
            connection.execute("COMMIT")
        except sqlite3.OperationalError as error:
            if family(error) == sqlite3.SQLITE_IOERR:  # it may have reached the disk all the same
                raise OutcomeUnknown(f"Writing to {self._path} failed during the commit: {error}") from error
            raise
        self._file.check()


def _rollback(connection: sqlite3.Connection) -> None:
    connection.execute("ROLLBACK")


def roll_back(connection: sqlite3.Connection) -> None:
    """End the transaction if there still is one: on a full disk SQLite has ended it already."""
    if connection.in_transaction:
        with suppress(sqlite3.Error):
            connection.execute("ROLLBACK")


def in_savepoint(connection: sqlite3.Connection, action: Callable[[], Any]) -> Any:
    """Do it, or leave nothing of it."""
    connection.execute("SAVEPOINT batch")
    try:
        result = action()
    except BaseException:
        if connection.in_transaction:
            try:
                connection.execute("ROLLBACK TO batch")
                connection.execute("RELEASE batch")
            except sqlite3.Error:  # then a part of it might be committed with the others
                roll_back(connection)
        raise
    connection.execute("RELEASE batch")
    return result
