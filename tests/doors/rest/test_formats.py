"""Rows as JSON, CSV and NDJSON."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kingpost.doors.rest.csv import CsvForm
from kingpost.doors.rest.formats import NDJSON, encode, encode_page, encode_row, line_writer
from kingpost.engine.running import LeftOut, One, Page
from kingpost.model.build import build
from kingpost.model.model import Model
from kingpost.plan.intent import Read
from tests.doors.rest.domain import RESOURCES, User


@pytest.fixture(scope="module")
def model() -> Model:
    return build(RESOURCES, {"main"}, User)


def struct(**members: Any) -> Any:
    names = list(members)
    made = msgspec.defstruct(
        "Row", [(f"m{i}", Any) for i in range(len(names))], rename={f"m{i}": n for i, n in enumerate(names)}
    )
    return made(*members.values())


def written(model: Model, items: list[Any], *, guard: bool = True, resource: str = "Article", **read: Any) -> str:
    form = CsvForm(model, model[resource], Read(resource, **read), guard=guard)
    return (form.rows(items[:1]) + form.rows(items[1:])).decode()


def test_json_is_written_one_way() -> None:
    row = struct(a=datetime(2026, 1, 2, tzinfo=UTC), b=Decimal("1.50"), c=b"\xff", d=None)
    assert encode(row) == b'{"a":"2026-01-02T00:00:00Z","b":"1.50","c":"/w==","d":null}'


def test_pages() -> None:
    assert encode_page(Page([struct(a=1)])) == b'{"items":[{"a":1}],"next":null}'
    assert encode_page(Page([], "x", 7)) == b'{"items":[],"next":"x","total":7}'
    told = [LeftOut("a", "KP503", "gone")]
    assert encode_page(Page([], warnings=told)) == (
        b'{"items":[],"next":null,"warnings":[{"include":"a","code":"KP503","detail":"gone"}]}'
    )
    assert encode_row(One(struct(a=None), 1, warnings=told)) == (
        b'{"a":null,"_warnings":[{"include":"a","code":"KP503","detail":"gone"}]}'
    )


def test_csv_has_a_column_for_each_member_of_a_key(model: Model) -> None:
    item = struct(id=1, title='a "b", c', author=struct(id=7), topics=[struct(id=2)], published_at=None)
    assert written(model, [item]) == (
        "id,title,author.id,topics,published_at\r\n" + '1,"a ""b"", c",7,"[{""id"":2}]",\r\n'
    )


def test_what_is_filled_in_is_json_in_one_cell(model: Model) -> None:
    items = [struct(author=None), struct(author=struct(id=1, name="Ada"))]
    assert written(model, items, include=(("author",),)) == 'author\r\n\r\n"{""id"":1,""name"":""Ada""}"\r\n'


def test_fields_are_the_columns(model: Model) -> None:
    fields = (("author", "name"), ("topics", "name"), ("title",))
    item = struct(title="x", author=struct(name="Ada"), topics=[struct(name="a"), struct(name="b")])
    assert written(model, [item], fields=fields) == ('author.name,topics.name,title\r\nAda,"[""a"",""b""]",x\r\n')
    assert written(model, [], fields=fields) == "author.name,topics.name,title\r\n"
    assert written(model, []) == ""


@pytest.mark.parametrize("text", ["=1+1", "+SUM(A1)", "-2+3", "@x", "\tx", "\rx", "=", "-"])
def test_formulas_are_disarmed(model: Model, text: str) -> None:
    ((cell,),) = list(csv.reader(io.StringIO(written(model, [struct(title=text)]), newline="")))[1:]
    assert cell == f"'{text}"
    ((cell,),) = list(csv.reader(io.StringIO(written(model, [struct(title=text)], guard=False), newline="")))[1:]
    assert cell == text


def test_numbers_are_no_formulas(model: Model) -> None:
    row = struct(title="-1.50", body=Decimal("-2.5"), notes=-3, id=-4.5)
    assert written(model, [row]).splitlines()[1] == "-1.50,-2.5,-3,-4.5"


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1), min_size=1))
def test_csv_is_read_back(values: list[str]) -> None:
    model = build(RESOURCES, {"main"}, User)
    text = written(model, [struct(title=value) for value in values], guard=False)
    rows = list(csv.reader(io.StringIO(text, newline="")))
    assert rows == [["title"], *([value] for value in values)]


def test_ndjson_is_one_row_a_line(model: Model) -> None:
    write = line_writer(NDJSON, model, model["Article"], Read("Article"), guard=True)
    assert write([struct(a=1), struct(a="\n")]) + write([]) == b'{"a":1}\n{"a":"\\n"}\n'
