"""The ways to ask who may do what, each held against CPython's verdict."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias, TypeVar

import msgspec

from kingpost import Invalid, KingpostError
from kingpost.base.errors import NotFound, Rejected
from kingpost.engine.context import Context
from kingpost.engine.engine import Engine
from kingpost.language.parse_text import parse_text
from kingpost.language.tree import FALSE
from kingpost.plan.intent import Condition, Expressed, Read, SortKey, SummaryOf
from tests.engine.society import DATA, Row
from tests.engine.society_rules import Case
from tests.engine.verdicts import Verdict
from tests.language.cases import Disagreement

T = TypeVar("T")


class Undo(Exception):
    """Ends a transaction that leaves nothing."""


@dataclass
class Trial:
    """One rule set asked by one actor on one store.

    Of the variants of a way only one is asked, which of them `turn` says; without a turn all.
    """

    engine: Engine
    context: Context
    case: Case
    verdict: Verdict
    turn: int | None = None

    @property
    def named(self) -> bool:
        """Whether the actor may name `stars` at all: its rule is not of himself alone and false."""
        return self.engine.plans.standing(self.context).member("Note", "stars") != FALSE

    def some(self, variants: Sequence[T]) -> Sequence[T]:
        """Those whose turn it is."""
        return variants if self.turn is None else [variants[self.turn % len(variants)]]

    def same(self, found: Any, expected: Any, what: str) -> None:
        if found != expected:
            raise Disagreement(f"{what}, asked by {self.verdict.me}: {found} instead of {expected}\n{self.case}")

    async def ask(self, read: Read) -> Any:
        """The items as JSON has them."""
        page = await self.engine.page(read, self.context)
        return msgspec.json.decode(msgspec.json.encode(page.items))

    async def ids(self, read: Read) -> list[int] | None:
        try:
            return [item.m0 for item in (await self.engine.page(read, self.context)).items]
        except NotFound:
            return None

    async def refused(self, read: Read, what: str) -> None:
        try:
            await self.ask(read)
        except Invalid:
            return
        self.same("answered", "refused", what)


ID = (("id",),)
STARS = (("stars",),)

# -------------------------------------------------------------------------------------------------------- what one sees


async def lists(trial: Trial) -> None:
    for name in ("Note", *trial.some(["Person", "Reply", "Tag"])):
        found = await trial.ids(Read(name, fields=ID, limit=1000))
        trial.same(found, trial.verdict.visible[name], f"list of {name}")


async def counts(trial: Trial) -> None:
    for name in trial.some(list(DATA)):
        page = await trial.engine.page(Read(name, fields=ID, limit=1, count=True), trial.context)
        trial.same(page.total, len(trial.verdict.visible[name]), f"count of {name}")


async def single_reads(trial: Trial) -> None:
    named = trial.named
    for id in DATA["Note"]:
        expected: Any = None
        if id in trial.verdict.visible["Note"]:
            expected = {"id": id, "stars": trial.verdict.stars[id]} if named else {"id": id}
        await _single(trial, Read("Note", (id,), fields=ID + STARS if named else ID), expected)
    for name in trial.some(["Person", "Reply", "Tag"]):
        for id in DATA[name]:
            expected = {"id": id} if id in trial.verdict.visible[name] else None
            await _single(trial, Read(name, (id,), fields=ID), expected)


async def _single(trial: Trial, read: Read, expected: Any) -> None:
    try:
        one = await trial.engine.one(read, trial.context)
        found = msgspec.json.decode(msgspec.json.encode(one.item))
    except NotFound:
        found = None
    trial.same(found, expected, f"single read of {read.resource} {read.key}")


async def includes(trial: Trial) -> None:
    verdict, named = trial.verdict, trial.named
    if not named:
        await trial.refused(Read("Note", fields=STARS), "stars of a note")

    def many(notes: list[Row]) -> list[dict[str, Any]]:
        return [{"id": note.id, "stars": verdict.stars[note.id]} if named else {"id": note.id} for note in notes]

    def person(row: Row | None, *, notes: bool = False) -> Any:
        if row is None or row._key not in verdict.visible["Person"]:
            return None if row is None else {"id": row._key}
        shown = {"id": row.id, "nick": row.nick}
        return {**shown, "notes": many(row.notes)} if notes else shown

    variants: dict[str, Callable[[Row], dict[str, Any]]] = {
        "author.id author.nick author.notes.id author.notes.stars": lambda n: {"author": person(n.author, notes=True)},
        "reader.id reader.nick replies.id replies.author.id replies.author.nick": lambda n: {
            "reader": person(n.reader),
            "replies": [{"id": reply.id, "author": person(reply.author)} for reply in n.replies],
        },
        "tags.id tags.notes.id tags.notes.stars": lambda n: {
            "tags": [{"id": tag.id, "notes": many(tag.notes)} for tag in sorted(n.tags, key=lambda tag: tag.id)]
        },
    }
    for paths, expected in trial.some(list(variants.items())):
        asked = [path for path in f"id stars {paths}".split() if named or "stars" not in path]
        read = Read("Note", fields=tuple(tuple(path.split(".")) for path in asked), limit=1000)
        rows = [{**own, **expected(note)} for own, note in zip(many(verdict.notes), verdict.notes, strict=True)]
        trial.same(await trial.ask(read), rows, f"include of {paths}")


# ------------------------------------------------------------------------------------------ what follows from many rows


COUNT = SummaryOf("count", (), "n")


async def aggregates(trial: Trial) -> None:
    for variant in trial.some([_summary, _groups]):
        await variant(trial)


async def _summary(trial: Trial) -> None:
    verdict, named = trial.verdict, trial.named
    summaries = (COUNT, SummaryOf("sum", ("stars",), "s"), SummaryOf("max", ("stars",), "m"))
    if not named:
        await trial.refused(Read("Note", summaries=summaries), "summary of stars")
        summaries = summaries[:1]
    stars = [star for star in verdict.stars.values() if star is not None]
    expected = {"n": len(verdict.stars), "s": sum(stars), "m": max(stars, default=None)}
    expected = {one.name: expected[one.name] for one in summaries}
    trial.same(await trial.ask(Read("Note", summaries=summaries)), [expected], "summary")


async def _groups(trial: Trial) -> None:
    groups: dict[Any, int] = {}
    for note in trial.verdict.notes:
        nick = trial.verdict.nick(note.author)
        groups[nick] = groups.get(nick, 0) + 1
    rows = await trial.ask(Read("Note", group=(("author", "nick"),), summaries=(COUNT,)))
    trial.same({row["author.nick"]: row["n"] for row in rows}, groups, "groups through a relation")


async def pages(trial: Trial) -> None:
    nicks = {note.id: trial.verdict.nick(note.reader) for note in trial.verdict.notes}
    orders: list[tuple[tuple[str, ...], dict[int, Any], bool]] = []
    for descending in (False, True):
        orders.append((("reader", "nick"), nicks, descending))
        orders.append((("stars",), trial.verdict.stars, descending))
    for path, values, descending in trial.some(orders):
        if path != ("stars",) or trial.named:
            await _page_by_page(trial, path, values, descending)
        else:
            await trial.refused(Read("Note", fields=ID, sort=(SortKey(path, descending),)), "sort by stars")


async def _page_by_page(trial: Trial, path: tuple[str, ...], values: Mapping[int, Any], descending: bool) -> None:
    """None lowest; rows of equal values by key, in the same direction."""
    notes = sorted(trial.verdict.visible["Note"], reverse=descending)
    notes.sort(key=lambda id: (values[id] is not None, values[id] or type(values[id])()), reverse=descending)
    found: list[int] = []
    after: str | None = None
    for _ in range(10):
        read = Read("Note", fields=ID, sort=(SortKey(path, descending),), limit=2, after=after)
        page = await trial.engine.page(read, trial.context)
        found += [item.m0 for item in page.items]
        after = page.next
        if after is None:
            break
    trial.same(found, notes, f"page by page by {'-' if descending else ''}{'.'.join(path)}")


# ---------------------------------------------------------------------------------------------- what an actor looks for


async def filters(trial: Trial) -> None:
    verdict = trial.verdict

    def with_stars(note: Row) -> bool:
        return (verdict.stars[note.id] or 0) >= 1

    variants: list[tuple[Condition, Callable[[Row], bool]]] = [
        (Condition(("author", "nick"), "eq", "a", raw=False), lambda n: verdict.nick(n.author) == "a"),
        (
            Condition(("reader", "nick"), "startswith", "a", raw=False),
            lambda n: (verdict.nick(n.reader) or "").startswith("a"),
        ),
        (Condition(("replies", "score"), "gt", 1, raw=False), lambda n: any((r.score or 0) > 1 for r in n.replies)),
        (
            Condition(("tags", "notes", "text"), "eq", "b", raw=False),
            lambda n: any(m.text == "b" for t in n.tags for m in t.notes),
        ),
        (Condition(("stars",), "ge", 1, raw=False), with_stars),
    ]
    for condition, expected in trial.some(variants):
        read = Read("Note", fields=ID, conditions=(condition,), limit=1000)
        if condition.path == ("stars",) and not trial.named:
            await trial.refused(read, "filter by stars")
        else:
            found = await trial.ids(read)
            trial.same(found, [note.id for note in verdict.notes if expected(note)], f"filter by {condition.path}")


async def searches(trial: Trial) -> None:
    found = await trial.ids(Read("Note", fields=ID, search="A", limit=1000))
    trial.same(found, [note.id for note in trial.verdict.notes if "a" in note.text.lower()], "search")


async def relations(trial: Trial) -> None:
    for name in trial.some(["replies", "tags"]):
        for id in (1, 4, 6):
            found = await trial.ids(Read("Note", (id,), name, fields=ID, limit=1000))
            expected: Any = None
            if id in trial.verdict.visible["Note"]:
                expected = sorted(row.id for row in getattr(trial.verdict.seen["Note"][id], name))
            trial.same(found, expected, f"{name} of note {id}")


async def wheres(trial: Trial) -> None:
    text = trial.case.where
    where = Expressed(parse_text(text), shape=text, text=True)
    try:
        found = await trial.ids(Read("Note", fields=ID, conditions=(where,), limit=1000))
    except Invalid:
        return
    except Rejected as error:
        if error.code == "KP123":  # with the guards on its steps it looks at more lists than a question may
            return
        raise
    trial.same(found, trial.verdict.finds(text), f"where {text}")


# --------------------------------------------------------------------------------------------------- what an actor does


async def checks(trial: Trial) -> None:
    """The check on one object: of changing each note, and of reading each row."""
    asked = [("update", "Note"), *(("read", name) for name in trial.some(list(DATA)))]
    for verb, name in asked:
        for id in DATA[name]:
            allowed = await trial.engine.allows(name, (id,), verb, trial.context)
            trial.same(allowed, trial.verdict.may(verb, name, id), f"check of {verb} on {name} {id}")


async def updates(trial: Trial) -> None:
    change = {name: trial.case.note[name] for name in ("stars", "reader", "done")}
    for id in trial.some([1, 2, 3, 4]):
        done = await _tries(trial, trial.engine.update, "Note", (id,), given(change))
        trial.same(done, trial.verdict.may_change(id, change), f"update of note {id} to {change}")


async def creations(trial: Trial) -> None:
    values = trial.case.note
    done = await _tries(trial, trial.engine.create, "Note", {"id": 9, **given(values)})
    trial.same(done, trial.verdict.may_create(9, values), f"creation of {values}")


async def _tries(trial: Trial, write: Any, *what: Any) -> bool:
    done = False
    try:
        async with trial.engine.transaction():
            await write(*what, trial.context)
            done = True
            raise Undo
    except (Undo, KingpostError):
        return done


def given(values: Mapping[str, Any]) -> dict[str, Any]:
    """Values as the engine takes them: a reference is a key, and a key a tuple."""
    made = dict(values)
    for name in ("author", "reader", "note", "boss"):
        if made.get(name) is not None:
            made[name] = (made[name],)
    if "tags" in made:
        made["tags"] = [(tag,) for tag in made["tags"]]
    return made


Way: TypeAlias = Callable[[Trial], Awaitable[None]]

SEEING: dict[str, Way] = {
    "list": lists,
    "single read": single_reads,
    "count": counts,
    "include": includes,
    "aggregate": aggregates,
    "page": pages,
    "check on one object": checks,
}
BESIDES: dict[str, Way] = {
    "filter": filters,
    "search": searches,
    "relation": relations,
    "where": wheres,
    "update": updates,
    "creation": creations,
}
WAYS = {**SEEING, **BESIDES}
