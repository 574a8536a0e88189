"""The Redis store, over redis-py's asynchronous client."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncGenerator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from kingpost.language.tree import Many, walk
from kingpost.language.types import Type
from kingpost.model.model import Model
from kingpost.plan.select import Operation, Select
from kingpost.stores.contract import (
    Abilities,
    Convert,
    Rows,
    SchemaChange,
    StoreDown,
    StoreError,
)
from kingpost.stores.memory.select import Prepared, prepare, require_one_store
from kingpost.stores.memory.state import layouts
from kingpost.stores.redis import schema
from kingpost.stores.redis.batch import carry_out, foreseen
from kingpost.stores.redis.errors import FAILURES, explain
from kingpost.stores.redis.keyed import Texts, keyed
from kingpost.stores.redis.layout import places
from kingpost.stores.redis.session import ROUNDS, Conflict, Session
from kingpost.stores.redis.view import Changes, View
from kingpost.stores.settings import StoreSettings, settings_in, split_parameters, url_problem
from kingpost.stores.sql.forms import PYTHON

CONNECTIONS: Final = 32


@dataclass(frozen=True, slots=True)
class Selecting:
    """A compiled select, with what it looks at: rows named by key, or all rows of these resources."""

    resource: str
    prepared: Prepared
    keyed: Texts | None
    reached: frozenset[str]

    @property
    def text(self) -> str:
        what = "GET of the rows named by key" if self.keyed else f"all rows of {', '.join(sorted(self.reached))}"
        return f"{what}; in memory: {self.prepared.text}"

    def run(self, view: View, params: Mapping[str, object]) -> list[tuple[Any, ...]]:
        """The answer of what is known."""
        table = view.tables[self.resource]
        rows: Iterable[Any]
        if self.keyed is None:
            rows = table.every().values()
        else:
            found = (table.find(text) for text in self.keyed(params))
            rows = [row for row in found if row is not None]
        return self.prepared.run(view, rows, params)

    def foresee(self, session: Session, params: Mapping[str, object]) -> None:
        """Note what is looked at for sure."""
        if self.keyed is None:
            session.facts.missing.tables.update(self.reached - session.facts.whole)
        else:
            for text in self.keyed(params):
                session.facts.row(self.resource, text)


class RedisStore:
    """Rows in one Redis or Valkey server (`redis://host:6379/0`)."""

    def __init__(self, url: str, model: Model, name: str, settings: StoreSettings | None = None) -> None:
        self.url = url
        address, self._settings = settings_in(url, settings)
        self._address, told = split_parameters(address, ("prefix",))
        prefix = told.get("prefix", "kingpost")
        if not prefix or not prefix.replace("-", "").replace("_", "").isalnum():
            raise url_problem(url, f"the prefix {prefix!r} is not made of letters and digits", "?prefix=shop")
        database = urlsplit(self._address).path[1:]
        if not (database.isdigit() or not database):
            raise url_problem(
                url, f"{database} is not the number of a database", "redis://127.0.0.1:6379/0?prefix=shop"
            )
        self._model, self._name = model, name
        self._places = places(layouts(model, name), prefix)
        self._client: Any = None
        try:
            self._made_client()
        except ValueError as error:
            words = f"the driver can't read it ({type(error).__name__})"
            remedy = "redis://:password@host:6379/0; marks in a password are written as %40"
            raise url_problem(url, words, remedy) from None

    @property
    def abilities(self) -> Abilities:
        return Abilities()

    async def start(self) -> None:
        """Connect once, so that a wrong address or password shows now."""
        client = self._client = self._made_client()
        try:
            async with asyncio.timeout(self._settings.wait):
                await client.ping()
                info = {**await client.info("cluster"), **await client.info("memory")}
        except FAILURES as error:
            await self.stop()
            raise explain(error) from error
        policy = str(info.get("maxmemory_policy", ""))
        if policy.startswith("allkeys") and info.get("maxmemory"):
            await self.stop()
            words = (
                f"This Redis throws rows away when its memory is full (maxmemory-policy {policy}): set it to noeviction"
            )
            raise StoreError(words)
        if info.get("cluster_enabled"):
            await self.stop()
            words = "This server is part of a Redis Cluster, which keeps no batch together: name a single server"
            raise StoreError(words)

    async def stop(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            await client.aclose()
            await client.connection_pool.disconnect()

    def prepare(self, select: Select) -> Selecting:
        require_one_store(select, self._model, self._name)
        named = keyed(select, self._places[select.resource])
        return Selecting(select.resource, prepare(select, self._model), named, self._reached(select))

    async def fetch(self, prepared: Selecting, params: Mapping[str, object]) -> Rows:
        session = Session(self._connected, self._places)
        prepared.foresee(session, params)
        async with self.explained():
            await session.load()
        rows, settled = self._asked(session, prepared, params)
        return rows if settled else await self._fetch_watched(prepared, params)

    async def stream(
        self, prepared: Selecting, params: Mapping[str, object], *, chunk: int = 1000
    ) -> AsyncGenerator[Rows, None]:
        rows = await self.fetch(prepared, params)
        for start in range(0, len(rows), chunk):
            yield rows[start : start + chunk]

    async def write(self, operations: Sequence[Operation]) -> list[Rows]:
        if not operations:
            return []
        deadline = time.monotonic() + self._settings.wait
        number = 0
        while True:
            number += 1
            try:
                async with self.transaction() as transaction:
                    transaction.alone = True
                    return await transaction.write(operations)
            except Conflict as error:
                if time.monotonic() > deadline:
                    raise StoreDown(f"The write collided with others {number} times") from error
                await asyncio.sleep(random.uniform(0, 0.001 * 2 ** min(number, 6)))  # noqa: S311  # not for secrets

    @asynccontextmanager
    async def transaction(self, *, limit: float | None = None) -> AsyncGenerator[RedisTransaction, None]:
        """What it has read is watched: where others write that meanwhile, nothing of it takes effect."""
        async with self._connected.pipeline(transaction=True) as pipeline:
            session = Session(self._connected, self._places, pipeline)
            transaction = RedisTransaction(self, session, limit or self._settings.transaction)
            yield transaction
            transaction.require_time()
            try:
                async with self.explained(wrote=bool(transaction.changes)):
                    await session.commit(transaction.changes)
            except Conflict as error:
                if transaction.alone:
                    raise
                raise StoreDown("The transaction collided with others; run it again") from error

    def json_form(self, type: Type) -> Convert | None:
        return PYTHON.json_form(type)

    def python_form(self, type: Type) -> Convert | None:
        return PYTHON.python_form(type)

    async def compare(self) -> list[SchemaChange]:
        async with self.explained():
            return await schema.compare(self._connected, self._places)

    async def apply(self, changes: Sequence[SchemaChange]) -> None:
        async with self.explained():
            await schema.apply(self._connected, self._model, self._places, changes)

    # ------------------------------------------------------------------------------------------------------ the parts

    @property
    def _connected(self) -> Any:
        if self._client is None:
            raise StoreDown("The store is not started")
        return self._client

    def _made_client(self) -> Any:
        """A client; the driver leaves much of it without types."""
        pools: Any = BlockingConnectionPool
        pool = pools.from_url(
            self._address,
            max_connections=CONNECTIONS,
            timeout=self._settings.wait,
            socket_connect_timeout=self._settings.wait,
            client_name=f"kingpost-{self._name}",
            retry=Retry(NoBackoff(), 0),  # a write that is sent again might be done twice
        )
        return Redis(connection_pool=pool)

    @asynccontextmanager
    async def explained(self, *, wrote: bool = False) -> AsyncGenerator[None, None]:
        """What the driver raises, in the terms of the contract; within the time of a statement."""
        try:
            async with asyncio.timeout(self._settings.statement):
                yield
        except FAILURES as error:
            raise explain(error, wrote=wrote) from error

    def _reached(self, select: Select) -> frozenset[str]:
        """The resources of which many rows are looked at; single rows are loaded by their keys."""
        found = {select.resource}
        for expression in select.expressions():
            for part in walk(expression):
                if isinstance(part, Many):
                    link = self._model[part.base.resource].relations[part.relation].link
                    found.update((part.resource, link))
        return frozenset(found & set(self._places))

    def view(self, session: Session, changes: Changes) -> View:
        """The rows of a session with changes."""
        return View(self._model, self._places, session.facts, changes)

    def nothing(self) -> Changes:
        """No changes."""
        return Changes({name: {} for name in self._places})

    def _asked(self, session: Session, prepared: Selecting, params: Mapping[str, object]) -> tuple[Rows, bool]:
        """An answer, and whether all that it needs was there."""
        try:
            rows = prepared.run(self.view(session, self.nothing()), params)
        except StoreError:
            if not session.facts.missing:
                raise
            rows = []
        return rows, not session.facts.missing

    async def _fetch_watched(self, prepared: Selecting, params: Mapping[str, object]) -> Rows:
        """The answer of one moment where it takes several rounds."""
        deadline = time.monotonic() + self._settings.wait
        while True:
            try:
                async with self.transaction() as transaction:
                    transaction.alone = True
                    rows = await transaction.fetch(prepared, params)
            except Conflict as error:
                if time.monotonic() > deadline:
                    raise StoreDown("What was read was being written all the time") from error
                continue
            return rows


class RedisTransaction:
    """Reads and writes of one session. `limit`: for how many seconds it may stay open."""

    def __init__(self, store: RedisStore, session: Session, limit: float) -> None:
        self._store, self._session, self._limit = store, session, limit
        self._until = time.monotonic() + limit
        self.changes = store.nothing()
        self.alone = False
        """Whether it can be run again by who began it."""

    async def fetch(self, prepared: Selecting, params: Mapping[str, object]) -> Rows:
        """Rows as this transaction sees them."""
        self.require_time()
        prepared.foresee(self._session, params)
        for _ in range(ROUNDS):
            await self._load()
            view = self._store.view(self._session, self.changes)
            try:
                rows = prepared.run(view, params)
            except StoreError:
                if not self._session.facts.missing:
                    raise
                continue
            if not self._session.facts.missing:
                return rows
        raise StoreError("The question leads from row to row without an end")

    async def write(self, operations: Sequence[Operation]) -> list[Rows]:
        """All of the operations or, when one fails, none; the transaction goes on."""
        self.require_time()
        foreseen(self._store.view(self._session, self.changes), self._session.facts, operations)
        for _ in range(ROUNDS):
            await self._load()
            view = self._store.view(self._session, self.changes.copy())
            try:
                answers = carry_out(view, operations, self._store.prepare)
            except StoreError:
                if not self._session.facts.missing:
                    raise
                continue
            if not self._session.facts.missing:
                self.changes = view.changes
                return answers
        raise StoreError("The batch leads from row to row without an end")

    def require_time(self) -> None:
        """Raises where it was open for too long."""
        if time.monotonic() > self._until:
            raise StoreError(f"The transaction was open for more than {self._limit:g} s and was rolled back")

    async def _load(self) -> None:
        async with self._store.explained():
            await self._session.load()
