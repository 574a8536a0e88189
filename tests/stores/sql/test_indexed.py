"""The databases say themselves which conditions enter an index: EXPLAIN, with parameters that are not known.

PostgreSQL is told to read no table from end to end where it can do otherwise: small tables it reads so in any case.
What no index serves it then reads so all the same.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from dataclasses import replace

import pytest

from kingpost.language.tree import Root, identity
from kingpost.model.model import IndexModel, Model
from kingpost.plan.select import Select
from kingpost.stores.sql.dialects import POSTGRES, SQLITE
from kingpost.stores.sql.translation.translate import translate
from tests.services.postgres import PostgresServer
from tests.stores.sql.databases import MODEL, definitions, sqlite_database
from tests.stores.sql.indexed import FORMS, Form
from tests.stores.sql.test_translate import written


def _model() -> Model:
    """The domain with an index on each column that a form is about."""
    members = {form.column.removesuffix("_id") for form in FORMS} - {"person"}
    person = replace(MODEL["Person"], indexes=tuple(IndexModel((name,)) for name in sorted(members)))
    visit = replace(MODEL["Visit"], indexes=(IndexModel(("person",)),))
    return replace(MODEL, resources={**MODEL.resources, "Person": person, "Visit": visit})


INDEXED = _model()


@pytest.fixture(scope="module")
def sqlite() -> Iterator[sqlite3.Connection]:
    with sqlite_database(data={}, model=INDEXED) as database:
        yield database.connection


@pytest.fixture(scope="module")
def postgres(postgres_server: PostgresServer) -> Iterator[str]:
    url = postgres_server.create_database()
    for text in definitions(INDEXED, POSTGRES):
        postgres_server.sql(text, url)
    yield url
    postgres_server.drop_database(url)


def _select(form: Form) -> Select:
    return Select("Person", (identity(Root("Person")),), where=written(form.text))


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.text)
def test_sqlite(sqlite: sqlite3.Connection, form: Form) -> None:
    text = translate(_select(form), INDEXED, SQLITE).text
    rows = sqlite.execute(f"EXPLAIN QUERY PLAN {text}", [1] * text.count("?")).fetchall()
    plan = "\n".join(row[3] for row in rows)
    entered = re.search(rf"SEARCH .* \({form.column}\b", plan) is not None
    assert entered is (form.kept in ("both", "SQLite")), f"{text}\n{plan}"


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.text)
def test_postgres(postgres_server: PostgresServer, postgres: str, form: Form) -> None:
    text = translate(_select(form), INDEXED, POSTGRES).text
    plan = postgres_server.sql(f"SET enable_seqscan = off; EXPLAIN (GENERIC_PLAN) {text}", postgres)
    entered = re.search(rf"Index Cond: \(+\"?{form.column}\b", plan) is not None
    assert entered is (form.kept in ("both", "PostgreSQL")), f"{text}\n{plan}"
