"""A domain spread over several stores: whichever way one asks, the answer is that of CPython on plain objects.

The same rule sets and ways of asking as in `test_rules_differential`; here each resource is in another store than those
it is related to, so that every rule, filter, order, page, summary and include crosses from one to another.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.engine.society_rules import case
from tests.engine.verdict_worlds import Spread, World, everything, hold, in_turn, worlds
from tests.services.mongo import MongoServer
from tests.services.postgres import PostgresServer
from tests.soak import FIRST_SEED, SOAKING, count

pytestmark = pytest.mark.filterwarnings("ignore::SyntaxWarning")

RULE_SETS = count(200, 10_000)
BATCH = 50
PLACES = {"Person": "people", "Reply": "talk", "Tag": "words"}


@pytest.fixture(scope="module")
def stores(
    postgres_server: PostgresServer, mongo_server: MongoServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, World]]:
    folder = tmp_path_factory.mktemp("spread")
    urls = [postgres_server.create_database() for _ in range(2)]
    documents = mongo_server.create_database()
    light = {"main": "memory:", "people": "memory:", "talk": "memory:", "words": f"sqlite:///{folder}/words.db"}
    heavy = {"main": urls[0], "people": documents, "talk": urls[1], "words": "memory:"}
    with worlds({"light": Spread(light, PLACES), "heavy": Spread(heavy, PLACES)}) as made:
        yield made
    mongo_server.drop_database(documents)
    for url in urls:
        postgres_server.drop_database(url)


@pytest.mark.soak
@pytest.mark.parametrize("batch", range(RULE_SETS // BATCH))
def test_every_way_agrees_with_cpython(stores: dict[str, World], batch: int) -> None:
    for number in range(FIRST_SEED + batch * BATCH, FIRST_SEED + (batch + 1) * BATCH):
        hold(stores, case(number), everything(stores) if SOAKING else in_turn(stores, number))
