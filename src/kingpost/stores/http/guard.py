"""Which addresses are reached: a name is resolved once, what it resolves to is judged, and that is connected to.

Else an API, or who answers for its name, could have the server ask its own network for him (server-side request
forgery, OWASP). A name that resolves to several addresses is refused if one of them is not allowed.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import Iterable
from typing import Any, Final, TypeAlias, cast

import httpcore2

from kingpost.stores.http.address import Address

Ip: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address
NAT64: Final = ipaddress.IPv6Network("64:ff9b::/96")


class Forbidden(Exception):
    """A host that is not reached, with the words why."""


def inner(ip: Ip) -> Ip:
    """The IPv4 address that an IPv6 address leads to, where it does."""
    if isinstance(ip, ipaddress.IPv4Address):
        return ip
    if ip in NAT64:
        return ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
    return ip.ipv4_mapped or ip.sixtofour or (ip.teredo[1] if ip.teredo else ip)


def is_public(ip: Ip) -> bool:
    """Whether it is a part of the public internet."""
    ip = inner(ip)
    return ip.is_global and not ip.is_multicast and not ip.is_reserved


class Guarded(httpcore2.AsyncNetworkBackend):
    """Connects to nothing but what may be reached."""

    def __init__(self, address: Address) -> None:
        self._address = address
        self._below: httpcore2.AsyncNetworkBackend = cast("Any", httpcore2).AnyIOBackend()

    async def connect_tcp(
        self, host: str, port: int, timeout: float | None = None, local_address: str | None = None,  # noqa: ASYNC109
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore2.AsyncNetworkStream:  # fmt: skip
        """Raises `Forbidden`, and what httpcore raises."""
        try:
            async with asyncio.timeout(timeout):
                return await self._connect(host, port, local_address, socket_options)
        except TimeoutError:
            raise httpcore2.ConnectTimeout("no connection in time") from None

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    async def _connect(
        self, host: str, port: int, local: str | None, options: Iterable[Any] | None
    ) -> httpcore2.AsyncNetworkStream:
        found = await self._resolved(host, port)
        for ip in found:
            self._judge(host, port, ip)
        for ip in found[:-1]:
            try:
                return await self._below.connect_tcp(str(ip), port, None, local, options)
            except httpcore2.ConnectError:
                continue
        return await self._below.connect_tcp(str(found[-1]), port, None, local, options)

    async def _resolved(self, host: str, port: int) -> list[Ip]:
        loop = asyncio.get_running_loop()
        try:
            told = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError):
            raise httpcore2.ConnectError(f"there is no host {host}") from None
        names = [cast(str, one[4][0]).partition("%")[0] for one in told]
        return [ipaddress.ip_address(name) for name in dict.fromkeys(names)]

    def _judge(self, host: str, port: int, ip: Ip) -> None:
        if is_public(ip) or any(inner(ip) in network for network in self._address.allow):
            return
        if self._address.names_private and (host, port) == self._address.origin[1:]:
            return
        raise Forbidden(
            f"{host} is {ip}, which is no part of the public internet; if it is meant, the address of the store says "
            f"?allow={ip}"
        )
