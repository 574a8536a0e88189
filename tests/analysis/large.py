"""A year of sales in three stores, asked again and again: `python -m tests.analysis.large folder 1000 100 20 64MB`.

Prints figures as JSON. A process of its own, so that its memory can be measured.
"""

from __future__ import annotations

import asyncio
import json
import re
import sqlite3
import statistics
import sys
from collections.abc import Callable, Iterable, Sequence
from contextlib import closing
from decimal import Decimal
from pathlib import Path
from time import perf_counter
from typing import Any

from ibis import _

from kingpost import App, Resource, anyone, field

ROUNDS = 9
ALONE = """
SELECT r.name, count(*) AS sales, sum(s.price) AS total FROM "Sale" s JOIN "Customer" c ON s.customer_id = c.number
JOIN "Region" r ON c.region_code = r.code GROUP BY r.name ORDER BY r.name
"""


class Region(Resource, read=anyone, store="far"):
    code: int = field(key=True)
    name: str


class Customer(Resource, read=anyone, store="near"):
    number: int = field(key=True)
    region: Region


class Sale(Resource, read=anyone):
    id: int = field(key=True)
    customer: Customer
    price: Decimal = field(max_digits=10, decimal_places=2)
    note: str = ""


def fill(path: str, table: str, names: Sequence[str], rows: Iterable[tuple[Any, ...]]) -> None:
    with closing(sqlite3.connect(path)) as database:
        columns, marks = ", ".join((*names, "_version")), ", ".join("?" * len(names))
        database.executemany(f"INSERT INTO {table} ({columns}) VALUES ({marks}, 1)", rows)
        database.commit()


def of_process(name: str) -> int:
    """Megabytes; `ru_maxrss` would count the process that this one was forked from."""
    found = re.search(name + r":\s+(\d+)", Path("/proc/self/status").read_text())
    assert found is not None
    return int(found[1]) >> 10


async def timed(ask: Callable[[], Any]) -> tuple[float, Any]:
    began = perf_counter()
    answer = await ask()
    return perf_counter() - began, answer


async def main(folder: str, sales: int, customers: int, regions: int, memory: str) -> dict[str, Any]:
    stores = {name: f"sqlite:///{folder}/{name}.db" for name in ("main", "near", "far")}
    app = App("large", resources=[Region, Customer, Sale], stores=stores, relay=False)
    await app.start()
    await app.sync()
    fill(f"{folder}/far.db", "region", ("code", "name"), ((n, f"r{n % 50:02}") for n in range(regions)))
    fill(f"{folder}/near.db", "customer", ("number", "region_code"), ((n, n % regions) for n in range(customers)))
    rows = ((n, n * 7 % customers, n % 9973, f"note {n} " * 8) for n in range(sales))
    fill(f"{folder}/main.db", "sale", ("id", "customer_number", "price", "note"), rows)
    before = of_process("VmRSS")
    async with app.analysis(None, memory=memory) as tables:
        joined = tables.Sale.join(tables.Customer, tables.Sale.customer_number == tables.Customer.number).join(
            tables.Region, _.region_code == tables.Region.code
        )
        question = joined.group_by("name").agg(sales=_.count(), total=_.price.sum()).order_by("name")
        cold, first = await timed(lambda: tables.run(question))
        through, alone, answer = [], [], None
        database = tables._database

        async def asked() -> Any:
            text = ALONE.replace("customer_id", "customer_number")
            return await database.run(lambda: database.connection.execute(text).to_arrow_table())

        for _round in range(ROUNDS):
            seconds, again = await timed(lambda: tables.run(question))
            assert again.rows == first.rows
            through.append(seconds)
            seconds, answer = await timed(asked)
            alone.append(seconds)
        assert answer is not None
        assert [tuple(row.values()) for row in answer.to_pylist()] == list(first.rows)
        longest = await tables.run(tables.Sale.agg(longest=_.note.length().max(), many=_.note.nunique()))
    await app.stop()
    return {
        "groups": len(first.rows),
        "sales": sum(row[1] for row in first.rows),
        "total": str(sum(row[2] for row in first.rows)),
        "notes": longest.rows[0][1],
        "load": round(cold - statistics.median(through), 3),
        "through": round(statistics.median(through), 4),
        "alone": round(statistics.median(alone), 4),
        "megabytes": of_process("VmHWM") - before,
    }


if __name__ == "__main__":
    place, *numbers, most = sys.argv[1:]
    print(json.dumps(asyncio.run(main(place, *map(int, numbers), memory=most))))
