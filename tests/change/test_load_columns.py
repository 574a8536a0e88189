"""What cells mean, and which column goes where."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from kingpost import App
from kingpost.base.errors import Detail
from kingpost.change.faults import HeaderFault
from kingpost.change.load_columns import Columns
from kingpost.language.types import Kind, Type
from kingpost.stores.files.cells import Stated, converter
from tests.blog import blog
from tests.fleet import fleet

BLOG, FLEET = blog("memory:"), fleet("memory:")
NA = Stated(nulls=frozenset({"NA", "-"}))


# --------------------------------------------------------------------------------------------------------------- cells


@pytest.mark.parametrize(("kind", "cell", "value"), [
    (Kind.INT, "517", 517), (Kind.INT, " -5 ", -5), (Kind.INT, "+7", 7), (Kind.INT, "12.0", 12), (Kind.INT, "0012", 12),
    (Kind.INT, "12.5", "12.5"), (Kind.INT, "1_000", "1_000"), (Kind.INT, "1,000", "1,000"), (Kind.INT, "١", "١"),
    (Kind.INT, "99999999999999999999", 99999999999999999999), (Kind.INT, "1" * 5000, "1" * 5000),
    (Kind.FLOAT, "10.357019999999999", 10.357019999999999), (Kind.FLOAT, "1e3", 1000.0), (Kind.FLOAT, ".5", 0.5),
    (Kind.FLOAT, "nan", "nan"), (Kind.FLOAT, "inf", "inf"), (Kind.FLOAT, "1,5", "1,5"), (Kind.FLOAT, "7", 7.0),
    (Kind.DECIMAL, " +12.50", "12.50"), (Kind.BOOL, "TRUE", True), (Kind.BOOL, "n", False), (Kind.BOOL, "1", True),
    (Kind.BOOL, "maybe", "maybe"), (Kind.TEXT, " as it is ", " as it is "), (Kind.TEXT, "007", "007"),
    (Kind.DATETIME, "2013-01-01T10:00:00Z", "2013-01-01T10:00:00Z"),
    (Kind.DATETIME, "2013-01-01 10:00:00.5+0100", "2013-01-01T10:00:00.5+01:00"),
    (Kind.DATETIME, "2013-01-01 10:00 Z", "2013-01-01T10:00:00Z"), (Kind.DATETIME, "yesterday", "yesterday"),
    (Kind.DATE, " 2013-01-01", "2013-01-01"), (Kind.JSON, '{"a": [1]}', {"a": [1]}), (Kind.LIST, "[1]", [1]),
])  # fmt: skip
def test_a_cell_is_read_by_the_type_of_its_field(kind: Kind, cell: str, value: Any) -> None:
    found = converter(Type(kind), Stated())(cell)
    assert (type(found), found) == (type(value), value)


def test_stated_formats_count() -> None:
    stated = Stated(date="%d.%m.%Y", instant="%d/%m/%Y %H:%M", zone=ZoneInfo("America/New_York"))
    assert converter(Type(Kind.DATE), stated)("31.12.2013") == date(2013, 12, 31)
    found = converter(Type(Kind.DATETIME), stated)("01/07/2013 05:15")
    assert found.astimezone(UTC) == datetime(2013, 7, 1, 9, 15, tzinfo=UTC)
    zoned = converter(Type(Kind.DATETIME), Stated(zone=UTC))
    assert zoned("2013-07-01 05:15") == datetime(2013, 7, 1, 5, 15, tzinfo=UTC)
    assert zoned("2013-13-01 05:15") == "2013-13-01 05:15", "the form says what is wrong"


@pytest.mark.parametrize(("kind", "stated", "cell", "words"), [
    (Kind.DATE, Stated(date="%d.%m.%Y"), "2013-12-31", "a date in the format %d.%m.%Y"),
    (Kind.DATETIME, Stated(instant="%d.%m.%Y %H"), "x", "an instant in the format"),
    (Kind.DATETIME, Stated(instant="%d.%m.%Y"), "31.12.2013", "no zone is stated"),
    (Kind.DATETIME, Stated(), "2013-01-01 10:00:00", "no zone is stated"),
    (Kind.JSON, Stated(), "{", "JSON"), (Kind.EMBEDDED, Stated(), '{"a": 1, "a": 2}', "JSON"),
])  # fmt: skip
def test_what_does_not_fit_is_told(kind: Kind, stated: Stated, cell: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        converter(Type(kind), stated)(cell)


# ------------------------------------------------------------------------------------------------------------- columns


def read(
    app: App, resource: str, header: str, cells: str, stated: Stated = NA, **mapped: list[str]
) -> tuple[dict[str, Any], list[Detail]]:
    columns = Columns(app.model, app.model[resource], mapped, stated)
    return columns.table(header.split(","))(cells.split(","))


def test_columns_go_to_members_and_to_parts_of_keys() -> None:
    found, faults = read(FLEET, "Seat", "flight.carrier,flight.number,row,sold,price", "KP,7,3,yes,12.5")
    assert found == {"flight": {"carrier": "KP", "number": 7}, "row": 3, "sold": True, "price": "12.5"}
    assert faults == []
    found, _ = read(FLEET, "Flight", "carrier,number,origin,plane,delay", "KP,7,EDI,NA,")
    assert found == {"carrier": "KP", "number": 7, "origin": "EDI", "plane": None, "delay": None}
    found, _ = read(FLEET, "Flight", "carrier,number,origin_code", "KP,7,EDI")
    assert found == {"carrier": "KP", "number": 7, "origin": "EDI"}, "the column in the store is a name as well"
    found, _ = read(FLEET, "Flight", "carrier,number,origin.code,plane.number", "KP,7,EDI,")
    assert found == {"carrier": "KP", "number": 7, "origin": {"code": "EDI"}, "plane": None}


def test_columns_may_be_mapped_twice_or_left_out() -> None:
    found, _ = read(FLEET, "Flight", "who,number,x", "KP,7,y", who=["carrier", "origin"], x=[])
    assert found == {"carrier": "KP", "number": 7, "origin": "KP"}


def test_an_empty_cell_means_what_the_field_allows() -> None:
    found, faults = read(BLOG, "User", "name,email,role,salary,address", ",a@b.c,,,")
    assert found == {"name": "", "email": "a@b.c", "address": None}, "a default is left for the engine to fill in"
    assert faults == []
    found, faults = read(FLEET, "Flight", "carrier,number,origin", "KP,,")
    assert [(one.pointer, one.code) for one in faults] == [("/number", "empty"), ("/origin", "empty")]


def test_all_that_is_wrong_with_a_row_is_told() -> None:
    _, faults = read(BLOG, "Article", "title,author,published_at,meta", "T,,2013-01-01 10:00,{", Stated())
    assert [(one.pointer, one.message) for one in faults] == [
        ("/published_at", "must have an offset, such as Z, as no zone is stated"), ("/meta", "must be JSON")
    ]  # fmt: skip


def test_computed_columns_are_left_out_and_told() -> None:
    columns = Columns(BLOG.model, BLOG.model["Article"], {}, NA)
    found, _ = columns.table(["title", "slug", "popularity"])(["T", "t", "3"])
    assert (found, list(columns.computed)) == ({"title": "T"}, ["slug", "popularity"])


@pytest.mark.parametrize(("app", "resource", "header", "mapped", "words"), [
    (BLOG, "Topic", "nam,hours", {}, "Topic has no 'nam'; did you mean 'name'?"),
    (BLOG, "Topic", "name,_version", {}, "Topic has no '_version'"),
    (BLOG, "Topic", "name,name", {}, "two columns go to name"),
    (BLOG, "Topic", "name,title", {"title": ["name"]}, "two columns go to name"),
    (BLOG, "Topic", "name", {"titel": ["name"]}, "--map names the column 'titel', which the file does not have"),
    (BLOG, "Topic", "name.first", {}, "name has no parts"),
    (FLEET, "Seat", "flight,row", {}, "flight.carrier and flight.number take a column each"),
    (FLEET, "Seat", "flight.plane,row", {}, "'plane' is no part of the key of Flight"),
    (FLEET, "Seat", "flight.number.x,row", {}, "number has no parts"),
    (FLEET, "Seat", "a,b", {}, "Seat has no 'a'; there are: flight, price, row, sold; Seat has no 'b'"),
])  # fmt: skip
def test_a_header_that_does_not_fit_is_refused(
    app: App, resource: str, header: str, mapped: dict[str, list[str]], words: str
) -> None:
    with pytest.raises(HeaderFault) as fault:
        Columns(app.model, app.model[resource], mapped, NA).table(header.split(","))
    assert words in fault.value.message


def test_members_of_objects_are_renamed() -> None:
    columns = Columns(FLEET.model, FLEET.model["Seat"], {"who": ["flight.carrier"], "no": ["flight.number"]}, NA)
    assert columns.renamed({"who": "KP", "no": 7, "row": 1, "rejected_line": 4, "other": None}) == (
        {"flight": {"carrier": "KP", "number": 7}, "row": 1, "other": None}, [],
    )  # fmt: skip
