"""Resources that Kingpost keeps for itself, so that deletes are followed from store to store.

In each store whose deletes are noted there are two: the outbox, written in the transaction of the delete, and the
leases, of which the relay holds one while it works.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from kingpost.base.problems import Problem
from kingpost.language.types import BOOL, DATETIME, INT, TEXT, Type
from kingpost.model.model import Default, FieldModel, IndexModel, Model, ResourceModel
from kingpost.plan.following import Following, unfollowable
from kingpost.stores.contract import Store

VERSION: Final = "_version"


def outbox_in(store: str) -> str:
    """The resource that holds what was deleted in a store and is not followed everywhere yet.

    `resource` and `row`, its key in JSON, say what; `digest` is both in short. `again`: it was followed once, and is
    looked at once more when it is `due`. `tries`: how often that failed.
    """
    return f"_outbox.{store}"


def leases_in(store: str) -> str:
    """The resource that holds who does what alone, and until when."""
    return f"_leases.{store}"


def with_records(model: Model, stores: tuple[str, ...]) -> Model:
    """The model with an outbox and leases in each of the stores."""
    made = [record for store in stores for record in (_outbox(store), _leases(store))]
    return replace(model, resources={**model.resources, **{one.name: one for one in made}})


def unchanging_stores(stores: Mapping[str, Store]) -> frozenset[str]:
    """The stores in which no rows are changed or deleted."""
    return frozenset(name for name, store in stores.items() if not store.abilities.changes)


def followable(model: Model, stores: Mapping[str, Store], following: Following) -> list[Problem]:
    """What is declared of deletes across stores, and can't be carried out by the stores that were given."""
    problems: list[Problem] = []
    for found, relation in unfollowable(model, unchanging_stores(stores)):
        target = model[relation.target]
        message = (
            f"{found.name}.{relation.name}: on_delete={relation.on_delete!r} is carried out in store {found.store!r} "
            f"when a {target.name} is deleted, and that store changes no rows"
        )
        problems.append(Problem("KP321", message, "without on_delete: the reference leads nowhere then"))
    for found in model:
        if following.going(found.name) and not stores[found.store].abilities.transactions:
            below = following.going(found.name)[0]
            message = (
                f"{below.resource}.{below.relation}: rows of {below.resource} go with their {found.name}, and are "
                f"followed into other stores; that takes a transaction, and store {found.store!r} has none"
            )
            problems.append(Problem("KP321", message, f"another store for {found.name} and {below.resource}"))
    return problems


def _outbox(store: str) -> ResourceModel:
    return _record(outbox_in(store), "kingpost_outbox", store, {
        "resource": TEXT, "row": TEXT, "digest": TEXT, "again": BOOL, "tries": INT, "due": DATETIME,
    }, (IndexModel(("due",)), IndexModel(("digest",))))  # fmt: skip


def _leases(store: str) -> ResourceModel:
    return _record(leases_in(store), "kingpost_leases", store, {"holder": TEXT, "until": DATETIME}, ())


def _record(
    name: str, table: str, store: str, types: Mapping[str, Type], indexes: tuple[IndexModel, ...]
) -> ResourceModel:
    fields = {"id": FieldModel("id", TEXT, "id", str, key=True)}
    fields |= {one: FieldModel(one, type, one, object) for one, type in types.items()}
    fields[VERSION] = FieldModel(VERSION, INT, VERSION, int, default=Default("value", 1))
    return ResourceModel(
        name=name, cls=None, path="", table=table, store=store, key=("id",), fields=fields, relations={},
        version=VERSION, indexes=indexes, internal=True,
    )  # fmt: skip
