"""Carrying out a batch on a PostgreSQL connection, and saying in the model's terms what went wrong."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import asyncpg

from kingpost.plan.select import Insert, Made, Update
from kingpost.stores.contract import OutOfRange, Rows, StoreDown, StoreError, StoreFull, TooComplex, TooSlow
from kingpost.stores.sql.batch import Step
from kingpost.stores.sql.errors import Names, check_count, stale
from kingpost.stores.sql.postgres.connection import FAILURES

LOST = (
    OSError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    asyncpg.PostgresConnectionError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.CannotConnectNowError,
    asyncpg.IdleInTransactionSessionTimeoutError,
    asyncpg.ReadOnlySQLTransactionError,  # after a failover this may be a standby: the next one may be the primary
)
"""After these the connection is not to be used again."""

REFUSED = (asyncpg.ReadOnlySQLTransactionError,)
"""Of these, those after which it is known that nothing was done."""

AGAIN = (
    asyncpg.SerializationError,
    asyncpg.DeadlockDetectedError,
    asyncpg.InvalidCachedStatementError,
)
"""After these a whole batch may be tried again: nothing of it has taken effect, and the next time it may pass."""


def is_lost(error: BaseException) -> bool:
    """Whether the connection can't be used any more.

    What the driver itself raises (it has no severity, which the server always sends) leaves a statement prepared and
    not run, and with it an open transaction.
    """
    return isinstance(error, LOST) or getattr(error, "severity", None) is None


@dataclass(frozen=True, slots=True)
class Runner:
    """Runs steps; what PostgreSQL refuses becomes a `StoreError`, except where the batch may be tried again."""

    names: Names

    async def run(self, connection: Any, steps: Sequence[Step]) -> list[Rows]:
        """The answers of all steps; the caller sees to it that a failure leaves nothing."""
        made: dict[Made, object] = {}
        answers: list[Rows] = []
        for step in steps:
            ready = step if step.later is None else step.later(made)
            answers.append(await self._step(connection, ready))
            made.update(ready.made(answers[-1]))
        return answers

    async def say(self, connection: Any, text: str) -> None:
        """Run a statement that has no values."""
        try:
            await connection.execute(text)
        except FAILURES as error:
            raise self.explain(error) from error

    async def _step(self, connection: Any, step: Step) -> Rows:
        if not step.rows:
            return []
        rows: Rows = []
        try:
            if step.returns and len(step.rows) == 1:
                rows = await connection.ask(step.text, step.rows[0])
            elif step.returns:
                rows = await connection.fetchmany(step.text, step.rows)
            elif len(step.rows) == 1:
                status = await connection.execute(step.text, *step.rows[0])
                if step.one and status.rpartition(" ")[2] != "1":
                    raise stale(step)
            else:
                await connection.executemany(step.text, step.rows)
        except FAILURES as error:
            if isinstance(error, AGAIN):
                raise
            connection.refuses_writes |= isinstance(error, REFUSED)
            raise self.explain(error, step) from error
        if step.one and step.returns and len(rows) != 1:
            raise stale(step)
        if step.count is not None:
            check_count(step, len(rows))
            return rows if step.answers else []
        return rows

    def explain(self, error: Exception, step: Step | None = None) -> StoreError:
        """A driver's error in the terms of the contract; PostgreSQL's details hold values and are left out."""
        index = None if step is None else step.index
        table, constraint = getattr(error, "table_name", None) or "", getattr(error, "constraint_name", None) or ""
        told = getattr(error, "detail", None) or ""
        match error:
            case asyncpg.UniqueViolationError() | asyncpg.ExclusionViolationError():
                return self.names.unique(step, table, self.names.constrained(table, constraint, told))
            case asyncpg.ForeignKeyViolationError() | asyncpg.RestrictViolationError():
                # The table named is the one that holds the reference, whichever side was written.
                wrote = (
                    "insert or update" in str(error) if step is None else isinstance(step.operation, Insert | Update)
                )
                columns = self.names.constrained(table, constraint, told if wrote else "")
                return self.names.reference(step, table, columns, "missing" if wrote else "in use")
            case asyncpg.NotNullViolationError():
                return self.names.missing_value(step, table, [getattr(error, "column_name", None) or ""])
            case asyncpg.CheckViolationError():
                return self.names.refused(step, table, constraint)
            case asyncpg.RaiseError() | asyncpg.IntegrityConstraintViolationError():
                return self.names.refused(step, getattr(step and step.operation, "resource", ""), "")
            case asyncpg.NumericValueOutOfRangeError() | asyncpg.DatetimeFieldOverflowError() | asyncpg.DataError():
                return OutOfRange("A computation or a value left what the store can hold", index)
            case asyncpg.StatementTooComplexError() | asyncpg.TooManyColumnsError() | asyncpg.TooManyArgumentsError():
                return TooComplex("The statement is larger than PostgreSQL reads", index)
            case asyncpg.StringDataLengthMismatchError() | asyncpg.ProgramLimitExceededError():
                return OutOfRange("A value is larger than the store can hold", index)
            case asyncpg.QueryCanceledError():
                return TooSlow("The statement ran longer than it may and was stopped", index)
            case asyncpg.ReadOnlySQLTransactionError() if step is None:
                return StoreError("Reads may not write: this connection is read-only", index)
            case asyncpg.ReadOnlySQLTransactionError():
                return StoreDown("PostgreSQL takes no writes now: a standby, or set to read only", index)
            case asyncpg.DiskFullError():
                return StoreFull(f"PostgreSQL's disk is full: {error}", index)
            case asyncpg.InsufficientResourcesError():  # out of memory, too many connections
                return StoreDown(f"PostgreSQL is short of resources: {error}", index)
            case asyncpg.IdleInTransactionSessionTimeoutError():
                return StoreError("The transaction stood idle for too long and was rolled back", index)
            case asyncpg.LockNotAvailableError():
                return StoreDown("A lock was not free in time", index)
            case asyncpg.SyntaxOrAccessError():
                return StoreError(f"The store does not fit the declaration: {error}", index)
            case asyncpg.PostgresError() if not is_lost(error):
                return StoreError(f"PostgreSQL refused ({error.sqlstate})", index)
            case _:
                return StoreDown(f"The connection to PostgreSQL was lost: {type(error).__name__}", index)
