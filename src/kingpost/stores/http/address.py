"""Addresses of APIs, with what belongs to the deployment and not to the declaration.

    https://api.example.org/v1?secret=RATES_TOKEN
    http://127.0.0.1:9000/v1
    https://rates.internal/v1?allow=10.0.0.0/8

A secret is named, never written: the address gets into logs and the secret stays in the environment.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias
from urllib.parse import urlsplit

from kingpost.stores.settings import split_parameters, url_problem

Network: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network
Origin: TypeAlias = tuple[str, str, int]
"""Scheme, host and port."""

PARAMETERS: Final = ("secret", "header", "allow", "megabytes", "fresh")
PORTS: Final = {"http": 80, "https": 443}
_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
_TOKEN: Final = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+", re.ASCII)


@dataclass(frozen=True, slots=True)
class Address:
    """Where an API is, and how it is asked.

    Args:
        base: Without a slash at its end; paths are appended to it.
        secret: The environment variable that holds the secret; "" for none.
        header: The header that it is sent in. As Authorization it is a bearer token unless it says otherwise itself.
        allow: Networks that are reached though they are no part of the public internet.
        largest: Bytes that one answer may have.
        fresh: For so many seconds an answer that says nothing of that is taken for what the API would answer again.
    """

    base: str
    origin: Origin
    secret: str = ""
    header: str = "Authorization"
    allow: tuple[Network, ...] = ()
    largest: int = 8_000_000
    fresh: float = 0

    @property
    def names_private(self) -> bool:
        """Whether the declaration itself names a host that is no part of the public internet."""
        host = self.origin[1]
        if host == "localhost" or host.endswith(".localhost"):
            return True
        try:
            return not ipaddress.ip_address(host).is_global
        except ValueError:
            return False


def origin_of(url: str) -> Origin:
    """Raises ValueError where there is none."""
    told = urlsplit(url)
    scheme, host = told.scheme.lower(), (told.hostname or "").rstrip(".")
    if scheme not in PORTS or not host:
        raise ValueError(f"{scheme or 'nothing'}: is not asked")
    return scheme, host, told.port or PORTS[scheme]


def locate(url: str) -> Address:
    """Read an address, its times taken out. Raises `DeclarationError`."""
    base, told = split_parameters(url, PARAMETERS)
    if re.search(r"[\s\\#]", base):
        raise url_problem(url, "it has a space, a backslash or a #", "https://api.example.org/v1")
    try:
        origin = origin_of(base)
        user = urlsplit(base).username
    except ValueError:
        raise url_problem(url, "it has no host, or a port that is none", "https://api.example.org/v1") from None
    if user is not None:
        raise url_problem(url, "it has a user or a secret in it", "?secret=NAME, of an environment variable")
    secret, header = told.get("secret", ""), told.get("header", "Authorization")
    if "secret" in told and not _NAME.fullmatch(secret):
        raise url_problem(url, "secret names no environment variable", "secret=RATES_TOKEN")
    if not _TOKEN.fullmatch(header):
        raise url_problem(url, "header is no name of a header", "header=X-Api-Key")
    address = Address(
        base.rstrip("/"), origin, secret, header, _networks(url, told.get("allow", "")),
        round(_number(url, told, "megabytes", 8) * 1_000_000), _number(url, told, "fresh", 0),
    )  # fmt: skip
    if secret and origin[0] == "http" and not address.names_private:
        raise url_problem(url, "a secret would be sent for all to read", "https://")
    return address


def _networks(url: str, text: str) -> tuple[Network, ...]:
    try:
        return tuple(ipaddress.ip_network(one.strip()) for one in text.split(",") if one.strip())
    except ValueError:
        raise url_problem(url, f"allow={text} names no networks", "allow=10.0.0.0/8") from None


def _number(url: str, told: Mapping[str, str], name: str, otherwise: float) -> float:
    if name not in told:
        return otherwise
    text = told[name]
    if not re.fullmatch(r"\d{1,6}(\.\d{1,3})?", text, re.ASCII):
        raise url_problem(url, f"{name}={text} is no number", f"{name}=8")
    return float(text)
