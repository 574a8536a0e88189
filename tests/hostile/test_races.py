"""Many at once at one row, on the wire: of those who hold the same version one writes, and nothing is half-written."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.hostile.conftest import Siege
from tests.hostile.sentry import look
from tests.hostile.wire import Heard, Wire
from tests.soak import count

pytestmark = pytest.mark.asyncio(loop_scope="module")

CLIENTS = 8


def together(ask: Callable[[int], Heard]) -> list[Heard]:
    """The answers to as many as there are clients."""
    with ThreadPoolExecutor(CLIENTS) as pool:
        told = list(pool.map(ask, range(CLIENTS)))
    for each in told:
        look(each.status, each.headers, each.body, "one of many")
    return told


def statuses(told: list[Heard]) -> Counter[int]:
    return Counter(each.status for each in told)


async def test_of_many_with_one_version_one_writes(siege: Siege, wire: Wire) -> None:
    at = f"/api/relics/{siege.treasure.kin.id}"
    for _ in range(count(5, 200)):
        tag = wire.ask("GET", at).headers["etag"]

        def write(number: int, tag: str = tag) -> Heard:
            return wire.ask("PATCH", at, json.dumps({"count": number}).encode(), "Ben", if_match=tag)

        told = together(write)
        assert statuses(told)[200] == 1, statuses(told)
        assert set(statuses(told)) <= {200, 412}
        (won,) = (number for number, each in enumerate(told) if each.status == 200)
        assert wire.ask("GET", at).json["count"] == won


async def test_of_many_with_one_key_one_is_done(siege: Siege, wire: Wire) -> None:
    for turn in range(count(5, 200)):
        name = f"once {turn}"
        body = json.dumps([{"name": name}, {"name": name}]).encode()

        def write(_: int, turn: int = turn, body: bytes = body) -> Heard:
            return wire.ask("POST", "/api/relics", body, "Ben", idempotency_key=f'"race {turn}"')

        told = together(write)
        assert set(statuses(told)) <= {201, 409}
        assert len({each.body for each in told if each.status == 201}) == 1
        assert wire.ask("GET", f"/api/relics?name={name.replace(' ', '%20')}&count=exact").json["total"] == 2


async def test_of_many_that_take_one_value_one_has_it(siege: Siege, wire: Wire) -> None:
    """Arrays in which one row fits and the other is taken are not written in part."""
    for turn in range(count(5, 200)):

        def write(number: int, turn: int = turn) -> Heard:
            rows = [{"sign": f"own {turn} {number}"}, {"sign": f"wanted {turn}"}]
            return wire.ask("POST", "/api/runes", json.dumps(rows).encode(), "Ben")

        assert statuses(together(write)) == {201: 1, 409: CLIENTS - 1}
        assert wire.ask("GET", f"/api/runes?sign[startswith]=own%20{turn}%20&count=exact").json["total"] == 1


async def test_of_many_that_change_without_a_version_none_is_lost(siege: Siege, wire: Wire) -> None:
    """An action that counts up runs again where somebody was faster: each that was answered by 200 has counted."""
    at = f"/api/relics/{siege.treasure.haunted.id}"
    for _ in range(count(3, 100)):
        before = wire.ask("GET", at).json["count"]
        told = together(lambda _: wire.ask("POST", f"{at}/polish", b'{"times":1}', "Ben"))
        assert set(statuses(told)) <= {200, 409}
        assert wire.ask("GET", at).json["count"] == before + statuses(told)[200]


async def test_a_row_that_is_deleted_meanwhile_is_gone_for_all(siege: Siege, wire: Wire) -> None:
    for turn in range(count(5, 200)):
        at = f"/api/coins/{1_000 + turn}"
        wire.ask("POST", "/api/coins", json.dumps({"number": 1_000 + turn}).encode(), "Ben")

        def write(number: int, at: str = at) -> Heard:
            if number % 2:
                return wire.ask("DELETE", at, None, "Ben")
            return wire.ask("PATCH", at, b'{"owner":null}', "Ben")

        assert set(statuses(together(write))) <= {200, 204, 404, 409}
        assert wire.ask("GET", at).status == 404
