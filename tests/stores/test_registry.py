"""From an address to a store."""

from __future__ import annotations

import builtins
import sys
from importlib.metadata import EntryPoint, EntryPoints
from typing import Any

import pytest

from kingpost.base.problems import DeclarationError
from kingpost.stores import registry
from kingpost.stores.contract import Store
from kingpost.stores.memory.store import MemoryStore
from kingpost.stores.registry import open_store
from kingpost.stores.settings import StoreSettings, split_parameters
from kingpost.stores.sql.mariadb.store import MariaDBStore
from kingpost.stores.sql.postgres.store import PostgresStore
from kingpost.stores.sql.sqlite.store import SqliteStore
from kingpost.testing.conformance_model import MODEL


@pytest.mark.parametrize(
    ("url", "kind"),
    [
        ("memory:", MemoryStore),
        ("sqlite://", SqliteStore),
        ("postgresql://h/db", PostgresStore),
        ("postgres://h/db", PostgresStore),
        ("mysql://h/db", MariaDBStore),
        ("mariadb://h/db", MariaDBStore),
    ],
)
def test_the_scheme_names_the_kind(url: str, kind: type) -> None:
    store: Store = open_store(url, MODEL, "main")
    assert type(store) is kind
    assert store.url == url


def test_an_unknown_scheme_says_which_are_known() -> None:
    with pytest.raises(DeclarationError) as caught:
        open_store("oracle://h/db", MODEL, "main")
    text = str(caught.value)
    assert "oracle" in text
    assert (
        "mariadb, memory, mongodb, mongodb+srv, mysql, ndjson, parquet, postgres, postgresql, redis, rediss, sqlite"
        in text
    )


def test_an_installed_package_brings_a_scheme(monkeypatch: pytest.MonkeyPatch) -> None:
    point = EntryPoint("other", "kingpost.stores.memory.store:MemoryStore", registry.GROUP)
    monkeypatch.setattr(registry, "entry_points", lambda **query: EntryPoints([point]).select(**query))
    assert type(open_store("other:x", MODEL, "main", StoreSettings())) is MemoryStore
    assert "other" in registry.schemes()


def test_a_missing_driver_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without(name: str, *rest: Any) -> Any:
        if name == "asyncpg":
            raise ModuleNotFoundError("No module named 'asyncpg'", name="asyncpg")
        return real(name, *rest)

    for module in list(sys.modules):
        if module.startswith("kingpost.stores.sql.postgres.store"):
            monkeypatch.delitem(sys.modules, module)
    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(DeclarationError, match="pip install asyncpg, or Kingpost with its extra postgres"):
        open_store("postgresql://h/db", MODEL, "main")


def test_parameters_are_taken_out_of_the_address() -> None:
    url = "postgresql://u:p@h/db?pool=3&sslmode=require"
    assert split_parameters(url, ("pool",), rest=True) == ("postgresql://u:p@h/db?sslmode=require", {"pool": "3"})
    with pytest.raises(DeclarationError) as caught:
        split_parameters(url, ("pool",))
    assert "sslmode" in str(caught.value)
    assert "u:p" not in str(caught.value)


def test_an_application_brings_a_scheme(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "_own", {})
    registry.register("mine", MemoryStore)
    assert type(open_store("mine:x", MODEL, "main")) is MemoryStore
    assert "mine" in registry.schemes()


@pytest.mark.parametrize(("scheme", "words"), [("sqlite", "is built in"), ("My Store", "is no scheme")])
def test_a_scheme_that_can_not_be_registered(scheme: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        registry.register(scheme, MemoryStore)
