"""Actions called from Python: each is the action itself, with its rule, its write and its refusals, on every store."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import date
from typing import Any

import anyio.to_thread
import pytest

from kingpost import (
    App,
    Conflict,
    Forbidden,
    NotFound,
    NotLoaded,
    Refused,
    Rejected,
    Resource,
    action,
    allow,
    anyone,
    as_system,
    computed,
    field,
    validate,
)
from kingpost.testing import Client

DAY = date(2026, 5, 1)


class Reader(Resource, read=anyone):
    name: str = field(key=True, max_length=40)
    staff: bool = False


class Noted:
    """A mixin that is no resource."""

    @action
    async def note(self: Any, text: str) -> None:
        self.notes = [*self.notes, text]


class Book(Resource, Noted, read="self.hidden == False or (me is not None and me.staff)"):
    title: str = field(max_length=80)
    hidden: bool = False
    holder: Reader | None = None
    due: date | None = None
    lent: int = 0
    notes: list[str] = []
    fans: list[Reader] = []
    visits: list[Visit] = field(inverse="book")

    @computed
    def is_out(self) -> bool:
        return self.holder is not None

    @computed
    def visited(self) -> int:
        return len(self.visits)

    @allow("lend", "back", "swap", "count", "note", "shout", "like", "twice", "hand_on", "half")
    def for_readers(self, me: Reader) -> bool:
        return True

    @allow("update", "stamp")
    def for_staff(self, me: Reader) -> bool:
        return me.staff

    @allow("open")
    def opening(self, me: Reader) -> bool:
        return me.staff

    @validate("title")
    def said_softly(self) -> None:
        if self.title.isupper():
            raise ValueError("do not shout")

    @action
    async def lend(self, to: Reader, *, until: date = DAY) -> Book:
        if self.holder is not None:
            raise Refused("the book is already lent")
        if until < DAY:
            raise Refused("that day is past", field="until")
        self.holder, self.due = to, until
        self.lent += 1
        return self

    @action
    async def back(self) -> None:
        self.holder = self.due = None

    @action
    async def swap(self, other: Book) -> None:
        """Its own action is part of this one, that of another book is a request of its own."""
        await self.back()
        await other.stamp()

    @action
    async def stamp(self) -> None:
        self.notes.append("stamped")

    @action
    async def shout(self) -> None:
        self.notes.append("loud")
        self.title = self.title.upper()

    @action
    async def like(self, who: Reader) -> None:
        self.fans.append(who)

    @action
    def count(self, by: int = 1) -> int:
        self.lent += by
        return self.lent

    @action
    def twice(self) -> int:
        self.count()
        return self.count()

    @action
    async def hand_on(self, to: Reader) -> None:
        await self.back()
        await self.lend(to)

    @action
    async def half(self) -> None:
        self.title = "half"
        self.notes.append("half")
        raise ZeroDivisionError

    @action
    @classmethod
    async def open(cls, title: str) -> Book:
        with as_system("a new book"):
            book = cls(title=title)
            await book.save()
        return book

    @action(collection=True)
    @staticmethod
    async def rename(title: str) -> str:
        return title.title()


class Visit(Resource, read=anyone):
    book: Book


class Library:
    """The application, two readers and a book."""

    def __init__(self, app: App, ada: Reader, eve: Reader, book: Any) -> None:
        self.app, self.ada, self.eve, self.book = app, ada, eve, book

    async def row(self) -> Book:
        with as_system("what is stored"):
            return await Book.get(self.book)


@pytest.fixture
async def library(store_url: str) -> AsyncIterator[Library]:
    app = App("library", resources=[Reader, Book, Visit], stores={"main": store_url}, actor=Reader)
    await app.start()
    await app.sync()
    with as_system("test"):
        ada, eve = Reader(name="ada", staff=True), Reader(name="eve")
        book = Book(title="Emma")
        for row in (ada, eve, book, Visit(book=book)):
            await row.save()
    yield Library(app, ada, eve, book.id)
    await app.stop()


async def test_a_call_is_the_action_and_no_update(library: Library) -> None:
    with library.app.acting(library.eve):
        book = await Book.get(library.book)
        assert await book.allows("update") is False
        assert await book.lend(library.eve) is book
        assert (book.holder, book.due, book.lent) == (library.eve, DAY, 1)
        await book.save()  # nothing is left to write, so nothing is asked
    assert (await library.row()).holder == library.eve


async def test_the_rule_is_asked(library: Library) -> None:
    book = await library.row()
    with pytest.raises(Forbidden), library.app.acting(library.eve):
        await book.stamp()
    with library.app.acting(library.ada):
        await book.stamp()
    assert book.notes == (await library.row()).notes == ["stamped"]
    with as_system("hide it"):
        hidden = await library.row()
        hidden.hidden = True
        await hidden.save()
    with pytest.raises(NotFound), library.app.acting(library.eve):
        await book.back()
    with as_system("the rules do not apply"):
        await book.back()


async def test_actions_on_all_rows_have_rules_too(library: Library) -> None:
    with pytest.raises(Forbidden), library.app.acting(library.eve):
        await Book.open("Persuasion")
    with library.app.acting(library.ada):
        assert (await Book.open(title="Persuasion")).title == "Persuasion"
    with pytest.raises(Forbidden), library.app.acting(library.ada):
        await Book.rename("x")  # no rule at all
    with as_system("the rules do not apply"):
        assert await Book.rename("emma") == "Emma"


async def test_the_body_sees_the_row_as_it_is_now(library: Library) -> None:
    with library.app.acting(library.eve):
        stale, other = await Book.get(library.book), await Book.get(library.book)
        await other.lend(library.ada)
        assert stale.holder is None
        with pytest.raises(Refused, match="already lent"):
            await stale.lend(library.eve)
        await stale.back()
        (bare,) = await Book.all().fields("title")
        await bare.lend(library.eve)
        assert (bare.lent, bare.title) == (2, "Emma")
        reference = Visit(book=await Book.get(library.book)).book
        await reference.note("by its key")
    assert (await library.row()).notes == ["by its key"]


async def test_a_refusal_leaves_the_object_as_it_was(library: Library) -> None:
    with library.app.acting(library.eve):
        book = await Book.get(library.book)
        with pytest.raises(ZeroDivisionError):
            await book.half()
        with pytest.raises(Rejected, match="do not shout"):
            await book.shout()
        assert (book.title, book.notes) == ("Emma", [])
        await book.save()  # and has nothing to write
    assert (await library.row()).notes == []


async def test_what_is_not_saved_comes_first(library: Library) -> None:
    with library.app.acting(library.ada):
        book = await Book.get(library.book)
        book.title = "Emma, again"
        with pytest.raises(RuntimeError, match=r"Book\.lend: title of this Book is changed and not saved; save\(\) it"):
            await book.lend(library.ada)
        await book.save()
        await book.lend(library.ada)
    assert ((await library.row()).title, book.lent) == ("Emma, again", 1)


async def test_own_actions_are_part_of_the_one_that_runs(library: Library) -> None:
    with library.app.acting(library.eve):
        book, other = await Book.get(library.book), Book(title="Other")
        await book.lend(library.ada)
        version = book._version  # type: ignore[attr-defined]
        await book.hand_on(library.eve)
        assert (book.holder, book.lent, book._version) == (library.eve, 2, version + 1)  # type: ignore[attr-defined]
        with as_system("another"):
            await other.save()
        with pytest.raises(Forbidden):  # what is asked of another row is asked by whoever acts
            await book.swap(other)
        assert book.holder == library.eve
    with library.app.acting(library.ada):
        await book.swap(other)
        assert (book.holder, other.notes) == (None, ["stamped"])


async def test_relations_and_what_is_computed_stay_true(library: Library) -> None:
    with library.app.acting(library.eve):
        (book,) = await Book.all().include("visits", "fans").fields("title", "holder", "is_out", "visited", "lent")
        assert (book.is_out, book.visited) == (False, 1)
        await book.lend(library.ada)
        assert (book.is_out, book.visited, len(book.visits)) == (True, 1, 1)
        await book.load("holder")
        await book.note("kept")
        assert book.holder is not None
        assert book.holder.staff is True  # the loaded row stays, as the book still leads to it
        await book.back()
        await book.lend(library.eve)
        await book.back()
        await book.like(library.eve)
        assert book.fans == [library.eve]
        bare = await Book.get(library.book)
        with pytest.raises(NotLoaded):
            await bare.like(library.ada)


async def test_what_is_lost_to_others_is_told(library: Library) -> None:
    """Every try of the body is overtaken by another write."""
    tries = 0

    async def overtaken(book: Any) -> None:
        nonlocal tries
        tries += 1
        book.fans.append(library.eve)
        book.title = f"{book.title}!"
        with as_system("somebody else"):
            row = await Book.get(library.book)
            row.lent += 1
            await row.save()

    actions: Any = library.app.model["Book"].actions
    with library.app.acting(library.eve):
        (book,) = await Book.all().include("fans")
        original = actions["back"].function
        object.__setattr__(actions["back"], "function", overtaken)
        try:
            with pytest.raises(Conflict, match="others keep changing this Book"):
                await book.back()
        finally:
            object.__setattr__(actions["back"], "function", original)
        assert (tries, book.title, book.fans) == (3, "Emma", [])
    assert (await library.row()).lent == 3


async def test_plain_functions_wait_in_threads_only(library: Library) -> None:
    with library.app.acting(library.eve):
        book = await Book.get(library.book)
        with pytest.raises(RuntimeError, match=r"Book\.count is a plain function, .*; write it as async def"):
            book.count()
        assert await anyio.to_thread.run_sync(book.count, 5) == 5
        assert await anyio.to_thread.run_sync(book.twice) == 7
    assert (await library.row()).lent == 7


async def test_new_objects_are_just_called(library: Library) -> None:
    with library.app.acting(library.eve):
        book = Book(title="New")
        assert await book.lend(library.eve) is book
        assert book.count() == 2
        with pytest.raises(Forbidden):
            await book.save()


def test_arguments_are_checked_before_anything_is_asked() -> None:
    assert Book.lend.__doc__ == Book.count.__doc__ is None
    assert Noted.note.__name__ == Book.note.__name__ == "note"


async def test_wrong_arguments(library: Library) -> None:
    with library.app.acting(library.eve):
        book = await Book.get(library.book)
        with pytest.raises(TypeError, match="to"):
            await book.lend()  # type: ignore[call-arg]
        with pytest.raises(TypeError, match="too many"):
            await book.back(1)  # type: ignore[call-arg]


async def test_refusals_are_problems(library: Library) -> None:
    async with Client(library.app, actor=library.eve) as client:
        path = f"/api/books/{library.book}/lend"
        past = await client.post(path, json={"to": {"name": "eve"}, "until": "2026-04-30"})
        assert (past.status_code, past.json()["detail"]) == (422, "that day is past")
        assert past.json()["errors"] == [{"pointer": "/until", "code": "KP427", "message": "that day is past"}]
        assert (await client.post(path, json={"to": {"name": "eve"}})).status_code == 200
        again = await client.post(path, json={"to": {"name": "eve"}})
        assert (again.status_code, again.json()["type"]) == (409, "/problems/KP414")
        assert again.json()["detail"] == "the book is already lent"
        assert "errors" not in again.json()
        with pytest.raises(ZeroDivisionError):  # anything else is a bug, and a 500 where it is served
            await client.post(f"/api/books/{library.book}/half")
