"""Names for what others have named."""

from __future__ import annotations

import pytest

from kingpost.change.inspect_names import Names, class_name, free_path, member_name, relation_names
from kingpost.model.names import plural, singular


@pytest.mark.parametrize(
    ("table", "name"),
    [
        ("order_details", "OrderDetail"), ("PlaylistTrack", "PlaylistTrack"), ("tbl order-lines", "TblOrderLine"),
        ("airlines", "Airline"), ("addresses", "Address"), ("categories", "Category"), ("movies", "Movie"),
        ("people", "Person"), ("status", "Status"), ("news", "News"), ("buses", "Bus"), ("houses", "House"),
        ("boxes", "Box"), ("2020 sales", "Table2020Sale"), ("App", "AppRow"), ("none", "NoneRow"), ("größen", "Größen"),
        ("HTTPLogs", "HttpLog"), ("analyses", "Analysis"), ("glasses", "Glass"), ("resources", "ResourceRow"),
    ],
)  # fmt: skip
def test_classes(table: str, name: str) -> None:
    assert class_name(table) == name


@pytest.mark.parametrize(
    ("column", "name"),
    [
        ("ArtistId", "artist_id"), ("class", "class_"), ("First Name", "first_name"), ("1st", "column_1st"),
        ("save", "save_"), ("_hidden", "hidden"), ("%", "column"), ("list", "list_"), ("ID", "id"), ("date", "date"),
        ("a__b", "a_b"), ("größe", "größe"), ("ﬁle", "file"),
    ],
)  # fmt: skip
def test_members(column: str, name: str) -> None:
    assert member_name(column) == name


def test_relations() -> None:
    assert relation_names(("ArtistId",), "Artist", natural=True)[0] == "artist"
    assert relation_names(("ReportsTo",), "Employee", natural=False)[0] == "reports_to"
    assert relation_names(("carrier",), "Airline", natural=True)[0] == "airline"
    assert relation_names(("dest",), "Airport", natural=False)[0] == "dest"
    assert relation_names(("country", "code"), "Region", natural=True)[0] == "region"


def test_no_name_is_given_twice() -> None:
    names = Names(["a"])
    assert [names.give("a", "b") for _ in range(3)] == ["b", "b_2", "b_3"]
    assert names.give("b", joint="") == "b2"
    paths = Names(["docs"])
    assert [free_path(name, paths) for name in ("Doc", "OrderLine", "Order_line")] == [
        "docs-rows",
        "",
        "order-lines-rows",
    ]


@pytest.mark.parametrize(
    "word", ["album", "bus", "box", "city", "day", "analysis", "person", "leaf", "quiz", "branch", "series", "house"]
)
def test_a_plural_has_its_singular(word: str) -> None:
    assert singular(plural(word)) == word
    assert singular(word) == word
