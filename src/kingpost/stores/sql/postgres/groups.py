"""Group commit: rows that are added while all writing connections are busy share a statement, a journey and a commit.

Nobody waits for others to come: a group gathers those who would have to wait for a connection anyway. Where the shared
statement fails, nothing of it has taken effect, and each is told to add his row alone: one's fault is not another's.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final, TypeAlias

from msgspec import Struct

from kingpost.stores.contract import OutcomeUnknown, Rows, StoreDown
from kingpost.stores.sql.batch import Step
from kingpost.stores.sql.pool import Pool

Member: TypeAlias = tuple[Step, asyncio.Future[list[Rows] | None]]
MOST: Final = 32
"""Rows in one statement. Their number is always a power of two, so that few statements have to be prepared."""


class Group(Struct, eq=False):
    """Rows of one statement, and who waits for them."""

    members: list[Member]


class Groups:
    """The groups of one store. `write` runs steps on a connection, which it gives back; `together` makes them one."""

    def __init__(
        self,
        pool: Pool,
        write: Callable[[Any, Sequence[Step]], Awaitable[list[Rows]]],
        together: Callable[[Sequence[Step]], Step],
    ) -> None:
        self._pool = pool
        self._write = write
        self._together = together
        self._waiting: dict[str, Group] = {}
        """Those that have no connection yet, by the statement of one row."""
        self._running: set[asyncio.Task[None]] = set()

    async def add(self, step: Step) -> list[Rows] | None:
        """The answers of the step, done together with others; None where it has to be done alone.

        Raises `StoreDown`, as `Pool.acquire` does, and `OutcomeUnknown`.
        """
        future: asyncio.Future[list[Rows] | None] = asyncio.get_running_loop().create_future()
        group = self._waiting.get(step.text)
        if group is not None and len(group.members) < MOST:
            group.members.append((step, future))
        else:
            self._begin(step.text, [(step, future)])
        return await future

    async def stop(self) -> None:
        """Wait for those that are under way; the pool has told them by now."""
        await asyncio.gather(*self._running, return_exceptions=True)

    def _begin(self, text: str, members: list[Member]) -> None:
        group = self._waiting[text] = Group(members)
        # A task of its own: whoever came first may be given up, and the others must not be.
        task = asyncio.get_running_loop().create_task(self._run(text, group))
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    async def _run(self, text: str, group: Group) -> None:
        end: StoreDown = StoreDown("The store is being stopped")
        try:
            try:
                connection = await self._pool.acquire()
            finally:
                if self._waiting.get(text) is group:
                    del self._waiting[text]
            members = [member for member in group.members if not member[1].done()]
            if not members:
                self._pool.release(connection)
                return
            count = 1 << (len(members).bit_length() - 1)
            if members[count:]:
                self._regroup(text, members[count:])
            group.members = members[:count]
            end = OutcomeUnknown("A write was given up when it had begun: its outcome is unknown")
            await self._run_on(connection, group.members)
        except StoreDown as error:
            end = error
        finally:  # all have been told already, unless the store was down or this task itself was given up
            _fail(group.members, end)

    def _regroup(self, text: str, left: list[Member]) -> None:
        """Those that did not fit in are the first of the next group."""
        following = self._waiting.get(text)
        if following is None:
            self._begin(text, left)
        else:
            following.members[:0] = left

    async def _run_on(self, connection: Any, members: list[Member]) -> None:
        steps = [step for step, _ in members]
        try:
            (rows,) = await self._write(connection, [self._together(steps) if len(steps) > 1 else steps[0]])
        except OutcomeUnknown:
            raise
        except Exception:  # nothing has been done; whose fault it is turns out when each is alone
            for _, future in members:
                _tell(future, None)
        else:
            for (step, future), found in zip(members, _apart(steps, rows), strict=True):
                _tell(future, [found if step.returns else []])


def _apart(steps: Sequence[Step], rows: Rows) -> list[Rows]:
    """The rows of each: by key, as nothing promises their order. Of one alone, or where nothing is answered, as is."""
    if len(steps) == 1:
        return [rows]
    if not steps[0].returns:
        return [[] for _ in steps]
    width = len(steps[0].key)
    by_key = {tuple(row[-width:]): row[:-width] for row in rows}
    return [[by_key[step.key]] for step in steps]


def _fail(members: Sequence[Member], error: StoreDown) -> None:
    for _, future in members:
        if not future.done():
            again = type(error)(str(error))  # one each: they are raised in different tasks
            again.__cause__ = error
            future.set_exception(again)


def _tell(future: asyncio.Future[list[Rows] | None], answers: list[Rows] | None) -> None:
    if not future.done():  # he may have been given up meanwhile
        future.set_result(answers)
