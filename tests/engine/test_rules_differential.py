"""Rule sets written by chance: whichever way one asks, the engine's verdict is that of CPython on plain objects.

CPython grants where an `@allow` is surely true and every `@deny` surely false; where it raises it says neither.

2,000 rule sets in CI, the same ones in every run. Every actor asks each of them in every way of seeing: lists, single
reads, counts, includes, aggregates, pages by cursor, the check on one object; and in two of the other ways (filters,
searches, relations, `where`, writes). Stores and variants (which resource, order, include) take turns. `make soak` asks
everything of every store, about rule sets that were never asked before.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.engine.society import DATA
from tests.engine.society_rules import case
from tests.engine.verdict_worlds import World, everything, hold, in_turn, worlds
from tests.services.mariadb import MariaDBServer
from tests.services.postgres import PostgresServer
from tests.soak import FIRST_SEED, SOAKING, count

# CPython warns of `0(1)`, which a disagreement may be made shorter to.
pytestmark = pytest.mark.filterwarnings("ignore::SyntaxWarning")

RULE_SETS = count(2_000, 5_000)
BATCH = 100
ON_MARIADB = count(100, 5_000)


@pytest.fixture(scope="module")
def stores(postgres_server: PostgresServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, World]]:
    file, url = tmp_path_factory.mktemp("society") / "society.db", postgres_server.create_database()
    with worlds({"memory": "memory:", "sqlite": f"sqlite:///{file}", "postgres": url}) as made:
        yield made
    postgres_server.drop_database(url)


@pytest.fixture(scope="module")
def on_mariadb(mariadb_server: MariaDBServer) -> Iterator[dict[str, World]]:
    url = mariadb_server.create_database()
    with worlds({"mariadb": url}) as made:
        yield made
    mariadb_server.drop_database(url)


def test_the_rows_are_as_they_were_written(stores: dict[str, World]) -> None:
    for world in stores.values():
        assert set(world.people) == set(DATA["Person"])


@pytest.mark.soak
@pytest.mark.parametrize("batch", range(RULE_SETS // BATCH))
def test_every_way_agrees_with_cpython(stores: dict[str, World], batch: int) -> None:
    for number in range(FIRST_SEED + batch * BATCH, FIRST_SEED + (batch + 1) * BATCH):
        hold(stores, case(number), everything(stores) if SOAKING else in_turn(stores, number))


@pytest.mark.soak
@pytest.mark.parametrize("batch", range(ON_MARIADB // BATCH))
def test_every_way_agrees_with_cpython_on_mariadb(on_mariadb: dict[str, World], batch: int) -> None:
    for number in range(FIRST_SEED + batch * BATCH, FIRST_SEED + (batch + 1) * BATCH):
        hold(on_mariadb, case(number), everything(on_mariadb) if SOAKING else in_turn(on_mariadb, number))
