"""A connection to MariaDB in the state that the store's statements are written for, and the address of one.

asyncmy closes a connection whose statement is given up, but the server goes on with that statement; here it is told to
stop it, on a connection of its own.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import time
from decimal import Decimal
from typing import Any, Final, cast
from urllib.parse import unquote, urlsplit

import asyncmy
from asyncmy import converters
from asyncmy.constants import CLIENT, FIELD_TYPE
from asyncmy.cursors import SSCursor
from asyncmy.errors import MySQLError

from kingpost.stores.contract import Rows
from kingpost.stores.settings import StoreSettings, split_parameters, url_problem
from kingpost.stores.sql.mariadb.literals import COLLATION, filled

FAILURES: Final = (OSError, MySQLError, EOFError, RuntimeError, AssertionError)
"""What the driver raises; the last ones where it does not understand what it is told."""

MODE: Final = (
    "STRICT_ALL_TABLES,ANSI_QUOTES,PIPES_AS_CONCAT,NO_BACKSLASH_ESCAPES,ERROR_FOR_DIVISION_BY_ZERO,"
    "NO_ZERO_DATE,NO_ZERO_IN_DATE,NO_ENGINE_SUBSTITUTION"
)

SORTED: Final = 65_536
"""So many bytes of a text are looked at to sort it."""

LONG: Final = 86_400
"""Seconds that a stream's reader may take."""

WORDS: Final = ("pool", "ssl", "ssl_ca", "socket")


def _number(text: str) -> int | Decimal:
    """A number without a fraction is an int: whole numbers are computed as decimals where 64 bits may not do."""
    return Decimal(text) if "." in text else int(text)


_DECODERS: Final[dict[Any, Any]] = {
    **cast("dict[Any, Any]", cast(Any, converters).conversions),
    FIELD_TYPE.DECIMAL: _number,
    FIELD_TYPE.NEWDECIMAL: _number,
    FIELD_TYPE.TIME: time.fromisoformat,
}


class WrongServer(OSError):
    """Another server answers."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where a database is, and as whom. `pool`: how many connections read."""

    options: dict[str, Any]
    pool: int


def locate(url: str) -> Address:
    """Read an address. Raises `DeclarationError`."""
    bare, told = split_parameters(url, WORDS)
    try:
        parts = urlsplit(bare)
        port = parts.port or 3306
    except ValueError:
        raise url_problem(url, "its port is no number", "mysql://user:password@host:3306/shop") from None
    database = unquote(parts.path.removeprefix("/"))
    if not database or "/" in database:
        raise url_problem(url, "it names no database", "mysql://user:password@host/shop")
    pool = told.get("pool", "10")
    if not pool.isdecimal() or int(pool) < 1:
        raise url_problem(url, f"pool={pool} is not a number of connections", "pool=10")
    options: dict[str, Any] = {
        "host": parts.hostname or "127.0.0.1", "port": port, "database": database,
        "user": unquote(parts.username or ""), "password": unquote(parts.password or ""),
    }  # fmt: skip
    if told.get("ssl", "0") not in ("0", "1"):
        raise url_problem(url, f"ssl={told['ssl']} is neither 0 nor 1", "ssl=1")
    if "ssl_ca" in told:
        options["ssl"] = {"ca": told["ssl_ca"]}
    elif told.get("ssl") == "1":
        options["ssl"] = {"verify_mode": "required", "check_hostname": True, "capath": "/etc/ssl/certs"}
    if "socket" in told:
        options["unix_socket"] = told["socket"]
    return Address(options, int(pool))


class Connection:
    """One connection. `refuses_writes`: it has, and may go on to when others take them again."""

    def __init__(self, link: Any, kill: Callable[[int], Any]) -> None:
        self._link, self._kill = link, kill
        self._loop = asyncio.get_running_loop()
        self._busy = False
        self._late = False
        self.began: float | None = None
        self.refuses_writes = False
        self.thread = int(link.thread_id())

    async def ask(self, text: str, arguments: Sequence[object] = ()) -> list[Any]:
        """The rows of a statement."""
        await self._send(filled(text, arguments))
        return list(self._link._result.rows or ())

    async def do(self, text: str, arguments: Sequence[object] = ()) -> int:
        """Run a statement; answers how many rows it found to change."""
        await self._send(filled(text, arguments))
        return int(self._link._affected_rows)

    async def stream(self, text: str, arguments: Sequence[object], chunk: int) -> AsyncGenerator[Rows, None]:
        """The rows of a statement, as the server sends them."""
        self._begin()
        cursor = self._link.cursor(SSCursor)
        try:
            await cursor.execute(filled(text, arguments))
            while rows := await cursor.fetchmany(chunk):
                self.began = None  # the reader takes as long as it likes
                yield rows
                self.began = self._loop.time()
        except FAILURES as error:
            self._end(error)
            raise
        self._end()

    async def _send(self, text: str) -> None:
        self._begin()
        try:
            await self._link.query(text)
        except FAILURES as error:
            self._end(error)
            raise
        self._end()

    def _begin(self) -> None:
        self._busy, self.began = True, self._loop.time()

    def _end(self, error: BaseException | None = None) -> None:
        # What the server itself says is the end of the statement; a task that is cancelled does not come here.
        self._busy, self.began = False, None
        if self._late:
            raise TimeoutError("the server did not answer in time") from error

    def give_up(self) -> None:
        """Wait no more for the server; whoever does gets a `TimeoutError`."""
        self._late = True
        self.terminate()

    def is_closed(self) -> bool:
        """Whether nothing is left to be done: where a statement was given up, the server is still to be told."""
        return not self._busy and (not self._link.connected or self._link._stream_broken)

    async def close(self, timeout: float) -> None:  # noqa: ASYNC109  # as the pool has it
        """Close politely; what a task was cancelled in is stopped on the server."""
        if self._busy:
            self.terminate()
            async with asyncio.timeout(timeout):
                await self._kill(self.thread)
        else:
            async with asyncio.timeout(timeout):
                await self._link.ensure_closed()

    def terminate(self) -> None:
        """Close at once."""
        self._busy = False
        transport = self._link._transport
        if transport is not None:
            transport.abort()


async def connect(address: Address, settings: StoreSettings, name: str, *, purpose: str = "write") -> Connection:
    """Connect, and set what the session has to be. `purpose`: write, read or stream."""
    link = await _link(address, settings.wait, name)
    try:
        if "MariaDB" not in (version := link.get_server_info()):
            raise WrongServer(f"it is MySQL {version}, and Kingpost's store is for MariaDB 10.11 and later")
        await link.query(_settings(settings, purpose))
    except BaseException:
        link.close()
        raise

    async def kill(thread: int) -> None:
        with suppress(*FAILURES):
            other = await _link(address, 2, name)
            try:
                await other.query(f"KILL {thread}")
            finally:
                await other.ensure_closed()

    return Connection(link, kill)


async def _link(address: Address, wait: float, name: str) -> Any:
    async with asyncio.timeout(wait):
        return await cast(Any, asyncmy).connect(
            **address.options,
            charset="utf8mb4",
            autocommit=None,
            client_flag=CLIENT.FOUND_ROWS,  # an update that changes nothing has found its row all the same
            conv=_DECODERS,
            connect_timeout=max(wait, 0.001),
            program_name=f"kingpost {name}",
        )


def _settings(settings: StoreSettings, purpose: str) -> str:
    """One statement for all that a session differs in from the server's own settings."""
    seconds = max(settings.statement, 0.001) if purpose != "stream" else 0
    session = {
        "autocommit": "1",
        "sql_mode": f"'{MODE}'",
        "time_zone": "'+00:00'",
        "div_precision_increment": "30",
        "in_predicate_conversion_threshold": "0",
        "max_sort_length": str(SORTED),
        "sort_buffer_size": "GREATEST(@@sort_buffer_size, 2097152)",
        "max_statement_time": f"{seconds:g}",
        "innodb_lock_wait_timeout": str(max(math.ceil(settings.wait), 1)),
        "lock_wait_timeout": str(max(math.ceil(settings.wait), 1)),
        "wait_timeout": str(LONG),
        "tx_isolation": "'READ-COMMITTED'",
    }
    if purpose == "write":
        session["idle_transaction_timeout"] = str(max(math.ceil(settings.transaction), 1))
    else:
        session["tx_read_only"] = "1"
    if purpose == "stream":
        session["net_write_timeout"] = str(LONG)
    names = ", ".join(f"SESSION {name} = {value}" for name, value in session.items())
    return f"SET NAMES utf8mb4 COLLATE {COLLATION}, {names}"
