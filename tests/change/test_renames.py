"""What the page on changing the database says of renames, on rows that are there."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from kingpost import App, Conflict, Resource, anyone, as_system, field
from tests.docs import pages

PAGE = pages.ROOT / "docs" / "how-to" / "change-database.md"


class Topic(Resource, read=anyone):
    name: str = field(max_length=80)


class Item(Resource, read=anyone):
    name: str = field(max_length=80, unique=True)
    price: int = field(ge=0, index=True)
    topic: Topic
    seen_in: list[Topic] = []


def renamed() -> type[Resource]:
    class Product(Resource, read=anyone):
        title: str = field(max_length=80, unique=True)
        price: int = field(ge=0, index=True)
        subject: Topic
        shown_in: list[Topic] = []

    return Product


def with_stock() -> type[Resource]:
    class Product(Resource, read=anyone):
        title: str = field(max_length=80, unique=True)
        price: int = field(ge=0, index=True)
        subject: Topic
        shown_in: list[Topic] = []
        stock: int = field(ge=0)

    return Product


def with_default() -> type[Resource]:
    class Product(Resource, read=anyone):
        title: str = field(max_length=80, unique=True)
        price: int = field(ge=0, index=True)
        subject: Topic
        shown_in: list[Topic] = []
        stock: int = field(ge=0)
        shelf: int = 4

    return Product


def kept() -> type[Resource]:
    """As the page declares it."""
    (block,) = [block for block in pages.blocks(PAGE, "python") if "class Product" in block.text]
    body = re.search(r"class Product\((.*?)\):\n(.*)", block.text, re.DOTALL)
    assert body is not None
    names: dict[str, Any] = {"Resource": Resource, "anyone": anyone, "field": field, "Topic": Topic}
    exec(f"class Product({body[1]}):\n{body[2]}", names)
    return names["Product"]


@pytest.fixture(params=["sqlite", "postgres"])
async def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A database with rows of the old names."""
    postgres = request.param == "postgres"
    url = request.getfixturevalue("postgres_url") if postgres else f"sqlite:///{tmp_path}/shop.db"
    app = App("shop", resources=[Topic, Item], stores={"main": url})
    await app.start()
    await app.sync()
    with as_system("rows"):
        topic = Topic(name="t")
        await topic.save()
        await Item(name="pen", price=2, topic=topic, seen_in=[topic]).save()
    await app.stop()
    return str(url)


async def rows_are_there(app: App, product: Any) -> None:
    assert {change.kind for change in (await app.compare())["main"]} <= {"add"}
    await app.sync()
    assert (await app.compare())["main"] == []
    (pen,) = await product.where(title="pen").include("subject", "shown_in")
    assert (pen.price, pen.subject.name, [one.name for one in pen.shown_in]) == (2, "t", ["t"])
    with as_system("it is still written and held to what is declared"):
        await product(title="cup", price=1, subject=pen.subject, shown_in=[pen.subject]).save()
        with pytest.raises(Conflict) as taken:
            await product(title="cup", price=1, subject=pen.subject).save()
        assert [one.pointer for one in taken.value.details] == ["/title"]
        with pytest.raises(Conflict):
            await pen.subject.delete()


async def test_the_names_in_the_database_are_kept(url: str) -> None:
    product = kept()
    app = App("shop", resources=[Topic, product], stores={"main": url})
    await app.start()
    assert [one.text for one in (await app.compare())["main"]] == ["add index ix_item_subject to table item"]
    with as_system("the old one"):
        await app.execute("DROP INDEX ix_item_topic")
    await rows_are_there(app, product)
    await app.stop()


async def test_the_names_in_the_database_are_changed(url: str) -> None:
    product = renamed()
    app = App("shop", resources=[Topic, product], stores={"main": url})
    await app.start()
    (block,) = pages.blocks(PAGE, "sql")
    with as_system("rename"):
        async with app.transaction():
            for statement in filter(None, map(str.strip, block.text.split(";"))):
                await app.execute(statement)
    await rows_are_there(app, product)
    await app.stop()

    kind = "PostgreSQL" if url.startswith("postgres") else "SQLite"
    said = re.search(rf"^\| {kind} \| `(ALTER TABLE product .*?)` \|$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    assert said is not None
    product = with_stock()
    app = App("shop", resources=[Topic, product], stores={"main": url})
    await app.start()
    with as_system("a column more"):
        await app.execute(said[1])
    assert (await app.compare())["main"] == []
    stocked: Any = await product.where(title="pen").first()  # type: ignore[arg-type]
    assert stocked.stock == 0
    await app.stop()

    product = with_default()
    app = App("shop", resources=[Topic, product], stores={"main": url})
    await app.start()
    await app.sync()
    assert (await app.compare())["main"] == []
    shelved: Any = await product.where(title="pen").one()  # type: ignore[arg-type]
    assert shelved.shelf == 4
    await app.stop()
