"""The forms of an answer, and what the database of a question may not do."""

from __future__ import annotations

import csv
import io
import json
import os
from collections.abc import AsyncIterator
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from xml.etree import ElementTree

import ibis
import pyarrow.parquet as pq
import pytest
import pytest_asyncio
from ibis import _

from kingpost import App, Resource, anyone, as_system, field
from kingpost.base.errors import Invalid, Rejected
from kingpost.doors.analysis.database import opened
from kingpost.doors.analysis.tables import Tables


class Sale(Resource, read=anyone):
    id: int = field(key=True)
    place: str
    price: Decimal = field(max_digits=8, decimal_places=2)
    took: timedelta | None = None


PLACES = ("Graz", "=1+1", "Linz <b>")


@pytest_asyncio.fixture
async def tables(tmp_path: Path) -> AsyncIterator[Tables]:
    app = App("sales", resources=[Sale], stores={"main": f"sqlite:///{tmp_path}/sales.db"})
    async with app.analysis(None) as found:
        await app.sync()
        with app.acting(None), as_system("rows for the tests"):
            for number, place in enumerate(PLACES, 1):
                took = timedelta(seconds=number) if number > 1 else None
                await Sale(id=number, place=place, price=Decimal(number) / 4, took=took).save()
        yield found


async def test_one_answer_in_every_form(tables: Tables, tmp_path: Path) -> None:
    sales = tables.Sale.order_by("id")
    result = await tables.run(sales)
    assert json.loads(result.json())[1] == {"id": 2, "place": "=1+1", "price": "0.50", "took": "PT2S"}
    assert list(csv.reader(io.StringIO(result.csv()))) == [
        ["id", "place", "price", "took"],
        ["1", "Graz", "0.25", ""],
        ["2", "'=1+1", "0.50", "PT2S"],
        ["3", "Linz <b>", "0.75", "PT3S"],
    ]
    kept = pq.read_table(io.BytesIO(result.parquet()))
    assert kept.to_pylist() == result.dicts() == result.table.to_pylist()
    for suffix in ("csv", "json", "ndjson", "parquet"):
        assert await tables.write(sales, tmp_path / f"out.{suffix}") == 3
    assert (tmp_path / "out.csv").read_bytes() == result.csv().encode()
    assert json.loads((tmp_path / "out.json").read_bytes()) == json.loads(result.json())
    lines = (tmp_path / "out.ndjson").read_text().splitlines()
    assert [json.loads(line) for line in lines] == json.loads(result.json())
    assert pq.read_table(tmp_path / "out.parquet").to_pylist() == result.dicts()
    assert [name for name in os.listdir(tmp_path) if name.startswith(".")] == []


async def test_a_file_is_as_it_was_when_the_answer_fails(tables: Tables, tmp_path: Path) -> None:
    target = tmp_path / "out.csv"
    target.write_text("before")
    with pytest.raises(Rejected, match="KP182"):
        await tables.write(tables.Sale.mutate(number=_.place.cast("int64")), target)
    assert target.read_text() == "before"
    with pytest.raises(Invalid, match=r"KP184.*\.xls"):
        await tables.write(tables.Sale, tmp_path / "out.xls")


async def test_an_empty_answer_has_its_columns(tables: Tables, tmp_path: Path) -> None:
    nothing = tables.Sale.filter(_.id > 9)
    result = await tables.run(nothing)
    assert (result.columns, result.rows, result.json()) == (("id", "place", "price", "took"), (), b"[]")
    assert await tables.write(nothing, tmp_path / "none.parquet") == 0
    assert pq.read_table(tmp_path / "none.parquet").column_names == list(result.columns)
    with pytest.raises(ValueError, match="is no value"):
        _unused = result.value


async def test_a_chart_says_what_it_shows(tables: Tables) -> None:
    result = await tables.run(tables.Sale.order_by("id").select("place", "price"))
    image = ElementTree.fromstring(result.chart(title="Prices & places"))
    space = "{http://www.w3.org/2000/svg}"
    assert image.get("role") == "img"
    assert image.findtext(f"{space}title") == "Prices & places"
    assert image.findtext(f"{space}desc") == "3 points; least 0.25, greatest 0.75"
    heights = [float(one.get("height", "0")) for one in image.iter(f"{space}rect")]
    assert heights == pytest.approx([heights[0], heights[0] * 2, heights[0] * 3], abs=0.2)
    page = result.figure(kind="line")
    figure = ElementTree.fromstring(page)
    assert figure.findtext("figcaption") == "price by place"
    assert [cell.text for cell in figure.iter("td")] == ["Graz", "0.25", "=1+1", "0.50", "Linz <b>", "0.75"]
    assert "<b>" not in page
    with pytest.raises(ValueError, match="one of numbers"):
        result.chart(y="place")


async def test_negative_and_missing_values_have_their_place() -> None:
    from kingpost.doors.analysis.chart import svg

    for kind in ("bar", "line"):
        image = svg([("a", -3.0), ("b", None), ("c", 1e9)], kind=kind, title="t")  # type: ignore[arg-type]
        ElementTree.fromstring(image)
        assert "nan" not in image
    ElementTree.fromstring(svg([], kind="bar", title="none"))
    with pytest.raises(ValueError, match="more than a chart shows"):
        svg([("a", 1.0)] * 501, kind="bar", title="t")


async def test_nothing_outside_is_reached(tmp_path: Path) -> None:
    secret = tmp_path / "secret.csv"
    secret.write_text("a\n1\n")
    async with opened("256MB", 1) as database:
        for text in (
            f"FROM read_csv('{secret}')", f"FROM '{secret}'", f"COPY (SELECT 1) TO '{tmp_path}/out.csv'",
            f"ATTACH '{tmp_path}/other.db'", "INSTALL httpfs", "LOAD httpfs", "SET enable_external_access = true",
            "FROM secret", "SET memory_limit = '9GB'",
        ):  # fmt: skip
            with pytest.raises(Rejected, match="KP182"):
                await database.run(lambda text=text: list(database.batches(text)))  # type: ignore[misc]
    assert os.listdir(tmp_path) == ["secret.csv"]


async def test_a_sum_beyond_64_bits_is_refused(tables: Tables) -> None:
    with pytest.raises(Rejected, match="KP182"):
        await tables.run(tables.Sale.mutate(n=_.id + 2**62).n.sum())


async def test_settings_are_checked(tmp_path: Path) -> None:
    app = App("sales", resources=[Sale], stores={"main": f"sqlite:///{tmp_path}/sales.db"})
    with pytest.raises(ValueError, match="is no size"):
        async with app.analysis(None, memory="much"):
            pass
    with pytest.raises(ValueError, match="number of threads"):
        async with app.analysis(None, threads=0):
            pass
    with pytest.raises(TypeError, match="actor"):
        async with app.analysis(object()):  # type: ignore[arg-type]
            pass


def test_the_compiler_asks_for_no_pandas() -> None:
    import subprocess
    import sys

    code = "import sys, kingpost.doors.analysis.tables; sys.exit(sys.modules.get('pandas') is not None)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
    assert ibis.__version__.startswith("12.")
