"""Sales, spread over four stores: customers in PostgreSQL, products in CSV, orders in SQLite, visits in MongoDB."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from enum import Enum
from pathlib import Path

from kingpost import App, Json, Resource, allow, anyone, as_system, computed, field

AT = datetime(2026, 3, 1, 9, 30, 0, 123456, tzinfo=UTC)
PRODUCTS = "id,name,category,price\n1,Nail,iron,0.05\n2,Beam,wood,12.50\n3,Peg,wood,\n"


class State(Enum):
    OPEN = "open"
    PAID = "paid"


@dataclass
class Address:
    city: str
    rate: Decimal | None = None


class Customer(Resource, store="people", read=anyone):
    id: int = field(key=True)
    name: str
    role: str = "buyer"
    email: str = field(read="self == me", max_length=200)
    salary: int = field(default=0, read="me is not None and me.role == 'boss'")
    address: Address | None = None
    since: date = date(2026, 1, 1)


class Product(Resource, store="catalogue", adopted=True, read=anyone):
    id: int = field(key=True)
    name: str
    category: str
    price: Decimal | None = field(default=None, max_digits=10, decimal_places=2)


class Order(Resource):
    id: int = field(key=True)
    customer: Customer
    product: Product
    count: int = 1
    total: Decimal = field(max_digits=12, decimal_places=2)
    state: State = State.OPEN
    placed_at: datetime = AT
    took: timedelta = timedelta(minutes=5)
    tags: list[str] = field(default_factory=list)
    extra: Json = field(default_factory=dict)

    @computed
    def dear(self) -> bool:
        return self.total > 100

    @allow("read")
    def own_or_boss(self, me: Customer | None) -> bool:
        return me is not None and (self.customer == me or me.role == "boss")


class Visit(Resource, store="events", read=anyone):
    id: int = field(key=True)
    customer: Customer
    at: datetime = field(default=AT.replace(microsecond=0), precision="ms")


class Secret(Resource):
    text: str


def app(folder: Path, postgres: str, mongo: str) -> App:
    """The application; the tables are not there yet."""
    data = folder / "data"
    data.mkdir()
    (data / "product.csv").write_text(PRODUCTS)
    stores = {
        "main": f"sqlite:///{folder}/main.db",
        "people": postgres,
        "events": mongo,
        "catalogue": f"csv:///{data}?cache={folder}/cache",
    }
    return App("market", resources=[Customer, Product, Order, Visit, Secret], actor=Customer, stores=stores)


@asynccontextmanager
async def market(folder: Path, postgres: str, mongo: str) -> AsyncGenerator[App]:
    """The application, with rows."""
    found = app(folder, postgres, mongo)
    await found.start()
    try:
        await found.sync()
        with found.acting(None), as_system("rows for the tests"):
            await fill()
        yield found
    finally:
        await found.stop()


async def fill() -> None:
    """Three customers, one of them the boss; orders of two; visits of one."""
    bob = Customer(id=2, name="Bob", email="bob@example.org", salary=5, address=Address("Graz", Decimal("1.25")))
    boss = Customer(id=1, name="Ada", role="boss", email="ada@example.org", salary=9)
    for one in (boss, bob, Customer(id=3, name="Cyd", email="cyd@example.org", address=Address("Linz"))):
        await one.save()
    nail, beam = await Product.get(1), await Product.get(2)
    late, paid = timedelta(days=2, seconds=1), {"x": [1, None]}
    for order in (
        Order(id=1, customer=boss, product=nail, count=100, total=Decimal("5.00"), tags=["a", "b"]),
        Order(id=2, customer=bob, product=beam, count=10, total=Decimal("125.10"), state=State.PAID, extra=paid),
        Order(id=3, customer=bob, product=nail, count=2, total=Decimal("0.10"), took=late),
    ):
        await order.save()
    for at in (AT.replace(microsecond=0), AT.replace(microsecond=5000)):
        await Visit(id=1 + at.microsecond, customer=bob, at=at).save()
