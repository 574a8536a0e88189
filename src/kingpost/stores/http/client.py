"""Asking an API: GET within times and sizes, tried again where that may help, and never in another's name.

What goes wrong is a `StoreDown` with the path, what was understood, and the next step. Neither a secret nor a value of
a query nor a byte of an answer gets into the words.
"""

from __future__ import annotations

import asyncio
import os
import random
import re
import ssl
import zlib
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final
from urllib.parse import urljoin, urlsplit

import httpcore2

from kingpost.stores.contract import StoreDamaged, StoreDown
from kingpost.stores.http.address import Address, origin_of
from kingpost.stores.http.cache import Answer, Cache
from kingpost.stores.http.guard import Forbidden, Guarded
from kingpost.stores.settings import StoreSettings

TRIES: Final = 3
PAUSE: Final = 0.2
"""Seconds before it is tried again, twice as many each time, more or less."""
REDIRECTS: Final = 5
AGAIN: Final = frozenset({408, 425, 429, 500, 502, 503, 504})
MOVED: Final = frozenset({301, 302, 303, 307, 308})
GONE: Final = frozenset({404, 410})
CONNECTIONS: Final = 16
READING: Final = 10
"""Seconds without a byte."""

_ASCII: Final = re.compile(r"[!-~]+(?: [!-~]+)*")
_WINDOW: Final = 1 << 16
_GZIP: Final = 31
"""What zlib calls the form of gzip."""


class _Passing(Exception):
    """What may be gone when it is tried again. `wait`: seconds that the API has asked for."""

    def __init__(self, words: str, wait: float | None = None) -> None:
        self.words, self.wait = words, wait
        super().__init__(words)


class Client:
    """Asks one API."""

    def __init__(self, address: Address, settings: StoreSettings) -> None:
        self._address, self._settings = address, settings
        self._cache = Cache(address.fresh)
        self._pool: httpcore2.AsyncConnectionPool | None = None

    async def start(self) -> None:
        """See that the secret is there; nothing is asked. Raises `StoreDown`."""
        self._secret()
        self._pool = httpcore2.AsyncConnectionPool(
            ssl_context=ssl.create_default_context(),
            max_connections=CONNECTIONS,
            max_keepalive_connections=CONNECTIONS,
            keepalive_expiry=20,
            network_backend=Guarded(self._address),
        )

    async def stop(self) -> None:
        """Close all connections."""
        pool, self._pool = self._pool, None
        if pool is not None:
            await pool.aclose()

    async def get(self, url: str) -> Answer | None:
        """The answer; None where there is nothing (404, 410). Raises `StoreDown`."""
        kept = self._cache.find(url)
        if kept is not None:
            return kept
        for tried in range(1, TRIES + 1):
            try:
                return await self._followed(url)
            except _Passing as fault:
                pause = PAUSE * 2**tried * random.uniform(0.5, 1)  # noqa: S311  # so that many do not come back at once
                if fault.wait is not None:
                    pause = max(pause, fault.wait)
                if tried == TRIES or pause > self._settings.statement / 2:
                    told = "" if fault.wait is None else f"; it asks to wait for {fault.wait:g} s"
                    raise StoreDown(f"{shown(url)} {fault.words} ({tried} tries){told}") from None
                await asyncio.sleep(pause)
        raise AssertionError  # pragma: no cover

    async def _followed(self, url: str) -> Answer | None:
        """Wherever it is sent to, within bounds."""
        here, seen = url, {url}
        while True:
            status, headers, body = await self._asked(here, url)
            if status in MOVED:
                here = self._led(here, headers)
                if here in seen or len(seen) > REDIRECTS:
                    words = "in a circle" if here in seen else f"on more than {REDIRECTS} times"
                    raise StoreDamaged(f"{shown(url)} is sent {words}; the address of the store names where it leads")
                seen.add(here)
                continue
            if status == 304 and (answer := self._cache.renewed(url, headers)) is not None:
                return answer
            if status in GONE:
                return None
            if status != 200:
                raise StoreDamaged(f"{shown(here)} answers {status}{self._advice(status)}")
            answer = Answer(status, headers, body, url)
            if here == url:
                self._cache.keep(answer)
            return answer

    def _led(self, here: str, headers: Mapping[str, str]) -> str:
        target = urljoin(here, headers.get("location", "")).partition("#")[0]
        try:
            scheme = origin_of(target)[0]
        except ValueError:
            raise StoreDamaged(f"{shown(here)} sends on to what is no address of HTTP") from None
        if urlsplit(here).scheme == "https" and scheme != "https":
            raise StoreDamaged(f"{shown(here)} sends on to http://, for all to read, which is not followed")
        return target

    async def _asked(self, url: str, first: str) -> tuple[int, dict[str, str], bytes]:
        """One request. Raises `_Passing`, `StoreDown`."""
        if self._pool is None:
            raise StoreDown("The store is not started, or stopped already")
        headers = {"Accept": "application/json", "Accept-Encoding": "gzip", "User-Agent": "kingpost"}
        if origin_of(url) == self._address.origin:  # nobody else gets the secret
            headers |= self._secret()
        if url == first:
            headers |= self._cache.conditions(url)
        wait = min(self._settings.wait, self._settings.statement)
        times = {"connect": wait, "pool": wait, "write": wait, "read": min(READING, self._settings.statement)}
        try:
            async with self._pool.stream(
                "GET", url, headers=[(name, value) for name, value in headers.items()], extensions={"timeout": times}
            ) as response:
                return await self._taken(url, response)
        except Forbidden as error:
            raise StoreDamaged(f"{shown(url)} is not reached: {error}") from None
        except httpcore2.ConnectTimeout:
            raise _Passing(f"could not be connected to within {wait:g} s") from None
        except httpcore2.TimeoutException:
            raise _Passing("did not answer in time") from None
        except (httpcore2.ConnectError, ssl.SSLError):
            raise _Passing("can't be connected to: see that it runs, and its certificate") from None
        except httpcore2.UnsupportedProtocol:
            raise StoreDamaged(f"{shown(url)} can't be asked") from None
        except (httpcore2.NetworkError, httpcore2.ProtocolError):
            raise _Passing("broke the connection off, or speaks no HTTP") from None

    async def _taken(self, url: str, response: httpcore2.Response) -> tuple[int, dict[str, str], bytes]:
        headers: dict[str, str] = {}
        for raw, value in response.headers:
            name, text = raw.decode("latin-1").lower(), value.decode("latin-1")
            headers[name] = f"{headers[name]}, {text}" if name in headers else text
        status = response.status
        if status in AGAIN:
            raise _Passing(f"answers {status}{self._advice(status)}", _retry_after(headers))
        if status != 200:
            return status, headers, b""
        kind = headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind not in ("", "text/plain", "text/json") and not re.fullmatch(r"application/([\w.+-]+\+)?json", kind):
            raise StoreDamaged(f"{shown(url)} answers {kind[:60]!r}, not JSON: is it the address of the API?")
        return status, headers, await self._body(url, response, headers.get("content-encoding", "").lower())

    async def _body(self, url: str, response: httpcore2.Response, coding: str) -> bytes:
        if coding not in ("", "identity", "gzip"):
            raise StoreDamaged(f"{shown(url)} answers in the coding {coding[:20]!r}, which it was not asked for")
        unpack = zlib.decompressobj(_GZIP) if coding == "gzip" else None
        largest, found, size = self._address.largest, list[bytes](), 0
        async for part in response.aiter_stream():
            while part:
                try:
                    piece = part if unpack is None else unpack.decompress(part, _WINDOW)
                except zlib.error:
                    raise StoreDamaged(f"{shown(url)} answers what is not gzip, as it says it is") from None
                part = b"" if unpack is None else unpack.unconsumed_tail
                size += len(piece)
                if size > largest:
                    raise StoreDamaged(
                        f"{shown(url)} answers more than {largest / 1_000_000:g} MB; fewer rows a page, or "
                        "?megabytes= in the address of the store"
                    )
                found.append(piece)
        if unpack is not None and not unpack.eof:
            raise _Passing("answered only in part")
        return b"".join(found)

    def _secret(self) -> dict[str, str]:
        name = self._address.secret
        if not name:
            return {}
        value = os.environ.get(name, "").strip()
        if not _ASCII.fullmatch(value):
            what = "has characters that a header can't have" if value else "is not set"
            raise StoreDown(f"the environment variable {name}, with the secret for {self._address.base}, {what}")
        plain = self._address.header.lower() != "authorization" or " " in value
        return {self._address.header: value if plain else f"Bearer {value}"}

    def _advice(self, status: int) -> str:
        if status in (401, 403):
            name = self._address.secret
            if name:
                return f": it does not take the secret in the environment variable {name}"
            return ": it wants a secret; ?secret=NAME in the address of the store names its environment variable"
        return ": we ask too often; ?fresh= in the address of the store keeps answers" if status == 429 else ""


def _retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds (RFC 9110, 10.2.3)."""
    told = headers.get("retry-after", "").strip()
    if told.isdecimal() and len(told) < 7:
        return float(told)
    try:
        at = parsedate_to_datetime(told)
    except ValueError:
        return None
    at = at if at.tzinfo else at.replace(tzinfo=UTC)
    return max(0.0, (at - datetime.now(UTC)).total_seconds())


def shown(url: str) -> str:
    """The URL without its query, which may hold what is nobody's business."""
    return url.partition("?")[0][:300]
