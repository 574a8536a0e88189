"""The oracle, part 2: memory and the SQL databases must answer as CPython does, which runs the very functions.

5,000 cases in CI, the same ones in every run, and 100,000 by `make soak`, never asked before. Each is asked about every
nasty row: for whom it is surely true, for whom surely false, as a filter on one of the two, what its value is, how it
sorts, and in a group. `tests/language/cases.py` makes the cases; what once was wrong is named in `FOUND`.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.language.cases import Case, case
from tests.language.found import FOUND
from tests.language.found import TYPES as FOUND_TYPES
from tests.language.writer import TYPES
from tests.services.mariadb import MariaDBServer
from tests.services.postgres import PostgresServer
from tests.soak import FIRST_SEED, count
from tests.stores.sql.databases import (
    MemoryDatabase,
    duckdb_database,
    mariadb_database,
    postgres_database,
    sqlite_database,
)
from tests.stores.sql.oracle import Oracle

# CPython warns of `3 is None`, which is written here like anything else.
pytestmark = pytest.mark.filterwarnings("ignore::SyntaxWarning")

CASES = count(5_000, 100_000)
BATCH = 500
MARIADB_CASES = count(1_000, 100_000)


@pytest.fixture(scope="module")
def oracle(postgres_server: PostgresServer) -> Iterator[Oracle]:
    url = postgres_server.create_database()
    with sqlite_database() as sqlite, postgres_database(url) as postgres, duckdb_database() as duck:
        yield Oracle([MemoryDatabase(), sqlite, postgres, duck])
    postgres_server.drop_database(url)


@pytest.fixture(scope="module")
def mariadb_oracle(mariadb_server: MariaDBServer) -> Iterator[Oracle]:
    url = mariadb_server.create_database()
    with mariadb_database(url) as mariadb:
        yield Oracle([mariadb])
    mariadb_server.drop_database(url)


@pytest.mark.parametrize("what", FOUND)
@pytest.mark.parametrize("me", [None, 1])
def test_what_was_once_wrong(oracle: Oracle, what: str, me: int | None) -> None:
    for way in range(8):
        assert Oracle(oracle.databases).examine(Case(FOUND[what], TYPES[FOUND_TYPES.get(what, "bool")], me), way)


@pytest.mark.parametrize("what", FOUND)
@pytest.mark.parametrize("me", [None, 1])
def test_what_was_once_wrong_on_mariadb(mariadb_oracle: Oracle, what: str, me: int | None) -> None:
    once = Case(FOUND[what], TYPES[FOUND_TYPES.get(what, "bool")], me)
    for way in range(8):
        assert Oracle(mariadb_oracle.databases).examine(once, way)


@pytest.mark.soak
@pytest.mark.parametrize("batch", range(CASES // BATCH))
def test_stores_agree_with_cpython(oracle: Oracle, batch: int) -> None:
    hold(oracle, batch)


@pytest.mark.soak
@pytest.mark.parametrize("batch", range(MARIADB_CASES // BATCH))
def test_mariadb_agrees_with_cpython(mariadb_oracle: Oracle, batch: int) -> None:
    hold(mariadb_oracle, batch)


def hold(oracle: Oracle, batch: int) -> None:
    """Ask the cases of a batch."""
    # What the language refuses does not count: the numbers of a batch go on until enough was understood.
    number, understood = FIRST_SEED + batch * 10 * BATCH, 0
    while understood < BATCH:
        understood += oracle.hold(case(number), number)
        number += 1


@pytest.mark.parametrize(
    ("which", "names"),
    [("oracle", ("sqlite", "postgresql", "duckdb")), ("mariadb_oracle", ("mariadb",))],
    ids=["all", "mariadb"],
)
def test_what_stores_refuse_is_rare(request: pytest.FixtureRequest, which: str, names: tuple[str, ...]) -> None:
    oracle: Oracle = request.getfixturevalue(which)
    if not any(outcome.endswith("agreed") for outcome in oracle.outcomes):  # this test is run alone
        for number in range(200):
            oracle.hold(case(number), number)
    print(dict(oracle.outcomes))
    for name in names:
        asked = sum(oracle.outcomes[f"{name} {outcome}"] for outcome in ("agreed", "refused", "unsupported"))
        assert oracle.outcomes[f"{name} refused"] < asked * 0.05
        assert oracle.outcomes[f"{name} unsupported"] < asked * 0.05
