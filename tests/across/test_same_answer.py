"""One declaration, in one SQLite file, in one Redis, and spread over stores of several kinds: the same bytes."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any

import pytest

from kingpost import as_system
from kingpost.engine.context import Context
from kingpost.testing import Client
from tests.across.press import AT, press, rows
from tests.across.questions import Question, question
from tests.services.mariadb import MariaDBServer
from tests.services.mongo import MongoServer
from tests.services.postgres import PostgresServer
from tests.services.redis import RedisServer
from tests.soak import FIRST_SEED, count

QUESTIONS = count(600, 10_000)
BATCH = 100
PAGES = 3
PLACES = {"Author": "people", "Comment": "desk", "View": "events", "Tag": "words", "Country": "atlas"}


class Newspaper:
    """The domain with its rows, and whoever may ask."""

    def __init__(self, runner: asyncio.Runner, url: str | Mapping[str, str], places: Mapping[str, str]) -> None:
        self._run = runner.run
        self._app = press(url, places)
        self._client = Client(self._app)
        self._run(self._begin())

    async def _begin(self) -> None:
        await self._client.__aenter__()
        await self._app.sync()
        context = Context(None, AT, "rows of the test")
        for name, made in rows().items():
            found = self._app.model[name]
            for row in made:
                await self._app.engine.create(name, _accepted(found, row), context)
        with as_system("actors"):
            people: Any = self._app.model["Author"].cls
            self._people = {None: None, **{person.id: person for person in await people.all()}}

    def close(self) -> None:
        self._run(self._client.__aexit__(None, None, None))

    def answers(self, asked: Question) -> list[tuple[int, bytes]]:
        """The status and the body of each page, without the cursor, which is no part of the answer."""
        return self._run(self._answers(asked))

    async def _answers(self, asked: Question) -> list[tuple[int, bytes]]:
        found: list[tuple[int, bytes]] = []
        path, cursor = asked.path, None
        for _ in range(PAGES if asked.pages else 1):
            more = f"{'&' if '?' in path else '?'}after={cursor}" if cursor else ""
            answer = await self._client.get(path + more, actor=self._people[asked.actor])
            cursor = answer.json().get("next") if asked.pages and answer.status_code == 200 else None
            body = answer.content.replace(json.dumps(cursor).encode(), b"more") if cursor else answer.content
            found.append((answer.status_code, body))
            if cursor is None:
                break
            if "offset=" in path:
                break
        return found


def _accepted(found: Any, row: dict[str, Any]) -> dict[str, Any]:
    """References as tuples of keys, as the door hands them on."""
    accepted = dict(row)
    for name, relation in found.relations.items():
        if name in row and row[name] is not None:
            accepted[name] = (row[name],) if relation.kind == "one" else [(key,) for key in row[name]]
    return accepted


@pytest.fixture(scope="module")
def newspapers(
    postgres_server: PostgresServer,
    mariadb_server: MariaDBServer,
    mongo_server: MongoServer,
    redis_server: RedisServer,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[dict[str, Newspaper]]:
    folder = tmp_path_factory.mktemp("press")
    (folder / "events").mkdir()
    (folder / "events" / "view.csv").write_text("id,minutes,article_id\n")
    spread = {
        "main": (articles := postgres_server.create_database()),
        "people": (people := mariadb_server.create_database()),
        "events": f"csv:///{folder}/events?append=yes&cache={folder}/cache",
        "desk": (documents := mongo_server.create_database()),
        "words": f"duckdb:///{folder}/words.duckdb",
        "atlas": redis_server.url(),
    }
    with asyncio.Runner() as runner:
        made = {
            "one": Newspaper(runner, f"sqlite:///{folder}/press.db", MappingProxyType({})),
            "keyed": Newspaper(runner, redis_server.url(), MappingProxyType({})),
            "spread": Newspaper(runner, spread, PLACES),
        }
        yield made
        for one in made.values():
            one.close()
    mariadb_server.drop_database(people)
    mongo_server.drop_database(documents)
    postgres_server.drop_database(articles)


@pytest.mark.soak
@pytest.mark.parametrize("batch", range(QUESTIONS // BATCH))
def test_the_same_bytes(newspapers: dict[str, Newspaper], batch: int) -> None:
    statuses: Counter[int] = Counter()
    for number in range(FIRST_SEED + batch * BATCH, FIRST_SEED + (batch + 1) * BATCH):
        asked = question(number)
        one = newspapers["one"].answers(asked)
        for other in ("keyed", "spread"):
            assert newspapers[other].answers(asked) == one, f"question {number}, {other}: {asked}"
        statuses.update(status for status, _ in one)
    assert statuses[200] > BATCH / 2, statuses
    assert statuses[500] == 0
