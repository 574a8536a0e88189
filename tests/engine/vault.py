"""A domain with something to hide in every place: rows, fields, relations, links, tenants, what is deleted.

Whatever somebody may not read holds the word `canary`; no answer to him may hold it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import Any, Literal

from kingpost import (
    App,
    FrozenClock,
    Resource,
    action,
    actor,
    allow,
    anyone,
    as_system,
    authenticated,
    computed,
    deny,
    field,
    now,
)

AT = datetime(2026, 5, 1, 12, tzinfo=UTC)
LIMIT = 10


class Grade(Enum):
    private = "p"
    captain = "c"


@dataclass
class Address:
    """Embedded in a member."""

    city: str


class Team(Resource, read=anyone):
    name: str = field(max_length=80)


class Member(Resource):
    """The actor. A shy one is seen by nobody else."""

    name: str = field(max_length=80, search=True)
    team: Team
    role: Literal["member", "boss"] = "member"
    grade: Grade = Grade.private
    shy: bool = False
    email: str = field(unique=True, max_length=200, search=True, read="self == me")
    salary: int = field(default=0, read="me is not None and me.role == 'boss'")
    home: Address | None = field(default=None, read="self == me")
    mentor: Member | None = field(default=None, read="self == me")
    manager: Member | None = None
    documents: list[Document] = field(inverse="owner")
    tasks: list[Task] = field(through="Assignment")

    @computed
    def paid(self) -> int:
        return self.salary * 2

    @computed(read="self == me")
    def initials(self) -> str:
        return self.email[:6]

    @computed
    def above(self) -> bool:
        return self.salary > LIMIT

    @allow("read")
    def seen(self, me: Member | None) -> bool:
        return not self.shy or (me is not None and self == me)

    @allow("update", "delete")
    def own(self, me: Member | None) -> bool:
        return me is not None and self == me


class Label(Resource, write=authenticated):
    name: str = field(unique=True, max_length=120, search=True)
    secret: bool = False
    documents: list[Document] = field(inverse="labels")

    @allow("read")
    def shown(self) -> bool:
        return not self.secret


class Document(Resource, tenant="team", soft_delete=True):
    title: str = field(max_length=200, search=True)
    team: Team
    owner: Member = field(default=actor, write="me is not None and self.owner == me")
    draft: bool = False
    until: datetime | None = None
    number: int | None = None
    note: str = field(default="", max_length=200, search=True, read="me is not None and self.owner == me")
    price: int = field(default=0, write="me is not None and me.role == 'boss'")
    password: str = field(default="", max_length=80, writeonly=True)
    labels: list[Label] = field(default_factory=list, ordered=True)
    pages: list[Page] = field(inverse="document", nested=True)

    @computed
    def length(self) -> int:
        return len(self.pages)

    @allow("read")
    def seen(self, me: Member | None) -> bool:
        return (not self.draft or (me is not None and self.owner == me)) and (self.until is None or self.until > now())

    @allow("create", "update", "delete", "sign", "give", "leak")
    def somebody(self, me: Member | None) -> bool:
        return me is not None

    @deny("create", "update", "sign")
    def captains(self, me: Member | None) -> bool:
        return me is not None and me.grade == Grade.captain

    @deny("delete")
    def numbered(self) -> bool:
        return self.number is not None and self.number > LIMIT

    @action
    def sign(self) -> str:
        self.title += " signed"
        return self.title

    @action
    def give(self, team: Team) -> None:
        self.team = team

    @action
    def leak(self) -> Document:
        self.number = 7
        return self


class Page(Resource, soft_delete=True, write=authenticated):
    document: Document
    text: str = field(max_length=500, search=True)
    hidden: bool = False

    @allow("read")
    def shown(self) -> bool:
        return not self.hidden


class Task(Resource, read=anyone):
    name: str = field(max_length=80)
    members: list[Member] = field(inverse="tasks")


class Assignment(Resource, soft_delete=True):
    """Who does what is known to himself alone."""

    member: Member
    task: Task

    @allow("read")
    def own(self, me: Member | None) -> bool:
        return me is not None and self.member == me

    @allow("delete")
    def ended(self, me: Member | None) -> bool:
        return me is not None and self.member == me


class Ticket(Resource, read=anyone):
    """Its rules look at other rows, so that the store has the last word."""

    code: str = field(unique=True, max_length=80)
    grade: Grade = Grade.private
    document: Document | None = None

    @allow("create", "update")
    def owner_of_document(self, me: Member | None) -> bool:
        return me is not None and self.document is not None and self.document.owner == me

    @deny("create", "update")
    def no_captains(self) -> bool:
        return self.grade == Grade.captain


class Medal(Resource, read=anyone):
    grade: Grade = Grade.private

    @allow("create", "update")
    def low(self, me: Member | None) -> bool:
        return me is not None and self.grade != Grade.captain


class Form(Resource, read=anyone):
    """Its creation is replaced; what may be written stays a question of rules."""

    text: str = field(max_length=80)
    approved: bool = field(default=False, write="me is not None and me.role == 'boss'")

    @allow("create", "update")
    def somebody(self, me: Member | None) -> bool:
        return me is not None

    @action
    @classmethod
    async def create(cls, new: Form) -> Form:
        await new.save()
        return new


RESOURCES = (Team, Member, Label, Document, Page, Task, Assignment, Ticket, Medal, Form)


def vault(url: str, **options: Any) -> App:
    """The domain on one store."""
    stores = {"main": url}
    return App("vault", resources=RESOURCES, stores=stores, actor=Member, clock=FrozenClock(AT), secret=b"v", **options)


@dataclass
class Held:
    """What is in the vault. `ann` and `ben` are of one team, `cat` of another; `shy` is of the first, and hidden."""

    red: Team
    blue: Team
    ann: Member
    ben: Member
    cat: Member
    boss: Member
    captain: Member
    shy: Member
    open: Label
    closed: Label
    public: Document
    draft: Document
    gone: Document
    other: Document
    task: Task
    secret_task: Task


async def fill() -> Held:
    """Rows of every kind, hidden ones among them."""
    with as_system("test data"):
        red, blue = Team(name="Red"), Team(name="Blue")
        for team in (red, blue):
            await team.save()

        async def member(name: str, team: Team, **more: Any) -> Member:
            word = "plain" if name in ("Ben", "Boss") else "canary"
            made = Member(name=name, team=team, email=f"{word}-{name}@example.org", **more)
            await made.save()
            return made

        boss = await member("Boss", red, role="boss", salary=1000)
        shy = await member("canary-shy", red, shy=True, salary=777, home=Address("canary-town"))
        ann = await member("Ann", red, salary=5, mentor=shy, manager=shy, home=Address("canary-city"))
        ben = await member("Ben", red, salary=50, manager=ann)
        cat = await member("Cat", blue, salary=60)
        captain = await member("Captain", red, grade=Grade.captain)
        open_, closed = Label(name="open"), Label(name="canary-label", secret=True)
        for label in (open_, closed):
            await label.save()

        async def document(title: str, owner: Member, team: Team = red, **more: Any) -> Document:
            made = Document(title=title, owner=owner, team=team, **more)
            await made.save()
            return made

        public = await document("Public", ann, note="canary-note", labels=[open_, closed], password="canary-word")
        draft = await document("canary-draft", ann, draft=True, labels=[open_], number=3)
        gone = await document("canary-gone", ann, number=4, labels=[open_])
        other = await document("canary-other", cat, blue, number=5)
        await Page(document=public, text="first").save()
        await Page(document=public, text="canary-page", hidden=True).save()
        await Page(document=draft, text="of a draft").save()
        dead = Page(document=public, text="canary-dead")
        await dead.save()
        await dead.delete()
        await gone.delete()
        task, secret_task = Task(name="Sweep"), Task(name="Spy")
        for each in (task, secret_task):
            await each.save()
        await Assignment(member=ann, task=task).save()
        await Assignment(member=ben, task=secret_task).save()
        ended = Assignment(member=ann, task=secret_task)
        await ended.save()
        await ended.delete()
    return Held(
        red, blue, ann, ben, cat, boss, captain, shy, open_, closed, public, draft, gone, other, task, secret_task
    )


LATER = AT + timedelta(days=1)
