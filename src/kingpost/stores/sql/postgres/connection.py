"""A connection that keeps its prepared statements by their text.

asyncpg keeps statements too, but its way to one and around it costs a fifth of a short read; a timer for each of them
is as much again, so `watch` has one for all.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import asyncpg
from asyncpg.prepared_stmt import PreparedStatement
from asyncpg.protocol import NO_TIMEOUT

FAILURES = (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError)
"""What the driver raises."""

STATEMENTS = 256
"""How many a connection keeps; the one that was made first goes first."""


class Connection(asyncpg.Connection):
    """asyncpg's connection, and `ask`. `refuses_writes`: it has, and may go on to when others take them again."""

    began: float | None = None
    """Since when (in the loop's time) an answer is waited for."""
    late = False

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._kept: dict[str, PreparedStatement[Any]] = {}
        self.refuses_writes = False

    async def ask(self, text: str, arguments: Sequence[object]) -> list[Any]:
        """The rows of a statement. It is prepared when it comes for the first time, and run at once.

        At once, because a prepared statement that is not run leaves a transaction open.
        """
        statement = self._kept.get(text)
        if statement is None:
            statement = await self._prepared(text)
        try:
            return await self._run(statement, arguments)
        except asyncpg.InvalidCachedStatementError:
            # A table was altered meanwhile. Nothing has been done, so outside a transaction it is done anew.
            self._kept.clear()
            if self.is_in_transaction():
                raise
            return await self._run(await self._prepared(text), arguments)
        except asyncpg.OutdatedSchemaCacheError:  # of a composite type
            self._kept.clear()
            await self.reload_schema_state()
            raise

    async def _run(self, statement: PreparedStatement[Any], arguments: Sequence[object]) -> list[Any]:
        """What `statement.fetch` does, but for its layers, each a coroutine of its own, and for its timer."""
        own, state = cast(Any, self), cast(Any, statement)._state
        self.began = own._loop.time()
        try:
            rows: list[Any] = await own._protocol.bind_execute(state, arguments, "", 0, False, NO_TIMEOUT)
        except FAILURES as error:
            if self.late:
                raise TimeoutError("the server did not answer in time") from error
            raise
        finally:
            self.began = None
        return rows

    def give_up(self) -> None:
        """Wait no more for the server; whoever does gets a `TimeoutError`."""
        self.late = True
        self.terminate()

    async def _prepared(self, text: str) -> PreparedStatement[Any]:
        if len(self._kept) >= STATEMENTS:
            del self._kept[next(iter(self._kept))]
        statement = self._kept[text] = await self.prepare(text)
        return statement
