"""Reads through the Python surface, the same on every store."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from kingpost import App, Forbidden, Invalid, NotFound, NotLoaded, Rejected, as_system
from kingpost.base.errors import Unsupported
from tests.blog import AT, Article, Comment, People, Topic, User


async def test_a_list_holds_what_the_rules_give(app: App, people: People) -> None:
    assert [a.title for a in await Article.all()] == ["Joins"]
    with app.acting(people.ada):
        assert [a.title for a in await Article.where().sort("title")] == ["Draft", "Joins"]
    with app.acting(people.bob):
        assert [a.title for a in await Article.all()] == ["Joins"]
    with as_system("count all"):
        assert await Article.all().count() == 2


async def test_a_row_that_may_not_be_read_is_not_found(app: App, people: People) -> None:
    with pytest.raises(NotFound) as hidden:
        await Article.get(people.draft.id)
    with pytest.raises(NotFound) as absent:
        await Article.get(people.ada.id)
    assert str(hidden.value) == str(absent.value)


async def test_relations_are_objects_and_filled_in_on_request(app: App, people: People) -> None:
    (bare,) = await Article.where(title="Joins")
    assert bare.author.id == people.ada.id
    assert bare.author == people.ada
    with pytest.raises(NotLoaded, match="include"):
        _ = bare.author.name
    with pytest.raises(NotLoaded, match="include"):
        _ = bare.comments
    (full,) = await Article.where(title="Joins").include("author", "topics", "comments.author")
    assert full.author.name == "Ada"
    assert [t.name for t in full.topics] == ["Web", "Data"]  # in the order that was saved
    assert sorted((c.text, c.author.name) for c in full.comments) == [("bad", "Eve"), ("good", "Bob"), ("more", "Eve")]
    await bare.load("author", "topics")
    assert bare.author.name == "Ada"
    assert len(bare.topics) == 2


async def test_an_include_can_be_narrowed(app: App, people: People) -> None:
    query = Article.where(title="Joins").include("comments", where=lambda c: c.approved, sort="-text")
    (article,) = await query
    assert [c.text for c in article.comments] == ["more", "good"]


async def test_computed_fields_filter_and_sort(app: App, people: People) -> None:
    assert [a.title for a in await Article.where(lambda a: a.popularity > 11)] == ["Joins"]
    assert await Article.where(lambda a: a.popularity > 12).count() == 0
    (article,) = await Article.where(title="Joins").fields("title", "popularity", "is_public", "slug")
    assert (article.popularity, article.is_public, article.slug) == (12, True, "joins")
    with app.acting(people.ada):
        assert [a.title for a in await Article.all().sort(lambda a: a.popularity)] == ["Draft", "Joins"]


async def test_captured_values_are_read_at_each_call(app: App, people: People) -> None:
    found = [[t.name for t in await Topic.where(lambda t: t.hours >= least).sort("name")] for least in (10, 30, 50)]  # noqa: B023
    assert found == [["Data", "Web"], ["Data"], []]


async def test_none_is_what_python_says(app: App, people: People) -> None:
    assert [t.name for t in await Topic.where(lambda t: t.parent is None)] == ["Data"]
    assert [t.name for t in await Topic.where(parent=None)] == ["Data"]
    assert [t.name for t in await Topic.where(parent=people.data)] == ["Web"]
    assert [t.name for t in await Topic.where(lambda t: t.parent.name == "Data")] == ["Web"]  # type: ignore[union-attr]


async def test_embedded_values_and_decimals_come_back(app: App, people: People) -> None:
    ada = await User.get(people.ada.id)
    assert ada.address is not None
    assert ada.address.city == "London"
    assert (await Topic.get(people.data.id)).price == Decimal("12.50")
    assert [u.name for u in await User.where(lambda u: u.address is not None and u.address.city == "London")] == ["Ada"]


async def test_fields_with_a_rule_are_masked_or_unknown(app: App, people: People) -> None:
    with app.acting(people.ada):
        users = {u.name: u.email for u in await User.all()}
        assert users == {"Ada": "ada@example.org", "Bob": None, "Eve": None}
        assert await User.where("email == 'bob@example.org'").count() == 0  # no oracle
        with pytest.raises(Invalid, match="salary"):
            await User.where("salary > 5").count()
    with app.acting(people.eve):
        assert await User.where("salary > 5").count() == 1


async def test_summaries(app: App, people: People) -> None:
    assert await Topic.all().sum("hours") == 60
    assert await Topic.all().sum("price") == Decimal("12.50")
    assert await Topic.all().max(lambda t: t.hours) == 40
    assert await Topic.where(lambda t: t.hours > 99).max("hours") is None
    rows = await Comment.all().group("approved", count=True)
    assert rows == [{"approved": False, "count": 1}, {"approved": True, "count": 2}]
    rows = await Comment.all().group("author.name", count=True)
    assert rows == [{"author.name": "Bob", "count": 1}, {"author.name": "Eve", "count": 2}]


async def test_groups_are_sorted_by_their_summaries(app: App, people: People) -> None:
    by_author = Comment.all().group("author.name", count=True)
    assert await by_author.sort("-count") == [
        {"author.name": "Eve", "count": 2},
        {"author.name": "Bob", "count": 1},
    ]
    assert await by_author.sort("-count").limit(1) == [{"author.name": "Eve", "count": 2}]
    assert await by_author.sort("-author.name") == await by_author.sort("-count")
    assert [row["author.name"] for row in await by_author.limit(1)] == ["Bob"], "else by what they are grouped by"
    hours = Topic.all().group("parent.name", sum="hours", max="price", avg="hours").sort("-sum_hours", "parent.name")
    assert await hours == [
        {"parent.name": None, "sum_hours": 40, "max_price": Decimal("12.50"), "avg_hours": 40.0},
        {"parent.name": "Data", "sum_hours": 20, "max_price": Decimal("0.00"), "avg_hours": 20.0},
    ]
    with as_system("ties"):
        await Topic(name="Zen", hours=40, parent=people.web).save()
    assert [row["parent.name"] for row in await hours] == [None, "Web", "Data"], "None lowest among equals"
    averages = Topic.all().group("parent.name", avg="hours").sort("avg_hours")
    assert [row["avg_hours"] for row in await averages] == [20.0, 40.0, 40.0]


async def test_a_masked_value_is_sorted_by_as_none(app: App, people: People) -> None:
    with app.acting(people.ada):
        rows = await User.all().group("email", count=True).sort("-count")
        assert rows == [{"email": None, "count": 2}, {"email": "ada@example.org", "count": 1}]
        longest = await User.all().group("name", max="email").sort("-max_email", "name")
        assert [row["name"] for row in longest] == ["Ada", "Bob", "Eve"]


async def test_deleted_rows_are_gone_for_everything(app: App, people: People) -> None:
    (comment,) = await Comment.where(text="good")
    with app.acting(people.bob):
        await comment.delete()
    assert await Comment.all().count() == 2
    (article,) = await Article.where(title="Joins").include("comments").fields("popularity", "title")
    assert article.popularity == 7
    assert len(article.comments) == 2


async def test_streams_come_in_order_and_whole(app: App, people: People) -> None:
    with as_system("many rows"):
        for number in range(30):
            await Topic(name=f"t{number:02}").save()
    names = [t.name async for t in Topic.where(lambda t: t.name.startswith("t")).sort("-name").stream()]
    assert names == [f"t{number:02}" for number in reversed(range(30))]


async def test_now_is_one_instant(app: App, people: People) -> None:
    with app.acting(people.ada):
        draft = await Article.get(people.draft.id)
        await draft.publish(AT + timedelta(days=1))
        await draft.save()
    assert await Article.all().count() == 1
    app.engine.clock.advance(timedelta(days=2))  # type: ignore[attr-defined]
    assert await Article.all().count() == 2


async def test_an_application_can_be_started_again(app: App, people: People) -> None:
    if app.stores["main"].url.startswith("memory"):
        return  # its rows are gone with it
    await app.stop()
    await app.start()
    assert [u.name for u in await User.where(lambda u: u.name.upper().startswith("A")).sort("name")] == ["Ada"]
    assert [t.name async for t in Topic.all().sort("name").stream()] == ["Data", "Web"]


async def test_one_failing_include_fails_the_read_in_its_own_words(
    app: App, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kingpost.engine.reader.MAX_BATCH_ROWS", 0)
    with pytest.raises(Rejected, match="more than 0 rows"):
        await Article.all().include("topics", "comments")


async def test_sql_of_ones_own_is_for_the_system(app: App, people: People) -> None:
    sql = "SELECT name FROM topic WHERE hours > 30 ORDER BY name"
    with app.acting(people.eve), pytest.raises(Forbidden, match="as_system"):
        await app.execute(sql)
    with as_system("look at it"):
        if app.stores["main"].url.startswith("memory"):
            with pytest.raises(Unsupported):
                await app.execute(sql)
            return
        assert [tuple(row) for row in await app.execute(sql)] == [("Data",)]
        mark = "$1" if app.stores["main"].url.startswith("postgres") else "?"
        with pytest.raises(RuntimeError):
            async with app.transaction():
                await app.execute(f"UPDATE topic SET name = {mark} WHERE hours > 30", ["Changed"])
                assert await Topic.where(name="Changed").count() == 1
                raise RuntimeError
        assert await Topic.where(name="Changed").count() == 0
