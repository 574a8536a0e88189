"""The PostgreSQL store, over asyncpg and a pool of its own."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any, TypeVar

import asyncpg

from kingpost.language.types import Type
from kingpost.model.model import Model
from kingpost.plan.select import Check, Operation, Select
from kingpost.stores.contract import Abilities, Convert, OutcomeUnknown, Rows, SchemaChange, StoreDown, StoreError
from kingpost.stores.settings import StoreSettings, settings_in, split_parameters, url_problem
from kingpost.stores.sql import schema
from kingpost.stores.sql.batch import Step
from kingpost.stores.sql.common import Ground
from kingpost.stores.sql.pool import NoPlace, Pool
from kingpost.stores.sql.postgres import catalog, codecs
from kingpost.stores.sql.postgres.connection import FAILURES, STATEMENTS, Connection
from kingpost.stores.sql.postgres.dialect import PostgreSQL
from kingpost.stores.sql.postgres.groups import Groups
from kingpost.stores.sql.postgres.run import AGAIN, REFUSED, Runner, is_lost
from kingpost.stores.sql.statement import Statement
from kingpost.stores.sql.watch import Watch

T = TypeVar("T")

ATTEMPTS = 5
"""How often a batch that collides with others (deadlock, serialization) is tried."""


class PostgresStore:
    """A store in one PostgreSQL database, or one that speaks its protocol.

    Reads run in autocommit on connections that are read-only, writes on others. `?pool=10` in the URL is the number
    of reading connections of this process; half as many write, and half as many stream: a stream takes as long as its
    reader likes, and must not keep all others from reading.
    """

    def __init__(self, url: str, model: Model, name: str, settings: StoreSettings | None = None) -> None:
        self.url = url
        address, self._settings = settings_in(url, settings)
        self._dialect = PostgreSQL()
        self._ground = Ground(model, name, self._dialect)
        self._runner = Runner(self._ground.names)
        self._address, parameters = split_parameters(address, ("pool",), rest=True)
        size = parameters.get("pool", "10")
        if not size.isdecimal() or int(size) < 1:
            raise url_problem(url, f"pool={size} is not a number of connections", "pool=10")
        self._watch = Watch(self._settings.statement + 5)
        wait, half = self._settings.wait, max(int(size) // 2, 2)
        self._reads = Pool(lambda: self._connect(read_only=True), int(size), wait, "reading")
        self._streams = Pool(lambda: self._connect(read_only=True), half, wait, "streaming")
        self._writes = Pool(lambda: self._connect(read_only=False), half, wait, "writing")
        self._groups = Groups(self._writes, self._write_on, self._ground.batches.together)

    @property
    def abilities(self) -> Abilities:
        return self._ground.abilities

    async def start(self) -> None:
        """Connect once, so that a wrong address shows now."""
        for pool in (self._reads, self._streams, self._writes):
            pool.start()
        connection = await self._reads.acquire()
        if any(resource.adopted for resource in self._ground.resources):
            self._dialect.sorts_by_code_point = await connection.fetchval(catalog.BY_CODE_POINT)
        self._reads.release(connection)
        self._watch.start()

    async def stop(self) -> None:
        for pool in (self._reads, self._streams, self._writes):
            await pool.stop()
        await self._groups.stop()
        self._watch.stop()

    def prepare(self, select: Select) -> Statement:
        return self._ground.translate(select)

    async def fetch(self, prepared: Statement, params: Mapping[str, object]) -> Rows:
        arguments = prepared.arguments(params)
        rows: Rows = await self._read(lambda connection: connection.ask(prepared.text, arguments))
        return rows

    async def stream(
        self, prepared: Statement, params: Mapping[str, object], *, chunk: int = 1000
    ) -> AsyncGenerator[Rows, None]:
        arguments = prepared.arguments(params)
        connection = await self._streams.acquire()
        clean = False
        try:
            await connection.execute("BEGIN")
            cursor = await connection.cursor(prepared.text, *arguments)
            while rows := await cursor.fetch(chunk):
                yield rows
            await connection.execute("COMMIT")
            clean = True
        except FAILURES as error:
            raise self._runner.explain(error) from error
        finally:
            self._streams.release(connection, broken=not clean)

    async def write(self, operations: Sequence[Operation]) -> list[Rows]:
        steps = self._ground.batches.steps(operations)
        # One statement is a transaction by itself, and saves two journeys to the server.
        alone = len(steps) == 1 and not isinstance(steps[0].operation, Check)
        if alone and steps[0].key and self._writes.busy:
            answers = await self._groups.add(steps[0])
            if answers is not None:
                return answers
        attempt = self._write_alone if alone else self._write_together
        return await _patiently(lambda: attempt(steps))

    @asynccontextmanager
    async def transaction(self, *, limit: float | None = None) -> AsyncGenerator[PostgresTransaction, None]:
        """On a connection of its own; standing idle for longer than the time limit ends it."""
        try:
            async with self._begun() as connection:
                if limit is not None:
                    milliseconds = _milliseconds(limit)
                    await self._runner.say(
                        connection, f"SET LOCAL idle_in_transaction_session_timeout = {milliseconds}"
                    )
                yield PostgresTransaction(connection, self._ground, self._runner)
        except AGAIN as error:
            raise StoreDown("The transaction collided with others; run it again") from error

    def json_form(self, type: Type) -> Convert | None:
        return self._ground.json_form(type)

    def python_form(self, type: Type) -> Convert | None:
        return self._ground.python_form(type)

    async def compare(self) -> list[SchemaChange]:
        names = [table.name for table in self._ground.tables.values()]
        real = await self._read(lambda connection: catalog.read(connection, names))
        return schema.compare(self._ground, real)

    async def apply(self, changes: Sequence[SchemaChange]) -> None:
        await _patiently(lambda: self._apply(schema.statements(changes)))

    async def _apply(self, statements: Sequence[str]) -> None:
        async with self._begun() as connection:
            for statement in statements:
                await connection.execute("SAVEPOINT change")
                try:
                    await connection.execute(statement)
                except (asyncpg.DuplicateObjectError, asyncpg.UniqueViolationError):
                    # Another process was first; of two at once, one finds the other in the catalogue's own index.
                    await connection.execute("ROLLBACK TO SAVEPOINT change")
                except asyncpg.PostgresError as error:
                    if isinstance(error, AGAIN):
                        raise
                    raise StoreError(f"The schema change was refused and undone: {error}") from error

    # ------------------------------------------------------------------------------------------------- connections

    async def _connect(self, *, read_only: bool) -> Any:
        settings = self._settings
        server = {
            "TimeZone": "UTC",
            "application_name": f"kingpost {self._ground.name} {'read' if read_only else 'write'}",
            "statement_timeout": _milliseconds(settings.statement),
        }
        if read_only:
            server["default_transaction_read_only"] = "on"
        else:  # a stream may stand idle for as long as its reader is slow; it locks nothing
            server["idle_in_transaction_session_timeout"] = _milliseconds(settings.transaction)
        try:
            connection = await asyncpg.connect(
                self._address,
                timeout=settings.wait,
                # The server stops long statements itself; this is for a server that does not answer at all.
                command_timeout=settings.statement + 5,
                connection_class=Connection,
                statement_cache_size=STATEMENTS,
                max_cached_statement_lifetime=0,
                max_cacheable_statement_size=0,
                server_settings=server,
            )
            await codecs.install(connection)
            self._watch.add(connection)
        except FAILURES as error:
            words = str(error) or f"no answer within {settings.wait:g} s"
            full = isinstance(error, asyncpg.TooManyConnectionsError)
            raise (NoPlace if full else StoreDown)(f"PostgreSQL can't be reached: {words}") from error
        return connection

    async def _read(self, query: Callable[[Any], Awaitable[Any]]) -> Any:
        """Run a query on a reading connection; once more on a fresh one when that turns out to be dead."""
        fresh = False
        while True:
            connection = await self._reads.acquire(fresh=fresh)
            try:
                rows = await query(connection)
            except FAILURES as error:
                self._reads.release(connection, broken=is_lost(error))
                again = connection.is_closed() and not isinstance(error, TimeoutError)
                if not fresh and (again or isinstance(error, (*AGAIN, asyncpg.OutdatedSchemaCacheError))):
                    fresh = True
                    continue
                raise self._runner.explain(error) from error
            except BaseException:  # cancelled, or a value that can't be read: nobody knows where the connection is
                self._reads.release(connection, broken=True)
                raise
            self._reads.release(connection)
            return rows

    async def _write_alone(self, steps: Sequence[Step]) -> list[Rows]:
        return await self._write_on(await self._writes.acquire(), steps)

    async def _write_on(self, connection: Any, steps: Sequence[Step]) -> list[Rows]:
        """Steps that are one transaction by themselves, on a connection that is given back."""
        broken = True
        try:
            answers = await self._runner.run(connection, steps)
            broken = False
        except StoreError as error:
            cause = error.__cause__
            broken = cause is not None and is_lost(cause)
            if isinstance(error, StoreDown) and broken and not isinstance(cause, REFUSED):
                raise OutcomeUnknown(f"{error}; the outcome of the write is unknown") from error
            raise
        except AGAIN as error:
            broken = is_lost(error)
            raise
        finally:
            self._writes.release(connection, broken=broken)
        return answers

    async def _write_together(self, steps: Sequence[Step]) -> list[Rows]:
        async with self._begun() as connection:
            return await self._runner.run(connection, steps)

    @asynccontextmanager
    async def _begun(self) -> AsyncGenerator[Any, None]:
        """A writing connection in a transaction, committed at the end of the block, or rolled back."""
        connection = await self._begin()
        clean = False
        try:
            try:
                yield connection
            except Exception:
                with suppress(*FAILURES):
                    await connection.execute("ROLLBACK")
                    clean = True
                raise
            await self._commit(connection)
            clean = True
        finally:
            # A task that was cancelled, here or in the middle of a statement, leaves a state nobody knows.
            self._writes.release(connection, broken=not clean or connection.refuses_writes)

    async def _begin(self) -> Any:
        """A transaction on a writing connection, and on a fresh one where that turns out to be dead."""
        fresh = False
        while True:
            connection = await self._writes.acquire(fresh=fresh)
            begun = False
            try:
                await connection.execute("BEGIN")
                begun = True
            except FAILURES as error:
                if fresh or not is_lost(error):
                    raise self._runner.explain(error) from error
                fresh = True
            finally:
                if not begun:
                    self._writes.release(connection, broken=True)
            if begun:
                return connection

    async def _commit(self, connection: Any) -> None:
        try:
            status = await connection.execute("COMMIT")
        except AGAIN:
            raise
        except FAILURES as error:
            if is_lost(error):
                raise OutcomeUnknown("The connection was lost during the commit; its outcome is unknown") from error
            raise self._runner.explain(error) from error
        if status == "ROLLBACK":
            raise StoreError("The transaction had failed before and was rolled back")


class PostgresTransaction:
    """An interactive transaction on a connection of its own."""

    def __init__(self, connection: Any, ground: Ground, runner: Runner) -> None:
        self._connection, self._ground, self._runner = connection, ground, runner

    async def fetch(self, prepared: Statement, params: Mapping[str, object]) -> Rows:
        """Rows as this transaction sees them."""
        try:
            rows: Rows = await self._connection.ask(prepared.text, prepared.arguments(params))
        except FAILURES as error:
            raise self._runner.explain(error) from error
        return rows

    async def execute(self, sql: str, params: Sequence[object] = ()) -> Rows:
        """A statement of the application's own, with `$1` for parameters; answers its rows in Python values."""
        try:
            statement = await self._connection.prepare(sql)
            rows: Rows = await statement.fetch(*codecs.arguments(statement, params))
        except FAILURES as error:
            raise self._runner.explain(error) from error
        return codecs.rows(statement, rows)

    async def write(self, operations: Sequence[Operation]) -> list[Rows]:
        """All of the operations or, when one fails, none; the transaction goes on."""
        steps = self._ground.batches.steps(operations)
        await self._runner.say(self._connection, "SAVEPOINT batch")
        try:
            answers = await self._runner.run(self._connection, steps)
        except Exception as error:
            with suppress(*FAILURES):  # then the error says all there is to say
                await self._connection.execute("ROLLBACK TO SAVEPOINT batch; RELEASE SAVEPOINT batch")
            if isinstance(error, AGAIN):
                raise StoreDown("The write collided with others; run the transaction again") from error
            raise
        await self._runner.say(self._connection, "RELEASE SAVEPOINT batch")
        return answers


async def _patiently(action: Callable[[], Awaitable[T]]) -> T:
    """Do what leaves nothing when it collides with others, until it does not."""
    for number in range(1, ATTEMPTS):
        try:
            return await action()
        except AGAIN:
            await asyncio.sleep(random.uniform(0, 0.01 * 2**number))  # noqa: S311  # not for secrets
    try:
        return await action()
    except AGAIN as error:
        raise StoreDown(f"The write collided with others {ATTEMPTS} times") from error


def _milliseconds(seconds: float) -> str:
    return str(max(int(seconds * 1000), 1))
