"""MongoDB answers as CPython does, which runs the very functions, or says that it can't.

The cases are those of the oracle of the SQL stores. Each is asked about every nasty row: for whom it is surely true,
for whom surely false, what its value is, how it sorts, and in groups. What MongoDB refuses is done in memory by the
engine; how much of the language it does itself is held here.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

import pytest
from bson.codec_options import CodecOptions

from kingpost.base.errors import Unsupported
from kingpost.language.evaluate import UNKNOWN
from kingpost.language.tree import Not
from kingpost.language.types import BOOL
from kingpost.plan.select import Order, Select
from kingpost.stores.contract import OutOfRange, Rows, StoreError
from kingpost.stores.mongo.layout import layouts
from kingpost.stores.mongo.store import MongoStore
from tests.language.cases import Case, Understood, answers, case, understood
from tests.language.domain import NASTY
from tests.language.found import FOUND
from tests.language.found import TYPES as FOUND_TYPES
from tests.language.writer import TYPES
from tests.services.mongo import MongoServer
from tests.soak import FIRST_SEED, count
from tests.stores.sql.databases import MODEL, MemoryDatabase, StoreRefused
from tests.stores.sql.every_row import ROW
from tests.stores.sql.oracle import Disagreement, alike, filtered, rank, same, summaries

# CPython warns of `3 is None`, which is written here like anything else.
pytestmark = pytest.mark.filterwarnings("ignore::SyntaxWarning")

CASES = count(30, 5_000)
CODEC: CodecOptions[dict[str, Any]] = CodecOptions(uuid_representation=4, tz_aware=True)
SAID = 0.6
"""How much of what the language can say MongoDB says itself, at least."""


class MongoDatabase(MemoryDatabase):
    """The nasty rows in MongoDB."""

    def __init__(self, runner: asyncio.Runner, store: MongoStore) -> None:
        super().__init__()
        self.runner, self.store = runner, store

    def ask(self, select: Select, params: Mapping[str, object]) -> list[list[Any]]:
        try:
            return [list(row) for row in self.runner.run(self._fetch(select, params))]
        except OutOfRange as error:
            raise StoreRefused(str(error)) from error
        except StoreError as error:
            if "InternalError" in str(error):  # SecantusDB where $sum leaves 64 bits; a mongod goes on with a double
                raise StoreRefused(str(error)) from error
            raise

    async def _fetch(self, select: Select, params: Mapping[str, object]) -> Rows:
        return await self.store.fetch(self.store.prepare(select), params)


@pytest.fixture(scope="module")
def database(mongo_server: MongoServer) -> Iterator[MongoDatabase]:
    url = mongo_server.create_database()
    with mongo_server.client() as client:
        for name, layout in layouts(MODEL, "main").items():
            documents = [
                {layout.paths[one.name]: layout.into[one.name](row[one.member]) for one in layout.columns.values()}
                for row in NASTY[name]
            ]
            client[urlsplit(url).path[1:]].get_collection(layout.collection, CODEC).insert_many(documents)
    with asyncio.Runner() as runner:
        store = MongoStore(url, MODEL, "main")
        runner.run(store.start())
        yield MongoDatabase(runner, store)
        runner.run(store.stop())
    mongo_server.drop_database(url)


def examine(database: MongoDatabase, found: Understood, number: int) -> None:
    """Ask a case in all ways; raises `Disagreement`, `Unsupported` and `StoreRefused`."""
    expected, tree, descending = answers(found), found.tree, number // 2 % 2 == 1
    plain = {key: None if answer is UNKNOWN else answer for key, answer in expected.items()}
    order = (Order(tree, descending), Order(ROW))
    rows = database.ask(Select("Person", (ROW, tree), order=order), found.params)
    assert len(rows) == len(expected)
    for key, value in rows:
        if not alike(value, plain[key], tree.type, rough=found.case.rough):
            raise Disagreement(f"of person {key}: {value!r} instead of {plain[key]!r}")
    if not found.case.rough:
        sorted_ = sorted(sorted(plain), key=lambda key: rank(plain[key]), reverse=descending)
        same([key for key, _ in rows], sorted_, "order")
    if tree.type == BOOL:
        for wanted in (True, False):
            asked = Select("Person", (ROW,), where=tree if wanted else Not(tree))
            keys = {key for (key,) in database.ask(asked, found.params)}
            same(keys, {key for key, answer in expected.items() if answer is wanted}, f"surely {wanted} of")
    (filtered if number % 2 else summaries)(database, found, expected, number)


@pytest.mark.parametrize("what", FOUND)
def test_what_was_once_wrong(database: MongoDatabase, what: str) -> None:
    found = understood(Case(FOUND[what], TYPES[FOUND_TYPES.get(what, "bool")], 1))
    assert not isinstance(found, str)
    try:
        examine(database, found, 0)
    except (Unsupported, StoreRefused):
        return


@pytest.mark.soak
def test_mongodb_agrees_with_cpython(database: MongoDatabase) -> None:
    outcomes: Counter[str] = Counter()
    number, asked = FIRST_SEED, 0
    while asked < CASES:
        number += 1
        made = case(number)
        found = understood(made)
        if isinstance(found, str):
            continue
        asked += 1
        try:
            examine(database, found, number)
        except Unsupported as error:
            outcomes[error.message] += 1
            outcomes["unsupported"] += 1
        except StoreRefused:
            outcomes["refused"] += 1
        except Exception as error:
            raise AssertionError(f"case {number}, me={made.me}, {made.type}: {made.text}") from error
        else:
            outcomes["agreed"] += 1
    print(outcomes.most_common())
    assert outcomes["refused"] < asked * 0.05
    assert outcomes["agreed"] >= asked * SAID
