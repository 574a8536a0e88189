"""Plans are made once per shape, and never for one what another may not see."""

from __future__ import annotations

from kingpost import App
from kingpost.doors.rest.query import expressed
from kingpost.engine.context import Context
from kingpost.plan.intent import Condition, Read
from tests.blog import AT, People, Topic


def _count(app: App) -> int:
    return len(app.engine.structs.plans._known)


async def _names(app: App, read: Read, actor: object = None) -> list[str]:
    page = await app.engine.page(read, Context(actor, AT))
    return [item.m1 for item in page.items]


async def test_texts_that_differ_in_values_share_a_plan(app: App, people: People) -> None:
    def read(text: str) -> Read:
        return Read("Topic", conditions=(expressed(text),))

    assert await _names(app, read("hours > 30 and name != 'x'")) == ["Data"]
    before = _count(app)
    assert await _names(app, read("hours > 10 and name != 'Data'")) == ["Web"]
    assert await _names(app, read("hours > 10 and name != 'Web'")) == ["Data"]
    assert _count(app) == before


async def test_filters_that_differ_in_values_share_a_plan(app: App, people: People) -> None:
    def read(hours: str) -> Read:
        return Read("Topic", conditions=(Condition(("hours",), "ge", hours),))

    assert await _names(app, read("30")) == ["Data"]
    before = _count(app)
    assert sorted(await _names(app, read("10"))) == ["Data", "Web"]
    assert _count(app) == before


async def test_one_shape_serves_each_actor_with_his_own_rights(app: App, people: People) -> None:
    read = Read("Article")
    assert await _names(app, read) == ["Joins"]
    assert sorted(await _names(app, read, people.ada)) == ["Draft", "Joins"]
    assert await _names(app, read, people.bob) == ["Joins"]
    assert await _names(app, read) == ["Joins"]


async def test_lambdas_that_differ_in_values_share_a_plan(app: App, people: People) -> None:
    async def at_least(hours: int) -> int:
        return await Topic.where(lambda t: t.hours >= hours).count()

    assert await at_least(10) == 2
    before = len(app.engine.objects.plans._known)
    assert [await at_least(hours) for hours in (30, 50)] == [1, 0]
    assert len(app.engine.objects.plans._known) == before


async def test_the_number_of_plans_is_bounded(app: App, people: People) -> None:
    app.engine.plans._shapes = 5
    for number in range(12):
        await app.engine.page(Read("Topic", fields=(("name",),) * (number + 1)), Context(None, AT))
    assert _count(app) <= 5
