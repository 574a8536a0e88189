"""Conformance: what goes into a store comes out again, and looks the same in JSON everywhere."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from typing import Any
from uuid import UUID

import msgspec
import pytest

from kingpost.language.tree import Comparison, In
from kingpost.language.types import Kind, Type
from kingpost.plan.select import Insert, Order
from kingpost.stores.contract import OutOfRange, Store, StoreError
from kingpost.testing.conformance_model import TYPES, get, is_, param
from kingpost.testing.conformance_tools import ask, ids, select

NASTY: dict[str, list[Any]] = {
    "flag": [True, False],
    "number": [0, 1, -1, 2**31, -(2**31) - 1, 2**53 + 1, 2**63 - 1, -(2**63)],
    "ratio": [0.0, 0.5, -2.5, 0.1, 0.30000000000000004, 5e-324, 1.7976931348623157e308, 1e16],
    "money": [Decimal("0.00"), Decimal("-0.01"), Decimal("9999999999.99"), Decimal("-9999999999.99"), Decimal("1.50")],
    "text": [
        "", " a ", "ß İ ı ﬀ", "e\u0301", "𝒳", "\U0001f469\u200d\U0001f680", "%_\\'\"", "\t\n\x1f", "\u00a0",
        "\ud7ff\ue000", "\U0010ffff", "x" * 100_000,
    ],
    "role": ["reader", "author"],
    "raw": [b"", b"\x00", b"\xff\x00'\"", bytes(range(256)) * 100],
    "uid": [UUID(int=0), UUID(int=2**128 - 1), UUID("0190a5c6-7b1e-7000-8000-00000000abcd")],
    "moment": [
        datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, 23, 59, 59, 999999, tzinfo=UTC),
        datetime(1969, 12, 31, 23, 59, 59, 999999, tzinfo=UTC), datetime(1970, 1, 1, tzinfo=UTC),
        datetime(2026, 3, 29, 1, 30, tzinfo=UTC), datetime(2026, 1, 1, 12, tzinfo=timezone(timedelta(minutes=330))),
    ],
    "day": [date(1, 1, 1), date(9999, 12, 31), date(1970, 1, 1), date(2000, 2, 29)],
    "hour": [time(0, 0), time(23, 59, 59, 999999), time(12, 30), time(0, 0, 0, 1)],
    "lasting": [timedelta(0), timedelta(microseconds=-1), timedelta(days=40_000, microseconds=1), timedelta(hours=1)],
    "status": ["draft", "live"],
    "data": [0, "", [], {}, False, {"b": [1, 2.5, None, {"c": "𝒳"}], "a": "\""}, "null"],
    "address": [{"street": "Ä 1", "floor": None}, {"street": "", "floor": 3}],
    "words": [[], [""], ["b", "a", "𝒳"]],
}  # fmt: skip
"""Values of every type that somewhere, in some driver, went wrong."""

PLAIN: dict[str, Any] = {
    "flag": True,
    "number": 2**53 + 1,
    "ratio": 0.1,
    "money": Decimal("1.5"),
    "text": 'ä"𝒳\n',
    "role": "reader",
    "raw": b"\x00\xff",
    "uid": UUID(int=10),
    "moment": datetime(2026, 1, 2, 5, 4, 5, 60, tzinfo=timezone(timedelta(hours=2))),
    "day": date(2026, 1, 2),
    "hour": time(3, 4, 5, 60),
    "lasting": timedelta(days=1, seconds=2, microseconds=3),
    "status": "live",
    "data": {"b": [1, None], "a": "ä"},
    "address": {"street": "x", "floor": None},
    "words": ["b", "a"],
}

JSON: dict[str, str] = {
    "flag": "true",
    "number": "9007199254740993",
    "ratio": "0.1",
    "money": '"1.50"',
    "text": '"ä\\"𝒳\\n"',
    "role": '"reader"',
    "raw": '"AP8="',
    "uid": '"00000000-0000-0000-0000-00000000000a"',
    "moment": '"2026-01-02T03:04:05.000060Z"',
    "day": '"2026-01-02"',
    "hour": '"03:04:05.000060"',
    "lasting": '"P1DT2.000003S"',
    "status": '"live"',
    "data": '{"a":"ä","b":[1,null]}',
    "address": '{"floor":null,"street":"x"}',
    "words": '["b","a"]',
}
"""The bytes that every store's answer for `PLAIN` is encoded to."""


def thing(number: int, /, **values: Any) -> Insert:
    """A Thing with these values, all others plain."""
    row = {"id": number, **PLAIN, **values}
    return Insert("Thing", tuple(row), [tuple(row.values())])


class Values:
    """Every type, both ways."""

    @pytest.mark.parametrize("name", TYPES)
    async def test_values_come_back_as_they_went_in(self, store: Store, name: str) -> None:
        values = NASTY[name]
        await store.write([thing(key, **{name: value, f"maybe_{name}": value}) for key, value in enumerate(values)])
        asked = select("Thing", name, f"maybe_{name}", order=(Order(get("Thing", "id")),))
        found = await ask(store, asked)
        assert found == [(value, value) for value in values]
        assert all(isinstance(once, type(value)) for (once, _), value in zip(found, values, strict=True))

    @pytest.mark.parametrize("name", TYPES)
    async def test_none_comes_back_as_none(self, store: Store, name: str) -> None:
        await store.write([thing(1, **{f"maybe_{name}": None})])
        assert await ask(store, select("Thing", f"maybe_{name}")) == [None]

    async def test_json_has_the_same_bytes_in_every_store(self, store: Store) -> None:
        await store.write([thing(1)])
        asked = select("Thing", *TYPES)
        (row,) = await store.fetch(store.prepare(asked), {})
        for (name, (type, _)), value in zip(TYPES.items(), row, strict=True):
            convert = store.json_form(type)
            encoded = msgspec.json.encode(value if convert is None else convert(value))
            assert encoded.decode() == JSON[name], name

    @pytest.mark.parametrize(("op", "found"), [("==", []), ("<", [1]), ("<=", [1]), (">", [2]), (">=", [2])])
    async def test_a_decimal_from_outside_is_not_rounded(self, store: Store, op: Comparison, found: list[int]) -> None:
        await store.write([thing(1, money=Decimal("1.00")), thing(2, money=Decimal("1.01"))])
        money = get("Thing", "money")
        exact = money.type.maybe(False)
        for value in (Decimal("1.001"), Decimal("1.009"), Decimal("1.00000000000000000000000000000000000000001")):
            assert await ids(store, "Thing", is_(money, param("money", exact), op), money=value) == found
        listed = In(money, param("listed", Type(Kind.LIST, element=exact)))
        assert await ids(store, "Thing", listed, listed=[Decimal("1.001"), Decimal("1.010")]) == [2]

    async def test_an_instant_comes_back_in_utc(self, store: Store) -> None:
        await store.write([thing(1)])
        (moment,) = await ask(store, select("Thing", "moment"))
        assert moment.utcoffset() == timedelta(0)

    @pytest.mark.parametrize("value", [2**63, -(2**63) - 1])
    async def test_integers_past_64_bits_are_refused(self, store: Store, value: int) -> None:
        with pytest.raises(OutOfRange):
            await store.write([thing(1, number=value)])
        assert await ask(store, select("Thing")) == []

    @pytest.mark.parametrize("name", TYPES)
    async def test_none_is_refused_where_it_is_not_declared(self, store: Store, name: str) -> None:
        with pytest.raises(StoreError) as caught:
            await store.write([thing(1, **{name: None})])
        assert f"Thing.{name}" in str(caught.value)
        assert await ask(store, select("Thing")) == []
