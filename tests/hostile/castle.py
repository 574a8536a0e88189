"""An application with every kind of field, key, relation and rule: the vault's resources, and those here.

Whatever nobody may read is named `canary` here, and whatever somebody may not read holds the word in its value: neither
may be in any answer to him.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, Literal
from uuid import UUID

from kingpost import (
    App,
    FrozenClock,
    Json,
    Markdown,
    Resource,
    action,
    allow,
    anyone,
    as_system,
    authenticated,
    computed,
    field,
    unique,
)
from tests.engine import vault
from tests.engine.vault import AT, Grade, Held, Member

BOSS = "me is not None and me.role == 'boss'"


@dataclass
class Spot:
    """Embedded, with an embedded value and a list inside."""

    x: int
    label: str = ""
    inner: dict[str, Any] | None = None


class Relic(Resource, read=anyone, write=authenticated):
    """A field of each type."""

    name: str = field(max_length=120, search=True)
    text: Markdown = ""
    count: int = field(default=0, ge=-10_000_000_000)
    weight: float = 1.0
    price: Decimal = field(default=Decimal("1.50"), max_digits=12, decimal_places=2)
    real: bool = True
    grade: Grade = Grade.private
    size: Literal[1, 2, 3] = 1
    mood: Literal["good", "bad"] = "good"
    made: date | None = None
    opens: time | None = None
    lasts: timedelta | None = None
    seen: datetime | None = None
    mark: UUID | None = None
    raw: bytes = b""
    spot: Spot | None = None
    tags: list[str] = []
    data: Json = None
    limit: str = ""
    once: str = field(default="", once=True, max_length=40)
    fixed: str = field(default="fixed", readonly=True)
    serial: int | None = field(default=None, unique=True, read=BOSS)
    rank: int = field(default=7, writeonly=True)
    holder: Member | None = None
    parts: list[Part] = field(inverse="relic", nested=True)
    kin: list[Relic] = []

    @computed
    def heavy(self) -> bool:
        return self.weight > 10

    @computed
    def pieces(self) -> int:
        return len(self.parts)

    @computed
    def worth(self) -> int:
        return sum(p.number for p in self.parts)

    @allow("polish", "swap")
    def anybody(self, me: Member | None) -> bool:
        return me is not None

    @action
    def polish(self, times: int = 1, note: str | None = None, at: datetime | None = None) -> Relic:
        """Count it."""
        self.count += times
        return self

    @action
    def swap(self, with_: Relic, others: list[Member] = [], spot: Spot | None = None) -> int:  # noqa: B006
        """Inputs that are rows."""
        return len(others) + (0 if with_ is None else 1)

    @allow("tally")
    def all_may(self) -> bool:
        return True

    @action
    @classmethod
    async def tally(cls, about: Json = None, least: Decimal = Decimal(0)) -> int:
        """An action on all of them."""
        return await cls.all().count()


class Part(Resource, read=anyone, write=authenticated):
    relic: Relic
    number: int
    text: str = field(default="", max_length=500, search=True)


class Seat(Resource, read=anyone, write=authenticated):
    """A composite key."""

    room: str = field(key=True, max_length=40)
    number: int = field(key=True)
    taken: bool = False
    sittings: list[Sitting] = field(inverse="seat")


class Sitting(Resource, read=anyone, write=authenticated):
    """A reference to a composite key, as part of the key."""

    seat: Seat = field(key=True)
    day: date = field(key=True)
    member: Member | None = None


class Coin(Resource, read=anyone, write=authenticated):
    """A key of whole numbers."""

    number: int = field(key=True)
    owner: Member | None = None


class Rune(Resource, read=anyone, write=authenticated):
    """A key of text."""

    sign: str = field(key=True, max_length=60)
    loud: bool = False


class Oath(Resource, read=anyone, write=authenticated):
    """What only the boss may read is part of what must be unique, and of what is computed."""

    word: str = field(max_length=40)
    steps: int = 1
    canary_to: int = field(default=0, read=BOSS, write=BOSS)
    constraints = [unique("word", "canary_to")]

    @computed(stored=True, read=BOSS)
    def canary_pace(self) -> int:
        return 100 // self.steps


class Guild(Resource, read=anyone):
    """Its rules look at the lists of the very row that is written."""

    name: str = field(key=True, max_length=40)
    motto: str | None = field(default=None, unique=True, max_length=40)
    rank: int = field(default=0, unique=True)
    relics: list[Relic] = []
    posts: list[Post] = field(inverse="guild", nested=True)

    @allow("create", "update")
    def of_ours(self, me: Member | None) -> bool:
        return (
            me is not None
            and any(r.holder == me for r in self.relics)
            and all(p.rank < 10 for p in self.posts)
            and (self.motto is None or self.motto != "evil")
        )


class Post(Resource, read=anyone, write=authenticated):
    guild: Guild
    rank: int


class Ghost(Resource):
    """No rule speaks of it: nobody reads or writes it, and it holds on to others."""

    relic: Relic
    canary_whisper: str = field(default="canary-whisper", max_length=80)


class Echo(Resource, store="side", read=anyone, write=authenticated):
    """Rows of another store."""

    relic: Relic
    loudness: int = 0
    said: str = field(default="", max_length=80)


OWN: tuple[type[Resource], ...] = (Relic, Part, Seat, Sitting, Coin, Rune, Oath, Guild, Post, Ghost, Echo)
RESOURCES: tuple[type[Resource], ...] = (*vault.RESOURCES, *OWN)


class Castle(App):
    """The application; a request acts as the member whose name is in the header X-Actor."""

    people: dict[bytes, Member]

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            name = next((value for header, value in scope["headers"] if header == b"x-actor"), None)
            if name is not None and "kingpost.actor" not in scope:
                scope["kingpost.actor"] = await self._person(name)
        await super().__call__(scope, receive, send)

    async def _person(self, name: bytes) -> Member | None:
        known = self.__dict__.setdefault("people", {})
        if name not in known:
            with self.acting(None), as_system("the actor of a request"):
                found = await Member.where(name=name.decode()).first()
            known[name] = found
        person: Member | None = known[name]
        return person


def castle(main: str, side: str, **options: Any) -> Castle:
    """The application on two stores."""
    return Castle(
        "castle", resources=RESOURCES, stores={"main": main, "side": side}, actor=Member,
        clock=FrozenClock(AT), secret=b"castle", **options,
    )  # fmt: skip


@dataclass
class Treasure:
    """What is in the castle, besides what is in the vault."""

    held: Held
    relic: Relic
    haunted: Relic
    kin: Relic
    part: Part


async def furnish() -> Treasure:
    """Rows of every kind."""
    held = await vault.fill()
    with as_system("test data"):
        relic = Relic(
            name="Sword", count=3, weight=12.5, made=date(2020, 2, 29), opens=time(8, 30), lasts=timedelta(hours=5),
            seen=datetime(2026, 1, 1, tzinfo=UTC), mark=UUID(int=5), raw=b"\0\xff", spot=Spot(1, "a", {"b": [1]}),
            tags=["x", "y"], data={"a": [1, None]}, serial=777_001, holder=held.ann,
        )  # fmt: skip
        haunted, kin = Relic(name="Mirror", serial=777_002), Relic(name="Ring")
        for each in (relic, haunted, kin):
            await each.save()
        relic.kin = [kin, haunted]
        await relic.save()
        parts = [Part(relic=relic, number=number, text=f"part {number}") for number in range(5)]
        for part in parts:
            await part.save()
        for number in range(3):
            seat = Seat(room="A,1", number=number)
            await seat.save()
            await Sitting(seat=seat, day=date(2026, 5, 1), member=held.ben).save()
            await Coin(number=number, owner=held.cat).save()
            await Rune(sign=("plain", "a/b", "c,d%20")[number]).save()
            await Echo(relic=relic, loudness=number, said=f"echo {number}").save()
        await Ghost(relic=haunted).save()
        await Relic(name="Shield", holder=held.ben).save()
        await Guild(name="taken", motto="taken", rank=1, relics=[relic]).save()
    return Treasure(held, relic, haunted, kin, parts[0])
