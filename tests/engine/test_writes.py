"""Writes through the Python surface, the same on every store."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from kingpost import App, Conflict, Forbidden, NotFound, Rejected, Unauthenticated, as_system
from kingpost.engine.repeats import Idempotency
from tests.blog import AT, Article, Comment, People, Topic, User


async def test_the_rules_are_asked_about_the_row_after(app: App, people: People) -> None:
    with app.acting(people.ada):
        mine = Article(title="Mine")
        await mine.save()
        assert mine.author == people.ada  # default=actor
        assert (await Article.get(mine.id)).slug == "mine"
        with pytest.raises(Forbidden):
            await Article(title="Not mine", author=people.bob).save()
    with pytest.raises(Unauthenticated), app.acting(None):
        await Topic(name="New").save()
    with app.acting(people.ada), pytest.raises(Forbidden):
        await Topic(name="New").save()


async def test_what_is_seen_but_not_allowed_is_forbidden(app: App, people: People) -> None:
    with app.acting(people.bob):
        joins = await Article.get(people.public.id)
        joins.title = "Stolen"
        with pytest.raises(Forbidden):
            await joins.save()
        with pytest.raises(Forbidden):
            await joins.delete()
    with app.acting(people.ada):
        assert (await Article.get(people.public.id)).title == "Joins"


async def test_a_deny_rule_wins(app: App, people: People) -> None:
    with as_system("ban"):
        ada = await User.get(people.ada.id)
        ada.role = "banned"
        await ada.save()
    with app.acting(ada), pytest.raises(Forbidden):
        await Article(title="Still here").save()


async def test_a_row_does_not_leave_the_rules_by_an_update(app: App, people: People) -> None:
    with app.acting(people.ada):
        joins = await Article.get(people.public.id)
        joins.author = people.bob
        with pytest.raises(Forbidden):
            await joins.save()


async def test_actions_check_before_and_change_the_row(app: App, people: People) -> None:
    engine = app.engine
    with app.acting(people.ada):
        await engine.act("Article", (people.draft.id,), "publish", {}, engine.context())
        assert (await Article.get(people.draft.id)).published_at is not None
    with app.acting(people.bob):
        with pytest.raises(Forbidden):
            await engine.act("Article", (people.public.id,), "publish", {}, engine.context())
        assert not await people.public.allows("publish")
    with app.acting(people.eve):
        assert await people.public.allows("publish")


async def test_references_lead_to_rows_that_may_be_read(app: App, people: People) -> None:
    with app.acting(people.bob):
        with pytest.raises(Rejected) as hidden:
            await Comment(article=people.draft, text="I know").save()
        with pytest.raises(Rejected) as absent:
            await Comment(article=Article(title="None", author=people.bob), text="I do not").save()
    assert str(hidden.value) == str(absent.value)
    assert [detail.pointer for detail in hidden.value.details] == ["/article"]


async def test_taken_values_name_their_fields(app: App, people: People) -> None:
    with as_system("test"):
        with pytest.raises(Conflict) as taken:
            await User(name="Other", email="ada@example.org").save()
        assert [d.pointer for d in taken.value.details] == ["/email"]
        with pytest.raises(Conflict) as both:
            await Article(title="Joins", author=people.ada).save()
        assert {d.pointer for d in both.value.details} == {"/author", "/title"}


async def test_validators_speak(app: App, people: People) -> None:
    with app.acting(people.ada), pytest.raises(Rejected, match="do not shout"):
        await Article(title="LOUD").save()


async def test_rows_in_use_stay(app: App, people: People) -> None:
    with as_system("test"), pytest.raises(Conflict):
        await people.data.delete()


async def test_a_bulk_is_all_or_nothing(app: App, people: People) -> None:
    with app.acting(people.ada):
        context = app.engine.context()
        items = [{"title": "One"}, {"title": "Joins"}]
        with pytest.raises(Conflict):
            await app.engine.create("Article", items, context)
        assert await Article.all().count() == 2
        keys = await app.engine.create("Article", [{"title": "One"}, {"title": "Two"}], context)
        assert len(set(keys)) == 2


async def test_rows_are_made_with_their_own(app: App, people: People) -> None:
    with app.acting(people.ada):
        data = {"title": "Whole", "comments": [{"text": "first"}], "topics": [(people.web.id,), (people.data.id,)]}
        ((key,),) = await app.engine.create("Article", data, app.engine.context())
        made = await Article.where(id=key).include("comments.author", "topics").one()
        assert [(c.text, c.author.name) for c in made.comments] == [("first", "Ada")]
        assert [t.name for t in made.topics] == ["Web", "Data"]


async def test_links_are_written_anew_in_order(app: App, people: People) -> None:
    with app.acting(people.ada):
        (joins,) = await Article.where(title="Joins").include("topics")
        joins.topics = [people.data]
        await joins.save()
        (joins,) = await Article.where(title="Joins").include("topics")
        assert [t.name for t in joins.topics] == ["Data"]


async def test_a_request_under_one_key_is_done_once(app: App, people: People) -> None:
    with app.acting(people.ada):
        context = app.engine.context()
        first, again = Idempotency("POST /x k", b"1"), Idempotency("POST /x k", b"1")
        made = await app.engine.create("Article", {"title": "Once"}, context, idempotency=first)
        same = await app.engine.create("Article", {"title": "Once"}, context, idempotency=again)
        assert (made, first.replayed, again.replayed) == (same, False, True)
        with pytest.raises(Rejected):
            await app.engine.create("Article", {"title": "X"}, context, idempotency=Idempotency("POST /x k", b"2"))
        assert await Article.where(title="Once").count() == 1


async def test_concurrent_requests_under_one_key_are_done_once(app: App, people: People) -> None:
    with app.acting(people.ada):
        context = app.engine.context()

        async def post() -> object:
            repeat = Idempotency("POST /y k", b"1")
            return await app.engine.writer.create("Article", [{"title": "Once"}], context, repeat)

        answers = await asyncio.gather(*(post() for _ in range(5)))
        assert len({str(answer) for answer in answers}) == 1
        assert await Article.where(title="Once").count() == 1


async def test_two_that_change_one_row_do_not_lose_an_update(app: App, people: People) -> None:
    with app.acting(people.ada):

        async def rename(number: int) -> None:
            await app.engine.update("Article", (people.draft.id,), {"score": float(number)}, app.engine.context())

        results = await asyncio.gather(*(rename(n) for n in range(3)), return_exceptions=True)
        assert all(result is None or isinstance(result, Conflict) for result in results)
        first, second = await Article.get(people.draft.id), await Article.get(people.draft.id)
        first.title = "First"
        await first.save()
        second.title = "Second"
        with pytest.raises(Exception, match="changed"):
            await second.save()


async def test_a_transaction_is_all_or_nothing(app: App, people: People) -> None:
    async def stop_halfway() -> None:
        async with app.transaction():
            await Topic(name="Inside").save()
            assert await Topic.where(name="Inside").count() == 1
            raise RuntimeError("stop")

    with as_system("test"):
        with pytest.raises(RuntimeError, match="stop"):
            await stop_halfway()
        assert await Topic.where(name="Inside").count() == 0
        async with app.transaction():
            await Topic(name="Kept").save()
        assert await Topic.where(name="Kept").count() == 1


async def test_what_save_is_given_is_validated(app: App, people: People) -> None:
    with as_system("test"):
        with pytest.raises(Rejected) as long:
            await User(name="x" * 81, email="x@example.org").save()
        assert [d.pointer for d in long.value.details] == ["/name"]
        with pytest.raises(Rejected):
            await Topic(name="Nul\0").save()


async def test_a_missing_row_is_not_found(app: App, people: People) -> None:
    with as_system("test"), pytest.raises(NotFound):
        await app.engine.update("Topic", (people.ada.id,), {"hours": 1}, app.engine.context())


async def test_publishing_later(app: App, people: People) -> None:
    with app.acting(people.ada):
        draft = await Article.get(people.draft.id)
        draft.published_at = AT + timedelta(days=1)
        await draft.save()
    with app.acting(None):
        assert await Article.all().count() == 1


async def test_a_key_counts_for_a_day(app: App, people: People) -> None:
    with app.acting(people.ada):
        await app.engine.create("Article", {"title": "Old"}, app.engine.context(), idempotency=Idempotency("k", b"1"))
        app.engine.clock.advance(timedelta(hours=25))  # type: ignore[attr-defined]
        late = Idempotency("k", b"2")
        await app.engine.create("Article", {"title": "New"}, app.engine.context(), idempotency=late)
        assert not late.replayed
        assert await Article.where("title == 'Old' or title == 'New'").count() == 2
        again = Idempotency("k", b"2")
        await app.engine.create("Article", {"title": "New"}, app.engine.context(), idempotency=again)
        assert again.replayed
        app.engine.clock.advance(timedelta(hours=25))  # type: ignore[attr-defined]
        await app.engine.repeats.forget_old(app.engine.clock())
        kept = Idempotency("k", b"3")
        assert await app.engine.repeats.find(app.model["Article"], kept, app.engine.context()) is None
        assert not kept.expired
