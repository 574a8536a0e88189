"""Faults that are planted on purpose are found by the oracle of the rules: it can fail, and each way of asking counts.

The same question about the same rule set is answered rightly as soon as the fault is gone.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from kingpost.engine import loading
from kingpost.engine.checks import Checks
from kingpost.language import evaluate
from kingpost.language.tree import TRUE
from kingpost.plan import shapes, supplied
from kingpost.plan.read import ReadPlanner
from kingpost.plan.rights import Right, Rights
from kingpost.plan.standing import Standing
from kingpost.stores.sql.translation import pages
from tests.engine.society_rules import case
from tests.engine.verdict_worlds import ACTORS, Question, World, first_wrong, worlds
from tests.planted import not_takes_unknown_for_false
from tests.services.postgres import PostgresServer

MOST = 150
"""How many rule sets may be asked before the fault is found."""

Plant = Callable[[pytest.MonkeyPatch], None]


def where(forgets: Callable[[ReadPlanner], bool]) -> Plant:
    """Plans without rules, where `forgets` says so."""
    plain: Any = ReadPlanner._where

    def _where(self: ReadPlanner) -> Any:
        if not forgets(self):
            return plain(self)
        planner = ReadPlanner(self.read, self.standing, self.conditions.schema, self.nones)
        planner.conditions = self.conditions
        planner.standing = _Open(self.standing)  # type: ignore[assignment]
        return plain(planner)

    return lambda patch: patch.setattr(ReadPlanner, "_where", _where)


class _Open:
    """The rights of one to whom every row of the resource is visible."""

    def __init__(self, standing: Standing) -> None:
        self._standing = standing

    def __getattr__(self, name: str) -> Any:
        return getattr(self._standing, name)

    def visible(self, resource: str) -> Any:
        return TRUE


def count_of_all(patch: pytest.MonkeyPatch) -> None:
    plain: Any = ReadPlanner._planned

    def _planned(self: ReadPlanner, *given: Any, count: Any = None, **more: Any) -> Any:
        return plain(self, *given, count=count and dataclasses.replace(count, where=None), **more)

    patch.setattr(ReadPlanner, "_planned", _planned)


def no_guard_on_includes(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Standing, "target", lambda self, resource: None)


def denials_forgotten(patch: pytest.MonkeyPatch) -> None:
    plain: Any = Rights._verb

    def _verb(self: Rights, resource: str, verb: str) -> Right:
        found = self.model[resource]
        allows = tuple(rule for rule in found.rules if rule.effect == "allow")
        without = dataclasses.replace(found, rules=allows)
        model = dataclasses.replace(self.model, resources={**self.model.resources, resource: without})
        right: Right = plain(_With(self, model), resource, verb)
        return right

    patch.setattr(Rights, "_verb", _verb)


class _With:
    def __init__(self, plain: Rights, model: Any) -> None:
        self._plain, self.model = plain, model

    def __getattr__(self, name: str) -> Any:
        return getattr(self._plain, name)


def unknown_spares(patch: pytest.MonkeyPatch) -> None:
    """`not` makes unknown true, and a `@deny` that is unknown so spares the row."""

    def negated(operand: Any) -> Any:
        return lambda frame: operand(frame) is not True

    patch.setattr(evaluate, "negated", negated)


def masks_forgotten(patch: pytest.MonkeyPatch) -> None:
    for module in (supplied, shapes):
        patch.setattr(module, "masked", lambda value, right: value)


def plan_of_another(patch: pytest.MonkeyPatch) -> None:
    """What was decided for the first actor holds for all."""
    plain, known = Right.outcomes, {}

    def outcomes(self: Right, frame: Any) -> Any:
        return known.setdefault(id(self), (self, plain(self, frame)))[1]

    patch.setattr(Right, "outcomes", outcomes)


def nothing_checked_afterwards(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Checks, "refuse_unless", lambda *_: None)
    patch.setattr(Checks, "check", lambda *_: [])


def pages_begin_anew(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(pages, "runs", lambda t, select: [])


FAULTS: dict[str, tuple[str, str, Plant]] = {
    "a list of all rows": ("list", "sqlite", where(lambda one: one.read.key is None and not one.read.summaries)),
    "a single read of any row": ("single read", "sqlite", where(lambda one: one.read.key is not None)),
    "a count of all rows": ("count", "postgres", count_of_all),
    "an aggregate of all rows": ("aggregate", "postgres", where(lambda one: bool(one.read.summaries))),
    "an include of any row": ("include", "sqlite", no_guard_on_includes),
    "a second page of all rows": ("page", "sqlite", where(lambda one: one.nones is not None)),
    "a second page like the first": ("page", "postgres", pages_begin_anew),
    "a check on one object that is always passed": (
        "check on one object", "memory", lambda patch: patch.setattr(loading, "_allowed", lambda *_: True),
    ),
    "denials that are forgotten": ("list", "memory", denials_forgotten),
    "denials that spare what is unknown": ("list", "memory", unknown_spares),
    "masks that are forgotten, shown": ("include", "memory", masks_forgotten),
    "masks that are forgotten, in a filter": ("filter", "sqlite", masks_forgotten),
    "masks that are forgotten, in a sum": ("aggregate", "postgres", masks_forgotten),
    "masks that are forgotten, in an order": ("page", "sqlite", masks_forgotten),
    "a plan made for another actor": ("list", "sqlite", plan_of_another),
    "`not` that takes unknown for false, on SQLite": ("list", "sqlite", not_takes_unknown_for_false),
    "`not` that takes unknown for false, on PostgreSQL": ("count", "postgres", not_takes_unknown_for_false),
    "a filter over hidden rows": ("filter", "memory", no_guard_on_includes),
    "a condition over hidden rows": ("where", "sqlite", no_guard_on_includes),
    "a search of all rows": ("search", "memory", where(lambda one: one.read.search is not None)),
    "a relation to all rows": ("relation", "memory", where(lambda one: one.read.relation is not None)),
    "a change that is not looked at afterwards": ("update", "memory", nothing_checked_afterwards),
    "a new row that is not looked at": ("creation", "sqlite", nothing_checked_afterwards),
}  # fmt: skip


@pytest.fixture(scope="module")
def stores(postgres_server: PostgresServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, World]]:
    file, url = tmp_path_factory.mktemp("society") / "society.db", postgres_server.create_database()
    with worlds({"memory": "memory:", "sqlite": f"sqlite:///{file}", "postgres": url}) as made:
        yield made
    postgres_server.drop_database(url)


@pytest.mark.parametrize("fault", FAULTS)
def test_a_planted_fault_is_found(stores: dict[str, World], fault: str) -> None:
    way, store, plant = FAULTS[fault]
    for number in range(MOST):
        questions = [Question(store, me, way, number) for me in ACTORS]
        with pytest.MonkeyPatch.context() as patch:
            plant(patch)
            wrong = first_wrong(stores, case(number), questions)
        if wrong is not None:
            assert "Disagreement" in wrong[1], wrong[1]
            assert first_wrong(stores, case(number), questions) is None
            return
    pytest.fail(f"{fault}: not found by {MOST} rule sets")
