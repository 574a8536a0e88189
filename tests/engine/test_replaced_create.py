"""An action named `create`: the rules are asked before its body runs, as a plain creation asks them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any, cast

import pytest

from kingpost import App, Resource, action, allow, anyone, as_system, field, nobody
from kingpost.testing import Client

RAN: list[str] = []


class User(Resource, read=anyone):
    name: str = field(key=True, max_length=40)
    boss: bool = False


class Project(Resource):
    name: str = field(key=True, max_length=40)
    owner: User
    hidden: bool = False

    @allow("read")
    def seen(self) -> bool:
        return not self.hidden


async def run(new: Any) -> Any:
    """The bodies: they note that they ran, and save nothing under the rights of whoever acts."""
    RAN.append(type(new).__name__)
    with as_system("what an action may do"):
        await new.save()
    return new


class Unruled(Resource, read=anyone):
    text: str = field(default="", max_length=40)

    @action
    @classmethod
    async def create(cls, new: Unruled) -> Unruled:
        return cast(Unruled, await run(new))


class Closed(Resource, read=anyone, create=nobody):
    text: str = field(default="", max_length=40)

    @action
    @classmethod
    async def create(cls, new: Closed) -> Closed:
        return cast(Closed, await run(new))


class Note(Resource, read=anyone):
    """Local: the row's own values, defaults too."""

    text: str = field(max_length=40)
    public: bool = True
    approved: bool = field(default=False, write="me is not None and me.boss")

    @allow("create")
    def known(self, me: User | None) -> bool:
        return me is not None and self.public

    @action
    @classmethod
    async def create(cls, new: Note) -> Note:
        return cast(Note, await run(new))


class Task(Resource, read=anyone):
    """Other rows have a part in it."""

    text: str = field(max_length=40)
    project: Project | None = None
    other: User | None = None
    parts: list[Part] = field(inverse="task")
    tags: list[User] = []

    @allow("create")
    def mine(self, me: User | None) -> bool:
        if self.project is None:
            return me is not None and me.boss and len(self.parts) == 0
        return me is not None and self.project.owner == me

    @action
    @classmethod
    async def create(cls, new: Task) -> Task:
        return cast(Task, await run(new))


class Part(Resource, read=anyone):
    task: Task


class Open(Resource, read=anyone, create=anyone):
    text: str = field(default="", max_length=40)
    project: Project | None = None

    @action
    @classmethod
    async def create(cls, new: Open) -> Open:
        return cast(Open, await run(new))


class Sum(Resource, read=anyone):
    """Lists of a row that is not there yet are empty: sums are 0, and what is least of nothing is unknown."""

    limit: int
    open: bool = True
    items: list[Item] = field(inverse="sum")

    @allow("create")
    def within(self, me: User | None) -> bool:
        if self.open:
            return me is not None and me.boss and sum(item.size for item in self.items) < self.limit
        return me is not None and min(item.size for item in self.items) != self.limit

    @action
    @classmethod
    async def create(cls, new: Sum) -> Sum:
        return cast(Sum, await run(new))


class Item(Resource, read=anyone):
    sum: Sum
    size: int


class Link(Resource, read=anyone):
    name: str = field(key=True, max_length=40)
    before: Link | None = None

    @allow("create")
    def after_one_that_is_good(self) -> bool:
        return self.before is None or self.before.name == "good"

    @action
    @classmethod
    async def create(cls, new: Link) -> Link:
        return cast(Link, await run(new))


RESOURCES = (User, Project, Unruled, Closed, Note, Task, Part, Open, Sum, Item, Link)


@pytest.fixture
async def app(store_url: str) -> AsyncIterator[App]:
    app = App("replaced", resources=RESOURCES, stores={"main": store_url})
    async with Client(app):
        await app.sync()
        with as_system("test data"):
            for name, boss in (("ada", False), ("bob", True)):
                await User(name=name, boss=boss).save()
            ada = await User.get("ada")
            await Project(name="hers", owner=ada).save()
            await Project(name="his", owner=await User.get("bob")).save()
            await Project(name="secret", owner=ada, hidden=True).save()
        RAN.clear()
        yield app


async def post(app: App, path: str, body: Any, actor: str | None = None) -> tuple[int, Any]:
    who = None
    if actor is not None:
        with as_system("who asks"):
            who = await User.get(actor)
    answer = await Client(app, actor=who).post(f"/api/{path}", json=body)
    return answer.status_code, answer.json()


async def test_where_nothing_can_hold_the_body_does_not_run(app: App) -> None:
    for path in ("unruleds", "closeds", "notes", "tasks"):
        assert (await post(app, path, {"text": "x"}))[0] == 401, path
        assert (await post(app, path, [{"text": "x"}]))[0] == 401, path
    for path in ("unruleds", "closeds"):
        assert (await post(app, path, {"text": "x"}, "bob"))[0] == 403, path
    assert RAN == []


async def test_rules_of_the_row_are_asked_with_its_defaults(app: App) -> None:
    assert (await post(app, "notes", {"text": "x", "public": False}, "ada"))[0] == 403
    assert (await post(app, "notes", {"text": "x", "approved": True}, "ada"))[0] == 403
    status, told = await post(app, "notes", [{"text": "x"}, {"text": "y", "public": False}], "ada")
    assert (status, told["errors"][0]["pointer"], RAN) == (403, "/1", [])
    assert (await post(app, "notes", {"text": "x"}, "ada"))[0] == 201
    assert (await post(app, "notes", {"text": "x", "approved": True}, "bob"))[0] == 201


async def test_rules_in_which_other_rows_have_a_part_are_asked(app: App) -> None:
    assert (await post(app, "tasks", {"text": "x", "project": "his"}, "ada"))[0] == 403
    assert (await post(app, "tasks", {"text": "x"}, "ada"))[0] == 403
    assert (await post(app, "tasks", {"text": "x", "other": "bob"}, "ada"))[0] == 403
    assert (await post(app, "tasks", {"text": "x", "project": "hers"}))[0] == 401
    assert RAN == []
    assert (await post(app, "tasks", {"text": "x", "project": "hers"}, "ada"))[0] == 201
    assert (await post(app, "tasks", {"text": "x", "project": "hers", "tags": ["bob"]}, "ada"))[0] == 201
    assert (await post(app, "tasks", {"text": "x"}, "bob"))[0] == 201


async def test_references_lead_to_rows_that_the_actor_sees(app: App) -> None:
    for project in ("secret", "nowhere"):
        status, told = await post(app, "opens", {"project": project}, "ada")
        assert (status, told["errors"][0]["pointer"]) == (422, "/project")
    assert (await post(app, "tasks", {"text": "x", "project": "hers", "tags": ["nobody"]}, "ada"))[0] == 422
    assert RAN == []
    assert (await post(app, "opens", {"project": "hers"}))[0] == 201


async def test_rows_of_one_array_may_refer_to_each_other(app: App) -> None:
    status, _ = await post(app, "links", [{"name": "good"}, {"name": "next", "before": "good"}])
    assert (status, RAN) == (201, ["Link", "Link"])
    assert (await post(app, "links", {"name": "third", "before": "next"}))[0] == 401
    assert (await post(app, "links", {"name": "third", "before": "good"}))[0] == 201


async def test_lists_of_a_row_that_is_not_there_are_empty(app: App) -> None:
    assert (await post(app, "sums", {"limit": 1}, "bob"))[0] == 201
    assert (await post(app, "sums", {"limit": 0}, "bob"))[0] == 403
    assert (await post(app, "sums", {"limit": 1}, "ada"))[0] == 403
    assert (await post(app, "sums", {"limit": 1, "open": False}, "bob"))[0] == 403
