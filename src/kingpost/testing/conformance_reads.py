"""Conformance: questions about one resource and about what it is related to."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from kingpost.base.errors import Unsupported
from kingpost.language.tree import (
    Aggregate,
    Call,
    Expression,
    Identity,
    In,
    IsNone,
    Item,
    Many,
    Not,
    Quantify,
    Root,
    Summary,
    identity,
)
from kingpost.language.types import FLOAT, INT, TEXT
from kingpost.plan.select import Insert, Order
from kingpost.stores.contract import Store
from kingpost.testing.conformance_model import MONEY, const, field_of, get, is_, keys, param, step
from kingpost.testing.conformance_tools import ADA, BOB, CLEO, LIBRARY, NOBODY, ask, ids, key, python, select

ADULT = is_(get("Author", "age"), const(30), ">=")
BY_ID = (Order(get("Article", "id")),)


def many(base: str, relation: str, resource: str, guard: Expression | None = None) -> Many:
    """The rows at the end of a to-many relation of the root."""
    return Many(Root(base), relation, resource, 1, guard)


def of_item(resource: str, name: str) -> Any:
    """A field of the row that a generator is at."""
    return field_of(Item(1, resource), name)


class Reads:
    """Questions that every store answers alike.

    `many_keys`: how many are asked for at once. A select may be asked with 10,000.
    """

    many_keys = 10_000

    @pytest.fixture
    async def library(self, store: Store) -> Store:
        """The store with the library in it."""
        await store.write(LIBRARY)
        return store

    # -------------------------------------------------------------------------------------------------- conditions

    async def test_rows_are_those_for_which_the_condition_is_surely_true(self, library: Store) -> None:
        high = is_(get("Article", "score"), const(8), ">")
        assert await ids(library, "Article", high) == [1, 3]
        assert await ids(library, "Article", Not(high)) == [4, 5]  # of None it is neither true nor false

    async def test_equal_finds_none_equal_to_none_only(self, library: Store) -> None:
        score = get("Article", "score")
        wanted = is_(score, param("score", INT.maybe()))
        assert await ids(library, "Article", wanted, score=None) == [2]
        assert await ids(library, "Article", Not(wanted), score=10) == [2, 4, 5]
        assert await ids(library, "Article", IsNone(score)) == [2]

    async def test_parameters_change_the_answer_not_the_statement(self, library: Store) -> None:
        prepared = library.prepare(select("Article", where=is_(get("Article", "title"), param("title", TEXT))))
        for title, expected in (("alpha", [1]), ("ä𝒳", [5]), ("", [4]), ("none", [])):
            rows = await library.fetch(prepared, {"title": title})
            assert [row[0] for row in rows] == expected

    async def test_text_functions_are_pythons(self, library: Store) -> None:
        upper = Call("upper", (get("Article", "title"),), TEXT)
        try:
            library.prepare(select("Article", upper))
        except Unsupported:  # it says so, and the engine does it in memory
            return
        assert await ask(library, select("Article", upper, order=BY_ID)) == ["ALPHA", "BETA", "GAMMA", "", "Ä𝒳"]

    # ------------------------------------------------------------------------------------------------------- to-one

    async def test_columns_reach_through_to_one_relations(self, library: Store) -> None:
        asked = select("Article", "id", "author.name", "editor.name", "author.boss.name", order=BY_ID)
        assert await ask(library, asked) == [
            (1, "ada", "bob", None),
            (2, "ada", None, None),
            (3, "bob", "ada", "ada"),
            (4, "bob", None, "ada"),
            (5, "ada", None, None),
        ]

    async def test_a_condition_past_none_is_unknown(self, library: Store) -> None:
        named = is_(get("Article", "editor.name"), const("ada", TEXT))
        assert await ids(library, "Article", named) == [3]
        assert await ids(library, "Article", Not(named)) == [1]

    async def test_a_stored_none_is_not_a_missing_row(self, library: Store) -> None:
        assert await ids(library, "Author", IsNone(get("Author", "boss.age"))) == [CLEO]  # her boss has no age

    async def test_a_guard_hides_the_row_and_keeps_its_key(self, library: Store) -> None:
        author = replace(step(Root("Article"), "author"), guard=ADULT)
        asked = select("Article", field_of(author, "name"), identity(author), order=BY_ID)
        assert await ask(library, asked) == [("ada", ADA), ("ada", ADA), (None, BOB), (None, BOB), ("ada", ADA)]

    async def test_references_are_compared_by_key(self, library: Store) -> None:
        author = identity(step(Root("Article"), "author"))
        assert await ids(library, "Article", is_(author, param("me", author.type)), me=BOB) == [3, 4]
        assert await ids(library, "Article", is_(author, identity(step(Root("Article"), "editor")))) == []

    # ---------------------------------------------------------------------------------------------------- composite

    async def test_a_composite_key_has_several_columns(self, library: Store) -> None:
        seat = identity(step(Root("Ticket"), "seat"))
        asked = select("Ticket", "id", seat, "seat.taken", order=(Order(get("Ticket", "id")),))
        assert await ask(library, asked) == [(1, 1, "b", True), (2, None, None, None)]

    async def test_composite_references_are_compared_part_by_part(self, library: Store) -> None:
        seat = identity(step(Root("Ticket"), "seat"))
        wanted = is_(seat, param("seat", seat.type))
        assert await ids(library, "Ticket", wanted, seat=(1, "b")) == [1]
        assert await ids(library, "Ticket", wanted, seat=(1, "a")) == []
        assert await ids(library, "Ticket", IsNone(seat)) == [2]

    # ------------------------------------------------------------------------------------------------------ to-many

    async def test_rows_of_a_relation_are_counted(self, library: Store) -> None:
        comments = Aggregate("count", many("Article", "comments", "Comment"), None, None)
        tags = Aggregate("count", many("Article", "tags", "Tag"), None, None)
        assert await ask(library, select("Article", comments, tags, order=BY_ID)) == [
            (2, 2), (0, 0), (1, 1), (0, 0), (0, 0),
        ]  # fmt: skip

    async def test_aggregates_over_none_are_unknown(self, library: Store) -> None:
        stars = Aggregate("sum", many("Article", "comments", "Comment"), None, of_item("Comment", "stars"))
        assert await ids(library, "Article", is_(stars, const(0), ">=")) == [2, 3, 4, 5]
        given = replace(stars, condition=Not(IsNone(of_item("Comment", "stars"))))
        assert await ask(library, select("Article", given, order=BY_ID)) == [5, 0, 1, 0, 0]

    async def test_the_largest_of_nothing_is_the_default(self, library: Store) -> None:
        best = Aggregate(
            "max", many("Article", "comments", "Comment"), Not(IsNone(of_item("Comment", "stars"))),
            of_item("Comment", "stars"), const(-1),
        )  # fmt: skip
        assert await ask(library, select("Article", best, order=BY_ID)) == [5, -1, 1, -1, -1]

    async def test_any_over_linked_rows(self, library: Store) -> None:
        green = is_(of_item("Tag", "name"), const("green", TEXT))
        assert await ids(library, "Article", Quantify("any", many("Article", "tags", "Tag"), None, green)) == [1, 3]
        assert await ids(library, "Article", Quantify("all", many("Article", "tags", "Tag"), None, green)) == [
            2,
            3,
            4,
            5,
        ]

    async def test_guarded_rows_do_not_exist(self, library: Store) -> None:
        good = is_(get("Comment", "stars"), const(3), ">")
        comments = Aggregate("count", many("Article", "comments", "Comment", good), None, None)
        assert await ask(library, select("Article", comments, order=BY_ID)) == [1, 0, 0, 0, 0]

    async def test_a_relation_within_one_resource(self, library: Store) -> None:
        written = Aggregate("count", many("Author", "articles", "Article"), None, None)
        asked = select("Author", "name", "boss.name", written, order=(Order(get("Author", "name")),))
        assert await ask(library, asked) == [("ada", None, 3), ("bob", "ada", 2), ("cleo", "bob", 0)]

    # -------------------------------------------------------------------------------------------------------- order

    async def test_none_sorts_lowest_and_ties_go_by_the_next_key(self, library: Store) -> None:
        score, number = get("Article", "score"), get("Article", "id")
        up = select("Article", order=(Order(score), Order(number)))
        down = select("Article", order=(Order(score, descending=True), Order(number, descending=True)))
        assert await ask(library, up) == [2, 4, 5, 1, 3]
        assert await ask(library, down) == [3, 1, 5, 4, 2]

    async def test_rows_are_sorted_by_what_they_refer_to(self, library: Store) -> None:
        asked = select("Article", order=(Order(get("Article", "editor.name")), *BY_ID))
        assert await ask(library, asked) == [2, 4, 5, 3, 1]

    async def test_text_sorts_by_code_point(self, store: Store) -> None:
        names = ["", "B", "Z", "a", "b", "e\u0301", "z", "ß", "ä", "\ue000", "𝒳"]
        await store.write([Insert("Tag", ("id", "name"), list(enumerate(reversed(names))))])
        assert await ask(store, select("Tag", "name", order=(Order(get("Tag", "name")),))) == sorted(names)

    async def test_limit_and_offset(self, library: Store) -> None:
        assert await ask(library, select("Article", order=BY_ID, limit=2, offset=1)) == [2, 3]
        asked = select("Article", order=BY_ID, limit=param("size", INT), offset=param("start", INT))
        assert await ask(library, asked, {"size": 10, "start": 3}) == [4, 5]
        assert await ask(library, asked, {"size": 0, "start": 0}) == []

    # ------------------------------------------------------------------------------------------------------- groups

    async def test_groups_and_their_summaries(self, library: Store) -> None:
        name, score, price = get("Article", "author.name"), get("Article", "score"), get("Article", "price")
        asked = select(
            "Article", name,
            Summary("count", None, INT), Summary("count", score, INT), Summary("sum", score, INT.maybe()),
            Summary("min", price, MONEY.maybe()), Summary("max", price, MONEY.maybe()),
            Summary("avg", score, FLOAT.maybe()),
            group=(name,), order=(Order(name),),
        )  # fmt: skip
        assert await ask(library, asked) == [
            ("ada", 3, 2, 17, Decimal("1.50"), Decimal("10.00"), 8.5),
            ("bob", 2, 2, 5, Decimal("0.00"), Decimal("2.25"), 2.5),
        ]

    async def test_groups_come_by_their_summaries(self, library: Store) -> None:
        name, count = get("Article", "author.name"), Summary("count", None, INT)
        least = Summary("min", get("Article", "score"), INT.maybe())
        best = Summary("max", get("Article", "price"), MONEY.maybe())
        for order, names in (
            ((Order(count, descending=True),), ["ada", "bob"]),
            ((Order(count),), ["bob", "ada"]),
            ((Order(least), Order(name)), ["bob", "ada"]),  # -5, 7
            ((Order(best, descending=True), Order(name)), ["ada", "bob"]),
        ):
            asked = select("Article", name, count, group=(name,), order=order)
            assert [row[0] for row in await ask(library, asked)] == names
        first = select("Article", name, count, group=(name,), order=(Order(count),), limit=1)
        assert await ask(library, first) == [("bob", 2)]

    async def test_summaries_that_are_none_sort_lowest(self, library: Store) -> None:
        number, stars = get("Article", "id"), Summary("max", get("Article", "score"), INT.maybe())
        up = select("Article", number, group=(number,), order=(Order(stars), Order(number)))
        down = select("Article", number, group=(number,), order=(Order(stars, descending=True), Order(number)))
        assert await ask(library, up) == [2, 4, 5, 1, 3]
        assert await ask(library, down) == [1, 3, 5, 4, 2]

    async def test_having_chooses_groups(self, library: Store) -> None:
        score, count = get("Article", "score"), Summary("count", None, INT)
        asked = select("Article", score, group=(score,), having=is_(count, const(1), ">"))
        assert await ask(library, asked) == [10]

    async def test_none_is_a_group(self, library: Store) -> None:
        score = get("Article", "score")
        asked = select("Article", score, Summary("count", None, INT), group=(score,), order=(Order(score),))
        assert await ask(library, asked) == [(None, 1), (-5, 1), (7, 1), (10, 2)]

    async def test_one_row_for_no_group_also_over_nothing(self, store: Store) -> None:
        score = get("Article", "score")
        asked = select("Article", Summary("count", None, INT), Summary("sum", score, INT.maybe()), group=())
        assert await ask(store, asked) == [(0, None)]
        await store.write(LIBRARY)
        assert await ask(store, asked) == [(5, 22)]

    # --------------------------------------------------------------------------------------------------- many keys

    async def test_ten_thousand_keys_at_once(self, store: Store) -> None:
        size = self.many_keys
        lines = [(number, f"line {number}") for number in range(0, 3 * size, 2)]
        await store.write([Insert("Log", ("id", "text"), lines)])
        found = await ids(store, "Log", In(key("Log"), keys("keys", "Log")), keys=list(range(size)))
        assert found == list(range(0, size, 2))

    async def test_ten_thousand_composite_keys_at_once(self, store: Store) -> None:
        rows, first = self.many_keys * 3 // 10, self.many_keys // 4
        seats = [(row, place, False) for row in range(rows) for place in ("a", "b", 'c"')]
        await store.write([Insert("Seat", ("row", "place", "taken"), seats)])
        wanted = [(row, place) for row in range(first, 2 * first) for place in ("a", 'c"', "d", "e")]
        found = await ids(store, "Seat", In(key("Seat"), keys("keys", "Seat")), keys=wanted)
        assert found == [(row, place) for row in range(first, rows) for place in ("a", 'c"')]

    async def test_keys_of_other_types_and_none_of_them(self, library: Store) -> None:
        author: Identity = identity(step(Root("Article"), "author"))
        wanted = In(author, keys("keys", "Author"))
        assert await ids(library, "Article", wanted, keys=[BOB, NOBODY]) == [3, 4]
        assert await ids(library, "Article", wanted, keys=[]) == []

    # ------------------------------------------------------------------------------------------------------- stream

    async def test_a_stream_comes_in_chunks(self, store: Store) -> None:
        await store.write([Insert("Log", ("id", "text"), [(number, "x") for number in range(2_500)])])
        asked = select(
            "Log", "id", order=(Order(get("Log", "id")),), where=is_(get("Log", "id"), param("from", INT), ">=")
        )
        chunks = [chunk async for chunk in store.stream(store.prepare(asked), {"from": 100}, chunk=1000)]
        assert [len(chunk) for chunk in chunks] == [1000, 1000, 400]
        assert [value for chunk in chunks for value in python(store, asked, chunk)] == list(range(100, 2_500))

    async def test_a_stream_is_one_snapshot_and_holds_up_nobody(self, store: Store) -> None:
        await store.write([Insert("Log", ("id", "text"), [(number, "x") for number in range(3_000)])])
        stream: Any = store.stream(store.prepare(select("Log")), {}, chunk=1000)
        first = await anext(stream)
        await store.write([Insert("Log", ("id", "text"), [(number, "x") for number in range(3_000, 6_000)])])
        rest = [row async for chunk in stream for row in chunk]
        assert len(first) + len(rest) == 3_000

    async def test_a_stream_may_be_left(self, store: Store) -> None:
        await store.write([Insert("Log", ("id", "text"), [(number, "x") for number in range(3_000)])])
        for _ in range(20):  # more than there are connections
            stream: Any = store.stream(store.prepare(select("Log")), {}, chunk=1000)
            await anext(stream)
            await stream.aclose()
        assert len(await ids(store, "Log")) == 3_000
