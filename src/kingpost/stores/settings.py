"""What may be set for a store, whatever its kind. Times are in seconds."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from urllib.parse import parse_qsl

from kingpost.base.problems import DeclarationError, Problem


@dataclass(frozen=True, slots=True)
class StoreSettings:
    """Bounds that keep one slow client from holding up all others.

    The times may stand in the address of a store: `postgresql://db/shop?statement=5&wait=2`.

    Args:
        statement: How long one statement may run.
        wait: How long to wait for a connection, or for another process that is writing.
        transaction: How long an interactive transaction may stay open.
        inline_steps: SQLite: how many steps of its virtual machine a read may take in the event loop (50,000 are
            about 1 ms) before it is moved to a thread.
    """

    statement: float = 30
    wait: float = 10
    transaction: float = 10
    inline_steps: int = 50_000


TIMES = ("statement", "wait", "transaction")
"""The settings that may stand in an address."""


def settings_in(url: str, settings: StoreSettings | None) -> tuple[str, StoreSettings]:
    """The URL without the times that stand in it, and the settings with them. Raises `DeclarationError`."""
    address, told = split_parameters(url, TIMES, rest=True)
    settings = settings or StoreSettings()

    def seconds(name: str, otherwise: float) -> float:
        return _seconds(url, name, told[name]) if name in told else otherwise

    return address, replace(
        settings,
        statement=seconds("statement", settings.statement),
        wait=seconds("wait", settings.wait),
        transaction=seconds("transaction", settings.transaction),
    )


def _seconds(url: str, name: str, text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not 0 < seconds < math.inf:
        raise url_problem(url, f"{name}={text} is not a number of seconds", f"{name}=10")
    return seconds


def split_parameters(url: str, known: tuple[str, ...], rest: bool = False) -> tuple[str, Mapping[str, str]]:
    """The URL without the parameters in `known`, and these. Others stay in the URL if `rest`, else they are refused."""
    address, _, query = url.partition("?")  # urlunsplit would eat the fourth slash of sqlite:////absolute
    ours: dict[str, str] = {}
    theirs: list[str] = []
    for pair in filter(None, query.split("&")):
        (name, value), = parse_qsl(pair, keep_blank_values=True)  # fmt: skip
        if name in known:
            ours[name] = value
        elif rest:
            theirs.append(pair)
        else:
            raise url_problem(url, f"it has the parameter {name}", f"one of {', '.join((*known, *TIMES))}")
    return (f"{address}?{'&'.join(theirs)}" if theirs else address), ours


def url_problem(url: str, fault: str, remedy: str) -> DeclarationError:
    """The error for an address that can't be used. A password in the URL does not get into the words."""
    scheme, mark, rest = url.partition("://")  # urlunsplit would eat the slashes of sqlite:///shop.db
    shown = f"{scheme}{mark}{rest if rest.startswith('/') else rest.rpartition('@')[2]}"
    return DeclarationError([Problem("KP311", f"The store address {shown} can't be used: {fault}", remedy)])
