"""The society on each store, and rule sets asked there in every way; a disagreement is told by the smallest case."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from kingpost import as_system
from kingpost.engine.context import Context
from tests.engine.society import AT, DATA, society
from tests.engine.society_rules import Case, Rules, engine_of
from tests.engine.verdicts import Verdict
from tests.engine.ways import BESIDES, SEEING, WAYS, Trial, given
from tests.language.cases import Disagreement
from tests.language.shrink import shrink

ACTORS = (None, 1, 2, 4)


@dataclass(frozen=True)
class Spread:
    """Several stores by name, and which resource is in which."""

    stores: Mapping[str, str]
    places: Mapping[str, str]


class World:
    """The domain on one store or several, its rows in it, and a loop to ask it on."""

    def __init__(self, url: str | Spread) -> None:
        self.runner = asyncio.Runner()
        self.app = society(url) if isinstance(url, str) else society(url.stores, url.places)
        self.runner.run(self._start())

    async def _start(self) -> None:
        await self.app.start()
        await self.app.sync()
        context = Context(None, AT, "rows of the test")
        for name in ("Person", "Tag", "Note", "Reply"):
            rows = [{"id": id, **given(values)} for id, values in DATA[name].items()]
            if name == "Person":  # one's boss may come later
                await self.app.engine.create(name, [{**row, "boss": None} for row in rows], context)
                for row in rows:
                    await self.app.engine.update(name, (row["id"],), {"boss": row["boss"]}, context)
            else:
                await self.app.engine.create(name, rows, context)
        with as_system("actors"):
            people: Any = self.app.model["Person"].cls
            self.people: dict[int | None, Any] = {person.id: person for person in await people.all()}

    def close(self) -> None:
        self.runner.run(self.app.stop())
        self.runner.close()


@contextmanager
def worlds(urls: Mapping[str, str | Spread]) -> Iterator[dict[str, World]]:
    """A world on each store, by its name."""
    made = {name: World(url) for name, url in urls.items()}
    yield made
    for world in made.values():
        world.close()


@dataclass(frozen=True)
class Question:
    """Who asks which store in which way; of its variants, the one whose turn it is, or all."""

    store: str
    me: int | None
    way: str
    turn: int | None = None


def everything(stores: Mapping[str, World]) -> list[Question]:
    """Every actor asks every store in every way about everything."""
    return [Question(store, me, way) for store in stores for me in ACTORS for way in WAYS]


def in_turn(stores: Mapping[str, World], number: int) -> list[Question]:
    """Every actor asks in every way of seeing and in two others. Stores, variants and those two take turns."""
    names, turn = list(stores), number // len(stores)
    others = list(BESIDES)
    ways = (*SEEING, others[turn % len(others)], others[(turn + len(others) // 2) % len(others)])
    return [
        Question(names[(number + place) % len(names)], me, way, turn // len(others))
        for place, way in enumerate(ways)
        for me in ACTORS
    ]


def hold(stores: Mapping[str, World], case: Case, questions: list[Question]) -> None:
    """Ask all questions; a disagreement is told by the smallest case that shows it."""
    wrong = first_wrong(stores, case, questions)
    if wrong is not None:
        question, told = wrong
        small = _smaller(stores, case, question)
        raise Disagreement(f"{question}\n{first_wrong(stores, small, [question])}\nfound as\n{told}")


def first_wrong(stores: Mapping[str, World], case: Case, questions: list[Question]) -> tuple[Question, str] | None:
    """The first question with another answer than CPython's, and what is wrong about it."""
    rules = case.understood()
    assert rules is not None
    verdicts = {me: Verdict(rules, me) for me in {question.me for question in questions}}
    for name, world in stores.items():
        asked = [question for question in questions if question.store == name]
        wrong = world.runner.run(_asked(world, case, rules, verdicts, asked))
        if wrong is not None:
            return wrong
    return None


async def _asked(
    world: World, case: Case, rules: Rules, verdicts: Mapping[int | None, Verdict], questions: list[Question]
) -> tuple[Question, str] | None:
    engine = engine_of(world.app, rules.applied(world.app.model))
    for question in questions:
        context = Context(world.people.get(question.me), AT)
        trial = Trial(engine, context, case, verdicts[question.me], question.turn)
        try:
            await WAYS[question.way](trial)
        except Exception as error:
            return question, f"{type(error).__name__}: {error}"
    return None


def _smaller(stores: Mapping[str, World], case: Case, question: Question) -> Case:
    """The case with rules left out or made shorter, as long as the question is answered wrongly."""

    def shows(other: Case) -> bool:
        return other.understood() is not None and first_wrong(stores, other, [question]) is not None

    if case.stars is not None and shows(other := dataclasses.replace(case, stars=None)):
        case = other
    for slot, texts in case.rules.items():
        for place in range(len(texts), 0, -1):
            left = (*texts[: place - 1], *texts[place:])
            if shows(other := dataclasses.replace(case, rules={**case.rules, slot: left})):
                case, texts = other, left
        for place, text in enumerate(texts):

            def with_text(smaller: str, slot: Any = slot, place: int = place, case: Case = case) -> Case:
                given = case.rules[slot]
                return dataclasses.replace(
                    case, rules={**case.rules, slot: (*given[:place], smaller, *given[place + 1 :])}
                )

            case = with_text(shrink(text, lambda smaller: shows(with_text(smaller))))
    if case.stars is not None:
        case = dataclasses.replace(
            case, stars=shrink(case.stars, lambda text: shows(dataclasses.replace(case, stars=text)))
        )
    where = shrink(case.where, lambda text: shows(dataclasses.replace(case, where=text)))
    return dataclasses.replace(case, where=where, rules={slot: texts for slot, texts in case.rules.items() if texts})
