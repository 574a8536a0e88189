"""A row that others refer to stays, and whoever wants to delete it is told what stands in the way: what he may see."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from kingpost import App, Conflict, Resource, allow, anyone, as_system, field, nobody
from tests.blog import Article, Comment, People


class Drawer(Resource, read=anyone, write=anyone):
    name: str = field(max_length=20)


class Paper(Resource, write=anyone):
    drawer: Drawer
    open: bool = False

    @allow("read")
    def shown(self) -> bool:
        return self.open


class Sheet(Resource, read=anyone, write=anyone):
    drawer: Drawer = field(on_delete="cascade")
    blank: bool = False


class Stamp(Resource, read=anyone):
    sheet: Sheet


class Key(Resource, read=anyone):
    drawer: Drawer = field(read=nobody)


class Note(Resource, read=anyone, write=anyone, soft_delete=True):
    drawer: Drawer = field(unique=True)


class Ribbon(Resource, read=anyone, write=anyone):
    name: str = field(max_length=20)


class Wrap(Resource, read=anyone, write=anyone, soft_delete=True):
    ribbon: Ribbon = field(on_delete="cascade")


@pytest.fixture
async def office(store_url: str) -> AsyncIterator[App]:
    resources = [Drawer, Paper, Sheet, Stamp, Key, Note, Ribbon, Wrap]
    app = App("office", resources=resources, stores={"main": store_url}, secret=b"test")
    await app.start()
    await app.sync()
    yield app
    await app.stop()


async def kept(drawer: Drawer) -> str:
    """What is told to the anonymous one who wants to delete it."""
    with pytest.raises(Conflict) as told:
        await drawer.delete()
    assert told.value.code == "KP410"
    assert await Drawer.where(id=drawer.id).exists()
    return told.value.message


NEXT = "; delete these first, or have them refer to another row"
UNSEEN = (
    "rows that you do not see still refer to this one, or rows of Note that were deleted and are kept; "
    "whoever sees them, or runs the database, has to remove them first"
)
GOOD = "; what is kept goes for good by a statement of your own, app.execute('DELETE FROM …')"


async def test_relations_are_named_and_rows_counted_as_far_as_they_are_seen(office: App) -> None:
    drawer, other = Drawer(name="one"), Drawer(name="two")
    with as_system("test data"):
        await drawer.save()
        await other.save()
        await Paper(drawer=drawer).save()
        await Paper(drawer=other, open=True).save()
    with office.acting(None):
        assert await kept(drawer) == UNSEEN
    with as_system("test data"):
        await Paper(drawer=drawer, open=True).save()
        await Paper(drawer=drawer, open=True).save()
    with office.acting(None):
        assert await kept(drawer) == f"other rows still refer to this one: Paper.drawer (2 rows){NEXT}"
    with as_system("a look"):
        assert await kept(drawer) == f"other rows still refer to this one: Paper.drawer (3 rows){NEXT}"


async def test_what_keeps_a_row_that_would_go_with_it_is_named_by_its_path(office: App) -> None:
    drawer = Drawer(name="one")
    with as_system("test data"):
        await drawer.save()
        sheet = Sheet(drawer=drawer)
        await sheet.save()
        await Sheet(drawer=drawer).save()
        await Stamp(sheet=sheet).save()
    with office.acting(None):
        assert await kept(drawer) == f"other rows still refer to this one: Stamp.sheet.drawer (1 row){NEXT}"
        assert await Sheet.all().count() == 2
    with as_system("order"):
        async with office.transaction():
            assert await kept(drawer) == f"other rows still refer to this one: Stamp.sheet.drawer (1 row){NEXT}"
            (stamp,) = await Stamp.all()
            await stamp.delete()
            await drawer.delete()
    assert not await Sheet.all().exists()


async def test_a_relation_that_may_not_be_read_is_not_named(office: App) -> None:
    drawer = Drawer(name="one")
    with as_system("test data"):
        await drawer.save()
        await Key(drawer=drawer).save()
    with office.acting(None):
        assert await kept(drawer) == UNSEEN


async def test_a_row_that_was_deleted_and_is_kept_is_told_as_such(office: App, store_url: str) -> None:
    drawer = Drawer(name="one")
    with as_system("test data"):
        await drawer.save()
        note = Note(drawer=drawer)
        await note.save()
    with office.acting(None):
        assert await kept(drawer) == f"other rows still refer to this one: Note.drawer (1 row){NEXT}"
        await note.delete()
        assert await kept(drawer) == UNSEEN  # whether there is one is not told
        with pytest.raises(Conflict, match="drawer is taken"):  # it holds what is unique, too
            await Note(drawer=drawer).save()
    with as_system("a look"):
        assert await kept(drawer) == f"other rows still refer to this one: Note.drawer (1 row, deleted and kept){GOOD}"
        await Paper(drawer=drawer).save()
        both = "Paper.drawer (1 row), Note.drawer (1 row, deleted and kept)"
        assert await kept(drawer) == f"other rows still refer to this one: {both}{NEXT}{GOOD}"
        for paper in await Paper.all():
            await paper.delete()
        if store_url != "memory:":
            await office.execute("DELETE FROM note WHERE _deleted_at IS NOT NULL")
            await drawer.delete()


async def test_what_is_kept_goes_with_its_target_where_the_relation_says_so(office: App) -> None:
    with office.acting(None):
        ribbon = Ribbon(name="red")
        await ribbon.save()
        wrap = Wrap(ribbon=ribbon)
        await wrap.save()
        await wrap.delete()
        await ribbon.delete()
        assert not await Ribbon.all().exists()


async def test_each_row_of_many_has_its_own_reason(app: App, people: People) -> None:
    with app.acting(people.ada), pytest.raises(Conflict, match=r"Comment\.article \(3 rows\)") as told:
        keys = [(people.draft.id,), (people.public.id,)]
        await app.engine.writer.delete("Article", keys, app.engine.context(), many=True)
    assert [detail.pointer for detail in told.value.details] == ["/1"]
    assert await Article.all().count() == 1
    with as_system("deleted but kept"):
        for comment in await Comment.all():
            await comment.delete()
    with app.acting(people.ada), pytest.raises(Conflict, match="rows that you do not see"):
        await people.public.delete()
