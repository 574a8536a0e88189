"""What the page on keeping to a number promises, with requests that come together, on every store."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from kingpost import App, KingpostError, as_system
from tests.docs import code, pages

PAGE = pages.ROOT / "docs" / "how-to" / "keep-to-a-number.md"


@pytest.fixture
def declared() -> Iterator[dict[str, Any]]:
    """The classes of the page."""
    first = pages.blocks(PAGE, "python")[0]
    with code.namespace(PAGE) as names:
        names.run(replace(first, text=first.text.partition("app = App(")[0]))
        yield names.names


@pytest.fixture
async def library(declared: dict[str, Any], store_url: str) -> AsyncIterator[dict[str, Any]]:
    """The names of the page, its application on this store."""
    classes = [declared[name] for name in ("Member", "Copy", "Loan", "Item", "Account", "Order")]
    app = declared["app"] = App("library", resources=classes, stores={"main": store_url})
    await app.start()
    await app.sync()
    yield declared
    await app.stop()


async def together(count: int, ask: Callable[[int], Awaitable[Any]]) -> Counter[str]:
    """Ask so many at once; how many were done, and what the others were told."""

    async def one(number: int) -> str:
        try:
            await ask(number)
        except KingpostError as error:
            return type(error).__name__
        return "done"

    return Counter(await asyncio.gather(*(one(number) for number in range(count))))


async def test_at_most_one_and_at_most_three(library: dict[str, Any]) -> None:
    app, member, copy, loan = (library[name] for name in ("app", "Member", "Copy", "Loan"))
    with as_system("rows"):
        ada, *others = [member(name=f"m{number}") for number in range(9)]
        copies = [copy(shelf=f"B{number}") for number in range(8)]
        for row in (ada, *others, *copies):
            await row.save()

    async def hers(number: int) -> None:
        with app.acting(ada):
            await loan.borrow(copies[number])

    for _ in range(4):
        await together(8, hers)
    assert sorted(one.place for one in await loan.where(member=ada)) == [1, 2, 3]

    free = copies[7]

    async def of_one_copy(number: int) -> None:
        with app.acting(others[number]):
            await loan.borrow(free)

    with as_system("give it back"):
        for one in await loan.where(copy=free):
            await one.give_back(date(2026, 5, 1))
    told = await together(8, of_one_copy)
    assert told == {"done": 1, "Conflict": 7}


async def test_a_stock(library: dict[str, Any]) -> None:
    app, member, item = library["app"], library["Member"], library["Item"]
    with as_system("rows"):
        ada, pen = member(name="m"), item(name="pen", stock=5)
        await ada.save()
        await pen.save()
    done = 0
    for _ in range(3):

        async def take(number: int) -> None:
            with app.acting(ada):
                await (await item.get("pen")).take(1)

        done += (await together(8, take))["done"]
    assert (done, (await item.get("pen")).stock) == (5, 0)


async def test_a_row_that_is_shared(library: dict[str, Any]) -> None:
    account, order = library["Account"], library["Order"]
    with as_system("rows"):
        await account(name="b", limit=10).save()
    for _ in range(12):
        await together(4, lambda number: order.place(account(name="b"), 2))
    assert (await account.get("b")).spent == 10
    assert await order.where(account=account(name="b")).sum("amount") == 10


@pytest.mark.parametrize("store_url", ["sqlite", "postgres"], indirect=True)
async def test_what_a_transaction_sees(library: dict[str, Any], store_url: str) -> None:
    """Counting before writing is sound where one transaction writes at a time, and nowhere else."""
    app, account = library["app"], library["Account"]

    async def first(number: int) -> None:
        with as_system("at most one"):
            async with app.transaction():
                none = await account.all().count() == 0
                await asyncio.sleep(0.2)
                if none:
                    await account(name=f"c{number}").save()

    assert await together(2, first) == {"done": 2}
    assert await account.all().count() == (1 if store_url.startswith("sqlite") else 2)
