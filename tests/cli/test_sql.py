"""`kingpost sql`, over stores of several kinds."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from tests.cli.running import kingpost

APP = """
from decimal import Decimal

from kingpost import App, Resource, anyone, field


class Author(Resource, read=anyone, write=anyone, soft_delete=True):
    id: int = field(key=True)
    name: str


class Book(Resource, store="near", write=anyone):
    id: int = field(key=True)
    author: Author
    price: Decimal = field(max_digits=8, decimal_places=2)


stores = {"main": "sqlite:///main.db", "near": "duckdb:///near.duckdb"}
app = App("library", resources=[Author, Book], stores=stores, relay=False)
"""
FILL = """
import asyncio
from decimal import Decimal
from app import Author, Book, app
from kingpost import as_system

async def fill():
    await app.start()
    await app.sync()
    with app.acting(None), as_system("rows"):
        ada, bob = Author(id=1, name="Ada"), Author(id=2, name="Bob")
        for one in (ada, bob):
            await one.save()
        for number, author in ((1, ada), (2, ada), (3, bob)):
            await Book(id=number, author=author, price=Decimal(number) / 4).save()
    await app.stop()

asyncio.run(fill())
"""
SUMS = (
    "select name, count(*) as books, sum(price) as price from main.author a join near.book b on b.author_id = a.id "
    "group by name order by name"
)


@pytest.fixture
def library(tmp_path: Path) -> Path:
    import subprocess
    import sys

    (tmp_path / "app.py").write_text(APP)
    subprocess.run([sys.executable, "-c", FILL], cwd=tmp_path, check=True)
    return tmp_path


def test_two_stores_in_one_statement(library: Path) -> None:
    done = kingpost("sql", SUMS, folder=library)
    assert [line.split() for line in done.stdout.splitlines()] == [
        ["name", "books", "price"], ["Ada", "2", "0.75"], ["Bob", "1", "0.75"], ["2", "rows"],
    ]  # fmt: skip
    printed = kingpost("sql", SUMS, "--form", "json", folder=library).stdout
    assert json.loads(printed)[0] == {"name": "Ada", "books": 2, "price": "0.75"}
    assert kingpost("sql", SUMS, "--form", "csv", folder=library).stdout.splitlines()[1] == "Ada,2,0.75"
    assert kingpost("sql", SUMS, "--out", "sums.parquet", folder=library).stdout == "sums.parquet: 2 rows\n"
    assert pq.read_table(library / "sums.parquet").num_rows == 2


@pytest.mark.parametrize(
    "statement",
    ["select 1; select 2", "copy main.author to 'x.csv'"],
)
def test_it_only_reads(library: Path, statement: str) -> None:
    done = kingpost("sql", statement, folder=library, status=1)
    assert "one SELECT is taken" in done.stderr
    assert not (library / "x.csv").exists()


def test_what_is_wrong_is_said(library: Path) -> None:
    assert "nothere" in kingpost("sql", "select * from main.nothere", folder=library, status=1).stderr
    assert "main.author" not in kingpost("sql", "from read_csv('app.py')", folder=library, status=1).stdout
    assert "is no size" in kingpost("sql", "select 1", "--memory", "much", folder=library, status=2).stderr
    assert "no rule boundary" in kingpost("sql", "--help", folder=library).stdout


def test_a_name_that_is_put_together_is_found(library: Path) -> None:
    done = kingpost("sql", "select count(*) as n from query_table('auth' || 'or')", "--form", "csv", folder=library)
    assert done.stdout.splitlines() == ["n", "2"]
