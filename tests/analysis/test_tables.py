"""What `app.analysis` shows to whom, over four stores together."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, date, timedelta
from decimal import Decimal
from pathlib import Path

import ibis
import pytest
import pytest_asyncio
from ibis import _

from kingpost import App, as_system
from kingpost.base.errors import Forbidden, Invalid, Rejected, Unauthenticated
from tests.analysis.market import AT, Customer, market


@pytest_asyncio.fixture
async def shop(tmp_path: Path, postgres_url: str, mongo_url: str) -> AsyncIterator[App]:
    async with market(tmp_path, postgres_url, mongo_url) as app:
        yield app


async def customer(app: App, key: int) -> Customer:
    with app.acting(None), as_system("who asks"):
        return await Customer.get(key)


async def test_a_question_over_four_stores(shop: App) -> None:
    async with shop.analysis(await customer(shop, 1)) as tables:
        orders, people, goods, visits = tables.Order, tables.Customer, tables.Product, tables["Visit"]
        expression = (
            orders.join(people, orders.customer_id == people.id)
            .join(goods, orders.product_id == goods.id)
            .left_join(visits.group_by("customer_id").agg(visits=_.count()), "customer_id")
            .group_by(["name", "category"])
            .agg(total=_.total.sum(), pieces=_["count"].sum(), visits=_.visits.max())
            .order_by(["name", "category"])
        )
        found = await tables.run(expression)
    assert found.columns == ("name", "category", "total", "pieces", "visits")
    assert found.rows == (
        ("Ada", "iron", Decimal("5.00"), 100, None),
        ("Bob", "iron", Decimal("0.10"), 2, 2),
        ("Bob", "wood", Decimal("125.10"), 10, 2),
    )


async def test_each_actor_has_the_sums_of_the_rows_that_are_shown_to_him(shop: App) -> None:
    sums: list[object] = []
    for key in (1, 2, 3):
        async with shop.analysis(await customer(shop, key)) as tables:
            sums.append((await tables.run(tables.Order.total.sum())).value)
    async with shop.analysis(None) as tables:
        sums.append((await tables.run(tables.Order.count())).value)
    with as_system("a report"):
        async with shop.analysis() as tables:
            sums.append((await tables.run(tables.Order.total.sum())).value)
    assert sums == [Decimal("130.20"), Decimal("125.20"), None, 0, Decimal("130.20")]


async def test_what_nobody_may_read_is_refused_as_its_list_is(shop: App) -> None:
    async with shop.analysis(None) as tables:
        with pytest.raises(Unauthenticated, match="KP401"):
            _ = tables.Secret
    async with shop.analysis(await customer(shop, 1)) as tables:
        with pytest.raises(Forbidden, match="KP403"):
            _ = tables.Secret
        with pytest.raises(Invalid, match="no resource Nothing"):
            _ = tables.Nothing


async def test_a_member_that_the_actor_may_not_read_is_none_or_not_there(shop: App) -> None:
    async with shop.analysis(await customer(shop, 2)) as tables:
        people = tables.Customer
        assert "salary" not in people.columns
        found = await tables.run(people.select("id", "email").order_by("id"))
    assert found.rows == ((1, None), (2, "bob@example.org"), (3, None))
    async with shop.analysis(await customer(shop, 1)) as tables:
        assert (await tables.run(tables.Customer.salary.sum())).value == 14


async def test_values_keep_their_types(shop: App) -> None:
    async with shop.analysis(await customer(shop, 1)) as tables:
        orders = await tables.run(tables.Order.order_by("id"))
        people = await tables.run(
            tables.Customer.order_by("id").select("address", "since", city=_.address.city, rate=_.address.rate)
        )
        visits = await tables.run(tables.Visit["at"].max())
    one, two, three = orders.dicts()
    assert one == {
        "id": 1, "customer_id": 1, "product_id": 1, "count": 100, "total": Decimal("5.00"), "state": "open",
        "placed_at": AT, "took": timedelta(minutes=5), "tags": ["a", "b"], "extra": {}, "dear": False,
    }  # fmt: skip
    assert (two["state"], two["extra"], two["dear"]) == ("paid", {"x": [1, None]}, True)
    assert three["took"] == timedelta(days=2, seconds=1)
    assert people.rows[1] == ({"city": "Graz", "rate": Decimal("1.25")}, date(2026, 1, 1), "Graz", Decimal("1.25"))
    assert people.rows[0][0] is None
    assert visits.value == AT.replace(microsecond=5000)
    assert visits.value.utcoffset() == timedelta(0) or visits.value.tzinfo is UTC


async def test_more_columns_are_read_when_they_are_asked_for(shop: App) -> None:
    async with shop.analysis(await customer(shop, 1)) as tables:
        orders = tables.Order
        assert (await tables.run(orders.count())).value == 3
        assert (await tables.run(orders.filter(_.state == "paid")["count"].sum())).value == 10
        assert (await tables.run(orders.filter(_.dear).id.max())).value == 2


async def test_only_tables_of_the_block_are_computed_with(shop: App) -> None:
    async with shop.analysis(None) as tables:
        other = ibis.table({"id": "int64"}, name="Order")
        with pytest.raises(Invalid, match=r"KP180.*Order is none of this block"):
            await tables.run(other)
        with pytest.raises(Invalid, match=r"KP180.*no ibis expression"):
            await tables.run("select 1")
        with pytest.raises(Rejected, match=r"KP181.*more than 2 rows"):
            await tables.run(tables.Customer.select("id"), most=2)
