"""The MongoDB store, over PyMongo's asynchronous client."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Final
from urllib.parse import unquote, urlsplit

from pymongo import AsyncMongoClient, ReadPreference
from pymongo.asynchronous.client_session import AsyncClientSession
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import ConfigurationError, InvalidName, InvalidURI, OperationFailure, PyMongoError
from pymongo.read_concern import ReadConcern
from pymongo.uri_parser import parse_uri
from pymongo.write_concern import WriteConcern

from kingpost.base.problems import DeclarationError
from kingpost.language.types import Type
from kingpost.model.model import Model
from kingpost.plan.select import Delete, Insert, Operation, Select, Update
from kingpost.stores.contract import (
    Abilities,
    Convert,
    OutcomeUnknown,
    Rows,
    SchemaChange,
    StoreDown,
    StoreError,
)
from kingpost.stores.mongo import schema
from kingpost.stores.mongo.errors import ALONE, FAILURES, Again, explain, is_conflict
from kingpost.stores.mongo.layout import layouts
from kingpost.stores.mongo.select import Prepared, prepare
from kingpost.stores.mongo.writes import Document, Writer, is_held
from kingpost.stores.settings import StoreSettings, settings_in, url_problem
from kingpost.stores.sql.forms import PYTHON

UNREADABLE: Final = (InvalidURI, ConfigurationError, InvalidName, ValueError, TypeError)
"""What the driver raises for an address that it does not understand."""
OLDEST: Final = 13
"""The wire version of MongoDB 5.0, the first that has `$lookup` by key and by pipeline at once, and snapshots."""
SURELY: Final = WriteConcern("majority", j=True)
"""A write is acknowledged when a majority has it in its journal."""


class MongoStore:
    """A store in one database of a MongoDB server, replica set or cluster.

    What is written together is one transaction, which takes a replica set (of one member, if need be). A server that
    stands alone takes single operations only.
    """

    def __init__(self, url: str, model: Model, name: str, settings: StoreSettings | None = None) -> None:
        self.url = url
        self._address, self._settings = settings_in(url, settings)
        self._database_name = unquote(urlsplit(self._address).path[1:])
        if not self._database_name:
            raise url_problem(url, "it names no database", "mongodb://host/shop")
        self._name = name
        self._layouts = layouts(model, name)
        self._prepared: dict[Select, Prepared] = {}
        self._client: AsyncMongoClient[Document] | None = None
        self._together = True
        if self._address.startswith("mongodb://"):  # of the other form a name server has to be asked first
            try:
                parse_uri(self._address)
            except UNREADABLE as error:
                raise self._unreadable(error) from None

    @property
    def abilities(self) -> Abilities:
        return Abilities(transactions=self._together)

    async def start(self) -> None:
        """Connect once, so that a wrong address shows now."""
        self._client = self._made_client()
        try:
            async with asyncio.timeout(self._settings.wait + 5):
                said = await self._client.admin.command("hello")
                await self._database.command("ping")
                await (await self._database.list_collections(filter={"name": ""})).to_list()
        except ConfigurationError as error:
            await self.stop()
            raise StoreError(f"MongoDB is of another version than can be used: {error}") from error
        except FAILURES as error:
            await self.stop()
            raise explain(error) from error
        if said.get("maxWireVersion", 0) < OLDEST:
            await self.stop()
            raise StoreError("MongoDB 5.0 or newer is needed, and this server is older")
        self._together = "setName" in said or said.get("msg") == "isdbgrid"

    async def stop(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            await client.close()

    def prepare(self, select: Select) -> Prepared:
        return prepare(select, self._layouts)

    async def fetch(self, prepared: Prepared, params: Mapping[str, object]) -> Rows:
        return await self.fetch_in(prepared, params, None)

    async def stream(
        self, prepared: Prepared, params: Mapping[str, object], *, chunk: int = 1000
    ) -> AsyncGenerator[Rows, None]:
        if prepared.nothing(params):
            return
        try:
            async with self._connected.start_session(snapshot=self._together or None) as session:
                async with asyncio.timeout(self._settings.statement):
                    of = self._database[prepared.collection]
                    cursor = await of.aggregate(
                        prepared.pipeline(params), session=session, batchSize=chunk, maxTimeMS=self._longest
                    )
                async with cursor:
                    while True:
                        async with asyncio.timeout(self._settings.statement):
                            documents = await cursor.to_list(chunk)
                        if not documents:
                            return
                        yield prepared.rows(documents)
        except FAILURES as error:
            raise explain(error) from error

    async def write(self, operations: Sequence[Operation]) -> list[Rows]:
        if not operations:
            return []
        alone = len(operations) == 1 and self._is_one(operations[0])
        if not alone and not self._together:
            raise StoreError(ALONE)
        deadline = time.monotonic() + self._settings.wait
        for number in range(1, 1000):
            try:
                return await (self._write_alone if alone else self._write_together)(operations)
            except Again as error:
                if time.monotonic() > deadline:
                    raise StoreDown(f"The write collided with others {number} times") from error
                await asyncio.sleep(random.uniform(0, 0.002 * 2 ** min(number, 7)))  # noqa: S311  # not for secrets
        raise StoreDown("The write collided with others all the time")

    @asynccontextmanager
    async def transaction(self, *, limit: float | None = None) -> AsyncGenerator[MongoTransaction, None]:
        """On one snapshot; what others wrote meanwhile to the same documents ends it."""
        if not self._together:
            raise StoreError(ALONE)
        transaction = MongoTransaction(self, limit or self._settings.transaction)
        try:
            await transaction.begin()
            yield transaction
            await transaction.commit()
        except Again as error:
            raise StoreDown("The transaction collided with others; run it again") from error
        finally:
            await asyncio.shield(transaction.end())

    def json_form(self, type: Type) -> Convert | None:
        return PYTHON.json_form(type)

    def python_form(self, type: Type) -> Convert | None:
        return PYTHON.python_form(type)

    async def compare(self) -> list[SchemaChange]:
        try:
            async with asyncio.timeout(self._settings.statement):
                return await schema.compare(self._database, self._layouts)
        except FAILURES as error:
            raise explain(error) from error

    async def apply(self, changes: Sequence[SchemaChange]) -> None:
        try:
            await schema.apply(self._database, changes)
        except FAILURES as error:
            raise StoreError(f"The schema change was refused: {explain(error)}") from error

    # ------------------------------------------------------------------------------------------------------ the parts

    @property
    def _longest(self) -> int:
        """How long a statement may run on the server, in milliseconds."""
        return max(int(self._settings.statement * 1000), 1)

    @property
    def _connected(self) -> AsyncMongoClient[Document]:
        if self._client is None:
            raise StoreDown("The store is not started")
        return self._client

    @property
    def _database(self) -> AsyncDatabase[Document]:
        return self._connected.get_database(
            self._database_name, read_concern=ReadConcern("majority"), write_concern=SURELY
        )

    def _made_client(self) -> AsyncMongoClient[Document]:
        try:
            return AsyncMongoClient(
                self._address,
                uuidRepresentation="standard",
                tz_aware=True,
                appname=f"kingpost {self._name}",
                serverSelectionTimeoutMS=int(self._settings.wait * 1000),
                waitQueueTimeoutMS=int(self._settings.wait * 1000),
            )
        except UNREADABLE as error:
            raise self._unreadable(error) from None

    def _unreadable(self, error: Exception) -> DeclarationError:
        """The driver's words on an address quote parts of it, and a password may be one: they are left out."""
        words = f"the driver can't read it ({type(error).__name__})"
        return url_problem(self.url, words, "mongodb://host/shop; marks in a password are written as %40")

    def _is_one(self, operation: Operation) -> bool:
        """Whether MongoDB does it as a whole without a transaction."""
        match operation:
            case Insert(rows=rows, resource=name):
                return len(rows) == 1 and not self._refers(name, None)
            case Update(resource=name, values=values):
                return self._layouts[name].hashed is None and not self._refers(name, frozenset(values))
            case Delete(resource=name):
                return not any(
                    relation.target == name and is_held(relation, self._layouts)
                    for layout in self._layouts.values()
                    for relation in layout.resource.relations.values()
                )
            case _:
                return False

    def _refers(self, name: str, changed: frozenset[str] | None) -> bool:
        return any(
            is_held(relation, self._layouts) and (changed is None or not changed.isdisjoint(relation.columns))
            for relation in self._layouts[name].resource.relations.values()
        )

    def writer(self, session: AsyncClientSession | None) -> Writer:
        """What carries out operations in a session."""
        return Writer(self._database, self._layouts, self._check, session)

    def _check(self, select: Select) -> Prepared:
        """Checks come as values with every batch; those of one shape are translated once."""
        try:
            known = self._prepared.get(select)
        except TypeError:  # it holds a constant that can't be hashed, such as JSON
            return self.prepare(select)
        if known is None:
            if len(self._prepared) > 1000:
                self._prepared.clear()
            known = self._prepared[select] = self.prepare(select)
        return known

    async def fetch_in(
        self, prepared: Prepared, params: Mapping[str, object], session: AsyncClientSession | None
    ) -> Rows:
        """The rows as a session sees them. Raises `Again` where its transaction is over."""
        if prepared.nothing(params):
            return []
        try:
            async with asyncio.timeout(self._settings.statement):
                of = self._database[prepared.collection]
                cursor = await of.aggregate(prepared.pipeline(params), session=session, maxTimeMS=self._longest)
                documents = await cursor.to_list()
        except FAILURES as error:
            if session is not None and is_conflict(error):
                raise Again from error
            raise explain(error) from error
        return prepared.rows(documents)

    async def _write_alone(self, operations: Sequence[Operation]) -> list[Rows]:
        try:
            async with asyncio.timeout(self._settings.statement):
                return (await self.writer(None).run(operations))[0]
        except TimeoutError as error:
            raise explain(error, wrote=True) from error

    async def _write_together(self, operations: Sequence[Operation]) -> list[Rows]:
        transaction = MongoTransaction(self, self._settings.transaction)
        try:
            await transaction.begin()
            answers = await transaction.run(operations)
            await transaction.commit()
        finally:
            await asyncio.shield(transaction.end())
        return answers

    def session(self) -> AsyncClientSession:
        """A session for a transaction."""
        return self._connected.start_session(causal_consistency=False)

    @property
    def statement(self) -> float:
        """How long one statement may run."""
        return self._settings.statement


class MongoTransaction:
    """Reads and writes on one snapshot. `limit`: for how many seconds it may stay open."""

    def __init__(self, store: MongoStore, limit: float) -> None:
        self._store, self._limit = store, limit
        self._until = time.monotonic() + limit
        self._session: AsyncClientSession | None = None
        self._done: list[tuple[Sequence[Operation], list[Rows]]] = []

    async def begin(self) -> None:
        """Begin, or begin again."""
        session = self._store.session()
        await session.start_transaction(
            read_concern=ReadConcern("snapshot"), write_concern=SURELY, read_preference=ReadPreference.PRIMARY
        )
        self._session = session

    async def fetch(self, prepared: Prepared, params: Mapping[str, object]) -> Rows:
        """Rows as this transaction sees them."""
        return await self._store.fetch_in(prepared, params, self._open())

    async def write(self, operations: Sequence[Operation]) -> list[Rows]:
        """All of the operations or, when one fails, none; the transaction goes on.

        MongoDB ends a transaction in which anything fails: then it is begun again, and what was done before is done
        again. Where that does not lead to the same, nothing is left of it.
        """
        try:
            return await self.run(operations)
        except Again as error:
            raise StoreDown("The write collided with others; run the transaction again") from error
        except StoreDown:
            raise
        except StoreError:
            await self._again()
            raise

    async def run(self, operations: Sequence[Operation]) -> list[Rows]:
        """The answers; after an error the transaction is over."""
        session = self._open()
        try:
            async with asyncio.timeout(self._store.statement):
                answers, done = await self._store.writer(session).run(operations)
        except TimeoutError as error:
            raise explain(error) from error
        self._done.append((done, answers))
        return answers

    async def commit(self) -> None:
        """Make it last. Raises `Again` where nothing of it is left."""
        session = self._open()
        for last in (False, False, True):
            try:
                async with asyncio.timeout(self._store.statement):
                    await session.commit_transaction()
            except TimeoutError as error:
                raise explain(error, wrote=True) from error
            except PyMongoError as error:
                if is_conflict(error):
                    raise Again from error
                unknown = error.has_error_label("UnknownTransactionCommitResult")
                if unknown and not last:
                    continue
                if unknown or not isinstance(error, OperationFailure):
                    raise OutcomeUnknown("The connection was lost during the commit; its outcome is unknown") from error
                raise explain(error) from error
            return

    async def end(self) -> None:
        """Undo what was not committed."""
        session, self._session = self._session, None
        if session is not None:
            with suppress(TimeoutError):  # then the server ends it, after its own time
                async with asyncio.timeout(self._store.statement):
                    await session.end_session()

    def _open(self) -> AsyncClientSession:
        if time.monotonic() > self._until:
            raise StoreError(f"The transaction was open for more than {self._limit:g} s and was rolled back")
        if self._session is None:
            raise StoreError("The transaction had failed before and was rolled back")
        return self._session

    async def _again(self) -> None:
        """Begin anew, and do what was done."""
        before, self._done = self._done, []
        await self.end()
        await self.begin()
        try:
            for operations, answers in before:
                if await self.run(operations) != answers:
                    raise Again
        except (Again, StoreError) as error:
            await self.end()
            raise StoreDown("The transaction collided with others; run it again") from error
