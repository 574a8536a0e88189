"""The MariaDB store, over asyncmy and the pool of the SQL stores."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager, suppress
from typing import Any, Final, TypeVar

from kingpost.language.types import Type
from kingpost.model.model import Model
from kingpost.plan.select import Check, Insert, Operation, Select, Update
from kingpost.stores.contract import Abilities, Convert, OutcomeUnknown, Rows, SchemaChange, StoreDown, StoreError
from kingpost.stores.settings import StoreSettings, settings_in
from kingpost.stores.sql import schema
from kingpost.stores.sql.batch import Step
from kingpost.stores.sql.common import Ground
from kingpost.stores.sql.dialects import MARIADB
from kingpost.stores.sql.mariadb import catalog
from kingpost.stores.sql.mariadb.connection import FAILURES, Connection, connect, locate
from kingpost.stores.sql.mariadb.run import COLLIDED, Collided, Runner, code, is_lost, was_refused
from kingpost.stores.sql.pool import NoPlace, Pool
from kingpost.stores.sql.statement import Statement
from kingpost.stores.sql.watch import Watch

T = TypeVar("T")

ATTEMPTS: Final = 5
"""How often a batch that collides with others (a deadlock) is tried."""

TOO_MANY: Final = (1040, 1203, 1226)
"""The server has as many connections as it takes."""

THERE: Final = (1050, 1060, 1061, 1826)
"""The table, column or index is there: another process was first."""


class MariaDBStore:
    """A store in one MariaDB database.

    Reads run in autocommit on connections that are read-only, writes on others. `?pool=10` in the URL is the number
    of reading connections of this process; half as many write, and half as many stream.
    """

    def __init__(self, url: str, model: Model, name: str, settings: StoreSettings | None = None) -> None:
        self.url = url
        bare, self._settings = settings_in(url, settings)
        self._ground = Ground(model, name, MARIADB)
        self._runner = Runner(self._ground)
        self._address = locate(bare)
        size, wait = self._address.pool, self._settings.wait
        half = max(size // 2, 2)
        self._watch = Watch(self._settings.statement + 5)
        self._reads = Pool(lambda: self._connect("read"), size, wait, "reading")
        self._streams = Pool(lambda: self._connect("stream"), half, wait, "streaming")
        self._writes = Pool(lambda: self._connect("write"), half, wait, "writing")

    @property
    def abilities(self) -> Abilities:
        return self._ground.abilities

    async def start(self) -> None:
        """Connect once, so that a wrong address shows now."""
        for pool in (self._reads, self._streams, self._writes):
            pool.start()
        self._reads.release(await self._reads.acquire())
        self._watch.start()

    async def stop(self) -> None:
        for pool in (self._reads, self._streams, self._writes):
            await pool.stop()
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
        connection: Connection = await self._streams.acquire()
        clean = False
        try:
            # One statement sees one snapshot.
            async with aclosing(connection.stream(prepared.text, arguments, chunk)) as found:
                async for rows in found:
                    yield rows
            clean = True
        except FAILURES as error:
            raise self._runner.explain(error) from error
        finally:
            self._streams.release(connection, broken=not clean)

    async def write(self, operations: Sequence[Operation]) -> list[Rows]:
        steps = self._ground.batches.steps(operations)
        attempt = self._write_alone if _is_one_statement(steps) else self._write_together
        return await _patiently(lambda: attempt(steps))

    @asynccontextmanager
    async def transaction(self, *, limit: float | None = None) -> AsyncGenerator[MariaDBTransaction, None]:
        """On a connection of its own; standing idle for longer than the time limit, in whole seconds, ends it."""
        try:
            async with self._begun(limit) as connection:
                yield MariaDBTransaction(connection, self._ground, self._runner)
        except Collided as error:
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
        """One statement after another: MariaDB takes none of them back."""
        connection: Connection = await self._writes.acquire()
        broken = True
        try:
            for statement in schema.statements(changes):
                try:
                    await connection.do(statement)
                except FAILURES as error:
                    if code(error) in THERE:
                        continue
                    if is_lost(error):
                        raise self._runner.explain(error) from error
                    words = str(error.args[-1]) if error.args else str(error)
                    raise StoreError(f"The schema change was refused, what came before it is done: {words}") from error
            broken = False
        finally:
            self._writes.release(connection, broken=broken)

    # ------------------------------------------------------------------------------------------------- connections

    async def _connect(self, purpose: str) -> Connection:
        name = f"{self._ground.name} {purpose}"
        try:
            connection = await connect(self._address, self._settings, name, purpose=purpose)
        except FAILURES as error:
            words = str(error.args[-1] if error.args else "") or f"no answer within {self._settings.wait:g} s"
            full = code(error) in TOO_MANY
            raise (NoPlace if full else StoreDown)(f"MariaDB can't be reached: {words}") from error
        self._watch.add(connection)
        return connection

    async def _read(self, query: Callable[[Connection], Awaitable[Any]]) -> Any:
        """Run a query on a reading connection; once more on a fresh one when that turns out to be dead."""
        fresh = False
        while True:
            connection = await self._reads.acquire(fresh=fresh)
            try:
                rows = await query(connection)
            except FAILURES as error:
                lost = is_lost(error)
                self._reads.release(connection, broken=lost)
                if not fresh and ((lost and not isinstance(error, TimeoutError)) or code(error) in COLLIDED):
                    fresh = lost
                    if lost or code(error) in COLLIDED:
                        continue
                raise self._runner.explain(error) from error
            except BaseException:  # cancelled, or a value that can't be read: nobody knows where the connection is
                self._reads.release(connection, broken=True)
                raise
            self._reads.release(connection)
            return rows

    async def _write_alone(self, steps: Sequence[Step]) -> list[Rows]:
        """One statement, which is a transaction by itself and saves two journeys to the server."""
        connection: Connection = await self._writes.acquire()
        broken = True
        try:
            answers = await self._runner.run(connection, steps)
            broken = False
        except StoreError as error:
            cause = error.__cause__
            broken = cause is not None and is_lost(cause)
            if isinstance(error, StoreDown) and broken and not was_refused(cause):
                raise OutcomeUnknown(f"{error}; the outcome of the write is unknown") from error
            raise
        except Collided:
            broken = False
            raise
        finally:
            self._writes.release(connection, broken=broken or connection.refuses_writes)
        return answers

    async def _write_together(self, steps: Sequence[Step]) -> list[Rows]:
        async with self._begun() as connection:
            return await self._runner.run(connection, steps)

    @asynccontextmanager
    async def _begun(self, limit: float | None = None) -> AsyncGenerator[Connection, None]:
        """A writing connection in a transaction, committed at the end of the block, or rolled back."""
        connection = await self._begin(limit)
        clean = False
        try:
            try:
                yield connection
            except Exception:
                with suppress(*FAILURES):
                    await connection.do("ROLLBACK")
                    clean = True
                raise
            await self._commit(connection)
            clean = True
        finally:
            # A task that was cancelled, here or in the middle of a statement, leaves a state nobody knows; and the
            # time limit of one transaction is not that of the next.
            self._writes.release(connection, broken=not clean or connection.refuses_writes or limit is not None)

    async def _begin(self, limit: float | None) -> Connection:
        """A transaction on a writing connection, and on a fresh one where that turns out to be dead."""
        fresh = False
        while True:
            connection: Connection = await self._writes.acquire(fresh=fresh)
            begun = False
            try:
                if limit is not None:
                    await connection.do(f"SET SESSION idle_transaction_timeout = {max(int(limit), 1)}")
                await connection.do("START TRANSACTION")
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

    async def _commit(self, connection: Connection) -> None:
        try:
            await connection.do("COMMIT")
        except FAILURES as error:
            if code(error) in COLLIDED:
                raise Collided from error
            if is_lost(error):
                raise OutcomeUnknown("The connection was lost during the commit; its outcome is unknown") from error
            raise self._runner.explain(error) from error


class MariaDBTransaction:
    """An interactive transaction on a connection of its own."""

    def __init__(self, connection: Connection, ground: Ground, runner: Runner) -> None:
        self._connection, self._ground, self._runner = connection, ground, runner
        self._over = False

    async def fetch(self, prepared: Statement, params: Mapping[str, object]) -> Rows:
        """Rows as this transaction sees them."""
        return await self.execute(prepared.text, prepared.arguments(params))

    async def execute(self, sql: str, params: Sequence[object] = ()) -> Rows:
        """A statement of the application's own, with `?` for parameters; answers its rows as they are stored."""
        self._must_go_on()
        try:
            rows: Rows = await self._connection.ask(sql, params)
        except FAILURES as error:
            self._over |= code(error) in COLLIDED
            raise self._runner.explain(error) from error
        return rows

    async def write(self, operations: Sequence[Operation]) -> list[Rows]:
        """All of the operations or, when one fails, none; the transaction goes on."""
        self._must_go_on()
        steps = self._ground.batches.steps(operations)
        await self._runner.say(self._connection, "SAVEPOINT batch")
        try:
            answers = await self._runner.run(self._connection, steps)
        except Collided as error:  # the server has rolled back all of it
            self._over = True
            raise StoreDown("The write collided with others; run the transaction again") from error
        except Exception:
            with suppress(*FAILURES):  # then the error says all there is to say
                await self._connection.do("ROLLBACK TO SAVEPOINT batch")
            raise
        await self._runner.say(self._connection, "RELEASE SAVEPOINT batch")
        return answers

    def _must_go_on(self) -> None:
        """What comes after a rollback by the server would be written at once, in no transaction."""
        if self._over:
            raise StoreDown("The transaction collided with others and is rolled back; run it again")


def _is_one_statement(steps: Sequence[Step]) -> bool:
    if len(steps) != 1 or isinstance(steps[0].operation, Check):
        return False
    operation = steps[0].operation
    if isinstance(operation, Insert):
        return len(operation.rows) == 1
    return not (isinstance(operation, Update) and operation.returning)


async def _patiently(action: Callable[[], Awaitable[T]]) -> T:
    """Do what leaves nothing when it collides with others, until it does not."""
    for number in range(1, ATTEMPTS):
        try:
            return await action()
        except Collided:
            await asyncio.sleep(random.uniform(0, 0.01 * 2**number))  # noqa: S311  # not for secrets
    try:
        return await action()
    except Collided as error:
        raise StoreDown(f"The write collided with others {ATTEMPTS} times") from error
