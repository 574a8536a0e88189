"""Conformance: batches and transactions, all or nothing, and what is refused."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from kingpost.language.tree import Summary
from kingpost.language.types import INT
from kingpost.plan.select import Check, Clear, Delete, Insert, Operation, Order, Update
from kingpost.stores.contract import (
    CheckFailed,
    ReferenceViolation,
    StaleRow,
    Store,
    UniqueViolation,
)
from kingpost.testing.conformance_model import const, get, is_
from kingpost.testing.conformance_tools import ADA, BOB, CLEO, LIBRARY, NOBODY, ask, ids, select

COUNT = select("Log", Summary("count", None, INT), group=())


def log(*numbers: int) -> Insert:
    """Lines with these numbers."""
    return Insert("Log", ("id", "text"), [(number, "x") for number in numbers])


def article(number: int, author: object = ADA, title: str | None = None) -> Insert:
    """One article."""
    return Insert("Article", ("id", "title", "author_id"), [(number, title or f"article {number}", author)])


class Writes:
    """Every operation, alone and together."""

    @pytest.fixture
    async def library(self, store: Store) -> Store:
        """The store with the library in it."""
        await store.write(LIBRARY)
        return store

    # -------------------------------------------------------------------------------------------------- operations

    async def test_an_insert_answers_what_it_is_asked_to_return(self, store: Store) -> None:
        rows = [(1, "red"), (2, "green")]
        answers = await store.write([Insert("Tag", ("id", "name"), rows, ("name", "_version")), log(1)])
        assert sorted(map(tuple, answers[0])) == [("green", 1), ("red", 1)]
        assert list(answers[1]) == []

    async def test_an_update_changes_what_it_names_and_raises_the_version(self, library: Store) -> None:
        await library.write([Update("Article", (1,), {"title": "new"}), Update("Article", (1,), {}, version=2)])
        asked = select("Article", "title", "score", "_version", where=is_(get("Article", "id"), const(1)))
        assert await ask(library, asked) == [("new", 10, 3)]

    async def test_an_update_of_a_composite_key(self, library: Store) -> None:
        await library.write([Update("Seat", (1, "a"), {"taken": True}, version=1)])
        assert await ids(library, "Seat", get("Seat", "taken")) == [(1, "a"), (1, "b")]

    async def test_an_update_answers_the_row_as_it_is_now(self, library: Store) -> None:
        if not library.abilities.returning:
            return
        names = ("title", "id", "_version")
        answers = await library.write([Update("Article", (1,), {"title": "new"}, version=1, returning=names)])
        assert [[tuple(row) for row in rows] for rows in answers] == [[("new", 1, 2)]]
        with pytest.raises(StaleRow):
            await library.write([Update("Article", (1,), {"title": "newer"}, version=1, returning=names)])
        with pytest.raises(StaleRow):
            await library.write([Update("Article", (77,), {"title": "new"}, returning=names)])

    async def test_an_update_without_a_row_version(self, store: Store) -> None:
        await store.write([log(1), Update("Log", (1,), {"text": "y"}), Update("Log", (1,), {})])
        assert await ask(store, select("Log", "text")) == ["y"]

    @pytest.mark.parametrize(
        "operation",
        [
            Update("Article", (1,), {"title": "new"}, version=2),
            Update("Article", (77,), {"title": "new"}),
            Update("Article", (77,), {}),
            Delete("Article", (2,), version=7),
            Delete("Article", (77,)),
        ],
    )
    async def test_a_row_that_is_gone_or_has_changed_is_stale(self, library: Store, operation: Operation) -> None:
        with pytest.raises(StaleRow) as caught:
            await library.write([log(1), operation])
        assert caught.value.operation == 1
        assert await ids(library, "Log") == []
        assert await ids(library, "Article") == [1, 2, 3, 4, 5]

    async def test_a_delete_takes_one_row(self, library: Store) -> None:
        await library.write([Delete("Article", (2,), version=1), Delete("Seat", (1, "a"))])
        assert await ids(library, "Article") == [1, 3, 4, 5]
        assert await ids(library, "Seat") == [(1, "b"), (2, "a")]

    async def test_clear_takes_the_rows_that_point_at_a_key(self, library: Store) -> None:
        anew = Insert("ArticleTag", ("article_id", "tag_id"), [(1, 2)])
        await library.write([Clear("ArticleTag", "article", (1,)), anew])
        assert await ids(library, "ArticleTag") == [(1, 2), (3, 2)]
        await library.write([Clear("ArticleTag", "article", (77,))])

    async def test_many_rows_at_once(self, store: Store) -> None:
        await store.write([log(*range(10_000))])
        assert await ask(store, COUNT) == [10_000]

    async def test_no_rows_and_no_operations_are_nothing(self, store: Store) -> None:
        assert [list(rows) for rows in await store.write([log()])] == [[]]
        assert await store.write([]) == []

    # ------------------------------------------------------------------------------------------------------ checks

    async def test_a_check_counts_rows_at_its_point_of_the_batch(self, library: Store) -> None:
        mine = select("Article", where=is_(get("Article", "author.name"), const("ada", get("Author", "name").type)))
        await library.write([Check(mine, rows=3), article(6), Check(mine, rows=4)])
        with pytest.raises(CheckFailed) as caught:
            await library.write([article(7), Check(mine, rows=1, reason="quota")])
        assert (caught.value.reason, caught.value.operation) == ("quota", 1)
        assert await ids(library, "Article") == [1, 2, 3, 4, 5, 6]

    # --------------------------------------------------------------------------------------------------- atomicity

    @pytest.mark.parametrize("place", [0, 1, 2, 3])
    async def test_one_failure_leaves_nothing(self, library: Store, place: int) -> None:
        operations: list[Operation] = [article(6), Update("Article", (1,), {"title": "new"}), Delete("Article", (5,))]
        operations.insert(place, Insert("Tag", ("id", "name"), [(9, "red")]))
        with pytest.raises(UniqueViolation) as caught:
            await library.write(operations)
        assert caught.value.operation == place
        assert await ids(library, "Article") == [1, 2, 3, 4, 5]
        assert "alpha" in await ask(library, select("Article", "title"))

    async def test_a_bulk_insert_is_all_or_nothing(self, store: Store) -> None:
        with pytest.raises(UniqueViolation):
            await store.write([log(*range(100), 50)])
        assert await ids(store, "Log") == []

    # ---------------------------------------------------------------------------------------------------- refusals

    @pytest.mark.parametrize(
        ("operation", "resource", "members"),
        [
            (Insert("Tag", ("id", "name"), [(9, "red")]), "Tag", ("name",)),
            (Update("Tag", (2,), {"name": "red"}), "Tag", ("name",)),
            (Insert("Tag", ("id", "name"), [(1, "blue")]), "Tag", ("id",)),
            (Insert("Seat", ("row", "place", "taken"), [(1, "a", False)]), "Seat", ("row", "place")),
            (article(9, ADA, "alpha"), "Article", ("author", "title")),
            (Insert("ArticleTag", ("article_id", "tag_id"), [(3, 2)]), "ArticleTag", ("article", "tag")),
        ],
    )
    async def test_what_is_taken_is_named(
        self, library: Store, operation: Operation, resource: str, members: tuple[str, ...]
    ) -> None:
        with pytest.raises(UniqueViolation) as caught:
            await library.write([log(1), operation])
        assert (caught.value.resource, set(caught.value.members)) == (resource, set(members))
        assert caught.value.operation == 1
        assert "red" not in str(caught.value)

    @pytest.mark.parametrize(
        ("operation", "resource", "members"),
        [
            (article(9, NOBODY), "Article", ("author",)),
            (Update("Article", (1,), {"editor_id": NOBODY}), "Article", ("editor",)),
            (Insert("Ticket", ("id", "price", "seat_row", "seat_place"), [(9, 1, 1, "z")]), "Ticket", ("seat",)),
            (Insert("ArticleTag", ("article_id", "tag_id"), [(2, 77)]), "ArticleTag", ("tag",)),
        ],
    )
    async def test_a_reference_that_leads_nowhere_is_named(
        self, library: Store, operation: Operation, resource: str, members: tuple[str, ...]
    ) -> None:
        with pytest.raises(ReferenceViolation) as caught:
            await library.write([log(1), operation])
        error = caught.value
        assert (error.resource, error.members, error.kind, error.operation) == (resource, members, "missing", 1)
        assert await ids(library, "Log") == []

    async def test_a_row_in_use_stays(self, library: Store) -> None:
        with pytest.raises(ReferenceViolation) as caught:
            await library.write([Delete("Author", (BOB,))])
        assert caught.value.kind == "in use"
        assert (caught.value.resource, caught.value.members) in [("Article", ("author",)), ("Author", ("boss",))]
        with pytest.raises(ReferenceViolation) as caught:
            await library.write([Delete("Seat", (1, "b"), version=1)])
        assert (caught.value.resource, caught.value.members, caught.value.kind) == ("Ticket", ("seat",), "in use")

    async def test_a_row_stays_with_which_a_row_in_use_would_go(self, library: Store) -> None:
        await library.write([Insert("Vote", ("id", "comment_id"), [(1, 2)])])
        with pytest.raises(ReferenceViolation) as caught:
            await library.write([Delete("Article", (1,))])
        assert (caught.value.resource, caught.value.members, caught.value.kind) == ("Vote", ("comment",), "in use")
        assert await ids(library, "Comment") == [1, 2, 3]
        await library.write([Delete("Article", (3,))])

    async def test_what_goes_with_a_row(self, library: Store) -> None:
        await library.write([Delete("Article", (1,))])
        assert await ids(library, "Comment") == [3]
        assert await ids(library, "ArticleTag") == [(3, 2)]
        await library.write([
            Update("Article", (1 + 2,), {"author_id": CLEO}), Update("Article", (4,), {"author_id": CLEO}),
            Update("Author", (CLEO,), {"boss_id": None}), Update("Author", (BOB,), {"boss_id": None}),
            Update("Article", (4,), {"editor_id": BOB}), Delete("Author", (BOB,)),
        ])  # fmt: skip
        editors = select("Article", "id", "editor.name", order=(Order(get("Article", "id")),))
        assert await ask(library, editors) == [(2, None), (3, "ada"), (4, None), (5, None)]

    async def test_rows_may_refer_to_rows_of_the_same_batch(self, store: Store) -> None:
        boss, worker = (ADA, "ada", ADA), (BOB, "bob", ADA)
        await store.write([Insert("Author", ("id", "name", "boss_id"), [boss, worker])])
        assert await ids(store, "Author") == [ADA, BOB]


class Together:
    """Many at once, and transactions."""

    cancelled_rows = 2000
    """Rows of each half of a batch that is cancelled; twelve of these a store has to be able to look at."""

    async def test_a_hundred_writes_at_once_are_all_there_once(self, store: Store) -> None:
        await asyncio.gather(*(store.write([log(2 * number), log(2 * number + 1)]) for number in range(100)))
        assert await ids(store, "Log") == list(range(200))

    async def test_readers_see_whole_batches_only(self, store: Store) -> None:
        done = False
        seen: set[int] = set()

        async def read() -> None:
            while not done:
                seen.update(await ask(store, COUNT))
                await asyncio.sleep(0)

        readers = [asyncio.create_task(read()) for _ in range(3)]
        for number in range(30):
            await store.write([log(3 * number), log(3 * number + 1, 3 * number + 2)])
        done = True
        await asyncio.gather(*readers)
        assert all(count % 3 == 0 for count in seen)

    async def test_of_many_who_want_one_row_one_gets_it(self, store: Store) -> None:
        await store.write([Insert("Tag", ("id", "name"), [(1, "red")])])
        tries = [store.write([Update("Tag", (1,), {"name": f"name {n}"}, version=1)]) for n in range(20)]
        outcomes = await asyncio.gather(*tries, return_exceptions=True)
        assert sum(isinstance(outcome, StaleRow) for outcome in outcomes) == 19
        assert await ask(store, select("Tag", "_version")) == [2]

    async def test_a_cancelled_writer_leaves_all_or_nothing(self, store: Store) -> None:
        for number, delay in enumerate((0, 0.0005, 0.001, 0.002, 0.005, 0.02)):
            half = self.cancelled_rows
            start = 2 * half * number
            batch = [log(*range(start, start + half)), log(*range(start + half, start + 2 * half))]
            task = asyncio.create_task(store.write(batch))
            await asyncio.sleep(delay)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        await store.write([log(-1)])
        await _settled(store)
        found = await ids(store, "Log")
        assert (len(found) - 1) % (2 * self.cancelled_rows) == 0

    # ------------------------------------------------------------------------------------------------ transactions

    async def test_a_transaction_sees_its_own_writes_and_others_do_not(self, store: Store) -> None:
        async with store.transaction() as transaction:
            await transaction.write([log(1)])
            assert await ask(store, COUNT, of=transaction) == [1]
            assert await ask(store, COUNT) == [0]
            await transaction.write([Update("Log", (1,), {"text": "y"})])
        assert await ask(store, select("Log", "text")) == ["y"]

    @pytest.mark.parametrize("error", [LookupError, FileNotFoundError, TimeoutError])
    async def test_a_transaction_that_raises_leaves_nothing(self, store: Store, error: type[Exception]) -> None:
        with pytest.raises(error):
            await _interrupted(store, error)
        assert await ask(store, COUNT) == [0]
        await store.write([log(1)])

    async def test_a_failed_write_leaves_the_transaction_usable(self, store: Store) -> None:
        async with store.transaction() as transaction:
            await transaction.write([log(1)])
            with pytest.raises(UniqueViolation):
                await transaction.write([log(2), log(1)])
            await transaction.write([log(3)])
        assert await ids(store, "Log") == [1, 3]

    async def test_a_cancelled_transaction_leaves_nothing_and_lets_others_go_on(self, store: Store) -> None:
        async def endless() -> None:
            async with store.transaction() as transaction:
                await transaction.write([log(1)])
                await asyncio.sleep(60)

        task = asyncio.create_task(endless())
        await asyncio.sleep(0.05)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await store.write([log(2)])
        assert await ids(store, "Log") == [2]

    async def test_transactions_one_after_the_other(self, store: Store) -> None:
        async def count_up(number: int) -> None:
            async with store.transaction() as transaction:
                await transaction.write([log(number)])
                await asyncio.sleep(0)
                await transaction.write([log(number + 100)])

        await asyncio.gather(*(count_up(number) for number in range(20)))
        assert await ask(store, COUNT) == [40]


async def _settled(store: Store) -> None:
    """Return when a batch that was cancelled has come to its end, on a server too."""
    before: list[Any] = []
    while (now := await ask(store, COUNT)) != before:
        before = now
        await asyncio.sleep(0.2)


async def _interrupted(store: Store, error: type[Exception]) -> None:
    async with store.transaction() as transaction:
        await transaction.write([log(1)])
        raise error
